import { carryOut } from './effects.ts'
import { subjectOf } from './intents.ts'
import type { MarketIntent } from './model.ts'
import { intentOf } from './model.ts'
import { causeOf } from './rounds.ts'
import { judge } from './rules-pass.ts'
import { waitsFor } from './schedule.ts'
import type { Step } from './step.ts'

/** Rules that wait for it hear of each saved search an intent fits; a search fits or not, so its score is 1. */
export function judgeHits(step: Step, entry: MarketIntent, searchIds: readonly string[]): void {
  const { parts, changes, now } = step
  if (!waitsFor(parts.ruleSet(), 'subscription.hit')) return
  const cause = causeOf(step, entry)
  const side = intentOf(entry).side === 'want' ? 'want' : 'offer'
  for (const id of searchIds) {
    const search = parts.memory.searches.get(id)
    if (search === undefined || search.status !== 'active') continue
    const base = subjectOf('subscription.hit', entry, cause)
    const messageId = `${base.messageId}#${id}`
    const subject = { ...base, messageId, recipient: search.owner, match: { score: 1, side } as const }
    carryOut(step, judge(parts, subject, changes, now).effects, { entry, cause, mayAsk: false })
  }
}
