import { afterEach, describe, expect, it } from 'vitest'
import { K2Error } from '../../../../src/base/errors.ts'
import type { DownloadProgress } from '../../../../src/core/blobs/download-types.ts'
import { encodeHashSeq } from '../../../../src/core/blobs/proto/collection.ts'
import { BLOB_CODES } from '../../../../src/core/blobs/proto/requests.ts'
import { type DialBlobs, type FetchTask, StreamFetcher } from '../../../../src/core/blobs/range-fetcher.ts'
import type { BlobSink } from '../../../../src/core/blobs/store.ts'
import { codeOf } from '../../net/support.ts'
import { blob, hashOfData, Rig } from './rig.ts'

const open: Rig[] = []
const rig = (...args: ConstructorParameters<typeof Rig>): Rig => {
  const made = new Rig(...args)
  open.push(made)
  return made
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((r) => r.close()))
})

describe('one provider', () => {
  it.each([0, 1, 1023, 1024, 1025, 16_383, 16_384, 16_385, 50_000, 1_000_000])('a blob of %i bytes', async (size) => {
    const r = rig(size, { fragment: true })
    const data = blob(size)
    const hash = hashOfData(data)
    const result = await r.downloader.download({ hash, providers: [r.has(data)], limits: r.limits })
    expect(result).toMatchObject({ hash, format: 'raw', size, total: size, received: size, children: [] })
    if (size > 0) expect(Buffer.compare(r.store.bytes(hash), data)).toBe(0)
  })

  it('what is complete needs no network', async () => {
    const r = rig()
    const data = blob(40_000)
    const hash = hashOfData(data)
    await r.downloader.download({ hash, providers: [r.has(data)], limits: r.limits })
    const again = await r.downloader.download({ hash, providers: [] })
    expect(again).toMatchObject({ received: 0, total: 40_000, size: 40_000 })
  })

  it('nobody to ask is an error, nobody who has it another', async () => {
    const r = rig()
    const hash = hashOfData(blob(9))
    expect(await codeOf(r.downloader.download({ hash, providers: [] }))).toBe('BLOB_NO_PROVIDER')
    expect(await codeOf(r.downloader.download({ hash, providers: [r.has(blob(8))], limits: r.limits }))).toBe('BLOB_UNAVAILABLE')
  })

  it('only what is missing is asked for after a cut, and nothing twice', async () => {
    const r = rig()
    const data = blob(300_000)
    const hash = hashOfData(data)
    const store = r.has(data)
    const stop = new AbortController()
    r.store.onLeaf = () => {
      if (r.store.writes === 7) stop.abort()
    }
    expect(await codeOf(r.downloader.download({ hash, providers: [store], signal: stop.signal, limits: r.limits }))).toBe(
      'ABORTED',
    )
    const kept = r.store.writes
    expect(kept).toBeGreaterThan(6)
    r.store.onLeaf = () => {}
    const result = await r.downloader.download({ hash, providers: [store], limits: r.limits })
    expect(result.received).toBe(300_000 - kept * 16_384)
    expect(r.store.writes).toBe(Math.ceil(300_000 / 16_384))
  })

  it('ranges are widened to groups and leave the rest alone', async () => {
    const r = rig()
    const data = blob(200_000)
    const hash = hashOfData(data)
    const result = await r.downloader.download({ hash, providers: [r.has(data)], ranges: [20n, 40n], limits: r.limits })
    expect(result.received).toBe(2 * 16_384)
    expect([...(r.store.partials.get(hash)?.groups.keys() ?? [])]).toEqual([1, 2])
    // Behind the end lies the last chunk.
    const last = await r.downloader.download({ hash, providers: [r.has(data)], ranges: [5_000n, 6_000n], limits: r.limits })
    expect(last.received).toBe(200_000 - 12 * 16_384)
    // The parts add up.
    await r.downloader.download({ hash, providers: [r.has(data)], ranges: [0n, 192n], limits: r.limits })
    expect(Buffer.compare(r.store.bytes(hash), data)).toBe(0)
  })

  it('the store’s refusal ends it at once', async () => {
    const r = rig()
    const data = blob(100_000)
    r.store.onLeaf = () => {
      throw new K2Error({ code: 'BLOB_STORE_FULL', kind: 'limit', message: 'full' })
    }
    const provider = r.has(data)
    expect(await codeOf(r.downloader.download({ hash: hashOfData(data), providers: [provider], limits: r.limits }))).toBe(
      'BLOB_STORE_FULL',
    )
    expect(provider.provider.stats.requests).toBe(1)
  })

  it('progress only grows and ends with everything', async () => {
    const r = rig()
    const data = blob(1_000_000)
    const seen: DownloadProgress[] = []
    await r.downloader.download({
      hash: hashOfData(data),
      providers: [r.has(data)],
      onProgress: (p) => seen.push(p),
      limits: r.limits,
    })
    expect(seen.at(-1)).toEqual({ received: 1e6, present: 1e6, total: 1e6, blobsDone: 1, blobs: 1, active: 0 })
    expect(seen.map((p) => p.received)).toEqual(seen.map((p) => p.received).sort((a, b) => a - b))
  })
})

