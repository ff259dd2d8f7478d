import { EventEmitter } from 'node:events'
import { isK2Error } from '../../base/errors.ts'
import { toDbError } from '../db/errors.ts'
import type { PgClient, PgPool, QueryConfig, QueryResult } from '../db/pool.ts'

/**
 * The jobs pool as BullMQ should see it. BullMQ waits before it tries again only after errors it takes for a lost
 * connection, which it recognises by `ECONNREFUSED`; after any other error it asks again at once, for ever. Every failure
 * that passes with time is therefore given that code; the original is the cause. Errors of its own SQL pass unchanged.
 */
export class BullPool extends EventEmitter {
  readonly options: PgPool['options']
  readonly #pool: PgPool

  constructor(pool: PgPool) {
    super()
    // BullMQ adds a listener per queue, worker and event reader.
    this.setMaxListeners(0)
    this.#pool = pool
    this.options = pool.options
    pool.on('error', this.#forward)
  }

  readonly #forward = (error: Error): void => {
    if (this.listenerCount('error') > 0) this.emit('error', error)
  }

  async query<R>(text: string | QueryConfig, values?: readonly unknown[]): Promise<QueryResult<R>> {
    try {
      return await this.#pool.query<R>(text, values)
    } catch (error) {
      throw asConnectionError(error)
    }
  }

  async connect(): Promise<PgClient> {
    try {
      return await this.#pool.connect()
    } catch (error) {
      throw asConnectionError(error)
    }
  }

  /** The database outlives the queues. */
  async end(): Promise<void> {
    this.#pool.removeListener('error', this.#forward)
  }
}

/** Passing failures, marked the way BullMQ recognises them. */
export function asConnectionError(error: unknown): unknown {
  const failure = toDbError(error)
  if (failure.retry === 'never' || failure.retry === 'now') return error
  if (!isK2Error(error) && failure.code === 'DB_QUERY_FAILED') return error
  return Object.assign(new Error(`ECONNREFUSED: ${failure.message}`, { cause: failure }), { code: 'ECONNREFUSED' })
}
