import type { PGlite } from '@electric-sql/pglite'
import { deferred } from '../../base/async.ts'
import { errorCode, errorMessage } from '../../base/errors.ts'
import { EngineSession, type Outcome } from './engine-session.ts'
import { listenChanges } from './listen-text.ts'
import { type EngineReply, type EngineRequest, NO_CLIENT, type WireError } from './wire.ts'

/** Longest stretch without giving the event loop a turn, ms. PGlite answers through microtasks: timers would starve. */
const SLICE_MS = 4

export interface EngineServerOptions {
  readonly reply: (reply: EngineReply) => void
  /** ms a transaction may wait for its next statement; afterwards it is rolled back, since it blocks everybody. */
  readonly idleTransactionMs: number
  /** Marks the beginning (true) and the end (false) of a statement, for the supervisor that looks for endless ones. */
  readonly busy: (running: boolean) => void
}

interface Client {
  readonly id: number
  /** Statements of one client run one after the other. */
  tail: Promise<void>
  /** Gives the session to the others; set while a transaction is open. */
  giveBack: (() => void) | undefined
  idle: NodeJS.Timeout | undefined
  readonly channels: Set<string>
  /** Set when its transaction was taken away: statements that belong to it must not run outside. */
  dead: WireError | undefined
}

/**
 * Shares the single session of PGlite between any number of logical clients. Whoever has a transaction open keeps PGlite's
 * own transaction lock; everybody else waits in order. Lives in the worker thread.
 */
export class EngineServer {
  readonly #db: PGlite
  readonly #session: EngineSession
  readonly #options: EngineServerOptions
  readonly #clients = new Map<number, Client>()
  #slice = performance.now()
  #readOnly = false

  constructor(db: PGlite, options: EngineServerOptions) {
    this.#db = db
    this.#session = new EngineSession(db)
    this.#options = options
    db.onNotification((channel, payload) => this.#notify(channel, payload))
  }

  handle(request: EngineRequest): void {
    switch (request.op) {
      case 'query': {
        const client = this.#client(request.client)
        if (request.client === NO_CLIENT) void this.#query(client, request)
        else client.tail = client.tail.then(() => this.#query(client, request))
        return
      }
      case 'release': {
        const client = this.#clients.get(request.client)
        if (!client) return
        client.tail = client.tail.then(() => this.#release(client))
        return
      }
      case 'close':
        void this.#close(request.id)
    }
  }

  /** Keeps new transactions from writing while the disk is nearly full, so that reading goes on and the log stays whole. */
  async setReadOnly(on: boolean): Promise<void> {
    await this.#exclusively(`set default_transaction_read_only = ${on ? 'on' : 'off'}`)
    this.#readOnly = on
    this.#options.reply({ op: 'disk', full: on })
  }

  #client(id: number): Client {
    // Every statement without a client is a client of its own.
    if (id === NO_CLIENT) return newClient(id)
    let client = this.#clients.get(id)
    if (!client) {
      client = newClient(id)
      this.#clients.set(id, client)
    }
    return client
  }

  /** Answers exactly once and never rejects. */
  async #query(client: Client, request: EngineRequest & { op: 'query' }): Promise<void> {
    if (client.dead) return this.#options.reply({ op: 'error', id: request.id, error: client.dead, held: 'channels' })
    try {
      const outcome = await this.#statement(client, request)
      const held = client.giveBack ? 'transaction' : client.channels.size > 0 ? 'channels' : 'nothing'
      if (held === 'nothing') this.#clients.delete(client.id)
      if (outcome.error) {
        const error = this.#readOnly && outcome.error.code === READ_ONLY_STATE ? DISK_NEARLY_FULL : outcome.error
        return this.#options.reply({ op: 'error', id: request.id, error, held })
      }
      const { command, rowCount, fields, rows } = outcome
      this.#options.reply({ op: 'result', id: request.id, command, rowCount, fields, rows, held })
    } catch (error) {
      // Not an answer of Postgres: the engine itself broke (out of memory, disk, aborted WebAssembly).
      this.#options.reply({ op: 'failed', message: errorMessage(error), code: errorCode(error) })
    }
  }

  async #statement(client: Client, request: EngineRequest & { op: 'query' }): Promise<Outcome> {
    clearTimeout(client.idle)
    if (client.giveBack === undefined) client.giveBack = await this.#lock()
    let outcome: Outcome
    try {
      outcome = await this.#run(request.text, request.params)
      if (outcome.tags.some((t) => t === 'LISTEN' || t === 'UNLISTEN')) await this.#listening(client, request.text)
      if (outcome.inTransaction && client.id === NO_CLIENT) {
        await this.#run('ROLLBACK', undefined)
        outcome = { ...outcome, error: NO_TRANSACTION_HERE, inTransaction: false }
      }
    } catch (error) {
      this.#leave(client)
      throw error
    }
    if (outcome.inTransaction) this.#watchIdle(client)
    else this.#leave(client)
    return outcome
  }

