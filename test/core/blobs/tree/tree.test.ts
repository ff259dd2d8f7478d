import { blake3 as noble } from '@noble/hashes/blake3.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concatBytes, fromHex, toHex } from '../../../../src/base/bytes.ts'
import { isK2Error } from '../../../../src/base/errors.ts'
import { blake3, parentCv, subtreeCv } from '../../../../src/core/blobs/tree/blake3.ts'
import { type DecodeEvent, RangeDecoder } from '../../../../src/core/blobs/tree/decode.ts'
import { encodeRanges, encodeSize, memorySource } from '../../../../src/core/blobs/tree/encode.ts'
import { treeItems } from '../../../../src/core/blobs/tree/items.ts'
import { BlobHasher, hashBlob } from '../../../../src/core/blobs/tree/outboard.ts'
import {
  ALL,
  type ChunkRanges,
  chunksOfBytes,
  hasChunk,
  intersect,
  LAST_CHUNK,
  subtract,
  truncateRanges,
  union,
} from '../../../../src/core/blobs/tree/ranges.ts'

/** Byte i = i mod 251, as in blobs.md 16. */
const blob = (size: number): Uint8Array => Uint8Array.from({ length: size }, (_, i) => i % 251)
const big = (ranges: number[]): ChunkRanges => ranges.map(BigInt)

const HASHES: readonly [number, string][] = [
  [0, 'af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262'],
  [1, '2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213'],
  [1023, '10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11'],
  [1024, '42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7'],
  [1025, 'd00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444'],
  [2048, 'e776b6028c7cd22a4d0ba182a8bf62205d2ef576467e838ed6f2529b85fba24a'],
  [16383, '7529418ecb789a30254899f229522ccde05234d2019c5ec5072bc4685a57658d'],
  [16384, 'f875d6646de28985646f34ee13be9a576fd515f76b5b0a26bb324735041ddde4'],
  [16385, '1dabe216be2578830263b049de1639f39f05a4da616b9b78c7a5e4e41662fd1f'],
  [32768, '162183d1f9184474f5a5c9e6224e66720cdb6523f822e52d9b1efa30893f48f9'],
  [32769, 'da589428d9b32c97658a04a21c0c8a38aad2ac402120819d956fd6d62bbfa36e'],
  [50000, '44e72a003e98fc2a76da16aca79352814c7278629eb36e48d06aa4899f608deb'],
  [65537, '7c99f9840a73dfcb6e5bfe4ff6d1558acab7e015640790c26411818bdbe17eca'],
]

/** blobs.md 16.4: size of the blob, ranges, total bytes of the response, BLAKE3 of the response. */
const RESPONSES: readonly [number, string, number, string][] = [
  [0, 'all', 8, '71e0a99173564931c0b8acc52d2685a8e39c64dc52e3d02390fdac2a12b155cb'],
  [0, 'last', 8, '71e0a99173564931c0b8acc52d2685a8e39c64dc52e3d02390fdac2a12b155cb'],
  [1, 'all', 9, '9b779f74b305adc3ec513485085d52e95f9ce4fbaf9e56cb02d38a07e19353df'],
  [1024, 'all', 1032, 'a841c51e2d0c467c06adea2378baeca1aec47a572adf108e46acd1454c17d9b9'],
  [1024, 'last', 1032, 'a841c51e2d0c467c06adea2378baeca1aec47a572adf108e46acd1454c17d9b9'],
  [16384, 'all', 16392, '118894c58ca1e81d32784562af9aeaa9ff598524ab5040963e5892305e10c4aa'],
  [16384, 'last', 1288, '082a87c55c0617e9ff4717b701fa0372063c8f4a1b94f87f7e43e84f462f68f6'],
  [16384, '5, 6', 1288, '0447620b3edeac5b745670d3edcff8c51b514c699599540b0f0d5dd89323297d'],
  [16385, 'all', 16457, '0c6fa6b6ec04fc36a32daebfed66120764b0877410b5fe1931c247027bb206a3'],
  [16385, 'last', 73, '6e645bbea45e632866326831de823e32fefc6d85ef0fec716c5f5a2ea1a9c273'],
  [50000, 'all', 50200, '20e8091d21f4fc93eff2341e459d3398f9167b5654b9fccc545976f0c52b70a3'],
  [50000, 'last', 984, 'f78cda1ffb240588f2b839f10b8c92aa452ff7a2c59adf7df500b048bacdcb31'],
  [50000, '16', 33816, '2e94867d39f9e729381d9879783bdff321f48b31e244fcb06713cfe177eeb1ea'],
  [50000, '32', 17368, 'bd2bda6fc22da2bd2eec48cae310a99dc0d151bd0ab7899622db1f4420c75265'],
  [50000, '0, 16', 16520, 'dae67a808c9b2116a87f2de4d4952d95490e8dcd8f1bcfed9dd15594383f58ce'],
  [50000, '0, 1', 1416, '7f01e3657df6b9c1f1fb2d8cc9edf2bc5c44b9951c9e083dd7c0368aabe5e5e3'],
  [50000, '0, 4, 48', 5272, '31423c7aafec1654ea69715b9ad87466bfa2e93af6ee0cbc5045a8b8b8c50633'],
  [50000, '9, 20', 11784, 'a3b4f79c3691d869953ba269c3c0f82510688ce71b1dcbba9eab7562df69b07e'],
]

