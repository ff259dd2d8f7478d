import type { Token } from '../text/model.ts'
import { kindAt, textAt, tokenAt } from '../text/token-at.ts'
import { WordSet } from '../text/word-set.ts'
import type { NumberRole } from './amount.ts'
import { type CurrencyHit, currencyAfter } from './currency.ts'
import { thousandsTo } from './multiplier.ts'
import { sideNumber } from './side-numbers.ts'
import type { Tags } from './tags.ts'

/** Units and price words that people write without a space: 575pcm, 65ea, 40shipped. */
const GLUED_OK = new Set([
  'unit_measure',
  'unit_time',
  'glue_ok',
  'u_alone',
  'u_alone_hour',
  'u_alone_month',
  'f_negotiable',
  'f_shipped',
  'r_cue',
])
const MAX_PHONE_SCAN = 10

/** A series word ends before token i; a single letter and "at" only in capitals: "a 40 cada una" names no model. */
export const endsSeries = (tags: Tags, i: number): boolean =>
  tags.endingAt(i).some((h) => {
    const token = tags.tokens[h.start] as Token
    if (h.name !== 'series') return false
    return h.end - h.start > 1 || token.caps === 2 || (token.text.length > 1 && token.text !== 'at')
  })

/** Roles that the surroundings decide before the value is looked at. */
export function contextRole(
  tokens: readonly Token[],
  i: number,
  at: number,
  tags: Tags,
  before: CurrencyHit | undefined,
): NumberRole | undefined {
  const token = tokens[i] as Token
  const previous = tokenAt(tokens, i - 1)
  const next = tokens[at]
  const left = previous === undefined ? '' : previous.text
  const right = next === undefined ? '' : next.text
  if (left === '#' && token.glued) return 'id'
  // "issues #1-54"
  if (left === '-' && token.glued && textAt(tokens, i - 3) === '#') return 'id'
  if (right === '%' || right === '％') return 'percent'
  if (isPhone(tokens, i, at, tags)) return 'phone'
  if (right === ':' && next?.glued && kindAt(tokens, at + 1) === 'number' && tokens[at + 1]?.glued) return 'time'
  if (left === ':' && token.glued && kindAt(tokens, i - 2) === 'number') return 'time'
  if (chained(tokens, i, at)) return 'id'
  if (before === undefined) {
    const slashAfter = right === '/' && next?.glued && kindAt(tokens, at + 1) === 'number' && tokens[at + 1]?.glued
    if (slashAfter && currencyAfter(tokens, at + 2, tags.lang) === undefined) return 'ratio'
    if (left === '/' && token.glued && kindAt(tokens, i - 2) === 'number' && currencyAfter(tokens, at, tags.lang) === undefined)
      return 'ratio'
    if (thousandsTo(tokens, i - 1)) return undefined
    if (previous?.kind === 'word' && token.glued) return gluedTo(tokens, i)
    if (previous?.kind === 'word' && previous.end === token.start) return 'model'
    if (token.text.length < GROUPED && endsSeries(tags, i) && !moneyFollows(tokens, at, tags) && !isRate(tokens, i))
      return 'model'
    if (
      tags.ends('number_label', i) &&
      !tags.ends('p_max', i) &&
      !partOfThing(tags, i) &&
      !moneyFollows(tokens, at, tags) &&
      !firstTakes(tokens, i, at, tags)
    )
      return 'id'
    if (isDay(tokens, i, at, tags)) return 'time'
    if (isAge(tokens, i, at)) return 'id'
    if (calledByNumber(tokens, i, at, tags) || orSimilar(tokens, i, at)) return 'model'
    if (isEdition(tokens, i, at)) return 'ordinal'
    const side = sideNumber(tokens, i, at, tags)
    if (side !== undefined) return side
    if (next?.kind === 'word' && next.glued && tags.at('ordinal', at) !== undefined) return 'ordinal'
    if (next?.kind === 'word' && next.glued && right === 'x') return token.text.length > MAX_TIMES_DIGITS ? 'model' : 'quantity'
    // "4x 8TB": the number before the sign counts.
    if (left === 'x' && !token.glued && previous?.kind === 'word' && kindAt(tokens, i - 2) !== 'number') return 'quantity'
    // Model names written with a hyphen: "WH-1000", "K-12".
    if (previous?.kind === 'word' && token.start - previous.end === 1 && token.glued) return 'model'
  }
  return undefined
}

/** "700 USDT, курс 92,4": no course of lessons. */
const isRate = (tokens: readonly Token[], i: number): boolean =>
  textAt(tokens, i - 1) === 'курс' && tokens[i]?.text.includes(',') === true

/** "5600x" is a model. */
const MAX_TIMES_DIGITS = 3
const MAX_COUNTED = 100
/** "1.350.000": so long no model's number is. */
const GROUPED = 8

/** Behind a letter: "x3" counts; "X3", "x230" and "K12" are names, "90x190" is a size. */
function gluedTo(tokens: readonly Token[], i: number): NumberRole {
  const previous = tokens[i - 1] as Token
  const before = tokenAt(tokens, i - 2)
  const token = tokens[i] as Token
  if (previous.text !== 'x' || previous.end - previous.start !== 1) return 'model'
  if (before?.kind === 'number' && previous.glued) return 'measure'
  return previous.caps === 0 && Number(token.text) <= MAX_COUNTED && (!previous.glued || before?.text === '(')
    ? 'quantity'
    : 'model'
}

