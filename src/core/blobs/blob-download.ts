import { type Deferred, deferred } from '../../base/async.ts'
import type { Clock } from '../../base/clock.ts'
import { isK2Error } from '../../base/errors.ts'
import type { Hash, PeerId } from '../ids.ts'
import { type AttemptOutcome, outcomeOf } from './download-errors.ts'
import { DownloadPlan, type PlanLimits } from './download-plan.ts'
import type { DownloadLimits } from './download-types.ts'
import type { ProviderPool } from './provider-pool.ts'
import type { FetchTask } from './range-fetcher.ts'
import type { BlobSink, PartialBlob } from './store.ts'
import type { ChunkRanges } from './tree/ranges.ts'

/** Told about what happens to one blob. */
export interface BlobWatcher {
  /** A provider claims this size. Throws to refuse it. */
  sized(hash: Hash, size: number): void
  took(hash: Hash, bytes: number): void
  activity(change: 1 | -1): void
}

export interface BlobDownloadInit {
  readonly hash: Hash
  /** Whole groups. */
  readonly wanted: ChunkRanges
  readonly partial: PartialBlob
  readonly pool: ProviderPool
  readonly limits: DownloadLimits & PlanLimits
  readonly maxSize: number
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly watcher: BlobWatcher
  /** Fires when an attempt of any blob of the download has ended: providers may have become free. */
  readonly bell: Bell
  readonly fetch: (task: Omit<FetchTask, 'provider'>, provider: PeerId, sink: BlobSink) => Promise<unknown>
}

/** Wakes everybody who waits. */
export class Bell {
  #next: Deferred<void> = deferred()

  ring(): void {
    this.#next.resolve()
    this.#next = deferred()
  }

  get rung(): Promise<void> {
    return this.#next.promise
  }
}

/** Fetches what is missing of one blob into its partial entry of the store: runs a `DownloadPlan` against real providers. */
export class BlobDownload {
  readonly #init: BlobDownloadInit
  readonly #plan: DownloadPlan
  readonly #running = new Map<number, { stop: AbortController; ended: Promise<void> }>()

  constructor(init: BlobDownloadInit) {
    this.#init = init
    const { size, sizeVerified, ranges } = init.partial.state()
    const { wanted, pool, limits } = init
    this.#plan = new DownloadPlan({ wanted, have: ranges, size: sizeVerified ? size : undefined, pool, limits })
  }

  /** Proven size, if it became known. */
  get size(): number | undefined {
    return this.#plan.size
  }

  /** Resolves when everything wanted is in the store. Rejects `BLOB_*`, `TIMEOUT`, `ABORTED`; what came is kept. */
  async run(): Promise<void> {
    const { signal, clock, bell } = this.#init
    try {
      for (;;) {
        signal.throwIfAborted()
        const rung = bell.rung
        const step = this.#plan.step(clock.monotonic())
        if (step.kind === 'done') return
        if (step.kind === 'failed') throw step.error
        if (step.kind === 'fetch') this.#begin(step.attempt, step.provider, step.ranges)
        else if (step.kind === 'abort') this.#running.get(step.attempt)?.stop.abort(step.error)
        else await this.#wait(rung, step.atMs)
      }
    } finally {
      const running = [...this.#running.values()]
      for (const { stop } of running) stop.abort()
      await Promise.all(running.map(({ ended }) => ended))
    }
  }

  #begin(attempt: number, provider: PeerId, ranges: ChunkRanges): void {
    const { signal, watcher, bell, clock } = this.#init
    const stop = new AbortController()
    watcher.activity(1)
    const ended = this.#attempt(attempt, provider, ranges, AbortSignal.any([signal, stop.signal])).then((outcome) => {
      this.#running.delete(attempt)
      watcher.activity(-1)
      this.#plan.ended(attempt, outcome, clock.monotonic())
      bell.ring()
    })
    this.#running.set(attempt, { stop, ended })
  }

  /** Never rejects. */
  async #attempt(attempt: number, provider: PeerId, ranges: ChunkRanges, signal: AbortSignal): Promise<AttemptOutcome> {
    const { hash, maxSize, limits } = this.#init
    const { stallMs, connectMs } = limits
    try {
      await this.#init.fetch({ hash, ranges, maxSize, stallMs, connectMs, signal }, provider, this.#sink(attempt))
      return { kind: 'done' }
    } catch (error) {
      // An attempt that was ended for a reason failed for that reason.
      if (signal.aborted && isK2Error(signal.reason)) return outcomeOf(signal.reason)
      return signal.aborted ? { kind: 'done' } : outcomeOf(error)
    }
  }

  #sink(attempt: number): BlobSink {
    const { hash, partial, watcher, clock, bell } = this.#init
    const store = partial.sink()
    let claimed = 0
    return {
      size: async (size) => {
        watcher.sized(hash, size)
        claimed = size
        await store.size(size)
      },
      pair: (index, pair) => store.pair(index, pair),
      leaf: async (offset, data) => {
        await store.leaf(offset, data)
        if (offset + data.length === claimed) this.#plan.proved(claimed)
        const missed = this.#plan.took(attempt, offset, data.length, clock.monotonic())
        if (missed > 0) watcher.took(hash, missed)
        // Somebody else may be fetching the same: the first one ends it.
        if (this.#plan.active > 1) bell.ring()
      },
    }
  }

  #wait(rung: Promise<void>, atMs: number | undefined): Promise<void> {
    const { signal, clock } = this.#init
    return new Promise((go) => {
      const done = (): void => {
        cancel()
        signal.removeEventListener('abort', done)
        go()
      }
      const cancel = atMs === undefined ? () => {} : clock.after(Math.max(1, atMs - clock.monotonic()), done)
      signal.addEventListener('abort', done, { once: true })
      void rung.then(done)
    })
  }
}