describe('several providers', () => {
  it('share a blob in disjoint pieces', async () => {
    const r = rig()
    const data = blob(20_000_000)
    const hash = hashOfData(data)
    const providers = [r.has(data), r.has(data), r.has(data)]
    const result = await r.downloader.download({ hash, providers, limits: r.limits })
    expect(result.received).toBe(20_000_000)
    expect(result.providers.every((p) => p.received > 0)).toBe(true)
    expect(Buffer.compare(r.store.bytes(hash), data)).toBe(0)
  })

  it('one has it, the others do not', async () => {
    const r = rig()
    const data = blob(5_000_000)
    const providers = [r.has(), r.has(data), r.has(blob(3))]
    const result = await r.downloader.download({ hash: hashOfData(data), providers, limits: r.limits })
    expect(result.received).toBe(5_000_000)
    expect(result.providers[0]).toMatchObject({ received: 0, banned: false, lastError: 'BLOB_NOT_FOUND' })
  })

  it('one that closes after some bytes is continued by another', async () => {
    const r = rig()
    const data = blob(400_000)
    const hash = hashOfData(data)
    const cut = r.scripted(async (_request, { send }, connection) => {
      await send.write(new Uint8Array(new BigUint64Array([400_000n]).buffer))
      connection.close(0n, 'bye')
    })
    const result = await r.downloader.download({ hash, providers: [cut, r.has(data)], limits: r.limits })
    expect(result.received).toBe(400_000)
  })

  it('a refusing one is asked once', async () => {
    const r = rig()
    const data = blob(400_000)
    const refusing = r.scripted(async (_request, { send }) => send.reset(BLOB_CODES.permission))
    const result = await r.downloader.download({ hash: hashOfData(data), providers: [refusing, r.has(data)], limits: r.limits })
    expect(result.providers[0]).toMatchObject({ banned: true, failures: 1 })
    expect(refusing.requests).toHaveLength(1)
  })
})

describe('fetching beside the main thread', () => {
  it('takes large blobs and large children, after their size is known here', async () => {
    const beside: FetchTask[] = []
    const fallback: { dial?: DialBlobs } = {}
    const parallel = {
      lanes: 2,
      fromBytes: 200_000,
      open: () => {
        const fetcher = new StreamFetcher((addr, call) => (fallback.dial as DialBlobs)(addr, call))
        const fetch = (task: FetchTask, sink: BlobSink) => {
          beside.push(task)
          return fetcher.fetch(task, sink)
        }
        return { fetch, close: () => fetcher.close() }
      },
      close: async () => {},
    }
    const r = rig(1, { parallel })
    fallback.dial = r.dial
    const [large, small] = [blob(900_000), blob(150_000)]
    const root = encodeHashSeq([hashOfData(large), hashOfData(small)])
    const ask = { providers: [r.has(root, large, small)], limits: r.limits }
    await r.downloader.download({ ...ask, hash: hashOfData(root), format: 'hash-seq' })
    expect(beside.map((task) => [task.hash, task.ranges])).toEqual([[hashOfData(large), [208n]]])
    const again = rig(5, { parallel })
    fallback.dial = again.dial
    await again.downloader.download({ hash: hashOfData(large), providers: [again.has(large)], limits: again.limits })
    expect(beside.at(-1)?.ranges).toEqual([0n, 879n])
  })

  it('falls back to this thread when nothing comes that way', async () => {
    const broken = { fetch: () => Promise.reject(new Error('no thread')), close: async () => {} }
    const r = rig(1, { parallel: { lanes: 2, fromBytes: 1, open: () => broken, close: async () => {} } })
    const data = blob(500_000)
    const result = await r.downloader.download({ hash: hashOfData(data), providers: [r.has(data)], limits: r.limits })
    expect(result).toMatchObject({ received: 500_000, providers: [{ failures: 0 }] })
  })
})

