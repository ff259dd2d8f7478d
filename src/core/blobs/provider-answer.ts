import { type Hash, hashOf, idBytes } from '../ids.ts'
import { isDamage, verifiedBytes } from './blob-bytes.ts'
import { MAX_HASH_SEQ_BYTES } from './proto/collection.ts'
import { type RangesSeq, selectedRuns } from './proto/ranges-seq.ts'
import type { ResponseWriter } from './provider-writer.ts'
import { missing } from './store/errors.ts'
import { EMPTY_BLOB } from './store/sources.ts'
import type { BlobReader, OpenBlob } from './store.ts'
import { CV_BYTES, GROUP_BYTES } from './tree/blake3.ts'
import { encodeRanges, encodeSize } from './tree/encode.ts'
import type { ChunkRanges } from './tree/ranges.ts'

export interface AnswerParts {
  readonly store: BlobReader
  readonly writer: ResponseWriter
  readonly onBlob: (index: number, hash: Hash, size: number) => void
}

/**
 * The response to Get (blobs.md 7.1): the named blob and children of the hash sequence in it, as far as selected. Rejects
 * `BLOB_MISSING` or `BLOB_MISMATCH` where something is not here or not right; what was proven before that has been written.
 */
export async function answerGet(parts: AnswerParts, root: Hash, seq: RangesSeq): Promise<void> {
  let children: Children | undefined
  try {
    for (const { from, to, ranges } of selectedRuns(seq)) {
      if (from === 0n) await answerBlob(parts, 0, root, ranges)
      if (to === 1n) continue
      children ??= await Children.open(parts.store, root)
      // Runs are walked only as far as there are children, whatever index they name.
      const end = clamp(to, children.count + 1)
      for (let i = from === 0n ? 1 : clamp(from, end); i < end; i++) {
        await answerBlob(parts, i, await children.at(i - 1), ranges)
      }
    }
  } finally {
    await children?.close()
  }
}

/** The response to GetMany (blobs.md 7.2). Rejects as `answerGet` does. */
export async function answerGetMany(parts: AnswerParts, hashes: readonly Hash[], seq: RangesSeq): Promise<void> {
  for (const { from, to, ranges } of selectedRuns(seq)) {
    const end = clamp(to, hashes.length)
    for (let i = clamp(from, end); i < end; i++) await answerBlob(parts, i, hashes[i] as Hash, ranges)
  }
}

async function answerBlob({ store, writer, onBlob }: AnswerParts, index: number, hash: Hash, ranges: ChunkRanges): Promise<void> {
  if (hash === EMPTY_BLOB) {
    onBlob(index, hash, 0)
    return writer.write(encodeSize(0))
  }
  const source = await store.open(hash)
  if (source === undefined) throw missing(hash)
  try {
    onBlob(index, hash, source.size)
    await writer.write(encodeSize(source.size))
    for await (const piece of encodeRanges(source, idBytes(hash), ranges)) await writer.write(piece)
  } catch (error) {
    if (isDamage(error)) store.reportDamage(hash)
    throw error
  } finally {
    await source.close()
  }
}

function clamp(index: bigint | undefined, max: number): number {
  return index === undefined || index > BigInt(max) ? max : Number(index)
}

/** The hashes in a hash sequence, read a chunk group at a time: a sequence may be as large as a million children. */
class Children {
  readonly count: number
  readonly #source: OpenBlob
  readonly #hash: Hash
  #from = 0
  #window: Uint8Array = new Uint8Array(0)

  private constructor(source: OpenBlob, hash: Hash) {
    this.#source = source
    this.#hash = hash
    this.count = source.size / CV_BYTES
  }

  /** Rejects `BLOB_MISSING` for what is not complete, too large or no hash sequence. */
  static async open(store: BlobReader, hash: Hash): Promise<Children> {
    const status = await store.status(hash)
    const fits = status.kind === 'complete' && status.size % CV_BYTES === 0 && status.size <= MAX_HASH_SEQ_BYTES
    const source = fits ? await store.open(hash) : undefined
    if (source === undefined) throw missing(hash)
    return new Children(source, hash)
  }

  async at(index: number): Promise<Hash> {
    const offset = index * CV_BYTES
    if (offset < this.#from || offset >= this.#from + this.#window.length) await this.#load(offset)
    return hashOf(this.#window.subarray(offset - this.#from, offset - this.#from + CV_BYTES))
  }

  async #load(offset: number): Promise<void> {
    this.#from = Math.floor(offset / GROUP_BYTES) * GROUP_BYTES
    for await (const piece of verifiedBytes(this.#source, this.#hash, this.#from, this.#from + GROUP_BYTES)) {
      this.#window = piece.slice()
    }
  }

  close(): Promise<void> {
    return this.#source.close()
  }
}
