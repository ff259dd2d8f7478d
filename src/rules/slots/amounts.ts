import type { Token } from '../text/model.ts'
import { COINS, type CurrencyHit, currencyAfter, currencyBefore, STABLE } from './currency.ts'
import { decimal, splitNumber } from './decimal.ts'
import { readNumberWords } from './number-words.ts'
import type { Tags } from './tags.ts'

/** Why a number is no amount of money. */
export type NumberRole =
  | 'amount'
  | 'model'
  | 'quantity'
  | 'measure'
  | 'percent'
  | 'time'
  | 'ratio'
  | 'ordinal'
  | 'id'
  | 'phone'
  | 'year'

/** A number with everything that touches it; token range [start, end). */
export interface Amount {
  readonly start: number
  /** Index of the (first) number token. */
  readonly at: number
  readonly end: number
  readonly role: NumberRole
  readonly min: string
  readonly max: string
  readonly range: boolean
  readonly currency: CurrencyHit | undefined
  /** Multiplier of money or language written: k, тыс, tr. */
  readonly multiplied: boolean
  /** Currency that follows from the multiplier (C4). */
  readonly implied: string | undefined
  readonly approx: boolean
  readonly words: boolean
  /** Written with fraction digits. */
  readonly fractional: boolean
}

interface Multiplier {
  readonly shift: number
  readonly implied?: string
  readonly end: number
  readonly tail: boolean
}

const THOUSAND_WORDS = new Set([
  'grand',
  'mil',
  'тыс',
  'тысяч',
  'тысячи',
  'тысяча',
  'тыщ',
  'тыщи',
  'тр',
  'т.р',
  'т',
  'косарей',
  'косаря',
  'косарь',
  'штук',
  'thousand',
  'tho',
])
const VI_THOUSAND = new Set(['nghìn', 'ngàn', 'nghin', 'ngan', 'ng', 'cành'])
const VI_MILLION = new Set(['tr', 'triệu', 'trieu', 'củ', 'chai', 'cu', 'trịu', 'tr.'])
const MILLION_WORDS = new Set([
  'million',
  'millions',
  'mil',
  'mio',
  'mn',
  'mln',
  'млн',
  'миллион',
  'миллиона',
  'миллионов',
  'лям',
  'ляма',
  'лямов',
  'millones',
  'millón',
  'milhão',
  'milhões',
  'milhoes',
])
const RANGE_OPS = new Set(['-', '–', '~', '—'])
const RANGE_WORDS = new Set(['to', 'đến', 'tới', 'a', 'до', 'y', 'and', 'e', 'até', 'hasta', 'den', 'toi'])
const BETWEEN = new Set(['between', 'from', 'entre', 'từ', 'от', 'de', 'tu', 'между', 'desde', 'và'])
const INCH = new Set(['"', "''", '″', '”'])
const HALF = new Set(['rưỡi', 'ruoi', 'rưởi'])
const MAX_PHONE_SCAN = 10

