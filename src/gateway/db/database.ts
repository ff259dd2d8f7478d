import { Kysely, type PostgresPool as KyselyPool, PostgresDialect, type Transaction } from 'kysely'
import { type Clock, systemClock } from '../../base/clock.ts'
import { isK2Error } from '../../base/errors.ts'
import type { Health, Lifecycle } from '../../base/lifecycle.ts'
import { type Logger, nullLogger } from '../../base/logger.ts'
import type { Backing } from './backing.ts'
import { openEmbedded } from './embedded.ts'
import { isDbFailure, toDbError } from './errors.ts'
import { listen } from './listen.ts'
import { type Migration, migrate, SCHEMA } from './migrate.ts'
import { MIGRATIONS } from './migrations/index.ts'
import type { PgPool } from './pool.ts'
import { openServer } from './server.ts'

export type DatabaseConfig =
  | {
      readonly driver: 'embedded'
      /** Folder of the database, created when missing: cluster, lock and version file. */
      readonly dir: string
      readonly synchronousCommit?: boolean
    }
  | {
      readonly driver: 'postgres'
      /** `postgres://user:password@host:port/database` */
      readonly url: string
      readonly poolSize?: number
      readonly synchronousCommit?: boolean
    }

export interface DatabaseOptions {
  readonly log?: Logger
  readonly clock?: Clock
  /** Default: all of `migrations/`. */
  readonly migrations?: readonly Migration[]
  /** ms one statement may run; default 60 s. */
  readonly statementTimeoutMs?: number
  /** ms a transaction may wait for its next statement; default 30 s. */
  readonly idleTransactionMs?: number
}

export interface TransactionOptions {
  /** Runs of the work when the database asks for another try (serialization failure, deadlock); default 3. */
  readonly attempts?: number
}

/** The database of the gateway. `S` maps table names of schema `k2` to Kysely table types. */
export interface Database<S> extends Lifecycle {
  readonly name: 'database'
  readonly driver: 'embedded' | 'postgres'
  /** For SQL written by hand; qualify own tables: `k2.inbox`. */
  readonly pool: PgPool
  /** Pool with `search_path=bullmq`, large enough for listeners that keep their connection. */
  readonly jobsPool: PgPool
  /** Typed SQL on schema `k2`. */
  readonly kysely: Kysely<S>
  /**
   * Runs `work` in one transaction. Database errors arrive as `K2Error` `DB_*`, other errors of `work` unchanged; both roll
   * back. `work` may run again after a conflict, so it must have no effects outside. Inside, use `tx` only: the embedded
   * driver has one session, and waiting for `pool` or `kysely` there waits for this very transaction.
   */
  transaction<T>(work: (tx: Transaction<S>) => Promise<T>, options?: TransactionOptions): Promise<T>
  /**
   * Calls `onNotify` for each `NOTIFY` on the channel, and once with '' whenever the subscription was interrupted, since
   * something may have been missed. Resolves to the function that ends it.
   */
  listen(channel: string, onNotify: (payload: string) => void): Promise<() => Promise<void>>
  health(): Health
  /** Waits for running statements, then closes. Idempotent, never throws. */
  close(): Promise<void>
  stop(): Promise<void>
}

/** ms; too short kills honest work on slow disks, too long lets one statement block everybody. */
const STATEMENT_TIMEOUT_MS = 60_000
const IDLE_TRANSACTION_MS = 30_000

/**
 * Opens and migrates the database. Errors: `DB_LOCKED` (another process uses the folder), `DB_ENGINE_MISMATCH`,
 * `DB_SCHEMA_NEWER`, `DB_SCHEMA_CHANGED`, `DB_UNREACHABLE`, `DB_DENIED`, `DB_MISSING`, `DB_BAD_URL`, `DB_DISK_FULL`,
 * `DB_UNAVAILABLE`.
 */
export async function openDatabase<S>(config: DatabaseConfig, options: DatabaseOptions = {}): Promise<Database<S>> {
  const log = options.log ?? nullLogger
  const clock = options.clock ?? systemClock
  const shared = {
    log,
    clock,
    synchronousCommit: config.synchronousCommit ?? true,
    statementTimeoutMs: options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS,
    idleTransactionMs: options.idleTransactionMs ?? IDLE_TRANSACTION_MS,
  }
  const backing =
    config.driver === 'embedded'
      ? await openEmbedded({ ...shared, dir: config.dir })
      : await openServer({ ...shared, url: config.url, poolSize: config.poolSize ?? 10 })
  try {
    await migrate(backing.pool, options.migrations ?? MIGRATIONS, log)
  } catch (error) {
    await backing.close()
    throw isDbFailure(error) ? toDbError(error) : error
  }
  return new OpenDatabase<S>(config.driver, backing, { log, clock })
}

class OpenDatabase<S> implements Database<S> {
  readonly name = 'database'
  readonly driver: 'embedded' | 'postgres'
  readonly pool: PgPool
  readonly jobsPool: PgPool
  readonly kysely: Kysely<S>
  readonly #backing: Backing
  readonly #tools: { readonly log: Logger; readonly clock: Clock }
  #closing: Promise<void> | undefined

  constructor(driver: 'embedded' | 'postgres', backing: Backing, tools: { readonly log: Logger; readonly clock: Clock }) {
    this.driver = driver
    this.#backing = backing
    this.#tools = tools
    this.pool = backing.pool
    this.jobsPool = backing.jobsPool
    const dialect = new PostgresDialect({ pool: backing.pool as unknown as KyselyPool })
    this.kysely = new Kysely<S>({ dialect }).withSchema(SCHEMA)
  }

  async transaction<T>(work: (tx: Transaction<S>) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    const attempts = options.attempts ?? 3
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.kysely.transaction().execute(work)
      } catch (error) {
        if (!isDbFailure(error)) throw error
        const failure = isK2Error(error) ? error : toDbError(error)
        if (failure.retry !== 'now' || attempt >= attempts) throw failure
      }
    }
  }

  listen(channel: string, onNotify: (payload: string) => void): Promise<() => Promise<void>> {
    return listen(this.pool, channel, onNotify, this.#tools)
  }

  health(): Health {
    return this.#backing.health()
  }

  close(): Promise<void> {
    this.#closing ??= this.#backing
      .close()
      .catch((err) => this.#tools.log.warn({ ev: 'db-close', err }, 'closing the database failed'))
    return this.#closing
  }

  stop(): Promise<void> {
    return this.close()
  }
}
