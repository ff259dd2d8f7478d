import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../src/base/clock.ts'
import { seededRng } from '../src/base/random.ts'
import { BLOBS_ALPN, BlobProvider, getRanges, MemoryBlobStore, type ProviderLimits } from '../src/core/blobs/index.ts'
import { blake3 } from '../src/core/blobs/tree/blake3.ts'
import { ALL } from '../src/core/blobs/tree/ranges.ts'
import { type Hash, peerIdOf } from '../src/core/ids.ts'
import { MemoryNetwork } from '../src/core/net/memory-network.ts'
import type { Connection, Transport } from '../src/core/net/transport.ts'
import { bindLoopback, pattern } from '../test/core/net/support.ts'
import { buildPeer } from '../test/interop/lab/build.ts'
import { LabRun } from '../test/interop/lab/lab-run.ts'
import { floodedByPeer } from '../test/interop/scenarios/blobs-flood.ts'
import { TsChild } from '../test/support/ts-child.ts'
import { round1 } from './blob-cost.ts'
import { cpuSecondsOf } from './proc-stat.ts'

interface Service {
  /** Blobs of 64 KiB an honest peer gets in a second, one after the other. */
  readonly perSecond: number
  /** ms one of them takes: 99th percentile and worst. */
  readonly p99: number
  readonly max: number
}

interface Flood extends Service {
  /** Requests that are none: sent by the attackers, and read by the provider, per second. */
  readonly junkSentPerSecond: number
  readonly junkReadPerSecond: number
}

interface QuicFlood extends Flood {
  /** Processor time of the attackers, in processors, and what they sent in a second of it: all that binding and machine carry. */
  readonly attackersProcessors: number
  readonly junkSentPerProcessor: number
}

/** A Rust peer floods a node of ours, which has its usual limits, under ever new keys; two honest Rust peers download meanwhile. */
interface RustFlood {
  /** Requests that left in packets. */
  readonly junkSentPerSecond: number
  readonly connectionsPerSecond: number
  /** MiB/s of blobs, each compared with its hash: to a peer of the attackers' address that was served before, and to one of another. */
  readonly toKnown: number
  readonly toStranger: number
}

export interface BlobFloodBench {
  /** Undefined without a Rust tool chain. */
  readonly rust: RustFlood | undefined
  readonly alone: Service
  /** Over QUIC, from ever new identities of one address, as long as the provider lets them in. */
  readonly underFlood: QuicFlood
  /** Over QUIC with a provider that reads and answers every piece of junk: as much as binding and machine carry. */
  readonly unlimited: QuicFlood
  /** In memory, at least 10,000 a second offered in the provider's own thread, from ever new identities and addresses. */
  readonly tenThousand: Flood
  /** Bars that do not hold: 10,000 pieces of junk a second, from the Rust peer and in memory, and service meanwhile. */
  readonly missed: readonly string[]
}

const ATTACKERS = 2
const LEAST_PER_SECOND = 10_000
/** A little more than what must be borne, because a busy loop sends the last of it late. */
const OFFERED_PER_SECOND = 10_500
const JUNK = fileURLToPath(new URL('../test/core/blobs/provider/junk-child.ts', import.meta.url))
const NO_LIMITS: Partial<ProviderLimits> = {
  ratePerPeer: 1e9,
  burstPerPeer: 1e9,
  junkPerSecond: 1e9,
  junkBurst: 1e9,
  junkPerSecondOfAddress: 1e9,
  junkBurstOfAddress: 1e9,
}

async function serve(connection: Connection, hash: Hash, ms: number): Promise<Service> {
  const sink = { size: async () => {}, pair: async () => {}, leaf: async () => {} }
  const took: number[] = []
  const until = performance.now() + ms
  while (performance.now() < until) {
    const begun = performance.now()
    await getRanges(connection, { hash, ranges: ALL, maxSize: 1 << 20, stallMs: 30_000 }, sink)
    took.push(performance.now() - begun)
  }
  took.sort((a, b) => a - b)
  const at = (part: number): number => Math.round((took[Math.floor((took.length - 1) * part)] ?? 0) * 10) / 10
  return { perSecond: Math.round((took.length * 1000) / ms), p99: at(0.99), max: at(1) }
}

async function accepting(door: Transport, provider: BlobProvider): Promise<void> {
  for (let incoming = await door.nextIncoming(); incoming !== null; incoming = await door.nextIncoming())
    incoming.accept().then(
      (connection) => provider.serve(connection),
      () => {}, // an attacker that vanished in its handshake
    )
}

/** Service while `sent` and the provider's count of junk go on. */
async function flooded(provider: BlobProvider, sent: () => number, service: () => Promise<Service>): Promise<Flood> {
  const [sentBefore, readBefore, begun] = [sent(), provider.stats.malformed, performance.now()]
  const served = await service()
  const seconds = (performance.now() - begun) / 1000
  return {
    ...served,
    junkSentPerSecond: Math.round((sent() - sentBefore) / seconds),
    junkReadPerSecond: Math.round((provider.stats.malformed - readBefore) / seconds),
  }
}

