import type { Envelope } from '../../bridges/model/message.ts'
import type { NativeRef, Place } from '../../bridges/model/place.ts'
import type { NativePart } from '../../bridges/port.ts'
import type { ClaimedRow } from '../db/sql/step.ts'
import type { LaneItem } from './lane.ts'
import type { Render } from './route.ts'

/** The reply of a message as it is stored: where it points, and what to quote without a copy. */
export interface StoredReply {
  readonly network: string
  readonly scope: string
  readonly channel: string
  readonly id: string
  readonly authorName?: string
  readonly excerpt?: string
  readonly isQuote?: boolean
}

/** A delivery that is ours to send. */
export interface Claimed extends LaneItem {
  readonly cid: string
  readonly eventId: string
  readonly route: string
  readonly op: 'create' | 'edit' | 'delete'
  readonly revision: number
  readonly firstSentAt: number
  /** The process that had begun to send it died. */
  readonly cutOff: boolean
  readonly render: Render
  /** Native messages an earlier attempt finished. */
  readonly parts: readonly NativePart[]
  readonly occurredAt: number
  readonly expiresAt: number
  readonly createdAt: number
  /** Absent for deletes, and when its content was removed meanwhile. */
  readonly envelope: Envelope | undefined
  readonly reply: StoredReply | undefined
  /** What the reply points at in the lane's place; found just before sending, or with the claim. */
  readonly replyTarget?: ReplyTarget
}

export interface ReplyTarget {
  readonly ref: NativeRef | undefined
  readonly authorName: string
  readonly excerpt: string
}

/** Answer of a step for one lane. */
export interface LaneClaim {
  /** Undefined: the lease is somebody else's. */
  readonly fence: number | undefined
  /** Where the search for heads began. */
  readonly head: number
  readonly place: Place | undefined
  readonly suspended: boolean
  readonly probes: number
  readonly nextAt: number | null
  readonly items: readonly Claimed[]
}

const orNull = (value: string | null): number | null => (value === null ? null : Number(value))

export function placeOf(row: {
  network: string | null
  account: string
  space: string | null
  channel: string
  thread: string | null
}): Place | undefined {
  if (row.network === null) return undefined
  const { network, account, space, channel, thread } = row
  return {
    network: network as Place['network'],
    account,
    channel,
    ...(space !== null && { space }),
    ...(thread !== null && { thread }),
  }
}

export interface StoredRef {
  readonly network: string
  readonly account: string
  readonly channel: string
  readonly thread: string | null
  readonly id: string
}

export function nativeRef(stored: StoredRef): NativeRef {
  const { network, account, channel, thread, id } = stored
  return { network: network as NativeRef['network'], account, channel, id, ...(thread !== null && { thread }) }
}

/** Rows of one lane, as `STEP` answers them, in order. */
export function laneClaim(rows: readonly ClaimedRow[]): LaneClaim {
  const first = rows[0]
  return {
    fence: first === undefined || first.fence === null ? undefined : Number(first.fence),
    head: Number(first?.head ?? 0),
    place: first && placeOf(first),
    suspended: first !== undefined && first.suspended_at !== null,
    probes: first?.probes ?? 0,
    nextAt: first === undefined ? null : orNull(first.next_at),
    items: rows.filter((row) => row.id !== null).map(claimed),
  }
}

function claimed(row: ClaimedRow): Claimed {
  const reply = (row.reply ?? undefined) as StoredReply | undefined
  return {
    id: row.id as string,
    seq: Number(row.lane_seq),
    // Edits, deletes and replies act on what earlier deliveries of the lane made.
    barrier: row.op !== 'create' || reply !== undefined,
    // The attempt that was cut off counts, its end was never written.
    attempt: row.attempt + (row.cut_off ? 1 : 0),
    sentAt: Number(row.sent_at),
    ambiguousSince: orNull(row.ambiguous_since),
    failedSince: orNull(row.failed_since),
    parkedAt: orNull(row.parked_at),
    cid: row.cid,
    eventId: row.event_id,
    route: row.route,
    op: row.op,
    revision: row.revision,
    firstSentAt: Number(row.first_sent_at),
    cutOff: row.cut_off,
    render: row.render as Render,
    parts: (row.parts ?? []) as readonly NativePart[],
    occurredAt: Number(row.occurred_at),
    expiresAt: Number(row.expires_at),
    createdAt: Number(row.created_at),
    envelope: (row.envelope ?? undefined) as Envelope | undefined,
    reply,
  }
}
