import { concatBytes } from '../../base/bytes.ts'
import { type Hash, idBytes } from '../ids.ts'
import { missing } from './store/errors.ts'
import type { BlobReader } from './store.ts'
import { type BlobSource, encodeRanges } from './tree/encode.ts'
import { treeItems } from './tree/items.ts'
import { chunksOfBytes } from './tree/ranges.ts'

/** Bytes read from a source at once where it is read in order. */
const READ_AHEAD = 256 * 1024

/** The same source with larger reads, for readers that go through it in order. */
export function readAhead(source: BlobSource, bytes = READ_AHEAD): BlobSource {
  let at = 0
  let window: Uint8Array = new Uint8Array(0)
  return {
    size: source.size,
    pair: (index) => source.pair(index),
    async read(offset, length) {
      if (offset < at || offset + length > at + window.length) {
        const want = Math.max(length, Math.min(bytes, source.size - offset))
        // Behind this piece there may be a hole of a partial blob.
        window = await source.read(offset, want).catch(() => source.read(offset, length))
        at = offset
      }
      return window.subarray(offset - at, offset - at + length)
    },
  }
}

/** Verified bytes `start` to `end` (exclusive) of a source, in pieces of at most 16 KiB. Throws `BLOB_MISMATCH`. */
export async function* verifiedBytes(
  source: BlobSource,
  hash: Hash,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  // A range behind the end would select the last chunk (blobs.md 4.3).
  if (start >= Math.min(end, source.size)) return
  const ranges = chunksOfBytes(start, Math.min(end, source.size))
  const items = treeItems(source.size, ranges)
  for await (const piece of encodeRanges(source, idBytes(hash), ranges)) {
    const { value: item } = items.next()
    if (item?.kind !== 'leaf') continue
    const from = Math.max(0, start - item.offset)
    const to = Math.min(item.length, end - item.offset)
    if (from < to) yield piece.subarray(from, to)
  }
}

/**
 * Reads bytes `start` to `end` (exclusive, default the end) of a blob, verified against the hash. Rejects `BLOB_MISSING`,
 * `BLOB_CHANGED` or `BLOB_MISMATCH`, maybe in the middle; damage is reported to the store.
 */
export async function* blobBytes(
  store: BlobReader,
  hash: Hash,
  options: { readonly start?: number; readonly end?: number } = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const source = await store.open(hash)
  if (source === undefined) throw missing(hash)
  try {
    yield* verifiedBytes(readAhead(source), hash, options.start ?? 0, options.end ?? source.size)
  } catch (error) {
    if (isDamage(error)) store.reportDamage(hash)
    throw error
  } finally {
    await source.close()
  }
}

/** A whole verified blob of at most `maxBytes`. Rejects as `blobBytes` does; `BLOB_MISSING` also when it is larger. */
export async function readBlob(store: BlobReader, hash: Hash, maxBytes: number): Promise<Uint8Array> {
  const status = await store.status(hash)
  if (status.kind !== 'complete' || status.size > maxBytes) throw missing(hash)
  const pieces: Uint8Array[] = []
  for await (const piece of blobBytes(store, hash)) pieces.push(piece.slice())
  return concatBytes(pieces)
}

/** Whether an error says that stored content is not what it was. */
export function isDamage(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === 'BLOB_MISMATCH'
}
