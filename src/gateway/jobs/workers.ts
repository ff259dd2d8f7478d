import { UnrecoverableError, type WorkerOptions } from 'bullmq'
import { sharedAbort } from '../../base/async.ts'
import { type Clock, systemClock } from '../../base/clock.ts'
import { errorMessage, isK2Error } from '../../base/errors.ts'
import type { Health, Lifecycle } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/logger.ts'
import type { JobBackend, JobWorker } from './backend.ts'
import { toJobError } from './errors.ts'
import { type JobData, type JobName, parseJob, type QueueDefinition } from './queues.ts'

/** Errors of the store within one second after which a worker rests, so that a broken store does not cost a whole core. */
const ERRORS_PER_SECOND = 20
/** ms a worker rests then, and before it is made again after it could not start. */
const REST_MS = 1000

export interface JobContext {
  readonly id: string
  /** 1 for the first run. */
  readonly attempt: number
  /** Fires when the gateway cannot wait any longer, or the job was cancelled. */
  readonly signal: AbortSignal
  progress(value: number): Promise<void>
}

export type JobHandlers<Q extends QueueDefinition> = {
  readonly [N in JobName<Q>]: (data: JobData<Q, N>, context: JobContext) => Promise<void>
}

export interface QueueWorkerOptions<Q extends QueueDefinition> {
  readonly backend: JobBackend
  readonly queue: Q
  /** Must be safe to run twice with the same data: queues deliver at least once. */
  readonly handlers: JobHandlers<Q>
  /** Failures that trying again does not mend: such a job fails at once, whatever attempts it has left. */
  readonly isFinal?: (error: unknown) => boolean
  readonly concurrency: number
  readonly log: Logger
  readonly clock?: Clock
  /** For tests: times of BullMQ's stall detection. */
  readonly tuning?: Pick<WorkerOptions, 'lockDuration' | 'stalledInterval' | 'maxStalledCount'>
}

export interface WorkerStats {
  readonly active: number
  readonly completed: number
  readonly failed: number
}

/** Takes the jobs of one queue. Starts as soon as the store can be used, and again whenever its loop ends by an error. */
export class QueueWorker<Q extends QueueDefinition> implements Lifecycle {
  readonly name: string
  readonly #options: QueueWorkerOptions<Q>
  readonly #clock: Clock
  readonly #abort = sharedAbort()
  #worker: JobWorker<unknown> | undefined
  #stopping = false
  #lastError: string | undefined
  #active = 0
  #completed = 0
  #failed = 0
  #burst = { second: 0, count: 0 }
  #cancelTimer = (): void => {}

  constructor(options: QueueWorkerOptions<Q>) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.name = `job-worker-${options.queue.name}`
  }

  get stats(): WorkerStats {
    return { active: this.#active, completed: this.#completed, failed: this.#failed }
  }

  /** Does not wait for the store: without it there are no jobs to take. */
  async start(): Promise<void> {
    this.#options.backend.whenReady().then(
      () => this.#run(),
      // The backend was stopped before its store ever answered.
      () => {},
    )
  }

  /** Takes no more jobs and waits for the running ones; when the signal fires they are told to stop. */
  async drain(signal: AbortSignal): Promise<void> {
    this.#stopping = true
    this.#cancelTimer()
    const give = (): void => this.#abort.abort(signal.reason)
    if (signal.aborted) give()
    else signal.addEventListener('abort', give, { once: true })
    try {
      // Without its store the library would wait for it, and a later forced close for this one.
      await this.#worker?.close(!this.#options.backend.ready)
    } finally {
      signal.removeEventListener('abort', give)
    }
  }

  async stop(): Promise<void> {
    this.#stopping = true
    this.#cancelTimer()
    this.#abort.abort()
    await this.#worker?.close(true)
  }

  health(): Health {
    if (this.#stopping) return { status: 'degraded', reason: `the ${this.#options.queue.name} worker is stopping` }
    if (this.#worker?.isRunning()) return { status: 'ok' }
    const why = this.#lastError === undefined ? '' : `: ${this.#lastError}`
    return { status: 'degraded', reason: `the ${this.#options.queue.name} worker waits for its store${why}` }
  }

  #run(): void {
    if (this.#stopping) return
    const { backend, queue, concurrency, tuning } = this.#options
    let worker: JobWorker<unknown>
    try {
      worker = backend.createWorker<unknown>(queue.name, (job, _token, signal) => this.#process(job, signal), {
        autorun: false,
        concurrency,
        ...tuning,
      })
    } catch (error) {
      this.#again(error)
      return
    }
    this.#worker = worker
    worker.on('error', (error) => this.#onError(error))
    worker.run().then(
      () => {},
      (error) => {
        worker.close(true).catch((err) => this.#options.log.debug({ ev: 'job-worker-close', queue: queue.name, err }))
        this.#again(error)
      },
    )
  }

  /** The loop ended although nobody asked for it, or never began. */
  #again(error: unknown): void {
    if (this.#stopping) return
    this.#report(error)
    this.#cancelTimer = this.#clock.after(REST_MS, () => this.#run())
  }

  async #process(job: JobLike, signal: AbortSignal | undefined): Promise<void> {
    const { queue, handlers, log } = this.#options
    this.#active++
    try {
      const data = parseJob(queue, job.name as JobName<Q>, job.data)
      await handlers[job.name as JobName<Q>](data, {
        id: job.id ?? '',
        attempt: job.attemptsMade + 1,
        signal: signal ? AbortSignal.any([this.#abort.signal, signal]) : this.#abort.signal,
        progress: (value) => job.updateProgress(value),
      })
      this.#completed++
    } catch (error) {
      this.#failed++
      log.warn({ ev: 'job-failed', queue: queue.name, job: job.name.slice(0, 40), jobId: job.id, err: error }, 'a job failed')
      // Data that does not fit will not fit next time either.
      const isFinal = (isK2Error(error) && error.code === 'JOB_BAD_DATA') || this.#options.isFinal?.(error) === true
      if (isFinal) throw new UnrecoverableError(errorMessage(error))
      throw error
    } finally {
      this.#active--
    }
  }

  #onError(error: unknown): void {
    this.#report(error)
    const second = Math.floor(this.#clock.now() / 1000)
    if (second !== this.#burst.second) this.#burst = { second, count: 0 }
    if (++this.#burst.count !== ERRORS_PER_SECOND) return
    const worker = this.#worker
    worker?.pause(true).catch((err) => this.#options.log.debug({ ev: 'job-worker-pause', err }))
    this.#cancelTimer = this.#clock.after(REST_MS, () => worker?.resume())
  }

  /** One line per change of the reason, not per error. */
  #report(error: unknown): void {
    const failure = toJobError(error)
    if (failure.message === this.#lastError) return
    this.#lastError = failure.message
    this.#options.log.warn(
      { ev: 'job-worker', queue: this.#options.queue.name, err: failure },
      'a job worker has trouble with its store',
    )
  }
}

interface JobLike {
  readonly id?: string | undefined
  readonly name: string
  readonly data: unknown
  readonly attemptsMade: number
  updateProgress(value: number): Promise<void>
}