const RANGE_SIGNS = new WordSet(['-', '–', '—', '~'])

/** Multipliers that no model name ends with. */
const MONEY_WORDS = new WordSet(
  'tr triệu trieu củ cành chai khoai tỷ tỉ nghìn ngàn lít xị тыс тыщ тыщи тысяч тысячи т.р тыр косарей косаря млн ляма mil lakh grand lucas lukas luca luquitas palos palo tys tyr tysyach cents paise céntimos centavos'.split(
    ' ',
  ),
)

function moneyFollows(tokens: readonly Token[], at: number, tags: Tags): boolean {
  const next = tokens[at]
  // "ноут 40-50к": money of a range stands behind its second number.
  if (next?.kind === 'op' && RANGE_SIGNS.has(next) && kindAt(tokens, at + 1) === 'number' && next.glued === tokens[at + 1]?.glued)
    return moneyFollows(tokens, at + 2, tags)
  if (MONEY_WORDS.has(next)) return true
  if ((next?.text === 'k' && tags.lang === 'vi') || (next?.text === 'к' && tags.lang === 'ru'))
    return next.glued && !(tokens[at + 1]?.glued === true && kindAt(tokens, at + 1) !== 'op')
  const currency = currencyAfter(tokens, at, tags.lang)
  return currency !== undefined && currency.rank > 0
}

/** "stair gate 10": the label is part of the name of a thing. */
const partOfThing = (tags: Tags, i: number): boolean => tags.endingAt(i).some((h) => h.name === 'goods' && h.end - h.start > 1)

const ARTICLES = new Set([
  'my',
  'your',
  'una',
  'mi',
  'tu',
  'uma',
  'meu',
  'minha',
  'мой',
  'мою',
  'моя',
  'con',
  'em',
  'chiếc',
  'cây',
  'quả',
  'card',
  'vga',
  'cặp',
])

/** "a 4090", "my 3090": a thing called by its number. In Spanish and Portuguese "a 400" is a price. */
function calledByNumber(tokens: readonly Token[], i: number, at: number, tags: Tags): boolean {
  const word = textAt(tokens, i - 1)
  const { text } = tokens[i] as Token
  if (!ARTICLES.has(word) && !(word === 'a' && (tags.lang === 'en' || tags.lang === 'und'))) return false
  const next = tokens[at]
  if (!/^[1-9]\d{2,4}$/u.test(text) || text.endsWith('00') || moneyFollows(tokens, at, tags)) return false
  return next === undefined || (!next.glued && tags.at('unit_measure', at) === undefined) || next.kind === 'op'
}

const LIKENESS = new WordSet(
  'similar equivalent newer later better alike parecido parecida equivalente igual semelhante похожий подобный аналог tương'.split(
    ' ',
  ),
)
const OR = new WordSet(['or', 'o', 'ou', 'или', 'hoặc'])
/** "MF 135 or similar": what something may be like is called by its number. */
const orSimilar = (tokens: readonly Token[], i: number, at: number): boolean =>
  kindAt(tokens, i - 1) === 'word' && OR.has(tokens[at]) && LIKENESS.has(tokens[at + 1])

/** "First 900 takes it": who comes first with so much. */
const firstTakes = (tokens: readonly Token[], i: number, at: number, tags: Tags): boolean =>
  textAt(tokens, i - 1) === 'first' && TAKES.has(tokens[at]) && tags.at('r_cue', at) !== undefined
const TAKES = new WordSet(['takes', 'gets', 'buys', 'secures', 'wins', 'grabs'])

const LAST_EDITION = 20
/** "(Stewart 8e)", "(11e)": which edition of a book. */
function isEdition(tokens: readonly Token[], i: number, at: number): boolean {
  const [before, next] = [tokenAt(tokens, i - 1), tokens[at]]
  if (next?.text !== 'e' || !next.glued || next.caps !== 0 || Number(tokens[i]?.text) > LAST_EDITION) return false
  if (textAt(tokens, at + 1) !== ')') return false
  return before?.text === '(' || (before?.kind === 'word' && before.caps > 0)
}

/** "2-4-6", "3/5/7": days, dates and codes, one of three numbers or more. */
function chained(tokens: readonly Token[], i: number, at: number): boolean {
  const after = isLink(tokens, at) && isGluedNumber(tokens, at + 1)
  const before = tokens[i]?.glued === true && isLink(tokens, i - 1) && kindAt(tokens, i - 2) === 'number'
  if (!after && !before) return false
  if (after && isLink(tokens, at + 2) && isGluedNumber(tokens, at + 3)) return true
  if (before && isLink(tokens, i - 3) && kindAt(tokens, i - 4) === 'number') return true
  return before && after
}
const isLink = (tokens: readonly Token[], k: number): boolean => {
  const token = tokens[k]
  return token !== undefined && token.kind === 'op' && token.glued && CHAIN.has(token)
}
const isGluedNumber = (tokens: readonly Token[], k: number): boolean => {
  const token = tokens[k]
  return token !== undefined && token.kind === 'number' && token.glued
}
const CHAIN = new WordSet(['-', '/', '.'])

