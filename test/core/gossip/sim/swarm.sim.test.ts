import { describe, expect, it } from 'vitest'
import { DEFAULT_CONFIG } from '../../../../src/core/gossip/proto/config.ts'
import { BAND_LATENCY, upstreamBand } from '../../../../src/core/gossip/sim/bands.ts'
import { SimNetwork } from '../../../../src/core/gossip/sim/network.ts'
import { printRows, summarize } from '../../../../src/core/gossip/sim/report.ts'
import { runScenario, type Scenario, type ScenarioResult, type Workload } from '../../../../src/core/gossip/sim/simulator.ts'

const seedsFrom = (first: number, count: number): number[] => Array.from({ length: count }, (_, i) => first + i)

function runSeeds(scenario: Omit<Scenario, 'seed' | 'latency'>, seeds: readonly number[]): ScenarioResult[] {
  return seeds.map((seed) => runScenario({ latency: BAND_LATENCY, ...scenario, seed }))
}

describe('against the reference simulator (gossip 17 B.3)', () => {
  it.each<[Workload, number, number]>([
    ['single', 20, 10],
    ['single', 100, 10],
    ['single', 1000, 1],
    ['multi', 20, 40],
    ['multi', 100, 10],
    ['multi', 1000, 1],
    ['all', 20, 3],
    ['all', 100, 1],
  ])('%s with %d nodes stays in the band', (workload, nodes, seeds) => {
    const band = upstreamBand(workload, nodes)
    expect(band).toBeDefined()
    const row = summarize(runSeeds({ nodes, workload, rounds: band?.rounds ?? 0 }, seedsFrom(0, seeds)), band)
    expect(row.withinBand, printRows([row])).toBe(true)
  })

  it('keeps the pass criteria of the reference with 100 nodes and 10–100 ms', () => {
    const latency = { minMs: 10, maxMs: 100 }
    for (const [workload, rounds, ldh, rmr] of [
      ['single', 30, 15, 0.2],
      ['multi', 30, 18, 1],
      ['all', 5, 30, 3],
    ] as const) {
      const row = summarize([runScenario({ nodes: 100, workload, rounds, seed: 0, latency })])
      expect(row.missed + row.cutOff).toBe(0)
      expect(row.ldh.mean).toBeLessThan(ldh)
      expect(row.rmr.mean).toBeLessThan(rmr)
    }
  })

  it('is repeatable, and works with a staged bootstrap', () => {
    const scenario = { nodes: 60, workload: 'multi', rounds: 5, seed: 3, latency: BAND_LATENCY, bootstrapNodes: 5 } as const
    const result = runScenario(scenario)
    expect(runScenario(scenario)).toEqual(result)
    expect(result.isolated).toBe(0)
    expect(result.rounds.every((round) => round.missed === 0)).toBe(true)
  })

  it('leaves no node alone when only membership runs', () => {
    const membership = { ...DEFAULT_CONFIG.membership, shuffleIntervalMs: 5_000 }
    const result = runScenario({
      nodes: 100,
      workload: 'single',
      rounds: 0,
      seed: 0,
      latency: { minMs: 10, maxMs: 100 },
      config: { ...DEFAULT_CONFIG, membership },
    })
    expect(result.isolated).toBe(0)
    expect(result.neighborCounts.length).toBeLessThanOrEqual(6)
  })
})

describe('loss and churn', () => {
  const seeds = seedsFrom(0, 10)
  const twenty = { nodes: 20, rounds: 30 } as const

  it.each<[string, Partial<Scenario>]>([
    ['20 % loss and 20 % churn', { loss: { rate: 0.2, mode: 'retransmit' }, churn: 0.2 }],
    ['20 % churn', { churn: 0.2 }],
    ['2 % of the frames breaking their connection', { loss: { rate: 0.02, mode: 'break' } }],
    ['20 % of the frames breaking their connection, 20 % churn', { loss: { rate: 0.2, mode: 'break' }, churn: 0.2 }],
  ])('20 nodes with %s deliver everything the model promises', (_, disturbance) => {
    for (const workload of ['single', 'multi'] as const) {
      const row = summarize(runSeeds({ ...twenty, ...disturbance, workload }, seeds))
      expect(row.missed, printRows([row])).toBe(0)
      expect(row.deliveredTwice).toBe(0)
      expect(row.isolated).toBe(0)
    }
  })

  it('20 % packet loss and churn cost fewer than one message in 200', () => {
    const row = summarize(runSeeds({ ...twenty, workload: 'multi', loss: { rate: 0.2, mode: 'retransmit' }, churn: 0.2 }, seeds))
    expect(row.cutOff / row.received).toBeLessThan(0.005)
  })

  it('repairs most of what silently lost frames leave out', () => {
    const row = summarize(runSeeds({ ...twenty, workload: 'multi', loss: { rate: 0.02, mode: 'drop' } }, seeds))
    expect(row.missed / row.received).toBeLessThan(0.001)
  })
})

describe('mass failure', () => {
  it.each([0.2, 0.5])('heals after %d of the nodes vanish at once', (part) => {
    for (const seed of seedsFrom(0, 3)) {
      const got = new Set<number>()
      const net: SimNetwork = new SimNetwork({
        seed,
        config: DEFAULT_CONFIG,
        latency: BAND_LATENCY,
        rejoin: true,
        onTopicEvent: (node, _, event) => {
          if (event.type === 'received') got.add(node)
        },
      })
      for (let node = 0; node < 100; node++) net.add(node)
      for (let node = 0; node < 100; node++) net.join(node, node === 0 ? [] : [0])
      net.runFor(2_000)
      for (let node = 1; node <= 100 * part; node++) net.remove(node)
      expect(net.runUntil(() => net.isolated().length === 0, 120_000)).toBe(true)
      net.runFor(5_000)
      net.broadcast(0, Uint8Array.of(seed))
      const others = net.nodes().length - 1
      expect(net.runUntil(() => got.size === others, 5_000)).toBe(true)
    }
  })

  it('grows together after a partition when somebody is told of the other side', () => {
    const net = new SimNetwork({ seed: 5, config: DEFAULT_CONFIG, latency: BAND_LATENCY, rejoin: true })
    for (let node = 0; node < 40; node++) net.add(node)
    for (let node = 0; node < 40; node++) net.join(node, node === 0 ? [] : [0])
    net.runFor(2_000)
    const left = net.nodes().slice(0, 20)
    const right = net.nodes().slice(20)
    net.partition(left, right)
    net.runFor(10_000)
    for (const node of left) expect(net.neighbors(node).every((other) => other < 20)).toBe(true)
    net.heal()
    net.join(20, [0])
    net.runFor(130_000)
    const reached = new Set([0])
    for (const node of reached) for (const next of net.neighbors(node)) reached.add(next)
    expect(reached.size).toBe(40)
  })
})
