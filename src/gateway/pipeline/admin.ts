import type { Clock } from '../../base/clock.ts'
import { uuidv7 } from '../../base/ids.ts'
import type { Rng } from '../../base/random.ts'
import type { NativeRef } from '../../bridges/model/place.ts'
import type { PgPool } from '../db/pool.ts'
import {
  COUNT_DEAD_LETTERS,
  DEAD_LETTERS,
  type DeadLetterRow,
  DISCARD_DEAD_LETTER,
  EVENT_TRACE,
  EVENTS_OF_MESSAGE,
  type EventTraceRow,
  LANE_STATES,
  type LaneStateRow,
  MESSAGE_OF_COPY,
  MESSAGE_TRACE,
  type MessageTraceRow,
  REPLAY_DEAD_LETTER,
} from '../db/sql/admin.ts'
import { numOrNull, run } from '../db/sql/statement.ts'
import type { DeliveryWorker } from './deliver.ts'
import { noDeadLetter, noLane } from './errors.ts'
import { refScope } from './scope.ts'

/** A replayed dead letter is given this long. */
const REPLAY_LIFE_MS = 86_400_000
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

export interface LaneStatus {
  readonly lane: string
  readonly network: string
  readonly account: string
  /** `idle`, `sending`, `waiting` (a retry is due later), `suspended`, or the trouble of its account. */
  readonly state: 'idle' | 'sending' | 'waiting' | 'suspended' | 'rate-limited' | 'unreachable' | 'failed'
  /** Why it stands still, and until when at most. */
  readonly reason?: string
  readonly until?: number
  readonly depth: number
  readonly parked: number
  readonly oldestMs: number
}

export interface DeadLetter {
  readonly id: string
  readonly cid: string
  readonly eventId: string
  readonly route: string
  readonly lane: string
  readonly op: string
  readonly code: string
  readonly message: string
  readonly attempts: number
  readonly diedAt: number
  readonly envelope: unknown
}

/** What became of an event. */
export interface Why {
  readonly events: readonly {
    readonly eventId: string
    readonly kind: string
    readonly network: string
    readonly account: string
    readonly status: string
    readonly reason?: string
    /** The rule that decided and what each route did. */
    readonly trace: unknown
    readonly occurredAt: number
    readonly receivedAt: number
  }[]
  readonly message: Readonly<Record<string, unknown>> | undefined
  readonly copies: readonly Readonly<Record<string, unknown>>[]
  readonly deliveries: readonly Readonly<Record<string, unknown>>[]
}

export interface AdminTools {
  readonly pool: PgPool
  readonly clock: Clock
  readonly rng: Rng
  readonly worker: DeliveryWorker
  readonly resume: (lanes: readonly string[]) => Promise<readonly string[]>
}

/** Questions and commands for CLI and HTTP. */
export class PipelineAdmin {
  readonly #tools: AdminTools

  constructor(tools: AdminTools) {
    this.#tools = tools
  }

