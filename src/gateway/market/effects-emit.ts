import { type language, match } from '../../rules/index.ts'
import type { Slots } from '../../rules/model.ts'

/** What `emit` actions change about the intents a message opens. */
export interface Emit {
  readonly slots?: Partial<Slots>
  readonly lifeMs?: number
  readonly publish?: 'never' | 'ask' | 'auto'
}

/** Slots and life the `emit` actions of a plan ask for. */
export function emitOf(effects: readonly language.PlannedEffect[]): Emit {
  const emit = effects.find((e) => e.action === 'emit')
  if (emit === undefined) return {}
  const { set, expires, publish } = emit.fields as {
    set?: Record<string, unknown>
    expires?: number
    publish?: 'never' | 'ask' | 'auto'
  }
  const slots = set === undefined ? undefined : slotsOf(set)
  return {
    ...(slots !== undefined && { slots }),
    ...(expires !== undefined && { lifeMs: expires }),
    ...(publish !== undefined && publish !== 'never' && { publish }),
  }
}

/** Slots of values as rules and people write them: `price: 400 USD`. */
export function slotsOf(set: Readonly<Record<string, unknown>>): Partial<Slots> {
  const { item, want_item, price, quantity, condition, place } = set
  const thing = (text: unknown) =>
    typeof text === 'string' ? { text: text.toLowerCase().slice(0, 120), head: null, model_tokens: [], brand: null } : undefined
  const amount = typeof price === 'string' || typeof price === 'number' ? match.parseAmount(String(price)) : undefined
  const [main, want] = [thing(item), thing(want_item)]
  return {
    ...(main !== undefined && { item: main }),
    ...(want !== undefined && { want_item: want }),
    ...(amount !== undefined && {
      price: {
        min: String(amount.value),
        max: String(amount.value),
        currency: amount.currency ?? null,
        currency_source: amount.currency === undefined ? null : 'explicit',
        unit: 'item',
        role: 'asking',
        flags: [],
      },
    }),
    ...(typeof quantity === 'number' && { quantity: { value: quantity, unit: null } }),
    ...(typeof condition === 'string' && { condition: condition as Slots['condition'] }),
    ...(typeof place === 'string' && {
      place: { text: place, country: null, region: null, city: null, lat: null, lon: null, radius_km: null },
    }),
  }
}
