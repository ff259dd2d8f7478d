import type { Act, Consent, Intent, Money, Platform, Reading, Slots, StoredIntent, TrustLevel } from '../model.ts'
import type { TextEntity } from '../text/model.ts'

/** A message as conversations see it (sections 1.1 and 8). Times are ms since the epoch. */
export interface ThreadMessage {
  /** Unique per platform: `discord:<channel>:<message>`. */
  readonly id: string
  readonly platform: Platform
  readonly channel: string
  /** Thread or forum post below the channel. */
  readonly thread?: string | undefined
  /** Author key such as `telegram:12345`. */
  readonly author: string
  readonly trust: TrustLevel
  /** As written, platform markup kept. */
  readonly text: string
  readonly entities?: readonly TextEntity[] | undefined
  readonly title?: string | undefined
  readonly tags?: readonly string[] | undefined
  readonly forwarded?: boolean | undefined
  /** Id of the message it answers. */
  readonly reply_to?: string | undefined
  /** Messages of one album share it. */
  readonly album?: string | undefined
  readonly sent_at: number
}

export type ThreadInput =
  | { readonly kind: 'create'; readonly message: ThreadMessage }
  | { readonly kind: 'edit'; readonly message: ThreadMessage }
  | {
      readonly kind: 'delete'
      readonly platform: Platform
      readonly channel: string
      readonly thread?: string
      readonly id: string
    }
  /** A reaction that stands for "sold"; which ones do is configuration. */
  | { readonly kind: 'done'; readonly id: string; readonly author: string }
  /** A second opinion of a message: `before` is what it was asked about; `draft` an intent only the other reader sees. */
  | {
      readonly kind: 'opinion'
      readonly message: ThreadMessage
      readonly before: Reading
      readonly reading: Reading
      readonly draft: Reading | null
    }

/** What later messages ask of a reading: little, since every channel remembers fifty of them. */
export interface RememberedReading {
  readonly intent: Intent
  readonly act: Act
  /** Of an offer or a wish. */
  readonly slots: Slots | null
  readonly hasItem: boolean
  /** The text alone held a cue of some intent. */
  readonly hasCue: boolean
}

/** One remembered message. */
export interface ThreadEntry {
  readonly message: ThreadMessage
  /** Of the group the message belongs to, as it stood then. */
  readonly reading: RememberedReading
  /** Id of the first message of a listing written in several. */
  readonly first: string
}

/** The last messages of one channel or thread, oldest first. Immutable. */
export interface ChannelState {
  readonly entries: readonly ThreadEntry[]
}

/** An intent with where it was written and who asked about it: what storage keeps and the book holds. */
export interface IntentRecord {
  readonly intent: StoredIntent
  /** Message it was opened by. */
  readonly message_id: string
  /** Number among the intents of that message. */
  readonly ordinal: number
  /** All messages it was written in, the first included. */
  readonly parts: readonly string[]
  readonly thread: string | null
  readonly bumped_at: number
  /** People whose interest the owner was told of. */
  readonly interested: readonly string[]
}

/** Read access to the intents that are known; the book of this module or a test's own. */
export interface IntentLookup {
  get(intentId: string): IntentRecord | undefined
  /** Intents written in a message, whatever their state; in the order of their numbers. */
  ofMessage(messageId: string): readonly IntentRecord[]
  /** Intents open or paused in one channel or thread, oldest first. */
  openIn(place: string): readonly IntentRecord[]
}

/** The reading pipeline as conversations need it. */
export interface ThreadReader {
  read(message: ReadText): Reading
}
/** What the reading pipeline gets of a message. */
export interface ReadText {
  readonly id: string
  readonly text: string
  readonly title?: string | undefined
  readonly tags?: readonly string[] | undefined
  readonly entities?: readonly TextEntity[] | undefined
  readonly forwarded?: boolean | undefined
  readonly sent_at?: number | undefined
}

export interface ThreadContext {
  readonly now: number
  readonly reader: ThreadReader
  readonly intents: IntentLookup
  /** State of new intents: null in channels that are only observed, where nothing is opened. */
  readonly opens: 'draft' | 'open' | null
  /** Consent the author gave for the channel, kept with new intents. */
  readonly consent?: Consent | null
}

export type UpdateReason = 'edit' | 'merge' | 'reply' | 'opinion'
export type ThreadEvent =
  | { readonly type: 'opened'; readonly record: IntentRecord; readonly reading: Reading }
  | {
      readonly type: 'updated'
      readonly record: IntentRecord
      readonly before: StoredIntent
      readonly reading: Reading
      readonly reason: UpdateReason
    }
  | { readonly type: 'closed'; readonly record: IntentRecord; readonly reason: 'sold' | 'edit' | 'reaction' }
  | { readonly type: 'withdrawn'; readonly record: IntentRecord; readonly reason: 'edit' | 'delete' | 'opinion' }
  | { readonly type: 'bumped'; readonly record: IntentRecord }
  /** `first`: the owner has not been told of this person and intent yet. */
  | {
      readonly type: 'interest'
      readonly record: IntentRecord
      readonly person: string
      readonly message_id: string
      readonly amount: Money | null
      readonly first: boolean
    }
  | { readonly type: 'question'; readonly record: IntentRecord; readonly person: string; readonly message_id: string }

export interface ThreadStep {
  readonly state: ChannelState
  /** Of the message, or of the group it was joined to. */
  readonly reading: Reading | null
  readonly act: Act
  readonly events: readonly ThreadEvent[]
}

export const EMPTY_CHANNEL: ChannelState = { entries: [] }
/** Bounds of the state (section 8.3). */
export const MAX_ENTRIES = 50
export const ENTRY_LIFE_MS = 15 * 60_000
export const MAX_CHANNELS = 20_000

/** Name of a channel or thread in states and books. */
export function placeOf(at: {
  readonly platform: Platform
  readonly channel: string
  readonly thread?: string | null | undefined
}): string {
  return `${at.platform}\u0000${at.channel}\u0000${at.thread ?? ''}`
}

export type TradeKind = Exclude<Intent, 'none'>
