import type { Token } from '../text/model.ts'
import { kindAt, textAt, tokenAt } from '../text/token-at.ts'
import { WordSet } from '../text/word-set.ts'
import type { Amount, NumberRole } from './amount.ts'
import { noHour, noInch, orMore, shortEuro } from './amount-ends.ts'
import { COINS, type CurrencyHit, currencyAfter, currencyBefore, STABLE } from './currency.ts'
import { decimal, splitNumber } from './decimal.ts'
import { pointBefore } from './leading-point.ts'
import { letterMoney } from './letter-money.ts'
import { multiplierAt, tailEnd, withTail } from './multiplier.ts'
import { contextRole, endsSeries, gluedModel, isYear, phoneEnd } from './number-role.ts'
import { centsBehind } from './one-of-money.ts'
import { OPENS, opens } from './openers.ts'
import { joinRange, stronger } from './range.ts'
import { remainder } from './remainder.ts'
import { byPlace, moneyAhead, sizedAhead } from './size-ahead.ts'
import { spelled, tailValue } from './spelled.ts'
import type { Tags } from './tags.ts'

const INCH = new WordSet(['"', "''", '″', '”'])

/** "250,-€": no cents. */
const DASHED = new WordSet([',', '.'])
const DASHES = new WordSet(['-', '–', '—'])

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