  async lanes(): Promise<LaneStatus[]> {
    const now = this.#tools.clock.now()
    return (await run<LaneStateRow>(this.#tools.pool, LANE_STATES, [])).map((row) => this.#laneStatus(row, now))
  }

  async deadLetters(limit: number): Promise<DeadLetter[]> {
    const rows = await run<DeadLetterRow>(this.#tools.pool, DEAD_LETTERS, [Math.max(0, Math.min(1000, Math.trunc(limit)))])
    return rows.map((row) => ({
      id: row.id,
      cid: row.cid,
      eventId: row.event_id,
      route: row.route,
      lane: row.lane,
      op: row.op,
      code: row.code,
      message: row.message,
      attempts: row.attempt,
      diedAt: Number(row.died_at),
      envelope: row.envelope,
    }))
  }

  async countDeadLetters(): Promise<number> {
    const [row] = await run<{ count: number }>(this.#tools.pool, COUNT_DEAD_LETTERS, [])
    return row?.count ?? 0
  }

  /** Tries it once more, at the end of its lane. Throws `DEAD_LETTER_UNKNOWN`. */
  async replay(id: string): Promise<void> {
    const { pool, clock, rng, worker } = this.#tools
    if (!UUID.test(id)) throw noDeadLetter(id)
    const now = clock.now()
    const [row] = await run<{ lane: string }>(pool, REPLAY_DEAD_LETTER, [id, uuidv7(now, rng), now, REPLAY_LIFE_MS])
    if (row === undefined) throw noDeadLetter(id)
    worker.wake([row.lane])
  }

  /** Gives it up. Throws `DEAD_LETTER_UNKNOWN`. */
  async discard(id: string): Promise<void> {
    if (!UUID.test(id)) throw noDeadLetter(id)
    const rows = await run(this.#tools.pool, DISCARD_DEAD_LETTER, [id, this.#tools.clock.now()])
    if (rows.length === 0) throw noDeadLetter(id)
  }

  /** Ends a suspension and any wait of a lane. Throws `LANE_UNKNOWN`. */
  async resumeLane(lane: string): Promise<void> {
    const [known] = (await this.lanes()).filter((l) => l.lane === lane)
    if (known === undefined) throw noLane(lane)
    await this.#tools.resume([lane])
    this.#tools.worker.retry([lane])
  }

  /** What became of an event, by its id or by any native message that shows it. */
  async why(of: string | NativeRef): Promise<Why | undefined> {
    const { pool } = this.#tools
    if (typeof of === 'string') {
      const [event] = await run<EventTraceRow>(pool, EVENT_TRACE, [of])
      if (event === undefined) return undefined
      return event.cid === null
        ? { events: [traced(event)], message: undefined, copies: [], deliveries: [] }
        : this.#message(event.cid)
    }
    const [copy] = await run<{ cid: string }>(pool, MESSAGE_OF_COPY, [of.network, refScope(of), of.channel, of.id])
    return copy && this.#message(copy.cid)
  }

  async #message(cid: string): Promise<Why> {
    const { pool } = this.#tools
    const [row] = await run<MessageTraceRow>(pool, MESSAGE_TRACE, [cid])
    const message = row?.message ?? undefined
    const events = await run<EventTraceRow>(pool, EVENTS_OF_MESSAGE, [cid])
    return { events: events.map(traced), message, copies: row?.copies ?? [], deliveries: row?.deliveries ?? [] }
  }

  #laneStatus(row: LaneStateRow, now: number): LaneStatus {
    const network = row.network as NativeRef['network']
    const gate = this.#tools.worker.gate({ network, account: row.account }).state(now)
    const oldest = numOrNull(row.oldest_at)
    const base = {
      lane: row.id,
      network,
      account: row.account,
      depth: row.depth,
      parked: row.parked,
      oldestMs: oldest === null ? 0 : Math.max(0, now - oldest),
    }
    if (row.suspended_at !== null) {
      const reason = `${row.suspended_code}: ${row.suspended_reason}`
      return { ...base, state: 'suspended', reason, ...(row.probe_at !== null && { until: Number(row.probe_at) }) }
    }
    if (gate.state !== 'ready') {
      return { ...base, state: gate.state, ...(gate.reason && { reason: gate.reason }), ...(gate.until && { until: gate.until }) }
    }
    const next = numOrNull(row.next_at)
    if (next !== null && next > now) {
      return { ...base, state: 'waiting', until: next, ...(row.last_error !== null && { reason: row.last_error }) }
    }
    return { ...base, state: row.depth > 0 ? 'sending' : 'idle' }
  }
}

function traced(row: EventTraceRow): Why['events'][number] {
  return {
    eventId: row.event_id,
    kind: row.kind,
    network: row.network,
    account: row.account,
    status: row.status,
    ...(row.reason !== null && { reason: row.reason }),
    trace: row.trace,
    occurredAt: Number(row.occurred_at),
    receivedAt: Number(row.received_at),
  }
}
