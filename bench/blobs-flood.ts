import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { BLOBS_ALPN, BlobProvider, getRanges, MemoryBlobStore } from '../src/core/blobs/index.ts'
import { ALL } from '../src/core/blobs/tree/ranges.ts'
import type { Hash } from '../src/core/ids.ts'
import type { Connection } from '../src/core/net/index.ts'
import { bindLoopback, pattern } from '../test/core/net/support.ts'
import { TsChild } from '../test/support/ts-child.ts'

interface Service {
  /** Blobs of 64 KiB an honest peer gets in a second, one after the other. */
  readonly perSecond: number
  /** ms one of them takes: 99th percentile and worst. */
  readonly p99: number
  readonly max: number
}

export interface BlobFloodBench {
  /** Requests that are none, over QUIC from ever new identities: sent by the attackers, and read by the provider, per second. */
  readonly junkSentPerSecond: number
  readonly junkReadPerSecond: number
  readonly alone: Service
  readonly underFlood: Service
}

const ATTACKERS = 2
const JUNK = fileURLToPath(new URL('../test/core/blobs/provider/junk-child.ts', import.meta.url))

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

/** What an honest peer gets of a provider while others flood it with junk. */
export async function benchBlobFlood(options: { readonly quick?: boolean } = {}): Promise<BlobFloodBench> {
  const ms = options.quick === true ? 3_000 : 10_000
  const store = new MemoryBlobStore(1 << 20)
  const hash = store.add(pattern(65_536))
  const provider = new BlobProvider({ store, limits: { ratePerPeer: 10_000, burstPerPeer: 10_000 } })
  const [door, own] = [await bindLoopback([BLOBS_ALPN]), await bindLoopback([])]
  const accept = async (): Promise<void> => {
    for (let incoming = await door.nextIncoming(); incoming !== null; incoming = await door.nextIncoming())
      incoming.accept().then(
        (connection) => provider.serve(connection),
        () => {}, // an attacker that vanished in its handshake
      )
  }
  const accepting = accept()
  const attackers: TsChild[] = []
  const sent = (): number => attackers.reduce((sum, child) => sum + Number(child.lines.at(-1) ?? 0), 0)
  try {
    const connection = await own.connect(door.localAddr(), BLOBS_ALPN)
    await serve(connection, hash, 500)
    const alone = await serve(connection, hash, ms)
    for (let i = 0; i < ATTACKERS; i++) attackers.push(new TsChild(JUNK, [JSON.stringify(door.localAddr())]))
    await Promise.all(attackers.map((child) => child.until((lines) => Number(lines.at(-1)) > 0)))
    const [sentBefore, readBefore, begun] = [sent(), provider.stats.malformed, performance.now()]
    const underFlood = await serve(connection, hash, ms)
    const seconds = (performance.now() - begun) / 1000
    return {
      junkSentPerSecond: Math.round((sent() - sentBefore) / seconds),
      junkReadPerSecond: Math.round((provider.stats.malformed - readBefore) / seconds),
      alone,
      underFlood,
    }
  } finally {
    await Promise.all(attackers.map((child) => child.end('SIGKILL')))
    await Promise.all([door.close(), own.close()])
    await accepting
    await store.close()
  }
}
