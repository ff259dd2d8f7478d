import type { Token } from '../text/model.ts'
import { kindAt, textAt, tokenAt } from '../text/token-at.ts'
import type { Amount } from './amount.ts'
import { COUNT_NOUNS, INSTALMENT, NOT_COUNTED, SETS, TIMES_OF } from './quantity-words.ts'
import type { Tags } from './tags.ts'

// What stands behind a number and how the number is written: whether a thing is named there.

/** Words before the thing that describe it. */
const NAME_WORDS = 4
/** Things called by a number of more digits: "5600x". */
const MAX_TIMES = 1000

/** Shoes and rims are told by such numbers in parentheses. */
export const isSize = (tokens: readonly Token[], open: number, value: number): boolean =>
  value >= 34 && value <= 48 && !SETS.has(textAt(tokens, open - 1))

/** `3x`, `x3`; not "2x16GB", the make-up of a kit, "12x no cartão", "5600x" and "2x week". */
export function isTimes(tokens: readonly Token[], amount: Amount, value: number): boolean {
  if (value >= MAX_TIMES) return false
  const next = tokens[amount.at + 1]
  if (next?.text !== 'x') return true
  const after = tokens[amount.at + 2]
  if (after?.kind === 'number' && (after.glued || tokens[amount.at + 3]?.glued !== true)) return false
  if (TIMES_OF.has(after?.text ?? '')) return false
  return !INSTALMENT.has(textAt(tokens, amount.at - 1))
}

/** "2-room flat", "two-plate hob": a hyphen makes one word of both. */
export function joinedTo(tokens: readonly Token[], end: number): boolean {
  const [last, next] = [tokenAt(tokens, end - 1), tokens[end]]
  return last !== undefined && next?.kind === 'word' && next.glued && next.start - last.end === 1
}

/** "standing tickets": a word things are counted by, behind one that describes it at most. */
export function byCount(tokens: readonly Token[], tags: Tags, at: number): boolean {
  for (let i = at; i < at + 2; i++) {
    if (kindAt(tokens, i) !== 'word' || tokens[i]?.clause !== tokenAt(tokens, at - 1)?.clause) return false
    if (tags.at('quantity_after', i) !== undefined || COUNT_NOUNS.has(textAt(tokens, i))) return true
  }
  return false
}

/** Shoes and clothes come in pairs. */
export const isWorn = (tags: Tags, at: number): boolean =>
  tags.startingAt(at).some((h) => (h.name === 'brand' || h.name === 'goods') && h.value === 'fashion') ||
  tags.startingAt(at + 1).some((h) => (h.name === 'brand' || h.name === 'goods') && h.value === 'fashion')

export const namesThing = (tags: Tags, at: number): boolean =>
  tags.at('goods', at) !== undefined || tags.at('brand', at) !== undefined || tags.at('service_noun', at) !== undefined

/** A thing begins here or behind at most two describing words. */
export function countsGoods(tokens: readonly Token[], tags: Tags, at: number): boolean {
  for (let i = at; i < at + NAME_WORDS; i++) {
    const token = tokens[i]
    if (token?.kind !== 'word' || token.clause !== tokenAt(tokens, at - 1)?.clause) return false
    if (tags.at('unit_measure', i) !== undefined || tags.at('unit_time', i) !== undefined) return false
    if (i > at && NOT_COUNTED.has(token.text)) return false
    if (tags.at('goods', i) !== undefined || (i === at && tags.at('brand', i) !== undefined)) return true
    if (i > at && COUNT_NOUNS.has(token.text)) return true
  }
  return false
}

export function plainNext(tokens: readonly Token[], tags: Tags, at: number): boolean {
  if (tags.at('model', at) !== undefined && tokens[at]?.clause === tokenAt(tokens, at - 1)?.clause) return true
  if (kindAt(tokens, at) !== 'word' || tags.at('unit_measure', at) !== undefined || tags.at('unit_time', at) !== undefined)
    return false
  return tokens[at]?.clause === tokenAt(tokens, at - 1)?.clause
}
