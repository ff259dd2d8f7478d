import { afterEach, describe, expect, it } from 'vitest'
import { K2Error } from '../../../../src/base/errors.ts'
import { seededRng } from '../../../../src/base/random.ts'
import { MAX_MANY_BLOBS } from '../../../../src/core/blobs/many-download.ts'
import type { Hash } from '../../../../src/core/ids.ts'
import { codeOf } from '../../net/support.ts'
import { response } from './response.ts'
import { hashOfData, Rig, type Script } from './rig.ts'

const open: Rig[] = []
const rig = (...args: ConstructorParameters<typeof Rig>): Rig => {
  const made = new Rig(...args)
  open.push(made)
  return made
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((r) => r.close()))
})

/** Contents of many sizes, none of them empty, all different. */
function contents(count: number, seed = 1): Uint8Array[] {
  const rng = seededRng(seed)
  const sizes = [1, 1_024, 16_383, 16_384, 16_385, 50_000]
  return Array.from({ length: count }, (_, i) => rng.bytes((sizes[i % sizes.length] as number) + i))
}

const wanted = (data: readonly Uint8Array[], maxBytes = 1_000_000): { hash: Hash; maxBytes: number }[] =>
  data.map((d) => ({ hash: hashOfData(d), maxBytes }))

const isHere = (r: Rig, data: Uint8Array): boolean => r.store.partials.get(hashOfData(data))?.complete === true

describe('many small blobs', () => {
  it('come with one request, whatever their sizes, and each belongs to its hash', async () => {
    const r = rig(3, { fragment: true })
    const data = contents(300)
    const from = r.has(...data)
    expect(await r.downloader.downloadMany({ blobs: wanted(data), providers: [from], limits: r.limits })).toEqual([])
    for (const d of data) expect(Buffer.compare(r.store.bytes(hashOfData(d)), d)).toBe(0)
    expect(from.provider.stats.requests).toBe(1)
  })

  it('the empty one needs nobody', async () => {
    const r = rig()
    const blobs = wanted([new Uint8Array(0)])
    expect(await r.downloader.downloadMany({ blobs, providers: [], limits: r.limits })).toEqual([])
  })

  it('what one does not have comes from the next, and what nobody has is named', async () => {
    const r = rig()
    const data = contents(60)
    const [first, second] = [data.filter((_, i) => i % 12 !== 5), data.filter((_, i) => i % 24 === 5)]
    const nobody = data.filter((_, i) => i % 24 === 17).map(hashOfData)
    const providers = [r.has(...first), r.has(...second)]
    const left = await r.downloader.downloadMany({ blobs: wanted(data), providers, limits: r.limits })
    expect([...left].sort()).toEqual(nobody.sort())
    for (const d of [...first, ...second]) expect(isHere(r, d)).toBe(true)
  })

  it('whoever has hardly any is not asked for each of them', async () => {
    const r = rig()
    const data = contents(200)
    const poor = r.has(...data.slice(190))
    const left = await r.downloader.downloadMany({
      blobs: wanted(data),
      providers: [poor, r.has(...data)],
      limits: r.limits,
    })
    expect(left).toEqual([])
    expect(poor.provider.stats.requests).toBe(64)
  })

  it('one that is larger than it may be is left out', async () => {
    const r = rig()
    const data = contents(20)
    const blobs = wanted(data).map((one, i) => (i === 7 ? { ...one, maxBytes: (data[7] as Uint8Array).length - 1 } : one))
    const left = await r.downloader.downloadMany({ blobs, providers: [r.has(...data)], limits: r.limits })
    expect(left).toEqual([hashOfData(data[7] as Uint8Array)])
  })

  it('too many for one request are the caller’s mistake', async () => {
    const blobs = wanted(contents(1)).flatMap((one) => Array.from({ length: MAX_MANY_BLOBS + 1 }, () => one))
    expect(await codeOf(rig().downloader.downloadMany({ blobs, providers: [] }))).toBe('BLOB_TOO_MANY')
  })
})

describe('a provider of many that', () => {
  const data = contents(20)

  /** Answers with what `spoil` makes of the honest answer to the blob at each index. */
  const liar =
    (spoil: (bytes: Uint8Array, index: number) => Uint8Array): Script =>
    async (request, { send }) => {
      if (request.kind !== 'get-many') return send.finish()
      for (const [i, hash] of request.hashes.entries()) {
        const content = data.find((d) => hashOfData(d) === hash) as Uint8Array
        await send.write(spoil(await response(content, request), i))
      }
      await send.finish()
    }

  it('sends something else at one place is not asked again, and what came before is kept', async () => {
    const r = rig()
    const bad = r.scripted(liar((bytes, i) => (i === 11 ? bytes.map((b, at) => (at === 8 ? b ^ 1 : b)) : bytes)))
    const left = await r.downloader.downloadMany({ blobs: wanted(data), providers: [bad], limits: r.limits })
    expect(left).toEqual(data.slice(11).map(hashOfData))
    expect(bad.requests).toHaveLength(1)
    for (const d of data.slice(0, 11)) expect(isHere(r, d)).toBe(true)
  })

  it('ends early is asked for the rest', async () => {
    const r = rig()
    let asked = 0
    const bad = r.scripted(async (request, { send }) => {
      asked++
      if (request.kind !== 'get-many') return send.finish()
      for (const hash of request.hashes.slice(0, 5)) {
        await send.write(await response(data.find((d) => hashOfData(d) === hash) as Uint8Array, request))
      }
      await send.finish()
    })
    const left = await r.downloader.downloadMany({ blobs: wanted(data), providers: [bad], limits: r.limits })
    // All, the first half, the second half, and the half of that of which nothing has come.
    expect(left).toEqual([])
    expect(asked).toBe(4)
  })

  it.each([
    ['says nothing', async () => {}],
    [
      'drips',
      async (request: Parameters<Script>[0], { send }: Parameters<Script>[1], connection: Parameters<Script>[2]) => {
        for (const byte of await response(data[5] as Uint8Array, request)) {
          if (connection.isClosed) return
          await send.write(Uint8Array.of(byte))
          await new Promise((done) => setTimeout(done, 20))
        }
      },
    ],
  ] as const)('%s is given up, and the next one asked', async (_what, script) => {
    const r = rig()
    const limits = { ...r.limits, minBytesPerSecond: 100_000, slowWindowMs: 200 }
    const providers = [r.scripted(script), r.has(...data)]
    // The one that drips begins with the content at index 5.
    const blobs = wanted([data[5] as Uint8Array, ...data.filter((_, i) => i !== 5)])
    expect(await r.downloader.downloadMany({ blobs, providers, limits })).toEqual([])
  })

  it('goes on for ever ends with the caller', async () => {
    const r = rig()
    const stop = new AbortController()
    const bad = r.scripted(async () => stop.abort())
    const request = { blobs: wanted(data), providers: [bad, r.has(...data)], limits: r.limits, signal: stop.signal }
    expect(await codeOf(r.downloader.downloadMany(request))).toBe('ABORTED')
  })
})

it('our own disk ends it at once, and nobody else is asked', async () => {
  const r = rig()
  const data = contents(20)
  r.store.onLeaf = () => {
    throw new K2Error({ code: 'BLOB_STORE_DISK_FULL', kind: 'limit', message: 'no room' })
  }
  const second = r.has(...data)
  const request = { blobs: wanted(data), providers: [r.has(...data), second], limits: r.limits }
  expect(await codeOf(r.downloader.downloadMany(request))).toBe('BLOB_STORE_DISK_FULL')
  expect(second.provider.stats.requests).toBe(0)
})
