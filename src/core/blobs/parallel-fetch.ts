import { availableParallelism } from 'node:os'
import { type Clock, systemClock } from '../../base/clock.ts'
import { FetchPool, type FetchPoolOptions } from './fetch-pool.ts'
import type { ParallelFetch } from './range-fetcher.ts'

/**
 * Threads for large blobs by the number of cores: the main thread needs one, and each behind the first takes some 15 MiB of memory, of
 * which a transfer should not take more than 64.
 */
export const fetchWorkers = (cores = availableParallelism()): number => Math.max(1, Math.min(2, cores - 1))

/** Blobs from this size on are worth a thread of their own (its start and handshake take about a second), bytes. */
const FROM_BYTES = 4 * 1024 * 1024
/** Threads and their connections stay this long for the next download, ms; upstream keeps idle connections as long. */
const IDLE_MS = 5_000

export interface ParallelFetchOptions extends Omit<FetchPoolOptions, 'workers'> {
  /** Default: by the number of cores. */
  readonly workers?: number | undefined
  readonly clock?: Clock
}

/** The option `parallel` of downloaders, which share its threads. To be closed before the process ends. */
export function parallelFetch(options: ParallelFetchOptions): ParallelFetch {
  const { clock = systemClock, workers = fetchWorkers() } = options
  let pool: FetchPool | undefined
  let users = 0
  let cancel = (): void => {}
  const closing = new Set<Promise<void>>()
  const end = (): void => {
    cancel()
    const ended = pool?.close().finally(() => closing.delete(ended as Promise<void>))
    if (ended !== undefined) closing.add(ended)
    pool = undefined
  }
  return {
    // A single thread has two fetches: one works while the other waits for the network. More threads are not faster with two each, but
    // take 10 MiB more.
    lanes: Math.max(2, workers),
    fromBytes: FROM_BYTES,
    open() {
      cancel()
      users++
      const used = pool ?? new FetchPool({ ...options, workers })
      pool = used
      let open = true
      return {
        fetch: (task, sink) => used.fetch(task, sink),
        async close() {
          if (!open) return
          open = false
          users--
          if (users === 0) cancel = clock.after(IDLE_MS, end)
        },
      }
    },
    async close() {
      end()
      await Promise.all(closing)
    },
  }
}
