import type { Slots, StoredIntent } from '../model.ts'

// What an intent says, apart from who says it, where and when: intents that say the same are indexed and compared once.

/** Slots that decide whether a pair fits and how well. */
const COMPARED = ['item', 'want_item', 'quantity', 'condition', 'price', 'place', 'delivery'] as const satisfies (keyof Slots)[]

/** Equal for intents that say the same; others may share it by chance. */
export function contentHash(intent: StoredIntent): number {
  const { item, price } = intent.slots
  let hash = mixed(mixed(0x811c9dc5, intent.intent), intent.text)
  if (item !== null) hash = mixed(hash, item.text)
  if (price !== null) hash = mixed(mixed(hash, price.min ?? '-'), price.max ?? '-')
  hash ^= hash >>> 15
  return Math.imul(hash, 0x2c1b3c6d) >>> 0
}

function mixed(seed: number, text: string): number {
  let hash = seed
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return Math.imul(hash ^ text.length, 0x01000193)
}

/** True when a search cannot tell the two apart but by owner, age and id. */
export function sameContent(a: StoredIntent, b: StoredIntent): boolean {
  if (a.intent !== b.intent || a.side !== b.side || a.text !== b.text) return false
  if (!equal(a.topic, b.topic) || !equal(a.flags, b.flags)) return false
  if (a.slots === b.slots) return true
  for (const name of COMPARED) if (!equal(a.slots[name], b.slots[name])) return false
  return true
}

/** Equality of plain data. */
function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  const [one, two] = [a as Readonly<Record<string, unknown>>, b as Readonly<Record<string, unknown>>]
  let keys = 0
  for (const key in one) {
    if (!equal(one[key], two[key])) return false
    keys++
  }
  for (const _ in two) keys--
  return keys === 0
}
