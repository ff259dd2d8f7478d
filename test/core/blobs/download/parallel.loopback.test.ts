import { availableParallelism } from 'node:os'
import { afterEach, expect, it } from 'vitest'
import { deferred } from '../../../../src/base/async.ts'
import { type Clock, ManualClock, systemClock } from '../../../../src/base/clock.ts'
import { Downloader } from '../../../../src/core/blobs/downloader.ts'
import { FetchPool } from '../../../../src/core/blobs/fetch-pool.ts'
import { MemoryBlobStore } from '../../../../src/core/blobs/memory-store.ts'
import { fetchWorkers, parallelFetch } from '../../../../src/core/blobs/parallel-fetch.ts'
import { BLOBS_ALPN } from '../../../../src/core/blobs/proto/requests.ts'
import { BlobProvider } from '../../../../src/core/blobs/provider.ts'
import { ALL } from '../../../../src/core/blobs/tree/ranges.ts'
import type { PeerId } from '../../../../src/core/ids.ts'
import type { PeerAddr, Transport } from '../../../../src/core/net/transport.ts'
import { bindLoopback, codeOf } from '../../net/support.ts'
import { blob, hashOfData, RamStore } from './rig.ts'

const open: Pick<Transport, 'close'>[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((t) => t.close()))
})

const SIZE = 12_000_000
const DATA = blob(SIZE)
const HASH = hashOfData(DATA)

/** A provider of the blob on real QUIC; answers who came. */
async function provide(
  permit: (peer: PeerId) => boolean = () => true,
): Promise<{ addr: PeerAddr; visitors: Set<PeerId>; provider: BlobProvider }> {
  const transport = await bindLoopback([BLOBS_ALPN])
  open.push(transport)
  const store = new MemoryBlobStore(1 << 30)
  store.add(DATA)
  const visitors = new Set<PeerId>()
  const provider = new BlobProvider({ store, permit: (peer) => permit(peer) })
  const loop = async (): Promise<void> => {
    for (let incoming = await transport.nextIncoming(); incoming !== null; incoming = await transport.nextIncoming()) {
      const connection = await incoming.accept()
      visitors.add(connection.peer)
      void provider.serve(connection)
    }
  }
  void loop().catch(() => {}) // the endpoint closes under it at the end of the test
  return { addr: transport.localAddr(), visitors, provider }
}

async function downloader(
  store: RamStore,
  workers: number,
  clock: Clock = systemClock,
): Promise<{ own: PeerId; downloader: Downloader }> {
  const self = await bindLoopback([])
  open.push(self)
  const dial = (addr: PeerAddr, call: object) => self.connect(addr, BLOBS_ALPN, call)
  const parallel = parallelFetch({ mode: 'loopback', workers, clock })
  open.push(parallel)
  return { own: self.id, downloader: new Downloader({ store, dial, parallel }) }
}

it('threads share a large blob under keys of their own', async () => {
  const { addr, visitors } = await provide()
  const store = new RamStore()
  const { own, downloader: d } = await downloader(store, 2)
  const result = await d.download({ hash: HASH, providers: [addr] })
  expect(result.received).toBe(SIZE)
  expect(Buffer.compare(store.bytes(HASH), DATA)).toBe(0)
  // The probe comes from this node, the rest from two strangers.
  expect(visitors.has(own)).toBe(true)
  expect(visitors.size).toBe(3)
})

it('the next download finds the threads ready; after a while they end', async () => {
  const { addr, visitors } = await provide()
  const store = new RamStore()
  const clock = new ManualClock()
  const { downloader: d } = await downloader(store, 1, clock)
  const again = async (): Promise<number> => {
    store.partials.clear()
    await d.download({ hash: HASH, providers: [addr] })
    return visitors.size
  }
  expect(await again()).toBe(2)
  clock.advance(4_000)
  expect(await again()).toBe(2)
  clock.advance(5_000)
  expect(await again()).toBe(3)
})

it('a provider that serves only whom it knows is asked by this node itself', async () => {
  const known = new Set<PeerId>()
  const { addr } = await provide((peer) => known.has(peer))
  const store = new RamStore()
  const { own, downloader: d } = await downloader(store, 1)
  known.add(own)
  const result = await d.download({ hash: HASH, providers: [addr] })
  expect(result.received).toBe(SIZE)
  expect(result.providers[0]).toMatchObject({ banned: false })
})

it('a failing store ends the fetch in the thread, an abort too, and both leave the pool usable', async () => {
  const { addr } = await provide()
  const pool = new FetchPool({ workers: 1, mode: 'loopback' })
  try {
    const task = { hash: HASH, ranges: ALL, maxSize: 1e9, stallMs: 10_000, connectMs: 10_000, provider: addr }
    const sink = { size: async () => {}, pair: async () => {}, leaf: async () => {} }
    const failing = { ...sink, leaf: () => Promise.reject(Object.assign(new Error('full'), { code: 'BLOB_STORE_FULL' })) }
    expect(await codeOf(pool.fetch(task, failing))).toBe('BLOB_STORE_FULL')
    const stop = new AbortController()
    const stopping = { ...sink, leaf: async () => stop.abort() }
    expect(await codeOf(pool.fetch({ ...task, signal: stop.signal }, stopping))).toBe('ABORTED')
    const lengths: number[] = []
    const counting = { ...sink, leaf: async (_: number, data: Uint8Array) => void lengths.push(data.length) }
    expect(await pool.fetch(task, counting)).toMatchObject({ bytes: SIZE, size: SIZE })
    expect(lengths.reduce((a, b) => a + b)).toBe(SIZE)
  } finally {
    await pool.close()
  }
})

it('a store that takes nothing holds thread and provider back', async () => {
  const { addr, provider } = await provide()
  const pool = new FetchPool({ workers: 1, mode: 'loopback' })
  try {
    const task = { hash: HASH, ranges: ALL, maxSize: 1e9, stallMs: 10_000, connectMs: 10_000, provider: addr }
    const gate = deferred<void>()
    const first = deferred<void>()
    let taken = 0
    const fetching = pool.fetch(task, {
      size: async () => {},
      pair: async () => {},
      leaf: async (_, data) => {
        taken += data.length
        first.resolve()
        await gate.promise
      },
    })
    await first.promise
    // Sending stops once the thread’s window and that of the stream are full.
    for (let before = -1; provider.stats.bytes !== before; ) {
      before = provider.stats.bytes
      await new Promise((done) => setTimeout(done, 500))
    }
    expect(provider.stats.bytes).toBeLessThan(SIZE / 2)
    gate.resolve()
    await fetching
    expect(taken).toBe(SIZE)
  } finally {
    await pool.close()
  }
})

it('a pool without a fetch has no threads to wait for', async () => {
  await new FetchPool({ workers: 2, mode: 'loopback' }).close()
  expect(fetchWorkers(1)).toBe(1)
  expect(fetchWorkers()).toBeLessThanOrEqual(Math.max(1, availableParallelism() - 1))
})
