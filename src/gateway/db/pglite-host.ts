import { type Deferred, deferred, withDeadline } from '../../base/async.ts'
import type { Clock } from '../../base/clock.ts'
import type { K2Error } from '../../base/errors.ts'
import type { Health } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/logger.ts'
import { EngineThread, type EngineThreadOptions } from './engine-thread.ts'
import { closedError, databaseError, engineLost, engineUnavailable, overloadedError } from './errors.ts'
import type { FieldInfo, Notification } from './pool.ts'
import { type EngineReply, type EngineRequest, type Held, NO_CLIENT, type WireParam } from './wire.ts'

/** Statements handed to the thread at once. The thread runs one at a time; more only grows its mailbox. */
const MAX_IN_FLIGHT = 64
/** Statements that wait for their turn here; beyond that callers get `DB_OVERLOADED` instead of memory growth. */
export const MAX_WAITING = 10_000
/** First and longest pause before the engine is started again, ms. */
const RESTART_MS = { first: 100, longest: 5000 } as const
/** ms for what is in flight when the database is closed, and for the final checkpoint. */
const CLOSE_MS = 5000

export interface EngineResult {
  readonly command: string
  readonly rowCount: number | null
  readonly fields: readonly FieldInfo[]
  readonly rows: readonly (string | null)[][]
}

/** What a checked-out client hears from the engine. */
export interface ClientSink {
  notify(notification: Notification): void
  /** Its session state (transaction, subscriptions) is gone. */
  lost(error: Error): void
}

interface Call {
  readonly id: number
  readonly client: number
  readonly text: string
  readonly params: readonly WireParam[] | undefined
  readonly done: Deferred<EngineResult>
  /** Belongs to an open transaction: never waits behind others, who may be waiting for that transaction. */
  readonly inside: boolean
}

export interface PgliteHostOptions
  extends Pick<EngineThreadOptions, 'engine' | 'pgData' | 'synchronousCommit' | 'idleTransactionMs' | 'statementTimeoutMs'> {
  readonly clock: Clock
  readonly log: Logger
}

type State = 'new' | 'starting' | 'up' | 'down' | 'closing' | 'closed'

/**
 * Keeps the embedded engine running in its thread and hands statements to it. When the thread dies it is started again;
 * calls it had taken fail with `DB_RESTARTED`, calls that were still waiting here go to the new one.
 */
export class PgliteHost {
  readonly #options: PgliteHostOptions
  #thread: EngineThread | undefined
  #state: State = 'new'
  #booting: Deferred<void> | undefined
  /** Why new calls are refused: set while a restart keeps failing. */
  #refusal: K2Error | undefined
  #restarts = 0
  #diskFull = false
  #pauseMs: number = RESTART_MS.first
  #nextCall = 1
  #nextClient = NO_CLIENT + 1
  readonly #sent = new Map<number, Call>()
  #outside = 0
  #waiting: Call[] = []
  readonly #clients = new Map<number, ClientSink>()
  /** Clients the thread keeps something for: it must be told when they go. */
  readonly #held = new Map<number, Exclude<Held, 'nothing'>>()
  /** Ends of earlier threads. */
  #ending: Promise<void> = Promise.resolve()
  #closeAnswer: Deferred<void> | undefined
  #drained: Deferred<void> | undefined

  constructor(options: PgliteHostOptions) {
    this.#options = options
  }

  /** Statements taken and not answered yet. */
  get pending(): number {
    return this.#sent.size + this.#waiting.length
  }

  start(): Promise<void> {
    return this.#boot()
  }

