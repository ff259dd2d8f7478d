import { concatRich, styled } from '../../bridges/format/rich-text-ops.ts'
import { sanitizeName, sanitizeRich } from '../../bridges/format/sanitize.ts'
import type { Body, Envelope } from '../../bridges/model/message.ts'
import type { Place } from '../../bridges/model/place.ts'
import type { RichText } from '../../bridges/model/rich-text.ts'
import type { NativePart } from '../../bridges/port.ts'
import type { Claimed } from './claimed.ts'
import { GATEWAY_AUTHOR } from './say.ts'

/** When waiting texts are sent as one message (bridging 16). */
export const JOIN = {
  /** The oldest waits longer than this, ms. */
  afterMs: 10_000,
  /** More than this many wait. */
  waiting: 3,
  /** Messages in one at most. Larger: fewer sends, but a lost answer repeats more of them. */
  most: 40,
} as const

/** Room for the first author's name, and for escapes that a bridge may add. UTF-16 units. */
const RESERVE = 300
const MAX_NAME = 32

/** One message within a composite. */
export interface Turn {
  readonly cid: string
  readonly author: string
  /** Before the name: when it was written, where that is long ago. */
  readonly time: string
  /** Null once it was deleted. */
  readonly rich: RichText | null
  readonly occurredAt: number
}

/** A native message that shows several logical ones. */
export interface Composite {
  readonly parts: readonly NativePart[]
  readonly turns: readonly Turn[]
}

/** Plain text without anything that needs a message of its own, not begun, not late. */
export function canJoin(item: Claimed, now: number): boolean {
  const { envelope } = item
  if (item.op !== 'create' || item.reply !== undefined || envelope?.event.kind !== 'message.create') return false
  if (item.parkedAt !== null || item.ambiguousSince !== null || item.parts.length > 0 || item.expiresAt <= now) return false
  return isTextOnly(envelope.event.body)
}

function isTextOnly(body: Body): boolean {
  const { attachments, embeds, card, poll, sticker, location, forwardedFrom, noPreview } = body
  if (attachments.length > 0 || (embeds?.length ?? 0) > 0 || noPreview === true) return false
  const more = [card, poll, sticker, location, forwardedFrom]
  return more.every((part) => part === undefined) && body.rich.text.trim() !== ''
}

/** Both look the same way there: they may stand in one message. */
export function isAlike(a: Claimed, b: Claimed): boolean {
  return a.route === b.route && JSON.stringify(a.render) === JSON.stringify(b.render)
}

/** Of the messages behind `head`, as many as fit into one message of `maxText` units with it. */
export function fitting(head: Claimed, behind: readonly Claimed[], maxText: number): number {
  // Even if every character is escaped it is one message.
  let left = maxText - RESERVE - 2 * (textOf(head)?.text.length ?? 0)
  let count = 0
  for (const item of behind.slice(0, JOIN.most - 1)) {
    left -= 2 * ((textOf(item)?.text.length ?? 0) + MAX_NAME + 12)
    if (left < 0) break
    count++
  }
  return count
}

function textOf({ envelope }: Claimed): RichText | undefined {
  const event = envelope?.event
  return event?.kind === 'message.create' || event?.kind === 'message.edit' ? event.body.rich : undefined
}

export function turnOf(item: Claimed, showTimeAfterMs: number): Turn {
  const isLate = item.firstSentAt - item.occurredAt > showTimeAfterMs
  return {
    cid: item.cid,
    author: item.envelope?.author.displayName ?? '',
    time: isLate ? `${new Date(item.occurredAt).toISOString().slice(11, 16)} · ` : '',
    rich: textOf(item) ?? null,
    occurredAt: item.occurredAt,
  }
}

/** An edit's own text; null for a delete. */
export const newText = (item: Claimed): RichText | null => (item.op === 'delete' ? null : (textOf(item) ?? null))

/**
 * The delivery as one of all turns: the first one's author writes it, every further turn begins a line with its own name.
 * What its bridge does for a single message it does for this one.
 */
export function asComposite(item: Claimed, turns: readonly Turn[], at: Place): Claimed {
  const [first, ...others] = turns.filter((turn) => turn.rich !== null)
  if (first === undefined) return item
  const { namePrefix = '', nameSuffix = '', text: mark = '' } = item.render
  const lines = others.flatMap((turn) => {
    const name = sanitizeName(`${namePrefix}${turn.author}${nameSuffix}`, MAX_NAME) || 'Unknown user'
    const rich = concatRich(mark, sanitizeRich(turn.rich as RichText))
    return ['\n', turn.time, styled(name, { kind: 'bold' }), beginsWithBlock(rich) ? ':\n' : ': ', rich]
  })
  const body: Body = { rich: concatRich(first.rich as RichText, ...lines), attachments: [] }
  const isNew = item.op === 'create'
  const event: Envelope['event'] = isNew
    ? { kind: 'message.create', body }
    : { kind: 'message.edit', body, editedAt: item.occurredAt, revisionKey: '' }
  const author = { ...(item.envelope?.author ?? GATEWAY_AUTHOR), displayName: first.author }
  const envelope = { ...(item.envelope ?? emptyEnvelope(item, at)), author, event }
  return { ...item, op: isNew ? 'create' : 'edit', occurredAt: first.occurredAt, envelope }
}

/** A delete has no content of its own; what it leaves of the message has. */
function emptyEnvelope({ eventId, occurredAt }: Claimed, at: Place): Omit<Envelope, 'author' | 'event'> {
  const { network, account, channel } = at
  const msg = { network, account, channel, id: eventId }
  return { v: 1, eventId, account, at, msg, occurredAt, receivedAt: occurredAt, via: [] }
}

function beginsWithBlock({ spans: [first] }: RichText): boolean {
  return first?.start === 0 && (first.kind === 'pre' || first.kind === 'quote')
}
