import type { Clock } from '../../base/clock.ts'
import type { Lifecycle } from '../../base/lifecycle.ts'
import type { Envelope } from '../../bridges/model/message.ts'
import { placeKey } from '../../bridges/model/place.ts'
import type { PgPool } from '../db/pool.ts'
import { END_PACED, PACE_ANEW, PACED, PACED_DUE, type PacedRow, UNSTORE_PACED } from '../db/sql/pacing.ts'
import { inTransaction, run } from '../db/sql/statement.ts'
import type { PipelineEvents } from './events.ts'
import { type Ingest, isDataError } from './ingest.ts'
import { type Arrival, type AuthorRate, Pacer, type Turn } from './pace.ts'
import type { Decided } from './prepare.ts'
import type { RouteDecision } from './route.ts'
import type { CompiledRoute } from './routes.ts'
import { type StoredBatch, type StoreTools, storeRun } from './store-batch.ts'

/** Times as many messages may wait that come in crowds by their nature: what another gateway carried, and offers. */
const CROWD = 20
/** Messages let through in one transaction. */
const BATCH = 50
/** Waiting messages taken up after a restart; more are let through when their time is there. */
const MAX_RESUMED = 10_000
/** Messages of another gateway that ended are due at some time, ms. */
const LOOK_MS = 5_000
const RETRY_MS = 1_000
/** Timers shorter than this would fire for single messages of the same moment, ms. */
const MIN_WAIT_MS = 20

export interface PacingTools extends StoreTools {
  readonly pool: PgPool
  readonly clock: Clock
  readonly events: PipelineEvents
  readonly ingest: () => Ingest
  readonly route: (id: string) => CompiledRoute | undefined
  /** Undefined: no limit. */
  readonly rateOf: (route: CompiledRoute) => AuthorRate | undefined
  /** One name for all accounts of a person. */
  readonly personOf: (author: string) => string
  /** Where it goes now that its turn has come. */
  readonly decide: (envelope: Envelope) => RouteDecision
}

/**
 * Messages of authors who write faster than their rate wait in the inbox, before the lanes, so that others pass them and a
 * crash loses none (bridging 16). Nobody within their rate costs a look into the database.
 */
export class Pacing implements Lifecycle {
  readonly name = 'pacing'
  readonly #tools: PacingTools
  readonly #pacer = new Pacer()
  #cancel: (() => void) | undefined
  #timerAt = Number.POSITIVE_INFINITY
  #working: Promise<void> | undefined
  #state: 'new' | 'running' | 'stopped' = 'new'
  /** After a failure, ms. */
  #notBefore = 0
  /** One after the other while the database refuses one of several. */
  #batch = BATCH

  constructor(tools: PacingTools) {
    this.#tools = tools
  }

  /** Messages that wait. */
  get waiting(): number {
    return this.#pacer.waiting
  }

  /** Before anything is received, and when everything that judges messages is ready. */
  async start(): Promise<void> {
    await this.#resume()
    this.#state = 'running'
    this.arm()
  }

  async drain(): Promise<void> {
    this.#state = 'stopped'
    this.#cancel?.()
    await this.#working
  }

  /** Whose turn a new message of these routes is. */
  turn(envelope: Envelope, routes: readonly CompiledRoute[]): Turn {
    const limited = this.#limited(routes)
    if (limited.length === 0) return { kind: 'now' }
    const now = this.#tools.clock.now()
    return this.#pacer.turn(this.#arrival(envelope, limited, now), now)
  }

