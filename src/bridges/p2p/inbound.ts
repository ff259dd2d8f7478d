import { sanitizeText } from '../format/sanitize.ts'
import { bodyHash, editDiscriminator, eventIdOf } from '../model/event-id.ts'
import type { Body, Envelope, MarketCard } from '../model/message.ts'
import type { NativeRef, Place } from '../model/place.ts'
import { plain } from '../model/rich-text.ts'
import type { IntentChange } from './intent-book.ts'
import type { PeerChatMessage, PeerMarketMessage } from './port.ts'
import { type ContactNames, marketCard, peerAuthor } from './presentation.ts'

/** Text of the web server's attachments (k2-application 6.3). */
const ATTACHMENT = /^__ATTACH__:(\{.*\})$/s

export interface InboundContext {
  readonly account: string
  readonly contactName: ContactNames
  /** The button below an offer or request that is heard at the moment. */
  readonly cardButton?: ((message: PeerMarketMessage) => MarketCard['button']) | undefined
  /** Our clock, ms. */
  readonly now: number
}

/** The channel of a direct conversation: this node's, or that of a person who has an id of their own (`hostedId`). */
export const directChannel = (peerId: string, hostedId?: string): string =>
  hostedId === undefined ? `dm:${peerId}` : `dm:${peerId}@${hostedId}`

/** A chat line, from a topic or a direct conversation, as an event. */
export function chatEnvelope(message: PeerChatMessage, context: InboundContext): Envelope {
  const channel = message.topic ?? directChannel(message.peerId)
  const ref: NativeRef = { network: 'p2p', account: context.account, channel, id: message.messageId }
  const { peerId: senderId, senderName, senderClass, hostId } = message
  return {
    v: 1,
    eventId: eventIdOf(ref, 'message.create'),
    account: context.account,
    at: placeOf(context.account, channel),
    msg: ref,
    author: peerAuthor({ senderId, senderName, senderClass, hostId }, context.contactName),
    occurredAt: message.sentAt,
    receivedAt: context.now,
    event: { kind: 'message.create', body: chatBody(message) },
    via: message.via ?? [],
    ...(message.origin !== undefined && { origin: message.origin }),
  }
}

/** What became of an intent, as a new message or an edit of it. */
export function intentEnvelope({ op, intent, at }: IntentChange, context: InboundContext): Envelope {
  const { message } = intent
  const button = intent.state === 'active' ? context.cardButton?.(message) : undefined
  const ref: NativeRef = { network: 'p2p', account: context.account, channel: message.topic, id: intent.nativeId }
  const body: Body = {
    rich: plain(''),
    attachments: [],
    card: { ...marketCard(intent, context.contactName), ...(button !== undefined && { button }) },
    ...(message.senderClass !== 'verified' && { noPreview: true }),
  }
  return {
    v: 1,
    eventId: eventIdOf(
      ref,
      op === 'create' ? 'message.create' : 'message.edit',
      op === 'create' ? '' : editDiscriminator(at, body),
    ),
    account: context.account,
    at: placeOf(context.account, message.topic),
    msg: ref,
    author: peerAuthor(message, context.contactName),
    occurredAt: at,
    receivedAt: context.now,
    event:
      op === 'create'
        ? { kind: 'message.create', body }
        : { kind: 'message.edit', body, editedAt: at, revisionKey: `${at}:${bodyHash(body)}` },
    via: [],
  }
}

const placeOf = (account: string, channel: string): Place => ({ network: 'p2p', account, channel })

function chatBody({ text, senderClass }: PeerChatMessage): Body {
  return {
    rich: plain(attachmentLine(text) ?? (sanitizeText(text).trim() || '(message without visible text)')),
    attachments: [],
    ...(senderClass !== 'verified' && { noPreview: true }),
  }
}

/** The web server sends files as text; without its address the name is all that can be shown. */
function attachmentLine(text: string): string | undefined {
  const match = ATTACHMENT.exec(text)
  if (match === null) return undefined
  try {
    const { filename } = JSON.parse(match[1] as string) as { filename?: unknown }
    return typeof filename === 'string' ? `📎 ${sanitizeText(filename).replace(/\s+/g, ' ').slice(0, 120)}` : undefined
  } catch {
    // Not the web server's form after all: shown as it is.
    return undefined
  }
}
