import { priceText } from '../language/price-text.ts'
import type { Converter } from '../match/rates.ts'
import type { Money, Side, TrustLevel } from '../model.ts'
import type { AlertCandidate, AlertCause } from './model.ts'

/** What an alert shows. Contact data is not part of it. */
export interface AlertCard {
  readonly side: Side
  readonly item: string
  readonly price: string
  /** `≈ 640 EUR`, when the recipient counts in another currency and a rate is known. */
  readonly converted: string | null
  readonly place: string | null
  readonly age_ms: number
  readonly trust: TrustLevel
  readonly price_drop: boolean
  readonly suspicious: boolean
  /** Why this, one line per cause. */
  readonly why: readonly string[]
}

const MAX_CAUSES = 5

export function alertCard(
  candidate: AlertCandidate,
  options: { readonly now: number; readonly rates: Converter; readonly currency?: string; readonly priceDrop?: boolean },
): AlertCard {
  const { intent } = candidate
  return {
    side: intent.side,
    item: intent.slots.item?.text ?? intent.topic?.slug ?? '',
    price: priceText(intent.slots.price),
    converted: converted(intent.slots.price, options.rates, options.currency),
    place: intent.slots.place?.text ?? null,
    age_ms: Math.max(0, options.now - intent.created_at),
    trust: intent.trust,
    price_drop: options.priceDrop === true,
    suspicious: candidate.suspicious,
    why: candidate.causes.slice(0, MAX_CAUSES).map(causeText),
  }
}

function converted(price: Money | null, rates: Converter, currency: string | undefined): string | null {
  if (price === null || price.currency === null || currency === undefined || price.currency === currency) return null
  const factor = rates.factor(price.currency, currency)
  if (factor === undefined) return null
  const show = (amount: string | null): string | null =>
    amount === null ? null : String(Number((Number(amount) * factor).toPrecision(3)))
  return `≈ ${priceText({ min: show(price.min), max: show(price.max), currency })}`
}

function causeText(cause: AlertCause): string {
  const name = cause.name ?? cause.id
  if (cause.kind === 'rule') return `rule ${name}`
  if (cause.kind === 'subscription')
    return `search ${name}${cause.words === undefined || cause.words.length === 0 ? '' : `: ${cause.words.join(', ')}`}`
  const parts = Object.entries(cause.parts ?? {}).flatMap(([part, value]) =>
    typeof value === 'number' ? [`${part} ${value.toFixed(2)}`] : [],
  )
  return `match ${(cause.score ?? 0).toFixed(2)}${parts.length === 0 ? '' : ` (${parts.join(', ')})`}`
}
