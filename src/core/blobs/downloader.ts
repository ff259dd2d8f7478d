import { setMaxListeners } from 'node:events'
import { abortedError, Semaphore, timeoutError } from '../../base/async.ts'
import { type Clock, systemClock } from '../../base/clock.ts'
import { errorCode, K2Error } from '../../base/errors.ts'
import { cryptoRng, type Rng } from '../../base/random.ts'
import type { Hash, PeerId } from '../ids.ts'
import type { PeerAddr } from '../net/transport.ts'
import { Bell, BlobDownload } from './blob-download.ts'
import { type PlanLimits, wholeGroups } from './download-plan.ts'
import { DownloadProgressMeter } from './download-progress.ts'
import { DEFAULT_DOWNLOAD_LIMITS, type DownloadLimits, type DownloadRequest, type DownloadResult } from './download-types.ts'
import { downloadMany, type ManyRequest } from './many-download.ts'
import { MAX_HASH_SEQ_BYTES } from './proto/collection.ts'
import { EMPTY_BLOB } from './provider.ts'
import { ProviderPool } from './provider-pool.ts'
import { type DialBlobs, type FetchTask, type ParallelFetch, type RangeFetcher, StreamFetcher } from './range-fetcher.ts'
import type { BlobSink, BlobStore } from './store.ts'
import { ALL, type ChunkRanges, subtract } from './tree/ranges.ts'

/** Blobs of a hash sequence fetched at a time. */
const CHILDREN_AT_ONCE = 16
const LISTENERS_PER_CHILD = 8
/** Pieces of a blob fetched at a time from several providers, in this thread. */
const LANES = 3
/** Largest piece of one attempt while several run: small enough that nobody waits long for the last one. */
const PIECE_BYTES = 4 * 1024 * 1024
const HEDGE_MS = 5_000

export interface DownloaderOptions {
  readonly store: Pick<BlobStore, 'resume' | 'hashSeq' | 'protect'>
  /** Connects with the blobs ALPN, e.g. through `K2Endpoint.dial`. */
  readonly dial: DialBlobs
  /** `parallelFetch(…)`: large blobs are fetched in threads of their own. Without it everything comes through this thread. */
  readonly parallel?: ParallelFetch | undefined
  readonly clock?: Clock
  readonly rng?: Rng
}

/**
 * Fetches blobs and hash sequences into a store (blobs.md 10): from several providers, in verified pieces that survive every
 * failure, asking only for what is missing.
 */
export class Downloader {
  readonly #options: DownloaderOptions
  readonly #clock: Clock
  readonly #rng: Rng

  constructor(options: DownloaderOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#rng = options.rng ?? cryptoRng
  }

