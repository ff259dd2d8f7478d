import { strict as assert } from 'node:assert'
import { below, seededRng } from '../../../src/base/random.ts'
import type { GossipMetrics, LabNode, LabTopic } from '../lab/lab-node.ts'
import type { Impl } from '../lab/peer-process.ts'
import type { Direction, Figures, Lab, Scenario } from '../lab/scenario.ts'
import { pause } from './gossip-basic.ts'

const hex = (text: string): string => Buffer.from(text).toString('hex')
const NODES = 6

export const meshImpls = (direction: Direction): readonly Impl[] =>
  direction === 'mixed' ? ['rust', 'ts', 'rust', 'ts', 'rust', 'ts'] : Array.from({ length: NODES }, () => 'rust' as const)

interface Mesh {
  readonly nodes: readonly LabNode[]
  readonly topics: readonly LabTopic[]
}

/** Six nodes that know the first one only; the others' addresses come by gossip. */
async function mesh(lab: Lab, direction: Direction): Promise<Mesh> {
  const nodes = await Promise.all(meshImpls(direction).map((impl) => lab.node(impl)))
  const hub = nodes[0] as LabNode
  for (const node of nodes.slice(1)) await node.knows(hub)
  const topic = lab.topic()
  const first = await hub.subscribe(topic)
  const others = await Promise.all(nodes.slice(1).map((node) => node.subscribe(topic, [hub])))
  const topics = [first, ...others]
  await Promise.all(topics.map((t) => t.anyUp()))
  await pause(1_500)
  return { nodes, topics }
}

const delivery: Scenario = {
  name: 'gossip.mesh',
  what: 'six nodes joined through one: each one’s message reaches all others, once',
  directions: ['mixed', 'rust→rust'],
  async run(lab, direction) {
    const { topics } = await mesh(lab, direction)
    for (let round = 0; round < 5; round++) {
      await Promise.all(topics.map((t, i) => t.broadcast({ text: `from ${i} in round ${round}` })))
      await Promise.all(
        topics.flatMap((t, i) =>
          topics.map((_, j) => (i === j ? undefined : t.received(hex(`from ${j} in round ${round}`), 10_000))),
        ),
      )
    }
    for (const [i, t] of topics.entries()) {
      assert.equal(t.all('gossip.received').length, 5 * (NODES - 1), `node ${i} received each message once`)
    }
    return undefined
  },
}

const CHURN_STEPS = 60

const churn: Scenario = {
  name: 'gossip.churn',
  what: `${CHURN_STEPS} random leaves, joins and messages in a mesh: no malformed frame, and all are together again at the end`,
  directions: ['mixed'],
  limitMs: 90_000,
  async run(lab, direction) {
    const { nodes, topics } = await mesh(lab, direction)
    const live: (LabTopic | undefined)[] = [...topics]
    const hub = nodes[0] as LabNode
    const name = (topics[0] as LabTopic).topic
    const rng = seededRng(7)
    for (let step = 0; step < CHURN_STEPS; step++) {
      const i = 1 + below(rng, NODES - 1)
      const topic = live[i]
      if (topic === undefined) live[i] = await (nodes[i] as LabNode).subscribe(name, [hub])
      else if (below(rng, 3) === 0) {
        await topic.leave()
        live[i] = undefined
      } else await topic.broadcast({ text: `step ${step}` })
      await pause(50)
    }
    for (let i = 1; i < NODES; i++) live[i] ??= await (nodes[i] as LabNode).subscribe(name, [hub])
    const all = live as LabTopic[]
    await reachAll(all)
    return undefined
  },
}

/** Messages until every node has received one of each other node's; the tree may need a moment to heal. */
async function reachAll(topics: readonly LabTopic[]): Promise<void> {
  let error: unknown
  for (let attempt = 0; attempt < 10; attempt++) {
    await pause(1_000)
    await Promise.all(topics.map((t, i) => t.broadcast({ text: `end ${attempt} of ${i}` })))
    try {
      await Promise.all(
        topics.flatMap((t, i) => topics.map((_, j) => (i === j ? undefined : t.received(hex(`end ${attempt} of ${j}`), 2_000)))),
      )
      return
    } catch (failure) {
      error = failure
    }
  }
  throw error
}

