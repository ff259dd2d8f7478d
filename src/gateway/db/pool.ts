import type { EventEmitter } from 'node:events'

/** Column of a result, as `pg` reports it. */
export interface FieldInfo {
  readonly name: string
  readonly dataTypeID: number
}

/** Result of one statement. `int8` and `numeric` arrive as text on both drivers: convert where rows become objects of ours. */
export interface QueryResult<R = Record<string, unknown>> {
  readonly rows: R[]
  /** Rows read or changed; null for commands without a count (`BEGIN`, `CREATE TABLE`). */
  readonly rowCount: number | null
  /** First word of the command tag: `SELECT`, `INSERT`, … */
  readonly command: string
  readonly fields: readonly FieldInfo[]
}

export interface QueryConfig {
  readonly text: string
  readonly values?: readonly unknown[]
  /** Rows as arrays in column order instead of objects. */
  readonly rowMode?: 'array'
}

export interface Queryable {
  /**
   * Without values: simple protocol, several statements allowed, the last result is returned. With values: one statement.
   * Rejects with `pg.DatabaseError` (SQLSTATE in `code`) for what the database says, with `K2Error` `DB_*` for everything else.
   */
  query<R = Record<string, unknown>>(text: string | QueryConfig, values?: readonly unknown[]): Promise<QueryResult<R>>
}

export interface Notification {
  readonly channel: string
  readonly payload: string
}

/** A checked-out connection. Emits `notification` (after its own `LISTEN`) and `error` (connection lost; check out another). */
export interface PgClient extends Queryable, EventEmitter {
  /** Gives the connection back; an open transaction is rolled back. With `true` the connection is not used again. */
  release(destroy?: boolean | Error): void
}

/** What the rest of the gateway, Kysely and BullMQ use of a `pg.Pool`. */
export interface PgPool extends Queryable, EventEmitter {
  connect(): Promise<PgClient>
  /** Waits for checked-out clients, then refuses further use. */
  end(): Promise<void>
  readonly options: { readonly keepAlive: boolean; readonly max: number }
}
