import type { AlertCandidate, Recipient } from '../alert/model.ts'
import type { RuleTrace } from '../language/evaluate.ts'
import type { RuleAuthor, RuleEvent } from '../language/facts.ts'
import type { PlannedEffect, RulePlan } from '../language/plan.ts'
import type { StateChange } from '../language/state.ts'
import type { Match } from '../match/open-intents.ts'
import type { Rates } from '../match/rates.ts'
import type { Act, Consent, Reading, StoredIntent } from '../model.ts'
import type { ReadingProfile } from '../reading/index.ts'
import type { ChannelState, IntentRecord, ThreadEvent, ThreadInput, ThreadMessage } from '../thread/index.ts'

/** Settings of the channel a message stands in (section 9.5). */
export interface EngineProfile {
  /** `off` and `observe` open nothing; `observe` still evaluates the rules. */
  readonly mode: 'off' | 'observe' | 'assist' | 'auto'
  readonly reading?: ReadingProfile
  /** Tags of the rule files that hold here; absent: all. */
  readonly rules?: readonly string[]
}

/** What the rules know of the message beside the conversation's part of it. */
export interface EngineFacts {
  readonly author: RuleAuthor
  readonly revision: number
  readonly space?: string
  readonly attachments?: readonly { readonly kind: string; readonly count: number }[]
  /** Tags stored on the thread, the author or the intent. */
  readonly tags?: readonly string[]
  readonly rates?: Rates
}

/** One thing that happened in a channel, with everything the engine may look at. */
export interface EngineInput {
  readonly input: ThreadInput
  readonly profile: EngineProfile
  readonly facts: EngineFacts
  /** Consent the author gave for the channel, kept with new intents. */
  readonly consent?: Consent | null
}

/** What one event of the message or of an intent made the rules plan. */
export interface EnginePlan {
  readonly event: RuleEvent
  readonly intent_id?: string
  readonly plan: RulePlan
  readonly trace: readonly RuleTrace[]
  /** Rules suspended for taking too long: the operator is told. */
  readonly suspended: readonly string[]
}

/** An open intent with those it fits and the saved searches it hits. */
export interface EngineMatches {
  readonly intent: StoredIntent
  readonly event: Extract<ThreadEvent, { type: 'opened' | 'updated' }>
  readonly matches: readonly Match[]
  /** Ids of saved searches, the most specific first. */
  readonly subscriptions: readonly string[]
  /** More than 10,000 searches were hit: the operator is warned. */
  readonly broad: boolean
}

/**
 * What an input leads to. Nothing is changed yet: the caller stores `changes` and `state`, carries out the effects of `plans` and the
 * alerts, and then gives it to `commit`.
 */
export interface Outcome {
  readonly at: number
  readonly place: string
  readonly channel: ChannelState
  readonly reading: Reading | null
  readonly act: Act
  /** Intents opened, updated, closed, withdrawn or asked for; rows to store. */
  readonly changes: readonly ThreadEvent[]
  readonly plans: readonly EnginePlan[]
  readonly effects: readonly PlannedEffect[]
  readonly state: readonly StateChange[]
  readonly matches: readonly EngineMatches[]
}

/** Who gets alerts: settings of people, saved searches by id, and what an effect's `to` stands for. */
export interface Audience {
  recipient(key: string): Recipient | undefined
  subscription(id: string): SubscriptionOwner | undefined
  /** The recipient can read the place the intent was written in. */
  canSee(recipient: string, intent: StoredIntent): boolean
  /** People and channels behind `user:<id>`, `role:<id>` and `channel:<ref>`. */
  resolve(to: string): readonly Recipient[]
}

export interface SubscriptionOwner {
  readonly owner: string
  readonly name: string
  readonly urgency: 'instant' | 'hourly' | 'daily'
}

export type { AlertCandidate, IntentRecord, ThreadEvent, ThreadInput, ThreadMessage }
