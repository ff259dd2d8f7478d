import type { Condition, Slots } from '../model.ts'
import type { Token } from '../text/model.ts'
import type { Tags } from './tags.ts'

const CONDITIONS: readonly (readonly [string, Condition])[] = [
  ['cond_for_parts', 'for_parts'],
  ['cond_refurbished', 'refurbished'],
  ['cond_like_new', 'like_new'],
  ['cond_used', 'used'],
  ['cond_new', 'new'],
]

/** Condition by its words; a tolerance ("cracked is fine") is no condition. */
export function readCondition(tags: Tags): Condition | null {
  let best: { value: Condition; start: number; length: number } | undefined
  for (const hit of tags.hits) {
    const entry = CONDITIONS.find(([name]) => name === hit.name)
    if (entry === undefined) continue
    if (tags.at('cond_ok', hit.end) !== undefined) continue
    const length = hit.end - hit.start
    if (best !== undefined && hit.start < best.start + best.length && length <= best.length) continue
    if (best === undefined || (hit.start <= best.start && length > best.length))
      best = { value: entry[1], start: hit.start, length }
  }
  return best?.value ?? null
}

export const textOf = (tokens: readonly Token[], start: number, end: number): string =>
  tokens
    .slice(start, end)
    .map((t, i) => (i > 0 && !t.glued ? ` ${t.text}` : t.text))
    .join('')

/** Pickup and shipping words. */
export function readDelivery(tags: Tags): Slots['delivery'] {
  const has = (name: string): boolean => tags.any(name) !== undefined
  return { pickup: has('pickup') ? true : null, ship: has('ship') ? true : null, ship_to: [] }
}

/** Ways to pay, as written; at most ten. */
export function readPayment(tokens: readonly Token[], tags: Tags): string[] {
  const found = new Set<string>()
  for (const hit of tags.hits) if (hit.name === 'pay' && found.size < 10) found.add(textOf(tokens, hit.start, hit.end))
  return [...found]
}
