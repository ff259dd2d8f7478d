import { CHUNK_BYTES, CV_BYTES, GROUP_BYTES, isParentCv, isSubtreeCv, PAIR_BYTES } from './blake3.ts'
import { mismatch, sizeRefused } from './errors.ts'
import { type TreeItem, treeItems } from './items.ts'
import type { ChunkRanges } from './ranges.ts'

export type DecodeEvent =
  /** The claimed size; true only once `done.sizeVerified` says so. */
  | { readonly kind: 'size'; readonly size: number }
  /** A verified pair that belongs into the outboard; it is overwritten when the next event is taken. */
  | { readonly kind: 'pair'; readonly index: number; readonly pair: Uint8Array }
  /** Verified data; it is overwritten when the next event is taken. */
  | { readonly kind: 'leaf'; readonly offset: number; readonly data: Uint8Array }
  | { readonly kind: 'done'; readonly sizeVerified: boolean }

const HEADER_BYTES = 8
/** Chaining values that wait for what is below them: one per level of a tree over 2^53 bytes, and one more. */
const MAX_EXPECTED = 64

/**
 * Verifies a response as it arrives (blobs.md 4.6): bytes in, verified pieces out. Holds at most one leaf of unverified
 * data, and takes no memory for each piece: what small arrays of their own hold outside the engine's heap stays there until it
 * collects old garbage, which a fetch thread does once a minute. Throws `BLOB_MISMATCH` or `BLOB_TOO_LARGE`; it is unusable afterwards.
 */
export class RangeDecoder {
  readonly #ranges: ChunkRanges
  readonly #maxSize: number
  /** A stack: what comes next is on top. */
  readonly #expected = new Uint8Array(MAX_EXPECTED * CV_BYTES)
  #depth = 0
  #items: Iterator<TreeItem, void, undefined> | undefined
  #item: TreeItem | undefined
  #size = 0
  #sawLast = false
  #done = false
  readonly #buffer: Uint8Array
  #filled = 0
  #need = HEADER_BYTES

  /** @param init `buffer`: memory for one leaf, until the decoder is done. */
  constructor(init: { hash: Uint8Array; ranges: ChunkRanges; maxSize: number; buffer?: Uint8Array }) {
    this.#buffer = init.buffer ?? new Uint8Array(GROUP_BYTES)
    this.#ranges = init.ranges
    this.#maxSize = init.maxSize
    this.#push(init.hash, 0)
  }

  get done(): boolean {
    return this.#done
  }

  /** Bytes that would complete the next piece: never ask the stream for more than the response has. */
  get wanted(): number {
    return this.#done ? 0 : this.#need - this.#filled
  }

  /**
   * Takes bytes; answers what they complete, one by one: all of it must be taken before the next call. Bytes behind the end are
   * ignored (`done` is true then).
   */
  *push(data: Uint8Array): Generator<DecodeEvent, void, undefined> {
    let at = 0
    while (!this.#done) {
      const n = Math.min(this.#need - this.#filled, data.length - at)
      this.#buffer.set(data.subarray(at, at + n), this.#filled)
      this.#filled += n
      at += n
      if (this.#filled < this.#need) break
      this.#filled = 0
      const event = this.#complete(this.#buffer.subarray(0, this.#need))
      if (event !== undefined) yield event
      yield* this.#next()
    }
  }

  #complete(bytes: Uint8Array): DecodeEvent | undefined {
    const item = this.#item
    if (item === undefined) {
      const size = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES).getBigUint64(0, true)
      if (size > BigInt(this.#maxSize)) throw sizeRefused(size, this.#maxSize)
      this.#size = Number(size)
      this.#items = treeItems(this.#size, this.#ranges)
      return { kind: 'size', size: this.#size }
    }
    if (item.kind === 'leaf') return this.#leaf(item, bytes)
    if (!isParentCv(bytes, item.isRoot, this.#expected, this.#pop())) throw mismatch('parent', item.offset, item.length)
    if (item.wantRight) this.#push(bytes, CV_BYTES)
    if (item.wantLeft) this.#push(bytes, 0)
    return item.pairIndex === undefined ? undefined : { kind: 'pair', index: item.pairIndex, pair: bytes }
  }

  #push(from: Uint8Array, at: number): void {
    const to = this.#depth++ * CV_BYTES
    for (let i = 0; i < CV_BYTES; i++) this.#expected[to + i] = from[at + i] as number
  }

  /** Where the topmost value stood. */
  #pop(): number {
    return --this.#depth * CV_BYTES
  }

  #leaf(item: Extract<TreeItem, { kind: 'leaf' }>, bytes: Uint8Array): DecodeEvent {
    const isRight = isSubtreeCv(bytes, item.offset / CHUNK_BYTES, item.isRoot, this.#expected, this.#pop())
    if (!isRight) throw mismatch('leaf', item.offset, item.length)
    if (item.offset + item.length === this.#size) this.#sawLast = true
    return { kind: 'leaf', offset: item.offset, data: bytes }
  }

  *#next(): Generator<DecodeEvent, void, undefined> {
    for (;;) {
      const next = this.#items?.next()
      if (!next || next.done) {
        this.#done = true
        this.#need = 0
        yield { kind: 'done', sizeVerified: this.#sawLast }
        return
      }
      this.#item = next.value
      this.#need = next.value.kind === 'parent' ? PAIR_BYTES : next.value.length
      if (this.#need > 0) return
      // The leaf of an empty blob has no bytes on the wire, but must still be the right one.
      yield this.#leaf(next.value as Extract<TreeItem, { kind: 'leaf' }>, new Uint8Array(0))
    }
  }
}
