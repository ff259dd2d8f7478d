// npm run bench -- [--json] [--only name,name] [--quick]: runs the benchmarks one after the other and prints their figures.
// Ratios are measured side by side in one run; absolute figures belong to the machine named in the output.
import { cpus, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { BENCHES } from './registry.ts'

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, only: { type: 'string' }, quick: { type: 'boolean', default: false } },
})
const wanted = values.only?.split(',').filter((name) => name !== '')
const chosen = BENCHES.filter((b) => wanted === undefined || wanted.some((w) => b.name === w || b.name.startsWith(`${w}.`)))
if (chosen.length === 0) {
  console.error(`no such benchmark; there are: ${BENCHES.map((b) => b.name).join(', ')}`)
  process.exit(2)
}

// What a measurement started ends with this process.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

const results: Record<string, unknown> = {}
for (const bench of chosen) {
  console.error(`── ${bench.name}: ${bench.what}`)
  const begun = performance.now()
  const seconds = (): number => Math.round((performance.now() - begun) / 1000)
  try {
    const report = (step: string): void => console.error(`   ${String(seconds()).padStart(4)} s  ${step}`)
    const result = await bench.run({ quick: values.quick, report })
    results[bench.name] = result
    if (!values.json) console.log(JSON.stringify(result, null, 2))
  } catch (error) {
    results[bench.name] = { error: error instanceof Error ? error.message : String(error) }
    console.error(`${bench.name} failed:`, error)
    process.exitCode = 1
  }
  console.error(`   ${String(seconds()).padStart(4)} s  done`)
}
const machine = {
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memoryGiB: Math.round(totalmem() / 1024 ** 3),
  node: process.version,
}
if (values.json) console.log(JSON.stringify({ machine, results }))
process.exit()
