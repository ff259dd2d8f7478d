import type { Token } from '../text/model.ts'
import { textAt, tokenAt } from '../text/token-at.ts'
import { WordSet } from '../text/word-set.ts'
import type { Amount } from './amount.ts'
import { tradedCoins } from './coin-traded.ts'
import { countsInVietnamese, countsThings, ofUnknownCoin } from './counted.ts'
import { COINS } from './currency.ts'
import { candidateOf, isPrice, type PriceCandidate, type PriceRole } from './price-candidate.ts'
import { conditional, refused } from './price-conditions.ts'
import { leftContext, rightContext } from './price-context.ts'
import { corrected, deliveredToo, lowered, printed, stepped } from './price-corrections.ts'
import { listHead, pricePairs } from './price-pairs.ts'
import { tierOf } from './price-tier.ts'
import type { Tags } from './tags.ts'

export type { PriceCandidate, PriceRole } from './price-candidate.ts'

/** Role, tier and unit of every amount of money in the message. `isCue(i)`: an intent cue ends at token i. */
export function priceCandidates(
  tokens: readonly Token[],
  tags: Tags,
  amounts: readonly Amount[],
  isCue: (end: number) => boolean,
): PriceCandidate[] {
  const out: PriceCandidate[] = []
  for (const amount of amounts) {
    if (amount.role !== 'amount' && amount.role !== 'year') continue
    const candidate = judge(tokens, tags, amount, isCue)
    if (candidate !== undefined) out.push(candidate)
  }
  const pairs = out.some((c) => c.tier >= 2) ? [] : pricePairs(tokens, tags, amounts)
  if (pairs.length >= 2) {
    for (const amount of pairs) {
      const known = out.findIndex((c) => c.amount === amount)
      if (known >= 0) {
        const c = out[known] as PriceCandidate
        if (isPrice(c.role)) out[known] = candidateOf({ ...c, tier: 2 })
        continue
      }
      const at = out.findIndex((c) => c.amount.start > amount.start)
      const pair: PriceCandidate = {
        amount,
        role: 'asking',
        tier: 2,
        bound: 'both',
        now: false,
        approx: amount.approx,
        asked: false,
        soft: false,
        unit: 'item',
        end: amount.end,
      }
      out.splice(at < 0 ? out.length : at, 0, pair)
    }
  }
  // "selling my vario 125, 4 pcs, 18tr5": beside money itself a bare number behind a thing is part of its name, one before a
  // word of count counts.
  if (out.some((c) => c.tier === 3 && isPrice(c.role))) {
    for (const [i, c] of out.entries())
      if (c.tier === 2 && (namesModel(tags, c) || counts(tags, c))) out[i] = candidateOf({ ...c, tier: 0 })
  }
  if (out.some((c) => c.soft) && out.some((c) => !c.soft && c.tier >= 2 && isPrice(c.role)))
    for (const [i, c] of out.entries()) if (c.soft) out[i] = candidateOf({ ...c, role: 'historic' })
  deliveredToo(tokens, tags, out)
  lowered(tokens, out)
  if (out.length > 1) stepped(tokens, out)
  if (out.length > 1) printed(tokens, tags, out)
  if (out.length > 1) conditional(tokens, tags, out)
  if (amounts.length > 2 && out.length > 0) listHead(tokens, tags, amounts, out)
  if (out.length > 1 && tags.any('p_fix') !== undefined) corrected(tokens, tags, out)
  tradedCoins(tokens, tags, out)
  return out
}

/** "from 2009", "until 2020": before a year a bound is one of time. */
const SINCE: ReadonlySet<string> = new Set(['p_min', 'p_max'])

const BETWEEN = new WordSet(['between', 'entre', 'между', 'từ'])
const IN = new WordSet(['in', 'en', 'em', 'в', 'năm'])
/** "a civic between 2005 and 2010", "comprada en 2016"; "lo dejo en 2000" asks so much. */
const inYear = (tokens: readonly Token[], { start, max }: Amount): boolean => {
  const before = tokenAt(tokens, start - 1)
  return BETWEEN.has(before) || (IN.has(before) && !max.endsWith('00'))
}

const namesModel = (tags: Tags, { amount, end, unit }: PriceCandidate): boolean =>
  amount.currency === undefined &&
  !amount.words &&
  !amount.range &&
  end === amount.end &&
  unit === 'item' &&
  (tags.ends('goods', amount.start) || tags.ends('brand', amount.start))

const counts = (tags: Tags, { amount }: PriceCandidate): boolean =>
  amount.currency === undefined && !amount.multiplied && tags.at('quantity_after', amount.end) !== undefined

