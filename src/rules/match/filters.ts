import type { CONDITIONS, Money, Slots, StoredIntent } from '../model.ts'
import { distanceKm } from './distance.ts'
import type { Converter } from './rates.ts'
import { foldText } from './terms.ts'

export interface PairOptions {
  readonly now: number
  readonly rates: Converter
  /** Owners that are the same person, or have blocked each other. */
  readonly apart?: (a: string, b: string) => boolean
}

/** The first hard filter of section 12.2 a pair fails; unknown values pass. */
export type FilterName =
  | 'side'
  | 'owner'
  | 'status'
  | 'topic'
  | 'model'
  | 'price'
  | 'place'
  | 'condition'
  | 'quantity'
  | 'expired'

type PriceFlag = Money['flags'][number]

const DEFAULT_RADIUS_KM = 50
const RANK: Readonly<Record<(typeof CONDITIONS)[number], number>> = { new: 3, like_new: 2, used: 1, refurbished: 1, for_parts: 0 }
const OPEN_MODEL =
  /\b(?:or (?:better|similar|equivalent)|any)\b|hoặc tương đương|o similar|o mejor|ou similar|ou melhor|или (?:лучше|аналог)/iu
/** Categories of the reference's lists that mean the same (K2 application specification 3.1). */
const SAME_LEVEL: readonly (readonly [string, string])[] = [
  ['Fashion', 'Fashion & Accessories'],
  ['Books & Learning', 'Books & Media'],
  ['Sports & Travel', 'Sports & Outdoors'],
  ['Images', 'Image'],
  ['Source Code', 'Software'],
  ['Tech & IT', 'Development'],
  ['Design & Creative', 'Design'],
  ['Writing & Translation', 'Writing'],
  ['Marketing & Sales', 'Marketing'],
]
const level = (name: string): string => SAME_LEVEL.find(([, other]) => other === name)?.[0] ?? name

export function levelOne(intent: StoredIntent): string | undefined {
  const { subtopic, category } = intent.topic?.selection ?? {}
  const name = subtopic ?? category
  return name === undefined ? undefined : level(name)
}

/** Which side each of two intents takes as the offer, if any pair of section 12.1 fits. */
export function offerSide(a: StoredIntent, b: StoredIntent): 'a' | 'b' | undefined {
  const [one, two] = [a.intent, b.intent]
  switch (one) {
    case 'sell':
      return two === 'buy' || (two === 'exchange' && withCash(b)) ? 'a' : undefined
    case 'buy':
      return two === 'sell' || (two === 'exchange' && withCash(b)) ? 'b' : undefined
    case 'service_offered':
      return two === 'service_wanted' ? 'a' : undefined
    case 'service_wanted':
      return two === 'service_offered' ? 'b' : undefined
    case 'exchange':
      if (two === 'exchange') return 'a'
      return two === 'buy' && withCash(a) ? 'a' : two === 'sell' && withCash(a) ? 'b' : undefined
  }
}

const withCash = (exchange: StoredIntent): boolean => exchange.flags.includes('cash_too')

export function tolerance(offer: StoredIntent, want: StoredIntent): number {
  const has = (flag: PriceFlag): boolean =>
    offer.slots.price?.flags.includes(flag) === true || want.slots.price?.flags.includes(flag) === true
  return has('firm') ? 0 : has('negotiable') ? 0.2 : 0.1
}

/** Offer's lowest and want's highest price in the want's currency; undefined when one is unknown or not comparable. */
export function comparablePrices(
  offer: StoredIntent,
  want: StoredIntent,
  rates: Converter,
): { offer: number; want: number } | undefined {
  const [a, b] = [offer.slots.price, want.slots.price]
  if (a === null || b === null || a.currency === null || b.currency === null || b.max === null) return undefined
  if (unitOf(a.unit) !== unitOf(b.unit)) return undefined
  const factor = rates.factor(a.currency, b.currency)
  const low = a.min ?? a.max
  return factor === undefined || low === null ? undefined : { offer: Number(low) * factor, want: Number(b.max) }
}

const unitOf = (unit: string): string => (unit === 'each' || unit === 'lot' ? 'item' : unit)

/** The first filter that fails whatever the two say: who they are, and whether they still stand. */
export function failedMeeting(offer: StoredIntent, want: StoredIntent, options: PairOptions): FilterName | undefined {
  if (offer.owner === want.owner || options.apart?.(offer.owner, want.owner) === true) return 'owner'
  if (offer.status !== 'open' || want.status !== 'open') return 'status'
  return offer.expires_at <= options.now || want.expires_at <= options.now ? 'expired' : undefined
}

