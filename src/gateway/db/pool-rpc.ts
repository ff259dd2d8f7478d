import { EventEmitter } from 'node:events'
import { types } from 'pg'
import { Mutex } from '../../base/async.ts'
import { closedError, databaseError, overloadedError } from './errors.ts'
import { toWireParam } from './pg-values.ts'
import type { EngineResult, PgliteHost } from './pglite-host.ts'
import type { Notification, PgClient, PgPool, QueryConfig, QueryResult } from './pool.ts'
import { NO_CLIENT, type WireError } from './wire.ts'

/** Statements one client may have waiting for its own earlier ones. */
const MAX_CLIENT_QUEUE = 1000
/** Different notifications kept for a client nobody listens on at the moment; beyond that the oldest go. */
const MAX_UNHEARD = 1000

/** `pg.Pool` look-alike in front of the embedded engine: any number of logical clients on its one session. */
export class RpcPool extends EventEmitter implements PgPool {
  /** BullMQ: `keepAlive` means that a lost listener is noticed, `max` must leave room beside a listener. */
  readonly options = { keepAlive: true, max: 10 } as const
  readonly #host: PgliteHost
  #ended = false

  constructor(host: PgliteHost) {
    super()
    // Every queue and worker adds a listener of its own.
    this.setMaxListeners(0)
    this.#host = host
  }

  async query<R>(text: string | QueryConfig, values?: readonly unknown[]): Promise<QueryResult<R>> {
    if (this.#ended) throw closedError()
    return runOn<R>(this.#host, NO_CLIENT, text, values)
  }

  async connect(): Promise<PgClient> {
    if (this.#ended) throw closedError()
    return new RpcClient(this.#host)
  }

  /** Refuses further use. The database stays open: others may use it. */
  async end(): Promise<void> {
    this.#ended = true
  }
}

class RpcClient extends EventEmitter implements PgClient {
  readonly #host: PgliteHost
  readonly #id: number
  readonly #turn = new Mutex()
  readonly #unheard = new Map<string, Notification>()
  #broken: Error | undefined
  #released = false

  constructor(host: PgliteHost) {
    super()
    this.setMaxListeners(0)
    this.#host = host
    this.#id = host.register({ notify: (n) => this.#deliver(n), lost: (error) => this.#lost(error) })
    this.on('newListener', (event) => {
      if (event === 'notification') this.#replay()
    })
  }

  async query<R>(text: string | QueryConfig, values?: readonly unknown[]): Promise<QueryResult<R>> {
    if (this.#turn.waiting >= MAX_CLIENT_QUEUE) throw overloadedError(MAX_CLIENT_QUEUE)
    return this.#turn.run(() => {
      if (this.#released) throw closedError()
      if (this.#broken) throw this.#broken
      return runOn<R>(this.#host, this.#id, text, values)
    })
  }

  release(_destroy?: boolean | Error): void {
    if (this.#released) return
    this.#released = true
    this.#unheard.clear()
    this.#host.unregister(this.#id)
  }

  #lost(error: Error): void {
    if (this.#released) return
    this.#broken = error
    if (this.listenerCount('error') > 0) this.emit('error', error)
  }

  /** A notification may arrive between "nothing new" and the reader's next `on('notification')`: keep it for that moment. */
  #deliver(notification: Notification): void {
    if (this.listenerCount('notification') > 0) {
      this.emit('notification', notification)
      return
    }
    const key = `${notification.channel}\0${notification.payload}`
    this.#unheard.delete(key)
    this.#unheard.set(key, notification)
    if (this.#unheard.size > MAX_UNHEARD) this.#unheard.delete(this.#unheard.keys().next().value as string)
  }

  #replay(): void {
    if (this.#unheard.size === 0) return
    setImmediate(() => {
      const missed = [...this.#unheard.values()]
      this.#unheard.clear()
      for (const notification of missed) this.#deliver(notification)
    })
  }
}

async function runOn<R>(
  host: PgliteHost,
  client: number,
  query: string | QueryConfig,
  values: readonly unknown[] | undefined,
): Promise<QueryResult<R>> {
  const config: QueryConfig = typeof query === 'string' ? { text: query } : query
  const params = values ?? config.values
  const refused = unsendable(config.text, params)
  if (refused) throw databaseError(refused)
  const result = await host.submit(client, config.text, params?.map(toWireParam))
  return decode<R>(result, config.rowMode)
}

/** Most parameters the protocol can count. */
const MAX_PARAMS = 65_535

/** What would break the framing of the protocol, and with it the session of everybody. */
function unsendable(text: string, params: readonly unknown[] | undefined): WireError | undefined {
  if (text.includes('\0')) return { message: 'a statement cannot contain a NUL character', severity: 'ERROR', code: '22021' }
  if ((params?.length ?? 0) <= MAX_PARAMS) return undefined
  return { message: `a statement can have at most ${MAX_PARAMS} parameters`, severity: 'ERROR', code: '54000' }
}

/** Text values to JavaScript with the parsers `pg` uses, so that both drivers give the same types. */
function decode<R>(result: EngineResult, rowMode: 'array' | undefined): QueryResult<R> {
  const { command, rowCount, fields } = result
  const parsers = fields.map((field) => types.getTypeParser(field.dataTypeID, 'text'))
  const rows = result.rows.map((cells) => {
    const parsed = cells.map((cell, i) => (cell === null ? null : (parsers[i] as (text: string) => unknown)(cell)))
    return rowMode === 'array'
      ? parsed
      : Object.fromEntries(parsed.map((value, i) => [(fields[i] as { name: string }).name, value]))
  })
  return { command, rowCount, fields, rows: rows as R[] }
}
