import { z } from 'zod'

/**
 * Data model of readings and intents (rules specification, section 1.2). Prices are decimal strings in the currency's main
 * unit, times are ms since the epoch, distances km, confidence 0 to 1, scores evidence points.
 */

type Deep<T> = T extends readonly (infer E)[]
  ? readonly Deep<E>[]
  : T extends object
    ? { readonly [K in keyof T]: Deep<T[K]> }
    : T

export const INTENTS = ['buy', 'sell', 'exchange', 'service_wanted', 'service_offered', 'none'] as const
export const ACTS = ['open', 'update', 'interest', 'negotiate', 'question', 'close', 'bump', 'none'] as const
export const CONDITIONS = ['new', 'like_new', 'used', 'refurbished', 'for_parts'] as const
export const PRICE_UNITS = [
  'item',
  'each',
  'lot',
  'hour',
  'day',
  'week',
  'month',
  'session',
  'lesson',
  'page',
  'word',
  'minute',
  'km',
  'other',
] as const
export const PRICE_FLAGS = ['negotiable', 'firm', 'approx', 'shipped', 'plus_shipping', 'free', 'from', 'bundle'] as const
export const TRUST_LEVELS = ['blocked', 'unknown', 'verified', 'contact', 'trusted'] as const
export const PLATFORMS = ['discord', 'telegram', 'p2p', 'web'] as const
export const INTENT_STATES = ['draft', 'open', 'paused', 'closed', 'expired', 'withdrawn'] as const

export const LANGUAGES = ['en', 'vi', 'es', 'ru', 'pt'] as const
export const READING_FLAGS = ['forwarded', 'quoted', 'code', 'truncated', 'token_limit', 'budget', 'implausible_price'] as const

export type Intent = (typeof INTENTS)[number]
export type TradeIntent = Exclude<Intent, 'none'>
export type Language = (typeof LANGUAGES)[number]
export type ReadingFlag = (typeof READING_FLAGS)[number]
export type Act = (typeof ACTS)[number]
export type Condition = (typeof CONDITIONS)[number]
export type PriceUnit = (typeof PRICE_UNITS)[number]
export type PriceFlag = (typeof PRICE_FLAGS)[number]
export type TrustLevel = (typeof TRUST_LEVELS)[number]
export type Platform = (typeof PLATFORMS)[number]
export type IntentState = (typeof INTENT_STATES)[number]
/** Which side of a deal an intent stands on; an exchange stands on both. */
export type Side = 'offer' | 'want' | 'exchange'

/** A decimal number as text: no exponent, no sign, at most 1e15, at most 18 fraction digits. */
export const decimalSchema = z
  .string()
  .regex(/^\d{1,16}(?:\.\d{1,18})?$/, 'a decimal number without sign or exponent')
  .refine((text) => Number(text) <= 1e15, 'at most 1e15')

export const moneySchema = z
  .strictObject({
    min: decimalSchema.nullable(),
    max: decimalSchema.nullable(),
    /** ISO 4217 code or coin ticker. */
    currency: z
      .string()
      .regex(/^[A-Z]{3,5}$/)
      .nullable(),
    currency_source: z.enum(['explicit', 'word', 'language', 'place', 'channel']).nullable(),
    unit: z.enum(PRICE_UNITS),
    role: z.enum(['asking', 'budget', 'offer', 'rate']),
    flags: z.array(z.enum(PRICE_FLAGS)),
  })
  .refine((m) => m.min === null || m.max === null || Number(m.min) <= Number(m.max), {
    message: 'min is above max',
    path: ['min'],
  })

export const itemSchema = z.strictObject({
  text: z.string().max(120),
  head: z.string().max(60).nullable(),
  /** Letter-digit mixes and series numbers without separators: `x1`, `rtx3080`. */
  model_tokens: z.array(z.string()).max(8),
  brand: z.string().nullable(),
})

export const placeSchema = z.strictObject({
  text: z.string().max(80),
  country: z.string().length(2).nullable(),
  region: z.string().nullable(),
  city: z.string().nullable(),
  lat: z.number().nullable(),
  lon: z.number().nullable(),
  radius_km: z.number().nullable(),
})

