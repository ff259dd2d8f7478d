import { placeKey } from '../../bridges/model/place.ts'
import { match } from '../../rules/index.ts'
import type { Reading, Slots, StoredIntent } from '../../rules/model.ts'
import type { IntentRecord, ThreadEvent } from '../../rules/thread/index.ts'
import { ownerOf, searchesFor, tellMatches } from './alerting.ts'
import { interestNotice, networkName } from './cards.ts'
import { carryOut } from './effects.ts'
import type { Emit } from './effects-emit.ts'
import { intentOf, type MarketIntent } from './model.ts'
import type { MarketParts } from './parts.ts'
import { judge, type Subject } from './rules-pass.ts'
import { type Cause, keep, type Step } from './step.ts'
import { openTalk, ownerTalker, talkerOf } from './talks.ts'

const DAY_MS = 86_400_000

/** Carries out what a conversation decided about intents. */
export function applyEvent(step: Step, event: ThreadEvent, cause: Cause, emit: Emit): void {
  switch (event.type) {
    case 'opened':
      opened(step, patchedBy(event.record, emit), event.reading, cause, emit.publish)
      break
    case 'updated':
      updated(step, event.record, event.before, event.reading, cause, event.reason)
      break
    case 'closed':
    case 'withdrawn':
      ended(step, event.record, event.reason, cause)
      break
    case 'bumped':
      bumped(step, event.record, cause)
      break
    case 'interest':
      interest(step, event.record, event.person, event.first, cause, amountText(event.amount))
      break
    case 'question':
      break
  }
}

/** A new intent: rules, consent, matches, saved searches. */
export function opened(step: Step, record: IntentRecord, reading: Reading | null, cause: Cause, publish?: Emit['publish']): void {
  const { parts, publisher, changes, now } = step
  let entry: MarketIntent = { record, origin: cause.origin, consent: null, published: null }
  parts.counters.add('intents_opened_total', { kind: record.intent.intent, platform: record.intent.platform })
  const person = parts.memory.personOf(record.intent.owner)
  const consent = publish === 'never' || cause.origin.peer !== undefined ? undefined : channelConsent(parts, person, cause)
  if (consent !== undefined && record.intent.confidence >= cause.profile.minPublish && record.intent.topic !== null)
    entry = publisher.agree(entry, person, 'channel', changes, now)
  keep(step, entry)
  changes.revisions.push({
    intentId: record.intent.intent_id,
    revision: 1,
    slots: record.intent.slots,
    reason: 'opened',
    at: now,
  })
  const plan = judge(parts, { ...subjectOf('intent.opened', entry, cause), reading }, changes, now)
  if (plan.ignored !== null) return
  carryOut(step, plan.effects, { entry, cause, mayAsk: entry.published === null && publish !== 'never' })
  if (publish === 'ask' && entry.published === null && plan.effects.every((e) => e.action !== 'reply' && e.action !== 'ask'))
    publisher.ask(entry, undefined, changes, now)
  spread(step, entry, 'same', cause)
}

function channelConsent(parts: MarketParts, person: string, { origin, profile }: Cause): unknown {
  if (profile.mode !== 'assist' && profile.mode !== 'auto') return undefined
  return parts.memory.consentOf(person, placeKey(origin.place))
}

/** Both sides of matches and the owners of saved searches hear of an intent that is open. */
export function spread(step: Step, entry: MarketIntent, change: match.RevisionChange, cause: Cause): void {
  const { parts, changes, now } = step
  const intent = intentOf(entry)
  const found = tellMatches(parts, entry, change, changes, now)
  const best = found[0]
  if (best !== undefined && best.score >= match.MATCH_ALERT) {
    const side = intent.side === 'want' ? 'want' : 'offer'
    const subject = { ...subjectOf('match.found', entry, cause), match: { score: best.score, side } as const }
    carryOut(step, judge(parts, subject, changes, now).effects, { entry, cause, mayAsk: false })
  }
  const searches = searchesFor(parts, intent, now)
  if (searches.length > 0) step.toTell.push({ intentId: intent.intent_id, change, searches })
}

