import { WireReader } from '../wire/reader.ts'
import { WireWriter } from '../wire/writer.ts'
import { k2Error } from './errors.ts'
import { cleanForm } from './form.ts'
import type { JsonObject } from './json-reader.ts'
import { type K2Message, MAX_SENDER_LENGTH } from './messages.ts'

const MAX_STRING_BYTES = 4000
const OFFER = 0
const REQUEST = 1
const MATCH = 2
const MS_THRESHOLD = 1_000_000_000_000n
const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER)

/** Fields the postcard offer and request share, in wire order apart from the offer's action (k2-application 2.6). */
interface ListingFields {
  readonly id: string
  readonly nodeId: string
  readonly topic: string
  readonly subtopic?: string | undefined
  readonly category?: string | undefined
  readonly skill?: string | undefined
  readonly title: string
  readonly description: string
  readonly priceMin: bigint
  readonly priceMax: bigint
  readonly currency: string
  /** Unix seconds by the reference's test values. */
  readonly timestamp: bigint
}

export type PostcardMessage =
  | ({ readonly type: 'offer'; readonly action: string } & ListingFields)
  | ({ readonly type: 'request' } & ListingFields)
  | { readonly type: 'match'; readonly offerId: string; readonly requestId: string }

/** The first byte tells the forms apart: JSON begins with `{` or white space, postcard with 0, 1 or 2. */
export const looksLikePostcard = (content: Uint8Array): boolean => (content[0] ?? 0xff) <= MATCH

/** Reads one postcard marketplace message; bytes after it are ignored as upstream does. Throws `WIRE_*`. */
export function decodePostcard(content: Uint8Array): PostcardMessage {
  const reader = new WireReader(content)
  const variant = reader.variant(3)
  const text = (): string => reader.string(MAX_STRING_BYTES)
  if (variant === MATCH) return { type: 'match', offerId: text(), requestId: text() }
  const head = { id: text(), nodeId: text(), topic: text() }
  const action = variant === OFFER ? text() : ''
  const listing: ListingFields = {
    ...head,
    subtopic: reader.option(text),
    category: reader.option(text),
    skill: reader.option(text),
    title: text(),
    description: text(),
    priceMin: reader.u64(),
    priceMax: reader.u64(),
    currency: text(),
    timestamp: reader.u64(),
  }
  return variant === OFFER ? { type: 'offer', action, ...listing } : { type: 'request', ...listing }
}

export function encodePostcard(message: PostcardMessage): Uint8Array {
  const writer = new WireWriter()
  if (message.type === 'match') return writer.variant(MATCH).string(message.offerId).string(message.requestId).finish()
  const text = (value: string): void => {
    writer.string(value)
  }
  writer.variant(message.type === 'offer' ? OFFER : REQUEST)
  writer.string(message.id).string(message.nodeId).string(message.topic)
  if (message.type === 'offer') writer.string(message.action)
  writer.option(message.subtopic, text).option(message.category, text).option(message.skill, text)
  writer.string(message.title).string(message.description).u64(message.priceMin).u64(message.priceMax)
  return writer.string(message.currency).u64(message.timestamp).finish()
}

/** The same message in the shape of the JSON ones. `idOf` recognises ids that a node can own. */
export function messageOfPostcard(message: PostcardMessage, idOf: (text: string) => string | undefined): K2Message {
  if (message.type === 'match') return { kind: 'match', offerId: message.offerId, requestId: message.requestId }
  if (message.nodeId === '' || message.nodeId.length > MAX_SENDER_LENGTH) {
    throw k2Error('K2_MALFORMED', `a sender id has 1 to ${MAX_SENDER_LENGTH} characters`, { reason: 'sender' })
  }
  const id = idOf(message.nodeId)
  const raw: JsonObject = {
    topic: message.topic,
    title: message.title,
    description: message.description,
    action: message.type === 'offer' ? message.action : 'buy',
    priceRange: { min: Number(message.priceMin), max: Number(message.priceMax), currency: message.currency },
    selection: {
      ...(message.subtopic !== undefined && { subtopic: message.subtopic }),
      ...(message.category !== undefined && { category: message.category }),
      ...(message.skill !== undefined && { skill: message.skill }),
    },
  }
  return {
    kind: message.type,
    topic: message.topic,
    senderId: id ?? message.nodeId,
    routable: id !== undefined,
    form: cleanForm(raw),
    sentAt: toMs(message.timestamp),
  }
}

function toMs(timestamp: bigint): number | undefined {
  const ms = timestamp > MS_THRESHOLD ? timestamp : timestamp * 1000n
  return timestamp > 0n && ms <= MAX_SAFE ? Number(ms) : undefined
}
