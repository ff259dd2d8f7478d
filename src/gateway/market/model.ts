import type { Notice, NoticeTarget } from '../../bridges/interaction.ts'
import type { Author } from '../../bridges/model/message.ts'
import type { NativeRef, Place } from '../../bridges/model/place.ts'
import type { alert, language, subscribe } from '../../rules/index.ts'
import type { StoredIntent } from '../../rules/model.ts'
import type { IntentRecord } from '../../rules/thread/index.ts'

/** Where an intent comes from, and so where its owner is answered. */
export interface Origin {
  readonly place: Place
  /** Absent for intents made by command. */
  readonly ref?: NativeRef
  readonly authorName: string
  /** Offers and requests of K2 peers: who sent them, and what keeps one copy apart from a changed one. */
  readonly peer?: { readonly nodeId: string; readonly intentKey: string; readonly kind: 'offer' | 'request' }
}

/** The author agreed: who, when, and the words and fields shown (rules 9.4). */
export interface PublishConsent {
  readonly by: string
  readonly at: number
  readonly scope: 'message' | 'channel'
  /** The preview as it was shown. */
  readonly shown: string
  /** Revision of the intent the preview was made of. */
  readonly revision: number
}

/** An intent as the market keeps it: the thread's record, its origin, and what was agreed about publishing. */
export interface MarketIntent {
  readonly record: IntentRecord
  readonly origin: Origin
  readonly consent: PublishConsent | null
  /** Set while it is on K2: when it was published, as what. */
  readonly published: {
    readonly kind: 'offer' | 'request'
    readonly topic: string
    readonly at: number
    /** The gateway whose node repeats it, where several share a database. */
    readonly by?: string | undefined
  } | null
}

export const intentOf = (entry: MarketIntent): StoredIntent => entry.record.intent

/** How a person can be reached: directly, or where they wrote. */
export interface Reach {
  readonly network: Place['network']
  readonly account: string
  readonly authorKey: string
  readonly place: Place
}

/** A saved search with its owner. */
export interface Search {
  readonly id: string
  readonly owner: string
  /** As the person wrote it. */
  readonly words: string
  readonly query: subscribe.SubscriptionQuery
  readonly reach: Reach
  readonly status: 'active' | 'paused'
  readonly pausedUntil: number | null
  readonly hits: number
  readonly lastHitAt: number | null
  readonly createdAt: number
  readonly expiresAt: number
}

/** What a person set for alerts; everything absent has its default. */
export interface PersonSettings {
  readonly optedOut?: boolean
  readonly timeZone?: string
  /** `22:00-07:00` */
  readonly quiet?: string
  readonly dailyAt?: string
  readonly perHour?: number
  readonly perDay?: number
  readonly currency?: string
  readonly mutedAuthors?: readonly string[]
  readonly mutedSearches?: readonly string[]
  readonly blocked?: readonly string[]
  readonly reach?: Reach
}

export type NoticeKind = 'ask' | 'question' | 'alert' | 'digest' | 'interest' | 'reminder' | 'reply' | 'talk' | 'job' | 'admin'

/** Work a rule ordered. Plain data. */
export interface RuleJob {
  readonly id: string
  readonly queue: string
  readonly name: string
  readonly rule: string
  readonly data: Readonly<Record<string, unknown>>
  readonly message: string
  readonly intent: string | null
  readonly attempts: number
}

/** Something to be said by the gateway itself; `id` makes saying it idempotent. */
export interface NoticeRow {
  readonly id: string
  readonly kind: NoticeKind
  /** Tried in order; the next one when the first is denied. */
  readonly target: readonly NoticeTarget[]
  /** Account that speaks; `job` for what is handed to the job queues. */
  readonly via: { readonly network: Place['network'] | 'job'; readonly account: string }
  readonly notice: Notice
  /** Said instead where others read along. */
  readonly inPublic?: Notice
  /** In whose name it is said, where it goes to K2. */
  readonly author?: Pick<Author, 'key' | 'displayName'>
  /** For `job`. */
  readonly job?: RuleJob
  readonly intentId: string | null
  readonly dueAt: number
}

/** A decision about telling somebody, with what the alert state needs to go on after a restart. */
export interface AlertRow {
  readonly decision: alert.AlertDecision
  readonly recipient: string
  readonly intentId: string
  readonly revision: number
  readonly causes: readonly alert.AlertCause[]
  readonly change: alert.AlertChange | undefined
  readonly at: number
}

export interface MatchRow {
  readonly wantId: string
  readonly offerId: string
  readonly score: number
  readonly parts: object
  readonly at: number
}

export interface RevisionRow {
  readonly intentId: string
  readonly revision: number
  readonly slots: object
  readonly reason: string
  readonly at: number
}

export interface TraceRow {
  readonly messageId: string
  readonly class: language.TraceClass
  readonly trace: object
  readonly at: number
}

/** One side of a conversation. Without a reach: a K2 peer, `p2p:<node id>`. */
export interface Talker {
  readonly person: string
  readonly name: string
  readonly reach: Reach | null
}

/** The owner of an offer and somebody who is interested in it can write to each other (k2-application 2.3, 2.5). */
export interface Talk {
  readonly id: string
  readonly intentId: string
  /** What it is about, in a line. */
  readonly about: string
  readonly owner: Talker
  readonly other: Talker
  readonly openedAt: number
}