/** All numbers of a message with their reading, left to right. */
export function scanAmounts(tokens: readonly Token[], tags: Tags): Amount[] {
  const found: Amount[] = []
  let i = 0
  while (i < tokens.length) {
    const token = tokens[i] as Token
    let amount: Amount | undefined
    if (token.kind === 'number') amount = numeric(tokens, i, tags)
    else if (token.kind === 'word') amount = spelled(tokens, i, tags)
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

function spelled(tokens: readonly Token[], i: number, tags: Tags): Amount | undefined {
  const words = readNumberWords(tokens, i)
  if (words === undefined) return undefined
  let end = words.end
  let multiplier: Multiplier | undefined
  const next = tokens[end]
  if (
    next !== undefined &&
    (VI_MILLION.has(next.text) ||
      VI_THOUSAND.has(next.text) ||
      MILLION_WORDS.has(next.text) ||
      next.text === 'lakh' ||
      next.text === 'crore')
  ) {
    multiplier = multiplierAt(tokens, end, tags, Number(words.value))
    if (multiplier !== undefined) end = multiplier.end
  }
  const currency = currencyAfter(tokens, end, tags.lang)
  if (currency === undefined && !words.large && multiplier === undefined) return undefined
  const value = decimal(...parts(words.value), multiplier?.shift ?? 0)
  if (value === undefined) return undefined
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
  const before = currencyBefore(tokens, i)
  const start = before?.start ?? i
  while (joinsGroup(tokens, at, text, tags, before)) {
    text += (tokens[at] as Token).text
    at++
  }
  const role = contextRole(tokens, i, at, tags, before)
  const plain = (r: NumberRole): Amount => ({
    start,
    at: i,
    end: at,
    role: r,
    min: '0',
    max: '0',
    range: false,
    currency: undefined,
    multiplied: false,
    implied: undefined,
    approx: false,
    words: false,
    fractional: false,
  })
  if (role !== undefined) return plain(role)
  const digits = splitNumber(text, false)
  const rough = Number(`${digits.integer}.${digits.fraction || '0'}`)
  const multiplier = multiplierAt(tokens, at, tags, rough, before)
  let end = multiplier?.end ?? at
  if (multiplier === undefined && gluedModel(tokens, at, tags)) return plain('model')
  const after = currencyAfter(tokens, end, tags.lang)
  const currency = stronger(before, after)
  if (after !== undefined) end = after.end
  const coin = currency?.code !== undefined && COINS.has(currency.code) && !STABLE.has(currency.code)
  const { integer, fraction } = splitNumber(text, coin)
  let value: string | undefined
  if (multiplier?.tail) value = withTail(tokens, multiplier, integer, fraction)
  else value = decimal(integer, fraction, multiplier?.shift ?? 0)
  if (multiplier?.tail) end = Math.max(end, tailEnd(tokens, multiplier))
  if (value === undefined) return plain('id')
  const late = multiplier?.tail && after === undefined ? currencyAfter(tokens, end, tags.lang) : undefined
  if (late !== undefined) end = late.end
  if (currency === undefined && late === undefined && (multiplier === undefined || multiplier.implied === undefined)) {
    const measure = tags.at('unit_measure', end) ?? (multiplier === undefined ? tags.at('unit_time', end) : undefined)
    if (measure !== undefined) return { ...plain('measure'), end }
    if (INCH.has(tokens[end]?.text ?? '') && tokens[end]?.glued) return plain('measure')
    if (multiplier === undefined && isYear(text)) return { ...plain('year'), min: value, max: value }
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
    fractional: fraction !== '',
  }
}

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
  if (after?.kind === 'number' && !after.glued && after.text.length === 3) return true
  if (currencyAfter(tokens, at + 1, tags.lang) !== undefined || tags.at('unit_measure', at + 1) !== undefined) return true
  return tags.lang === 'ru' && !endsSeries(tags, at - 1) && tokens[at - 2]?.caps !== 2
}

const endsSeries = (tags: Tags, i: number): boolean => tags.endingAt(i).some((h) => tags.name(h) === 'series')

/** Roles that the surroundings decide before the value is looked at. */
function contextRole(
  tokens: readonly Token[],
  i: number,
  at: number,
  tags: Tags,
  before: CurrencyHit | undefined,
): NumberRole | undefined {
  const token = tokens[i] as Token
  const previous = tokens[i - 1]
  const next = tokens[at]
  if (previous?.text === '#' && token.glued) return 'id'
  if (next?.text === '%' || next?.text === '％') return 'percent'
  if (isPhone(tokens, i, at, tags)) return 'phone'
  if (next?.text === ':' && next.glued && tokens[at + 1]?.kind === 'number' && tokens[at + 1]?.glued) return 'time'
  if (previous?.text === ':' && token.glued && tokens[i - 2]?.kind === 'number') return 'time'
  if (before === undefined) {
    const slashAfter = next?.text === '/' && next.glued && tokens[at + 1]?.kind === 'number' && tokens[at + 1]?.glued
    if (slashAfter && currencyAfter(tokens, at + 2, tags.lang) === undefined) return 'ratio'
    if (
      previous?.text === '/' &&
      token.glued &&
      tokens[i - 2]?.kind === 'number' &&
      currencyAfter(tokens, at, tags.lang) === undefined
    )
      return 'ratio'
    if (previous?.kind === 'word' && token.glued) {
      if (previous.text === 'x' && previous.end - previous.start === 1) return 'quantity'
      return 'model'
    }
    if (previous?.kind === 'word' && previous.end === token.start) return 'model'
    if (endsSeries(tags, i) && !moneyFollows(tokens, at, tags)) return 'model'
    if (tags.endingAt(i).some((h) => tags.name(h) === 'number_label') && !moneyFollows(tokens, at, tags)) return 'id'
    if (next?.kind === 'word' && next.glued && tags.at('ordinal', at) !== undefined) return 'ordinal'
    if (next?.kind === 'word' && next.glued && next.text === 'x') return 'quantity'
    if (previous?.text === 'x' && !token.glued && previous.kind === 'word') return 'quantity'
    // Model names written with a hyphen: "WH-1000", "K-12".
    if (previous?.kind === 'word' && token.start - previous.end === 1 && token.glued) return 'model'
  }
  return undefined
}

function moneyFollows(tokens: readonly Token[], at: number, tags: Tags): boolean {
  const currency = currencyAfter(tokens, at, tags.lang)
  return currency !== undefined && currency.rank > 0
}

/** Digit groups of a phone number: plus sign or leading zero and nine digits, or seven digits after a contact word. */
function isPhone(tokens: readonly Token[], i: number, at: number, tags: Tags): boolean {
  const first = (tokens[i] as Token).text
  const plus = tokens[i - 1]?.text === '+' && tokens[i]?.glued === true
  const contact =
    tags.endingAt(i).some((h) => tags.name(h) === 'contact') ||
    (tokens[i - 1]?.text === ':' && tags.endingAt(i - 1).some((h) => tags.name(h) === 'contact'))
  let digits = count(first)
  for (let k = at; k < i + MAX_PHONE_SCAN; k++) {
    const token = tokens[k]
    if (token?.kind === 'number' && !/[,']/u.test(token.text)) digits += count(token.text)
    else if (token?.text !== '-' && token?.text !== '(' && token?.text !== ')') break
  }
  const previousNumber = tokens[i - 1]?.kind === 'number' || (tokens[i - 1]?.text === '-' && tokens[i - 2]?.kind === 'number')
  if (plus && digits >= 9) return true
  if (first.startsWith('0') && first.length >= 3 && !first.includes(',') && digits >= 9) return true
  if (contact && digits >= 7) return true
  return previousNumber && count(first) === 4 && count(tokens[i - 1]?.text ?? '') === 3 && count(tokens[i - 2]?.text ?? '') >= 3
}

const count = (text: string): number => {
  let n = 0
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= 48 && text.charCodeAt(i) <= 57) n++
  return n
}
const isYear = (text: string): boolean => text.length === 4 && text >= '1950' && text <= '2035' && /^\d+$/u.test(text)

/** Letters glued to a number that are neither multiplier nor currency nor unit make it part of a model name. */
function gluedModel(tokens: readonly Token[], at: number, tags: Tags): boolean {
  const next = tokens[at]
  if (next?.kind !== 'word' || !next.glued || next.text === 'ish') return false
  if (next.start !== (tokens[at - 1] as Token).end) return false
  if (currencyAfter(tokens, at, tags.lang) !== undefined) return false
  return (
    tags.at('unit_measure', at) === undefined && tags.at('unit_time', at) === undefined && tags.at('glue_ok', at) === undefined
  )
}

function multiplierAt(
  tokens: readonly Token[],
  at: number,
  tags: Tags,
  value: number,
  before?: CurrencyHit,
): Multiplier | undefined {
  const token = tokens[at]
  if (token?.kind !== 'word') return undefined
  const { text, glued } = token
  const gap = token.start - (tokens[at - 1] as Token).end
  if (gap > 1) return undefined
  const vi = tags.lang === 'vi'
  const ru = tags.lang === 'ru'
  if (text === 'k' && glued) {
    if (tokens[at + 1]?.glued && tokens[at + 1]?.kind === 'number') return undefined
    return vi
      ? { shift: 3, implied: 'VND', end: at + 1, tail: false }
      : ru
        ? { shift: 3, implied: 'RUB', end: at + 1, tail: false }
        : { shift: 3, end: at + 1, tail: false }
  }
  if (text === 'k' && !glued && value < 1000 && !(tokens[at + 1]?.kind === 'word' && tokens[at + 1]?.glued)) {
    return vi ? { shift: 3, implied: 'VND', end: at + 1, tail: false } : { shift: 3, end: at + 1, tail: false }
  }
  if (text === 'к' && glued) return { shift: 3, implied: 'RUB', end: at + 1, tail: false }
  if (text === 'кк' && glued) return { shift: 6, implied: 'RUB', end: at + 1, tail: false }
  if (text === 'т' && tokens[at + 1]?.text === '.' && tokens[at + 2]?.text === 'р')
    return { shift: 3, implied: 'RUB', end: at + (tokens[at + 3]?.text === '.' ? 4 : 3), tail: false }
  if (text === 'т.р' || text === 'т.р.' || text === 'тр')
    return { shift: 3, implied: 'RUB', end: at + (tokens[at + 1]?.text === '.' ? 2 : 1), tail: false }
  if (text === 'т' && !ru) return undefined
  if (text === 'т') return { shift: 3, implied: 'RUB', end: at + 1, tail: false }
  if (VI_MILLION.has(text) && (vi || text !== 'cu') && !(text === 'chai' && !vi))
    return { shift: 6, implied: 'VND', end: at + 1, tail: true }
  if (text === 'm' && glued && vi && tokens[at + 1]?.kind === 'number' && tokens[at + 1]?.glued && tokens[at + 1]?.text !== '2')
    return { shift: 6, implied: 'VND', end: at + 1, tail: true }
  if (text === 'tỷ' || text === 'tỉ' || (text === 'ty' && vi)) return { shift: 9, implied: 'VND', end: at + 1, tail: true }
  if (VI_THOUSAND.has(text) && (vi || text.length > 2)) return { shift: 3, implied: 'VND', end: at + 1, tail: false }
  if (text === 'lít' || (text === 'lit' && vi) || text === 'xị') return { shift: 5, implied: 'VND', end: at + 1, tail: false }
  if (text === 'lakh' || text === 'lakhs' || text === 'lac') return { shift: 5, implied: 'INR', end: at + 1, tail: false }
  if (text === 'crore' || text === 'crores' || (text === 'cr' && glued))
    return { shift: 7, implied: 'INR', end: at + 1, tail: false }
  if (text === 'mil' && tags.lang === 'en') return { shift: 6, end: at + 1, tail: false }
  if (THOUSAND_WORDS.has(text)) {
    const cyrillic = text.charCodeAt(0) > 0x3ff
    // "20 тысяч" names no currency by itself; the short forms do.
    const dotted = text === 'тыс' && tokens[at + 1]?.text === '.' ? 2 : 1
    const long = text.startsWith('тысяч') || text === 'штук'
    return { shift: 3, ...(cyrillic && !long ? { implied: 'RUB' } : {}), end: at + dotted, tail: false }
  }
  if (MILLION_WORDS.has(text))
    return { shift: 6, end: at + (tokens[at + 1]?.text === '.' && text === 'млн' ? 2 : 1), tail: false }
  if ((text === 'm' || text === 'mm') && glued && millions(tokens, at, tags, value, before))
    return { shift: 6, end: at + 1, tail: false }
  return undefined
}

/** "1.2m" is millions beside a currency or a price word; alone it may be metres. */
function millions(tokens: readonly Token[], at: number, tags: Tags, value: number, before: CurrencyHit | undefined): boolean {
  if (before !== undefined || currencyAfter(tokens, at + 1, tags.lang) !== undefined) return true
  const near = [...tags.endingAt(at - 1), ...tags.endingAt(at - 2)]
  return value <= 99 && near.some((h) => tags.name(h).startsWith('p_'))
}

/** N7: digits right after a Vietnamese multiplier are its decimal digits; "rưỡi" is a half. */
function withTail(tokens: readonly Token[], m: Multiplier, integer: string, fraction: string): string | undefined {
  const tail = tokens[m.end]
  if (tail !== undefined && HALF.has(tail.text)) return decimal(integer, '5', m.shift)
  if (fraction === '' && isTail(tokens, m)) return decimal(integer, (tail as Token).text, m.shift)
  return decimal(integer, fraction, m.shift)
}

function isTail(tokens: readonly Token[], m: Multiplier): boolean {
  const tail = tokens[m.end]
  if (tail?.kind !== 'number' || !/^\d{1,3}$/u.test(tail.text) || tail.start - (tokens[m.end - 1] as Token).end > 1) return false
  if (tail.glued) return true
  const next = tokens[m.end + 1]
  return tail.text.length === 1 && (next === undefined || next.kind === 'op' || next.kind === 'line')
}

function tailEnd(tokens: readonly Token[], m: Multiplier): number {
  const tail = tokens[m.end]
  if (tail !== undefined && HALF.has(tail.text)) return m.end + 1
  if (!isTail(tokens, m)) return m.end
  const k = tokens[m.end + 1]
  return k?.text === 'k' && k.glued ? m.end + 2 : m.end + 1
}

function stronger(a: CurrencyHit | undefined, b: CurrencyHit | undefined): CurrencyHit | undefined {
  if (a === undefined) return b
  if (b === undefined) return a
  return b.rank > a.rank ? b : a
}

/** N8. */
function joinRange(left: Amount | undefined, right: Amount, tokens: readonly Token[]): Amount | undefined {
  if (left === undefined || left.role !== 'amount' || right.role !== 'amount' || left.range) return undefined
  const between = right.start - left.end
  const first = tokens[left.end]
  if (between !== 1 || first === undefined) return undefined
  const opener = tokens[left.start - 1]?.text ?? ''
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
  return {
    ...right,
    start: left.start,
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
