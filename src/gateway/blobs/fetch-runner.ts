import type { Clock } from '../../base/clock.ts'
import { errorCode, errorMessage, isK2Error } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { BlobStore, DownloadProgress, DownloadRequest, DownloadResult } from '../../core/blobs/index.ts'
import type { JobContext } from '../jobs/workers.ts'
import { type FetchLedger, LEASE_MS } from './fetch-ledger.ts'
import type { Fetch } from './model.ts'
import { OncePerId } from './once-per-id.ts'

/** ms between two reports of progress. A fetch whose cancellation nobody announced (`cancelled`) ends within it. */
const BEAT_MS = 1_000
/** ms the first pause after a failure takes; each further one is twice as long. The queue waits the same by itself. */
export const RETRY_MS = 2_000

/** Failures another attempt cannot cure. */
const FINAL = new Set([
  'BLOB_BAD_COLLECTION',
  'BLOB_MISMATCH',
  'BLOB_NO_PROVIDER',
  'BLOB_STORE_QUOTA',
  'BLOB_TOO_LARGE',
  'BLOB_FETCH_FAILED',
])

/** Name of the tag that keeps what a fetch has brought until somebody else keeps it. */
export const fetchTag = (id: string): string => `${FETCH_TAGS}${id}`
export const FETCH_TAGS = 'fetches/'

export interface FetchRunnerOptions {
  readonly fetches: FetchLedger
  readonly store: Pick<BlobStore, 'setTag' | 'deleteTag'>
  readonly download: (request: DownloadRequest) => Promise<DownloadResult>
  /** Stands for the store in leases: what was fetched before is there. */
  readonly worker: string
  /** The blob is in the store: records it and tells whoever waits. */
  readonly fetched: (fetch: Fetch, result: DownloadResult) => Promise<void>
  /** Jobs that have to hear that it failed. */
  readonly failed: (jobs: readonly string[]) => Promise<void>
  /** Failures until it is given up. */
  readonly attempts: number
  readonly clock: Clock
  readonly log: Logger
}

interface Beat {
  /** Fires when the lease is lost or the fetch was cancelled. */
  readonly lost: AbortSignal
  /** Largest size wanted by anybody so far. */
  maxBytes(): number
  /** Asks now whether the fetch is still wanted. */
  hurry(): void
  stop(): Promise<void>
}

/** Carries out fetches: holds the lease, downloads into the store, reports, and decides what a failure means. */
export class FetchRunner {
  readonly #options: FetchRunnerOptions
  readonly #once = new OncePerId()
  readonly #running = new Map<string, Beat>()

  constructor(options: FetchRunnerOptions) {
    this.#options = options
  }

  /** A fetch may have been cancelled, or any of them when no id is known: those that were end now. */
  cancelled(id?: string): void {
    if (id !== undefined) this.#running.get(id)?.hurry()
    else for (const beat of this.#running.values()) beat.hurry()
  }

  /**
   * Handler of the queue `blob-fetch`: safe to call at any time with any id. Resolves when there is nothing more to do for
   * now; rejects with the failure when the queue shall try again.
   */
  run(id: string, context: JobContext): Promise<void> {
    return this.#once.run(id, async () => {
      const fetch = await this.#options.fetches.take(id, this.#options.worker)
      if (fetch !== undefined) await this.#fetch(fetch, context)
    })
  }

  async #fetch(fetch: Fetch, context: JobContext): Promise<void> {
    const { store, download } = this.#options
    let progress: DownloadProgress | undefined
    const beat = this.#beat(fetch, context, () => progress)
    this.#running.set(fetch.id, beat)
    let result: DownloadResult
    try {
      // The blob need not be there: its parts shall stay until the fetch has ended, whatever happens to this process.
      await store.setTag({ name: fetchTag(fetch.id), hash: fetch.hash, format: fetch.format })
      result = await download({
        hash: fetch.hash,
        format: fetch.format,
        providers: fetch.providers,
        limits: { maxBytes: fetch.maxBytes },
        signal: AbortSignal.any([context.signal, beat.lost]),
        onProgress: (now) => {
          progress = now
        },
      })
    } catch (error) {
      await this.#stop(fetch, beat)
      return this.#failed(fetch, error, context, beat)
    }
    await this.#stop(fetch, beat)
    await this.#options.fetched(fetch, result)
  }

  async #stop(fetch: Fetch, beat: Beat): Promise<void> {
    this.#running.delete(fetch.id)
    await beat.stop()
  }

  async #failed(fetch: Fetch, error: unknown, context: JobContext, beat: Beat): Promise<void> {
    const { fetches, attempts, store, failed, log } = this.#options
    if (beat.lost.aborted) {
      const now = await fetches.get(fetch.id)
      // Taken over by another worker: it has its own copy. Cancelled: nobody wants it.
      if (now === undefined || now.status !== 'pending') await store.deleteTag(fetchTag(fetch.id))
      return
    }
    if (context.signal.aborted) return fetches.release(fetch)
    const code = errorCode(error)
    const why = { code, message: isK2Error(error) ? errorMessage(error) : 'the fetch failed unexpectedly' }
    // Somebody who may have larger files has joined while the size was refused.
    if (code === 'BLOB_TOO_LARGE' && beat.maxBytes() > fetch.maxBytes) return fetches.retry(fetch, 0, why)
    const isFinal = FINAL.has(code) || !isK2Error(error) || fetch.attempts + 1 >= attempts
    log.info({
      ev: 'blob-fetch-failed',
      fetch: fetch.id,
      hash: fetch.hash,
      code,
      attempt: fetch.attempts + 1,
      isFinal,
      err: error,
    })
    if (!isFinal) {
      await fetches.retry(fetch, RETRY_MS * 2 ** fetch.attempts, why)
      throw error
    }
    const jobs = await fetches.failed(fetch.id, ['running'], why)
    await store.deleteTag(fetchTag(fetch.id))
    await failed(jobs)
  }

  /** Renews the lease and reports how far the fetch is, until stopped. */
  #beat(fetch: Fetch, context: JobContext, progress: () => DownloadProgress | undefined): Beat {
    const { fetches, clock, log } = this.#options
    const lost = new AbortController()
    let renewedAt = clock.monotonic()
    let maxBytes = fetch.maxBytes
    let stopped = false
    let again = false
    let cancel = (): void => {}
    let last: Promise<void> | undefined
    const renew = async (): Promise<void> => {
      const now = progress()
      const kept = await fetches.renew(fetch, now?.present ?? 0, now?.total)
      if (kept === undefined) return lost.abort()
      renewedAt = clock.monotonic()
      maxBytes = kept.maxBytes
      if (now?.total) await context.progress(Math.floor((100 * now.present) / now.total))
    }
    const beat = (): void => {
      last = renew()
        .catch((err) => {
          log.debug({ ev: 'blob-fetch-beat', fetch: fetch.id, err }, 'progress of a fetch could not be recorded')
          // Another worker may have it by now.
          if (clock.monotonic() - renewedAt > LEASE_MS) lost.abort()
        })
        .finally(() => {
          last = undefined
          later()
        })
    }
    const later = (): void => {
      if (stopped || lost.signal.aborted) return
      if (!again) cancel = clock.after(BEAT_MS, beat)
      else {
        again = false
        beat()
      }
    }
    later()
    return {
      lost: lost.signal,
      maxBytes: () => maxBytes,
      hurry() {
        if (stopped || lost.signal.aborted) return
        // One that is under way may have read the row before the change.
        again = last !== undefined
        if (again) return
        cancel()
        beat()
      },
      async stop() {
        stopped = true
        cancel()
        await last
      },
    }
  }
}
