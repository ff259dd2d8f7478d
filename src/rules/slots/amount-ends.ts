import type { Token } from '../text/model.ts'
import { kindAt, textAt, tokenAt } from '../text/token-at.ts'
import { WordSet } from '../text/word-set.ts'
import { type CurrencyHit, currencyAfter } from './currency.ts'
import { OPENS, opens } from './openers.ts'
import type { Tags } from './tags.ts'

/** "70e": euros, except behind the name of a series or a brand, where it is a model. */
export function shortEuro(
  tokens: readonly Token[],
  i: number,
  tags: Tags,
  before: CurrencyHit | undefined,
): CurrencyHit | undefined {
  const token = tokens[i]
  if (token?.kind !== 'word' || token.text !== 'e' || !token.glued || token.caps !== 0 || before !== undefined) return undefined
  const next = tokens[i + 1]
  if (next?.glued === true && next.kind !== 'op') return undefined
  // "Campbell Biology 12e – 25": an edition before its price.
  if (next !== undefined && !next.glued && DASHES.has(next) && kindAt(tokens, i + 2) === 'number') return undefined
  const number = tokenAt(tokens, i - 1)
  const name = tokenAt(tokens, i - 2)
  if (number?.kind !== 'number' || number.glued || name?.kind === 'number') return undefined
  if (tags.ends('brand', i - 1) || tags.ends('series', i - 1)) return undefined
  // "calculus 8e … can do £10": an edition beside money that is named.
  if (number.text.length <= 2 && otherMoney(tokens, i)) return undefined
  return { code: 'EUR', source: 'word', rank: 1, start: i, end: i + 1 }
}
const DASHES = new WordSet(['-', '–', '—'])
const EUROS = new WordSet(['€', 'eur', 'euro', 'euros', 'e'])
const REACH = 24
/** Another currency is named not far from token i. */
function otherMoney(tokens: readonly Token[], i: number): boolean {
  for (let k = Math.max(0, i - REACH); k < i + REACH; k++) {
    const token = tokens[k]
    if (token === undefined) return false
    const money = token.kind === 'sign' || (token.kind === 'word' && (opens(token.form) & OPENS.currency) !== 0)
    if (money && !EUROS.has(token)) return true
  }
  return false
}

/** Behind a plus nothing stands that comes on top. */
const opensNothing = (tokens: readonly Token[], at: number, tags: Tags): boolean => {
  const next = tokens[at]
  if (next === undefined || next.kind === 'line' || next.text === ',' || next.text === '.') return true
  return !next.glued && currencyAfter(tokens, at, tags.lang) !== undefined
}
/** "€40+, any day". */
export const orMore = (tokens: readonly Token[], end: number, tags: Tags): boolean =>
  textAt(tokens, end) === '+' && tokens[end]?.glued === true && opensNothing(tokens, end + 1, tags)

/** "130 in my hand": paid so, not inches. */
export const noInch = (tokens: readonly Token[], at: number, tags: Tags): boolean =>
  textAt(tokens, at) === 'in' && !tokens[at]?.glued && tags.at('r_cue', at) !== undefined

/** "110 pm me": behind more than twelve "pm" is no half of a day. */
export const noHour = (tokens: readonly Token[], at: number, value: string): boolean =>
  (textAt(tokens, at) === 'pm' || textAt(tokens, at) === 'am') && Number(value) > 12
