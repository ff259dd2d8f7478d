import type { Token } from '../text/model.ts'
import { textAt, tokenAt } from '../text/token-at.ts'
import { WordSet } from '../text/word-set.ts'
import { type CurrencyHit, NAMELESS } from './currency.ts'
import type { Multiplier } from './multiplier.ts'
import { MULTIPLIERS } from './multiplier-words.ts'
import { NUMBER_WORDS } from './number-words.ts'
import type { Tags } from './tags.ts'

// Russian says "about" by the order of words: "тысяч пять", "тысячи за полторы", "рублей 3000".

const SIZE = new WordSet(['тысяч', 'тысячи', 'тыщ', 'тыщи', 'косарей', 'косаря'])
const BETWEEN = new WordSet(['за', 'до', 'около', 'под', 'по', 'от'])
const MONEY: ReadonlyMap<string, string> = new Map(
  Object.entries({ рублей: 'RUB', долларов: 'USD', баксов: 'USD', гривен: 'UAH', rublei: 'RUB', baksov: 'USD' }),
)

/** What is said before the token at `i` counts it: "5 тысяч", "пять тысяч", "10 тыс рублей". */
const counted = (tokens: readonly Token[], i: number): boolean => {
  const before = tokenAt(tokens, i - 1)
  return before !== undefined && (before.kind === 'number' || NUMBER_WORDS.has(before.text) || MULTIPLIERS.has(before.text))
}

/** A word of size that no number stands before. */
export const isSizeAhead = (tokens: readonly Token[], i: number): boolean => SIZE.has(tokens[i]) && !counted(tokens, i)

/** Where the number begins that a word of size stands before. */
export function headOf(tokens: readonly Token[], i: number): number | undefined {
  const at = BETWEEN.has(tokens[i + 1]) ? i + 2 : i + 1
  const number = tokens[at]
  if (number === undefined || number.clause !== tokens[i]?.clause) return undefined
  if (number.kind === 'number') return Number(number.text) < 1000 ? at : undefined
  const value = NUMBER_WORDS.get(number.text)
  return value !== undefined && value < 100 ? at : undefined
}

/** "тысяч до четырёх", "тысяч 30-40": the size of the number in [start, end) stands before it. */
export function sizedAhead(
  tokens: readonly Token[],
  start: number,
  end: number,
  tags: Tags,
  value: number,
): Multiplier | undefined {
  if (tags.lang !== 'ru' || !(value < 1000)) return undefined
  const first = tokenAt(tokens, start - 1)
  const left = tokenAt(tokens, start - 2)
  // "тысячи полторы-две": that hyphen is part of no token.
  const joined = tokens[start]?.glued === true && NUMBER_WORDS.has(first?.text ?? '')
  const counts = left?.kind === 'number' || NUMBER_WORDS.has(left?.text ?? '')
  const ranged = joined ? start - 1 : first?.kind === 'op' && first.glued && counts ? start - 2 : start
  const at = BETWEEN.has(tokenAt(tokens, ranged - 1)) ? ranged - 2 : ranged - 1
  if (!isSizeAhead(tokens, at) || tokens[at]?.clause !== tokens[start]?.clause) return undefined
  // "больше тысячи за 30 дней"
  if (tags.at('unit_time', end) !== undefined || tags.at('unit_measure', end) !== undefined) return undefined
  return { shift: 3, end, tail: false }
}

/** "готовы рублей 3000 отдать". */
export function moneyAhead(tokens: readonly Token[], i: number): CurrencyHit | undefined {
  const word = tokenAt(tokens, i - 1)
  const code = MONEY.get(word?.text ?? '')
  if (code === undefined || word?.clause !== tokens[i]?.clause || counted(tokens, i - 1)) return undefined
  return { code, source: 'word', rank: 1, start: i - 1, end: i }
}

/** "15 lucas", "6 palos": thousands and millions of the money of the place. */
export const byPlace = (tokens: readonly Token[], end: number): CurrencyHit | undefined =>
  NAMELESS.has(textAt(tokens, end - 1)) ? { code: undefined, source: 'word', rank: 0, start: end - 1, end } : undefined
