import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode, errorMessage, K2Error } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { type BlobStore, type DownloadRequest, type DownloadResult, decodeBlobTicket } from '../../core/blobs/index.ts'
import { toPeerAddr } from '../../core/index.ts'
import type { FetchLedger } from './fetch-ledger.ts'
import { fetchTag } from './fetch-runner.ts'
import type { Fetch, Holder } from './model.ts'
import { OncePerId } from './once-per-id.ts'

/** Failed tries to take a blob over until another worker shall fetch it. */
const TRIES = 3
/** ms a worker has to answer: it is one of ours and has the whole blob. */
const CONNECT_MS = 10_000

export interface CollectorOptions {
  readonly fetches: FetchLedger
  readonly store: BlobStore
  readonly download: (request: DownloadRequest) => Promise<DownloadResult>
  /** Folder shared with workers on this machine. */
  readonly spool: string | undefined
  /** Jobs that can go on. */
  readonly ready: (jobs: readonly string[]) => Promise<void>
  readonly log: Logger
}

/** Takes blobs over from the workers that fetched them. What arrives is verified like everything from a stranger. */
export class Collector {
  readonly #options: CollectorOptions
  readonly #once = new OncePerId()

  constructor(options: CollectorOptions) {
    this.#options = options
  }

  /** Safe to call at any time with any id. Rejects with the failure when it shall be tried again. */
  run(id: string, signal: AbortSignal): Promise<void> {
    return this.#once.run(id, async () => {
      const fetch = await this.#options.fetches.get(id)
      if (fetch?.status === 'fetched' && fetch.holder !== undefined) await this.#collect(fetch, fetch.holder, signal)
    })
  }

  async #collect(fetch: Fetch, holder: Holder, signal: AbortSignal): Promise<void> {
    const { fetches, store, ready, log } = this.#options
    try {
      await store.setTag({ name: fetchTag(fetch.id), hash: fetch.hash, format: fetch.format })
      const size =
        holder.kind === 'ticket'
          ? await this.#fromWorker(fetch, holder.ticket, signal)
          : await this.#fromSpool(fetch, holder.file)
      await ready(await fetches.stored(fetch.id, 'fetched', size))
    } catch (error) {
      if (signal.aborted) return
      const why = { code: errorCode(error), message: errorMessage(error) }
      const tries = await fetches.missed(fetch.id)
      log.warn(
        { ev: 'blob-collect-failed', fetch: fetch.id, tries, err: error },
        'a blob could not be taken over from its worker',
      )
      if (tries >= TRIES) return fetches.refetch(fetch.id, why)
      throw error
    }
  }

  async #fromWorker(fetch: Fetch, ticket: string, signal: AbortSignal): Promise<number> {
    const { addr } = decodeBlobTicket(ticket)
    const result = await this.#options.download({
      hash: fetch.hash,
      format: fetch.format,
      providers: [toPeerAddr(addr)],
      limits: { maxBytes: fetch.maxBytes, connectMs: CONNECT_MS },
      signal,
    })
    return result.total
  }

  async #fromSpool(fetch: Fetch, file: string): Promise<number> {
    const { spool, store } = this.#options
    if (spool === undefined) {
      throw new K2Error({
        code: 'BLOB_NO_SPOOL',
        kind: 'config',
        message: 'a worker handed over a file, but blobs.spool is not set here',
      })
    }
    const path = join(spool, file)
    const imported = await store.importFile(path, { tag: fetchTag(fetch.id) })
    if (imported.hash !== fetch.hash) {
      throw new K2Error({ code: 'BLOB_MISMATCH', kind: 'protocol', message: 'a worker handed over another file' })
    }
    await rm(path, { force: true })
    return imported.size
  }
}
