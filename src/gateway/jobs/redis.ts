import { Redis, type RedisOptions } from 'ioredis'
import { type Deferred, deferred } from '../../base/async.ts'
import type { Clock } from '../../base/clock.ts'
import { errorMessage, K2Error } from '../../base/errors.ts'
import type { Health } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/logger.ts'
import { toJobError, unavailableError } from './errors.ts'

/** Longest pause between two attempts to reach the server, ms. */
const RECONNECT_MAX_MS = 3000
/** ms a command of a producer may take: whoever adds a job must not hang on a dead server. */
const COMMAND_MS = 5000
const CONNECT_MS = 5000
/** ms between two looks at a connected server. */
const PING_MS = 5000
/** ms without an answer after which a waiting connection counts as dead; longer than a worker ever waits for a job. */
const SILENCE_MS = 60_000

export interface RedisLinkOptions {
  /** `redis://user:password@host:port/db` or `rediss://…`; never printed. */
  readonly url: string
  /** Work although the server may throw keys away when its memory is full. */
  readonly allowEviction: boolean
  readonly clock: Clock
  readonly log: Logger
}

/** `host:port` of a connection URL: what people may see of it. */
export function describeRedis(url: string): string {
  try {
    const { protocol, hostname, port } = new URL(url)
    if (protocol !== 'redis:' && protocol !== 'rediss:') throw new TypeError('another protocol')
    return `${hostname || '127.0.0.1'}:${port || '6379'}`
  } catch (cause) {
    throw new K2Error({
      code: 'JOB_BAD_URL',
      kind: 'config',
      message: 'queue.url is not a Redis URL; expected redis://user:password@host:port',
      // The cause would show the URL, password included.
      data: { reason: (cause as Error).name },
    })
  }
}

/**
 * The connections to one Redis server: a producer that fails fast while the server is away, and a consumer that waits for
 * it. Both reconnect for ever. The server is used only after its settings were found good.
 */
export class RedisLink {
  readonly target: string
  readonly producer: Redis
  readonly consumer: Redis
  readonly #options: RedisLinkOptions
  #usable: Deferred<void> = deferred()
  #isUsable = false
  /** The last look got an answer. A server that hangs keeps its connections. */
  #answers = true
  #cancelPing = (): void => {}
  #closed = false
  #lastError: string | undefined
  #refusal: K2Error | undefined
  readonly #listeners = new Set<() => void>()

  constructor(options: RedisLinkOptions) {
    this.#options = options
    this.target = describeRedis(options.url)
    const shared = {
      connectTimeout: CONNECT_MS,
      keepAlive: 10_000,
      lazyConnect: true,
      retryStrategy: (attempt: number) => Math.min(RECONNECT_MAX_MS, 100 * 2 ** Math.min(attempt, 6)),
    } satisfies RedisOptions
    this.producer = new Redis(options.url, {
      ...shared,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      commandTimeout: COMMAND_MS,
      connectionName: 'k2gw',
    })
    // BullMQ's workers need null: a command waits for the connection instead of failing the job that ends.
    this.consumer = new Redis(options.url, {
      ...shared,
      maxRetriesPerRequest: null,
      socketTimeout: SILENCE_MS,
      connectionName: 'k2gw-worker',
    })
    for (const client of [this.producer, this.consumer]) {
      client.setMaxListeners(0)
      client.on('error', (error) => this.#failed(error))
    }
    this.producer.on('ready', () => this.#check())
    this.#usable.promise.catch(() => {})
  }

  get usable(): boolean {
    return this.#isUsable && this.#answers && this.producer.status === 'ready'
  }

  /** Settles with the first look at the server: usable, unreachable (`JOB_UNAVAILABLE`), or wrongly set up (`JOB_REDIS_EVICTION`). */
  async connect(): Promise<void> {
    this.consumer.connect().catch((error) => this.#failed(error))
    this.#ping()
    try {
      await this.producer.connect()
      await this.#inspect()
    } catch (error) {
      throw this.#named(error)
    }
  }

  /** Resolves when the server can be used for the first time. */
  whenUsable(): Promise<void> {
    return this.#usable.promise
  }

  /** Called each time the server can be used again: it may have lost everything. */
  onUsable(listener: () => void): void {
    this.#listeners.add(listener)
  }

  health(): Health {
    if (this.usable) return { status: 'ok' }
    if (this.#refusal) return { status: 'failed', reason: this.#refusal.message }
    const why = this.#lastError === undefined ? '' : ` (${this.#lastError})`
    return { status: 'degraded', reason: `Redis at ${this.target} does not answer${why}; deliveries go on without it` }
  }

  async close(): Promise<void> {
    this.#isUsable = false
    this.#closed = true
    this.#cancelPing()
    this.#usable.reject(unavailableError('it is being closed'))
    for (const client of [this.producer, this.consumer]) {
      const quit = client.status === 'ready' ? client.quit() : Promise.reject(new Error('not connected'))
      // Without a server there is nobody to say goodbye to.
      await quit.catch(() => client.disconnect())
    }
  }

  #ping(): void {
    if (this.#closed) return
    this.#cancelPing = this.#options.clock.after(PING_MS, () => {
      if (this.producer.status !== 'ready') {
        this.#ping()
        return
      }
      this.producer
        .ping()
        .then(
          () => {
            this.#answers = true
          },
          (error) => {
            this.#answers = false
            this.#failed(error)
          },
        )
        .finally(() => this.#ping())
    })
  }

  #check(): void {
    this.#inspect().catch((error) => this.#failed(error))
  }

  /** Refuses a server that may drop jobs (bridging 15.3). */
  async #inspect(): Promise<void> {
    const policy = /maxmemory_policy:([\w-]+)/.exec(await this.producer.info('memory'))?.[1] ?? 'noeviction'
    if (policy !== 'noeviction' && !this.#options.allowEviction) {
      this.#refusal = new K2Error({
        code: 'JOB_REDIS_EVICTION',
        kind: 'config',
        message: `Redis at ${this.target} has maxmemory-policy ${policy}: it may throw jobs away; set noeviction, or queue.allowEviction: true`,
        data: { policy },
      })
      throw this.#refusal
    }
    this.#refusal = undefined
    this.#lastError = undefined
    this.#answers = true
    this.#isUsable = true
    this.#usable.resolve()
    for (const listener of this.#listeners) listener()
  }

  #failed(error: unknown): void {
    const text = errorMessage(error)
    if (text === this.#lastError) return
    this.#lastError = text
    this.#options.log.warn(
      { ev: 'jobs-redis', target: this.target, err: this.#named(error) },
      'Redis cannot be used at the moment',
    )
  }

  #named(error: unknown): K2Error {
    const mapped = toJobError(error)
    if (mapped.code !== 'JOB_UNAVAILABLE') return mapped
    return unavailableError(`Redis at ${this.target} does not answer (${errorMessage(error)})`, error)
  }
}
