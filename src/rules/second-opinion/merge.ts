import type { Lexicon } from '../lexicon/compile.ts'
import { emptySlots, type Item, type Money, type Place, type Reading, type Slots, slotsSchema, type TopicRef } from '../model.ts'
import type { OpinionAnswer } from './model.ts'

const AGREED_BONUS = 0.1
const AGREED_MAX = 0.97
/** Below the threshold of alerts: what only a model sees is a draft until its author agrees. */
const DRAFT_MAX = 0.75
const DRAFT_FROM = 0.5
/** A model's "none" counts from here on, and only against readings below. */
const NONE_FROM = 0.8

export interface Merged {
  /** The rules' reading, at most with gaps filled; `none` when both doubt it. */
  readonly reading: Reading
  /** Another intent the model proposes; only ever a draft that its author confirms. */
  readonly draft: Reading | null
}

/** What rules and a grounded answer say together (section 15.4). The rules' own words always stand. */
export function mergeOpinion(rules: Reading, answer: OpinionAnswer, lexicon: Lexicon): Merged {
  const { intent } = answer
  if (intent === rules.intent) return { reading: intent === 'none' ? rules : agreed(rules, answer, lexicon), draft: null }
  if (intent === 'none') {
    const doubted = answer.confidence >= NONE_FROM && rules.confidence < NONE_FROM
    return { reading: doubted ? nothing(rules, answer) : rules, draft: null }
  }
  if (answer.confidence < DRAFT_FROM) return { reading: rules, draft: null }
  const own = rules.intent === 'none'
  const draft: Reading = {
    ...rules,
    intent,
    act: 'open',
    confidence: Math.min(DRAFT_MAX, round(answer.confidence)),
    secondary: [],
    slots: filled(own ? rules.slots : emptySlots(), answer, intent),
    topic: topicOf(answer, lexicon) ?? lexicon.topicRefs.find('goods', 'model') ?? null,
    source: 'model',
  }
  return { reading: rules, draft }
}

const round = (n: number): number => Math.round(n * 100) / 100

function agreed(rules: Reading, answer: OpinionAnswer, lexicon: Lexicon): Reading {
  const together = Math.min(AGREED_MAX, round(Math.max(rules.confidence, answer.confidence) + AGREED_BONUS))
  return {
    ...rules,
    confidence: Math.max(rules.confidence, together),
    slots: filled(rules.slots, answer, rules.intent),
    topic: rules.topic ?? topicOf(answer, lexicon) ?? null,
    source: 'merged',
  }
}

function nothing(rules: Reading, answer: OpinionAnswer): Reading {
  return {
    ...rules,
    intent: 'none',
    act: 'none',
    confidence: round(answer.confidence),
    secondary: [],
    slots: emptySlots(),
    topic: null,
    source: 'merged',
  }
}

/** The rules' slots with gaps filled; a result that is not valid changes nothing. */
function filled(slots: Slots, answer: OpinionAnswer, intent: Reading['intent']): Slots {
  const next: Slots = {
    ...slots,
    item: slots.item ?? itemOf(answer.item),
    want_item: slots.want_item ?? (intent === 'exchange' ? itemOf(answer.want_item) : null),
    quantity: slots.quantity ?? (answer.quantity == null ? null : { value: answer.quantity, unit: null }),
    condition: slots.condition ?? answer.condition ?? null,
    price: slots.price ?? priceOf(answer, intent),
    place: slots.place ?? placeOf(answer.place),
  }
  return slotsSchema.safeParse(next).success ? next : slots
}

const itemOf = (text: string | null | undefined): Item | null =>
  text == null ? null : { text, head: null, model_tokens: modelTokens(text), brand: null }

function modelTokens(text: string): string[] {
  const words = text.toLowerCase().match(/[\p{L}\p{N}-]+/gu) ?? []
  const mixed = words.map((w) => w.replaceAll('-', '')).filter((w) => /\p{L}/u.test(w) && /\p{N}/u.test(w))
  return mixed.slice(0, 8)
}

const placeOf = (text: string | null | undefined): Place | null =>
  text == null ? null : { text, country: null, region: null, city: text, lat: null, lon: null, radius_km: null }

function priceOf(answer: OpinionAnswer, intent: Reading['intent']): Money | null {
  const { price_min: min, price_max: max } = answer
  if (min == null && max == null) return null
  const wants = intent === 'buy' || intent === 'service_wanted'
  return {
    min: decimal(min),
    max: decimal(max),
    currency: answer.currency ?? null,
    currency_source: answer.currency == null ? null : 'explicit',
    unit: answer.price_unit ?? 'item',
    role: wants ? 'budget' : 'asking',
    flags: [],
  }
}

/** Plain digits: numbers as JSON writes them may have exponents. */
function decimal(value: number | null | undefined): string | null {
  if (value == null) return null
  return value.toLocaleString('en-US', { useGrouping: false, maximumFractionDigits: 18, maximumSignificantDigits: 17 })
}

const topicOf = (answer: OpinionAnswer, lexicon: Lexicon): TopicRef | undefined =>
  answer.topic == null ? undefined : lexicon.topicRefs.find(answer.topic, 'model')
