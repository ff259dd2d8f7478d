import type { match } from '../../rules/index.ts'
import type { Changes } from './changes.ts'
import { intentOf, type MarketIntent, type Origin } from './model.ts'
import type { MarketParts } from './parts.ts'
import type { Profile } from './profiles.ts'
import type { Publisher } from './publishing.ts'
import type { Subject } from './rules-pass.ts'

/** Saved searches an intent fits, to be told in slices. */
export interface ToTell {
  readonly intentId: string
  readonly change: match.RevisionChange
  readonly searches: readonly string[]
}

/** One step of an intent's life, with everything that follows from it. */
export interface Step {
  readonly parts: MarketParts
  readonly publisher: Publisher
  readonly changes: Changes
  readonly now: number
  /** Filled by the step; the caller works through it. */
  readonly toTell: ToTell[]
}

/** Where a step comes from. */
export interface Cause {
  readonly origin: Origin
  readonly profile: Profile
  readonly author: Subject['author']
  /** Id of the message that is judged; absent where no message is. */
  readonly message?: string
  /** Its text. */
  readonly text?: string
}

/** Stores an intent in memory and among the changes. */
export function keep({ parts, changes }: Step, entry: MarketIntent): void {
  parts.memory.put(entry)
  changes.intents.set(intentOf(entry).intent_id, entry)
}