  health(): Health {
    if (this.#state === 'up') {
      return this.#diskFull ? { status: 'failed', reason: 'the disk is nearly full: nothing can be written' } : { status: 'ok' }
    }
    if (this.#refusal) return { status: 'failed', reason: this.#refusal.message }
    return { status: 'degraded', reason: `the embedded database is ${this.#state}` }
  }

  register(sink: ClientSink): number {
    const id = this.#nextClient++
    this.#clients.set(id, sink)
    return id
  }

  /** Rolls back and forgets a client. */
  unregister(id: number): void {
    this.#clients.delete(id)
    // What a statement under way will leave open is not known yet.
    const running = [...this.#sent.values()].some((call) => call.client === id)
    if (this.#held.delete(id) || running) this.#post({ op: 'release', client: id })
  }

  submit(client: number, text: string, params: readonly WireParam[] | undefined): Promise<EngineResult> {
    const inside = this.#held.get(client) === 'transaction'
    if (this.#state === 'closed' || (this.#state === 'closing' && !inside)) return Promise.reject(closedError())
    if (this.#refusal) return Promise.reject(this.#refusal)
    const call: Call = { id: this.#nextCall++, client, text, params, done: deferred<EngineResult>(), inside }
    if (inside) this.#send(call)
    else if (this.#waiting.length >= MAX_WAITING) return Promise.reject(overloadedError(MAX_WAITING))
    else {
      this.#waiting.push(call)
      this.#pump()
    }
    return call.done.promise
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return
    const { clock } = this.#options
    if (this.#state === 'up') {
      this.#state = 'closing'
      this.#drained = deferred<void>()
      if (this.pending > 0)
        await withDeadline(this.#drained.promise, { ms: CLOSE_MS, what: 'finishing statements', clock }).catch(() => {})
      for (const id of [...this.#held.keys()]) this.#take(id, closedError())
      this.#closeAnswer = deferred<void>()
      this.#post({ op: 'close', id: this.#nextCall++ })
      await withDeadline(this.#closeAnswer.promise, { ms: CLOSE_MS, what: 'closing the embedded database', clock }).catch((err) =>
        this.#options.log.warn(
          { ev: 'db-close', err },
          'the embedded database did not close in time; it recovers at the next start',
        ),
      )
    }
    this.#state = 'closed'
    await Promise.all([this.#thread?.stop(), this.#ending])
    for (const call of [...this.#sent.values(), ...this.#waiting.splice(0)]) call.done.reject(closedError())
    this.#sent.clear()
  }

  /** Takes away what a client holds. */
  #take(id: number, why: Error): void {
    const sink = this.#clients.get(id)
    this.unregister(id)
    sink?.lost(why)
  }

  #boot(): Promise<void> {
    this.#state = 'starting'
    const booting = deferred<void>()
    this.#booting = booting
    this.#thread = new EngineThread({
      ...this.#options,
      onReply: (reply) => this.#onReply(reply),
      onDown: (why, code) => this.#onDown(why, code),
    })
    return booting.promise
  }

  #onReply(reply: EngineReply): void {
    switch (reply.op) {
      case 'ready':
        this.#state = 'up'
        this.#refusal = undefined
        this.#diskFull = false
        this.#pauseMs = RESTART_MS.first
        this.#booting?.resolve()
        this.#booting = undefined
        this.#pump()
        return
      case 'result':
      case 'error': {
        const call = this.#sent.get(reply.id)
        if (!call) return
        this.#settle(call, reply.held)
        if (reply.op === 'result') call.done.resolve(reply)
        else call.done.reject(databaseError(reply.error))
        this.#pump()
        return
      }
      case 'notification':
        for (const id of reply.clients) this.#clients.get(id)?.notify({ channel: reply.channel, payload: reply.payload })
        return
      case 'client-error':
        this.#take(reply.client, databaseError(reply.error))
        return
      case 'disk':
        this.#diskFull = reply.full
        if (reply.full) this.#options.log.error({ ev: 'db-disk-full' }, 'the disk is nearly full: the database takes no writes')
        else this.#options.log.info({ ev: 'db-disk-ok' }, 'there is space again: the database takes writes')
        return
      case 'closed':
        this.#closeAnswer?.resolve()
    }
  }

  #settle(call: Call, held: Held): void {
    this.#sent.delete(call.id)
    if (!call.inside) this.#outside--
    if (held !== 'nothing' && this.#clients.has(call.client)) this.#held.set(call.client, held)
    else this.#held.delete(call.client)
    if (this.pending === 0) this.#drained?.resolve()
  }

  #pump(): void {
    while ((this.#state === 'up' || this.#state === 'closing') && this.#outside < MAX_IN_FLIGHT) {
      const call = this.#waiting.shift()
      if (!call) return
      // Whoever gave its client back does not want the statement any more, least of all a BEGIN.
      if (call.client !== NO_CLIENT && !this.#clients.has(call.client)) call.done.reject(closedError())
      else this.#send(call)
    }
  }

  #send(call: Call): void {
    this.#sent.set(call.id, call)
    if (!call.inside) this.#outside++
    const { id, client, text, params } = call
    this.#post({ op: 'query', id, client, text, ...(params && { params }) })
  }

  #post(request: EngineRequest): void {
    this.#thread?.post(request)
  }

  #onDown(why: string, code: string): void {
    const { log, clock } = this.#options
    const thread = this.#thread
    this.#thread = undefined
    const closing = this.#state === 'closing' || this.#state === 'closed'
    const wasUp = this.#state === 'up'
    if (!closing) this.#state = 'down'
    log.error({ ev: 'db-down', why, code }, 'the embedded database stopped')
    this.#forgetSessions(why, code)
    this.#closeAnswer?.resolve()
    if (!wasUp) {
      this.#refusal = engineUnavailable(why, code)
      for (const call of this.#waiting.splice(0)) call.done.reject(this.#refusal)
    }
    const first = this.#restarts === 0 && this.#booting !== undefined
    this.#booting?.reject(engineUnavailable(why, code))
    this.#booting = undefined
    // The old thread must be gone before another engine opens the directory.
    const stopped = (thread?.stop() ?? Promise.resolve()).catch((err) =>
      log.warn({ ev: 'db-stop', err }, 'ending the database thread failed'),
    )
    this.#ending = stopped
    if (closing || first) {
      this.#state = 'closed'
      return
    }
    this.#restarts++
    const pause = this.#pauseMs
    this.#pauseMs = Math.min(RESTART_MS.longest, pause * 2)
    void stopped.then(() =>
      clock.after(pause, () => {
        if (this.#state === 'down') this.#boot().catch(() => {})
      }),
    )
  }

  /** What the dead thread knew is gone: answers, transactions, subscriptions. */
  #forgetSessions(why: string, code: string): void {
    const calls = [...this.#sent.values()]
    this.#sent.clear()
    this.#outside = 0
    for (const call of calls) call.done.reject(engineLost({ why, code, sent: true, inside: call.inside, text: call.text }))
    const holders = [...this.#held.keys()]
    this.#held.clear()
    for (const id of holders) this.#take(id, engineLost({ why, code, sent: false }))
  }
}
