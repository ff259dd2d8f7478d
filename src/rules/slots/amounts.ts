import type { Token } from '../text/model.ts'
import type { Amount, NumberRole } from './amount.ts'
import { COINS, type CurrencyHit, currencyAfter, currencyBefore, STABLE } from './currency.ts'
import { decimal, splitNumber } from './decimal.ts'
import { type Multiplier, multiplierAt, tailEnd, withTail } from './multiplier.ts'
import { MILLION_WORDS, VI_MILLION, VI_THOUSAND } from './multiplier-words.ts'
import { contextRole, endsSeries, gluedModel, isYear, phoneEnd } from './number-role.ts'
import { NUMBER_WORDS, readNumberWords, type WordNumber } from './number-words.ts'
import { OPENS, opens } from './openers.ts'
import { joinRange, stronger } from './range.ts'
import type { Tags } from './tags.ts'

const INCH = new Set(['"', "''", '″', '”'])

/** "250,-€": no cents. */
const DASHED = new Set([',', '.'])
const DASHES = new Set(['-', '–', '—'])

/** "70e": euros, except behind the name of a series or a brand, where it is a model. */
function shortEuro(tokens: readonly Token[], i: number, tags: Tags, before: CurrencyHit | undefined): CurrencyHit | undefined {
  const token = tokens[i]
  if (token?.kind !== 'word' || token.text !== 'e' || !token.glued || token.caps !== 0 || before !== undefined) return undefined
  const next = tokens[i + 1]
  if (next?.glued === true && next.kind !== 'op') return undefined
  const number = tokens[i - 1]
  const name = tokens[i - 2]
  if (number?.kind !== 'number' || number.glued || name?.kind === 'number') return undefined
  if (tags.ends('brand', i - 1) || tags.ends('series', i - 1)) return undefined
  return { code: 'EUR', source: 'word', rank: 1, start: i, end: i + 1 }
}

/** All numbers of a message with their reading, left to right. */
export function scanAmounts(tokens: readonly Token[], tags: Tags): Amount[] {
  const found: Amount[] = []
  const vietnamese = tags.lang === 'vi'
  let i = 0
  while (i < tokens.length) {
    const token = tokens[i] as Token
    let amount: Amount | undefined
    if (token.kind === 'number') amount = numeric(tokens, i, tags)
    else if (token.kind === 'word' && (vietnamese || (opens(token.form) & OPENS.number) !== 0)) amount = spelled(tokens, i, tags)
    if (amount === undefined) {
      i++
      continue
    }
    const joined = joinRange(found.at(-1), amount, tokens)
    if (joined !== undefined) found[found.length - 1] = joined
    else found.push(amount)
    i = Math.max(i + 1, amount.end)
  }
  return found
}

/** "nửa củ", "giá tỷ hai", "củ rưỡi": half of one, or one and what stands behind it. */
function openMillion(tokens: readonly Token[], i: number, tags: Tags): WordNumber | undefined {
  if (tags.lang !== 'vi') return undefined
  if (tokens[i]?.text === 'nửa') return sized(tokens[i + 1]) ? { value: '0.5', end: i + 1, large: false } : undefined
  if (!sized(tokens[i]) || tokens[i - 1]?.kind === 'number' || NUMBER_WORDS.has(tokens[i - 1]?.text ?? '')) return undefined
  const priced = tags.endingAt(i).some((h) => PRICE_WORDS.has(h.name))
  return tailValue(tokens, i + 1) > 0 && (priced || tokens[i + 1]?.text === 'rưỡi')
    ? { value: '1', end: i, large: false }
    : undefined
}

const sized = (token: Token | undefined): boolean =>
  token !== undefined && (VI_MILLION.has(token.text) || token.text === 'tỷ' || token.text === 'tỉ')

const PRICE_WORDS = new Set(['p_ask', 'p_now', 'p_budget', 'p_max', 'p_offer', 'p_for', 'p_hist', 'p_min', 'p_approx'])

