import type { FileHandle } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { abortedError } from '../../../base/async.ts'
import { concatBytes } from '../../../base/bytes.ts'
import { type Hash, hashOf } from '../../ids.ts'
import { BlobHasher } from '../tree/outboard.ts'
import { type Change, type Content, type ContentArea, type ContentId, MAX_INLINE_BYTES, PAGE_BYTES } from './backend.ts'
import type { DiskGuard } from './disk-guard.ts'
import { changed, storageError, throwIfAborted } from './errors.ts'
import { pageChanges } from './pages.ts'
import type { Reservation } from './quota.ts'
import { readAt } from './reference.ts'

/** Bytes hashed and written between turns of the event loop: about 1 ms. */
const PIECE_BYTES = 256 * 1024
/** Pages of an outboard written in one transaction. */
const PAGES_PER_COMMIT = 256

/** Content that was read, hashed and, unless small or referenced, written and synced. */
export interface ReadBlob {
  readonly hash: Hash
  readonly size: number
  readonly outboard: Uint8Array
  /** All of it, when it is small. */
  readonly small: Uint8Array | undefined
}

export interface ReadOptions {
  /** Where large content goes; undefined = it is only read. */
  readonly target: { readonly area: ContentArea; readonly id: ContentId } | undefined
  /** Bytes already promised; more is asked for as it comes. */
  readonly promised: number
  readonly reservation: Reservation
  readonly disk: DiskGuard
  readonly total: number | undefined
  readonly signal: AbortSignal | undefined
  readonly onProgress: ((done: number, total: number | undefined) => void) | undefined
}

/** Takes a stream to its end. On failure the target is left for the caller to remove. */
export async function readBlobStream(source: AsyncIterable<Uint8Array>, options: ReadOptions): Promise<ReadBlob> {
  const { target, reservation, disk, signal } = options
  const hasher = new BlobHasher()
  let head: Uint8Array[] | undefined = []
  let content: Content | undefined
  let size = 0
  let promised = options.promised
  const put = async (piece: Uint8Array, at: number): Promise<void> => {
    if (target === undefined) return
    if (content === undefined) {
      content = await target.area.create(target.id).catch((error) => {
        throw storageError('a content file cannot be created', error)
      })
    }
    await disk.expect(piece.length)
    await content.write(at, piece).catch((error) => {
      throw storageError('content cannot be written', error)
    })
  }
  try {
    for await (const piece of pieces(untilAborted(source, signal))) {
      throwIfAborted(signal)
      if (size + piece.length > promised) {
        reservation.grow(size + piece.length - promised)
        promised = size + piece.length
      }
      hasher.update(piece)
      if (head && size + piece.length <= MAX_INLINE_BYTES) head.push(piece.slice())
      else {
        if (head) {
          const start = concatBytes(head)
          head = undefined
          if (start.length > 0) await put(start, 0)
        }
        await put(piece, size)
      }
      size += piece.length
      options.onProgress?.(size, options.total)
    }
    throwIfAborted(signal)
    await content?.sync().catch((error) => {
      throw storageError('content cannot be synced', error)
    })
  } finally {
    await content?.close().catch(() => {})
  }
  const { hash, outboard } = await hasher.finishInTurns(() => setImmediate())
  return { hash: hashOf(hash), size, outboard, small: head && concatBytes(head) }
}

/** Leaves a source that is silent when the signal fires, e.g. an upload whose sender has gone quiet. */
async function* untilAborted(
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  const from = source[Symbol.asyncIterator]()
  let giveUp = (_: unknown): void => {}
  const onAbort = (): void => giveUp(abortedError(signal))
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    for (;;) {
      throwIfAborted(signal)
      const next = await new Promise<IteratorResult<Uint8Array, unknown>>((resolve, reject) => {
        giveUp = reject
        from.next().then(resolve, reject)
      })
      if (next.done) return
      yield next.value
    }
  } finally {
    signal?.removeEventListener('abort', onAbort)
    // A source that hangs may never answer.
    from.return?.().catch(() => {})
  }
}

/** Cuts large pieces and lets others have a turn between them. */
async function* pieces(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const part of source) {
    for (let at = 0; at < part.length; at += PIECE_BYTES) {
      yield part.subarray(at, at + PIECE_BYTES)
      if (part.length > PIECE_BYTES) await setImmediate()
    }
  }
}

/** The bytes of an open file, which must have exactly `size` of them. Rejects `BLOB_CHANGED`. */
export async function* fileBytes(file: FileHandle, size: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < size; ) {
    const piece = await readAt(file, at, Math.min(PIECE_BYTES, size - at))
    if (piece.length === 0) throw changed('this file')
    yield piece
    at += piece.length
  }
}

/** Writes all but the last transaction's worth of an outboard; answers the rest, to be committed with the entry. */
export async function commitOutboard(
  commit: (changes: readonly Change[]) => Promise<void>,
  id: ContentId,
  outboard: Uint8Array,
): Promise<Change[]> {
  const pages = Math.ceil(outboard.length / PAGE_BYTES)
  let at = 0
  for (; pages - at > PAGES_PER_COMMIT; at += PAGES_PER_COMMIT) await commit(pageChanges(id, outboard, at, at + PAGES_PER_COMMIT))
  return pageChanges(id, outboard, at, pages)
}