it('a thread that dies in the middle of a transfer costs nothing but time', async () => {
  const fallback: { dial?: DialBlobs } = {}
  let pieces = 0
  const open = () => {
    const fetcher = new StreamFetcher((addr, call) => (fallback.dial as DialBlobs)(addr, call))
    const fetch = (task: FetchTask, sink: BlobSink) =>
      fetcher.fetch(task, {
        ...sink,
        leaf: async (offset, data) => {
          if (pieces++ > 3) throw new K2Error({ code: 'BLOB_WORKER_FAILED', kind: 'bug', message: 'gone' })
          await sink.leaf(offset, data)
        },
      })
    return { fetch, close: () => fetcher.close() }
  }
  const r = rig(1, { parallel: { lanes: 2, fromBytes: 1, open, close: async () => {} } })
  fallback.dial = r.dial
  const data = blob(500_000)
  const result = await r.downloader.download({ hash: hashOfData(data), providers: [r.has(data)], limits: r.limits })
  expect(result).toMatchObject({ received: 500_000, providers: [{ failures: 0, banned: false }] })
  expect(Buffer.compare(r.store.bytes(hashOfData(data)), data)).toBe(0)
})

describe('hash sequences', () => {
  it('root, children, duplicates, the empty blob and the root itself', async () => {
    const r = rig()
    const files = [blob(1), blob(20_000), blob(300_000)]
    const names = hashOfData(blob(77))
    const hashes = [names, ...files.map(hashOfData), hashOfData(blob(1)), hashOfData(new Uint8Array(0))]
    const root = encodeHashSeq(hashes)
    const provider = r.has(root, blob(77), ...files)
    const result = await r.downloader.download({
      hash: hashOfData(root),
      format: 'hash-seq',
      providers: [provider],
      limits: r.limits,
    })
    expect(result.children).toEqual(hashes)
    expect(result.total).toBe(root.length + 77 + 1 + 20_000 + 300_000)
    for (const file of files) expect(Buffer.compare(r.store.bytes(hashOfData(file)), file)).toBe(0)
  })

  it('a missing child fails it and keeps the others', async () => {
    const r = rig()
    const root = encodeHashSeq([hashOfData(blob(5)), hashOfData(blob(6))])
    const request = { hash: hashOfData(root), format: 'hash-seq' as const, providers: [r.has(root, blob(5))], limits: r.limits }
    expect(await codeOf(r.downloader.download(request))).toBe('BLOB_UNAVAILABLE')
    expect(r.store.bytes(hashOfData(blob(5)))).toHaveLength(5)
  })

  it('too many children, too many bytes in all, and no sequence at all', async () => {
    const r = rig()
    const big = [blob(100_000), blob(100_001), blob(100_002)]
    const root = encodeHashSeq(big.map(hashOfData))
    const ask = (limits: object, data = root) =>
      codeOf(
        r.downloader.download({
          hash: hashOfData(data),
          format: 'hash-seq',
          providers: [r.has(data, ...big)],
          limits: { ...r.limits, ...limits },
        }),
      )
    expect(await ask({ maxChildren: 2 })).toBe('BLOB_TOO_LARGE')
    expect(await ask({ maxBytes: 250_000 })).toBe('BLOB_TOO_LARGE')
    expect(await ask({}, blob(33))).toBe('BLOB_BAD_COLLECTION')
  })
})
