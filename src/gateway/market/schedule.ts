import type { Place } from '../../bridges/model/place.ts'
import type { language } from '../../rules/index.ts'
import { carryOut } from './effects.ts'
import type { Origin } from './model.ts'
import { judge, type Subject } from './rules-pass.ts'
import type { Cause, Step } from './step.ts'

const MINUTE_MS = 60_000
/** Minutes that passed while nobody looked and are still looked at; a gateway that was away for longer leaves them out. */
const MAX_MISSED = 10
const LAST = { kind: 'counter', rule: 'schedule', key: 'last-minute' } as const
const KEPT_MS = 30 * 86_400_000

/** What happens by itself happens nowhere: templates and actions see this place. */
const NOWHERE: Place = { network: 'web', account: 'main', channel: 'schedule' }
const ORIGIN: Origin = { place: NOWHERE, authorName: 'schedule' }

const awaited = new WeakMap<language.RuleSet, ReadonlySet<language.RuleEvent>>()

/** Whether rules wait for an event at all: most sets wait for few. */
export function waitsFor(ruleSet: language.RuleSet | null, event: language.RuleEvent): boolean {
  if (ruleSet === null) return false
  const known = awaited.get(ruleSet) ?? new Set(ruleSet.rules.flatMap((r) => (r.mode === 'off' ? [] : (r.trigger.events ?? []))))
  awaited.set(ruleSet, known)
  return known.has(event)
}

/** Rules with a `cron`: every minute since the last look is judged once, also over restarts. */
export function schedule(step: Step): void {
  const { parts, changes, now } = step
  const minute = Math.floor(now / MINUTE_MS)
  if (!waitsFor(parts.ruleSet(), 'schedule')) return
  const { ruleState } = parts.memory
  const last = ruleState.get(LAST.kind, LAST.rule, LAST.key, now)?.[0] ?? minute - 1
  if (last >= minute) return
  const noted = [{ ...LAST, value: [minute], expires_at: now + KEPT_MS }]
  parts.memory.remember(noted)
  changes.ruleState.push(...noted)
  const profile = parts.profiles.of(NOWHERE)
  const author = { key: 'system:schedule', kind: 'system', trust: 'trusted', roles: [] } as const
  for (let at = Math.max(last + 1, minute - MAX_MISSED + 1); at <= minute; at++) {
    const messageId = `schedule:${at}`
    const subject: Subject = {
      event: 'schedule',
      messageId,
      revision: 1,
      origin: ORIGIN,
      profile,
      author,
      text: '',
      sentAt: at * MINUTE_MS,
      reading: null,
    }
    const cause: Cause = { origin: ORIGIN, profile, author, message: messageId }
    carryOut(step, judge(parts, subject, changes, at * MINUTE_MS).effects, { entry: undefined, cause, mayAsk: false })
  }
}