/** Tenths a word behind a million tells: "hai" two, "rưỡi" a half. */
function tailValue(tokens: readonly Token[], at: number): number {
  const token = tokens[at]
  if (token?.kind !== 'word') return 0
  if (token.text === 'rưỡi') return 5
  const value = NUMBER_WORDS.get(token.text) ?? 0
  const next = tokens[at + 1]
  const closed = next === undefined || next.kind !== 'word' || next.clause !== token.clause
  return value >= 1 && value <= 9 && closed ? value : 0
}

function spelled(tokens: readonly Token[], i: number, tags: Tags): Amount | undefined {
  const words = openMillion(tokens, i, tags) ?? readNumberWords(tokens, i)
  if (words === undefined) return undefined
  let end = words.end
  let multiplier: Multiplier | undefined
  const next = tokens[end]
  if (
    next !== undefined &&
    (VI_MILLION.has(next.text) ||
      VI_THOUSAND.has(next.text) ||
      next.text === 'tỷ' ||
      next.text === 'tỉ' ||
      MILLION_WORDS.has(next.text) ||
      next.text === 'lakh' ||
      next.text === 'crore')
  ) {
    multiplier = multiplierAt(tokens, end, tags, Number(words.value))
    if (multiplier !== undefined) end = multiplier.end
  }
  const currency = currencyAfter(tokens, end, tags.lang)
  if (currency === undefined && !words.large && multiplier === undefined && !priceWordsAround(tags, i, end)) return undefined
  const rest = multiplier?.tail === true && currency === undefined ? tailValue(tokens, end) : 0
  if (rest > 0) end++
  const whole = decimal(...parts(words.value), multiplier?.shift ?? 0)
  if (whole === undefined) return undefined
  const value = rest > 0 ? String(Number(whole) + rest * 10 ** ((multiplier?.shift ?? 1) - 1)) : whole
  const last = currency?.end ?? end
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
    approx: false,
    words: true,
    fractional: false,
  }
}

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

/** "seventy each", "asking eighty": small number words that a price word makes money. */
function priceWordsAround(tags: Tags, start: number, end: number): boolean {
  if (tags.startingAt(end).some((h) => BEHIND_WORDS.has(h.name))) return true
  const next = tags.tokens[end]
  const closed = next === undefined || next.clause !== tags.tokens[start]?.clause
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
  const last = tokens[end - 1]?.text ?? ''
  if (tags.lang === 'vi' && (VI_THOUSAND.has(last) || VI_MILLION.has(last))) return 'VND'
  return undefined
}

