import { concatBytes } from '../../../base/bytes.ts'
import { GROUP_BYTES, leftBytes, PAIR_BYTES, subtreeCv } from './blake3.ts'
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

/** The response for `ranges` (blobs.md 4.5) in pieces of at most 16 KiB, without the size header. */
export async function* encodeRanges(source: BlobSource, ranges: ChunkRanges): AsyncGenerator<Uint8Array, void, undefined> {
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
    if (item.kind === 'leaf') {
      if (item.length > 0)
        yield item.length < GROUP_BYTES ? await within(item.offset, item.length) : await source.read(item.offset, item.length)
    } else if (item.pairIndex !== undefined) {
      yield await source.pair(item.pairIndex)
    } else {
      const data = await within(item.offset, item.length)
      const left = leftBytes(item.length)
      const startChunk = item.offset / 1024
      yield concatBytes([
        subtreeCv(data.subarray(0, left), startChunk, false),
        subtreeCv(data.subarray(left), startChunk + left / 1024, false),
      ])
    }
  }
}

/** A blob in memory as a source. */
export function memorySource(data: Uint8Array, outboard: Uint8Array): BlobSource {
  return {
    size: data.length,
    read: async (offset, length) => data.subarray(offset, offset + length),
    pair: async (index) => outboard.subarray(index * PAIR_BYTES, (index + 1) * PAIR_BYTES),
  }
}
