import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concatBytes } from '../../../../src/base/bytes.ts'
import { CHUNK_BYTES, chunksOf, GROUP_BYTES, leftBytes, subtreeCv } from '../../../../src/core/blobs/tree/blake3.ts'
import { RangeDecoder } from '../../../../src/core/blobs/tree/decode.ts'
import { encodeRanges, encodeSize, memorySource } from '../../../../src/core/blobs/tree/encode.ts'
import { hashBlob } from '../../../../src/core/blobs/tree/outboard.ts'
import { type ChunkRanges, hasChunk, truncateRanges } from '../../../../src/core/blobs/tree/ranges.ts'

// blobs.md 19, "walk": the encoder beside one written from the meaning of the words, for sizes at all borders.

const MAX_SIZE = 200_000
const DATA = Uint8Array.from({ length: MAX_SIZE + 1 }, (_, i) => (i * 31) % 251)

const around = (unit: number) =>
  fc
    .tuple(fc.integer({ min: 0, max: Math.floor(MAX_SIZE / unit) }), fc.integer({ min: -1, max: 1 }))
    .map(([k, d]) => Math.max(0, k * unit + d))
const sizes = fc.oneof(fc.integer({ min: 0, max: MAX_SIZE }), around(CHUNK_BYTES), around(GROUP_BYTES))
const bounds = fc.oneof({ weight: 8, arbitrary: fc.bigInt(0n, 210n) }, { weight: 1, arbitrary: fc.bigInt(0n, 2n ** 64n - 1n) })
const rangeSets = fc.uniqueArray(bounds, { minLength: 1, maxLength: 8 }).map((a) => a.sort((x, y) => (x < y ? -1 : 1)))

/** Which chunks a request means: whatever lies at the last chunk or behind it selects the last chunk (blobs.md 4.3). */
function meant(ranges: ChunkRanges, size: number): Set<number> {
  const last = Math.max(0, chunksOf(size) - 1)
  const out = new Set<number>()
  for (let chunk = 0; chunk < last; chunk++) if (hasChunk(ranges, BigInt(chunk))) out.add(chunk)
  const reaches = ranges.length % 2 === 1 || (ranges.at(-1) ?? 0n) > BigInt(last)
  if (reaches) out.add(last)
  return out
}

/** The items of a response by plain recursion over the set of chunks (blobs.md 4.4). */
function naive(data: Uint8Array, chunks: Set<number>, start: number): Uint8Array[] {
  const count = Math.max(1, chunksOf(data.length))
  const wanted = Array.from({ length: count }, (_, i) => chunks.has(start + i))
  if (!wanted.includes(true)) return []
  if (count === 1 || (data.length <= GROUP_BYTES && !wanted.includes(false))) return [data]
  const k = leftBytes(data.length)
  const [left, right] = [data.subarray(0, k), data.subarray(k)]
  const mid = start + k / CHUNK_BYTES
  const pair = concatBytes([subtreeCv(left, start, false), subtreeCv(right, mid, false)])
  return [pair, ...naive(left, chunks, start), ...naive(right, chunks, mid)]
}

async function encoded(data: Uint8Array, hash: Uint8Array, outboard: Uint8Array, ranges: ChunkRanges): Promise<Uint8Array> {
  const parts = [encodeSize(data.length)]
  for await (const part of encodeRanges(memorySource(data, outboard), hash, ranges)) parts.push(part.slice())
  return concatBytes(parts)
}

describe('a response', () => {
  it('is what plain recursion gives, and decodes to exactly the chunks that were meant', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, rangeSets, async (size, ranges) => {
        const data = DATA.subarray(0, size)
        const { hash, outboard } = hashBlob(data)
        const chunks = meant(ranges, size)
        const response = await encoded(data, hash, outboard, ranges)
        expect(Buffer.compare(response, concatBytes([encodeSize(size), ...naive(data, chunks, 0)]))).toBe(0)

        const decoder = new RangeDecoder({ hash, ranges, maxSize: MAX_SIZE + 1 })
        const got = new Set<number>()
        let end = 0
        for (const event of decoder.push(response)) {
          if (event.kind !== 'leaf') continue
          expect(event.data.length).toBeLessThanOrEqual(GROUP_BYTES)
          expect(event.offset).toBeGreaterThanOrEqual(end)
          end = event.offset + event.data.length
          expect(Buffer.compare(event.data, data.subarray(event.offset, end))).toBe(0)
          for (let at = event.offset; at < end || at === event.offset; at += CHUNK_BYTES) got.add(at / CHUNK_BYTES)
        }
        expect(decoder.done).toBe(true)
        expect(got).toEqual(chunks)
      }),
      { numRuns: 300 },
    )
  })
})

describe('a truncated set', () => {
  it('is never empty, means the same, and stays as it is when truncated again', () => {
    fc.assert(
      fc.property(sizes, rangeSets, (size, ranges) => {
        const once = truncateRanges(ranges, size)
        expect(once.length).toBeGreaterThan(0)
        expect(truncateRanges(once.map(BigInt), size)).toEqual(once)
        expect(meant(once.map(BigInt), size)).toEqual(meant(ranges, size))
      }),
    )
  })
})
