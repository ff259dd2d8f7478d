import { z } from 'zod'
import { K2Error } from '../../base/errors.ts'
import { isCurrency } from '../match/amount.ts'
import { stem, wordsOf } from '../match/terms.ts'
import type { Vocabulary } from '../match/vocabulary.ts'
import { CONDITIONS, TRUST_LEVELS } from '../model.ts'

const DAY_MS = 86_400_000
const term = z.string().min(1).max(80)

/** A saved search (section 13.1). Amounts are numbers in the currency's main unit, durations ms. */
export const subscriptionQuerySchema = z.strictObject({
  want: z.enum(['offers', 'requests', 'both']).default('offers'),
  all: z.array(term).max(8).default([]),
  any: z.array(z.array(term).min(1).max(8)).max(4).default([]),
  none: z.array(term).max(16).default([]),
  topics: z.array(z.string().min(1).max(60)).max(8).default([]),
  price: z
    .strictObject({
      min: z.number().nonnegative().max(1e15).optional(),
      max: z.number().nonnegative().max(1e15).optional(),
      currency: z.string().refine(isCurrency, 'not a currency code'),
    })
    .refine((p) => p.min === undefined || p.max === undefined || p.min <= p.max, 'min is above max')
    .optional(),
  include_unpriced: z.boolean().default(true),
  place: z
    .strictObject({
      country: z.string().length(2).optional(),
      city: z.string().min(1).max(80).optional(),
      lat: z.number().min(-90).max(90).optional(),
      lon: z.number().min(-180).max(180).optional(),
      within_km: z.number().positive().max(20_040).optional(),
    })
    .optional(),
  condition: z.array(z.enum(CONDITIONS)).max(5).default([]),
  sources: z.array(z.string().min(1).max(200)).max(20).default([]),
  trust: z.enum(TRUST_LEVELS).default('unknown'),
  delivery: z
    .strictObject({
      mode: z.enum(['instant', 'hourly', 'daily']).default('instant'),
      to: z.string().max(200).optional(),
      quiet: z.string().max(40).optional(),
    })
    .default({ mode: 'instant' }),
  expires: z
    .number()
    .int()
    .positive()
    .max(180 * DAY_MS)
    .default(90 * DAY_MS),
})
export type SubscriptionQuery = z.output<typeof subscriptionQuerySchema>
export type SubscriptionInput = z.input<typeof subscriptionQuerySchema>

const PERSONAL = /@\w|<@|\b(?:\+?\d[\s().-]?){7,}\b|\b\d{7,}\b|https?:|t\.me\//i

export interface AcceptOptions {
  readonly vocabulary: Vocabulary
  /** Share of recent intents that have the word; absent: not known, counts as rare. */
  readonly share?: (key: string) => number
}

/** More than this share of intents makes a word too common to search by alone. */
const COMMON_SHARE = 0.02

/**
 * Checks a query against misuse (section 13.2). Throws K2Error SUBSCRIPTION_PERSONAL when it names people, SUBSCRIPTION_BROAD when
 * it would hear nearly everything.
 */
export function acceptQuery(query: SubscriptionQuery, options: AcceptOptions): void {
  const terms = [...query.all, ...query.any.flat(), ...query.none]
  if ([...terms, ...query.topics].some((t) => PERSONAL.test(t)))
    throw new K2Error({
      code: 'SUBSCRIPTION_PERSONAL',
      kind: 'input',
      message: 'a search is for things: it cannot hold names, user ids, phone numbers or links',
    })
  const rare = (text: string): boolean => wordsOf(text).some((w) => isRare(w, options))
  const hasWord = query.all.some(rare) || query.any.some((group) => group.every(rare))
  const { place, price } = query
  const narrowed =
    price?.max !== undefined ||
    price?.min !== undefined ||
    place?.country !== undefined ||
    place?.city !== undefined ||
    place?.within_km !== undefined
  if (hasWord || (query.topics.length > 0 && (narrowed || query.delivery.mode !== 'instant'))) return
  const hint =
    query.topics.length > 0
      ? 'add a word, a price or a place, or take it hourly or daily'
      : 'add a word of three letters that is not too common, or a topic with a price or place'
  throw new K2Error({ code: 'SUBSCRIPTION_BROAD', kind: 'input', message: `this search is too broad: ${hint}` })
}

function isRare(word: string, { vocabulary, share }: AcceptOptions): boolean {
  const key = stem(word)
  if (word.length < 3 || vocabulary.isStopWord(key)) return false
  return (share?.(vocabulary.canonical(key)) ?? 0) < COMMON_SHARE
}