  /**
   * Resolves when everything asked for is in the store. What was verified stays there when it rejects, and the next call goes on
   * from it. No tag is set: protect or tag the hash before if garbage collection runs.
   *
   * Rejects `BLOB_NO_PROVIDER` (nobody to ask), `BLOB_UNAVAILABLE` (everybody failed; the last failure is the cause),
   * `BLOB_MISMATCH` (everybody sent wrong data), `BLOB_TOO_LARGE`, `BLOB_BAD_COLLECTION` (no hash sequence), `BLOB_STORE_*`,
   * `TIMEOUT` (the whole download) or `ABORTED`.
   */
  async download(request: DownloadRequest): Promise<DownloadResult> {
    const limits = { ...DEFAULT_DOWNLOAD_LIMITS, ...request.limits }
    const job = new Job(this.#options, request, limits, { clock: this.#clock, rng: this.#rng })
    const stop = new AbortController()
    const onAbort = (): void => stop.abort(abortedError(request.signal))
    const cancel = this.#clock.after(limits.deadlineMs, () => stop.abort(timeoutError('the download', limits.deadlineMs)))
    const protection = this.#options.store.protect()
    protection.add(request.hash, request.format)
    if (request.signal?.aborted) onAbort()
    request.signal?.addEventListener('abort', onAbort, { once: true })
    try {
      return await job.run(stop.signal)
    } finally {
      cancel()
      request.signal?.removeEventListener('abort', onAbort)
      protection.release()
      await job.close()
    }
  }

  /** As `downloadMany`. */
  downloadMany(request: ManyRequest): Promise<readonly Hash[]> {
    return downloadMany({ store: this.#options.store, dial: this.#options.dial, clock: this.#clock }, request)
  }
}

/** One call of `download`. */
class Job {
  readonly #options: DownloaderOptions
  readonly #request: DownloadRequest
  readonly #limits: DownloadLimits
  readonly #clock: Clock
  readonly #addrs: ReadonlyMap<PeerId, PeerAddr>
  readonly #pool: ProviderPool
  readonly #bell = new Bell()
  readonly #meter: DownloadProgressMeter
  readonly #here: RangeFetcher
  #beside: RangeFetcher | undefined
  readonly #knowsUsOnly = new Set<PeerId>()

  constructor(
    options: DownloaderOptions,
    request: DownloadRequest,
    limits: DownloadLimits,
    { clock, rng }: { clock: Clock; rng: Rng },
  ) {
    this.#options = options
    this.#request = request
    this.#limits = limits
    this.#clock = clock
    this.#addrs = new Map(request.providers.map((addr) => [addr.id, addr]))
    const lanesPerProvider = Math.max(CHILDREN_AT_ONCE, options.parallel?.lanes ?? 1)
    this.#pool = new ProviderPool([...this.#addrs.keys()], { ...limits, lanesPerProvider }, rng)
    this.#meter = new DownloadProgressMeter({ maxBytes: limits.maxBytes, clock, report: request.onProgress })
    this.#here = new StreamFetcher(options.dial)
  }

  async run(signal: AbortSignal): Promise<DownloadResult> {
    const { hash, format = 'raw', ranges = ALL } = this.#request
    const isRaw = format === 'raw'
    const maxSize = isRaw
      ? this.#limits.maxBytes
      : Math.min(this.#limits.maxBytes, this.#limits.maxChildren * 32, MAX_HASH_SEQ_BYTES)
    const size = await this.#blob(hash, { signal, maxSize, lanes: this.#lanes(), wanted: isRaw ? wholeGroups(ranges) : ALL })
    const children = isRaw ? [] : await this.#options.store.hashSeq(hash)
    await this.#children(children, signal)
    this.#meter.finish()
    const { received, present } = this.#meter.progress
    const providers = this.#pool.providers.map(({ id, received, totalFailures, banned, lastError }) => ({
      id,
      received,
      failures: totalFailures,
      banned,
      lastError: lastError?.code,
    }))
    return { hash, format, size, total: present, received, children, providers }
  }

  async close(): Promise<void> {
    await Promise.all([this.#here.close(), this.#beside?.close()])
  }

  async #children(children: readonly Hash[], signal: AbortSignal): Promise<void> {
    const unique = [...new Set(children)].filter((child) => child !== this.#request.hash)
    this.#meter.expect(unique.length)
    const failed = new AbortController()
    const both = AbortSignal.any([signal, failed.signal])
    // Every child listens at several places.
    setMaxListeners(CHILDREN_AT_ONCE * LISTENERS_PER_CHILD, both)
    const slots = new Semaphore(CHILDREN_AT_ONCE)
    let first: unknown
    await Promise.all(
      unique.map((child) =>
        slots
          .run(async () => {
            both.throwIfAborted()
            await this.#blob(child, { signal: both, maxSize: this.#limits.maxBytes, lanes: 1, wanted: ALL })
          })
          .catch((error) => {
            first ??= error
            failed.abort(error)
          }),
      ),
    )
    if (first !== undefined) throw first
  }

  /** Answers the size of the blob, or what is claimed of it when only a part was asked for. */
  async #blob(hash: Hash, how: { signal: AbortSignal; maxSize: number; lanes: number; wanted: ChunkRanges }): Promise<number> {
    if (hash === EMPTY_BLOB) {
      this.#meter.done(hash)
      return 0
    }
    const { signal, maxSize, lanes, wanted } = how
    const partial = await this.#options.store.resume(hash, { quota: this.#request.quota, signal })
    try {
      const before = partial.state()
      if (before.size > maxSize && before.sizeVerified) throw tooLarge(before.size, maxSize)
      this.#meter.found(hash, before.bytes, before.sizeVerified ? before.size : undefined)
      if (!before.complete) {
        const limits: DownloadLimits & PlanLimits = {
          ...this.#limits,
          lanes,
          pieceBytes: PIECE_BYTES,
          hedgeMs: HEDGE_MS,
          firstBytes: this.#options.parallel?.fromBytes,
        }
        const common = { hash, wanted, partial, limits, maxSize, signal, pool: this.#pool, clock: this.#clock, bell: this.#bell }
        await new BlobDownload({
          ...common,
          watcher: this.#meter,
          fetch: (task, provider, sink) =>
            this.#fetch(
              { ...task, provider: this.#addrs.get(provider) ?? { id: provider, direct: [] } },
              sink,
              partial.state().size,
            ),
        }).run()
        // Parts fetched one after the other may add up to the whole.
        if (subtract(ALL, partial.state().ranges).length === 0) await partial.complete()
        else await partial.flush()
      }
      this.#meter.done(hash)
      return partial.state().size
    } finally {
      await partial.close()
    }
  }

  #lanes(): number {
    const { parallel } = this.#options
    // With one lane the size would not be asked for first, and it decides about the threads.
    return parallel === undefined ? Math.min(LANES, this.#pool.providers.length) : Math.max(2, parallel.lanes)
  }

  async #fetch(task: FetchTask, sink: BlobSink, size: number): Promise<unknown> {
    const { parallel } = this.#options
    const { id } = task.provider
    if (parallel === undefined || size < parallel.fromBytes || this.#knowsUsOnly.has(id))
      return await this.#here.fetch(task, sink)
    this.#beside ??= parallel.open()
    let hasAnswered = false
    const noticing: BlobSink = {
      size: (n) => {
        hasAnswered = true
        return sink.size(n)
      },
      pair: (index, pair) => sink.pair(index, pair),
      leaf: (offset, data) => sink.leaf(offset, data),
    }
    try {
      return await this.#beside.fetch(task, noticing)
    } catch (error) {
      const code = errorCode(error)
      const isTheProviders = hasAnswered || code === 'BLOB_NOT_FOUND'
      if (task.signal?.aborted || (isTheProviders && code !== 'BLOB_WORKER_FAILED')) throw error
      // A thread comes under a key of its own: some serve only whom they know, some are found only by this node. And one that
      // has died says nothing about the provider at all.
      this.#knowsUsOnly.add(id)
      return await this.#here.fetch(task, sink)
    }
  }
}

const tooLarge = (size: number, max: number): K2Error =>
  new K2Error({
    code: 'BLOB_TOO_LARGE',
    kind: 'limit',
    message: `the blob has ${size} bytes; at most ${max} are accepted`,
    data: { size: String(size), max },
  })
