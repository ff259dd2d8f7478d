import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { abortedError, type Deferred, deferred, withDeadline } from '../../base/async.ts'
import type { PeerId } from '../ids.ts'
import type { IrohMode } from '../net/iroh-bind.ts'
import type { PeerAddr } from '../net/transport.ts'
import { type FetchOrder, type FetchReport, type FetchWorkerInput, fromPlain, workerFailed } from './fetch-wire.ts'
import type { GetResult } from './getter.ts'
import type { FetchTask, ParallelFetch, RangeFetcher } from './range-fetcher.ts'
import type { BlobSink } from './store.ts'
import { PAIR_BYTES } from './tree/blake3.ts'

export interface FetchPoolOptions {
  /** Worker threads, each with an endpoint of its own under a fresh key. */
  readonly workers: number
  readonly mode: IrohMode
  /** As `IrohBindOptions.bind`, without fixed ports. */
  readonly bind?: readonly string[]
  /** Addresses this node knows of a peer: the workers' endpoints know nobody. */
  readonly known?: (peer: PeerId) => PeerAddr | undefined
}

/** Longest wait for a thread to close its endpoint and end, ms. */
const CLOSE_CAP_MS = 10_000

interface Running {
  readonly id: number
  readonly sink: BlobSink
  readonly result: Deferred<GetResult>
  /** Work of the sink, in order. */
  tail: Promise<void>
  failed: boolean
}

/**
 * Fetches in worker threads. What they verified comes in order to the sink of the fetch, at most 512 KiB ahead of it. Threads start
 * with the first fetches and end with `close`.
 */
export class FetchPool implements RangeFetcher {
  readonly #options: FetchPoolOptions
  readonly #workers: FetchWorker[] = []
  #closed = false

  constructor(options: FetchPoolOptions) {
    this.#options = options
  }

  async fetch(task: FetchTask, sink: BlobSink): Promise<GetResult> {
    if (this.#closed) throw workerFailed(new Error('the pool is closed'))
    const provider = withKnown(task.provider, this.#options.known?.(task.provider.id))
    return await this.#worker().fetch({ ...task, provider }, sink)
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all(this.#workers.map((worker) => worker.close()))
  }

  /** The idlest one, or a new one. */
  #worker(): FetchWorker {
    const alive = this.#workers.filter((w) => !w.isGone).sort((a, b) => a.load - b.load)
    const idlest = alive[0]
    if (idlest !== undefined && (idlest.load === 0 || alive.length >= this.#options.workers)) return idlest
    const { mode, bind = [] } = this.#options
    const made = new FetchWorker({ mode, bind })
    this.#workers.push(made)
    return made
  }
}

function withKnown(given: PeerAddr, known: PeerAddr | undefined): PeerAddr {
  if (known === undefined) return given
  return { ...known, ...given, direct: [...new Set([...given.direct, ...known.direct])] }
}

/** The main thread's end of one worker. */
class FetchWorker {
  readonly #worker: Worker
  readonly #running = new Map<number, Running>()
  readonly #exited = deferred<void>()
  #nextId = 1
  #gone = false

  constructor(input: Omit<FetchWorkerInput, 'entry'>) {
    const extension = import.meta.url.endsWith('.js') ? 'js' : 'ts'
    const entry = new URL(`./fetch-worker.${extension}`, import.meta.url).href
    this.#worker = new Worker(new URL('./fetch-boot.mjs', import.meta.url), {
      workerData: { ...input, entry } satisfies FetchWorkerInput,
      // Loaders of the main thread (tsx, a test runner) do not belong in there; the boot file brings its own.
      execArgv: [],
      name: 'k2-fetch',
    })
    this.#worker.on('message', (report: FetchReport) => this.#take(report))
    this.#worker.on('error', (error) => this.#end(workerFailed(error)))
    this.#worker.on('exit', () => {
      this.#end(workerFailed(new Error('the thread has ended')))
      this.#exited.resolve()
    })
  }

  get isGone(): boolean {
    return this.#gone
  }

  get load(): number {
    return this.#running.size
  }

  async fetch(task: FetchTask, sink: BlobSink): Promise<GetResult> {
    const { signal, ...plain } = task
    if (signal?.aborted) throw abortedError(signal)
    const id = this.#nextId++
    const running: Running = { id, sink, result: deferred(), tail: Promise.resolve(), failed: false }
    const onAbort = (): void => this.#fail(running, abortedError(signal))
    this.#running.set(id, running)
    signal?.addEventListener('abort', onAbort, { once: true })
    this.#send({ op: 'fetch', id, task: plain })
    try {
      return await running.result.promise
    } finally {
      signal?.removeEventListener('abort', onAbort)
      this.#running.delete(id)
      // What the sink still works on belongs to this fetch.
      await running.tail
    }
  }

  /** Resolves when the thread has ended by itself. One that does not in time is left behind: ending it by force crashes. */
  async close(): Promise<void> {
    if (!this.#gone) this.#send({ op: 'close' })
    await withDeadline(this.#exited.promise, { ms: CLOSE_CAP_MS, what: 'ending a fetch worker' }).catch(() =>
      this.#worker.unref(),
    )
  }

  #send(order: FetchOrder, transfer: readonly ArrayBuffer[] = []): void {
    this.#worker.postMessage(order, transfer)
  }

  #take(report: FetchReport): void {
    if (report.op === 'broken') {
      this.#end(workerFailed(fromPlain(report.error)))
      return
    }
    const running = this.#running.get(report.id)
    if (running === undefined) return
    running.tail = running.tail.then(() => this.#process(running, report)).catch((error) => this.#fail(running, error))
  }

  async #process(running: Running, report: Exclude<FetchReport, { op: 'broken' }>): Promise<void> {
    if (running.failed) return
    switch (report.op) {
      case 'size':
        return await running.sink.size(report.size)
      case 'batch': {
        const { indices, pairs, offset, data } = report.batch
        for (const [i, index] of indices.entries())
          await running.sink.pair(index, pairs.subarray(i * PAIR_BYTES, (i + 1) * PAIR_BYTES))
        await running.sink.leaf(offset, data)
        const { buffer } = data
        return this.#send({ op: 'credit', id: running.id, bytes: data.length, buffer }, [buffer])
      }
      case 'done':
        return running.result.resolve(report.result)
      case 'failed':
        return running.result.reject(fromPlain(report.error))
    }
  }

  /** Ends a fetch from this side: the sink refused something, or nobody wants it any more. */
  #fail(running: Running, error: unknown): void {
    running.failed = true
    running.result.reject(error)
    if (!this.#gone) this.#send({ op: 'abort', id: running.id })
  }

  #end(error: unknown): void {
    this.#gone = true
    for (const running of this.#running.values()) {
      running.failed = true
      running.result.reject(error)
    }
  }
}

/** Threads for large blobs by the number of cores: the main thread needs one, and providers seldom send more than some carry. */
export const fetchWorkers = (cores = availableParallelism()): number => Math.max(1, Math.min(4, cores - 1))

/** Blobs from this size on are worth a thread of their own (its start and handshake take about a second), bytes. */
const FROM_BYTES = 4 * 1024 * 1024

/** The option `parallel` of a downloader. */
export const parallelFetch = (options: Omit<FetchPoolOptions, 'workers'> & { workers?: number | undefined }): ParallelFetch => {
  const workers = options.workers ?? fetchWorkers()
  // Two fetches per thread: one works while the other waits for the network.
  return { lanes: workers * 2, fromBytes: FROM_BYTES, open: () => new FetchPool({ ...options, workers }) }
}
