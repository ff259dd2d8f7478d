import { lstat, rename, utimes } from 'node:fs/promises'
import { fromUtf8 } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { errorCode, errorMessage, isK2Error } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { BlobStore } from '../../core/blobs/index.ts'
import type { Docs } from '../../core/docs/index.ts'
import { readMtime, type SyncAction } from '../../core/sync/index.ts'
import { syncError } from './errors.ts'
import type { FolderState } from './folder-state.ts'
import { makeParents, placeOf, pruneParents, sameStamp, stampAt } from './paths.ts'
import type { Trash } from './trash.ts'

export type ApplyAction = Extract<SyncAction, { kind: 'take' | 'remove' | 'set-aside' | 'record' }>

const LOST = new Set(['BLOB_MISSING', 'BLOB_CHANGED', 'BLOB_MISMATCH'])
/** Something else is in its place by now. */
const STALE = new Set(['SYNC_STALE', 'BLOB_EXPORT_EXISTS'])
/** Longest value read as the time of a file. Bytes. */
const MAX_META_BYTES = 1_024

export interface ApplierParts {
  readonly root: string
  readonly folder: string
  readonly blobs: Pick<BlobStore, 'export'>
  readonly docs: Pick<Docs, 'read'>
  readonly state: FolderState
  readonly trash: Trash
  readonly clock: Clock
  readonly log: Logger
}

/** `stale`: the place on disk is not as planned and has to be looked at again. `failed`: it cannot be done, at least not now. */
export type Applied = 'done' | 'stale' | { readonly failed: string }

/** Brings the folder into the state the document wants, one file at a time, never destroying what nobody else has. */
export class Applier {
  readonly #parts: ApplierParts

  constructor(parts: ApplierParts) {
    this.#parts = parts
  }

  /** Never rejects but with `ABORTED`. */
  async apply(action: ApplyAction, signal: AbortSignal): Promise<Applied> {
    try {
      return await this.#do(action, signal)
    } catch (error) {
      if (signal.aborted) throw error
      const { log, folder } = this.#parts
      const code = errorCode(error)
      log.debug({ ev: 'sync-apply', folder: folder.slice(0, 10), what: action.kind, code, reason: errorMessage(error) })
      // It was kept as a file that is gone or has changed: it is fetched again.
      if (LOST.has(code)) return 'stale'
      return { failed: isK2Error(error) ? error.code : `SYNC_${code}` }
    }
  }

  #do(action: ApplyAction, signal: AbortSignal): Promise<Applied> {
    switch (action.kind) {
      case 'record':
        this.#parts.state.setBase(action.path, action.base)
        return Promise.resolve('done')
      case 'remove':
        return this.#remove(action)
      case 'set-aside':
        return this.#setAside(action)
      case 'take':
        return this.#take(action, signal)
    }
  }

  async #remove({ path, hash }: Extract<ApplyAction, { kind: 'remove' }>): Promise<Applied> {
    const { root, folder, state, trash, clock } = this.#parts
    if (!(await this.#isAsSeen(path, hash))) return 'stale'
    await trash.take(placeOf(root, path), folder, path, clock.now())
    state.setLocal(path, undefined)
    state.setBase(path, { kind: 'gone', hash })
    await pruneParents(root, path)
    return 'done'
  }

  async #setAside({ path, to, hash }: Extract<ApplyAction, { kind: 'set-aside' }>): Promise<Applied> {
    const { root, folder, state, trash, clock } = this.#parts
    if (!(await this.#isAsSeen(path, hash))) return 'stale'
    const target = placeOf(root, to)
    // A name made of time and content that is taken already has this version.
    if ((await stampAt(target)) === undefined) await rename(placeOf(root, path), target)
    else await trash.take(placeOf(root, path), folder, path, clock.now())
    // Found by the next scan, which reads it at its new place.
    state.setLocal(path, undefined)
    return 'stale'
  }

  async #take({ path, remote, replaces }: Extract<ApplyAction, { kind: 'take' }>, signal: AbortSignal): Promise<Applied> {
    const { root, folder, blobs, state, trash, clock } = this.#parts
    const target = await makeParents(root, path)
    if ((await stampAt(target)) === 'other') throw syncError('SYNC_BAD_PATH', 'conflict', 'a folder or link stands in its place')
    const seconds = await this.#timeOf(remote)
    const seen = state.seen.get(path)
    const ready = async (draft: string): Promise<void> => {
      if (seconds !== undefined) await utimes(draft, seconds, seconds)
      if (!(await this.#isAsSeen(path, replaces))) throw notAsSeen()
      // Empty files have nothing to keep.
      if (seen !== undefined && seen.size > 0) await trash.keep(target, folder, path, clock.now())
    }
    try {
      // The store's own file becomes the file of the folder: nothing is written, or kept, twice.
      await blobs.export(remote.hash, target, { mode: 'reference', overwrite: replaces !== undefined, ready, signal })
    } catch (error) {
      if (STALE.has(errorCode(error))) return 'stale'
      throw error
    }
    const info = await lstat(target, { bigint: true })
    state.setLocal(path, { hash: remote.hash, size: Number(info.size), mtimeNs: info.mtimeNs, inode: info.ino })
    state.setBase(path, { kind: 'live', hash: remote.hash })
    return 'done'
  }

  /** Whether on disk is what the last scan read: of this content, or nothing. */
  async #isAsSeen(path: string, hash: string | undefined): Promise<boolean> {
    const now = await stampAt(placeOf(this.#parts.root, path))
    const seen = this.#parts.state.seen.get(path)
    if (hash === undefined) return now === undefined && seen === undefined
    return seen !== undefined && seen.hash === hash && now !== undefined && now !== 'other' && sameStamp(seen, now)
  }

  /** The author's time of the file in seconds since 1970, where it is told. */
  async #timeOf({ meta }: Extract<ApplyAction, { kind: 'take' }>['remote']): Promise<number | undefined> {
    if (meta === undefined || meta.len > BigInt(MAX_META_BYTES)) return undefined
    const bytes = await this.#parts.docs.read(meta, MAX_META_BYTES).catch(() => undefined)
    return bytes && readMtime(fromUtf8(bytes) ?? '')
  }
}

const notAsSeen = (): Error => syncError('SYNC_STALE', 'conflict', 'the file has changed since it was looked at')
