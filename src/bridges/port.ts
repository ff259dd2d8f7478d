import type { Health, Lifecycle } from '../base/lifecycle.ts'
import type { Cursor } from './cursor.ts'
import type { Author, Body, Envelope } from './model/message.ts'
import type { NativeRef, Network, Place } from './model/place.ts'

/** What the pipeline offers to bridges. */
export interface BridgeSink {
  /**
   * Takes events in source order. Resolves after they are committed together with every delivery they cause; only then
   * may the source be told that they were received. Rejects when nothing was committed: the source must deliver again.
   * `cursors` are stored in the same transaction; `envelopes` may be empty when only cursors move.
   */
  ingest(envelopes: readonly Envelope[], cursors?: readonly Cursor[]): Promise<void>
}

export interface Capabilities {
  /** Longest text of one native message, in UTF-16 units after formatting. */
  readonly maxText: number
  readonly edit: boolean
  readonly delete: boolean
  readonly reply: boolean
  /** Messages can carry another name than the account's own. */
  readonly senderName: boolean
  /**
   * False where nothing can tell whether a doubtful create arrived: then a crash repeats what was sent and not recorded, so
   * as little as possible is sent ahead of its record. Default true.
   */
  readonly settlesDoubt?: boolean
}

/** Native message that shows all or part of a logical message. */
export interface NativePart {
  /** Place in the logical message: texts count from 0, further messages with files from `FILE_PART` plus the file's place. */
  readonly part: number
  readonly ref: NativeRef
  /** Which of the body's files (`bodyFiles`) this message shows, and which it only names in a line of its text. */
  readonly carries?: { readonly files: readonly number[]; readonly lines: readonly number[] }
  /** Ids (`Attachment.id`) of the files this message shows, in order; absent: none. Kept with the copy, for edits. */
  readonly shows?: readonly string[]
}

/** First part number of messages that carry files beside those of the text. */
export const FILE_PART = 1_000

/** One delivery. `create`, `edit` and `delete` are idempotent per `idemKey` as far as the platform allows (bridging 15.4). */
export interface SendRequest {
  readonly op: 'create' | 'edit' | 'delete'
  readonly deliveryId: string
  readonly idemKey: string
  /** 0 for the first attempt. */
  readonly attempt: number
  /** Set when an earlier attempt may have arrived: its start, ms. The bridge must look before it sends again. */
  readonly ambiguousSince?: number
  readonly place: Place
  readonly author: Author
  /** How the route wants the author shown; `webhook` falls back to `bot`. */
  readonly identity: 'webhook' | 'bot'
  /** Absent for deletes. */
  readonly body?: Body
  /** Edits: the body does not name all files of the message; those that are shown stay. */
  readonly keepsFiles?: true
  /** Reply target: the copy of the target in `place` if there is one, and what to print otherwise. */
  readonly reply?: { readonly ref?: NativeRef; readonly authorName?: string; readonly excerpt?: string }
  /** Parts that exist already: for edits and deletes all of them, for creates those an earlier attempt finished. */
  readonly parts: readonly NativePart[]
  /** When the author wrote it, ms. */
  readonly occurredAt: number
  /** Set when the message is late enough that people should see its original time. */
  readonly showTime?: boolean
  /** Bridge instance ids the message has passed, ours included: for networks that can carry them (bridging 12.5). */
  readonly via?: readonly string[]
  /** See `Envelope.origin`; of a message nobody repeated before, its own event. For networks that can carry it. */
  readonly origin?: string
  /**
   * Called after each native message was created, edited or deleted; the next part is sent only after it resolved. May be
   * left out for the last part, because the outcome follows at once and names all parts.
   */
  readonly onPart: (part: NativePart) => Promise<void>
}

export type SendOutcome =
  | { readonly kind: 'done'; readonly parts: readonly NativePart[] }
  /** Certainly not sent; try again later. */
  | { readonly kind: 'not-sent'; readonly code: string; readonly message: string }
  /** Not sent; nothing on `scope` may be sent before `afterMs` has passed. */
  | { readonly kind: 'rate-limited'; readonly afterMs: number; readonly scope: 'lane' | 'account' }
  /** Not sent: it waits for its turn, and what stands behind it in its lane with it. Nobody refused anything. */
  | { readonly kind: 'later'; readonly afterMs: number }
  /** May have been sent. `scope` `lane`: this destination alone gave no answer; it says nothing about others of the account. */
  | { readonly kind: 'ambiguous'; readonly code: string; readonly message: string; readonly scope?: 'lane' }
  /** Will never work for this message: dead letter. */
  | { readonly kind: 'permanent'; readonly code: string; readonly message: string }
  /** Will not work for any message of this lane until somebody changes something (no permission, unknown channel). */
  | { readonly kind: 'lane-failed'; readonly code: string; readonly message: string }
  /** The account itself is unusable (revoked token). */
  | { readonly kind: 'account-failed'; readonly code: string; readonly message: string }

/**
 * Answer of a bridge that has not connected yet after a start: nothing was sent, the account's lanes look again shortly. Not a
 * failure, which would open the circuit breaker and make people wait after every restart.
 */
export const NOT_READY: SendOutcome = { kind: 'rate-limited', afterMs: 500, scope: 'account' }

/** Adapter of one account on one network. `start` connects and begins to feed the sink. */
export interface Bridge extends Lifecycle {
  readonly network: Network
  readonly account: string
  readonly capabilities: Capabilities
  /** Never rejects for platform reasons: every answer is an outcome. Aborting the signal yields `ambiguous` or `not-sent`. */
  send(request: SendRequest, signal: AbortSignal): Promise<SendOutcome>
  /** Whether one call deletes all these messages of a place (bridging 10.1, bulk delete). Absent: each needs one of its own. */
  deletesTogether?(place: Place, parts: readonly NativePart[]): boolean
  /** Whether texts that wait long for this place may be sent as one message (bridging 16). Absent: nowhere. */
  joinsTexts?(place: Place): boolean
  health(): Health
}
