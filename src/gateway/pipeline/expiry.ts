import type { Clock } from '../../base/clock.ts'
import { hashId, uuidv7 } from '../../base/ids.ts'
import type { Rng } from '../../base/random.ts'
import type { Envelope } from '../../bridges/model/message.ts'
import type { Place } from '../../bridges/model/place.ts'
import { plain } from '../../bridges/model/rich-text.ts'
import type { PgPool, Queryable } from '../db/pool.ts'
import {
  APPEND_NOTICE,
  COUNT_NOTICE,
  EXPIRE_LANE,
  type ExpiredRow,
  NOTICE_OF_LANE,
  type NoticeLaneRow,
  REWRITE_NOTICE,
} from '../db/sql/expire.ts'
import { inTransaction, run } from '../db/sql/statement.ts'
import { placeOf } from './claimed.ts'
import type { PipelineEvents } from './events.ts'
import { toJsonb } from './json.ts'

/** How long the notice itself waits for the lane to work again. */
const NOTICE_LIFE_MS = 7 * 86_400_000

/** `14:03` in UTC, with the day where the span crosses one. */
function spanText(from: number, to: number): string {
  const day = (t: number): string => new Date(t).toISOString().slice(0, 10)
  const time = (t: number): string => new Date(t).toISOString().slice(11, 16)
  return day(from) === day(to) ? `${time(from)}–${time(to)} UTC` : `${day(from)} ${time(from)} – ${day(to)} ${time(to)} UTC`
}

export function noticeText(count: number, from: number, to: number): string {
  return `${count} ${count === 1 ? 'message' : 'messages'} from ${spanText(from, to)} ${count === 1 ? 'was' : 'were'} not delivered`
}

/**
 * Ends creates of a lane that are older than their route allows, and leaves one notice for the lane that counts them
 * (bridging 15.5). A notice that still waits takes the new number. Publishing to a K2 topic is for good: there is none there.
 */
export async function expireLane(
  lane: string,
  tools: { readonly pool: PgPool; readonly clock: Clock; readonly rng: Rng; readonly events: PipelineEvents },
): Promise<number> {
  const now = tools.clock.now()
  const result = await inTransaction(tools.pool, async (tx) => {
    // The lane first, as everywhere: two workers must not wait for each other.
    const [row] = await run<NoticeLaneRow>(tx, NOTICE_OF_LANE, [lane])
    if (row === undefined) return { count: 0 }
    const [gone] = await run<ExpiredRow>(tx, EXPIRE_LANE, [lane, now])
    if (gone === undefined || gone.count === 0 || gone.first_at === null) return { count: 0 }
    if (row.network !== 'p2p') await notify(tx, lane, row, gone, now, tools.rng)
    return { count: gone.count, row, routes: gone.routes ?? {} }
  })
  if (result.row) tools.events.expired(lane, result.row as Pick<Place, 'network' | 'account'>, result.routes)
  return result.count
}

async function notify(tx: Queryable, lane: string, row: NoticeLaneRow, gone: ExpiredRow, now: number, rng: Rng): Promise<void> {
  const waiting = row.event_id !== null
  const count = gone.count + (waiting ? row.notice_count : 0)
  const from = Math.min(Number(gone.first_at), waiting ? Number(row.notice_from) : Number.POSITIVE_INFINITY)
  const to = Math.max(Number(gone.last_at), waiting ? Number(row.notice_to) : 0)
  const text = noticeText(count, from, to)
  const cid = uuidv7(now, rng)
  const id = uuidv7(now, rng)
  const eventId = row.event_id ?? hashId(['notice', lane, cid])
  const envelope = toJsonb(noticeEnvelope(placeOf(row) as Place, eventId, text, now))
  if (waiting) await run(tx, REWRITE_NOTICE, [eventId, envelope])
  else await run(tx, APPEND_NOTICE, [lane, id, cid, eventId, envelope, text, now, now + NOTICE_LIFE_MS, `notice:${cid}`])
  await run(tx, COUNT_NOTICE, [lane, count, from, to, waiting ? null : id])
}

function noticeEnvelope(at: Place, eventId: string, text: string, now: number): Envelope {
  return {
    v: 1,
    eventId,
    account: at.account,
    at,
    msg: { network: at.network, account: at.account, channel: at.channel, id: `notice:${eventId}` },
    author: { key: 'system:k2gw', displayName: 'K2 gateway', isBot: true, kind: 'bot' },
    occurredAt: now,
    receivedAt: now,
    event: { kind: 'message.create', body: { rich: plain(text), attachments: [] } },
    via: [],
  }
}
