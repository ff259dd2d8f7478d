import type { Token } from '../text/model.ts'
import type { Amount } from './amount.ts'
import type { CurrencyHit } from './currency.ts'
import { decimal } from './decimal.ts'
import { thousandsTo } from './multiplier.ts'

const RANGE_OPS = new Set(['-', '–', '~', '—'])
const RANGE_WORDS = new Set(['to', 'đến', 'tới', 'a', 'до', 'y', 'and', 'e', 'até', 'hasta', 'den', 'toi'])
const BETWEEN = new Set(['between', 'from', 'entre', 'từ', 'от', 'de', 'tu', 'между', 'desde', 'và'])

/** Openers that mean something else before a single amount: a former price, a lower bound. */
const OPENERS = new Set(['de', 'entre', 'между', 'between', 'desde'])

/** "a partir de 100", "menos de 100": the opener ends another phrase. */
const opensPhrase = (tokens: readonly Token[], at: number): boolean => {
  const before = tokens[at - 2]?.text ?? ''
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
  if (left === undefined || right.role !== 'amount' || left.range) return undefined
  const between = right.start - left.end
  const first = tokens[left.end]
  // "8k-10k"
  if (between === 0 && left.multiplied && right.multiplied && thousandsTo(tokens, left.end - 1))
    return Number(left.min) < Number(right.max)
      ? {
          ...right,
          start: left.start,
          at: left.at,
          min: left.min,
          range: true,
          currency: stronger(left.currency, right.currency),
        }
      : undefined
  if (between !== 1 || first === undefined) return undefined
  // "entre 2000 y 3000 pesos": a year alone is money beside money.
  const opener = tokens[left.start - 1]?.text ?? ''
  const opens = RANGE_OPS.has(first.text) ? first.glued && Number(left.min) % 50 === 0 : BETWEEN.has(opener)
  if (left.role !== 'amount' && !(left.role === 'year' && right.currency !== undefined && opens)) return undefined
  const byWord =
    RANGE_WORDS.has(first.text) &&
    (first.text === 'to' ||
      first.text === 'đến' ||
      first.text === 'tới' ||
      first.text === 'до' ||
      BETWEEN.has(opener) ||
      BETWEEN.has(tokens[left.start - 2]?.text ?? '') ||
      (first.text === 'a' && (right.currency !== undefined || right.multiplied)))
  if (!RANGE_OPS.has(first.text) && !byWord && !(first.text === 'và' && BETWEEN.has(opener))) return undefined
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
  return {
    ...right,
    start: opened ? left.start - 1 : left.start,
    at: left.at,
    min,
    range: true,
    currency: stronger(left.currency, right.currency),
    multiplied: left.multiplied || right.multiplied,
    implied: right.implied ?? left.implied,
    approx: left.approx || right.approx,
  }
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
