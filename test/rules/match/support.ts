import { converter } from '../../../src/rules/match/index.ts'
import { emptySlots, type Intent, type Money, type Slots, type StoredIntent, sideOf } from '../../../src/rules/model.ts'

export const NOW = Date.UTC(2026, 0, 5, 12)
export const RATES = converter({ base: 'USD', time: NOW, rates: { EUR: 0.9, VND: 25_000 } }, NOW)

export function price(min: number | null, max: number | null, currency = 'USD', part: Partial<Money> = {}): Money {
  const text = (n: number | null) => (n === null ? null : String(n))
  return {
    min: text(min),
    max: text(max),
    currency,
    currency_source: 'explicit',
    unit: 'item',
    role: 'asking',
    flags: [],
    ...part,
  }
}

let count = 0
export function stored(
  intent: Exclude<Intent, 'none'>,
  item: string,
  part: Partial<Omit<StoredIntent, 'slots'>> & { slots?: Partial<Slots> } = {},
): StoredIntent {
  const id = part.intent_id ?? `i${count++}`
  return {
    intent_id: id,
    owner: `owner-${id}`,
    platform: 'discord',
    channel: 'market',
    intent,
    side: sideOf(intent) as 'offer',
    status: 'open',
    revision: 1,
    topic: { slug: 'laptops', k2_topic: 'Goods', selection: { subtopic: 'Electronics & Devices' }, source: 'item' },
    confidence: 0.95,
    score: 9,
    text: item,
    flags: [],
    trust: 'verified',
    created_at: NOW,
    updated_at: NOW,
    expires_at: NOW + 14 * 86_400_000,
    consent: null,
    ...part,
    slots: { ...emptySlots(), item: { text: item, head: null, model_tokens: [], brand: null }, ...part.slots },
  }
}

export const berlin = { text: 'Berlin', country: 'DE', region: null, city: 'Berlin', lat: 52.52, lon: 13.4, radius_km: null }
export const potsdam = { text: 'Potsdam', country: 'DE', region: null, city: 'Potsdam', lat: 52.4, lon: 13.06, radius_km: null }
export const munich = { text: 'München', country: 'DE', region: null, city: 'München', lat: 48.14, lon: 11.58, radius_km: null }
export const hanoi = { text: 'Hà Nội', country: 'VN', region: null, city: 'Hà Nội', lat: 21.03, lon: 105.85, radius_km: null }
