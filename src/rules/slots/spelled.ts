import type { Token } from '../text/model.ts'
import { kindAt, textAt } from '../text/token-at.ts'
import { WordSet } from '../text/word-set.ts'
import type { Amount } from './amount.ts'
import { type CurrencyHit, currencyAfter } from './currency.ts'
import { decimal } from './decimal.ts'
import { type Multiplier, multiplierAt } from './multiplier.ts'
import { MILLION_WORDS, VI_MILLION, VI_THOUSAND } from './multiplier-words.ts'
import { willDo } from './number-word-list.ts'
import { NUMBER_WORDS, readNumberWords, type WordNumber } from './number-words.ts'
import { centsBehind, oneOfMoney } from './one-of-money.ts'
import { unitAt } from './price-unit.ts'
import { remainder } from './remainder.ts'
import { byPlace, headOf, isSizeAhead, moneyAhead, sizedAhead } from './size-ahead.ts'
import type { Tags } from './tags.ts'

/** "nửa củ", "giá tỷ hai", "củ rưỡi": half of one, or one and what stands behind it. */
function openMillion(tokens: readonly Token[], i: number, tags: Tags): WordNumber | undefined {
  if (tags.lang !== 'vi') return undefined
  if (textAt(tokens, i) === 'nửa') return sized(tokens[i + 1]) ? { value: '0.5', end: i + 1, large: false } : undefined
  if (!sized(tokens[i]) || kindAt(tokens, i - 1) === 'number' || NUMBER_WORDS.has(textAt(tokens, i - 1))) return undefined
  const priced = tags.endingAt(i).some((h) => PRICE_WORDS.has(h.name))
  return tailValue(tokens, i + 1) > 0 && (priced || textAt(tokens, i + 1) === 'rưỡi')
    ? { value: '1', end: i, large: false }
    : undefined
}

const sized = (token: Token | undefined): boolean =>
  token !== undefined && (VI_MILLION.has(token.text) || token.text === 'tỷ' || token.text === 'tỉ')

const PRICE_WORDS = new Set(['p_ask', 'p_now', 'p_budget', 'p_max', 'p_offer', 'p_for', 'p_hist', 'p_min', 'p_approx'])

const BEHIND_SIZE: Readonly<Record<string, number>> = { mốt: 1, tư: 4, lăm: 5 }

/** Tenths a word behind a million tells: "hai" two, "rưỡi" a half. */
export function tailValue(tokens: readonly Token[], at: number): number {
  const token = tokens[at]
  if (token?.kind !== 'word') return 0
  if (token.text === 'rưỡi') return 5
  // "1 triệu mốt": forms no count begins with.
  const behind = BEHIND_SIZE[token.text]
  if (behind !== undefined) return behind
  const value = NUMBER_WORDS.get(token.text) ?? 0
  const next = tokens[at + 1]
  const closed = next === undefined || next.kind !== 'word' || next.clause !== token.clause
  return value >= 1 && value <= 9 && closed ? value : 0
}

