import { CHUNK_BYTES } from './blake3.ts'

/**
 * A set of chunk numbers as strictly increasing boundaries (blobs.md 4.2): membership is off before the first and
 * toggles at each. Boundaries go up to 2^64-1 on the wire, hence bigint here; after truncation they are plain numbers.
 */
export type ChunkRanges = readonly bigint[]

export const ALL: ChunkRanges = [0n]
export const NOTHING: ChunkRanges = []
/** Selects the last chunk whatever the size: the size probe. */
export const LAST_CHUNK: ChunkRanges = [0xffff_ffff_ffff_ffffn]

/** Chunks that cover the bytes `start..end` (end exclusive; undefined = to the end). */
export function chunksOfBytes(start: number, end?: number): ChunkRanges {
  const first = BigInt(Math.floor(start / CHUNK_BYTES))
  if (end === undefined) return [first]
  const last = BigInt(Math.ceil(end / CHUNK_BYTES))
  return last > first ? [first, last] : []
}

/** Number of boundaries below `value`. */
function countBelow<T extends number | bigint>(boundaries: readonly T[], value: T): number {
  let low = 0
  let high = boundaries.length
  while (low < high) {
    const mid = (low + high) >>> 1
    if ((boundaries[mid] as T) < value) low = mid + 1
    else high = mid
  }
  return low
}

export function hasChunk(ranges: ChunkRanges, chunk: bigint): boolean {
  return countBelow(ranges, chunk + 1n) % 2 === 1
}

function combine(a: ChunkRanges, b: ChunkRanges, keep: (inA: boolean, inB: boolean) => boolean): ChunkRanges {
  const out: bigint[] = []
  let inA = false
  let inB = false
  let inside = keep(false, false)
  for (let i = 0, j = 0; i < a.length || j < b.length; ) {
    const x = a[i]
    const y = b[j]
    const at = x === undefined ? (y as bigint) : y === undefined || x < y ? x : y
    if (x === at) {
      inA = !inA
      i++
    }
    if (y === at) {
      inB = !inB
      j++
    }
    const now = keep(inA, inB)
    if (now !== inside) out.push(at)
    inside = now
  }
  return out
}

export const union = (a: ChunkRanges, b: ChunkRanges): ChunkRanges => combine(a, b, (x, y) => x || y)
export const intersect = (a: ChunkRanges, b: ChunkRanges): ChunkRanges => combine(a, b, (x, y) => x && y)
export const subtract = (a: ChunkRanges, b: ChunkRanges): ChunkRanges => combine(a, b, (x, y) => x && !y)

/**
 * Cuts a set to the real size as both sides must (blobs.md 4.3): what lies past the end selects the last chunk.
 * A non-empty set never becomes empty. The result has plain numbers: all but an open end are ≤ the last chunk.
 */
export function truncateRanges(ranges: ChunkRanges, size: number): readonly number[] {
  const chunks = BigInt(Math.ceil(size / CHUNK_BYTES))
  const last = chunks > 0n ? chunks - 1n : 0n
  const i = countBelow(ranges, last)
  const hit = i < ranges.length && ranges[i] === last
  let keep: number
  if (hit) keep = i % 2 === 0 || i + 1 === ranges.length ? i + 1 : i
  else keep = i % 2 === 0 && i < ranges.length ? i + 1 : i
  const beyond = Number(last) + 1
  return ranges.slice(0, keep).map((b) => (b > last ? beyond : Number(b)))
}

/** Splits a truncated set at the first chunk of the right child (blobs.md 4.4). `[0]` means all of that child. */
export function splitRanges(
  sel: readonly number[],
  start: number,
  mid: number,
): { left: readonly number[]; right: readonly number[] } {
  const i = countBelow(sel, mid)
  let left = sel.slice(0, i)
  let right = i % 2 === 0 ? sel.slice(i) : sel[i] === mid ? sel.slice(i + 1) : sel.slice(i - 1)
  if (left.length === 1 && (left[0] as number) <= start) left = [0]
  if (right.length === 1 && (right[0] as number) <= mid) right = [0]
  return { left, right }
}

/** The first `count` chunks of a set. */
export function firstChunks(ranges: ChunkRanges, count: bigint): ChunkRanges {
  const out: bigint[] = []
  let left = count
  for (let i = 0; i < ranges.length && left > 0n; i += 2) {
    const from = ranges[i] as bigint
    const end = ranges[i + 1]
    const to = end === undefined || end - from > left ? from + left : end
    out.push(from, to)
    left -= to - from
  }
  return out
}
