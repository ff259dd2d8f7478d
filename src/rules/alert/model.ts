import type { RevisionChange } from '../match/life-cycle.ts'
import type { MatchParts } from '../match/score.ts'
import type { StoredIntent } from '../model.ts'
import type { HourRange } from './local-time.ts'

export type Urgency = 'instant' | 'hourly' | 'daily'

/** Settings of one person (or channel) that gets alerts. */
export interface Recipient {
  readonly key: string
  /** Started the bot and did not opt out. */
  readonly consents: boolean
  /** IANA zone; quiet hours and digests are local. */
  readonly time_zone: string
  readonly quiet: HourRange | null
  /** Minutes past local midnight of the daily digest; 540 = 09:00. */
  readonly daily_at: number
  /** Instant alerts per hour (hard limit 100), per day, and per source and hour. */
  readonly per_hour: number
  readonly per_day: number
  readonly per_source: number
  readonly min_confidence: number
  readonly min_score: number
  readonly hide_suspicious: boolean
  readonly muted_authors: ReadonlySet<string>
  readonly muted_searches: ReadonlySet<string>
  /** People on either side of a block, and the recipient's own linked accounts. */
  readonly blocked: ReadonlySet<string>
  readonly own: ReadonlySet<string>
}

export interface AlertCause {
  readonly kind: 'subscription' | 'match' | 'rule'
  /** Saved search, own intent or rule it comes from. */
  readonly id: string
  readonly name?: string
  readonly urgency: Urgency
  readonly score?: number
  readonly parts?: MatchParts
  readonly words?: readonly string[]
}

/** One intent for one recipient, with everything that led to it. */
export interface AlertCandidate {
  readonly recipient: Recipient
  readonly intent: StoredIntent
  /** The recipient can read the place the message stands in. */
  readonly visible: boolean
  readonly suspicious: boolean
  /** What the latest revision changed. */
  readonly change: RevisionChange
  readonly causes: readonly AlertCause[]
}

export const STEPS = ['consent', 'self', 'quality', 'duplicate', 'repost', 'quiet', 'cap', 'urgency', 'send'] as const
export type AlertStep = (typeof STEPS)[number]

export interface AlertDecision {
  /** hash(recipient, intent, revision class): delivering twice shows once. */
  readonly alert_id: string
  readonly result: 'drop' | 'digest' | 'send'
  /** The step of section 14 that decided. */
  readonly step: AlertStep
  readonly reason: string
  /** When the digest it goes to is due. */
  readonly due_at?: number
  /** Shown as a price drop of something the recipient has heard of. */
  readonly price_drop?: true
}

export const DEFAULT_RECIPIENT: Omit<Recipient, 'key'> = {
  consents: true,
  time_zone: 'UTC',
  quiet: null,
  daily_at: 540,
  per_hour: 20,
  per_day: 100,
  per_source: 5,
  min_confidence: 0.8,
  min_score: 0.7,
  hide_suspicious: false,
  muted_authors: new Set(),
  muted_searches: new Set(),
  blocked: new Set(),
  own: new Set(),
}
