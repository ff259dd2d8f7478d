import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import { errorCode, K2Error } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { acquireDirLock, type DirLock } from '../dir-lock.ts'
import type { StoreBackend } from './store/backend.ts'
import { BlobEngine } from './store/engine.ts'
import { storageError } from './store/errors.ts'
import { FsArea } from './store/fs-content.ts'
import { FsMeta } from './store/fs-meta.ts'
import type { KeptBlob } from './store.ts'

export interface FsStoreOptions {
  /** Folder of its own; made when missing. */
  readonly dir: string
  /** Content bytes the store keeps at most; referenced files do not count. */
  readonly maxBytes: number
  /** Bytes that stay free on the disk. Default 64 MiB. */
  readonly minFreeBytes?: number
  /** What outside the store names blobs of it, e.g. documents: they stay without a tag. When it fails nothing is removed. */
  readonly named?: () => AsyncIterable<KeptBlob>
  readonly clock?: Clock
  readonly log?: Logger
}

const DEFAULT_MIN_FREE = 64 * 1024 * 1024

/**
 * A store on disk: content in files under `dir/content`, everything else in LMDB under `dir/index`. Nothing is opened before
 * the first use; that rejects `BLOB_STORE_LOCKED` while another process has the store. Content is on disk before the
 * index speaks of it, so a crash at any point leaves a store that opens and claims nothing it does not have.
 */
export class FsBlobStore extends BlobEngine {
  constructor(options: FsStoreOptions) {
    const { maxBytes, minFreeBytes = DEFAULT_MIN_FREE } = options
    super(() => openFsBackend(options), { ...options, limits: { maxBytes, minFreeBytes } })
  }
}

/** Rejects `BLOB_STORE_LOCKED` or `BLOB_STORE_*`. */
export async function openFsBackend({ dir, clock }: Pick<FsStoreOptions, 'dir' | 'clock'>): Promise<StoreBackend> {
  const content = join(dir, 'content')
  let lock: DirLock | undefined
  try {
    await mkdir(content, { recursive: true, mode: 0o700 })
    lock = await acquireDirLock(join(dir, 'store.lock'), clock)
    const meta = await FsMeta.open(join(dir, 'index'))
    const held = lock
    return {
      meta,
      area: new FsArea(content),
      references: true,
      async close() {
        await meta.close()
        await held.release()
      },
    }
  } catch (error) {
    await lock?.release()
    throw errorCode(error) === 'DB_LOCKED' ? locked(error) : storageError('it cannot be opened', error)
  }
}

function locked(cause: unknown): K2Error {
  return new K2Error({
    code: 'BLOB_STORE_LOCKED',
    kind: 'conflict',
    message: 'another process has this store of blobs open',
    cause,
  })
}