async function overQuic(ms: number, limits: Partial<ProviderLimits>): Promise<{ alone: Service; flood: QuicFlood }> {
  const store = new MemoryBlobStore(1 << 20)
  const hash = store.add(pattern(65_536))
  const provider = new BlobProvider({ store, limits: { ratePerPeer: 10_000, burstPerPeer: 10_000, ...limits } })
  const [door, own] = [await bindLoopback([BLOBS_ALPN]), await bindLoopback([])]
  const loop = accepting(door, provider)
  const attackers: TsChild[] = []
  const sent = (): number => attackers.reduce((sum, child) => sum + Number(child.lines.at(-1) ?? 0), 0)
  const cpu = (): number => attackers.reduce((sum, { child }) => sum + cpuSecondsOf(child.pid ?? 0), 0)
  try {
    const connection = await own.connect(door.localAddr(), BLOBS_ALPN)
    await serve(connection, hash, 500)
    const alone = await serve(connection, hash, ms)
    for (let i = 0; i < ATTACKERS; i++) attackers.push(new TsChild(JUNK, [JSON.stringify(door.localAddr())]))
    await Promise.all(attackers.map((child) => child.until((lines) => Number(lines.at(-1)) > 0)))
    const [sentBefore, cpuBefore, begun] = [sent(), cpu(), performance.now()]
    const flood = await flooded(provider, sent, () => serve(connection, hash, ms))
    const used = cpu() - cpuBefore
    return {
      alone,
      flood: {
        ...flood,
        attackersProcessors: Math.round((used * 1e5) / (performance.now() - begun)) / 100,
        junkSentPerProcessor: used === 0 ? 0 : Math.round((sent() - sentBefore) / used),
      },
    }
  } finally {
    await Promise.all(attackers.map((child) => child.end('SIGKILL')))
    await Promise.all([door.close(), own.close()])
    await loop
    await store.close()
  }
}

/** What the machine cannot carry over QUIC with both ends on it: the same code between the interfaces of the net layer. */
async function inMemory(ms: number): Promise<Flood> {
  const store = new MemoryBlobStore(1 << 20)
  const hash = store.add(pattern(65_536))
  const provider = new BlobProvider({ store, limits: { ratePerPeer: 10_000, burstPerPeer: 10_000 } })
  const network = new MemoryNetwork({ clock: systemClock, rng: seededRng(1) })
  const bind = (n: number): Transport => network.bind({ id: peerIdOf(blake3(pattern(4, n))), alpns: [BLOBS_ALPN] })
  const door = bind(1)
  const loop = accepting(door, provider)
  const dial = (n: number): Promise<Connection> => bind(n).connect(door.localAddr(), BLOBS_ALPN)
  const peers = await Promise.all(Array.from({ length: 20 }, (_, i) => dial(10 + i)))
  let sent = 0
  let strangers = 100
  const send = async (connection: Connection): Promise<void> => {
    const { send, recv } = await connection.openBi()
    await send.write(new Uint8Array([7, 1, 2, 3]))
    await send.finish()
    await recv.read(1)
  }
  const offer = async (slot: number): Promise<void> => {
    const connection = peers[slot] as Connection
    if (!connection.isClosed) return send(connection)
    // Turned away: the next one, from an address of its own.
    const made = await dial(strangers++)
    if (peers[slot] === connection) peers[slot] = made
    await send(made)
  }
  const begun = performance.now()
  const timer = setInterval(() => {
    const due = ((performance.now() - begun) * OFFERED_PER_SECOND) / 1000
    for (; sent < due; sent++) offer(sent % peers.length).catch(() => {}) // turned away in the middle
  }, 5)
  try {
    const connection = await dial(2)
    return await flooded(
      provider,
      () => sent,
      () => serve(connection, hash, ms),
    )
  } finally {
    clearInterval(timer)
    await door.close()
    await loop
    await store.close()
  }
}

async function fromRust(): Promise<RustFlood | undefined> {
  const build = await buildPeer()
  if (build.status !== 'built') return undefined
  const lab = new LabRun(build.binary)
  try {
    const { known, stranger, flood } = await floodedByPeer(lab)
    const perSecond = (count: number): number => round1(count / flood.seconds)
    return {
      junkSentPerSecond: perSecond(flood.sent),
      connectionsPerSecond: perSecond(flood.connections),
      toKnown: perSecond(known),
      toStranger: perSecond(stranger),
    }
  } finally {
    await lab.close()
  }
}

/** What an honest peer gets of a provider while others flood it with junk. */
export async function benchBlobFlood(options: { readonly quick?: boolean } = {}): Promise<BlobFloodBench> {
  const ms = options.quick === true ? 3_000 : 10_000
  const rust = await fromRust()
  const { alone, flood } = await overQuic(ms, {})
  const { flood: unlimited } = await overQuic(ms, NO_LIMITS)
  const tenThousand = await inMemory(ms)
  const missed = [
    ...(rust !== undefined && rust.junkSentPerSecond < LEAST_PER_SECOND ? ['rust.junkSentPerSecond'] : []),
    ...(rust !== undefined && Math.min(rust.toKnown, rust.toStranger) === 0 ? ['rust.service'] : []),
    ...(tenThousand.junkSentPerSecond < LEAST_PER_SECOND ? ['tenThousand.junkSentPerSecond'] : []),
    ...(tenThousand.perSecond === 0 ? ['tenThousand.service'] : []),
  ]
  if (missed.length > 0) process.exitCode = 1
  return { rust, alone, underFlood: flood, unlimited, tenThousand, missed }
}
