import { uuidv7 } from '../../base/ids.ts'
import type { Rng } from '../../base/random.ts'
import { bodyHash } from '../../bridges/model/event-id.ts'
import type { Author, Body, Envelope, ReplyTo } from '../../bridges/model/message.ts'
import { placeKey } from '../../bridges/model/place.ts'
import type { AmendRow } from '../db/sql/amend.ts'
import type { EventRow, LaneRow, NewDeliveryRow } from '../db/sql/ingest.ts'
import type { StoredReply } from './claimed.ts'
import { storedExcerpt } from './event-lines.ts'
import type { PipelineLimits } from './limits.ts'
import type { Destination, RouteDecision } from './route.ts'
import { refKey, refScope } from './scope.ts'

/** Roles that may act on messages of others. */
const MODERATOR_ROLES: ReadonlySet<string> = new Set(['owner', 'admin', 'moderator'])

export interface Decided {
  readonly envelope: Envelope
  readonly decision: RouteDecision
  /** The id it has already, where it waited before it is stored again. */
  readonly cid?: string
}

/** Consecutive events that one statement can store. Their order among each other and between runs stays. */
export type Run =
  | { readonly kind: 'messages'; readonly items: readonly Decided[] }
  | { readonly kind: 'edits' | 'deletes'; readonly items: readonly Decided[] }

/** Splits a batch where the kind of statement changes. Most batches are one run of messages. */
export function runsOf(items: readonly Decided[]): Run[] {
  const runs: { kind: Run['kind']; items: Decided[] }[] = []
  for (const item of items) {
    const kind = kindOf(item.envelope)
    const last = runs.at(-1)
    if (last?.kind === kind) last.items.push(item)
    else runs.push({ kind, items: [item] })
  }
  return runs
}

function kindOf(envelope: Envelope): Run['kind'] {
  const { kind } = envelope.event
  return kind === 'message.edit' ? 'edits' : kind === 'message.delete' ? 'deletes' : 'messages'
}

export interface MessageRows {
  readonly events: readonly EventRow[]
  readonly deliveries: readonly NewDeliveryRow[]
  readonly lanes: readonly LaneRow[]
  /** Lanes each event would wake, by event id. */
  readonly wakes: ReadonlyMap<string, readonly string[]>
}

/** Rows for `INGEST_EVENTS`. */
export function messageRows(items: readonly Decided[], now: number, rng: Rng): MessageRows {
  const events: EventRow[] = []
  const deliveries: NewDeliveryRow[] = []
  const lanes = new Map<string, LaneRow>()
  const wakes = new Map<string, readonly string[]>()
  items.forEach(({ envelope, decision, cid: before }, ord) => {
    const cid = decision.status === 'dropped' ? null : (before ?? uuidv7(now, rng))
    events.push(eventRow(envelope, decision, ord, cid))
    if (cid === null || decision.destinations.length === 0) return
    wakes.set(
      envelope.eventId,
      decision.destinations.map((d) => d.lane),
    )
    decision.destinations.forEach((destination, n) => {
      if (!lanes.has(destination.lane)) lanes.set(destination.lane, laneRow(destination))
      deliveries.push({
        ord,
        n,
        id: uuidv7(now, rng),
        cid,
        event_id: envelope.eventId,
        lane: destination.lane,
        route: destination.route,
        render: destination.render,
        occurred_at: envelope.occurredAt,
        expires_at: envelope.receivedAt + destination.maxAgeMs,
      })
    })
  })
  return { events, deliveries, lanes: [...lanes.values()], wakes }
}