function numeric(tokens: readonly Token[], i: number, tags: Tags): Amount | undefined {
  let text = (tokens[i] as Token).text
  let at = i + 1
  const point = textAt(tokens, i - 1) === '.' && pointBefore(tokens, i, tags, currencyBefore(tokens, i - 1))
  const before = currencyBefore(tokens, point ? i - 1 : i) ?? letterMoney(tokens, i, tags) ?? moneyAhead(tokens, i)
  const start = before?.start ?? (point ? i - 1 : i)
  if (point) text = `0.${text}`
  while (joinsGroup(tokens, at, text, tags, before)) {
    text += (tokens[at] as Token).text
    at++
  }
  // "8 с половиной тысяч"
  if (textAt(tokens, at) === 'с' && textAt(tokens, at + 1) === 'половиной' && !text.includes('.')) {
    text += '.5'
    at += 2
  }
  const role = point ? undefined : contextRole(tokens, i, at, tags, before)
  if (role === 'phone') return unpriced(role, start, i, phoneEnd(tokens, at))
  if (role !== undefined) return unpriced(role, start, i, at)
  const digits = splitNumber(text, false)
  const rough = Number(digits.fraction === '' ? digits.integer : `${digits.integer}.${digits.fraction}`)
  const behind = multiplierAt(tokens, at, tags, rough, before)
  const about = behind === undefined ? sizedAhead(tokens, i, at, tags, rough) : undefined
  const multiplier = behind ?? about
  let end = multiplier?.end ?? at
  // "13600K", "4k monitor": what is no thousand is part of a name.
  if (multiplier === undefined && before === undefined && textAt(tokens, at) === 'k' && tokens[at]?.glued)
    return unpriced('model', start, i, at)
  if (multiplier === undefined && shortEuro(tokens, at, tags, before) === undefined && gluedModel(tokens, at, tags))
    return unpriced('model', start, i, at)
  if (multiplier === undefined && DASHED.has(tokens[end]) && tokens[end]?.glued) {
    const dash = tokens[end + 1]
    if (dash?.glued && DASHES.has(dash)) end += 2
  }
  // "45k+ EUR"
  const plus = orMore(tokens, end, tags)
  if (plus) end++
  // "un millón de pesos"
  const of = multiplier !== undefined && multiplier.shift >= 6 && textAt(tokens, end) === 'de' ? 1 : 0
  const after = currencyAfter(tokens, end + of, tags.lang) ?? shortEuro(tokens, end, tags, before)
  const currency = stronger(before, after)
  if (after !== undefined) end = after.end
  const coin = currency?.code !== undefined && COINS.has(currency.code) && !STABLE.has(currency.code)
  const { integer, fraction } = splitNumber(text, coin)
  let value: string | undefined
  if (multiplier?.tail) value = withTail(tokens, multiplier, integer, fraction)
  else value = decimal(integer, fraction, multiplier?.shift ?? 0)
  if (multiplier?.tail) end = Math.max(end, tailEnd(tokens, multiplier))
  // "1 triệu mốt"
  if (multiplier?.tail && fraction === '' && after === undefined && end === multiplier.end) {
    const tenths = tailValue(tokens, end)
    if (tenths > 0 && value !== undefined) {
      value = decimal(integer, String(tenths), multiplier.shift)
      end++
    }
  }
  if (value === undefined) return unpriced('id', start, i, at)
  const rest = multiplier === undefined ? undefined : remainder(tokens, end, multiplier.shift, tags)
  if (rest !== undefined) {
    value = String(Number(value) + rest.value)
    end = rest.end
  }
  // "3 euros con 50"
  if (after?.source === 'word' && fraction === '' && Number(value) < MAX_WITH_CENTS) {
    const cents = centsBehind(tokens, end, tags)
    if (cents !== undefined) {
      value = decimal(integer, cents.digits, 0) ?? value
      end = cents.end
    }
  }
  const late = multiplier?.tail && after === undefined ? currencyAfter(tokens, end, tags.lang) : undefined
  if (late !== undefined) end = late.end
  if (currency === undefined && late === undefined && (multiplier === undefined || multiplier.implied === undefined)) {
    const measure =
      (noInch(tokens, end, tags) ? undefined : tags.at('unit_measure', end)) ??
      (multiplier === undefined && !noHour(tokens, end, value) && !isAnd(tokens[end]) ? tags.at('unit_time', end) : undefined)
    if (measure !== undefined) return unpriced('measure', start, i, end)
    if (INCH.has(tokens[end]) && tokens[end]?.glued) return unpriced('measure', start, i, at)
    if (multiplier === undefined && isYear(text)) return unpriced('year', start, i, at, value)
  }
  let approx = about !== undefined
  let behindIsh: CurrencyHit | undefined
  if (textAt(tokens, end) === 'ish') {
    approx = true
    end++
    // "250ish CAD", "30-40ish euros"
    behindIsh = currency === undefined ? currencyAfter(tokens, end, tags.lang) : undefined
    if (behindIsh !== undefined) end = behindIsh.end
  }
  return {
    start,
    at: i,
    end,
    role: 'amount',
    min: value,
    max: value,
    range: false,
    currency: currency ?? late ?? behindIsh ?? (multiplier === undefined ? undefined : byPlace(tokens, multiplier.end)),
    multiplied: multiplier !== undefined,
    implied: multiplier?.implied,
    approx,
    words: false,
    plus: plus || orMore(tokens, end, tags),
    // "900,00" has cents; "5,25" may be anything.
    fractional: fraction !== '' && (fraction.length !== 2 || integer.length < 2),
  }
}

/** Behind more of them nobody counts hundredths. */
const MAX_WITH_CENTS = 100

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
  plus: false,
  fractional: false,
})

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
  if (previous.glued && kindAt(tokens, at - 2) === 'word') return false
  if (after?.kind === 'number' && !after.glued && after.text.length === 3) return true
  const money = currencyAfter(tokens, at + 1, tags.lang)
  // "iphone 13 500€" names its model before the price; "айфон 12 500 руб" does not.
  if (money !== undefined && !SMALL_UNITS.has(money.code ?? '') && endsSeries(tags, at - 1)) return false
  if (money !== undefined || after?.text === 'takes' || tags.at('unit_measure', at + 1) !== undefined) return true
  return tags.lang === 'ru' && !endsSeries(tags, at - 1) && tokenAt(tokens, at - 2)?.caps !== 2
}

/** "entre 120 y 160": years only where they touch their number. */
const isAnd = (token: Token | undefined): boolean => token?.text === 'y' && !token.glued
