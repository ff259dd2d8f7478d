import type { Token } from '../text/model.ts'
import { kindAt, textAt, tokenAt } from '../text/token-at.ts'
import { WordSet } from '../text/word-set.ts'
import type { CurrencyHit } from './currency.ts'
import { unitAt } from './price-unit.ts'
import type { Tags } from './tags.ts'

/** Letters that are signs of money; most of them count only where their country is named. */
const LETTERS: Readonly<Record<string, readonly [code: string, country?: string]>> = {
  r: ['ZAR'],
  q: ['GTQ'],
  l: ['HNL', 'HN'],
  k: ['ZMW', 'ZM'],
  p: ['PHP', 'PH'],
  n: ['NGN', 'NG'],
}
const CENTS = /[.,]\d\d$/u

const PRICED = new Set(['p_ask', 'p_for', 'p_max', 'p_min', 'p_budget', 'p_offer', 'p_now', 'p_hist', 'p_addon'])
const BEHIND = /^(?:f_|r_|u_)/u
const CLOSES = new WordSet([',', '.', '!', ';', ')', '('])
/** Rims and roads have numbers below. */
const MIN_NAMED = 30
/** Cameras and roads have numbers below. */
const MIN_ALONE = 100

/**
 * "R650", "R1 800", "Q900": rand and quetzales, where a price may stand and no name is written so: behind a price word, with a second such amount, before
 * a unit or a price word, or at the end of a clause.
 */
export function letterMoney(tokens: readonly Token[], i: number, tags: Tags): CurrencyHit | undefined {
  const [sign, number] = [tokenAt(tokens, i - 1), tokens[i]]
  if (sign?.caps !== 2 || sign.text.length !== 1 || number?.glued !== true) return undefined
  if (sign.glued && kindAt(tokens, i - 2) !== 'line') return undefined
  const [code, country] = LETTERS[sign.text] ?? []
  if (code === undefined || (country !== undefined && tags.country() !== country)) return undefined
  const group = tokens[i + 1]
  const grouped = group?.kind === 'number' && !group.glued && group.text.length === 3 && group.start - number.end === 1
  // "R9 390" is a card, "R7 900" a price.
  const thousands = textAt(tokens, i + 1) === 'k' && tokens[i + 1]?.glued === true
  if (number.text.length === 1 && !thousands && !(grouped && group.text.endsWith('00'))) return undefined
  const at = grouped || thousands ? i + 2 : i + 1
  const [before, next] = [tokenAt(tokens, i - 2), tokens[at]]
  if (next?.kind === 'word' && next.glued && next.text !== 'k') return undefined
  const hit: CurrencyHit = { code, source: 'explicit', rank: 2, start: i - 1, end: i }
  const value = grouped || thousands ? MIN_ALONE : Number(number.text.replaceAll(',', ''))
  const unit = unitAt(tokens, tags, at) !== undefined
  if (tags.endingAt(i - 1).some((h) => PRICED.has(h.name))) return value >= MIN_NAMED || unit ? hit : undefined
  // "BMW R1250", "205/55 R16", "on the R512": a name, a size, a road.
  if (before !== undefined && before.sentence === sign.sentence) {
    if (before.kind === 'number' || before.text === 'the') return undefined
    if (before.kind === 'word' && (before.caps > 0 || tags.ends('brand', i - 1) || namesSeries(tags, i - 1))) return undefined
  }
  if (unit || (value >= MIN_NAMED && isSecond(tokens, i - 1, sign.text))) return hit
  if (value < MIN_ALONE && !CENTS.test(number.text)) return undefined
  const closed = next === undefined || next.clause !== sign.clause || next.kind === 'line' || CLOSES.has(next)
  return closed || next.text === 'for' || tags.startingAt(at).some((h) => BEHIND.test(h.name)) ? hit : undefined
}

/** "set" names cards of a game and what somebody does for so much. */
const namesSeries = (tags: Tags, i: number): boolean => tags.ends('series', i) && !tags.ends('u_session', i)

const isSecond = (tokens: readonly Token[], at: number, letter: string): boolean =>
  tokens.some(
    (t, k) => k !== at && t.text === letter && t.caps === 2 && kindAt(tokens, k + 1) === 'number' && tokens[k + 1]?.glued,
  )
