import type { Envelope } from '../../bridges/model/message.ts'
import {
  COUNT_QUARANTINE,
  EXPIRE_QUARANTINE,
  QUARANTINE,
  QUARANTINED,
  type QuarantineRow,
  REJECT_QUARANTINED,
  UNSTORE_EVENT,
} from '../db/sql/quarantine.ts'
import { inTransaction, run } from '../db/sql/statement.ts'
import type { PipelineEvents } from './events.ts'
import type { RouteDecision } from './route.ts'
import { type StoredBatch, type StoreTools, storeRun } from './store-batch.ts'

/** A message that waits for a moderator (bridging 18). */
export interface HeldMessage {
  readonly eventId: string
  /** Filter or rule that holds it. */
  readonly reason: string
  /** ms */
  readonly since: number
  /** With the newest text. */
  readonly envelope: Envelope
}

export interface QuarantineTools extends StoreTools {
  readonly events: PipelineEvents
  /** Where it goes once it is approved. */
  readonly decideApproved: (envelope: Envelope) => RouteDecision
  readonly wake: (lanes: readonly string[]) => void
  /** Something was committed that goes somewhere. */
  readonly stored: () => void
}

/** Messages that wait for a moderator: part of the inbox, so that they are as durable as everything else. */
export class Quarantine {
  readonly #tools: QuarantineTools

  constructor(tools: QuarantineTools) {
    this.#tools = tools
  }

  async list(limit: number): Promise<readonly HeldMessage[]> {
    return (await run<QuarantineRow>(this.#tools.pool, QUARANTINE, [limit])).map(heldOf)
  }

  async count(): Promise<number> {
    return (await run<{ count: number }>(this.#tools.pool, COUNT_QUARANTINE, []))[0]?.count ?? 0
  }

  /** Lets it through, with the newest text; undefined when it does not wait (any more). */
  async approve(eventId: string): Promise<HeldMessage | undefined> {
    const { pool, events, decideApproved, wake, stored } = this.#tools
    const done = await inTransaction(pool, async (tx): Promise<{ held: HeldMessage; batch: StoredBatch } | undefined> => {
      const [row] = await run<QuarantineRow>(tx, QUARANTINED, [eventId])
      if (row === undefined) return undefined
      const held = heldOf(row)
      await run(tx, UNSTORE_EVENT, [eventId])
      // How long it is worth sending counts from now.
      const envelope = { ...held.envelope, receivedAt: this.#tools.clock.now() }
      const item = { envelope, decision: decideApproved(envelope) }
      return { held, batch: await storeRun(tx, { kind: 'messages', items: [item] }, [], this.#tools) }
    })
    if (done === undefined) return undefined
    events.judged(eventId, 'approved')
    wake([...done.batch.lanes])
    stored()
    return done.held
  }

  /** False when it does not wait (any more). */
  async reject(eventId: string): Promise<boolean> {
    const rows = await run(this.#tools.pool, REJECT_QUARANTINED, [eventId, 'rejected'])
    if (rows.length > 0) this.#tools.events.judged(eventId, 'rejected')
    return rows.length > 0
  }

  /** Ends the waiting of what came before `before`. */
  async expire(before: number): Promise<readonly string[]> {
    const rows = await run<{ event_id: string }>(this.#tools.pool, EXPIRE_QUARANTINE, [before])
    for (const { event_id } of rows) this.#tools.events.judged(event_id, 'expired')
    return rows.map((row) => row.event_id)
  }
}

function heldOf(row: QuarantineRow): HeldMessage {
  const envelope = row.envelope as Envelope
  const edit = (row.edited as Envelope | null)?.event
  const event =
    envelope.event.kind === 'message.create' && edit?.kind === 'message.edit'
      ? { ...envelope.event, body: edit.body }
      : envelope.event
  return {
    eventId: row.event_id,
    reason: row.reason.replace(/^hold:/, ''),
    since: Number(row.received_at),
    envelope: { ...envelope, event },
  }
}