  async #run(text: string, params: (EngineRequest & { op: 'query' })['params']): Promise<Outcome> {
    await this.#breathe()
    this.#options.busy(true)
    try {
      return await this.#db._runExclusiveQuery(() => this.#session.run(text, params))
    } finally {
      this.#options.busy(false)
    }
  }

  /** Takes PGlite's transaction lock; the result gives it back. */
  #lock(): Promise<() => void> {
    const taken = deferred<() => void>()
    this.#db
      ._runExclusiveTransaction(() => {
        const held = deferred<void>()
        taken.resolve(() => held.resolve())
        return held.promise
      })
      .catch(taken.reject)
    return taken.promise
  }

  #leave(client: Client): void {
    clearTimeout(client.idle)
    client.giveBack?.()
    client.giveBack = undefined
  }

  #watchIdle(client: Client): void {
    client.idle = setTimeout(() => {
      client.tail = client.tail.then(async () => {
        if (client.giveBack === undefined) return
        client.dead = IDLE_TRANSACTION
        await this.#rollback(client)
        this.#options.reply({ op: 'client-error', client: client.id, error: IDLE_TRANSACTION })
      })
    }, this.#options.idleTransactionMs)
  }

  async #rollback(client: Client): Promise<void> {
    try {
      await this.#run('ROLLBACK', undefined)
    } catch (error) {
      this.#options.reply({ op: 'failed', message: errorMessage(error), code: errorCode(error) })
    } finally {
      this.#leave(client)
    }
  }

  async #release(client: Client): Promise<void> {
    clearTimeout(client.idle)
    if (client.giveBack) await this.#rollback(client)
    this.#clients.delete(client.id)
    const orphans = [...client.channels].filter((channel) => !this.#wanted(channel))
    for (const channel of orphans) await this.#exclusively(`UNLISTEN "${channel.replaceAll('"', '""')}"`)
  }

  #wanted(channel: string): boolean {
    for (const client of this.#clients.values()) if (client.channels.has(channel)) return true
    return false
  }

  async #exclusively(text: string): Promise<void> {
    const giveBack = await this.#lock()
    try {
      await this.#run(text, undefined)
    } catch (error) {
      this.#options.reply({ op: 'failed', message: errorMessage(error), code: errorCode(error) })
    } finally {
      giveBack()
    }
  }

  /** The session listens for all clients together: an UNLISTEN of one must not deafen the others. */
  async #listening(client: Client, text: string): Promise<void> {
    const { listen, unlisten } = listenChanges(text)
    for (const channel of unlisten) {
      if (channel === '*') client.channels.clear()
      else client.channels.delete(channel)
    }
    for (const channel of listen) client.channels.add(channel)
    if (unlisten.length === 0) return
    const wanted = new Set([...this.#clients.values()].flatMap((c) => [...c.channels]))
    for (const channel of wanted) await this.#run(`LISTEN "${channel.replaceAll('"', '""')}"`, undefined)
  }

  #notify(channel: string, payload: string): void {
    const clients = [...this.#clients.values()].filter((c) => c.channels.has(channel)).map((c) => c.id)
    if (clients.length > 0) this.#options.reply({ op: 'notification', clients, channel, payload })
  }

  async #close(id: number): Promise<void> {
    try {
      await this.#exclusively('CHECKPOINT')
      await this.#db.close()
      this.#options.reply({ op: 'closed', id })
    } catch (error) {
      this.#options.reply({ op: 'failed', message: errorMessage(error), code: errorCode(error) })
    }
  }

  async #breathe(): Promise<void> {
    if (performance.now() - this.#slice <= SLICE_MS) return
    await new Promise((resolve) => setImmediate(resolve))
    this.#slice = performance.now()
  }
}

function newClient(id: number): Client {
  return { id, tail: Promise.resolve(), giveBack: undefined, idle: undefined, channels: new Set(), dead: undefined }
}

const READ_ONLY_STATE = '25006'

const DISK_NEARLY_FULL: WireError = {
  message: 'the disk is nearly full: no more writes until there is space again',
  severity: 'ERROR',
  code: '53100',
}

const IDLE_TRANSACTION: WireError = {
  message: 'terminating transaction: it was idle for too long',
  severity: 'FATAL',
  code: '25P03',
}

const NO_TRANSACTION_HERE: WireError = {
  message: 'a transaction needs a connection of its own: use connect()',
  severity: 'ERROR',
  code: '25001',
}