/** The first filter that fails between what an offer and what a want says. */
export function failedTerms(offer: StoredIntent, want: StoredIntent, rates: Converter): FilterName | undefined {
  if (!topicsFit(offer, want)) return 'topic'
  if (!modelsFit(offer, want)) return 'model'
  const prices = comparablePrices(offer, want, rates)
  if (prices !== undefined && prices.offer > prices.want * (1 + tolerance(offer, want))) return 'price'
  if (differentUnits(offer, want)) return 'price'
  if (!placesFit(offer, want)) return 'place'
  if (!conditionsFit(offer.slots.condition, want.slots.condition)) return 'condition'
  const [has, needs] = [offer.slots.quantity?.value, want.slots.quantity?.value]
  if (has !== undefined && needs !== undefined && has < needs && !want.flags.includes('partial')) return 'quantity'
  return undefined
}

function differentUnits(offer: StoredIntent, want: StoredIntent): boolean {
  const [a, b] = [offer.slots.price, want.slots.price]
  return a !== null && b !== null && unitOf(a.unit) !== unitOf(b.unit)
}

function topicsFit(offer: StoredIntent, want: StoredIntent): boolean {
  const [a, b] = [offer.topic, want.topic]
  if (a === null || b === null || a.slug === b.slug) return true
  if (a.slug === 'goods' || b.slug === 'goods') return a.k2_topic === b.k2_topic
  const [one, two] = [levelOne(offer), levelOne(want)]
  return a.k2_topic === b.k2_topic && one !== undefined && one === two && one !== 'Other'
}

/** What the want asks for is the other's own item; an exchange asks for `want_item`. */
export const wantedItem = (want: StoredIntent): Slots['item'] =>
  want.intent === 'exchange' ? (want.slots.want_item ?? want.slots.item) : want.slots.item

function modelsFit(offer: StoredIntent, want: StoredIntent): boolean {
  const wanted = wantedItem(want)?.model_tokens ?? []
  if (wanted.length === 0 || OPEN_MODEL.test(want.text)) return true
  const offered = new Set(offer.slots.item?.model_tokens.map((t) => t.toLowerCase()))
  return offer.slots.item === null || wanted.every((token) => offered.has(token.toLowerCase()))
}

export function kilometres(a: StoredIntent, b: StoredIntent): number | undefined {
  const [p, q] = [a.slots.place, b.slots.place]
  if (p === null || q === null) return undefined
  if (p.city !== null && q.city !== null && foldText(p.city) === foldText(q.city)) return 0
  if (p.lat === null || p.lon === null || q.lat === null || q.lon === null) return undefined
  return distanceKm(p.lat, p.lon, q.lat, q.lon)
}

const pickupOnly = (i: StoredIntent): boolean => i.slots.delivery.pickup === true && i.slots.delivery.ship !== true
const onSite = (i: StoredIntent): boolean =>
  i.side !== 'exchange' && i.intent.startsWith('service') && i.slots.delivery.pickup === true

function placesFit(offer: StoredIntent, want: StoredIntent): boolean {
  const [p, q] = [offer.slots.place, want.slots.place]
  if (p === null || q === null) return true
  if (pickupOnly(offer) || pickupOnly(want) || onSite(offer) || onSite(want)) {
    const km = kilometres(offer, want)
    if (km !== undefined) return km <= (want.slots.place?.radius_km ?? offer.slots.place?.radius_km ?? DEFAULT_RADIUS_KM)
    if (p.country !== null && q.country !== null && p.country !== q.country) return false
    return p.city === null || q.city === null
  }
  if (offer.slots.delivery.ship !== true || p.country === null || q.country === null || p.country === q.country) return true
  const reach = offer.slots.delivery.ship_to.map((s) => s.toLowerCase())
  return reach.includes('worldwide') || reach.includes(q.country.toLowerCase())
}

function conditionsFit(offered: Slots['condition'], wanted: Slots['condition']): boolean {
  if (offered === 'for_parts') return wanted === 'for_parts' || wanted === null
  if (offered === null || wanted === null || wanted === 'for_parts') return true
  return wanted === 'new' || wanted === 'like_new' ? RANK[offered] >= RANK[wanted] : true
}

export const conditionRank = (condition: (typeof CONDITIONS)[number]): number => RANK[condition]
