import {
  type BackendFactory,
  type ConnectionOptions,
  createPostgresBackend,
  createRedisBackend,
  type FlowProducer,
  type IQueueBackend,
  type Processor,
  type Queue,
  type QueueEvents,
  type QueueEventsOptions,
  type QueueOptions,
  runMigrations,
  type Worker,
  type WorkerOptions,
  withBackend,
} from 'bullmq'
import { type Clock, systemClock } from '../../base/clock.ts'
import { isK2Error } from '../../base/errors.ts'
import type { Health, Lifecycle } from '../../base/lifecycle.ts'
import { type Logger, nullLogger } from '../../base/logger.ts'
import type { PgPool } from '../db/pool.ts'
import { BullPool } from './bull-pool.ts'
import { toJobError, unavailableError } from './errors.ts'
import { RedisLink } from './redis.ts'

/** Schema of the queues' tables; BullMQ uses this one for every pool it is given. */
const JOB_SCHEMA = 'bullmq'

/** Seconds an idle worker waits before it looks by itself. Notifications wake it; this is for one that was lost. */
const DRAIN_DELAY_SEC = 30
/** Events a queue keeps for readers that come later. Each is a row; nothing in the gateway reads old ones. */
const EVENTS_KEPT = 1000
/** ms a worker waits after its store failed. */
const RETRY_MS = 1000

type JobConnection = ConnectionOptions | BullPool

const factory: BackendFactory<IQueueBackend, JobConnection> = (name, opts, extra) => {
  const { connection } = opts
  return connection instanceof BullPool
    ? createPostgresBackend(name, { ...opts, connection: connection as never }, extra)
    : createRedisBackend(name, { ...opts, connection }, extra)
}

/** BullMQ's classes bound to whichever store was configured. */
const classes = withBackend(factory)

export type JobQueue<D, R = void, N extends string = string> = Queue<D, R, N, D, R, N, IQueueBackend, JobConnection>
export type JobWorker<D, R = void, N extends string = string> = Worker<D, R, N, IQueueBackend>
export type JobEvents = QueueEvents<unknown, IQueueBackend, JobConnection>
export type JobFlow = FlowProducer<IQueueBackend, JobConnection>

export type JobBackendConfig =
  | {
      readonly driver: 'database'
      /** The jobs pool of the database; stays open when the backend is closed. */
      readonly pool: PgPool
    }
  | {
      readonly driver: 'redis'
      readonly url: string
      readonly allowEviction?: boolean
      /** Start of all keys; two gateways on one server need different ones. Default `k2gw`. */
      readonly prefix?: string
    }

export interface JobBackendOptions {
  readonly log?: Logger
  readonly clock?: Clock
}

/** Where the job queues live. Makes BullMQ's objects; each must be closed by whoever made it, before the backend stops. */
export interface JobBackend extends Lifecycle {
  readonly name: 'job-backend'
  readonly driver: 'database' | 'redis'
  /**
   * Database: creates or updates the queues' tables. Redis: connects; an unreachable server is not an error (health says
   * so, and the backend becomes ready when it answers), a wrongly set up one is (`JOB_REDIS_EVICTION`, `JOB_BAD_URL`).
   */
  start(signal: AbortSignal): Promise<void>
  /** The store answered at least once and can be used now. */
  readonly ready: boolean
  /** Resolves as soon as the store can be used for the first time. Rejects with `JOB_UNAVAILABLE` when stopped before. */
  whenReady(): Promise<void>
  /** Calls `listener` now if ready, and each time the store comes back: it may be empty then. */
  onReady(listener: () => void): void
  /** The following throw `JOB_UNAVAILABLE` before the store was ready for the first time. */
  createQueue<D, R = void, N extends string = string>(name: string, options?: Omit<QueueOptions, 'connection'>): JobQueue<D, R, N>
  createWorker<D, R = void, N extends string = string>(
    name: string,
    processor: Processor<D, R, N>,
    options?: Omit<WorkerOptions, 'connection'>,
  ): JobWorker<D, R, N>
  /** Without `lastEventId` only what happens after its first read is seen; `0`: everything the store still keeps. */
  createEvents(name: string, options?: Pick<QueueEventsOptions, 'lastEventId'>): JobEvents
  createFlow(): JobFlow
  health(): Health
  stop(): Promise<void>
}