function judge(
  tokens: readonly Token[],
  tags: Tags,
  amount: Amount,
  isCue: (end: number) => boolean,
): PriceCandidate | undefined {
  const left = leftContext(tokens, tags, amount)
  const right = rightContext(tokens, tags, amount)
  if (countsInVietnamese(tokens, tags, amount, left) || ofUnknownCoin(tokens, tags, amount)) return undefined
  const asked = BEFORE_PRICE.has(tokenAt(tokens, amount.start - 1))
  // "một triệu hai" names its money as "1tr2" does.
  const vietnamese = amount.words && amount.implied !== undefined
  const money =
    amount.currency !== undefined || vietnamese || (amount.multiplied && (asked || !countsThings(tokens, tags, amount)))
  if (amount.role === 'year' && inYear(tokens, amount)) return undefined
  if (amount.role === 'year' && (left.role === undefined ? !toWhom(tokens, tags, amount) : !amount.range && SINCE.has(left.role)))
    return undefined
  const cls = left.cls ?? ''
  const outer = left.outer ?? ''
  let role: PriceRole = 'asking'
  let bound: 'min' | 'max' | 'both' = 'both'
  if (cls === 'p_max') [role, bound] = ['budget', 'max']
  else if (cls === 'p_budget') [role, bound] = ['budget', amount.range ? 'both' : 'max']
  else if (cls === 'p_min') bound = 'min'
  else if (cls === 'p_offer') role = 'offer'
  else if (cls === 'p_hist') role = 'historic'
  else if (cls === 'p_addon') role = 'addon'
  // "max rent 2600", "no pase de renta 800"
  if (outer === 'p_max' && (cls === 'p_ask' || cls === '')) [role, bound] = ['budget', 'max']
  if (outer === 'p_hist' && cls !== 'p_now' && cls !== 'p_ask') role = 'historic'
  if (outer === 'p_offer' && role === 'asking') role = 'offer'
  if (outer === 'p_budget' && cls === '') [role, bound] = ['budget', amount.range ? 'both' : 'max']
  if (right.max || latinUpTo(tokens, amount)) [role, bound] = ['budget', 'max']
  if ((right.min || (money && amount.plus)) && bound === 'both') bound = 'min'
  // "de 80 soles para arriba", "de 50 pra cima"
  if (right.min && role === 'historic' && textAt(tokens, amount.start - 1) === 'de') role = 'asking'
  // "cost £1,900 new"
  const cost = COST.has(tokenAt(tokens, amount.start - 1))
  if (right.hist && (cost || (cls !== 'p_ask' && cls !== 'p_now'))) role = 'historic'
  if (right.face) role = 'face'
  if (refused(tokens, amount.start)) role = 'historic'
  if (right.addon && cls !== 'p_ask') role = 'addon'
  if (textAt(tokens, amount.start - 1) === '+' && !left.strong) role = right.shipAfterPlus ? 'addon' : 'topup'
  if (cls === 'p_topup' || right.topup) role = 'topup'
  if (amount.range) bound = 'both'
  const coin = amount.currency?.code !== undefined && COINS.has(amount.currency.code)
  if (coin && (isCue(amount.start) || cueBefore(amount, left.from, isCue))) role = 'coin_quantity'
  const tier = tierOf(tokens, tags, amount, money, left, right)
  if (tier === undefined) return undefined
  const now = cls === 'p_now' || textAt(tokens, amount.start - 1) === '→'
  return {
    amount,
    role,
    tier,
    bound,
    now,
    approx: amount.approx || left.approx || right.approx,
    asked: left.strong,
    soft: cls === 'p_usual',
    unit: right.unit,
    end: right.end,
  }
}

const COST = new WordSet(['cost', 'costs', 'costó', 'costaba', 'custou', 'custava'])

/** "отдам за 13 тысяч ps4": what is named behind the price is not counted by it. */
const BEFORE_PRICE = new WordSet(['за', 'za'])

/** "2000 тому, кто соберёт": what a sentence begins with and somebody gets is no year. */
const toWhom = (tokens: readonly Token[], tags: Tags, { start, end, at }: Amount): boolean =>
  WHOM.has(tokens[end]) && tokenAt(tokens, start - 1)?.sentence !== tokens[at]?.sentence && tags.at('r_cue', end) !== undefined
const WHOM = new WordSet(['тому', 'тем', 'to', 'al', 'a', 'para', 'pra', 'cho'])

const EASTERN = new Set(['RUB', 'GEL', 'KZT', 'UAH', 'BYN', 'AMD', 'UZS', 'KGS', 'AZN', 'MDL', 'RSD'])
const ABLE = new WordSet("i can could will would i'd id i'll ill we you u to just".split(' '))
/** "do 22k rub": Russian in Latin letters; "can do 200 lari" is English. */
const latinUpTo = (tokens: readonly Token[], amount: Amount): boolean =>
  textAt(tokens, amount.start - 1) === 'do' &&
  EASTERN.has(amount.currency?.code ?? '') &&
  !ABLE.has(tokenAt(tokens, amount.start - 2))

function cueBefore(amount: Amount, from: number, isCue: (end: number) => boolean): boolean {
  for (let i = amount.start; i >= Math.max(from, amount.start - 2); i--) if (isCue(i)) return true
  return false
}
