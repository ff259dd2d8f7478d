import { stableId } from '../language/hash.ts'
import { wordsOf } from '../match/terms.ts'
import type { StoredIntent } from '../model.ts'

/** What an intent is about, whoever posts it again: owner, side, topic, models or head, currency. The price is kept beside it. */
export function fingerprint(intent: StoredIntent): string {
  const { item, price } = intent.slots
  const models = [...(item?.model_tokens ?? [])].map((t) => t.toLowerCase()).sort()
  const head = models.length > 0 ? '' : (item?.head ?? item?.text ?? '').toLowerCase()
  return stableId(intent.owner, intent.side, intent.topic?.slug ?? '', models.join(' '), head, price?.currency ?? '')
}

/** Prices within the same step of five percent count as equal. */
export function priceBucket(price: number): number {
  return price <= 0 ? -1 : Math.floor(Math.log(price) / Math.log(1.05))
}

export type Simhash = readonly [high: number, low: number]

/** 64-bit similarity hash of a text's words and word pairs; null for fewer than four words, where it says nothing. */
export function simhash(text: string): Simhash | null {
  const words = wordsOf(text)
  if (words.length < 4) return null
  const weights = new Int32Array(64)
  for (let i = 0; i < words.length; i++) {
    count(weights, words[i] as string)
    if (i > 0) count(weights, `${words[i - 1]} ${words[i]}`)
  }
  let [high, low] = [0, 0]
  for (let bit = 0; bit < 32; bit++) {
    if ((weights[bit] as number) > 0) low |= 1 << bit
    if ((weights[bit + 32] as number) > 0) high |= 1 << bit
  }
  return [high >>> 0, low >>> 0]
}

function count(weights: Int32Array, feature: string): void {
  let [a, b] = [0x811c9dc5, 0x9747b28c]
  for (let i = 0; i < feature.length; i++) {
    a = Math.imul(a ^ feature.charCodeAt(i), 0x01000193)
    b = Math.imul(b ^ feature.charCodeAt(i), 0x5bd1e995) ^ (b >>> 13)
  }
  a = Math.imul(a ^ (a >>> 16), 0x85ebca6b)
  a ^= a >>> 13
  b = Math.imul(b ^ (b >>> 15), 0xc2b2ae35)
  b ^= b >>> 16
  for (let bit = 0; bit < 32; bit++) {
    weights[bit] = (weights[bit] as number) + ((a >>> bit) & 1 ? 1 : -1)
    weights[bit + 32] = (weights[bit + 32] as number) + ((b >>> bit) & 1 ? 1 : -1)
  }
}

/** Bits in which two hashes differ. */
export function hammingDistance(a: Simhash, b: Simhash): number {
  return bits((a[0] ^ b[0]) >>> 0) + bits((a[1] ^ b[1]) >>> 0)
}

function bits(value: number): number {
  let n = value
  n -= (n >>> 1) & 0x55555555
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333)
  return Math.imul((n + (n >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}
