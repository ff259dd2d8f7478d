import { CHUNK_BYTES, GROUP_BYTES, leftBytes } from './blake3.ts'
import { type ChunkRanges, splitRanges, truncateRanges } from './ranges.ts'

/** One piece of an encoded blob (blobs.md 4.4): 64 bytes of chaining values, or the data of a leaf. */
export type TreeItem =
  | {
      readonly kind: 'parent'
      /** First byte under this node. */
      readonly offset: number
      /** Bytes under this node. */
      readonly length: number
      readonly isRoot: boolean
      readonly wantLeft: boolean
      readonly wantRight: boolean
      /** Index of the pair in the pre-order outboard; undefined inside a chunk group. */
      readonly pairIndex: number | undefined
    }
  | { readonly kind: 'leaf'; readonly offset: number; readonly length: number; readonly isRoot: boolean }

/** What is sent for `ranges` of a blob of `size` bytes, in wire order: the one plan that encoder and decoder share. */
export function* treeItems(size: number, ranges: ChunkRanges): Generator<TreeItem, void, undefined> {
  yield* walk(0, size, true, truncateRanges(ranges, size), 0)
}

function* walk(
  offset: number,
  length: number,
  isRoot: boolean,
  sel: readonly number[],
  index: number,
): Generator<TreeItem, void, undefined> {
  if (sel.length === 0) return
  const all = sel.length === 1 && sel[0] === 0
  if (length <= CHUNK_BYTES || (all && length <= GROUP_BYTES)) {
    yield { kind: 'leaf', offset, length, isRoot }
    return
  }
  const left = leftBytes(length)
  const mid = offset + left
  const parts = splitRanges(sel, offset / CHUNK_BYTES, mid / CHUNK_BYTES)
  const stored = length > GROUP_BYTES
  yield {
    kind: 'parent',
    offset,
    length,
    isRoot,
    wantLeft: parts.left.length > 0,
    wantRight: parts.right.length > 0,
    pairIndex: stored ? index : undefined,
  }
  yield* walk(offset, left, false, parts.left, index + 1)
  yield* walk(mid, length - left, false, parts.right, index + left / GROUP_BYTES)
}
