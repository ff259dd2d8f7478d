import type { NoticeTarget } from '../../bridges/interaction.ts'
import { type Place, placeKey } from '../../bridges/model/place.ts'
import { alert, match, subscribe } from '../../rules/index.ts'
import type { StoredIntent } from '../../rules/model.ts'
import { alertNotice } from './cards.ts'
import type { Changes } from './changes.ts'
import { linkTo } from './links.ts'
import { intentOf, type MarketIntent, type NoticeRow, type PersonSettings, type Reach, type Search } from './model.ts'
import { converterOf, type MarketParts } from './parts.ts'

/** Matches stored and told of per new intent. */
const MAX_MATCHES = 20

/** Somebody who may be told, and where. */
interface Told {
  readonly person: string
  readonly target: readonly NoticeTarget[]
  readonly via: NoticeRow['via']
  /** Where the person reads: decides about intents of private places. */
  readonly place: Place
}

interface Wanted {
  readonly told: Told
  readonly entry: MarketIntent
  readonly cause: alert.AlertCause
  readonly suspicious: boolean
  readonly change: match.RevisionChange
}

/** An intent is new or changed: finds its matches, and the owners of both sides hear of the other (rules 12 and 14). */
export function tellMatches(
  parts: MarketParts,
  entry: MarketIntent,
  change: match.RevisionChange,
  changes: Changes,
  now: number,
): match.Match[] {
  const { memory, counters } = parts
  const intent = intentOf(entry)
  if (intent.status !== 'open' || intent.expires_at <= now) return []
  const found = memory.open.search(intent, {
    now,
    rates: converterOf(parts, now),
    median: memory.medians.median,
    apart: (a, b) => samePerson(parts, a, b),
    limit: MAX_MATCHES,
  })
  const wanted: Wanted[] = []
  for (const hit of found) {
    const other = memory.get(hit.intent.intent_id)
    if (other === undefined) continue
    const [offer, want] =
      intent.side === 'want' || (intent.side === 'exchange' && hit.intent.side === 'offer')
        ? [hit.intent, intent]
        : [intent, hit.intent]
    changes.matches.push({ wantId: want.intent_id, offerId: offer.intent_id, score: hit.score, parts: hit.parts, at: now })
    counters.add('matches_total', { pair: `${offer.intent}-${want.intent}` })
    if (hit.score < match.MATCH_ALERT) continue
    const suspicious = hit.flags.length > 0
    const cause = (mine: StoredIntent): alert.AlertCause => ({
      kind: 'match',
      id: mine.intent_id,
      name: mine.slots.item?.text ?? mine.intent,
      urgency: 'instant',
      score: hit.score,
      parts: hit.parts,
    })
    const first = ownerOf(parts, other)
    if (first !== undefined) wanted.push({ told: first, entry, cause: cause(hit.intent), suspicious, change })
    const second = ownerOf(parts, entry)
    if (second !== undefined) wanted.push({ told: second, entry: other, cause: cause(intent), suspicious, change: 'same' })
  }
  tell(parts, wanted, changes, now)
  return found
}

/** Ids of the saved searches an intent fits, most specific first. */
export function searchesFor(parts: MarketParts, intent: StoredIntent, now: number): string[] {
  if (intent.status !== 'open' || intent.expires_at <= now) return []
  const { index } = parts.memory
  const hits = index.match(match.documentOf(intent), converterOf(parts, now))
  parts.counters.add('subscription_hits_total', {}, hits.handles.length)
  if (hits.broad)
    parts.log.warn(
      { ev: 'searches-broad', intent: intent.intent_id, hits: hits.handles.length },
      'very many searches fit one intent',
    )
  return [...hits.handles].sort((a, b) => index.specificity(b) - index.specificity(a)).map((handle) => index.id(handle))
}

/** One slice of the people whose saved searches an intent fits. */
export function tellSearches(
  parts: MarketParts,
  entry: MarketIntent,
  searchIds: readonly string[],
  change: match.RevisionChange,
  changes: Changes,
  now: number,
): void {
  const { memory } = parts
  const intent = intentOf(entry)
  const words = new Set(match.documentOf(intent).words)
  const wanted = searchIds.flatMap((id): Wanted[] => {
    const search = memory.searches.get(id)
    if (search === undefined || search.status !== 'active' || search.expiresAt <= now) return []
    const next: Search = { ...search, hits: search.hits + 1, lastHitAt: now }
    memory.searches.set(id, next)
    changes.searches.set(id, next)
    const cause: alert.AlertCause = {
      kind: 'subscription',
      id,
      name: search.words,
      urgency: search.query.delivery.mode,
      words: [...search.query.all, ...search.query.any.flat()].filter((w) => words.has(w.toLowerCase())),
    }
    return [{ told: reachOf(search.owner, search.reach), entry, cause, suspicious: isSuspicious(parts, intent), change }]
  })
  tell(parts, wanted, changes, now)
}

/** A rule says that somebody should hear of it. */
export function tellByRule(
  parts: MarketParts,
  entry: MarketIntent,
  told: Told,
  rule: string,
  urgency: alert.Urgency,
  changes: Changes,
  now: number,
): void {
  const cause: alert.AlertCause = { kind: 'rule', id: rule, urgency }
  tell(parts, [{ told, entry, cause, suspicious: false, change: 'same' }], changes, now)
}

