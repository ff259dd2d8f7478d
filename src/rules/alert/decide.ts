import { stableId } from '../language/hash.ts'
import { fingerprint, hammingDistance, priceBucket, simhash } from './fingerprint.ts'
import { inHours, localTime, nextLocal } from './local-time.ts'
import type { AlertCandidate, AlertCause, AlertDecision, AlertStep, Recipient, Urgency } from './model.ts'
import type { AlertChange, AlertRecord, AlertState, DigestEntry } from './state.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const MAX_PER_HOUR = 100
const NEAR_BITS = 3
const PRICE_DROP = 0.95

export interface Decided {
  readonly decision: AlertDecision
  /** To be applied (and stored) with the decision; absent for drops. */
  readonly change?: AlertChange
}

/** Candidates of one intent for one recipient become one, with all causes (step 6). The strictest view of visibility counts. */
export function mergeCandidates(candidates: readonly AlertCandidate[]): AlertCandidate[] {
  const merged = new Map<string, AlertCandidate>()
  for (const c of candidates) {
    const key = `${c.recipient.key}\u0000${c.intent.intent_id}`
    const before = merged.get(key)
    const causes =
      before === undefined
        ? c.causes
        : [...before.causes, ...c.causes.filter((x) => !before.causes.some((y) => y.kind === x.kind && y.id === x.id))]
    merged.set(key, { ...(before ?? c), causes, visible: (before?.visible ?? true) && c.visible })
  }
  return [...merged.values()]
}

/** The chain of section 14; the first step that applies decides. Pure: the state is only read. */
export function decide(state: AlertState, candidate: AlertCandidate, now: number): Decided {
  const { recipient, intent } = candidate
  const drop = (step: AlertStep, reason: string): Decided => ({
    decision: { alert_id: alertId(candidate), result: 'drop', step, reason },
  })
  if (!recipient.consents) return drop('consent', 'the recipient did not start the bot or opted out')
  if (!candidate.visible) return drop('consent', 'the recipient cannot see the source')
  const own = intent.owner === recipient.key || recipient.own.has(intent.owner)
  // A rule may address the owner on purpose; matches and searches never do.
  if (own && candidate.causes.every((c) => c.kind !== 'rule')) return drop('self', 'own intent')
  if (recipient.blocked.has(intent.owner)) return drop('self', 'blocked')
  if (recipient.muted_authors.has(intent.owner)) return drop('self', 'muted author')
  const causes = candidate.causes.filter((c) => !recipient.muted_searches.has(c.id) && (!own || c.kind === 'rule'))
  if (causes.length === 0) return drop('self', 'muted search')
  if (intent.status !== 'open' || intent.expires_at <= now) return drop('quality', 'not open any more')
  if (intent.confidence < recipient.min_confidence)
    return drop('quality', `confidence ${intent.confidence} below ${recipient.min_confidence}`)
  const good = causes.filter((c) => c.kind !== 'match' || (c.score ?? 0) >= recipient.min_score)
  if (good.length === 0) return drop('quality', `score below ${recipient.min_score}`)
  if (candidate.suspicious && recipient.hide_suspicious) return drop('quality', 'suspicious price')
  const id = alertId(candidate)
  if (state.has(id, recipient.key)) return drop('duplicate', 'sent before')
  const records = state.recordsOf(recipient.key, now)
  const again = repost(candidate, records)
  if (again === 'same') return drop('repost', 'the same offer again within seven days')
  const priceDrop = again === 'cheaper' || candidate.change === 'price_drop'
  return place(candidate, good, records, now, priceDrop)
}

/** One alert per revision class: the first, each price drop, each time it opens again. */
export function alertId({ recipient, intent, change }: AlertCandidate): string {
  const kind =
    change === 'price_drop'
      ? `drop:${priceBucket(Number(intent.slots.price?.min ?? 0))}`
      : change === 'reopened'
        ? `open:${intent.revision}`
        : 'first'
  return stableId(recipient.key, intent.intent_id, kind)
}

function lowestPrice(candidate: AlertCandidate): number | null {
  const price = candidate.intent.slots.price
  const text = price?.min ?? price?.max ?? null
  return text === null ? null : Number(text)
}