export interface LoadOptions {
  readonly count: number
  readonly rate: number
  readonly size: number
}

interface SenderReport {
  readonly received: number
  readonly duplicates: number
  readonly latencies_us: readonly number[]
}

/** What every node sends at once, and what arrived. */
export async function measureLoad({ nodes, topics }: Mesh, { count, rate, size }: LoadOptions): Promise<Figures> {
  const run = 1
  const before = await Promise.all(nodes.map((node) => node.metrics()))
  const seconds = await Promise.all(
    topics.map(async (t, sender) => {
      const order = { handle: t.handle, run, sender, count, size, rate }
      return (await t.node.peer.call<{ seconds: number }>('load.send', order, 180_000)).seconds
    }),
  )
  const expected = count * (nodes.length - 1)
  const reports = await arrived(topics, run, expected)
  const after = await Promise.all(nodes.map((node) => node.metrics()))
  const copies = sum(after, 'data_recv') - sum(before, 'data_recv')
  const received = reports.reduce((n, r) => n + r.reduce((m, s) => m + s.received, 0), 0)
  const duplicates = reports.reduce((n, r) => n + r.reduce((m, s) => m + s.duplicates, 0), 0)
  const latencies = (impl?: Impl): number[] =>
    reports
      .flatMap((r, i) => (impl === undefined || nodes[i]?.impl === impl ? r.flatMap((s) => s.latencies_us) : []))
      .sort((x, y) => x - y)
  const all = latencies()
  return {
    'messages sent': count * nodes.length,
    'messages/s offered': Math.round((count * nodes.length) / Math.max(...seconds)),
    missed: expected * nodes.length - received,
    duplicates,
    RMR: (copies / Math.max(1, received - 1) - 1).toFixed(3),
    'p50 ms': ms(quantile(all, 0.5)),
    'p99 ms': ms(quantile(all, 0.99)),
    'max ms': ms(quantile(all, 1)),
    ...(nodes.some((n) => n.impl === 'ts') && {
      'p99 ms at TS nodes': ms(quantile(latencies('ts'), 0.99)),
      'p99 ms at Rust nodes': ms(quantile(latencies('rust'), 0.99)),
    }),
  }
}

const sum = (metrics: readonly GossipMetrics[], key: 'data_recv'): number => metrics.reduce((n, m) => n + m[key], 0)
const ms = (us: number): string => (us / 1000).toFixed(1)
export const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0

/** The reports of all nodes once everything has arrived, or as they are after ten seconds. */
async function arrived(topics: readonly LabTopic[], run: number, expected: number): Promise<SenderReport[][]> {
  const report = async (t: LabTopic, latencies: boolean): Promise<SenderReport[]> => {
    const args = { topic: t.topic, run, latencies }
    return Object.values((await t.node.peer.call<{ senders: Record<string, SenderReport> }>('load.report', args, 60_000)).senders)
  }
  const deadline = performance.now() + 10_000
  for (;;) {
    const counts = await Promise.all(topics.map(async (t) => (await report(t, false)).reduce((n, s) => n + s.received, 0)))
    if (counts.every((n) => n >= expected) || performance.now() > deadline) break
    await pause(200)
  }
  return await Promise.all(topics.map((t) => report(t, true)))
}

const LOAD: LoadOptions = { count: 2_000, rate: 100, size: 500 }

const load: Scenario = {
  name: 'gossip.load',
  what: `every one of six nodes sends ${LOAD.count} messages of ${LOAD.size} bytes at ${LOAD.rate}/s: none missed, none delivered twice`,
  directions: ['mixed', 'rust→rust'],
  alone: true,
  limitMs: 180_000,
  async run(lab, direction) {
    const figures = await measureLoad(await mesh(lab, direction), LOAD)
    assert.equal(figures.missed, 0, `messages missed: ${JSON.stringify(figures)}`)
    assert.equal(figures.duplicates, 0, `messages delivered twice: ${JSON.stringify(figures)}`)
    // Upstream's own bound for everybody sending at once (gossip 17).
    assert.ok(Number(figures.RMR) < 3, `more copies than PlumTree allows: ${JSON.stringify(figures)}`)
    return figures
  },
}

export const gossipMesh: readonly Scenario[] = [delivery, churn, load]
