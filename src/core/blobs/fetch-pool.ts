import { Worker } from 'node:worker_threads'
import { abortedError, type Deferred, deferred, withDeadline } from '../../base/async.ts'
import type { PeerId } from '../ids.ts'
import type { IrohReach } from '../net/iroh-bind.ts'
import type { PeerAddr } from '../net/transport.ts'
import { BATCH_BYTES, type FetchOrder, type FetchReport, type FetchWorkerInput, fromPlain, workerFailed } from './fetch-wire.ts'
import type { GetResult } from './getter.ts'
import type { FetchTask, RangeFetcher } from './range-fetcher.ts'
import type { BlobSink } from './store.ts'
import { PAIR_BYTES } from './tree/blake3.ts'

export interface FetchPoolOptions extends IrohReach {
  /** Worker threads, each with an endpoint of its own under a fresh key. */
  readonly workers: number
  /** As `IrohBindOptions.bind`, without fixed ports. */
  readonly bind?: readonly string[]
  /** Addresses this node knows of a peer: the workers' endpoints know nobody. */
  readonly known?: (peer: PeerId) => PeerAddr | undefined
}

/** Longest wait for a thread to close its endpoint and end, ms. */
const CLOSE_CAP_MS = 10_000

/**
 * Memory of a thread. Young: the arrays of the binding die at once; with the default of some 48 MiB they go through all of it, which
 * costs memory and leaves the processor's cache. Old: a thread has 6 MiB that it uses, and collects garbage among it from half of the
 * limit on; without one that is after some 100 MiB, which a transfer never gets to.
 */
export const FETCH_THREAD_LIMITS = { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 24 }

interface Running {
  readonly id: number
  readonly sink: BlobSink
  readonly result: Deferred<GetResult>
  /** Where its content is. */
  window: SharedArrayBuffer | undefined
  /** Work of the sink, in order. */
  tail: Promise<void>
  failed: boolean
}

/**
 * Fetches in worker threads. What they verified comes in order to the sink of the fetch, at most 1 MiB ahead of it. Threads start
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
    const { mode, relays = [], bind = [] } = this.#options
    const made = new FetchWorker({ mode, relays, bind })
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
      resourceLimits: FETCH_THREAD_LIMITS,
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
    const running: Running = { id, sink, result: deferred(), window: undefined, tail: Promise.resolve(), failed: false }
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
      if (!this.#gone) this.#send({ op: 'release', id })
    }
  }

  /** Resolves when the thread has ended by itself. One that does not in time is left behind: ending it by force crashes. */
  async close(): Promise<void> {
    if (!this.#gone) this.#send({ op: 'close' })
    await withDeadline(this.#exited.promise, { ms: CLOSE_CAP_MS, what: 'ending a fetch worker' }).catch(() =>
      this.#worker.unref(),
    )
  }

  #send(order: FetchOrder): void {
    this.#worker.postMessage(order)
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
      case 'window':
        running.window = report.memory
        return
      case 'batch': {
        if (running.window === undefined) throw workerFailed(new Error('content without a window'))
        const { indices, offset, at, length } = report.batch
        const pairs = new Uint8Array(running.window, at + BATCH_BYTES, indices.length * PAIR_BYTES)
        for (const [i, index] of indices.entries())
          await running.sink.pair(index, pairs.subarray(i * PAIR_BYTES, (i + 1) * PAIR_BYTES))
        await running.sink.leaf(offset, new Uint8Array(running.window, at, length))
        return this.#send({ op: 'credit', id: running.id, at })
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
