import { randomBytes } from 'node:crypto'
import type { Clock } from '../../../base/clock.ts'
import type { Logger } from '../../../base/logger.ts'
import type { Hash } from '../../ids.ts'
import type { ContentId, StoreBackend } from './backend.ts'
import { DiskGuard } from './disk-guard.ts'
import { KeyedLock } from './keyed-lock.ts'
import { QuotaBook } from './quota.ts'
import type { Watchers } from './watchers.ts'

/** Pages removed in one transaction. */
const DROP_PAGES = 512

export interface StoreLimits {
  /** Content bytes the store keeps itself at most. */
  readonly maxBytes: number
  /** Bytes that stay free on its disk. */
  readonly minFreeBytes: number
}

/** What the parts of an open store share. */
export class StoreContext {
  readonly backend: StoreBackend
  readonly clock: Clock
  readonly log: Logger
  /** Changes of the entry of one blob follow each other. */
  readonly lock = new KeyedLock<Hash>()
  readonly watchers: Watchers
  readonly quota: QuotaBook
  readonly disk: DiskGuard
  /** Begins every id made by this process. */
  readonly #run = randomBytes(8).toString('hex')
  #made = 0

  constructor(init: { backend: StoreBackend; clock: Clock; log: Logger; limits: StoreLimits; watchers: Watchers }) {
    const { meta, area } = init.backend
    this.backend = init.backend
    this.clock = init.clock
    this.log = init.log
    this.watchers = init.watchers
    this.quota = new QuotaBook({ maxBytes: init.limits.maxBytes, storedBytes: () => meta.storedBytes() })
    this.disk = new DiskGuard({ area, minFreeBytes: init.limits.minFreeBytes, clock: init.clock })
  }

  newId(): ContentId {
    return this.#run + (this.#made++).toString(16).padStart(8, '0')
  }

  isOwnId(id: ContentId): boolean {
    return id.startsWith(this.#run)
  }

  /** Removes content and outboard that no entry names any more. Never rejects: what is left goes at the next start. */
  async drop(id: ContentId): Promise<void> {
    try {
      await this.backend.area.remove(id)
      await this.dropPages(id)
    } catch (err) {
      this.log.warn({ ev: 'blob-drop-failed', err }, 'content that is not needed any more could not be removed')
    }
  }

  async dropPages(content: ContentId): Promise<void> {
    const { meta } = this.backend
    for (;;) {
      const pages = meta.pagesOf(content, DROP_PAGES)
      if (pages.length === 0) return
      await meta.commit(pages.map((page) => ({ kind: 'page', content, page, bytes: undefined })))
    }
  }
}