/** Candidates become decisions, decisions become notices. Deciding needs no database; what was decided is part of the changes. */
function tell(parts: MarketParts, wanted: readonly Wanted[], changes: Changes, now: number): void {
  const targets = new Map(wanted.map((w) => [`${w.told.person}\0${intentOf(w.entry).intent_id}`, w]))
  const candidates = alert.mergeCandidates(wanted.map((w) => candidateOf(parts, w)))
  for (const candidate of candidates) {
    const { decision, change } = alert.decide(parts.memory.alerts, candidate, now)
    const causes = candidate.causes
    parts.counters.add('alerts_total', { decision: decision.result, step: decision.step, cause: causes[0]?.kind ?? 'none' })
    if (decision.step === 'self' || decision.step === 'duplicate') continue
    const { recipient, intent } = candidate
    changes.alerts.push({
      decision,
      recipient: recipient.key,
      intentId: intent.intent_id,
      revision: intent.revision,
      causes,
      change,
      at: now,
    })
    if (change !== undefined) parts.memory.alerts.apply(change)
    const wish = targets.get(`${recipient.key}\0${intent.intent_id}`)
    if (decision.result === 'send' && wish !== undefined) changes.notices.push(noticeOf(parts, wish, candidate, decision, now))
  }
}

function candidateOf(parts: MarketParts, { told, entry, cause, suspicious, change }: Wanted): alert.AlertCandidate {
  const profile = parts.profiles.of(entry.origin.place)
  const sameplace = placeKey({ ...told.place }) === placeKey({ ...entry.origin.place })
  return {
    recipient: { ...recipientOf(parts, told.person), min_confidence: profile.minAlert },
    intent: intentOf(entry),
    visible: !profile.private || entry.published !== null || sameplace,
    suspicious,
    change,
    causes: [cause],
  }
}

function noticeOf(
  parts: MarketParts,
  { told, entry }: Wanted,
  candidate: alert.AlertCandidate,
  decision: alert.AlertDecision,
  now: number,
): NoticeRow {
  const settings = parts.memory.people.get(told.person)
  const card = alert.alertCard(candidate, {
    now,
    rates: converterOf(parts, now),
    priceDrop: decision.price_drop === true,
    ...(settings?.currency !== undefined && { currency: settings.currency }),
  })
  const searches = candidate.causes.flatMap((c) => (c.kind === 'subscription' ? (parts.memory.searches.get(c.id) ?? []) : []))
  return {
    id: decision.alert_id,
    kind: 'alert',
    target: told.target,
    via: told.via,
    notice: alertNotice({ entry, card, alertId: decision.alert_id, searches, link: linkTo(entry.origin) }, now, parts.buttonId),
    intentId: intentOf(entry).intent_id,
    dueAt: now,
  }
}

/** Owners of intents hear where they wrote; peers of K2 hear nothing from us by themselves. */
export function ownerOf(parts: MarketParts, entry: MarketIntent): Told | undefined {
  const { origin } = entry
  if (origin.peer !== undefined || origin.place.network === 'p2p') return undefined
  const person = parts.memory.personOf(intentOf(entry).owner)
  const own = { network: origin.place.network, account: origin.place.account }
  const place: NoticeTarget =
    origin.ref === undefined
      ? { kind: 'place', place: origin.place }
      : { kind: 'place', place: origin.place, replyTo: origin.ref }
  const direct: NoticeTarget = { kind: 'person', authorKey: intentOf(entry).owner }
  return { person, target: origin.ref === undefined ? [direct, place] : [place, direct], via: own, place: origin.place }
}

/** Owners of saved searches are written to directly, or where they asked. */
export function reachOf(person: string, reach: Reach): Told {
  return {
    person,
    target: [
      { kind: 'person', authorKey: reach.authorKey },
      { kind: 'place', place: reach.place },
    ],
    via: { network: reach.network, account: reach.account },
    place: reach.place,
  }
}

const samePerson = ({ memory }: MarketParts, a: string, b: string): boolean => {
  const [first, second] = [memory.personOf(a), memory.personOf(b)]
  if (first === second) return true
  return memory.people.get(first)?.blocked?.includes(b) === true || memory.people.get(second)?.blocked?.includes(a) === true
}

function isSuspicious(parts: MarketParts, { slots, topic }: StoredIntent): boolean {
  const median = topic === null ? undefined : parts.memory.medians.median(topic.slug, slots.price?.currency ?? '')
  const price = slots.price?.min
  return median !== undefined && price != null && !slots.price?.flags.includes('free') && Number(price) < median * 0.3
}

/** Alert settings of a person, with the defaults of the specification. */
export function recipientOf({ memory, timeZone }: MarketParts, person: string): alert.Recipient {
  const set: PersonSettings = memory.people.get(person) ?? {}
  const quiet = set.quiet === undefined ? undefined : alert.parseHours(set.quiet)
  return {
    ...alert.DEFAULT_RECIPIENT,
    key: person,
    consents: set.optedOut !== true,
    time_zone: set.timeZone ?? timeZone,
    quiet: quiet ?? null,
    daily_at: set.dailyAt === undefined ? alert.DEFAULT_RECIPIENT.daily_at : minutesOf(set.dailyAt),
    per_hour: set.perHour ?? alert.DEFAULT_RECIPIENT.per_hour,
    per_day: set.perDay ?? alert.DEFAULT_RECIPIENT.per_day,
    muted_authors: new Set(set.mutedAuthors),
    muted_searches: new Set(set.mutedSearches),
    blocked: new Set(set.blocked),
    own: new Set(memory.accountsOf(person)),
  }
}

function minutesOf(time: string): number {
  const [hours = 9, minutes = 0] = time.split(':').map(Number)
  return hours * 60 + minutes
}

export type { Told }
export const acceptSearch = (query: subscribe.SubscriptionQuery, parts: MarketParts): void =>
  subscribe.acceptQuery(query, { vocabulary: match.DEFAULT_VOCABULARY, share: (key) => parts.memory.index.share(key) })
