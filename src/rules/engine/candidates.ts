import type { AlertCause, Recipient } from '../alert/model.ts'
import { type RevisionChange, revisionChange } from '../match/life-cycle.ts'
import { MATCH_ALERT } from '../match/score.ts'
import type { StoredIntent } from '../model.ts'
import type { AlertCandidate, Audience, EngineMatches, Outcome } from './model.ts'

/** Matches a newcomer hears of at once; the rest is in the list. */
const MAX_TOLD_AT_ONCE = 5

/**
 * Everyone an outcome concerns, one candidate per cause; `mergeCandidates` and `decide` of the alert chain make one alert per person
 * and intent of them. Most specific searches first.
 */
export function* candidatesOf(outcome: Outcome, audience: Audience): Generator<AlertCandidate> {
  for (const found of outcome.matches) {
    const change = changeOf(found)
    yield* fromMatches(found, change, audience)
    yield* fromSearches(found, change, audience)
  }
  yield* fromRules(outcome, audience)
}

const changeOf = ({ event }: EngineMatches): RevisionChange =>
  event.type === 'opened' ? 'same' : revisionChange(event.before, event.record.intent)

/** Both sides of a match hear of each other. */
function* fromMatches(found: EngineMatches, change: RevisionChange, audience: Audience): Generator<AlertCandidate> {
  const newcomer = audience.recipient(found.intent.owner)
  for (const [i, match] of found.matches.entries()) {
    if (match.score < MATCH_ALERT) continue
    const cause = { kind: 'match', urgency: 'instant', score: match.score, parts: match.parts } as const
    const suspicious = match.flags.includes('suspicious_price')
    const other = audience.recipient(match.intent.owner)
    if (other !== undefined)
      yield candidate(other, found.intent, change, suspicious, audience, { ...cause, ...named(match.intent) })
    if (newcomer !== undefined && i < MAX_TOLD_AT_ONCE)
      yield candidate(newcomer, match.intent, 'same', suspicious, audience, { ...cause, ...named(found.intent) })
  }
}

/** The own intent that led to a match, as a name for it. */
const named = (own: StoredIntent): { id: string; name: string } => ({
  id: own.intent_id,
  name: own.slots.item?.text ?? own.topic?.slug ?? own.intent,
})

function* fromSearches(found: EngineMatches, change: RevisionChange, audience: Audience): Generator<AlertCandidate> {
  for (const id of found.subscriptions) {
    const search = audience.subscription(id)
    const recipient = search === undefined ? undefined : audience.recipient(search.owner)
    if (search === undefined || recipient === undefined) continue
    const cause: AlertCause = { kind: 'subscription', id, name: search.name, urgency: search.urgency }
    yield candidate(recipient, found.intent, change, false, audience, cause)
  }
}

/** `alert` effects: to people and channels by name, to the owner, or to everyone whose search was hit. */
function* fromRules(outcome: Outcome, audience: Audience): Generator<AlertCandidate> {
  for (const { plan, intent_id } of outcome.plans) {
    const about = outcome.matches.filter((m) => intent_id === undefined || m.intent.intent_id === intent_id)
    for (const effect of plan.effects) {
      if (effect.action !== 'alert') continue
      const urgency = effect.fields.urgency === 'digest' ? 'hourly' : 'instant'
      const cause: AlertCause = { kind: 'rule', id: effect.rule, urgency }
      for (const found of about) {
        const change = changeOf(found)
        for (const to of effect.fields.to as readonly string[])
          for (const recipient of recipientsOf(to, found, audience))
            yield candidate(recipient, found.intent, change, false, audience, cause)
      }
    }
  }
}

function recipientsOf(to: string, found: EngineMatches, audience: Audience): readonly Recipient[] {
  if (to === 'owner') return [audience.recipient(found.intent.owner)].filter((r) => r !== undefined)
  if (to !== 'subscribers') return audience.resolve(to)
  return found.subscriptions.flatMap((id) => audience.recipient(audience.subscription(id)?.owner ?? '') ?? [])
}

function candidate(
  recipient: Recipient,
  intent: StoredIntent,
  change: RevisionChange,
  suspicious: boolean,
  audience: Audience,
  cause: AlertCause,
): AlertCandidate {
  return { recipient, intent, visible: audience.canSee(recipient.key, intent), suspicious, change, causes: [cause] }
}