export function createJobBackend(config: JobBackendConfig, options: JobBackendOptions = {}): JobBackend {
  const { log = nullLogger, clock = systemClock } = options
  return config.driver === 'database'
    ? new DatabaseBackend(new BullPool(config.pool))
    : new RedisBackend(
        new RedisLink({ url: config.url, allowEviction: config.allowEviction ?? false, clock, log }),
        config.prefix ?? 'k2gw',
      )
}

abstract class Factories {
  readonly name = 'job-backend'
  abstract readonly ready: boolean
  /** A connection for adding jobs, or one for waiting for them. */
  protected abstract connection(use: 'produce' | 'consume'): { readonly connection: JobConnection; readonly prefix?: string }

  createQueue<D, R = void, N extends string = string>(
    name: string,
    options: Omit<QueueOptions, 'connection'> = {},
  ): JobQueue<D, R, N> {
    return new classes.Queue<D, R, N>(name, {
      streams: { events: { maxLen: EVENTS_KEPT } },
      ...options,
      ...this.connection('produce'),
    }) as unknown as JobQueue<D, R, N>
  }

  createWorker<D, R = void, N extends string = string>(
    name: string,
    processor: Processor<D, R, N>,
    options: Omit<WorkerOptions, 'connection'> = {},
  ): JobWorker<D, R, N> {
    return new classes.Worker<D, R, N>(name, processor, {
      drainDelay: DRAIN_DELAY_SEC,
      runRetryDelay: RETRY_MS,
      ...options,
      ...this.connection('consume'),
    }) as unknown as JobWorker<D, R, N>
  }

  createEvents(name: string, options: Pick<QueueEventsOptions, 'lastEventId'> = {}): JobEvents {
    return new classes.QueueEvents(name, { ...options, ...this.connection('consume') })
  }

  createFlow(): JobFlow {
    return new classes.FlowProducer(this.connection('produce'))
  }
}

class DatabaseBackend extends Factories implements JobBackend {
  readonly driver = 'database'
  ready = false
  readonly #pool: BullPool
  readonly #listeners = new Set<() => void>()
  #settled: { resolve: () => void; reject: (error: unknown) => void } | undefined
  readonly #whenReady: Promise<void>

  constructor(pool: BullPool) {
    super()
    this.#pool = pool
    this.#whenReady = new Promise((resolve, reject) => {
      this.#settled = { resolve, reject }
    })
    this.#whenReady.catch(() => {})
  }

  async start(): Promise<void> {
    try {
      const client = await this.#pool.connect()
      try {
        await runMigrations(client as never, JOB_SCHEMA)
      } finally {
        client.release()
      }
    } catch (error) {
      throw toJobError(isK2Error(error) ? error : ((error as { cause?: unknown }).cause ?? error))
    }
    this.ready = true
    this.#settled?.resolve()
    for (const listener of this.#listeners) listener()
  }

  whenReady(): Promise<void> {
    return this.#whenReady
  }

  onReady(listener: () => void): void {
    this.#listeners.add(listener)
    if (this.ready) listener()
  }

  /** The database reports its own health. */
  health(): Health {
    return this.ready ? { status: 'ok' } : { status: 'failed', reason: 'the job queues are not set up' }
  }

  async stop(): Promise<void> {
    this.ready = false
    this.#settled?.reject(unavailableError('it is being closed'))
    await this.#pool.end()
  }

  protected connection(): { connection: JobConnection } {
    if (!this.ready) throw unavailableError('it was not started')
    return { connection: this.#pool }
  }
}

class RedisBackend extends Factories implements JobBackend {
  readonly driver = 'redis'
  readonly #link: RedisLink
  readonly #prefix: string

  constructor(link: RedisLink, prefix: string) {
    super()
    this.#link = link
    this.#prefix = prefix
  }

  get ready(): boolean {
    return this.#link.usable
  }

  async start(): Promise<void> {
    try {
      await this.#link.connect()
    } catch (error) {
      const failure = toJobError(error)
      if (failure.code === 'JOB_UNAVAILABLE') return
      await this.#link.close()
      throw failure
    }
  }

  whenReady(): Promise<void> {
    return this.#link.whenUsable()
  }

  onReady(listener: () => void): void {
    this.#link.onUsable(listener)
    if (this.ready) listener()
  }

  health(): Health {
    return this.#link.health()
  }

  async stop(): Promise<void> {
    await this.#link.close()
  }

  protected connection(use: 'produce' | 'consume'): { connection: JobConnection; prefix: string } {
    if (!this.ready) throw unavailableError(`Redis at ${this.#link.target} does not answer`)
    return { connection: use === 'produce' ? this.#link.producer : this.#link.consumer, prefix: this.#prefix }
  }
}
