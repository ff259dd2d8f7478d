import type { Slots } from '../model.ts'
import type { Token } from '../text/model.ts'
import type { Amount } from './amount.ts'
import { NUMBER_WORDS } from './number-words.ts'
import type { Tags } from './tags.ts'

type Quantity = NonNullable<Slots['quantity']>

const MAX_COUNT = 1_000_000
/** Words that count by themselves. */
const COUNT_WORDS: ReadonlyMap<string, number> = new Map(
  Object.entries({ dozen: 12, docena: 12, dúzia: 12, дюжина: 12, pair: 2, пара: 2, пару: 2, cặp: 2 }),
)
/** Things are counted in words up to here. */
const MAX_SPELLED = 12

/** What a word counts: "two", "dozen"; one is no count. */
function countOf(word: string): number | undefined {
  const counted = COUNT_WORDS.get(word)
  if (counted !== undefined) return counted
  const value = NUMBER_WORDS.get(word)
  return value !== undefined && value >= 2 && value <= MAX_SPELLED ? value : undefined
}

/** "a pair of jeans" is one thing; "a pair of tickets" two. */
const PAIRED = new Set([
  'jeans',
  'shoes',
  'boots',
  'headphones',
  'glasses',
  'sneakers',
  'trousers',
  'shorts',
  'sunglasses',
  'earbuds',
  'gloves',
  'socks',
  'skis',
  'trainers',
  'pants',
])
const SETS = new Set([
  'set',
  'lot',
  'pack',
  'stack',
  'bundle',
  'box',
  'lote',
  'pack',
  'juego',
  'kit',
  'комплект',
  'набор',
  'combo',
])
const OF = new Set(['of', 'de', 'из'])

/** Counted things: `x3`, `3x`, `(14)`, a number or number word before the object, "set of 4". */
export function readQuantity(
  tokens: readonly Token[],
  tags: Tags,
  amounts: readonly Amount[],
  objectStart: number,
  objectEnd: number,
): Quantity | null {
  for (const amount of amounts) {
    const value = Number((tokens[amount.at] as Token).text.replaceAll(',', ''))
    if (!Number.isFinite(value) || value <= 0 || value > MAX_COUNT) continue
    if (amount.role === 'quantity') {
      const next = tokens[amount.at + 1]
      // "2x16GB" is the make-up of a kit.
      if (next?.text === 'x' && tokens[amount.at + 2]?.kind === 'number') continue
      return { value, unit: null }
    }
    if (amount.role !== 'amount' || amount.currency !== undefined || amount.range || amount.multiplied || amount.fractional)
      continue
    if (tags.ends('with_word', amount.at)) continue
    if (tags.at('quantity_after', amount.end) !== undefined) return { value, unit: null }
    const parenthesis = tokens[amount.at - 1]?.text === '(' && tokens[amount.end]?.text === ')'
    if (parenthesis && value < 1000) return { value, unit: null }
    if (OF.has(tokens[amount.at - 1]?.text ?? '') && SETS.has(tokens[amount.at - 2]?.text ?? '')) return { value, unit: null }
    if (value > 1000 || !Number.isInteger(value)) continue
    const near = amount.at >= objectStart - 3 && amount.at <= objectEnd
    if (near && countsGoods(tokens, tags, amount.end)) return { value, unit: null }
    if (tokens[amount.at - 1]?.kind === 'word' && namesThing(tags, amount.end)) return { value, unit: null }
    if (amount.at === objectStart && plainNext(tokens, tags, amount.end)) return { value, unit: null }
  }
  return spelled(tokens, tags, objectStart, objectEnd)
}

function spelled(tokens: readonly Token[], tags: Tags, from: number, to: number): Quantity | null {
  for (let i = 0; i < Math.min(to, tokens.length); i++) {
    const token = tokens[i] as Token
    const value = token.kind === 'word' ? countOf(token.text) : undefined
    if (value === undefined || tags.ends('with_word', i)) continue
    const at = OF.has(tokens[i + 1]?.text ?? '') ? i + 2 : i + 1
    if (
      value === 2 &&
      (token.text === 'pair' || token.text === 'пара' || token.text === 'пару') &&
      PAIRED.has(tokens[at]?.text ?? '')
    )
      continue
    if (i >= from - 3 ? countsGoods(tokens, tags, at) : namesThing(tags, at)) return { value, unit: null }
  }
  return null
}

const namesThing = (tags: Tags, at: number): boolean =>
  tags.at('goods', at) !== undefined || tags.at('brand', at) !== undefined || tags.at('service_noun', at) !== undefined

/** A thing begins here or behind at most two describing words. */
function countsGoods(tokens: readonly Token[], tags: Tags, at: number): boolean {
  for (let i = at; i < at + 3; i++) {
    const token = tokens[i]
    if (token?.kind !== 'word' || token.clause !== tokens[at - 1]?.clause) return false
    if (tags.at('unit_measure', i) !== undefined || tags.at('unit_time', i) !== undefined) return false
    if (tags.at('goods', i) !== undefined || (i === at && tags.at('brand', i) !== undefined)) return true
  }
  return false
}

function plainNext(tokens: readonly Token[], tags: Tags, at: number): boolean {
  if (tokens[at]?.kind !== 'word' || tags.at('unit_measure', at) !== undefined || tags.at('unit_time', at) !== undefined)
    return false
  return tokens[at]?.clause === tokens[at - 1]?.clause
}
