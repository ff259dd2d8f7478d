import { z } from 'zod'
import type { CommandSpec, Form } from '../interaction.ts'
import type { SenderClass } from '../model/message.ts'
import type { Network } from '../model/place.ts'

/** The page's protocol: JSON texts over one WebSocket. Both sides name its version. */
export const PROTOCOL_VERSION = 1
/** Longest text of a message, UTF-16 units. */
export const MAX_TEXT = 4000
/** Longest name, UTF-16 units. */
export const MAX_NAME = 64
/** Files of one message. */
export const MAX_FILES = 10
/** Types a browser shows as pictures and nothing else; everything else is a download. */
export const INLINE_TYPES: ReadonlySet<string> = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/avif'])
/** Longest JSON text from a page, UTF-16 units: a message of escapes only still fits. */
export const MAX_FRAME = 32 * 1024

/** Chosen by the page, long and random: whoever knows it may edit what was written with it. */
const ClientId = z.string().regex(/^[A-Za-z0-9_-]{16,64}$/)
/** Of one operation, unique per client: a resend carries the same. */
const OperationId = z.string().regex(/^[A-Za-z0-9_-]{8,64}$/)
const MessageId = z.string().regex(/^[a-z2-7]{8,64}$/)
/** Of buttons and forms. */
const ActionId = z.string().regex(/^[\x21-\x7e]{1,100}$/)
const Room = z.string().regex(/^[\p{L}\p{N}][\p{L}\p{N} _-]{0,63}$/u)
const Text = z.string().min(1).max(MAX_TEXT)
/** Ids of uploads. */
const Uploaded = z.array(z.string().regex(/^[0-9a-f]{32}$/)).max(MAX_FILES)
/** Cleaned and cut by the bridge. */
const Name = z.string().min(1).max(256)

export const ClientMessage = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('hello'), version: z.literal(PROTOCOL_VERSION), client: ClientId, name: Name }),
  z.strictObject({
    type: z.literal('join'),
    room: Room,
    /** What the page has seen of the room; from the `joined` and later messages. */
    since: z.strictObject({ epoch: z.string().max(64), version: z.int().min(0) }).optional(),
  }),
  z.strictObject({ type: z.literal('rename'), name: Name }),
  z.strictObject({
    type: z.literal('send'),
    id: OperationId,
    room: Room,
    /** May be empty with files. */
    text: z.string().max(MAX_TEXT),
    replyTo: MessageId.optional(),
    files: Uploaded.optional(),
  }),
  z.strictObject({ type: z.literal('edit'), id: OperationId, room: Room, message: MessageId, text: Text }),
  z.strictObject({ type: z.literal('delete'), id: OperationId, room: Room, message: MessageId }),
  /** A line that begins with a slash and names a command. */
  z.strictObject({ type: z.literal('command'), id: OperationId, text: Text, files: Uploaded.optional() }),
  /** A pressed button and what it is under. Answers for one page are in no room, and there may be none. */
  z.strictObject({ type: z.literal('action'), id: OperationId, room: Room.optional(), action: ActionId, message: MessageId }),
  z.strictObject({
    type: z.literal('form'),
    id: OperationId,
    form: ActionId,
    values: z.record(z.string().min(1).max(64), z.string().max(MAX_TEXT)).refine((v) => Object.keys(v).length <= 10),
  }),
  z.strictObject({
    type: z.literal('suggest'),
    id: OperationId,
    path: z.array(z.string().max(32)).min(1).max(2),
    argument: z.string().max(32),
    typed: z.string().max(100),
  }),
])
export type ClientMessage = z.output<typeof ClientMessage>

export interface WirePerson {
  readonly key: string
  readonly name: string
}

/** A run of text with the same styles. Styles are the span kinds of the neutral form. */
export interface WireRun {
  readonly text: string
  readonly styles?: readonly string[]
  /** http or https only. */
  readonly url?: string
}

/** Something the gateway itself says. */
export interface WireNotice {
  readonly title?: string
  readonly text: readonly WireRun[]
  readonly actions?: readonly (readonly (
    | { readonly label: string; readonly id: string; readonly style?: string }
    | { readonly label: string; readonly url: string }
  )[])[]
  /** `path` is on the gateway and good for an hour. */
  readonly files?: readonly { readonly name: string; readonly mime: string; readonly size: number; readonly path: string }[]
  /** How far things are: 0 to `total`. */
  readonly meters?: readonly { readonly label: string; readonly done: number; readonly total: number; readonly text: string }[]
}

/** `path` is on the gateway; `inline` files are pictures that a page can show. */
export interface WireFile {
  readonly name: string
  readonly size?: number
  readonly alt?: string
  readonly path: string
  readonly inline?: true
}

export interface WireMessage {
  readonly id: string
  readonly author: WirePerson & { readonly network: Network; readonly senderClass?: SenderClass }
  /** ms since the epoch. */
  readonly at: number
  readonly editedAt?: number
  readonly deleted?: true
  readonly text: readonly WireRun[]
  readonly card?: { readonly kind: string; readonly title: string; readonly lines: readonly string[]; readonly topic: string }
  readonly reply?: { readonly id?: string; readonly name?: string; readonly excerpt?: string }
  readonly notice?: WireNotice
  readonly files?: readonly WireFile[]
  /** Grows with every change in the room. */
  readonly version: number
}

export interface UploadGrant {
  readonly token: string
  /** Of one file. */
  readonly maxBytes: number
  /** Of one message. */
  readonly maxFiles: number
}

export type ErrorCode =
  | 'bad-message'
  | 'unknown-room'
  | 'not-in-room'
  | 'rate-limited'
  | 'busy'
  | 'not-stored'
  | 'not-found'
  | 'not-yours'
  | 'empty'
  | 'no-upload'
  | 'stopping'

export type ServerMessage =
  | {
      readonly type: 'welcome'
      readonly version: number
      readonly you: WirePerson
      readonly rooms: readonly string[]
      readonly limits: { readonly text: number; readonly name: number }
      /** Set when files can be uploaded: the token this page names with each of them. */
      readonly uploads?: UploadGrant
    }
  | {
      readonly type: 'joined'
      readonly room: string
      readonly epoch: string
      /** True: forget what was shown; false: `messages` are the changes since then. */
      readonly reset: boolean
      readonly version: number
      readonly messages: readonly WireMessage[]
      readonly people: readonly WirePerson[]
    }
  | { readonly type: 'message'; readonly room: string; readonly message: WireMessage }
  | { readonly type: 'people'; readonly room: string; readonly people: readonly WirePerson[]; readonly count: number }
  /** Commands for completion. */
  | { readonly type: 'commands'; readonly commands: readonly Pick<CommandSpec, 'path' | 'summary' | 'arguments'>[] }
  /** For this page alone; the same id again replaces it. */
  | { readonly type: 'answer'; readonly id: string; readonly operation?: string; readonly notice: WireNotice }
  | { readonly type: 'retracted'; readonly id: string }
  | { readonly type: 'form'; readonly operation: string; readonly form: Form }
  | {
      readonly type: 'suggestions'
      readonly operation: string
      readonly values: readonly { readonly name: string; readonly value: string }[]
    }
  /** The operation is done for good; `message` is the message it was about. */
  | { readonly type: 'ack'; readonly id: string; readonly message: string }
  | {
      readonly type: 'error'
      readonly code: ErrorCode
      readonly text: string
      /** The operation that failed. */
      readonly id?: string
      /** Set when the same operation may succeed later: ms to wait. */
      readonly retryAfterMs?: number
    }
