import { hashId } from '../../base/ids.ts'
import { concatRich } from '../../bridges/format/rich-text-ops.ts'
import type { Author, Body } from '../../bridges/model/message.ts'
import type { Place } from '../../bridges/model/place.ts'
import { plain, type Span } from '../../bridges/model/rich-text.ts'
import type { Capabilities, NativePart, SendRequest } from '../../bridges/port.ts'
import type { Claimed } from './claimed.ts'
import type { Composite } from './composite.ts'

/** Longest time after a message was written in which its edit is sent anew where a network has no edits (bridging 6.1). */
const RESEND_EDIT_MS = 600_000

/** What an edit or delete finds in its destination. */
export interface Existing {
  readonly parts: readonly NativePart[]
  /** State of the create it follows; undefined when there is none, as in the place a message came from. */
  readonly createState: string | undefined
  readonly createFirstSentAt: number | undefined
  readonly createParkedAt: number | undefined
  /** The line below it that counts reactions (bridging 10.4). */
  readonly tally?: string
  /** The message is one line among others there. */
  readonly composite?: Composite
}

/** How a delivery is to be carried out. */
export type SendPlan =
  | { readonly kind: 'send'; readonly op: SendRequest['op']; readonly mark?: 'edited' }
  /** Nothing to do, and why. */
  | { readonly kind: 'skip'; readonly reason: string }
  /** Its create is not decided yet. */
  | { readonly kind: 'wait' }

/** Creates are sent; edits and deletes depend on what became of their create and on what the network can do. */
export function planSend(item: Claimed, can: Capabilities, existing: Existing | undefined, now: number): SendPlan {
  if (item.op === 'create' || existing === undefined) return { kind: 'send', op: item.op }
  const { createState, parts } = existing
  if (createState !== undefined && ['pending', 'leased', 'ambiguous', 'parked'].includes(createState)) return { kind: 'wait' }
  if (parts.length === 0)
    return { kind: 'skip', reason: createState === 'done' ? 'no-copy' : `create-${createState ?? 'unknown'}` }
  if (item.op === 'delete') return can.delete ? { kind: 'send', op: 'delete' } : { kind: 'skip', reason: 'delete-unsupported' }
  if (createState !== undefined && createState !== 'done') return { kind: 'skip', reason: `create-${createState}` }
  if (can.edit) return { kind: 'send', op: 'edit' }
  if (item.render.noEdits === 'ignore') return { kind: 'skip', reason: 'edit-unsupported' }
  if (now - item.occurredAt > RESEND_EDIT_MS) return { kind: 'skip', reason: 'edit-too-late' }
  return { kind: 'send', op: 'create', mark: 'edited' }
}

export interface RequestContext {
  readonly place: Place
  readonly plan: Extract<SendPlan, { kind: 'send' }>
  readonly existing: Existing | undefined
  readonly showTimeAfterMs: number
  /** Bridge instances this message has passed, ours included. */
  readonly via: readonly string[]
  /** What it repeats, or is. */
  readonly origin?: string | undefined
  readonly onPart: (part: NativePart) => Promise<void>
}

/**
 * The request for a bridge. Everything in it but `attempt` and `ambiguousSince` is the same for every attempt, so that a
 * bridge can recognise what an earlier attempt sent.
 */
export function sendRequest(item: Claimed, context: RequestContext): SendRequest {
  const { plan, existing } = context
  const { envelope, render } = item
  const author = envelope?.author ?? NOBODY
  const firstSentAt = existing?.createFirstSentAt ?? item.firstSentAt
  // What may have arrived without the mark must be looked for without it.
  const delayed = (existing ? existing.createParkedAt !== undefined : item.parkedAt !== null) && item.ambiguousSince === null
  const body = envelope === undefined ? undefined : bodyOf(envelope.event)
  const parts = plan.op === 'create' ? item.parts : (existing?.parts ?? item.parts)
  return {
    op: plan.op,
    deliveryId: item.id,
    idemKey: hashId([item.cid, context.place.account, placeText(context.place), item.op, item.revision]),
    attempt: item.attempt,
    ...(item.ambiguousSince !== null && { ambiguousSince: item.ambiguousSince }),
    place: context.place,
    author: named(author, render.namePrefix, render.nameSuffix),
    identity: render.identity,
    ...(plan.op !== 'delete' &&
      body !== undefined && {
        body: tallied(
          marked(quietly(body, render.mentions), marks(delayed, plan.mark, render.text)),
          plan.op === 'edit' ? existing?.tally : undefined,
        ),
      }),
    ...(plan.op === 'edit' &&
      envelope?.event.kind === 'message.edit' &&
      envelope.event.keepsFiles && { keepsFiles: true as const }),
    ...(plan.op !== 'delete' && item.reply && { reply: replyOf(item) }),
    parts,
    occurredAt: item.occurredAt,
    ...(firstSentAt - item.occurredAt > context.showTimeAfterMs && { showTime: true }),
    via: context.via,
    ...(context.origin !== undefined && { origin: context.origin }),
    onPart: context.onPart,
  }
}

/** Author of a delete in a place where nobody wrote anything. */
const NOBODY: Author = { key: 'system:k2gw', displayName: 'K2 gateway', isBot: true, kind: 'bot' }

function placeText(place: Place): string {
  return [place.network, place.channel, place.thread ?? ''].join('\0')
}

function bodyOf(event: NonNullable<Claimed['envelope']>['event']): Body | undefined {
  return event.kind === 'message.create' || event.kind === 'message.edit' ? event.body : undefined
}

function named(author: Author, prefix = '', suffix = ''): Author {
  return prefix === '' && suffix === '' ? author : { ...author, displayName: `${prefix}${author.displayName}${suffix}` }
}

/** Without the accounts of mentioned people, where nobody is to be mentioned. */
function quietly(body: Body, mentions: 'none' | undefined): Body {
  if (mentions !== 'none') return body
  const spans = body.rich.spans.map((span): Span => {
    if (span.kind !== 'mention') return span
    const { accounts: _, ...mention } = span
    return mention
  })
  return { ...body, rich: { ...body.rich, spans } }
}

function marks(delayed: boolean, mark: 'edited' | undefined, text: string | undefined): string {
  return `${delayed ? '(delayed) ' : ''}${mark === 'edited' ? '✏️ ' : ''}${text ?? ''}`
}

function marked(body: Body, mark: string): Body {
  return mark === '' ? body : { ...body, rich: concatRich(mark, body.rich) }
}

/** With the reactions of people elsewhere below it. */
function tallied(body: Body, tally: string | undefined): Body {
  if (tally === undefined) return body
  return { ...body, rich: body.rich.text === '' ? plain(tally) : concatRich(body.rich, '\n', tally) }
}

function replyOf(item: Claimed): NonNullable<SendRequest['reply']> {
  const { reply, replyTarget } = item
  // Of a copy the platform only knows that our account wrote it, with the author's name in the text.
  const authorName = replyTarget?.authorName || reply?.authorName
  const excerpt = (reply?.isQuote ? reply.excerpt : undefined) || replyTarget?.excerpt || reply?.excerpt
  return {
    ...(item.replyTarget?.ref && { ref: item.replyTarget.ref }),
    ...(authorName !== undefined && { authorName }),
    ...(excerpt !== undefined && { excerpt }),
  }
}
