import type { Body, Envelope } from '../../bridges/model/message.ts'
import type { NativeRef } from '../../bridges/model/place.ts'
import type { Span } from '../../bridges/model/rich-text.ts'
import type { TextEntity } from '../../rules/index.ts'
import type { TrustLevel } from '../../rules/model.ts'
import type { ThreadInput, ThreadMessage } from '../../rules/thread/index.ts'
import { isAutomatic } from '../pipeline/facts.ts'
import type { Origin } from './model.ts'

export interface Readable {
  readonly input: ThreadInput
  readonly origin: Origin
  readonly automatic: boolean
  readonly body: Body | undefined
}

/** `discord:<channel>:<message>`: names a message in intents, rules and traces. */
export const messageIdOf = (ref: Pick<NativeRef, 'network' | 'channel' | 'id'>): string =>
  `${ref.network}:${ref.channel}:${ref.id}`

/** What conversations get of an event; undefined for everything that is no person's message. */
export function readableOf({ at, msg, author, event, occurredAt }: Envelope): Readable | undefined {
  const origin: Origin = { place: at, ref: msg, authorName: author.displayName }
  const automatic = isAutomatic(author)
  if (event.kind === 'message.delete') {
    const input: ThreadInput = {
      kind: 'delete',
      platform: at.network,
      channel: at.channel,
      ...(at.thread !== undefined && { thread: at.thread }),
      id: messageIdOf(msg),
    }
    return { input, origin, automatic, body: undefined }
  }
  if (event.kind !== 'message.create' && event.kind !== 'message.edit') return undefined
  const { body } = event
  // Offers and requests of peers come with their form by another way.
  if (body.card !== undefined || body.rich.text.trim() === '') return undefined
  const message: ThreadMessage = {
    id: messageIdOf(msg),
    platform: at.network,
    channel: at.channel,
    thread: at.thread,
    author: author.key,
    trust: trustOf(author),
    text: body.rich.text,
    entities: entitiesOf(body.rich.spans),
    forwarded: body.forwardedFrom !== undefined,
    reply_to: event.kind === 'message.create' && event.replyTo !== undefined ? messageIdOf(event.replyTo.ref) : undefined,
    album: event.kind === 'message.create' ? event.albumKey : undefined,
    sent_at: occurredAt,
  }
  return { input: { kind: event.kind === 'message.create' ? 'create' : 'edit', message }, origin, automatic, body }
}

/** Platforms vouch for their users; a peer is who it says only when its copy came straight from it. */
export function trustOf(author: Envelope['author']): TrustLevel {
  return author.senderClass === undefined || author.senderClass === 'verified' ? 'verified' : 'unknown'
}

const KINDS: Readonly<Partial<Record<Span['kind'], TextEntity['kind']>>> = {
  quote: 'quote',
  code: 'code',
  pre: 'code',
  strike: 'strike',
  link: 'link',
  mention: 'mention',
  emoji: 'emoji',
}

function entitiesOf(spans: readonly Span[]): TextEntity[] {
  return spans.flatMap((span) => {
    const kind = KINDS[span.kind]
    return kind === undefined ? [] : [{ kind, start: span.start, end: span.end }]
  })
}
