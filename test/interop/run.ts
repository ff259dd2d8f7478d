// npm run test:interop -- [--only name,name] [--list] [--json] [--jobs n] [--write]: builds the Rust peer, runs the scenarios
// against it, prints the matrix and writes it to docs/interop.md: whole runs, and with --write the rows of the chosen ones.
// Exit codes: 0 all passed, 1 something failed, 2 usage, 3 no cargo (1 where CI=true).
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { errorMessage } from '../../src/base/errors.ts'
import { buildPeer, targetFolder } from './lab/build.ts'
import { closeAll } from './lab/lab-run.ts'
import { figures, matrix, reasons, summary, writeReport } from './lab/report.ts'
import { mergeReport } from './lab/report-merge.ts'
import { type Result, runAll } from './lab/runner.ts'
import { scenarios } from './scenarios/index.ts'

const NO_CARGO = 3
const REPORT = join(import.meta.dirname, '../../docs/interop.md')

const OPTIONS = {
  only: { type: 'string' },
  list: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  jobs: { type: 'string', default: '3' },
  write: { type: 'boolean', default: false },
} as const

function parse() {
  try {
    return parseArgs({ options: OPTIONS }).values
  } catch (error) {
    console.error(errorMessage(error))
    return process.exit(2)
  }
}

const values = parse()

let binary = ''
const wanted = values.only?.split(',').filter((name) => name !== '')
const isChosen = (name: string): boolean =>
  wanted === undefined ||
  wanted.some((w) => name === w || name.startsWith(`${w}.`) || (w.endsWith('*') && name.startsWith(w.slice(0, -1))))
const chosen = scenarios(() => binary).filter((s) => isChosen(s.name))

function toJson(results: readonly Result[]): string {
  return JSON.stringify({
    summary: summary(results),
    results: results.map(({ scenario, direction, status, reason, figures: measured, seconds }) => ({
      scenario: scenario.name,
      direction,
      status,
      reason,
      figures: measured,
      seconds: Number(seconds.toFixed(2)),
    })),
  })
}

async function main(): Promise<number> {
  if (values.list) {
    for (const s of chosen) console.log(`${s.name}  [${s.directions.join(', ')}]  ${s.what}`)
    return 0
  }
  const jobs = Number(values.jobs)
  if (chosen.length === 0 || !Number.isInteger(jobs) || jobs < 1) {
    console.error(chosen.length === 0 ? 'no scenario has this name; see --list' : '--jobs is a number from 1')
    return 2
  }
  console.error(`building the Rust peer in ${targetFolder()}`)
  const build = await buildPeer((line) => console.error(`  ${line}`))
  if (build.status === 'no-cargo') {
    console.error('cargo is not installed: the interop lab needs a Rust tool chain (https://rustup.rs)')
    return process.env.CI === 'true' ? 1 : NO_CARGO
  }
  if (build.status === 'failed') {
    console.error('the Rust peer does not build')
    return 1
  }
  binary = build.binary
  console.error(`built in ${build.seconds.toFixed(0)} s`)
  const results = await runAll(chosen, {
    binary,
    jobs,
    secondTry: process.env.CI === 'true',
    onResult: ({ scenario, direction, status, seconds, reason }) =>
      console.error(
        `${status.padEnd(7)} ${scenario.name} ${direction} (${seconds.toFixed(1)} s)${reason === undefined ? '' : ` ${reason}`}`,
      ),
  })
  if (values.json) console.log(toJson(results))
  else {
    for (const part of [matrix(results), figures(results), reasons(results)]) if (part !== '') console.log(`\n${part}`)
  }
  if (wanted === undefined) await writeReport(REPORT, results)
  else if (values.write) {
    const all = scenarios(() => binary).map((s) => s.name)
    await mergeReport(REPORT, results, all)
  }
  console.log(`${values.json ? '' : '\n'}${summary(results)}`)
  return results.some((r) => r.status === 'failed') ? 1 : 0
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void closeAll().finally(() => process.exit(1))
  })
}
process.exit(await main())
