import { type Block, CHUNK_END, CHUNK_START, compress, IV, PARENT, ROOT } from './compress.ts'
import { type GroupHasher, openSimd } from './simd.ts'

/** BLAKE3 chunk, bytes. */
export const CHUNK_BYTES = 1024
/** Chunk group: the unit of outboards and of verified transfer, bytes (16 chunks). */
export const GROUP_BYTES = 16_384
/** Hash or chaining value, bytes. */
export const CV_BYTES = 32
/** Left and right chaining value, bytes. */
export const PAIR_BYTES = 64

const CHUNK_WORDS = CHUNK_BYTES / 4
const GROUP_CHUNKS = GROUP_BYTES / CHUNK_BYTES
/** Deepest stack of pending subtrees: one per bit of the chunk count, which stays below 2^53. */
const MAX_DEPTH = 54

/**
 * Scratch of this module: hashing is synchronous and never re-enters, so one set serves all callers. The word view
 * relies on a little-endian machine, as is every platform the QUIC binding is built for.
 */
const scratchBytes = new Uint8Array(GROUP_BYTES)
const scratchWords = new Int32Array(scratchBytes.buffer)
const chunkBlock: Block = { words: scratchWords, at: 0, counterLow: 0, counterHigh: 0, length: 64, flags: 0 }
const stack = new Int32Array(8 * MAX_DEPTH)
const pairWords = new Int32Array(16)
const pairBytes = new Uint8Array(pairWords.buffer)
const pairBlock: Block = { words: pairWords, at: 0, counterLow: 0, counterHigh: 0, length: 64, flags: PARENT }
const result = new Int32Array(8)
/** Whole groups four chunks at a time, where the engine can. Made when first needed: that takes some 5 ms. */
let simd: { readonly group: GroupHasher | undefined } | undefined
const resultBytes = new Uint8Array(result.buffer)

/** Turns the vector version off or on again, to test and to measure both; answers whether it is on. */
export function useSimd(wanted: boolean): boolean {
  simd = { group: wanted ? openSimd() : undefined }
  return simd.group !== undefined
}

function groupHasher(): GroupHasher | undefined {
  simd ??= { group: openSimd() }
  return simd.group
}

/** Chunks that `bytes` bytes occupy: at least one, also for the empty blob. */
export function chunksOf(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / CHUNK_BYTES))
}

/** Bytes under the left child of a subtree of `bytes` > 1024 bytes: the largest power of two of chunks below all of them. */
export function leftBytes(bytes: number): number {
  let left = CHUNK_BYTES
  while (left * 2 < bytes) left *= 2
  return left
}

/**
 * Chaining value of the chunk at `wordAt` of the scratch words, `length` bytes long, into `out[at..at+8]`.
 * The scratch must be zero behind a short chunk.
 */
function chunkCv(wordAt: number, length: number, counter: number, rootFlag: number, out: Int32Array, at: number): void {
  for (let i = 0; i < 8; i++) out[at + i] = IV[i] as number
  const block = chunkBlock
  block.counterLow = counter
  block.counterHigh = Math.floor(counter / 0x1_0000_0000)
  const blocks = Math.max(1, Math.ceil(length / 64))
  for (let i = 0; i < blocks; i++) {
    const last = i === blocks - 1
    block.at = wordAt + i * 16
    block.length = last ? length - i * 64 : 64
    block.flags = (i === 0 ? CHUNK_START : 0) | (last ? CHUNK_END | rootFlag : 0)
    compress(out, at, block)
  }
}

/** Replaces the two topmost chaining values of the stack by their parent's. */
function mergeTop(depth: number, rootFlag: number): void {
  const left = (depth - 2) * 8
  for (let i = 0; i < 16; i++) pairWords[i] = stack[left + i] as number
  for (let i = 0; i < 8; i++) stack[left + i] = IV[i] as number
  pairBlock.flags = PARENT | rootFlag
  compress(stack, left, pairBlock)
}