export function updated(
  step: Step,
  record: IntentRecord,
  before: StoredIntent,
  reading: Reading | null,
  cause: Cause,
  reason: string,
  mayAsk = true,
): void {
  const { parts, publisher, changes, now } = step
  const known = parts.memory.get(record.intent.intent_id)
  let entry: MarketIntent = { ...(known ?? { origin: cause.origin, consent: null, published: null }), record }
  const wasPublished = entry.published !== null
  // What was agreed to was another text: it comes off K2 until the new one is agreed to.
  if (wasPublished) entry = publisher.take(entry, changes)
  const person = parts.memory.personOf(record.intent.owner)
  const again = wasPublished && record.intent.status === 'open'
  const always = channelConsent(parts, person, { ...cause, origin: entry.origin }) !== undefined
  if (again && always) entry = publisher.agree(entry, person, 'channel', changes, now)
  keep(step, entry)
  const { intent } = record
  changes.revisions.push({ intentId: intent.intent_id, revision: intent.revision, slots: intent.slots, reason, at: now })
  if (again && !always && mayAsk) publisher.ask(entry, 'It has changed: publish it as it is now?', changes, now)
  const plan = judge(parts, { ...subjectOf('intent.updated', entry, cause), reading }, changes, now)
  carryOut(step, plan.effects, { entry, cause, mayAsk: false })
  spread(step, entry, match.revisionChange(before, intent), cause)
}

/** Sold, deleted, expired: off K2, out of matching, and what waits to be said of it is not said. */
export function ended(step: Step, record: IntentRecord, reason: string, cause: Cause): void {
  const { parts, publisher, changes, now } = step
  const id = record.intent.intent_id
  const known = parts.memory.get(id)
  const entry = publisher.take({ ...(known ?? { origin: cause.origin, consent: null, published: null }), record }, changes)
  keep(step, entry)
  parts.memory.alerts.close(id)
  changes.cancelled.add(id)
  changes.ended.add(id)
  parts.counters.add('intents_ended_total', { status: record.intent.status, reason })
  changes.revisions.push({ intentId: id, revision: record.intent.revision, slots: record.intent.slots, reason, at: now })
  carryOut(step, judge(parts, subjectOf('intent.closed', entry, cause), changes, now).effects, { entry, cause, mayAsk: false })
}

function bumped(step: Step, record: IntentRecord, cause: Cause): void {
  const known = step.parts.memory.get(record.intent.intent_id)
  keep(step, { ...(known ?? { origin: cause.origin, consent: null, published: null }), record })
}

/** Somebody wants it: the owner hears of each person once. */
export function interest(step: Step, record: IntentRecord, person: string, first: boolean, cause: Cause, detail?: string): void {
  const { parts, changes, now } = step
  const known = parts.memory.get(record.intent.intent_id)
  if (known === undefined) return
  const entry: MarketIntent = { ...known, record }
  keep(step, entry)
  parts.counters.add('interests_total', { source: cause.origin.place.network })
  const plan = judge(parts, subjectOf('interest.received', entry, cause), changes, now)
  carryOut(step, plan.effects, { entry, cause, mayAsk: false })
  const told = ownerOf(parts, entry)
  if (!first || told === undefined || plan.ignored !== null) return
  const talk = openTalk(step, entry, ownerTalker(parts, entry), talkerOf(parts, cause))
  const who = `${cause.origin.authorName} on ${networkName(cause.origin.place.network)}`
  changes.notices.push({
    id: `int.${record.intent.intent_id}.${person}`.slice(0, 200),
    kind: 'interest',
    target: told.target,
    via: told.via,
    notice: interestNotice(entry, who, detail, talk.id, parts.buttonId),
    intentId: record.intent.intent_id,
    dueAt: now,
  })
}

export function subjectOf(event: Subject['event'], entry: MarketIntent, cause: Cause): Subject {
  const intent = intentOf(entry)
  return {
    event,
    messageId: entry.record.message_id,
    revision: intent.revision,
    origin: cause.origin,
    profile: cause.profile,
    author: cause.author,
    text: intent.text,
    sentAt: intent.created_at,
    reading: readingOf(intent),
    intentId: intent.intent_id,
  }
}

/** A stored intent in the form rules look at. */
export function readingOf(intent: StoredIntent): Reading {
  return {
    message_id: intent.intent_id,
    lang: 'und',
    intent: intent.intent,
    act: 'open',
    confidence: intent.confidence,
    score: intent.score,
    secondary: [],
    slots: intent.slots,
    topic: intent.topic,
    flags: [],
    source: 'rules',
    lexicon_version: '',
    trace: {},
  }
}

function patchedBy(record: IntentRecord, { slots, lifeMs }: Emit): IntentRecord {
  if (slots === undefined && lifeMs === undefined) return record
  const { intent } = record
  const merged: Slots = { ...intent.slots, ...slots }
  const expires = lifeMs === undefined ? intent.expires_at : intent.created_at + Math.min(lifeMs, 90 * DAY_MS)
  return { ...record, intent: { ...intent, slots: merged, expires_at: expires } }
}

const amountText = (amount: Slots['price']): string | undefined =>
  amount === null ? undefined : `would pay ${amount.max ?? amount.min ?? ''} ${amount.currency ?? ''}`.trimEnd()