function repost(candidate: AlertCandidate, records: readonly AlertRecord[]): 'same' | 'cheaper' | undefined {
  const { intent, change } = candidate
  const print = fingerprint(intent)
  const text = simhash(intent.text)
  const price = lowestPrice(candidate)
  let answer: 'same' | 'cheaper' | undefined
  for (const record of records) {
    // A revision of the same intent is judged by its revision class, not as a repost.
    if (record.intent_id === intent.intent_id && (change === 'price_drop' || change === 'reopened')) continue
    const alike =
      record.fingerprint === print ||
      (record.owner === intent.owner &&
        record.simhash !== null &&
        text !== null &&
        hammingDistance(record.simhash, text) <= NEAR_BITS)
    if (!alike) continue
    if (price === null || record.price === null) answer = price === record.price ? 'same' : answer
    else if (price <= record.price * PRICE_DROP) answer = 'cheaper'
    else if (price <= record.price || priceBucket(price) === priceBucket(record.price)) answer = 'same'
    else answer = undefined
  }
  return answer
}

function place(
  candidate: AlertCandidate,
  causes: readonly AlertCause[],
  records: readonly AlertRecord[],
  now: number,
  priceDrop: boolean,
): Decided {
  const { recipient, intent } = candidate
  const alert_id = alertId(candidate)
  const best = [...causes].sort((a, b) => (b.score ?? 0) - (a.score ?? 0))[0] as AlertCause
  const flag = priceDrop ? { price_drop: true as const } : {}
  const record: AlertRecord = {
    alert_id,
    recipient: recipient.key,
    intent_id: intent.intent_id,
    owner: intent.owner,
    source: `${intent.platform}:${intent.channel}`,
    fingerprint: fingerprint(intent),
    price: lowestPrice(candidate),
    simhash: simhash(intent.text),
    at: now,
    sent: false,
  }
  const toDigest = (step: AlertStep, reason: string, due_at: number): Decided => {
    const digest: DigestEntry = {
      alert_id,
      recipient: recipient.key,
      intent_id: intent.intent_id,
      search: best.id,
      score: best.score ?? intent.confidence,
      due_at,
    }
    return { decision: { alert_id, result: 'digest', step, reason, due_at, ...flag }, change: { record, digest } }
  }
  const urgency = causes.reduce<Urgency>((least, c) => (ORDER[c.urgency] < ORDER[least] ? c.urgency : least), 'daily')
  const quiet = recipient.quiet
  if (quiet !== null && inHours(localTime(now, recipient.time_zone).minutes, quiet)) {
    const end = nextLocal(now, recipient.time_zone, quiet.until)
    return toDigest('quiet', 'quiet hours', urgency === 'daily' ? digestTime(recipient, 'daily', end) : end)
  }
  if (urgency !== 'instant') return toDigest('urgency', `${urgency} digest`, digestTime(recipient, urgency, now))
  const cap = overCap(record.source, recipient, records, now)
  if (cap !== undefined) return toDigest('cap', cap, digestTime(recipient, 'hourly', now))
  return {
    decision: { alert_id, result: 'send', step: 'send', reason: best.kind, ...flag },
    change: { record: { ...record, sent: true } },
  }
}

const ORDER: Readonly<Record<Urgency, number>> = { instant: 0, hourly: 1, daily: 2 }

function overCap(source: string, recipient: Recipient, records: readonly AlertRecord[], now: number): string | undefined {
  const sent = records.filter((r) => r.sent)
  const lastHour = sent.filter((r) => now - r.at < HOUR_MS)
  if (lastHour.length >= Math.min(recipient.per_hour, MAX_PER_HOUR)) return 'instant alerts of this hour used up'
  if (sent.filter((r) => now - r.at < DAY_MS).length >= recipient.per_day) return 'instant alerts of this day used up'
  return lastHour.filter((r) => r.source === source).length >= recipient.per_source ? 'too many from this source' : undefined
}

/** When the next digest of a recipient is due, outside quiet hours; hourly ones are spread over the hour by recipient. */
export function digestTime(recipient: Recipient, mode: 'hourly' | 'daily', now: number): number {
  const { time_zone, quiet } = recipient
  let due: number
  if (mode === 'daily') due = nextLocal(now, time_zone, recipient.daily_at)
  else {
    const minute = minuteOf(recipient.key)
    const hour = Math.floor(now / HOUR_MS) * HOUR_MS
    due = hour + minute * 60_000
    if (due <= now) due += HOUR_MS
  }
  return quiet !== null && inHours(localTime(due, time_zone).minutes, quiet) ? nextLocal(due, time_zone, quiet.until) : due
}

function minuteOf(key: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
  return (hash >>> 0) % 60
}

/** "Remind me": once, a day later, outside quiet hours. */
export function reminderTime(recipient: Recipient, now: number): number {
  const due = now + DAY_MS
  const { quiet, time_zone } = recipient
  return quiet !== null && inHours(localTime(due, time_zone).minutes, quiet) ? nextLocal(due, time_zone, quiet.until) : due
}