async function respond(data: Uint8Array, ranges: ChunkRanges): Promise<Uint8Array> {
  const { hash, outboard } = hashBlob(data)
  const parts = [encodeSize(data.length)]
  for await (const part of encodeRanges(memorySource(data, outboard), hash, ranges)) parts.push(part.slice())
  return concatBytes(parts)
}

function decode(hash: Uint8Array, ranges: ChunkRanges, response: Uint8Array, step = response.length): DecodeEvent[] {
  const decoder = new RangeDecoder({ hash, ranges, maxSize: 1e9 })
  const events: DecodeEvent[] = []
  for (let at = 0; at < response.length; at += step) {
    // Pairs and data of a leaf are overwritten by what follows.
    for (const event of decoder.push(response.subarray(at, at + step))) {
      if (event.kind === 'leaf') events.push({ ...event, data: event.data.slice() })
      else events.push(event.kind === 'pair' ? { ...event, pair: event.pair.slice() } : event)
    }
  }
  return events
}

describe('hashes', () => {
  it.each(HASHES)('of %i bytes', (size, hash) => {
    const data = blob(size)
    expect(toHex(blake3(data))).toBe(hash)
    expect(toHex(hashBlob(data).hash)).toBe(hash)
  })

  it('agree with an independent implementation for any data and any pieces', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 70_000 }),
        fc.array(fc.integer({ min: 1, max: 40_000 }), { maxLength: 6 }),
        (size, cuts) => {
          const data = Uint8Array.from({ length: size }, (_, i) => (i * 7 + (i >> 8)) & 0xff)
          const hasher = new BlobHasher()
          let at = 0
          for (const cut of cuts) {
            hasher.update(data.subarray(at, at + cut))
            at = Math.min(size, at + cut)
          }
          hasher.update(data.subarray(at))
          expect(toHex(hasher.finish().hash)).toBe(toHex(noble(data)))
          expect(toHex(blake3(data))).toBe(toHex(noble(data)))
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('chaining values of the 50,000-byte blob', () => {
  const data = blob(50_000)
  const cv = (from: number, to: number): string => toHex(subtreeCv(data.subarray(from, to), from / 1024, false))
  it('of chunks, groups and parents', () => {
    expect(cv(0, 1024)).toBe('5c9e654411e393d1f4bec710ccd5bc5669ab177d610a0eb691fcfee92fb4e8b1')
    expect(cv(49_152, 50_000)).toBe('ce000e6730acae4e6849b138a97596d7d4cb3ba6b12201741c5fc474ad22e5c6')
    expect(cv(0, 16_384)).toBe('5384f9b342c6cb86badedcbe662b0e980476a8db17db3cc1f13b19329749ab1f')
    expect(cv(32_768, 50_000)).toBe('67fc84da47267ad7731d357bcc6c648fe49facac91417958c747b72cf6baa336')
  })

  it('the top parent is the hash only with the root flag', () => {
    const { outboard, hash } = hashBlob(data)
    expect(toHex(parentCv(outboard, true))).toBe(toHex(hash))
    expect(toHex(parentCv(outboard, false))).toBe('b2ca3e03d64fd9e7f443819cbf246e0acc8eadd8a88bcb490cd199a811a026f0')
  })
})

describe('outboards', () => {
  it('are the pairs in pre-order', () => {
    expect(toHex(hashBlob(blob(50_000)).outboard)).toBe(
      '1e03bf3657c5076623059f21d92f2ec634dd276b07e3760625c73416f343d85767fc84da47267ad7731d357bcc6c648fe49facac91417958c747b72cf6baa336' +
        '5384f9b342c6cb86badedcbe662b0e980476a8db17db3cc1f13b19329749ab1f406632eceb31aa6735f072ad0554f5963f4082b5139978455b44f67732cf949d' +
        'bccbba6c1168012dc733c21a85cc8500576e28489a119e848307770260b3c87fce000e6730acae4e6849b138a97596d7d4cb3ba6b12201741c5fc474ad22e5c6',
    )
    expect(toHex(hashBlob(blob(16_385)).outboard)).toBe(
      '5384f9b342c6cb86badedcbe662b0e980476a8db17db3cc1f13b19329749ab1f7eec20c857faf93c8102396e3b2ea90bcdf693ebd5cbd77211e5f606d72bc1a5',
    )
    expect(toHex(blake3(hashBlob(blob(65_537)).outboard))).toBe(
      '4aef24c059c5f418962f8833c5e273b6220e8d9ade738004906857b1db012f0b',
    )
  })
})

describe('range sets', () => {
  it.each([
    [
      [0, 6],
      [0, 6],
    ],
    [[0, 7], [0]],
    [[0, 10, 11, 12], [0]],
    [[0, 6, 7, 10], [0]],
    [[3, 6, 7, 10], [3]],
    [
      [0, 5, 7, 10],
      [0, 5, 7],
    ],
    [[10, 20], [7]],
    [[6, 7], [6]],
    [[6], [6]],
  ])('%j of 7 chunks is %j', (requested, effective) => {
    expect(truncateRanges(big(requested), 7 * 1024)).toEqual(effective)
  })

  it('combine like sets of numbers', () => {
    const set = fc.uniqueArray(fc.bigInt(0n, 40n), { maxLength: 8 }).map((a) => a.sort((x, y) => (x < y ? -1 : 1)))
    fc.assert(
      fc.property(set, set, fc.bigInt(0n, 45n), (a, b, chunk) => {
        const inA = hasChunk(a, chunk)
        const inB = hasChunk(b, chunk)
        expect(hasChunk(union(a, b), chunk)).toBe(inA || inB)
        expect(hasChunk(intersect(a, b), chunk)).toBe(inA && inB)
        expect(hasChunk(subtract(a, b), chunk)).toBe(inA && !inB)
      }),
    )
  })

  it('of bytes cover whole chunks', () => {
    expect(chunksOfBytes(10_000, 20_000)).toEqual([9n, 20n])
    expect(chunksOfBytes(5, 5)).toEqual([0n, 1n])
  })
})

describe('responses', () => {
  it.each(RESPONSES)('of %i bytes, ranges %s: %i bytes', async (size, named, total, hash) => {
    const ranges = named === 'all' ? ALL : named === 'last' ? LAST_CHUNK : named.split(', ').map(BigInt)
    const response = await respond(blob(size), ranges)
    expect(response.length).toBe(total)
    expect(toHex(blake3(response))).toBe(hash)
  })

  it('decode to the requested data, in pieces of any length', async () => {
    const set = fc.uniqueArray(fc.bigInt(0n, 70n), { maxLength: 6 }).map((a) => a.sort((x, y) => (x < y ? -1 : 1)))
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 66_000 }),
        set,
        fc.integer({ min: 1, max: 20_000 }),
        async (size, ranges, step) => {
          const data = blob(size)
          const { hash, outboard } = hashBlob(data)
          const response = await respond(data, ranges)
          const events = decode(hash, ranges, response, step)
          for (const e of events) {
            if (e.kind === 'leaf') {
              expect(toHex(e.data)).toBe(toHex(data.subarray(e.offset, e.offset + e.data.length)))
            }
            if (e.kind === 'pair') expect(toHex(e.pair)).toBe(toHex(outboard.subarray(e.index * 64, e.index * 64 + 64)))
          }
          expect(events.at(-1)?.kind).toBe('done')
          for (let chunk = 0n; chunk * 1024n < BigInt(size); chunk++) {
            const covered = events.some(
              (e) => e.kind === 'leaf' && e.offset <= Number(chunk) * 1024 && Number(chunk) * 1024 < e.offset + e.data.length,
            )
            if (hasChunk(ranges, chunk)) expect(covered).toBe(true)
          }
        },
      ),
      { numRuns: 60 },
    )
  })

  it('the size counts as verified only with the last chunk', async () => {
    const data = blob(50_000)
    const { hash } = hashBlob(data)
    const probe = decode(hash, LAST_CHUNK, await respond(data, LAST_CHUNK)).at(-1)
    expect(probe).toEqual({ kind: 'done', sizeVerified: true })
    const part = decode(hash, big([0, 16]), await respond(data, big([0, 16]))).at(-1)
    expect(part).toEqual({ kind: 'done', sizeVerified: false })
  })

  it('a single wrong bit anywhere is found before its data is delivered', async () => {
    const data = blob(50_000)
    const { hash } = hashBlob(data)
    const ranges = big([9, 20])
    const good = await respond(data, ranges)
    fc.assert(
      fc.property(fc.integer({ min: 8, max: good.length - 1 }), fc.integer({ min: 0, max: 7 }), (at, bit) => {
        const bad = good.slice()
        bad[at] = (bad[at] as number) ^ (1 << bit)
        let error: unknown
        try {
          decode(hash, ranges, bad)
        } catch (e) {
          error = e
        }
        expect(isK2Error(error) && error.code).toBe('BLOB_MISMATCH')
      }),
      { numRuns: 80 },
    )
  })

  it('nothing that is verified takes memory of its own', async () => {
    const data = blob(200_000)
    const { hash } = hashBlob(data)
    const given = new Uint8Array(16_384)
    const decoder = new RangeDecoder({ hash, ranges: ALL, maxSize: 1e9, buffer: given })
    const used = new Set<ArrayBufferLike>()
    for (const event of decoder.push(await respond(data, ALL))) {
      if (event.kind === 'pair') used.add(event.pair.buffer)
      if (event.kind === 'leaf') used.add(event.data.buffer)
    }
    expect([...used]).toEqual([given.buffer])
  })

  it('an absurd size is refused before anything is planned', () => {
    const decoder = new RangeDecoder({ hash: new Uint8Array(32), ranges: ALL, maxSize: 1e6 })
    expect(() => [...decoder.push(fromHex('ffffffffffffffff'))]).toThrow(/at most 1000000/)
  })

  it('a header of 0 for another hash is a mismatch', () => {
    const decoder = new RangeDecoder({ hash: new Uint8Array(32), ranges: ALL, maxSize: 1e6 })
    expect(() => [...decoder.push(new Uint8Array(8))]).toThrow(/does not belong/)
  })
})

describe('sending', () => {
  it('refuses data that changed after its import, before a wrong byte leaves', async () => {
    const data = blob(50_000)
    const { hash, outboard } = hashBlob(data)
    data[20_000] = 1
    const sent: Uint8Array[] = []
    const send = async (): Promise<void> => {
      for await (const part of encodeRanges(memorySource(data, outboard), hash, ALL)) sent.push(part.slice())
    }
    await expect(send()).rejects.toMatchObject({ code: 'BLOB_MISMATCH' })
    expect(sent.map((part) => part.length)).toEqual([64, 64, 16_384])
  })
})

describe('plans', () => {
  it('stay small and shallow for huge claimed sizes', () => {
    const items = [...treeItems(2 ** 52, LAST_CHUNK)]
    expect(items.length).toBeLessThan(60)
    expect(items.at(-1)?.kind).toBe('leaf')
  })
})