/** An amount whose number is written in words, from token `i` on. */
export function spelled(tokens: readonly Token[], i: number, tags: Tags): Amount | undefined {
  if (isSizeAhead(tokens, i) && headOf(tokens, i) !== undefined) return undefined
  const one = oneOfMoney(tokens, i, tags)
  if (one !== undefined) return one
  const words = openMillion(tokens, i, tags) ?? readNumberWords(tokens, i)
  if (words === undefined) return undefined
  let end = words.end
  let multiplier: Multiplier | undefined
  let about: Multiplier | undefined
  const next = tokens[end]
  if (next !== undefined && SIZES.has(next)) {
    multiplier = multiplierAt(tokens, end, tags, Number(words.value))
    if (multiplier !== undefined) end = multiplier.end
  } else about = sizedAhead(tokens, i, end, tags, Number(words.value))
  multiplier ??= about
  // "sixty-ish euro"
  const ish = textAt(tokens, end) === 'ish'
  if (ish) end++
  const ahead = moneyAhead(tokens, i)
  const currency = currencyAfter(tokens, end, tags.lang) ?? ahead ?? byPlace(tokens, multiplier?.end ?? end) ?? ofNote(tokens, i)
  if (currency === undefined && !words.large && multiplier === undefined && !priceWordsAround(tags, i, end, words.value))
    return undefined
  const rest = multiplier?.tail === true && currency === undefined ? tailValue(tokens, end) : 0
  if (rest > 0) end++
  const whole = decimal(...parts(words.value), multiplier?.shift ?? 0)
  if (whole === undefined) return undefined
  let value = rest > 0 ? String(Number(whole) + rest * 10 ** ((multiplier?.shift ?? 1) - 1)) : whole
  // "dos palos y medio"
  const more = multiplier === undefined || multiplier.tail ? undefined : remainder(tokens, end, multiplier.shift, tags)
  if (more !== undefined) {
    value = String(Number(value) + more.value)
    end = more.end
  }
  let last = currency === undefined || currency === ahead ? end : Math.max(end, currency.end)
  if (currency?.source === 'word' && last === currency.end && !words.large) {
    const cents = centsBehind(tokens, last, tags)
    if (cents !== undefined && !value.includes('.')) {
      value = decimal(value, cents.digits, 0) ?? value
      last = cents.end
    }
  }
  return {
    start: i,
    at: i,
    end: last,
    role: 'amount',
    min: value,
    max: value,
    range: false,
    currency,
    multiplied: multiplier !== undefined,
    implied: multiplier?.implied ?? impliedThousand(tokens, end, tags),
    approx: ish || about !== undefined,
    words: true,
    plus: false,
    fractional: false,
  }
}

/** "for a tenner" */
const ofNote = (tokens: readonly Token[], i: number): CurrencyHit | undefined =>
  BRITISH_NOTES.has(tokens[i]) ? { code: 'GBP', source: 'word', rank: 1, start: i, end: i + 1 } : undefined
const BRITISH_NOTES = new WordSet(['tenner', 'fiver'])

const SIZES = new WordSet([
  ...VI_MILLION,
  ...VI_THOUSAND,
  ...MILLION_WORDS,
  ...'k tỷ tỉ lakh crore lucas lukas luquitas palos palo cents paise céntimos cêntimos centavos копеек'.split(' '),
])

const BEFORE_WORDS = new Set(['p_ask', 'p_budget', 'p_max', 'p_offer', 'p_now'])
const BEHIND_WORDS = new Set([
  'u_alone',
  'u_alone_hour',
  'u_alone_month',
  'f_negotiable',
  'f_firm',
  'f_shipped',
  'u_lot',
  'r_max',
])

const MIN_HOURLY = 5
const PAID_BY: ReadonlySet<string> = new Set(['session', 'hour', 'month', 'lesson', 'km'])

/** "seventy each", "asking eighty": small number words that a price word makes money. */
function priceWordsAround(tags: Tags, start: number, end: number, value: string): boolean {
  if (tags.startingAt(end).some((h) => BEHIND_WORDS.has(h.name))) return true
  // "ninety an hr"
  if (Number(value) >= MIN_HOURLY && PAID_BY.has(unitAt(tags.tokens, tags, end)?.unit ?? '')) return true
  const next = tags.tokens[end]
  // "sixty'll get it"
  if (next !== undefined && willDo(textAt(tags.tokens, end - 1), next.text)) return true
  const closed = next === undefined || next.kind === 'op' || next.clause !== tags.tokens[start]?.clause
  return (
    closed &&
    tags.endingAt(start).some((h) => BEFORE_WORDS.has(h.name) && h.end - h.start + (tags.tokens[h.start]?.text.length ?? 0) > 4)
  )
}

const parts = (value: string): [string, string] => {
  const [whole = '0', rest = ''] = value.split('.')
  return [whole, rest]
}
const impliedThousand = (tokens: readonly Token[], end: number, tags: Tags): string | undefined => {
  if (tags.lang !== 'vi') return undefined
  // "một triệu", "một triệu bảy"
  const says = (word: string): boolean => VI_THOUSAND.has(word) || VI_MILLION.has(word)
  return says(textAt(tokens, end - 1)) || says(textAt(tokens, end - 2)) ? 'VND' : undefined
}
