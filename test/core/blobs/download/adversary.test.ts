import { afterEach, describe, expect, it } from 'vitest'
import { encodeHashSeq } from '../../../../src/core/blobs/proto/collection.ts'
import { codeOf } from '../../net/support.ts'
import { response } from './response.ts'
import { blob, hashOfData, onlyTruth, Rig, type Script } from './rig.ts'

const open: Rig[] = []
const rig = (): Rig => {
  const made = new Rig()
  open.push(made)
  return made
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((r) => r.close()))
})

const SIZE = 200_000
const DATA = blob(SIZE)
const HASH = hashOfData(DATA)

/** Sends an honest response after `change` had its way with it. */
const lie =
  (change: (bytes: Uint8Array) => Uint8Array, data = DATA): Script =>
  async (request, { send }) => {
    await send.write(change(await response(data, request)))
    await send.finish()
  }

const flip = (at: number) => (bytes: Uint8Array) => {
  bytes[at < 0 ? bytes.length + at : at]! ^= 1
  return bytes
}
const claim = (size: bigint) => (bytes: Uint8Array) => {
  new DataView(bytes.buffer).setBigUint64(0, size, true)
  return bytes
}

/** Offsets in the whole response: header 0–8, then four parents (200,000 bytes = 13 groups), then the first leaf at 264. */
const FIRST_LEAF = 264

/** Runs a download from the liar alone, then with an honest provider beside it; nothing wrong may be stored either way. */
async function judge(script: Script, limits: object = {}): Promise<{ alone: string; kept: number; asked: number }> {
  const first = rig()
  const ask = { hash: HASH, limits: { ...first.limits, maxBytes: 10_000_000, failuresPerProvider: 2, ...limits } }
  const liar = first.scripted(script)
  const alone = await codeOf(first.downloader.download({ ...ask, providers: [liar] }))
  expect(onlyTruth(first.store, HASH, DATA)).toBe(true)
  const kept = first.store.partials.get(HASH)?.groups.size ?? 0
  const second = rig()
  const result = await second.downloader.download({ ...ask, providers: [second.scripted(script), second.has(DATA)] })
  expect(result.size).toBe(SIZE)
  expect(Buffer.compare(second.store.bytes(HASH), DATA)).toBe(0)
  return { alone, kept, asked: liar.requests.length }
}

describe('wrong data', () => {
  it.each([
    ['in the first parent', 8, 0],
    ['in a deeper parent', 200, 0],
    ['in the first leaf', FIRST_LEAF + 5_000, 0],
    ['in the second leaf', FIRST_LEAF + 16_384 + 7, 1],
    ['in the last byte', -1, 12],
  ])('a flipped bit %s', async (_where, at, groups) => {
    expect(await judge(lie(flip(at)))).toEqual({ alone: 'BLOB_MISMATCH', kept: groups, asked: 1 })
  })

  it('the right answer for another blob', async () => {
    const other = blob(SIZE).reverse()
    expect(await judge(lie((b) => b, other))).toEqual({ alone: 'BLOB_MISMATCH', kept: 0, asked: 1 })
  })
})

describe('sizes that are none', () => {
  it.each([
    ['zero', 0n, 'BLOB_MISMATCH', 0],
    // Up to the last group the shape is the same, so that much is verified and kept.
    ['one less', 199_999n, 'BLOB_MISMATCH', 12],
    ['half', 100_000n, 'BLOB_MISMATCH', 0],
    ['twice as much', 400_000n, 'BLOB_MISMATCH', 0],
    ['the same shape on the left', 262_144n, 'BLOB_MISMATCH', 12],
    ['2^40', 2n ** 40n, 'BLOB_TOO_LARGE', 0],
    ['2^64 - 1', 2n ** 64n - 1n, 'BLOB_TOO_LARGE', 0],
  ])('%s', async (_what, size, code, kept) => {
    expect(await judge(lie(claim(size)))).toEqual({ alone: code, kept, asked: 1 })
  })

  it.each([
    ['one more', 200_001n],
    ['rounded up to the group', 212_992n],
  ])('%s: what is right of it is kept, the size is never believed', async (_what, size) => {
    const { alone, kept } = await judge(lie(claim(size)))
    // The answer ends in the middle of the leaf the wrong size asks for: no different from a lost connection.
    expect([alone, kept]).toEqual(['BLOB_UNAVAILABLE', 12])
  })
})

describe('answers that end early', () => {
  const PLACES = [
    ['before the header', 0],
    ['inside the header', 3],
    ['behind the header', 8],
    ['inside a parent', 40],
    ['between parents', 72],
    ['at the first leaf', FIRST_LEAF],
    ['inside the first leaf', FIRST_LEAF + 9_000],
  ] as const

  it.each(PLACES)('%s', async (_where, at) => {
    const { alone, asked } = await judge(lie((bytes) => bytes.subarray(0, at)))
    expect([alone, asked]).toEqual(['BLOB_UNAVAILABLE', 2])
  })

  it('with a leaf each time: every request asks for the rest, and it is done after 13', async () => {
    const { alone, asked } = await judge(lie((bytes) => bytes.subarray(0, FIRST_LEAF + 16_384)))
    expect([alone, asked]).toEqual(['resolved', 13])
  })

  const RESETS = [0n, 1n, 2n, 3n, 7n].flatMap((code) => PLACES.map(([where, at]) => [code, where, at] as const))

  it.each(RESETS)('reset with %i %s', async (code, _where, at) => {
    const { alone, asked } = await judge(async (request, { send }) => {
      if (at > 0) await send.write((await response(DATA, request)).subarray(0, at))
      await send.reset(code)
    })
    // Who has no permission is not asked again.
    expect([alone, asked]).toEqual(['BLOB_UNAVAILABLE', code === 1n ? 1 : 2])
  })

  it('the connection closed for want of permission', async () => {
    const { alone, asked } = await judge(async (_request, _stream, connection) => connection.close(1n, 'permission'))
    expect([alone, asked]).toEqual(['BLOB_UNAVAILABLE', 1])
  })
})

