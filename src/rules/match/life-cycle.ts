import { stableId } from '../language/hash.ts'
import type { StoredIntent } from '../model.ts'

const DAY_MS = 86_400_000
/** Life of an intent by topic; everything else lives as goods do. */
const LIFE_DAYS: Readonly<Record<string, number>> = { 'real-estate': 30, services: 14, tickets: 14, crypto: 1 }
const GOODS_DAYS = 14
const MAX_DAYS = 90
/** K2 offers have no withdrawal: they count while copies keep coming. */
export const K2_OFFER_LIFE_MS = 15 * 60_000
/** Share a price must fall by for those already told to hear again. */
const PRICE_DROP = 0.05

/** When an intent ends by itself; tickets end with their event. */
export function expiryOf(slug: string | undefined, createdAt: number, deadline: number | null): number {
  if (slug === 'tickets' && deadline !== null && deadline > createdAt) return Math.min(deadline, createdAt + MAX_DAYS * DAY_MS)
  return createdAt + (LIFE_DAYS[slug ?? ''] ?? GOODS_DAYS) * DAY_MS
}

/** First 26 base32 characters over where an intent was written. */
export function intentId(platform: string, channel: string, messageId: string, ordinal: number): string {
  return stableId(platform, channel, messageId, ordinal)
}

/** K2 offers carry no id: sender, topic and item stand for one. */
export function k2IntentId(sender: string, topic: string, item: string): string {
  return stableId('p2p', sender, topic, item.trim().toLowerCase())
}

/** What a new revision means to those who were told of the one before. */
export type RevisionChange = 'same' | 'price_drop' | 'reopened' | 'changed'

/** `changed`: place, condition, quantity or item differ, so a filter that failed may pass now. */
export function revisionChange(before: StoredIntent, after: StoredIntent): RevisionChange {
  if (before.status !== 'open' && after.status === 'open') return 'reopened'
  const [a, b] = [before.slots.price, after.slots.price]
  if (a?.min != null && b?.min != null && a.currency === b.currency && Number(b.min) <= Number(a.min) * (1 - PRICE_DROP))
    return 'price_drop'
  const facts = (i: StoredIntent): string =>
    JSON.stringify([
      i.slots.place,
      i.slots.condition,
      i.slots.quantity,
      i.slots.delivery,
      i.slots.item?.model_tokens,
      i.topic?.slug,
    ])
  return facts(before) === facts(after) ? 'same' : 'changed'
}
