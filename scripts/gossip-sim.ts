/**
 * Simulates gossip swarms of several sizes and prints redundancy, hops and missed messages beside upstream's figures.
 *
 *   npm run sim -- --nodes 20,100,1000 --workloads single,multi,all
 *   npm run sim -- --nodes 20 --loss 0.2 --loss-mode break --churn 0.2 --seed 7 --json
 *
 * Exit code 1 when a row leaves upstream's band, or a message is delivered twice; 2 for wrong usage.
 */
import { parseArgs } from 'node:util'
import { BAND_LATENCY, UPSTREAM_BANDS, upstreamBand } from '../src/core/gossip/sim/bands.ts'
import type { LossMode } from '../src/core/gossip/sim/network.ts'
import { printRows, type Row, summarize } from '../src/core/gossip/sim/report.ts'
import { runScenario, type Scenario, type Workload } from '../src/core/gossip/sim/simulator.ts'

const WORKLOADS: readonly Workload[] = ['single', 'multi', 'all']
const LOSS_MODES: readonly LossMode[] = ['retransmit', 'break', 'drop']
/** Larger swarms in which everybody speaks take minutes and have no reference. */
const ALL_NODES_MAX = 200

/** Small swarms differ much from seed to seed, large ones hardly and take long. */
const defaultSeeds = (nodes: number): number => (nodes <= 50 ? 40 : nodes <= 200 ? 10 : 2)

const USAGE = `options:
  --nodes 20,100,1000       sizes
  --workloads single,multi,all
  --seeds n                 how many seeds, from --seed on (default: enough to average out chance)
  --seed 0                  first seed
  --rounds n                rounds per run (default: as upstream's suite)
  --latency 10,50           one-way delay per pair, ms
  --loss 0.2                part of the frames that is lost
  --loss-mode retransmit    retransmit | break | drop
  --churn 0.2               part of the nodes replaced in each round
  --json                    machine-readable`

function usage(problem: string): never {
  console.error(`${problem}\n${USAGE}`)
  process.exit(2)
}

function numbers(name: string, text: string, min: number, max: number): number[] {
  return text.split(',').map((part) => {
    const value = Number(part)
    if (part.trim() === '' || !(value >= min && value <= max)) usage(`--${name}: "${part}" is no number from ${min} to ${max}`)
    return value
  })
}

const one = (name: string, text: string, min: number, max: number): number => numbers(name, text, min, max)[0] as number

function oneOf<T extends string>(name: string, text: string, choices: readonly T[]): T {
  const choice = choices.find((c) => c === text)
  return choice ?? usage(`--${name}: "${text}" is none of ${choices.join(', ')}`)
}

function readOptions() {
  try {
    return parseArgs({
      options: {
        nodes: { type: 'string', default: '20,100,1000' },
        workloads: { type: 'string', default: 'single,multi,all' },
        seeds: { type: 'string' },
        seed: { type: 'string', default: '0' },
        rounds: { type: 'string' },
        latency: { type: 'string', default: `${BAND_LATENCY.minMs},${BAND_LATENCY.maxMs}` },
        loss: { type: 'string' },
        'loss-mode': { type: 'string', default: 'retransmit' },
        churn: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values
  } catch (error) {
    return usage((error as Error).message)
  }
}

const options = readOptions()
if (options.help) {
  console.log(USAGE)
  process.exit(0)
}
const [minMs = 0, maxMs = 0] = numbers('latency', options.latency, 0.001, 10_000)
if (maxMs < minMs) usage('--latency: give the smaller value first')
const firstSeed = one('seed', options.seed, 0, 2 ** 32 - 1)
const seedCount = options.seeds === undefined ? undefined : one('seeds', options.seeds, 1, 1000)
const rounds = options.rounds === undefined ? undefined : one('rounds', options.rounds, 1, 10_000)
const mode = oneOf('loss-mode', options['loss-mode'], LOSS_MODES)
const disturbed = {
  ...(options.loss === undefined ? {} : { loss: { rate: one('loss', options.loss, 0, 0.9), mode } }),
  ...(options.churn === undefined ? {} : { churn: one('churn', options.churn, 0, 0.5) }),
}
const isComparable = Object.keys(disturbed).length === 0 && minMs === BAND_LATENCY.minMs && maxMs === BAND_LATENCY.maxMs

const rows: Row[] = []
for (const workload of options.workloads.split(',').map((w) => oneOf('workloads', w, WORKLOADS))) {
  for (const nodes of numbers('nodes', options.nodes, 2, 100_000)) {
    if (workload === 'all' && nodes > ALL_NODES_MAX) continue
    const reference = upstreamBand(workload, nodes)
    const fallback = UPSTREAM_BANDS.find((b) => b.workload === workload)?.rounds ?? 30
    const scenario: Omit<Scenario, 'seed'> = {
      nodes,
      workload,
      rounds: rounds ?? reference?.rounds ?? fallback,
      latency: { minMs, maxMs },
      ...disturbed,
    }
    const count = seedCount ?? defaultSeeds(nodes)
    const results = Array.from({ length: count }, (_, i) => runScenario({ ...scenario, seed: firstSeed + i }))
    rows.push(summarize(results, isComparable ? reference : undefined))
    if (!options.json) process.stderr.write(`${workload} ${nodes} done\n`)
  }
}

if (options.json) console.log(JSON.stringify({ latency: { minMs, maxMs }, ...disturbed, rows }))
else console.log(printRows(rows))
if (rows.some((row) => row.withinBand === false || row.deliveredTwice > 0)) process.exitCode = 1
