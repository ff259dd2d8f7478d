import { EventEmitter } from 'node:events'
import pg from 'pg'
import { K2Error } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { sqlState, toDbError } from './errors.ts'
import type { PgClient, PgPool, QueryConfig, QueryResult } from './pool.ts'

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database`; never printed. */
  readonly url: string
  readonly max: number
  readonly searchPath: string
  /** Further session settings. */
  readonly settings?: Readonly<Record<string, string>>
  readonly applicationName: string
  readonly synchronousCommit: boolean
  readonly statementTimeoutMs: number
  readonly idleTransactionMs: number
  readonly connectTimeoutMs: number
  readonly log: Logger
}

/** `host:port/database` of a connection URL: what people may see of it. */
export function describeTarget(url: string): string {
  try {
    const { protocol, hostname, port, pathname, searchParams } = new URL(url)
    if (protocol !== 'postgres:' && protocol !== 'postgresql:') throw new TypeError('another protocol')
    const host = hostname || searchParams.get('host') || 'localhost'
    return `${host}:${port || '5432'}${pathname === '' ? '/' : decodeURIComponent(pathname)}`
  } catch (cause) {
    throw new K2Error({
      code: 'DB_BAD_URL',
      kind: 'config',
      message: 'database.url is not a URL; expected postgres://user:password@host:port/database',
      // The cause would show the URL, password included.
      data: { reason: (cause as Error).name },
    })
  }
}

/** A pool of connections to a Postgres server. Connection failures become `DB_*` errors that name the server, not the password. */
export class PostgresPool extends EventEmitter implements PgPool {
  readonly options: { readonly keepAlive: boolean; readonly max: number }
  readonly #pool: pg.Pool
  readonly #target: string
  #ended: Promise<void> | undefined

  constructor(options: PostgresOptions) {
    super()
    this.setMaxListeners(0)
    this.#target = describeTarget(options.url)
    this.options = { keepAlive: true, max: options.max }
    this.#pool = new pg.Pool({
      connectionString: options.url,
      max: options.max,
      application_name: options.applicationName,
      options: Object.entries({
        search_path: options.searchPath,
        synchronous_commit: options.synchronousCommit ? 'on' : 'off',
        ...options.settings,
      })
        .map(([key, value]) => `-c ${key}=${value}`)
        .join(' '),
      statement_timeout: options.statementTimeoutMs,
      idle_in_transaction_session_timeout: options.idleTransactionMs,
      connectionTimeoutMillis: options.connectTimeoutMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
    })
    this.#pool.setMaxListeners(0)
    this.#pool.on('error', (err) => {
      options.log.warn({ ev: 'db-connection-lost', err: this.#named(err) }, 'an idle database connection was lost')
      if (this.listenerCount('error') > 0) this.emit('error', err)
    })
  }

  async query<R>(text: string | QueryConfig, values?: readonly unknown[]): Promise<QueryResult<R>> {
    const client = await this.connect()
    let failure: unknown
    try {
      return await client.query<R>(text, values)
    } catch (error) {
      failure = error
      throw error
    } finally {
      // A connection-level error means that the connection is gone: it must not go back to the pool.
      client.release(failure !== undefined && sqlState(failure) === undefined)
    }
  }

  async connect(): Promise<PgClient> {
    try {
      const client = await this.#pool.connect()
      // A server that goes away while the client is checked out would end the process otherwise.
      if (client.listenerCount('error') === 0) client.on('error', () => {})
      rollBackOnRelease(client)
      return client as unknown as PgClient
    } catch (error) {
      throw this.#named(error)
    }
  }

  end(): Promise<void> {
    this.#ended ??= this.#pool.end()
    return this.#ended
  }

  #named(error: unknown): K2Error {
    const mapped = toDbError(error)
    return new K2Error({
      code: mapped.code,
      kind: mapped.kind,
      retry: mapped.retry,
      message: `${mapped.message} (${this.#target})`,
      data: { ...mapped.data, target: this.#target },
      cause: error,
    })
  }
}

/** `pg` hands a connection with an open transaction to the next user as it is; here it is closed, which rolls back. */
function rollBackOnRelease(client: pg.PoolClient): void {
  const release = client.release.bind(client)
  client.release = (destroy) => release(destroy ?? client.getTransactionStatus() !== 'I')
}