  /** Something waits: looks for it when its turn is. */
  arm(): void {
    if (this.#state !== 'running' || this.#working !== undefined) return
    const now = this.#tools.clock.now()
    const at = Math.max(this.#notBefore, Math.min(this.#pacer.next() ?? Number.POSITIVE_INFINITY, now + LOOK_MS))
    if (this.#cancel !== undefined && this.#timerAt <= at) return
    this.#cancel?.()
    this.#timerAt = at
    this.#cancel = this.#tools.clock.after(Math.max(MIN_WAIT_MS, at - now), () => {
      this.#cancel = undefined
      this.#working = this.#release().finally(() => {
        this.#working = undefined
        this.arm()
      })
    })
  }

  #arrival(envelope: Envelope, routes: Arrival['routes'], now: number): Arrival {
    const arrival = arrivalOf(envelope, routes, now)
    return envelope.via.length > 0 ? arrival : { ...arrival, author: this.#tools.personOf(arrival.author) }
  }

  #limited(routes: readonly CompiledRoute[]): Arrival['routes'] {
    // A person has one pace for a route and its threads.
    const rates = new Map<string, AuthorRate>()
    for (const route of routes) {
      const rate = this.#tools.rateOf(route)
      if (rate !== undefined) rates.set(route.parent ?? route.id, rate)
    }
    return [...rates].map(([id, rate]) => ({ id, rate }))
  }

  async #resume(): Promise<void> {
    const { pool, clock } = this.#tools
    const now = clock.now()
    const rows = await run<PacedRow>(pool, PACED, [MAX_RESUMED])
    const turns = rows.map((row) => {
      const routes = this.#limited((row.routes ?? []).flatMap((id) => this.#tools.route(id) ?? []))
      return this.#pacer.resume(this.#arrival(row.envelope as Envelope, routes, now), Number(row.due_at), now)
    })
    if (rows.length > 0) await run(pool, PACE_ANEW, [rows.map((row) => row.event_id), turns])
  }

  /** Between two batches of the way in: what is decided there knows what went on here. */
  async #release(): Promise<void> {
    for (let more = true; more && this.#state === 'running'; ) {
      more = await this.#tools
        .ingest()
        .between(() => this.#next(this.#batch))
        .catch((error: unknown) => {
          this.#notBefore = this.#tools.clock.now() + RETRY_MS
          if (this.#state === 'running') this.#tools.events.background('pacing', error)
          return false
        })
    }
  }

  /** True when there may be more. */
  async #next(batch: number): Promise<boolean> {
    const now = this.#tools.clock.now()
    const due = this.#pacer.due(now)
    let rows: readonly PacedRow[] = []
    let items: readonly Decided[] = []
    const storing = inTransaction(this.#tools.pool, async (tx): Promise<StoredBatch | undefined> => {
      rows = await run<PacedRow>(tx, PACED_DUE, [now, batch])
      const gone = rows.filter((row) => row.gone).map((row) => row.event_id)
      if (gone.length > 0) await run(tx, END_PACED, [gone, 'deleted'])
      const live = rows.filter((row) => !row.gone)
      if (live.length === 0) return undefined
      await run(tx, UNSTORE_PACED, [live.map((row) => row.event_id)])
      items = live.map((row) => {
        const envelope = newestOf(row)
        return { envelope, decision: this.#tools.decide(envelope), cid: row.cid }
      })
      return storeRun(tx, { kind: 'messages', items }, [], this.#tools)
    })
    const stored = await storing.catch((error: unknown) => this.#refused(error, rows))
    if (stored === 'again') return true
    for (const { event_id } of rows) this.#pacer.done(event_id)
    // Its time is over and it is not there: it was never stored, or another gateway let it through.
    if (rows.length < batch) for (const id of due) this.#pacer.done(id)
    if (stored !== undefined) await this.#tools.ingest().settle(stored, items)
    if (rows.length < batch) this.#batch = BATCH
    return rows.length === batch
  }

  /** One message the database cannot hold must not keep the others waiting: each alone, and the culprit ends. */
  async #refused(error: unknown, rows: readonly PacedRow[]): Promise<'again' | undefined> {
    const [row] = rows
    if (row === undefined || !isDataError(error)) throw error
    this.#batch = 1
    if (rows.length > 1) return 'again'
    this.#tools.events.unstorable(row.envelope as Envelope, error)
    await run(this.#tools.pool, END_PACED, [[row.event_id], 'unstorable'])
    return undefined
  }
}

/**
 * What another gateway carried was paced there, and comes at once after an outage between the two; a peer repeats all its offers
 * to whoever meets it, and each becomes a card once. Both are delayed like everything else, and much more of them may wait. People
 * of another gateway that have no ids of their own share its id and are told apart by name. The times of chat platforms count, so
 * that what was written at its pace passes at its pace when it is caught up on; others could claim any time.
 */
function arrivalOf({ eventId, author, at, via, occurredAt, event }: Envelope, routes: Arrival['routes'], now: number): Arrival {
  const isDated = at.network === 'discord' || at.network === 'telegram'
  const isCarried = via.length > 0
  const isCrowd = isCarried || (event.kind === 'message.create' && event.body.card !== undefined)
  return {
    eventId,
    author: isCarried ? `${author.key} ${author.displayName}` : author.key,
    place: placeKey(at),
    at: isDated ? Math.min(occurredAt, now) : now,
    routes: isCrowd ? routes.map(({ id, rate }) => ({ id, rate: { ...rate, waiting: rate.waiting * CROWD } })) : routes,
  }
}

function newestOf(row: PacedRow): Envelope {
  const envelope = row.envelope as Envelope
  const edit = (row.edited as Envelope | null)?.event
  if (envelope.event.kind !== 'message.create' || edit?.kind !== 'message.edit') return envelope
  return { ...envelope, event: { ...envelope.event, body: edit.body } }
}
