import { k2Error } from './errors.ts'
import { cleanForm } from './form.ts'
import type { SendForm } from './form-check.ts'
import { checkSendForm } from './form-check.ts'
import { type JsonObject, member, objectMember, readJsonObject, stringMember } from './json-reader.ts'
import { canonicalBytes } from './json-writer.ts'
import type { ChatMessage, GatewayMark, K2Message, MarketKind, MarketMessage } from './messages.ts'
import { MAX_CONTENT_BYTES, MAX_SENDER_LENGTH, MAX_VIA } from './messages.ts'
import { cleanName } from './names.ts'
import { proofOf } from './signed-envelope.ts'

const KINDS: ReadonlySet<string> = new Set(['offer', 'interest', 'request'])
const CHAT_TYPE = 'chat_message'
/** Values above it are milliseconds even where seconds are meant (k2-application 2.7). */
const MS_THRESHOLD = 1e12
const MAX_TIMESTAMP_MS = 8.64e15
const MARK = 'x_gateway'
const MAX_KEY_LENGTH = 64
const ORIGIN = /^[\w.]{1,48}$/

export interface ReadContext {
  /** On a topic of two nodes any object with a text is a chat message. */
  readonly direct: boolean
  /** Recognises ids that a node can own; see `createIdCheck`. */
  readonly idOf: (text: string) => string | undefined
}

/** Reads JSON content (k2-application 2.7). Throws `K2_TOO_LARGE` or `K2_MALFORMED`; kinds it does not know are `unknown`. */
export function decodeJsonMessage(content: Uint8Array, context: ReadContext): K2Message {
  const object = readJsonObject(content)
  const sender = readSender(object, context)
  const type = stringMember(object, 'message_type')
  if (type !== undefined && KINDS.has(type)) return readMarket(type as MarketKind, object, sender)
  const isChat = stringMember(object, 'type') === CHAT_TYPE || (context.direct && type === undefined)
  const text = stringMember(object, 'content')
  if (isChat && sender !== undefined && text !== undefined) return readChat(object, sender, text)
  if (stringMember(object, 'type') === CHAT_TYPE) {
    throw k2Error('K2_MALFORMED', 'a chat message lacks its sender or its text', { reason: 'chat' })
  }
  return { kind: 'unknown', object, ...(sender !== undefined && { senderId: sender.id }) }
}

interface Sender {
  readonly id: string
  readonly routable: boolean
}

function readSender(object: JsonObject, context: ReadContext): Sender | undefined {
  const text = stringMember(object, 'sender_node_id')
  if (text === undefined) return undefined
  if (text === '' || text.length > MAX_SENDER_LENGTH) {
    throw k2Error('K2_MALFORMED', `a sender id has 1 to ${MAX_SENDER_LENGTH} characters`, { reason: 'sender' })
  }
  const id = context.idOf(text)
  return id === undefined ? { id: text, routable: false } : { id, routable: true }
}

function readMarket(kind: MarketKind, object: JsonObject, sender: Sender | undefined): MarketMessage {
  if (sender === undefined) throw k2Error('K2_MALFORMED', `an ${kind} lacks its sender`, { reason: 'sender' })
  const target = stringMember(object, 'target_node_id')
  const proof = proofOf(object)
  return {
    kind,
    topic: stringMember(object, 'topic'),
    senderId: sender.id,
    routable: sender.routable,
    // Reference readers take the message itself for the form when there is none.
    form: cleanForm(objectMember(object, 'form_data') ?? object),
    sentAt: readTime(object, 1000),
    ...(target !== undefined && target.length <= MAX_SENDER_LENGTH && { targetId: normalHex(target) }),
    ...(proof !== undefined && { proof }),
  }
}

function readChat(object: JsonObject, sender: Sender, text: string): ChatMessage {
  if (text.trim() === '') throw k2Error('K2_MALFORMED', 'a chat message is empty', { reason: 'empty' })
  const name = cleanName(stringMember(object, 'sender_name') ?? '')
  const mark = readMark(object)
  const proof = proofOf(object)
  return {
    kind: 'chat',
    senderId: sender.id,
    routable: sender.routable,
    text,
    sentAt: readTime(object, 1),
    ...(name !== '' && { senderName: name }),
    ...(mark !== undefined && { mark }),
    ...(proof !== undefined && { proof }),
  }
}

const normalHex = (id: string): string => (/^[0-9a-fA-F]{64}$/.test(id) ? id.toLowerCase() : id)