function numeric(tokens: readonly Token[], i: number, tags: Tags): Amount | undefined {
  let text = (tokens[i] as Token).text
  let at = i + 1
  const before = currencyBefore(tokens, i) ?? rand(tokens, i, tags)
  const start = before?.start ?? i
  while (joinsGroup(tokens, at, text, tags, before)) {
    text += (tokens[at] as Token).text
    at++
  }
  const role = contextRole(tokens, i, at, tags, before)
  if (role === 'phone') return unpriced(role, start, i, phoneEnd(tokens, at))
  if (role !== undefined) return unpriced(role, start, i, at)
  const digits = splitNumber(text, false)
  const rough = Number(digits.fraction === '' ? digits.integer : `${digits.integer}.${digits.fraction}`)
  const multiplier = multiplierAt(tokens, at, tags, rough, before)
  let end = multiplier?.end ?? at
  // "13600K", "4k monitor": what is no thousand is part of a name.
  if (multiplier === undefined && before === undefined && tokens[at]?.text === 'k' && tokens[at]?.glued)
    return unpriced('model', start, i, at)
  if (multiplier === undefined && shortEuro(tokens, at, tags, before) === undefined && gluedModel(tokens, at, tags))
    return unpriced('model', start, i, at)
  if (multiplier === undefined && DASHED.has(tokens[end]?.text ?? '') && tokens[end]?.glued) {
    const dash = tokens[end + 1]
    if (dash?.glued && DASHES.has(dash.text)) end += 2
  }
  // "un millón de pesos"
  const of = multiplier !== undefined && multiplier.shift >= 6 && tokens[end]?.text === 'de' ? 1 : 0
  const after = currencyAfter(tokens, end + of, tags.lang) ?? shortEuro(tokens, end, tags, before)
  const currency = stronger(before, after)
  if (after !== undefined) end = after.end
  const coin = currency?.code !== undefined && COINS.has(currency.code) && !STABLE.has(currency.code)
  const { integer, fraction } = splitNumber(text, coin)
  let value: string | undefined
  if (multiplier?.tail) value = withTail(tokens, multiplier, integer, fraction)
  else value = decimal(integer, fraction, multiplier?.shift ?? 0)
  if (multiplier?.tail) end = Math.max(end, tailEnd(tokens, multiplier))
  if (value === undefined) return unpriced('id', start, i, at)
  const rest = multiplier === undefined ? undefined : remainder(tokens, end, multiplier.shift, tags)
  if (rest !== undefined) {
    value = String(Number(value) + rest.value)
    end = rest.end
  }
  const late = multiplier?.tail && after === undefined ? currencyAfter(tokens, end, tags.lang) : undefined
  if (late !== undefined) end = late.end
  if (currency === undefined && late === undefined && (multiplier === undefined || multiplier.implied === undefined)) {
    const measure =
      tags.at('unit_measure', end) ??
      (multiplier === undefined && !noHour(tokens, end, value) && !isAnd(tokens[end]) ? tags.at('unit_time', end) : undefined)
    if (measure !== undefined) return unpriced('measure', start, i, end)
    if (INCH.has(tokens[end]?.text ?? '') && tokens[end]?.glued) return unpriced('measure', start, i, at)
    if (multiplier === undefined && isYear(text)) return unpriced('year', start, i, at, value)
  }
  let approx = false
  if (tokens[end]?.text === 'ish') {
    approx = true
    end++
  }
  return {
    start,
    at: i,
    end,
    role: 'amount',
    min: value,
    max: value,
    range: false,
    currency: currency ?? late,
    multiplied: multiplier !== undefined,
    implied: multiplier?.implied,
    approx,
    words: false,
    // "900,00" has cents; "5,25" may be anything.
    fractional: fraction !== '' && (fraction.length !== 2 || integer.length < 2),
  }
}

/** A number that is no money. */
const unpriced = (role: NumberRole, start: number, at: number, end: number, value = '0'): Amount => ({
  start,
  at,
  end,
  role,
  min: value,
  max: value,
  range: false,
  currency: undefined,
  multiplied: false,
  implied: undefined,
  approx: false,
  words: false,
  fractional: false,
})

const ROUND_REST = /^[1-9]\d[05]$/u

/** "2 mil 500", "2 тысячи 300", "1 triệu 200 nghìn": what is left over behind a word of size, in smaller units. */
function remainder(
  tokens: readonly Token[],
  end: number,
  shift: number,
  tags: Tags,
): { readonly value: number; readonly end: number } | undefined {
  const size = tokens[end - 1]
  const at = tokens[end]?.text === 'e' || tokens[end]?.text === 'и' || tokens[end]?.text === 'y' ? end + 1 : end
  const number = tokens[at]
  // "13 mil e quinhentos", "2 mil doscientos".
  if (shift === 3 && size?.kind === 'word' && number?.kind === 'word' && number.clause === size.clause) {
    const words = readNumberWords(tokens, at)
    if (words !== undefined && Number(words.value) >= 50 && Number(words.value) < 1000)
      return { value: Number(words.value), end: words.end }
  }
  if (shift < 3 || size?.kind !== 'word' || number?.kind !== 'number' || number.glued || !/^\d{1,3}$/u.test(number.text))
    return undefined
  if (size.text.length < 2 || number.clause !== size.clause) return undefined
  const smaller = multiplierAt(tokens, at + 1, tags, Number(number.text))
  if (smaller !== undefined) {
    if (smaller.shift >= shift || smaller.tail) return undefined
    return { value: Number(number.text) * 10 ** smaller.shift, end: smaller.end }
  }
  if (shift !== 3 || !ROUND_REST.test(number.text)) return undefined
  const next = tokens[at + 1]
  const closed = next === undefined || next.kind !== 'word' || next.clause !== number.clause
  return closed || currencyAfter(tokens, at + 1, tags.lang) !== undefined
    ? { value: Number(number.text), end: at + 1 }
    : undefined
}

