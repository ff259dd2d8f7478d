import { language } from '../../rules/index.ts'
import type { Reading } from '../../rules/model.ts'
import type { Changes } from './changes.ts'
import type { Origin } from './model.ts'
import type { MarketParts } from './parts.ts'
import { passedOver, traceClass } from './passed-over.ts'
import type { Profile } from './profiles.ts'
import { stopwatch } from './stopwatch.ts'

const NOTHING: language.RulePlan = { effects: [], dry: [], dropped: [], ignored: null }

export const TAG_TARGETS = ['message', 'thread', 'author', 'intent'] as const
export type TagTarget = (typeof TAG_TARGETS)[number]

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
  const facts = factsOf(parts, subject, now)
  const { plan, state, trace, suspended } = language.evaluateRules(ruleSet, facts, parts.memory.ruleState, now, {
    // A minute comes once, and has no text that could take long.
    ...(subject.event !== 'schedule' && { stopwatch }),
    escape: 'plain',
  })
  parts.memory.remember(state)
  changes.ruleState.push(...state)
  for (const { id, result } of trace) {
    if (result === 'fired') parts.counters.add('rules_fired_total', { rule: id })
    else if (result === 'cooldown' || result === 'limit' || result === 'muted' || result === 'suspended')
      parts.counters.add('rules_suppressed_total', { rule: id, by: result })
  }
  for (const rule of suspended)
    parts.log.warn({ ev: 'rule-suspended', rule }, 'a rule takes too long and is left out for ten minutes')
  const fired = trace.some((t) => t.result === 'fired' || t.result === 'dry_run')
  if (fired || (subject.reading?.intent !== undefined && subject.reading.intent !== 'none')) {
    const passed = subject.event === 'schedule' ? [] : passedOver(ruleSet, facts, parts.memory.ruleState, now, stopwatch)
    changes.traces.push({
      messageId: subject.event === 'message.create' ? subject.messageId : `${subject.messageId}#${subject.event}`,
      class: traceClass(trace, passed),
      trace: {
        rules: ruleSet.version,
        reading: withoutText(subject.reading),
        fired: trace,
        passed,
        plan,
        status: statusOf(plan.effects),
      },
      at: now,
    })
  }
  return plan
}

/** What became of the effects of a plan by their ids; part of the pass's trace. */
const statuses = new WeakMap<readonly language.PlannedEffect[], Record<string, string>>()

export function statusOf(effects: readonly language.PlannedEffect[]): Record<string, string> {
  const known = statuses.get(effects) ?? Object.create(null)
  statuses.set(effects, known)
  return known
}

/** Traces hold spans and values, not what people wrote. */
function withoutText(reading: Reading | null): object | null {
  if (reading === null) return null
  const { intent, act, confidence, score, slots, topic, trace } = reading
  return { intent, act, confidence, score, price: slots.price, topic: topic?.slug ?? null, trace }
}

export function factsOf(parts: Pick<MarketParts, 'rates' | 'memory'>, s: Subject, now: number): language.RuleFacts {
  const { place } = s.origin
  const { memory } = parts
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
    author: authorOf(memory, s.author, now),
    tags: tagsOf(memory, s, now),
    reading: s.reading,
    intent_id: s.intentId,
    recipient: s.recipient,
    profile: { mode: s.profile.mode, ...(s.profile.rules !== undefined && { rules: s.profile.rules }) },
    match: s.match,
    rates: parts.rates,
  }
}

/** What is known of an author beside the message; looked up only where a rule asks. */
function authorOf(memory: MarketParts['memory'], author: language.RuleAuthor, now: number): language.RuleAuthor {
  return {
    ...author,
    get account_age_ms() {
      return accountAge(author.key, now)
    },
    get messages() {
      return memory.messagesOf(author.key, now)
    },
    get intents_open() {
      return memory.openOf(author.key)
    },
  }
}

/** What stored tags hang on for one pass. */
export function subjectsOf(
  s: Pick<Subject, 'origin' | 'messageId' | 'author' | 'intentId'>,
): Record<TagTarget, string | undefined> {
  const { network, channel, thread } = s.origin.place
  return {
    message: s.messageId,
    thread: `${network}:${channel}:${thread ?? ''}`,
    author: s.author.key,
    intent: s.intentId,
  }
}

function tagsOf({ tags }: MarketParts['memory'], s: Subject, now: number): readonly string[] | undefined {
  if (tags.size === 0) return undefined
  const on = subjectsOf(s)
  const all = TAG_TARGETS.flatMap((what) => (on[what] === undefined ? [] : tags.of(what, on[what], now)))
  return all.length === 0 ? undefined : [...new Set(all)]
}

const DISCORD_EPOCH = 1_420_070_400_000n

/** Age of an account where its id tells: Discord's does. */
export function accountAge(author: string, now: number): number | undefined {
  const id = /^discord:(\d{15,20})$/.exec(author)?.[1]
  return id === undefined ? undefined : Math.max(0, now - Number((BigInt(id) >> 22n) + DISCORD_EPOCH))
}
