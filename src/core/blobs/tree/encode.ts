import { concatBytes, equalBytes } from '../../../base/bytes.ts'
import { CHUNK_BYTES, CV_BYTES, GROUP_BYTES, leftBytes, PAIR_BYTES, parentCv, subtreeCv } from './blake3.ts'
import { mismatch } from './errors.ts'
import { treeItems } from './items.ts'
import type { ChunkRanges } from './ranges.ts'

/** Read access to a complete blob; both calls answer exactly what was asked for. */
export interface BlobSource {
  readonly size: number
  /** `length` bytes from `offset`. */
  read(offset: number, length: number): Promise<Uint8Array>
  /** The 64-byte pair with this index in the pre-order outboard. */
  pair(index: number): Promise<Uint8Array>
}

export function encodeSize(size: number): Uint8Array {
  const out = new Uint8Array(8)
  new DataView(out.buffer).setBigUint64(0, BigInt(size), true)
  return out
}

/**
 * The response for `ranges` (blobs.md 4.5) in pieces of at most 16 KiB, without the size header. Every piece is checked
 * against `hash` before it is handed out: a file imported by reference may have changed. Throws `BLOB_MISMATCH` then.
 */
export async function* encodeRanges(
  source: BlobSource,
  hash: Uint8Array,
  ranges: ChunkRanges,
): AsyncGenerator<Uint8Array, void, undefined> {
  const expected: Uint8Array[] = [hash]
  let group: { offset: number; data: Uint8Array } | undefined
  // Parents inside a group are in no outboard: they come from the group's data, which is then read once.
  const within = async (offset: number, length: number): Promise<Uint8Array> => {
    const start = Math.floor(offset / GROUP_BYTES) * GROUP_BYTES
    if (group?.offset !== start) {
      group = { offset: start, data: await source.read(start, Math.min(GROUP_BYTES, source.size - start)) }
    }
    return group.data.subarray(offset - start, offset - start + length)
  }
  for (const item of treeItems(source.size, ranges)) {
    const want = expected.pop() as Uint8Array
    if (item.kind === 'leaf') {
      const data = await within(item.offset, item.length)
      if (!equalBytes(subtreeCv(data, item.offset / CHUNK_BYTES, item.isRoot), want))
        throw mismatch('leaf', item.offset, item.length)
      if (item.length > 0) yield data
      continue
    }
    const pair =
      item.pairIndex === undefined
        ? pairOf(await within(item.offset, item.length), item.offset)
        : await source.pair(item.pairIndex)
    if (!equalBytes(parentCv(pair, item.isRoot), want)) throw mismatch('parent', item.offset, item.length)
    if (item.wantRight) expected.push(pair.slice(CV_BYTES, PAIR_BYTES))
    if (item.wantLeft) expected.push(pair.slice(0, CV_BYTES))
    yield pair
  }
}

/** The chaining values of both halves of a subtree inside one group. */
function pairOf(data: Uint8Array, offset: number): Uint8Array {
  const left = leftBytes(data.length)
  const first = offset / CHUNK_BYTES
  return concatBytes([
    subtreeCv(data.subarray(0, left), first, false),
    subtreeCv(data.subarray(left), first + left / CHUNK_BYTES, false),
  ])
}

/** A blob in memory as a source. */
export function memorySource(data: Uint8Array, outboard: Uint8Array): BlobSource {
  return {
    size: data.length,
    read: async (offset, length) => data.subarray(offset, offset + length),
    pair: async (index) => outboard.subarray(index * PAIR_BYTES, (index + 1) * PAIR_BYTES),
  }
}
