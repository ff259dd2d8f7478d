import type { StoredIntent } from '../model.ts'
import { comparablePrices, conditionRank, kilometres, levelOne, type PairOptions, tolerance } from './filters.ts'

/** Why a match: each feature 0 to 1, null where it is not known (section 12.3). */
export interface MatchParts {
  readonly text: number
  readonly topic: number | null
  readonly price: number | null
  readonly place: number | null
  readonly condition: number | null
  readonly freshness: number
}

export interface MatchScore {
  /** Rounded to four decimals. */
  readonly score: number
  readonly parts: MatchParts
  readonly flags: readonly 'suspicious_price'[]
}

const WEIGHTS: Readonly<Record<keyof MatchParts, number>> = {
  text: 0.45,
  topic: 0.15,
  price: 0.2,
  place: 0.1,
  condition: 0.05,
  freshness: 0.05,
}
const MISSING_FACTOR = 0.9
const WEEK_MS = 7 * 86_400_000
const KM_SCALE = 50
const SUSPICIOUS_SHARE = 0.3

/** Shown in lists, worth an alert. */
export const MATCH_LISTED = 0.6
export const MATCH_ALERT = 0.7

export interface ScoreOptions extends PairOptions {
  /** Running median price of a topic in a currency. */
  readonly median?: (slug: string, currency: string) => number | undefined
}

/** Score of an offer for a want; `text` is the share of BM25 the caller computed. `age` counts from the newer side's update. */
export function scorePair(offer: StoredIntent, want: StoredIntent, text: number, options: ScoreOptions): MatchScore {
  const suspicious = isSuspicious(offer, options)
  const parts: MatchParts = {
    text: Math.min(1, text),
    topic: topicPart(offer, want),
    price: pricePart(offer, want, suspicious, options),
    place: placePart(offer, want),
    condition: conditionPart(offer, want),
    freshness: freshnessOf(offer.updated_at, options.now),
  }
  return { score: total(parts), parts, flags: suspicious ? SUSPICIOUS : NO_FLAGS }
}

/** The same pair with an offer that says the same and is older or newer. */
export function withFreshness(score: MatchScore, freshness: number): MatchScore {
  if (score.parts.freshness === freshness) return score
  const parts = { ...score.parts, freshness }
  return { ...score, score: total(parts), parts }
}

/** How fresh an offer is that was last touched at a time: 1 now. */
export const freshnessOf = (updatedAt: number, now: number): number => Math.exp(-Math.max(0, now - updatedAt) / WEEK_MS)

function total(parts: MatchParts): number {
  let sum = WEIGHTS.text * parts.text + WEIGHTS.freshness * parts.freshness
  let weights = WEIGHTS.text + WEIGHTS.freshness
  for (const name of OPTIONAL) {
    const value = parts[name]
    if (value === null) continue
    sum += WEIGHTS[name] * value
    weights += WEIGHTS[name]
  }
  let score = sum / weights
  if (parts.price === null) score *= MISSING_FACTOR
  if (parts.place === null) score *= MISSING_FACTOR
  return round(score)
}

const OPTIONAL = ['topic', 'price', 'place', 'condition'] as const
const SUSPICIOUS = ['suspicious_price'] as const
const NO_FLAGS: readonly 'suspicious_price'[] = []

/** Four decimals, so that runs are equal across machines. */
const round = (n: number): number => Math.round(n * 10_000) / 10_000

/** The parts as they are shown and traced. */
export function shownParts(parts: MatchParts): MatchParts {
  const show = (n: number | null): number | null => (n === null ? null : round(n))
  return {
    text: round(parts.text),
    topic: show(parts.topic),
    price: show(parts.price),
    place: show(parts.place),
    condition: show(parts.condition),
    freshness: round(parts.freshness),
  }
}

function topicPart(offer: StoredIntent, want: StoredIntent): number | null {
  if (offer.topic === null || want.topic === null) return null
  if (offer.topic.slug === want.topic.slug) return 1
  const [a, b] = [levelOne(offer), levelOne(want)]
  if (a !== undefined && a === b) return 0.7
  return offer.topic.k2_topic === want.topic.k2_topic ? 0.4 : 0
}

function isSuspicious(offer: StoredIntent, options: ScoreOptions): boolean {
  const price = offer.slots.price
  if (price === null || price.currency === null || price.min === null || offer.topic === null || price.flags.includes('free'))
    return false
  const median = options.median?.(offer.topic.slug, price.currency)
  return median !== undefined && Number(price.min) < median * SUSPICIOUS_SHARE
}

function pricePart(offer: StoredIntent, want: StoredIntent, suspicious: boolean, options: ScoreOptions): number | null {
  const prices = comparablePrices(offer, want, options.rates)
  if (prices === undefined) return null
  if (suspicious) return 0.5
  if (prices.offer <= prices.want) return 1
  const slack = tolerance(offer, want) * prices.want
  return slack === 0 ? 0 : Math.max(0, 1 - (prices.offer - prices.want) / slack)
}

function placePart(offer: StoredIntent, want: StoredIntent): number | null {
  const km = kilometres(offer, want)
  if (km !== undefined) {
    const near = Math.exp(-km / KM_SCALE)
    return offer.slots.delivery.ship === true && sameCountry(offer, want) ? Math.max(near, 0.3) : near
  }
  if (offer.slots.place === null || want.slots.place === null || !sameCountry(offer, want)) return null
  return offer.slots.delivery.ship === true ? 0.3 : null
}

function sameCountry(a: StoredIntent, b: StoredIntent): boolean {
  const country = a.slots.place?.country ?? null
  return country !== null && country === b.slots.place?.country
}

function conditionPart(offer: StoredIntent, want: StoredIntent): number | null {
  const [a, b] = [offer.slots.condition, want.slots.condition]
  if (a === null || b === null) return 0.5
  return conditionRank(a) >= conditionRank(b) ? 1 : 0.5
}