/** Money of which everyday things cost thousands, so that amounts are written in groups. */
const SMALL_UNITS = new Set(
  'RUB UAH KZT VND JPY KRW IDR HUF CZK ISK CLP COP ARS INR PHP THB RSD AMD UZS BYN NGN KES TWD SEK NOK DKK MXN UYU CRC'.split(
    ' ',
  ),
)

/** N5: "21 000" is one number where money follows, stands before, or the language writes it so. */
function joinsGroup(tokens: readonly Token[], at: number, text: string, tags: Tags, before: CurrencyHit | undefined): boolean {
  const next = tokens[at]
  if (next?.kind !== 'number' || next.glued || next.text.length !== 3 || !/^\d+$/u.test(next.text)) return false
  const head = /^\d+$/u.test(text) ? text.length : 0
  if (head === 0 || text.startsWith('0') || (head > 3 && head % 3 !== 0 && head < 4)) return false
  const previous = tokens[at - 1] as Token
  if (next.start - previous.end !== 1) return false
  if ((tokens[at - 1] as Token).text.length > 3) return false
  const after = tokens[at + 1]
  if (after?.glued && after.kind === 'word' && currencyAfter(tokens, at + 1, tags.lang) === undefined) return false
  if (before !== undefined) return true
  // "s22 300€"
  if (previous.glued && tokens[at - 2]?.kind === 'word') return false
  if (after?.kind === 'number' && !after.glued && after.text.length === 3) return true
  const money = currencyAfter(tokens, at + 1, tags.lang)
  // "iphone 13 500€" names its model before the price; "айфон 12 500 руб" does not.
  if (money !== undefined && !SMALL_UNITS.has(money.code ?? '') && endsSeries(tags, at - 1)) return false
  if (money !== undefined || tags.at('unit_measure', at + 1) !== undefined) return true
  return tags.lang === 'ru' && !endsSeries(tags, at - 1) && tokens[at - 2]?.caps !== 2
}

/** "entre 120 y 160": years only where they touch their number. */
const isAnd = (token: Token | undefined): boolean => token?.text === 'y' && !token.glued

/** "R800": rand, where a price may stand and no name is written so: behind a small word, with a second such amount or a price word. */
function rand(tokens: readonly Token[], i: number, tags: Tags): CurrencyHit | undefined {
  const sign = tokens[i - 1]
  if (sign?.text !== 'r' || sign.caps !== 2 || sign.glued || tokens[i]?.glued !== true || tokens[i]?.text.length === 1)
    return undefined
  const [before, next] = [tokens[i - 2], tokens[i + 1]]
  if (before?.kind === 'word' && before.caps > 0 && before.sentence === sign.sentence) return undefined
  if (next?.kind === 'word' && next.glued && next.text !== 'k') return undefined
  const priced = tags
    .endingAt(i - 1)
    .some((h) => h.name === 'p_ask' || h.name === 'p_for' || h.name === 'p_max' || h.name === 'p_budget')
  const again = tokens.some(
    (t, k) => k !== i - 1 && t.text === 'r' && t.caps === 2 && tokens[k + 1]?.kind === 'number' && tokens[k + 1]?.glued,
  )
  return priced || again ? { code: 'ZAR', source: 'explicit', rank: 2, start: i - 1, end: i } : undefined
}

/** "110 pm me": behind more than twelve "pm" is no half of a day. */
const noHour = (tokens: readonly Token[], at: number, value: string): boolean =>
  (tokens[at]?.text === 'pm' || tokens[at]?.text === 'am') && Number(value) > 12