export const slotsSchema = z.strictObject({
  item: itemSchema.nullable(),
  /** Exchange: what is asked in return. */
  want_item: itemSchema.nullable(),
  quantity: z.strictObject({ value: z.number().positive(), unit: z.string().nullable() }).nullable(),
  condition: z.enum(CONDITIONS).nullable(),
  price: moneySchema.nullable(),
  extra_prices: z.array(z.strictObject({ item: z.string(), price: moneySchema })).max(20),
  /** Exchange with money on one side; never the price. */
  cash_topup: moneySchema.nullable(),
  place: placeSchema.nullable(),
  delivery: z.strictObject({
    pickup: z.boolean().nullable(),
    ship: z.boolean().nullable(),
    ship_to: z.array(z.string()).max(10),
  }),
  deadline: z
    .strictObject({ at: z.number().nullable(), text: z.string(), urgency: z.enum(['none', 'soon', 'urgent']) })
    .nullable(),
  contact: z.strictObject({
    kinds: z.array(z.enum(['dm', 'telegram', 'discord', 'phone', 'email', 'link'])),
    masked: z.array(z.string()).max(5),
  }),
  payment: z.array(z.string()).max(10),
})

export const topicRefSchema = z.strictObject({
  slug: z.string(),
  /** Byte for byte what is hashed on the network; never from chat. */
  k2_topic: z.string(),
  selection: z.strictObject({
    subtopic: z.string().optional(),
    category: z.string().optional(),
    skill: z.string().optional(),
    sub_category: z.string().optional(),
  }),
  source: z.string(),
})

export const spanSchema = z.tuple([z.number().int().nonnegative(), z.number().int().nonnegative()])

export const readingSchema = z.strictObject({
  message_id: z.string(),
  lang: z.enum([...LANGUAGES, 'und']),
  intent: z.enum(INTENTS),
  act: z.enum(ACTS),
  confidence: z.number().min(0).max(1),
  score: z.number().int(),
  secondary: z.array(z.strictObject({ intent: z.enum(INTENTS), score: z.number().int(), span: spanSchema })).max(4),
  slots: slotsSchema,
  topic: topicRefSchema.nullable(),
  flags: z.array(z.enum(READING_FLAGS)),
  source: z.enum(['rules', 'model', 'merged', 'command']),
  lexicon_version: z.string(),
  trace: z.record(z.string(), z.unknown()),
})

/** Half-open range of UTF-16 units in the text as read. */
export type Span = readonly [start: number, end: number]
export type Money = Deep<z.infer<typeof moneySchema>>
export type Item = Deep<z.infer<typeof itemSchema>>
export type Place = Deep<z.infer<typeof placeSchema>>
export type Slots = Deep<z.infer<typeof slotsSchema>>
export type TopicRef = Deep<z.infer<typeof topicRefSchema>>
export type Reading = Omit<Deep<z.infer<typeof readingSchema>>, 'trace'> & { readonly trace: Readonly<Record<string, unknown>> }

/** Who agreed to publish, when, and to what. */
export interface Consent {
  readonly by: string
  readonly at: number
  readonly scope: 'message' | 'channel'
}

/** What matching, subscriptions and alerts work on: a reading other than `none` with a life of its own. */
export interface StoredIntent {
  readonly intent_id: string
  /** Author key such as `telegram:12345`, or a K2 sender. */
  readonly owner: string
  readonly platform: Platform
  readonly channel: string
  readonly intent: Exclude<Intent, 'none'>
  readonly side: Side
  readonly status: IntentState
  readonly revision: number
  readonly slots: Slots
  readonly topic: TopicRef | null
  readonly confidence: number
  readonly score: number
  /** The author's own words around the item, without contact data; at most 500 characters. */
  readonly text: string
  readonly flags: readonly string[]
  readonly trust: TrustLevel
  readonly created_at: number
  readonly updated_at: number
  readonly expires_at: number
  readonly consent: Consent | null
}

/** Side of an intent; `none` has none. */
export function sideOf(intent: Intent): Side | null {
  switch (intent) {
    case 'sell':
    case 'service_offered':
      return 'offer'
    case 'buy':
    case 'service_wanted':
      return 'want'
    case 'exchange':
      return 'exchange'
    case 'none':
      return null
  }
}

/** What most slots say, once for all of them: a hundred thousand open intents are kept in memory. */
export const NOTHING_SAID = Object.freeze({
  list: Object.freeze([]) as readonly never[],
  delivery: Object.freeze({ pickup: null, ship: null, ship_to: Object.freeze([]) }) as Slots['delivery'],
  contact: Object.freeze({ kinds: Object.freeze([]), masked: Object.freeze([]) }) as Slots['contact'],
})

/** Slots with nothing known. */
export function emptySlots(): Slots {
  return {
    item: null,
    want_item: null,
    quantity: null,
    condition: null,
    price: null,
    extra_prices: NOTHING_SAID.list,
    cash_topup: null,
    place: null,
    delivery: NOTHING_SAID.delivery,
    deadline: null,
    contact: NOTHING_SAID.contact,
    payment: NOTHING_SAID.list,
  }
}
