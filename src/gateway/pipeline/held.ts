import type { Envelope } from '../../bridges/model/message.ts'
import { DROP_HELD, HELD_EVENTS, HELD_TOO_LONG, type HeldRow, REMOVE_HELD } from '../db/sql/held.ts'
import { inTransaction, run } from '../db/sql/statement.ts'
import type { PipelineEvents } from './events.ts'
import type { Decided } from './prepare.ts'
import type { RouteDecision } from './route.ts'
import { type StoreTools, storeBatch, storeRun } from './store-batch.ts'

/** Waiting events looked at in one sweep. */
const SWEEP_BATCH = 100
const ROUTED: RouteDecision = { status: 'routed', destinations: [], trace: { routes: [] } }

export interface HeldTools extends StoreTools {
  readonly events: PipelineEvents
  readonly decide: (envelope: Envelope) => RouteDecision
  readonly wake: (lanes: readonly string[]) => void
}

/** Applies waiting edits and deletes whose message is there now (bridging 10.2). */
export async function reviveHeld(eventIds: readonly string[], tools: HeldTools): Promise<void> {
  await apply(await run<HeldRow>(tools.pool, HELD_EVENTS, [eventIds]), tools)
}

/**
 * Ends the waiting of edits and deletes whose message did not come: an edit that is not too late becomes a new message,
 * everything else is dropped.
 */
export async function sweepHeld(tools: HeldTools): Promise<void> {
  const now = tools.clock.now()
  const rows = await run<HeldRow>(tools.pool, HELD_TOO_LONG, [now, SWEEP_BATCH])
  if (rows.length === 0) return
  const applied = await apply(rows, tools)
  const dropped: string[] = []
  for (const row of rows.filter((r) => !applied.has(r.event_id))) {
    const envelope = row.envelope as Envelope
    const { event } = envelope
    if (event.kind === 'message.edit' && now - event.editedAt <= tools.limits.lateEditAsNewMs + tools.limits.holdMs) {
      await asNew({ ...envelope, event: { kind: 'message.create', body: event.body } }, tools)
    } else {
      tools.events.dropped(envelope, 'unknown-message')
      dropped.push(row.event_id)
    }
  }
  if (dropped.length > 0) await run(tools.pool, DROP_HELD, [dropped])
}

async function apply(rows: readonly HeldRow[], tools: HeldTools): Promise<ReadonlySet<string>> {
  const items: Decided[] = rows.map((row) => ({ envelope: row.envelope as Envelope, decision: ROUTED }))
  if (items.length === 0) return new Set()
  const stored = await storeBatch(items, [], tools)
  if (stored.lanes.size > 0) tools.wake([...stored.lanes])
  // What still has no message is answered as a duplicate: it waits already.
  return new Set(stored.events.filter((e) => e.status !== 'duplicate').map((e) => e.envelope.eventId))
}

/** The same event, as a message: its place in the inbox is given up and taken again in one transaction. */
async function asNew(envelope: Envelope, tools: HeldTools): Promise<void> {
  const item: Decided = { envelope, decision: tools.decide(envelope) }
  const lanes = await inTransaction(tools.pool, async (tx) => {
    const removed = await run(tx, REMOVE_HELD, [envelope.eventId])
    if (removed.length === 0) return []
    const stored = await storeRun(tx, { kind: 'messages', items: [item] }, [], tools)
    return [...stored.lanes]
  })
  tools.events.routed(envelope.eventId, 'message.create', lanes.length)
  tools.wake(lanes)
}
