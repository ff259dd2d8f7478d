import { randomBytes } from 'node:crypto'
import { link, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { errorCode } from '../../../base/errors.ts'
import type { Hash } from '../../ids.ts'
import { readAhead, verifiedBytes } from '../blob-bytes.ts'
import type { OpenBlob } from '../store.ts'
import type { StoreContext } from './context.ts'
import { exportExists, storageError, throwIfAborted } from './errors.ts'
import { openUserFile, stampOf, writeAt } from './reference.ts'
import { syncDir } from './sync-dir.ts'

/** Bytes collected for one write. */
const WRITE_BYTES = 256 * 1024

interface MoveOptions {
  readonly overwrite: boolean
  readonly ready?: ((draft: string) => Promise<void>) | undefined
}

/** A name beside `path` that nobody uses. */
function draftOf(path: string): string {
  return join(dirname(path), `.k2gw-${randomBytes(8).toString('hex')}.part`)
}

/**
 * Writes a verified blob beside `path`, syncs it and moves it there in one step. Nothing of it stays after a failure.
 * Rejects `BLOB_MISMATCH`, `BLOB_EXPORT_EXISTS`, `BLOB_STORE_*` or `ABORTED`.
 */
export async function exportCopy(
  source: OpenBlob,
  hash: Hash,
  path: string,
  options: MoveOptions & {
    readonly signal?: AbortSignal | undefined
    readonly onProgress?: ((done: number, total: number) => void) | undefined
  },
): Promise<void> {
  const draft = draftOf(path)
  try {
    const file = await open(draft, 'wx', 0o600)
    try {
      const block = new Uint8Array(WRITE_BYTES)
      let filled = 0
      let at = 0
      const put = async (): Promise<void> => {
        await writeAt(file, at, block.subarray(0, filled))
        at += filled
        filled = 0
        options.onProgress?.(at, source.size)
      }
      for await (const piece of verifiedBytes(readAhead(source), hash, 0, source.size)) {
        throwIfAborted(options.signal)
        if (filled + piece.length > WRITE_BYTES) await put()
        block.set(piece, filled)
        filled += piece.length
      }
      await put()
      await file.sync()
    } finally {
      await file.close()
    }
    await moveInto(draft, path, options)
  } catch (error) {
    await rm(draft, { force: true }).catch(() => {})
    throw storageError('the blob cannot be exported', error)
  }
}

/**
 * Gives the store's own file away: it lies at `path` afterwards and the store refers to it there. False when there is no such
 * file or it cannot be linked there; then nothing has happened.
 */
export async function exportOwnFile(context: StoreContext, hash: Hash, path: string, options: MoveOptions): Promise<boolean> {
  const { meta, area, references } = context.backend
  return context.lock.run(hash, async () => {
    const entry = meta.blob(hash)
    const own = references && entry?.kind === 'file' ? area.pathOf(entry.content) : undefined
    if (own === undefined || entry?.kind !== 'file') return false
    const draft = draftOf(path)
    // Both names exist until the metadata has the new one: a crash in between loses nothing.
    const linked = await link(own, draft).then(
      () => true,
      () => false,
    )
    if (!linked) return false
    try {
      await moveInto(draft, path, options)
      const file = await openUserFile(path)
      const stamp = await stampOf(file).finally(() => file.close())
      const { size, content } = entry
      await meta.commit([{ kind: 'blob', hash, entry: { kind: 'reference', size, content, path, stamp } }])
    } catch (error) {
      await rm(draft, { force: true }).catch(() => {})
      throw storageError('the blob cannot be exported', error)
    }
    await area.remove(entry.content).catch(() => {})
    return true
  })
}

/** Gives a finished draft its name, durably. Rejects `BLOB_EXPORT_EXISTS`. */
async function moveInto(draft: string, path: string, { overwrite, ready }: MoveOptions): Promise<void> {
  await ready?.(draft)
  if (overwrite) await rename(draft, path)
  else {
    // Linking fails when the name exists, renaming would replace it.
    await link(draft, path).catch((error) => {
      throw errorCode(error) === 'EEXIST' ? exportExists() : error
    })
    await rm(draft, { force: true })
  }
  await syncDir(dirname(path))
}