/**
 * Chaining value of the subtree over `data`, whose first chunk has number `startChunk` in its blob (blobs.md 3.3–3.5);
 * with `isRoot` the hash of the blob. `data` must be what one subtree covers: a whole blob, or a left-aligned part of it.
 */
export function subtreeCv(data: Uint8Array, startChunk: number, isRoot: boolean): Uint8Array {
  hashSubtree(data, startChunk, isRoot)
  return resultBytes.slice()
}

/** Whether `subtreeCv` is what stands at `at` of `cvs`. Takes no memory: every group that arrives is asked about. */
export function isSubtreeCv(data: Uint8Array, startChunk: number, isRoot: boolean, cvs: Uint8Array, at: number): boolean {
  hashSubtree(data, startChunk, isRoot)
  return isResult(cvs, at)
}

/** Leaves the chaining value in `result`. */
function hashSubtree(data: Uint8Array, startChunk: number, isRoot: boolean): void {
  const chunks = chunksOf(data.length)
  const rootFlag = isRoot ? ROOT : 0
  let depth = 0
  let counter = startChunk
  for (let offset = 0, done = 0; done < chunks; offset += GROUP_BYTES) {
    const part = data.subarray(offset, offset + GROUP_BYTES)
    const hashGroup = part.length === GROUP_BYTES && startChunk % GROUP_CHUNKS === 0 ? groupHasher() : undefined
    if (hashGroup !== undefined) {
      hashGroup(part, counter, PARENT | (chunks === GROUP_CHUNKS ? rootFlag : 0), stack, depth * 8)
      depth++
      counter += GROUP_CHUNKS
      done += GROUP_CHUNKS
      for (let t = done / GROUP_CHUNKS; done < chunks && (t & 1) === 0; t /= 2) mergeTop(depth--, 0)
      continue
    }
    scratchBytes.set(part)
    if (part.length < GROUP_BYTES) scratchBytes.fill(0, part.length, Math.ceil((part.length + 1) / 64) * 64)
    const here = chunksOf(part.length)
    for (let i = 0; i < here; i++) {
      const length = Math.min(CHUNK_BYTES, part.length - i * CHUNK_BYTES)
      chunkCv(i * CHUNK_WORDS, length, counter++, chunks === 1 ? rootFlag : 0, stack, depth * 8)
      depth++
      done++
      // The last chunk is folded below, where its parent may be the root.
      for (let t = done; done < chunks && (t & 1) === 0; t /= 2) mergeTop(depth--, 0)
    }
  }
  while (depth > 1) {
    mergeTop(depth, depth === 2 ? rootFlag : 0)
    depth--
  }
  for (let i = 0; i < 8; i++) result[i] = stack[i] as number
}

/** Chaining value of a parent; `pair` is left then right, 64 bytes at `at`. */
export function parentCv(pair: Uint8Array, isRoot: boolean, at = 0): Uint8Array {
  hashParent(pair, isRoot, at)
  return resultBytes.slice()
}

/** Whether `parentCv` is what stands at `at` of `cvs`. */
export function isParentCv(pair: Uint8Array, isRoot: boolean, cvs: Uint8Array, at: number): boolean {
  hashParent(pair, isRoot, 0)
  return isResult(cvs, at)
}

function hashParent(pair: Uint8Array, isRoot: boolean, at: number): void {
  for (let i = 0; i < PAIR_BYTES; i++) pairBytes[i] = pair[at + i] as number
  for (let i = 0; i < 8; i++) result[i] = IV[i] as number
  pairBlock.flags = PARENT | (isRoot ? ROOT : 0)
  compress(result, 0, pairBlock)
}

function isResult(cvs: Uint8Array, at: number): boolean {
  for (let i = 0; i < CV_BYTES; i++) if (resultBytes[i] !== cvs[at + i]) return false
  return true
}

/** BLAKE3-256 of `data` in default mode. */
export function blake3(data: Uint8Array): Uint8Array {
  return subtreeCv(data, 0, true)
}
