import type { Money, Reading, TopicRef } from '../model.ts'

/** Fields of K2's `form_data` that a reading fills (9.3, 9.4). The gateway adds sender and its own member. */
export interface K2Form {
  readonly topic: string
  readonly action: 'buy' | 'sell' | 'exchange'
  readonly title: string
  readonly description: string
  readonly selection: TopicRef['selection']
  /** Finite numbers in main units; 0 stands for "none". */
  readonly priceRange: { readonly min: number; readonly max: number; readonly currency: string }
  readonly location: string
  readonly condition: 'new' | 'like-new' | 'used' | 'any'
}

const MAX_TITLE = 80
const STABLE: Readonly<Record<string, string>> = { USDT: 'USD', USDC: 'USD', DAI: 'USD' }
const CONDITION = { new: 'new', like_new: 'like-new', used: 'used', refurbished: 'used', for_parts: 'used' } as const

/** K2 form of a reading; undefined for `none`. `description` is cleaned text without contact data. */
export function k2Form(reading: Pick<Reading, 'intent' | 'slots' | 'topic'>, description: string): K2Form | undefined {
  const { intent, slots, topic } = reading
  if (intent === 'none' || topic === null) return undefined
  const action = intent === 'exchange' ? 'exchange' : intent === 'sell' || intent === 'service_offered' ? 'sell' : 'buy'
  const count = slots.quantity !== null && slots.quantity.value > 1 ? `${slots.quantity.value} × ` : ''
  const free = slots.price?.flags.includes('free') === true ? ' (free)' : ''
  const title = `${count}${slots.item?.text ?? topic.slug}`.slice(0, MAX_TITLE - free.length) + free
  return {
    topic: topic.k2_topic,
    action,
    title,
    description: slots.price === null ? description : `Price: ${priceLine(slots.price)}\n${description}`,
    selection: { ...topic.selection },
    priceRange: priceRange(slots.price),
    location: slots.place?.text ?? '',
    condition: slots.condition === null ? 'any' : CONDITION[slots.condition],
  }
}

/** Currency of three letters and finite bounds, as reference nodes need them. */
export function priceRange(price: Money | null): { min: number; max: number; currency: string } {
  if (price === null) return { min: 0, max: 0, currency: 'USD' }
  let min = Number(price.min ?? 0)
  let max = Number(price.max ?? price.min ?? 0)
  let currency = STABLE[price.currency ?? ''] ?? price.currency ?? 'USD'
  if (currency === 'SATS') [min, max, currency] = [min / 1e8, max / 1e8, 'BTC']
  if (!/^[A-Z]{3}$/u.test(currency)) return { min: 0, max: 0, currency: 'USD' }
  return { min, max, currency }
}

function priceLine(price: Money): string {
  const currency = price.currency === null ? '' : ` ${price.currency}`
  if (price.min !== null && price.max !== null)
    return `${price.min === price.max ? price.min : `${price.min}–${price.max}`}${currency}`
  return price.max === null ? `from ${price.min}${currency}` : `up to ${price.max}${currency}`
}