const AGED = new WordSet("im i'm am hes shes she's he's turning tengo tenho мне".split(' '))
const OLD = new WordSet([',', '.', 'and', 'yo', 'y.o', 'anos', 'años', 'лет', 'tuổi', 'f', 'm', ')', '!'])
const MAX_AGE = 99

/** "I'm 17, responsible", "ages 7-8, after 9-10": how old somebody is, or for whom a thing is. */
function isAge(tokens: readonly Token[], i: number, at: number): boolean {
  const { text } = tokens[i] as Token
  // Longer than two digits a number is above it, but for "07.5" and the like.
  if (text.length > 2 && Number(text) > MAX_AGE) return false
  const before = tokenAt(tokens, i - 1)
  const next = tokens[at]
  if (before?.text === '-' && before.glued && kindAt(tokens, i - 2) === 'number') return AGES.has(tokenAt(tokens, i - 3))
  if (AGES.has(before)) return true
  return AGED.has(before) && (next === undefined || OLD.has(next))
}
const AGES = new WordSet(['age', 'ages', 'aged', 'edad', 'edades', 'idade', 'idades', 'возраст', 'возрастом', 'tuổi'])

/** "tối 29": the evening of that day. */
const DAY_PARTS = new WordSet(['el', 'tối', 'sáng', 'chiều', 'trưa', 'đêm', 'mùng', 'ngày', 'dia', 'día', 'числа'])

/** "July 1", "1 de julio", "20/9" beside a month: a day, not an amount. */
function isDay(tokens: readonly Token[], i: number, at: number, tags: Tags): boolean {
  const { text } = tokens[i] as Token
  if (text.length > 2 || Number(text) > 31 || moneyFollows(tokens, at, tags)) return false
  if (tags.ends('month', i) || DAY_PARTS.has(tokenAt(tokens, i - 1))) return true
  // "Dec 10–20", "10-20 Dec"
  const before = tokenAt(tokens, i - 1)
  if (before?.kind === 'op' && before.glued && RANGE_SIGNS.has(before) && tags.ends('month', i - 2)) return true
  const link = textAt(tokens, at) === 'de' || textAt(tokens, at) === 'of' ? at + 1 : at
  const month = tags.at('month', link)
  return month !== undefined && (textAt(tokens, link) !== 'may' || tokens[link]?.caps === 1)
}

/** Digit groups of a phone number: plus sign or leading zero and nine digits, or seven digits after a contact word. */
function isPhone(tokens: readonly Token[], i: number, at: number, tags: Tags): boolean {
  const first = (tokens[i] as Token).text
  const own = count(first)
  let digits = own
  for (let k = at; k < i + MAX_PHONE_SCAN; k++) {
    const token = tokens[k]
    if (token?.kind === 'number' && !SEPARATED.test(token.text)) digits += count(token.text)
    else if (token?.text !== '-' && token?.text !== '(' && token?.text !== ')') break
  }
  if (digits >= 9) {
    if (textAt(tokens, i - 1) === '+' && tokens[i]?.glued === true) return true
    if (first.startsWith('0') && first.length >= 3 && !first.includes(',')) return true
  }
  if (digits >= 7 && (tags.ends('contact', i) || (textAt(tokens, i - 1) === ':' && tags.ends('contact', i - 1)))) return true
  if (own !== 4) return false
  const previousNumber =
    kindAt(tokens, i - 1) === 'number' || (textAt(tokens, i - 1) === '-' && kindAt(tokens, i - 2) === 'number')
  return previousNumber && count(textAt(tokens, i - 1)) === 3 && count(textAt(tokens, i - 2)) >= 3
}

const SEPARATED = /[,']/u

/** Token index behind the last group of a phone number whose first group ends at `at`. */
export function phoneEnd(tokens: readonly Token[], at: number): number {
  let end = at
  for (let k = at; k < at + MAX_PHONE_SCAN; k++) {
    const token = tokens[k]
    if (token?.kind === 'number' && !SEPARATED.test(token.text)) end = k + 1
    else if (token?.text !== '-' && token?.text !== '(' && token?.text !== ')') break
  }
  return end
}

const count = (text: string): number => {
  let n = 0
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= 48 && text.charCodeAt(i) <= 57) n++
  return n
}
export const isYear = (text: string): boolean => text.length === 4 && text >= '1950' && text <= '2035' && /^\d+$/u.test(text)

/** Letters glued to a number that are neither multiplier nor currency nor unit make it part of a model name. */
export function gluedModel(tokens: readonly Token[], at: number, tags: Tags): boolean {
  const next = tokens[at]
  if (next?.kind !== 'word' || !next.glued || next.text === 'ish') return false
  if (next.start !== (tokens[at - 1] as Token).end) return false
  if (currencyAfter(tokens, at, tags.lang) !== undefined) return false
  return !tags.startingAt(at).some((h) => GLUED_OK.has(h.name))
}