/** ms since the epoch; `unitMs` is the unit this kind of message uses. */
function readTime(object: JsonObject, unitMs: number): number | undefined {
  const value = member(object, 'timestamp')
  if (typeof value !== 'number' || !(value > 0)) return undefined
  const ms = Math.floor(value > MS_THRESHOLD ? value : value * unitMs)
  return ms <= MAX_TIMESTAMP_MS ? ms : undefined
}

/** The gateway mark of a message, if it has a usable one. */
export function readMark(object: JsonObject): GatewayMark | undefined {
  const mark = objectMember(object, MARK)
  const key = mark === undefined ? undefined : stringMember(mark, 'k')
  if (mark === undefined || key === undefined || key === '' || key.length > MAX_KEY_LENGTH) return undefined
  const attempt = member(mark, 'n')
  const via = member(mark, 'via')
  const origin = stringMember(mark, 'o')
  return {
    key,
    attempt: typeof attempt === 'number' && Number.isSafeInteger(attempt) && attempt > 0 ? attempt : 0,
    via: Array.isArray(via) ? via.filter((v): v is string => typeof v === 'string').slice(0, MAX_VIA) : [],
    ...(origin !== undefined && ORIGIN.test(origin) && { origin }),
  }
}

export interface MarketToSend {
  readonly kind: MarketKind
  readonly topic: string
  readonly senderId: string
  readonly targetId?: string
  readonly form: JsonObject
  /** ms; written in whole seconds. */
  readonly sentAt: number
}

/** Writes an offer, interest or request after checking its form. Throws `K2_BAD_FORM` or `K2_TOO_LARGE`. */
export function encodeMarketMessage(message: MarketToSend, seal: (object: JsonObject) => JsonObject = unsealed): Uint8Array {
  const form: SendForm = checkSendForm(message.form, message.topic)
  if (message.kind === 'interest' && message.targetId === undefined) {
    throw k2Error('K2_BAD_FORM', 'an interest names the seller it is for', { member: 'target_node_id' })
  }
  const object: JsonObject = {
    message_type: message.kind,
    sender_node_id: message.senderId,
    topic: message.topic,
    form_data: form,
    timestamp: Math.floor(message.sentAt / 1000),
    ...(message.targetId !== undefined && { target_node_id: message.targetId }),
  }
  const sealed = canonicalBytes(seal(object))
  // A long form goes out without a signature rather than not at all.
  return sealed.length <= MAX_CONTENT_BYTES ? sealed : sized(object)
}

export interface ChatToSend {
  readonly senderId: string
  readonly senderName?: string
  readonly text: string
  /** ms; strictly increasing per topic, or receivers merge messages. */
  readonly sentAt: number
  readonly mark?: GatewayMark
}

/** Writes a chat line. Throws `K2_TOO_LARGE`; split longer texts first. */
export function encodeChatMessage(message: ChatToSend, seal: (object: JsonObject) => JsonObject = unsealed): Uint8Array {
  return sized(seal(chatObject(message)))
}

const unsealed = (object: JsonObject): JsonObject => object

/** The content that identifies a line whatever the attempt: the message id of the first one. */
export function chatIdentityBytes(message: ChatToSend): Uint8Array {
  const { mark } = message
  return canonicalBytes(chatObject({ ...message, ...(mark !== undefined && { mark: { ...mark, attempt: 0 } }) }))
}

function chatObject({ mark, ...message }: ChatToSend): JsonObject {
  return {
    type: CHAT_TYPE,
    sender_node_id: message.senderId,
    content: message.text,
    timestamp: Math.floor(message.sentAt),
    ...(message.senderName !== undefined && { sender_name: message.senderName }),
    ...(mark !== undefined && markMember(mark)),
  }
}

/** The member that carries a gateway mark. */
export function markMember(mark: GatewayMark): JsonObject {
  const { key, attempt, origin, via } = mark
  return {
    [MARK]: {
      k: key,
      ...(attempt > 0 && { n: attempt }),
      ...(origin !== undefined && { o: origin }),
      ...(via.length > 0 && { via }),
    },
  }
}

function sized(object: JsonObject): Uint8Array {
  const bytes = canonicalBytes(object)
  if (bytes.length > MAX_CONTENT_BYTES) {
    throw k2Error('K2_TOO_LARGE', `a K2 message has at most ${MAX_CONTENT_BYTES} bytes, this one ${bytes.length}`, {
      size: bytes.length,
      max: MAX_CONTENT_BYTES,
    })
  }
  return bytes
}
