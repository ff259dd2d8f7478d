import type { Rates } from '../match/rates.ts'
import type { Platform, Reading, TrustLevel } from '../model.ts'
import type { TextEntity } from '../text/model.ts'

export const EVENTS = [
  'message.create',
  'message.edit',
  'message.delete',
  'intent.opened',
  'intent.updated',
  'intent.closed',
  'intent.expiring',
  'match.found',
  'interest.received',
  'subscription.hit',
  'job.done',
  'job.failed',
  'schedule',
] as const
export type RuleEvent = (typeof EVENTS)[number]

export interface RuleMessage {
  readonly id: string
  readonly revision: number
  readonly platform: Platform
  readonly space?: string | undefined
  readonly channel: string
  readonly thread?: string | undefined
  /** As written. */
  readonly text: string
  /** Without quotes, code and markup; worked out from the text and its entities when absent. */
  readonly clean?: string | undefined
  /** Structure the platform has recognised; offsets into `text`, UTF-16. */
  readonly entities?: readonly TextEntity[] | undefined
  readonly title?: string | undefined
  readonly attachments?: readonly { readonly kind: string; readonly count: number }[] | undefined
  readonly sent_at?: number | undefined
}

export interface RuleAuthor {
  /** `telegram:12345`. */
  readonly key: string
  readonly kind: string
  readonly trust: TrustLevel
  readonly roles: readonly string[]
  readonly account_age_ms?: number | undefined
  readonly messages?: number | undefined
  readonly intents_open?: number | undefined
}

/** Everything a rule may look at: plain values, gathered before evaluation, never changed by it. */
export interface RuleFacts {
  readonly event: RuleEvent
  readonly message: RuleMessage
  readonly author: RuleAuthor
  readonly reading: Reading | null
  readonly intent_id?: string | undefined
  readonly recipient?: string | undefined
  /** Mode of the channel profile and the rule tags it switches on. */
  readonly profile?: { readonly mode: 'off' | 'observe' | 'assist' | 'auto'; readonly rules?: readonly string[] } | undefined
  /** Tags stored on the thread, the author or the intent. */
  readonly tags?: readonly string[] | undefined
  readonly match?: { readonly score: number; readonly side: 'offer' | 'want' } | undefined
  readonly model?: { readonly agrees: boolean } | undefined
  readonly rates?: Rates | undefined
}

/** A reading that found no intent counts as no reading for slots. */
export function intentOf(facts: RuleFacts): Reading['intent'] {
  return facts.reading?.intent ?? 'none'
}
