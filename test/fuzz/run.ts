import { parseArgs } from 'node:util'
import { seededRng } from '../../src/base/random.ts'
import { fuzz } from './fuzz.ts'
import { TARGETS } from './targets.ts'

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '1000000' },
    /** In all, over all decoders. */
    seconds: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    only: { type: 'string' },
  },
})
const targets = TARGETS.filter((target) => values.only === undefined || target.name.includes(values.only))
const seed = Number(values.seed)
console.log(`seed ${seed}, ${targets.length} decoders`)
for (const [i, target] of targets.entries()) {
  const result = fuzz(target, seededRng(seed + i), {
    inputs: Number(values.inputs),
    hangMs: 50,
    ...(values.seconds !== undefined && { ms: (Number(values.seconds) * 1000) / targets.length }),
  })
  const { inputs, accepted, slowestMs } = result
  console.log(
    `${target.name.padEnd(30)} ${String(inputs).padStart(8)} inputs, ${accepted} read, slowest ${slowestMs.toFixed(1)} ms`,
  )
}
