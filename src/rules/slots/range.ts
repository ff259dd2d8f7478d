import type { Token } from '../text/model.ts'
import { textAt, tokenAt } from '../text/token-at.ts'
import { WordSet } from '../text/word-set.ts'
import type { Amount } from './amount.ts'
import { shaped } from './amount.ts'
import type { CurrencyHit } from './currency.ts'
import { decimal } from './decimal.ts'
import { thousandsTo } from './multiplier.ts'

const RANGE_OPS = new WordSet(['-', '–', '~', '—'])
const RANGE_WORDS = new WordSet(['to', 'đến', 'tới', 'a', 'до', 'y', 'and', 'e', 'até', 'hasta', 'den', 'toi'])
const BETWEEN = new Set(['between', 'from', 'entre', 'từ', 'от', 'de', 'tu', 'между', 'desde', 'và'])

/** Openers that mean something else before a single amount: a former price, a lower bound. */
const OPENERS = new Set(['de', 'entre', 'между', 'between', 'desde'])

/** "a partir de 100", "menos de 100": the opener ends another phrase. */
const opensPhrase = (tokens: readonly Token[], at: number): boolean => {
  const before = textAt(tokens, at - 2)
  return before === 'partir' || before === 'más' || before === 'mais' || before === 'menos'
}

/** The currency that decides (C1 before C2 before C3). */
export function stronger(a: CurrencyHit | undefined, b: CurrencyHit | undefined): CurrencyHit | undefined {
  if (a === undefined) return b
  if (b === undefined) return a
  // "$3,500 pesos": the word says whose sign it is, the place which of them.
  if (b.rank === 0 && a.rank === 1 && a.code === 'USD') return b
  return b.rank > a.rank ? b : a
}

/** N8. */
export function joinRange(left: Amount | undefined, right: Amount, tokens: readonly Token[]): Amount | undefined {
  if (left === undefined || left.range) return undefined
  if (right.role !== 'amount') return right.role === 'year' ? roundRange(left, right, tokens) : undefined
  const between = right.start - left.end
  const first = tokens[left.end]
  // "8k-10k"
  if (between === 0 && left.multiplied && right.multiplied && thousandsTo(tokens, left.end - 1))
    return Number(left.min) < Number(right.max)
      ? shaped({
          ...right,
          start: left.start,
          at: left.at,
          min: left.min,
          range: true,
          currency: stronger(left.currency, right.currency),
        })
      : undefined
  if (between === 0 && left.words && right.words && tokens[right.at]?.glued === true && Number(left.min) < Number(right.max))
    return shaped({
      ...right,
      start: left.start,
      at: left.at,
      min: left.min,
      range: true,
      currency: stronger(left.currency, right.currency),
    })
  if (between !== 1 || first === undefined) return undefined
  // "ключ +10 — 600 руб": behind a plus it is a level, and the dash begins the price.
  if (!first.glued && textAt(tokens, left.start - 1) === '+' && !left.multiplied && left.currency === undefined) return undefined
  // "entre 2000 y 3000 pesos": a year alone is money beside money.
  const opener = textAt(tokens, left.start - 1)
  const opens = RANGE_OPS.has(first) ? first.glued && Number(left.min) % 50 === 0 : BETWEEN.has(opener)
  const money = right.currency !== undefined || Number(right.max) > LAST_YEAR
  if (left.role !== 'amount' && !(left.role === 'year' && money && opens)) return undefined
  const byWord =
    (RANGE_WORDS.has(first) &&
      (first.text === 'to' ||
        first.text === 'đến' ||
        first.text === 'tới' ||
        first.text === 'до' ||
        BETWEEN.has(opener) ||
        BETWEEN.has(textAt(tokens, left.start - 2)) ||
        // "tam 1tr5 den 2tr": millions on both sides, typed without their marks.
        ((first.text === 'den' || first.text === 'toi') && left.multiplied && right.multiplied) ||
        (first.text === 'a' && (right.currency !== undefined || right.multiplied || ABOUT.has(opener))))) ||
    eitherOf(left, right, first, tokens)
  if (!RANGE_OPS.has(first) && !byWord && !(first.text === 'và' && BETWEEN.has(opener))) return undefined
  let min = left.min
  if (right.multiplied && !left.multiplied) {
    const shift = right.max.length
    const scaled = scaleLike(left.min, right)
    if (scaled !== undefined && shift > 0) min = scaled
  }
  if (!(Number(min) < Number(right.max))) return undefined
  // "Mirra 2 - $320": a spaced dash before a sign begins the price.
  const spaced = !first.glued && tokens[left.end + 1]?.glued === false
  if (spaced && left.currency === undefined && right.start < right.at) return undefined
  // "de 100 a 200": what opens the range says nothing else of it.
  const opened = byWord && OPENERS.has(opener) && !opensPhrase(tokens, left.start)
  return shaped({
    ...right,
    start: opened ? left.start - 1 : left.start,
    at: left.at,
    min,
    range: true,
    currency: stronger(left.currency, right.currency),
    multiplied: left.multiplied || right.multiplied,
    implied: right.implied ?? left.implied,
    approx: left.approx || right.approx,
  })
}

const ABOUT = new Set(['uns', 'umas', 'unos', 'unas', 'de', 'tipo'])
const OR = new WordSet(['o', 'u', 'or', 'ou', 'или', 'hoặc'])
/** "2 o 3 euros", "5 or 6 bucks": both are of the money behind the second. */
function eitherOf(left: Amount, right: Amount, first: Token, tokens: readonly Token[]): boolean {
  if (!OR.has(first) || left.currency !== undefined || left.multiplied || right.start !== right.at) return false
  const before = tokenAt(tokens, left.start - 1)
  if (before?.kind === 'number' || before?.glued === true) return false
  return (right.currency !== undefined || right.multiplied) && Number(left.min) * MOST_TIMES >= Number(right.max) / scaleOf(right)
}
const MOST_TIMES = 4
/** What a word of size behind the second number makes of it. */
const scaleOf = ({ multiplied, max }: Amount): number =>
  multiplied && Number(max) >= 1000 ? (Number(max) >= 1e6 ? 1e6 : 1000) : 1

const LAST_YEAR = 2035
const ROUND = 50
/** "between 1500 and 2000", "1500-2000": beside a round amount that is no year a round year is one too. */
function roundRange(left: Amount, right: Amount, tokens: readonly Token[]): Amount | undefined {
  const first = tokens[left.end]
  if (left.role !== 'amount' || right.start - left.end !== 1 || first === undefined) return undefined
  const [min, max] = [Number(left.min), Number(right.max)]
  if (min >= max || min * MOST_TIMES < max || min % ROUND !== 0 || max % ROUND !== 0) return undefined
  const word = RANGE_WORDS.has(first) && BETWEEN.has(textAt(tokens, left.start - 1))
  if (!word && !(RANGE_OPS.has(first) && first.glued)) return undefined
  return shaped({ ...right, role: 'amount', start: left.start, at: left.at, min: left.min, range: true, currency: left.currency })
}

/** The left bound under the right bound's multiplier, if it stays below the right bound. */
function scaleLike(left: string, right: Amount): string | undefined {
  for (const shift of [9, 7, 6, 5, 3]) {
    const [whole = '0', rest = ''] = left.split('.')
    const scaled = decimal(whole, rest, shift)
    if (scaled !== undefined && Number(scaled) <= Number(right.max) && Number(scaled) * 1000 > Number(right.max)) return scaled
  }
  return undefined
}