function eventRow(envelope: Envelope, decision: RouteDecision, ord: number, cid: string | null): EventRow {
  const { at, msg, event } = envelope
  const content = contentOf(envelope, decision)
  const author = content.author
  return {
    ord,
    event_id: envelope.eventId,
    cid,
    status: decision.status,
    reason: decision.reason ?? null,
    kind: event.kind,
    network: at.network,
    account: envelope.account,
    scope: refScope(msg),
    space: at.space ?? null,
    channel: msg.channel,
    thread: at.thread ?? null,
    // A line about a message must not take its place in the copy table.
    native_id: decision.line !== undefined && event.kind.startsWith('reaction.') ? `${event.kind}:${envelope.eventId}` : msg.id,
    lane: placeKey(at),
    author_key: author.key,
    author_name: author.displayName,
    reply: content.replyTo ? storedReply(content.replyTo) : null,
    body_hash: content.body ? bodyHash(content.body) : '',
    excerpt: content.body ? storedExcerpt(content.body) : '',
    occurred_at: envelope.occurredAt,
    received_at: envelope.receivedAt,
    envelope:
      decision.status === 'routed'
        ? sendable(envelope, content)
        : decision.hold || decision.until !== undefined
          ? envelope
          : null,
    trace: decision.trace,
    hold_key: refKey(msg),
    due_at: decision.until ?? null,
  }
}

interface Content {
  readonly author: Author
  readonly body: Body | undefined
  readonly replyTo: ReplyTo | undefined
}

function contentOf(envelope: Envelope, decision: RouteDecision): Content {
  const { event } = envelope
  if (decision.line) {
    const author = event.kind === 'reaction.set' || event.kind === 'reaction.delta' ? event.actor : envelope.author
    return { author, body: decision.line.body, replyTo: decision.line.replyTo }
  }
  if (event.kind !== 'message.create') return { author: envelope.author, body: undefined, replyTo: undefined }
  return { author: envelope.author, body: event.body, replyTo: event.replyTo }
}

/** What deliveries send: for a line, the line as a message. */
function sendable(envelope: Envelope, content: Content): Envelope {
  if (envelope.event.kind === 'message.create' || content.body === undefined) return envelope
  return { ...envelope, author: content.author, event: { kind: 'message.create', body: content.body } }
}

function storedReply(reply: ReplyTo): StoredReply {
  const { ref, authorName, excerpt, isQuote } = reply
  return {
    network: ref.network,
    scope: refScope(ref),
    channel: ref.channel,
    id: ref.id,
    ...(authorName !== undefined && { authorName }),
    ...(excerpt !== undefined && { excerpt }),
    ...(isQuote && { isQuote }),
  }
}

function laneRow({ lane, place }: Destination): LaneRow {
  return {
    id: lane,
    network: place.network,
    account: place.account,
    scope: refScope(place),
    space: place.space ?? null,
    channel: place.channel,
    thread: place.thread ?? null,
  }
}

/** Rows for `AMEND_EDITS` and `AMEND_DELETES`. Of several for one message only the newest counts. */
export function amendRows(items: readonly Decided[], now: number, limits: Pick<PipelineLimits, 'holdMs'>): AmendRow[] {
  const newest = new Map(items.map(({ envelope }, ord) => [refKey(envelope.msg), ord]))
  return items.map(({ envelope, decision }, ord) => {
    const { msg, event, author } = envelope
    const key = refKey(msg)
    const superseded = decision.status === 'routed' && newest.get(key) !== ord
    const body = event.kind === 'message.edit' ? event.body : undefined
    return {
      ord,
      event_id: envelope.eventId,
      status: superseded ? 'dropped' : decision.status,
      reason: superseded ? 'superseded' : (decision.reason ?? null),
      network: msg.network,
      account: envelope.account,
      scope: refScope(msg),
      channel: msg.channel,
      native_id: msg.id,
      author_key: author.key,
      moderator: author.roles?.some((role) => MODERATOR_ROLES.has(role)) ?? false,
      body_hash: body ? bodyHash(body) : null,
      excerpt: body ? storedExcerpt(body) : null,
      occurred_at: event.kind === 'message.edit' ? event.editedAt : envelope.occurredAt,
      received_at: envelope.receivedAt,
      envelope,
      trace: decision.trace,
      hold_key: key,
      hold_until: now + limits.holdMs,
    }
  })
}
