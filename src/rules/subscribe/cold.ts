import { globsMatch } from '../language/glob.ts'
import { distanceKm } from '../match/distance.ts'
import { type SearchDocument, searchKey } from '../match/document.ts'
import type { Converter } from '../match/rates.ts'
import { foldText, hasPhrase, wordsOf } from '../match/terms.ts'
import type { Vocabulary } from '../match/vocabulary.ts'
import { TRUST_LEVELS } from '../model.ts'
import type { SubscriptionQuery } from './query.ts'

/** The parts of a query that packed records cannot hold; asked only of survivors. */
export interface ColdQuery {
  holds(document: SearchDocument, rates: Converter): boolean
}

interface Term {
  readonly words: readonly string[]
  readonly keys: readonly string[]
}

const DEFAULT_RADIUS_KM = 50

/** Whether packed records say it all: only single words, at most one topic, bounds in the base currency. */
export function isPlain(query: SubscriptionQuery, base: string, singleWords: boolean): boolean {
  return (
    singleWords &&
    query.any.length === 0 &&
    query.none.length === 0 &&
    query.topics.length < 2 &&
    query.condition.length === 0 &&
    query.sources.length === 0 &&
    query.place === undefined &&
    (query.price === undefined || query.price.currency === base) &&
    (query.trust === 'unknown' || query.trust === 'blocked')
  )
}

/** Undefined when the required keys and bounds in the base currency say it all. */
export function coldQuery(
  query: SubscriptionQuery,
  base: string,
  required: number,
  vocabulary: Vocabulary,
): ColdQuery | undefined {
  const term = (text: string): Term => {
    const words = wordsOf(text)
    return { words, keys: words.map((w) => searchKey(w, vocabulary)) }
  }
  const phrases = query.all.map(term).filter((t) => t.words.length > 1)
  const groups = query.any.map((g) => g.map(term)).filter((g) => g.length > 1 || (g[0] as Term).words.length > 1)
  const none = query.none.map(term)
  const topics = query.topics.length > 1 ? new Set(query.topics) : undefined
  const { place, price } = query
  const placed = place?.city !== undefined || place?.within_km !== undefined
  const foreign = price !== undefined && price.currency !== base
  const conditions = query.condition.length > 0 ? new Set<string>(query.condition) : undefined
  const trust = TRUST_LEVELS.indexOf(query.trust)
  const trusting = trust > TRUST_LEVELS.indexOf('unknown')
  const sources = query.sources.length > 0 ? query.sources : undefined
  if (
    required > 0 &&
    phrases.length + groups.length + none.length === 0 &&
    !topics &&
    !placed &&
    !foreign &&
    !conditions &&
    !trusting &&
    !sources
  )
    return undefined
  return {
    holds(document, rates) {
      if (trusting && TRUST_LEVELS.indexOf(document.trust) < trust) return false
      if (topics !== undefined && (document.topic === null || !topics.has(document.topic))) return false
      if (conditions !== undefined && (document.condition === null || !conditions.has(document.condition))) return false
      if (sources !== undefined && !globsMatch(sources, namesOf(document))) return false
      if (!phrases.every((p) => found(p, document)) || !groups.every((g) => g.some((t) => found(t, document)))) return false
      if (none.some((t) => found(t, document))) return false
      if (placed && !near(place as NonNullable<typeof place>, document)) return false
      return !foreign || priceFits(query, document, rates)
    },
  }
}

/** A word by its key (synonyms count); several words next to each other as written, or each by its synonym when one has any. */
function found(term: Term, document: SearchDocument): boolean {
  if (term.words.length === 0 || !term.keys.every((k) => document.keys.has(k))) return false
  return term.words.length === 1 || hasPhrase(document.words, term.words)
}

const namesOf = (d: SearchDocument): string[] => [
  d.platform,
  d.channel,
  `${d.platform}:${d.channel}`,
  ...(d.k2_topic === null ? [] : [d.k2_topic, `k2:${d.k2_topic}`]),
]

function near(place: NonNullable<SubscriptionQuery['place']>, document: SearchDocument): boolean {
  if (place.lat !== undefined && place.lon !== undefined && document.lat !== null && document.lon !== null)
    return distanceKm(place.lat, place.lon, document.lat, document.lon) <= (place.within_km ?? DEFAULT_RADIUS_KM)
  return place.city !== undefined && document.city !== null && foldText(place.city) === foldText(document.city)
}

function priceFits(query: SubscriptionQuery, document: SearchDocument, rates: Converter): boolean {
  const { price } = query
  if (price === undefined || (price.min === undefined && price.max === undefined)) return true
  const own = document.price
  const factor = own?.currency == null ? undefined : rates.factor(own.currency, price.currency)
  if (own === null || factor === undefined) return query.include_unpriced
  return own.min * factor <= (price.max ?? Number.POSITIVE_INFINITY) && own.max * factor >= (price.min ?? 0)
}
