import { buildPeer } from '../test/interop/lab/build.ts'
import type { LabNode, LabTopic } from '../test/interop/lab/lab-node.ts'
import { LabRun } from '../test/interop/lab/lab-run.ts'
import type { Impl } from '../test/interop/lab/peer-process.ts'

/** One pair of neighbours, each in a process of its own, over loopback QUIC. Latencies in ms at a moderate rate. */
export interface PairFigures {
  readonly msgsPerSec: number
  readonly p50: number
  readonly p99: number
}

export interface GossipVsRust {
  readonly ts: PairFigures
  readonly rust: PairFigures
  /** Ours divided by theirs: throughput (more is better) and 99th percentile of the latency (less is better). */
  readonly ratio: { readonly msgsPerSec: number; readonly p99: number }
}

const BYTES = 500
/** Unconfirmed messages in flight while the throughput is measured. */
const WINDOW = 256
const PACED = { count: 1_000, rate: 200 }
/** Repetitions; the pairs take turns, so that a busy moment of the machine meets both. The median counts. */
const ROUNDS = 3

interface Pair {
  readonly from: LabTopic
  readonly to: LabTopic
}

interface SenderReport {
  readonly received: number
  readonly span_ns: number
  readonly latencies_us: number[]
}

/** Throughput and latency of two TypeScript nodes beside two Rust nodes, in one run. Rejects when the Rust peer cannot be built. */
export async function benchGossipVsRust(options: { readonly quick?: boolean } = {}): Promise<GossipVsRust> {
  const build = await buildPeer()
  if (build.status === 'no-cargo') throw new Error('cargo is not installed: no Rust peer to compare with')
  if (build.status === 'failed') throw new Error(`the Rust peer does not build: ${build.output.slice(-500)}`)
  const lab = new LabRun(build.binary)
  try {
    const pairs = { ts: await connect(lab, 'ts'), rust: await connect(lab, 'rust') }
    const bursts = { ts: options.quick === true ? 2_000 : 20_000, rust: options.quick === true ? 10_000 : 100_000 }
    const rounds = { ts: [] as PairFigures[], rust: [] as PairFigures[] }
    for (let round = 0; round < ROUNDS; round++) {
      for (const impl of ['ts', 'rust'] as const) rounds[impl].push(await measure(pairs[impl], bursts[impl], round * 2))
    }
    const ts = medianOf(rounds.ts)
    const rust = medianOf(rounds.rust)
    return { ts, rust, ratio: { msgsPerSec: round3(ts.msgsPerSec / rust.msgsPerSec), p99: round3(ts.p99 / rust.p99) } }
  } finally {
    await lab.close()
  }
}

async function connect(lab: LabRun, impl: Impl): Promise<Pair> {
  const [a, b] = (await Promise.all([lab.node(impl), lab.node(impl)])) as [LabNode, LabNode]
  await a.knows(b)
  const topic = lab.topic()
  const to = await b.subscribe(topic)
  const from = await a.subscribe(topic, [b])
  await Promise.all([from.up(b), to.up(a)])
  return { from, to }
}

async function measure(pair: Pair, count: number, run: number): Promise<PairFigures> {
  const burst = await send(pair, { run, count, window: WINDOW })
  const paced = await send(pair, { run: run + 1, ...PACED })
  const sorted = paced.latencies_us.sort((x, y) => x - y)
  const at = (q: number): number => round3((sorted[Math.floor(q * sorted.length)] ?? 0) / 1000)
  return { msgsPerSec: Math.round(burst.received / (burst.span_ns / 1e9)), p50: at(0.5), p99: at(0.99) }
}

interface Order {
  readonly run: number
  readonly count: number
  readonly window?: number
  readonly rate?: number
}

/** Sends and waits until all has arrived. */
async function send({ from, to }: Pair, order: Order): Promise<SenderReport> {
  await from.node.peer.call('load.send', { handle: from.handle, sender: 0, size: BYTES, ...order }, 120_000)
  const deadline = performance.now() + 10_000
  for (;;) {
    const args = { topic: to.topic, run: order.run, latencies: true }
    const { senders } = await to.node.peer.call<{ senders: Record<string, SenderReport> }>('load.report', args, 60_000)
    const report = senders['0']
    if (report !== undefined && report.received === order.count) return report
    if (performance.now() > deadline) throw new Error(`${report?.received ?? 0} of ${order.count} messages arrived`)
    await new Promise((done) => setTimeout(done, 50))
  }
}

const median = (values: readonly number[]): number => [...values].sort((x, y) => x - y)[Math.floor(values.length / 2)] ?? 0
const round3 = (value: number): number => Math.round(value * 1000) / 1000

const medianOf = (rounds: readonly PairFigures[]): PairFigures => ({
  msgsPerSec: median(rounds.map((r) => r.msgsPerSec)),
  p50: median(rounds.map((r) => r.p50)),
  p99: median(rounds.map((r) => r.p99)),
})
