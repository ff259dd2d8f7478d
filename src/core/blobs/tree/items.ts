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

/** A subtree that has not been looked at. */
interface Subtree {
  readonly offset: number
  readonly length: number
  readonly sel: readonly number[]
  /** Index of its pair in the pre-order outboard, if it has one. */
  readonly index: number
}

/** What is sent for `ranges` of a blob of `size` bytes, in wire order: the one plan that encoder and decoder share. */
export function* treeItems(size: number, ranges: ChunkRanges): Generator<TreeItem, void, undefined> {
  // A stack and not recursion: resuming generators inside each other costs more than the walk itself.
  const stack: Subtree[] = [{ offset: 0, length: size, sel: truncateRanges(ranges, size), index: 0 }]
  for (let next = stack.pop(), isRoot = true; next !== undefined; next = stack.pop(), isRoot = false) {
    const { offset, length, sel, index } = next
    if (sel.length === 0) continue
    const all = sel.length === 1 && sel[0] === 0
    if (length <= CHUNK_BYTES || (all && length <= GROUP_BYTES)) {
      yield { kind: 'leaf', offset, length, isRoot }
      continue
    }
    const half = leftBytes(length)
    const mid = offset + half
    const { left, right } = splitRanges(sel, offset / CHUNK_BYTES, mid / CHUNK_BYTES)
    const pairIndex = length > GROUP_BYTES ? index : undefined
    yield { kind: 'parent', offset, length, isRoot, wantLeft: left.length > 0, wantRight: right.length > 0, pairIndex }
    stack.push({ offset: mid, length: length - half, sel: right, index: index + half / GROUP_BYTES })
    stack.push({ offset, length: half, sel: left, index: index + 1 })
  }
}
