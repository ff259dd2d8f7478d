import type { Clock } from '../../base/clock.ts'
import type { Rng } from '../../base/random.ts'
import type { Cursor } from '../../bridges/cursor.ts'
import type { Envelope } from '../../bridges/model/message.ts'
import type { PgPool, Queryable } from '../db/pool.ts'
import { AMEND_DELETES, AMEND_EDITS, type AmendedRow } from '../db/sql/amend.ts'
import { INGEST_EVENTS, type IngestedRow, LINK_FURTHER } from '../db/sql/ingest.ts'
import { inTransaction, run } from '../db/sql/statement.ts'
import { toJsonb } from './json.ts'
import type { PipelineLimits } from './limits.ts'
import { amendRows, type Decided, messageRows, type Run, runsOf } from './prepare.ts'
import { refScope } from './scope.ts'

export interface StoreTools {
  readonly pool: PgPool
  readonly clock: Clock
  readonly rng: Rng
  readonly limits: PipelineLimits
}

/** What became of one event of a batch. */
export interface Stored {
  readonly envelope: Envelope
  readonly status: 'routed' | 'filtered' | 'dropped' | 'held' | 'duplicate'
  readonly reason?: string
  readonly deliveries: number
}

export interface StoredBatch {
  readonly events: readonly Stored[]
  /** Lanes with new work. */
  readonly lanes: ReadonlySet<string>
  /** Edits and deletes that waited for a message of this batch. */
  readonly revived: readonly string[]
}

/** Stores a batch in one commit: one statement where all events are new messages, one transaction otherwise. */
export async function storeBatch(items: readonly Decided[], cursors: readonly Cursor[], tools: StoreTools): Promise<StoredBatch> {
  const runs = runsOf(items)
  if (runs.at(-1)?.kind !== 'messages') runs.push({ kind: 'messages', items: [] })
  // Cursors move with the last statement, which is always one that can take them.
  const last = runs.length - 1
  if (last === 0) return storeRun(tools.pool, runs[0] as Run, cursors, tools)
  const parts = await inTransaction(tools.pool, async (tx) => {
    const done: StoredBatch[] = []
    for (const [i, part] of runs.entries()) {
      if (part.items.length > 0 || cursors.length > 0) done.push(await storeRun(tx, part, i === last ? cursors : [], tools))
    }
    return done
  })
  return {
    events: parts.flatMap((p) => p.events),
    lanes: new Set(parts.flatMap((p) => [...p.lanes])),
    revived: parts.flatMap((p) => p.revived),
  }
}

/** Stores one run on the given handle, which may be a transaction's. */
export function storeRun(db: Queryable, part: Run, cursors: readonly Cursor[], tools: StoreTools): Promise<StoredBatch> {
  return part.kind === 'messages' ? storeMessages(db, part.items, cursors, tools) : storeAmendments(db, part, tools)
}

async function storeMessages(
  db: Queryable,
  items: readonly Decided[],
  cursors: readonly Cursor[],
  tools: StoreTools,
): Promise<StoredBatch> {
  const now = tools.clock.now()
  const rows = messageRows(items, now, tools.rng)
  const answer = await run<IngestedRow>(db, INGEST_EVENTS, [
    toJsonb(rows.events),
    toJsonb(rows.deliveries),
    toJsonb(rows.lanes),
    toJsonb(cursors.map(({ account, stream, value }) => ({ account, stream, value }))),
    now,
  ])
  await linkFurther(db, items, now)
  const fresh = new Map(answer.map((row) => [row.event_id, row]))
  const lanes = new Set<string>()
  const revived: string[] = []
  const events = items.map(({ envelope, decision }): Stored => {
    const row = fresh.get(envelope.eventId)
    if (row === undefined) return { envelope, status: 'duplicate', deliveries: 0 }
    revived.push(...(row.held ?? []))
    if (row.known !== null) {
      return { envelope, status: 'dropped', reason: row.known === 'origin' ? 'known-message' : 'loop:copy', deliveries: 0 }
    }
    const status = decision.status
    const reason = decision.reason
    if (!row.linked) return { envelope, status, ...(reason !== undefined && { reason }), deliveries: 0 }
    const wakes = rows.wakes.get(envelope.eventId) ?? []
    for (const lane of wakes) lanes.add(lane)
    return { envelope, status, ...(reason !== undefined && { reason }), deliveries: wakes.length }
  })
  return { events, lanes, revived }
}

/** Native messages that are part of another one, so that replies, edits and reactions find it from each of them. */
async function linkFurther(db: Queryable, items: readonly Decided[], now: number): Promise<void> {
  const rows = items.flatMap(({ envelope: { event, msg } }) => {
    const ids = event.kind === 'message.create' ? (event.alsoIds ?? []) : []
    return ids.map((id) => ({ network: msg.network, scope: refScope(msg), channel: msg.channel, first: msg.id, native_id: id }))
  })
  if (rows.length > 0) await run(db, LINK_FURTHER, [toJsonb(rows), now])
}

async function storeAmendments(db: Queryable, part: Run, tools: StoreTools): Promise<StoredBatch> {
  const now = tools.clock.now()
  const rows = toJsonb(amendRows(part.items, now, tools.limits))
  const answer =
    part.kind === 'edits'
      ? await run<AmendedRow>(db, AMEND_EDITS, [rows, now, tools.limits.editMaxAgeMs])
      : await run<AmendedRow>(db, AMEND_DELETES, [rows, now])
  const fresh = new Map(answer.map((row) => [row.event_id, row]))
  const events = part.items.map(({ envelope }): Stored => {
    const row = fresh.get(envelope.eventId)
    if (row === undefined) return { envelope, status: 'duplicate', deliveries: 0 }
    return {
      envelope,
      status: row.status,
      ...(row.reason !== null && { reason: row.reason }),
      deliveries: row.lanes?.length ?? 0,
    }
  })
  return { events, lanes: new Set(answer.flatMap((row) => row.lanes ?? [])), revived: [] }
}