describe('answers that do not end', () => {
  it('trailing data changes nothing', async () => {
    const r = rig()
    const provider = r.scripted(lie((bytes) => new Uint8Array(Buffer.concat([bytes, blob(5_000)]))))
    expect((await r.downloader.download({ hash: HASH, providers: [provider], limits: r.limits })).received).toBe(SIZE)
  })

  it('neither does a missing end', async () => {
    const r = rig()
    const provider = r.scripted(async (request, { send }) => send.write(await response(DATA, request)))
    expect((await r.downloader.download({ hash: HASH, providers: [provider], limits: r.limits })).received).toBe(SIZE)
  })

  it('endless data behind the answer is not read', async () => {
    const r = rig()
    let sent = 0
    const provider = r.scripted(async (request, { send }) => {
      await send.write(await response(DATA, request))
      for (;;) {
        await send.write(new Uint8Array(65_536))
        sent += 65_536
      }
    })
    await r.downloader.download({ hash: HASH, providers: [provider], limits: r.limits })
    expect(sent).toBeLessThan(8_000_000)
  })

  it.each([
    ['says nothing', 0],
    ['stalls behind the header', 8],
    ['stalls in a leaf', FIRST_LEAF + 5_000],
    ['stalls in a parent', 100],
  ])('a provider that %s', async (_what, at) => {
    const { alone } = await judge(async (request, { send }) => {
      if (at > 0) await send.write((await response(DATA, request)).subarray(0, at))
    })
    expect(alone).toBe('BLOB_UNAVAILABLE')
  })

  it('a provider that drips is cut off by its rate although it never stalls', async () => {
    const drip: Script = async (request, { send }, connection) => {
      const bytes = await response(DATA, request)
      for (let i = 0; i < bytes.length && !connection.isClosed; i++) {
        await send.write(bytes.subarray(i, i + 1))
        await new Promise((done) => setTimeout(done, 20))
      }
    }
    const { alone } = await judge(drip, { minBytesPerSecond: 100_000, slowWindowMs: 200 })
    expect(alone).toBe('BLOB_UNAVAILABLE')
  })

  it('a provider that never accepts a stream', async () => {
    const r = rig()
    const silent = r.serve(() => new Promise(() => {}))
    const result = await r.downloader.download({ hash: HASH, providers: [silent, r.has(DATA)], limits: r.limits })
    expect(result.received).toBe(SIZE)
  })

  it('streams nobody asked for', async () => {
    const noisy: Script = async (request, { send }, connection) => {
      for (let i = 0; i < 20; i++) {
        const uni = await connection.openUni()
        await uni.write(blob(1_000))
      }
      await send.write(await response(DATA, request))
      await send.finish()
    }
    expect((await judge(noisy)).alone).toBe('resolved')
  })
})

describe('hash sequences that lie', () => {
  const sequence = (root: Uint8Array, others: Uint8Array[] = [], maxChildren = 1_000) => {
    const r = rig()
    const limits = { ...r.limits, maxChildren, maxBytes: 5_000_000 }
    return r.downloader.download({ hash: hashOfData(root), format: 'hash-seq', providers: [r.has(root, ...others)], limits })
  }

  it('more children than allowed are refused by the size of the root', async () => {
    expect(await codeOf(sequence(blob(32 * 1_001)))).toBe('BLOB_TOO_LARGE')
  })

  it('a length that is no multiple of 32', async () => {
    expect(await codeOf(sequence(blob(100)))).toBe('BLOB_BAD_COLLECTION')
  })

  it('a thousand times the empty blob, and one blob a thousand times', async () => {
    const empty = hashOfData(new Uint8Array(0))
    const small = blob(10)
    const hashes = [...new Array(500).fill(empty), ...new Array(500).fill(hashOfData(small))]
    const result = await sequence(encodeHashSeq(hashes), [small])
    expect([result.children.length, result.total]).toEqual([1_000, 32_000 + 10])
  })

  it('a hundred thousand times the empty blob costs no request but the one for the root', async () => {
    const root = encodeHashSeq(new Array(100_000).fill(hashOfData(new Uint8Array(0))))
    const { children, received, total } = await sequence(root, [], 100_000)
    expect([children.length, received, total]).toEqual([100_000, root.length, root.length])
    expect(await codeOf(sequence(root))).toBe('BLOB_TOO_LARGE')
  })

  it('children of claimed sizes that add up to more than allowed', async () => {
    const children = Array.from({ length: 9 }, (_, i) => blob(600_000 + i))
    expect(await codeOf(sequence(encodeHashSeq(children.map(hashOfData)), children))).toBe('BLOB_TOO_LARGE')
  })

  it('nobody has the children: a bounded number of requests', async () => {
    const r = rig()
    const root = encodeHashSeq(Array.from({ length: 50 }, (_, i) => hashOfData(blob(i + 1))))
    const provider = r.has(root)
    const work = r.downloader.download({ hash: hashOfData(root), format: 'hash-seq', providers: [provider], limits: r.limits })
    expect(await codeOf(work)).toBe('BLOB_UNAVAILABLE')
    expect(provider.provider.stats.requests).toBeLessThan(100)
  })
})
