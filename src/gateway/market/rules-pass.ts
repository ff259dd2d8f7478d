import { performance } from 'node:perf_hooks'
import { language } from '../../rules/index.ts'
import type { Reading } from '../../rules/model.ts'
import type { Changes } from './changes.ts'
import type { Origin } from './model.ts'
import type { MarketParts } from './parts.ts'
import type { Profile } from './profiles.ts'

const NOTHING: language.RulePlan = { effects: [], dry: [], dropped: [], ignored: null }
const stopwatch = (): number => performance.now()

/** What a rule pass is about. */
export interface Subject {
  readonly event: language.RuleEvent
  readonly messageId: string
  readonly revision: number
  readonly origin: Origin
  readonly profile: Profile
  readonly author: language.RuleAuthor
  readonly text: string
  readonly sentAt: number
  readonly reading: Reading | null
  readonly intentId?: string | undefined
  readonly recipient?: string | undefined
  readonly match?: { readonly score: number; readonly side: 'offer' | 'want' } | undefined
}

/** One pass over the rules; what they remember becomes part of the changes. */
export function judge(parts: MarketParts, subject: Subject, changes: Changes, now: number): language.RulePlan {
  const ruleSet = parts.ruleSet()
  if (ruleSet === null) return NOTHING
  const facts = factsOf(parts, subject)
  const { plan, state, trace, suspended } = language.evaluateRules(ruleSet, facts, parts.memory.ruleState, now, {
    stopwatch,
    escape: 'plain',
  })
  parts.memory.ruleState.apply(state)
  changes.ruleState.push(...state)
  for (const { id, result } of trace) {
    if (result === 'fired') parts.counters.add('rules_fired_total', { rule: id })
    else if (result === 'cooldown' || result === 'limit' || result === 'muted' || result === 'suspended')
      parts.counters.add('rules_suppressed_total', { rule: id, by: result })
  }
  for (const rule of suspended)
    parts.log.warn({ ev: 'rule-suspended', rule }, 'a rule takes too long and is left out for ten minutes')
  const fired = trace.some((t) => t.result === 'fired' || t.result === 'dry_run')
  if (fired || (subject.reading?.intent !== undefined && subject.reading.intent !== 'none'))
    changes.traces.push({
      messageId: subject.event === 'message.create' ? subject.messageId : `${subject.messageId}#${subject.event}`,
      class: fired ? 'fired' : 'near',
      trace: { rules: ruleSet.version, reading: withoutText(subject.reading), fired: trace, plan },
      at: now,
    })
  return plan
}

/** Traces hold spans and values, not what people wrote. */
function withoutText(reading: Reading | null): object | null {
  if (reading === null) return null
  const { intent, act, confidence, score, slots, topic, trace } = reading
  return { intent, act, confidence, score, price: slots.price, topic: topic?.slug ?? null, trace }
}

export function factsOf(parts: Pick<MarketParts, 'rates'>, s: Subject): language.RuleFacts {
  const { place } = s.origin
  return {
    event: s.event,
    message: {
      id: s.messageId,
      revision: s.revision,
      platform: place.network,
      space: place.space,
      channel: place.channel,
      thread: place.thread,
      text: s.text,
      sent_at: s.sentAt,
    },
    author: s.author,
    reading: s.reading,
    intent_id: s.intentId,
    recipient: s.recipient,
    profile: { mode: s.profile.mode, ...(s.profile.rules !== undefined && { rules: s.profile.rules }) },
    match: s.match,
    rates: parts.rates,
  }
}
