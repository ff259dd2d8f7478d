import { SLOT } from '../lexicon/slot-words.ts'
import { type Intent, type Money, NOTHING_SAID, type PriceFlag, type PriceUnit } from '../model.ts'
import type { Token } from '../text/model.ts'
import { kindAt, textAt, tokenAt } from '../text/token-at.ts'
import type { Amount } from './amount.ts'
import { COINS, type CurrencySource, currencyAfter, standingCode } from './currency.ts'
import { isPrice, type PriceCandidate } from './price-candidate.ts'
import { held, ownMoney, takesSoMany } from './price-sides.ts'
import type { Tags } from './tags.ts'

export interface PriceReading {
  readonly price: Money | null
  readonly chosen: PriceCandidate | undefined
  readonly candidates: readonly PriceCandidate[]
  readonly topup: Money | null
  /** Amount of a traded coin. */
  readonly coin: { readonly value: number; readonly ticker: string; readonly start: number; readonly end: number } | undefined
  readonly free: boolean
  readonly extras: readonly PriceCandidate[]
}

const buysSomething = (intent: Intent): boolean => intent === 'buy' || intent === 'service_wanted'

/** Chooses the price among the candidates for an intent (P3–P11). */
export function choosePrice(
  tokens: readonly Token[],
  tags: Tags,
  candidates: readonly PriceCandidate[],
  intent: Intent,
  from = 0,
): PriceReading {
  const free = isFree(tokens, tags)
  if (candidates.length === 0) return withoutMoney(candidates, intent, free)
  const coinCandidate = candidates.find((c) => c.role === 'coin_quantity')
  const coin =
    coinCandidate === undefined
      ? undefined
      : {
          value: Number(coinCandidate.amount.max),
          ticker: coinCandidate.amount.currency?.code as string,
          start: coinCandidate.amount.start,
          end: coinCandidate.amount.end,
        }
  const topupCandidate = candidates.find((c) => c.role === 'topup')
  const topup = topupCandidate === undefined ? null : money(tokens, tags, topupCandidate, intent)
  const extras: PriceCandidate[] = []
  let chosen: PriceCandidate | undefined
  if (intent !== 'exchange') {
    const buys = buysSomething(intent)
    const usable = candidates.filter((c) => isPrice(c.role) && !(buys && takesSoMany(tokens, c)) && !(free && held(tokens, c)))
    const sentenceOf = (c: PriceCandidate): number => tokens[c.amount.at]?.sentence ?? 0
    const preferred =
      from > 0 ? usable.filter((c) => c.amount.start >= from || sentenceOf(c) >= (tokens[from]?.sentence ?? 0)) : usable
    const pool = preferred.length > 0 ? preferred : usable
    chosen = pool.findLast((c) => c.now && c.tier >= 1) ?? pool.find(plainMoney) ?? pool.find((c) => c.tier >= 2)
    chosen ??= pool.find((c) => c.tier === 1) ?? pool.findLast((c) => c.tier === 0)
    // "Le pongo 250 varos por pieza", "il pay petrol n 30 on top": what a buyer adds to nothing else is what they offer.
    if (chosen === undefined && topupCandidate !== undefined && buysSomething(intent) && topupCandidate.tier >= 2)
      chosen = topupCandidate
    const coinPriced = chosen?.amount.currency?.code !== undefined && COINS.has(chosen.amount.currency.code)
    if (
      coin !== undefined &&
      coinPriced &&
      chosen?.tier === 3 &&
      chosen.role === 'asking' &&
      coin.ticker === chosen.amount.currency?.code
    )
      chosen = undefined
    for (const c of usable) if (c !== chosen && c.tier >= 2 && extras.length < 20) extras.push(c)
  }
  if (chosen !== undefined && buysSomething(intent)) chosen = ownMoney(tokens, chosen)
  const price = chosen === undefined ? givenAway(intent, free) : money(tokens, tags, chosen, intent, coin !== undefined)
  return { price, chosen, candidates, topup: chosen === topupCandidate ? null : topup, coin, free, extras }
}

const withoutMoney = (candidates: readonly PriceCandidate[], intent: Intent, free: boolean): PriceReading => ({
  price: givenAway(intent, free),
  chosen: undefined,
  candidates,
  topup: null,
  coin: undefined,
  free,
  extras: [],
})

const givenAway = (intent: Intent, free: boolean): Money | null =>
  free && intent !== 'exchange' && !buysSomething(intent)
    ? { min: '0', max: '0', currency: null, currency_source: null, unit: 'item', role: 'asking', flags: ['free'] }
    : null

/** A currency says so; "two kids (4 and 7)" only stands where a price might. */
const plainMoney = (c: PriceCandidate): boolean =>
  c.tier >= 2 && (c.amount.currency !== undefined || c.amount.implied !== undefined)

function money(tokens: readonly Token[], tags: Tags, c: PriceCandidate, intent: Intent, coin = false): Money {
  const { amount } = c
  const flags: PriceFlag[] = []
  const worded = tags.speaksOf(SLOT.priceWord)
  if (worded && tags.any('f_negotiable') !== undefined) flags.push('negotiable')
  if (worded && tags.any('f_firm') !== undefined) flags.push('firm')
  if (c.approx) flags.push('approx')
  if (worded && tags.any('f_plus_shipping') !== undefined) flags.push('plus_shipping')
  else if (worded && tags.any('f_shipped') !== undefined) flags.push('shipped')
  if (c.bound === 'min') flags.push('from')
  const buyer = buysSomething(intent)
  const bundle = c.unit === 'item' ? bundleUnit(tokens, tags, c) : undefined
  const { code, source } = currencyOf(tokens, c, tags, coin)
  return {
    min: c.bound === 'max' ? null : amount.min,
    max: c.bound === 'min' ? null : amount.max,
    currency: code,
    currency_source: source,
    unit: bundle ?? c.unit,
    role: coin ? 'rate' : c.role === 'budget' ? 'budget' : buyer ? 'offer' : 'asking',
    flags: flags.length === 0 ? NOTHING_SAID.list : flags,
  }
}

/** "3 for $50", "the lot for", "for both": one price for several things. */
function bundleUnit(tokens: readonly Token[], tags: Tags, c: PriceCandidate): PriceUnit | undefined {
  const before = tokenAt(tokens, c.amount.start - 1)
  if (before !== undefined && tags.ends('p_for', c.amount.start) && kindAt(tokens, c.amount.start - 2) === 'number') return 'lot'
  return tags.first('u_lot', c.end, c.end + 2) !== undefined ? 'lot' : undefined
}

function currencyOf(
  tokens: readonly Token[],
  c: PriceCandidate,
  tags: Tags,
  coin: boolean,
): { code: string | null; source: CurrencySource | null } {
  const { amount } = c
  if (amount.currency?.code !== undefined && amount.currency.rank > 0) {
    // "C$ 250 mil, Masaya": córdobas have the sign of Canadian dollars.
    const cordobas = amount.currency.code === 'CAD' && amount.currency.rank === 2 && tags.country() === 'NI'
    if (cordobas) return { code: 'NIO', source: 'place' }
    return { code: amount.currency.code, source: amount.currency.source }
  }
  if (amount.currency?.rank === 0) {
    const code = SHARED_BY_PLACE[tags.country() ?? '']
    return code === undefined ? { code: null, source: null } : { code, source: 'place' }
  }
  if (amount.implied !== undefined) return { code: amount.implied, source: 'language' }
  for (let k = 1; k <= 3; k++) {
    const word = tokenAt(tokens, amount.start - k)
    if (word?.kind !== 'word' || word.sentence !== tokens[amount.start]?.sentence) break
    const hit = currencyAfter(tokens, amount.start - k, tags.lang)
    if (hit?.source === 'word' && hit.code !== undefined) return { code: hit.code, source: 'word' }
  }
  // "I'd rather see my usdt as euros, 0.93 each"
  const paid = coin ? otherMoney(tokens, tags) : undefined
  if (paid !== undefined) return { code: paid, source: 'word' }
  const standing = standingCode(tokens)
  if (standing !== undefined) return { code: standing, source: 'explicit' }
  // "2 тысячи, Самара": where no other country is named, roubles as "2 тыс" are.
  if (tags.lang === 'ru' && thousands(tokens, amount)) {
    const country = tags.country()
    if (country === undefined || country === 'RU') return { code: 'RUB', source: 'language' }
  }
  return { code: null, source: null }
}

/** The first money named that is no coin. */
function otherMoney(tokens: readonly Token[], tags: Tags): string | undefined {
  for (let i = 0; i < tokens.length; i++) {
    if (kindAt(tokens, i) !== 'word') continue
    const code = currencyAfter(tokens, i, tags.lang)?.code
    if (code !== undefined && !COINS.has(code)) return code
  }
  return undefined
}

const thousands = (tokens: readonly Token[], { start, end }: Amount): boolean => {
  for (let i = start - 2; i <= end; i++) if (/^(?:тысяч|тыщ|косар)/u.test(textAt(tokens, i))) return true
  return false
}

const SHARED_BY_PLACE: Readonly<Record<string, string>> = {
  MX: 'MXN',
  AR: 'ARS',
  CL: 'CLP',
  CO: 'COP',
  PH: 'PHP',
  UY: 'UYU',
  PE: 'PEN',
  PT: 'EUR',
  BR: 'BRL',
  BO: 'BOB',
  VE: 'VES',
  NI: 'NIO',
  HN: 'HNL',
  GT: 'GTQ',
  PY: 'PYG',
  CR: 'CRC',
  DO: 'DOP',
  KE: 'KES',
  TZ: 'TZS',
  UG: 'UGX',
  IN: 'INR',
  PK: 'PKR',
  LK: 'LKR',
  CZ: 'CZK',
  RS: 'RSD',
  KW: 'KWD',
  JO: 'JOD',
  SA: 'SAR',
  QA: 'QAR',
  OM: 'OMR',
  NO: 'NOK',
  SE: 'SEK',
  DK: 'DKK',
  IS: 'ISK',
}

/** P10: the item itself is given away. */
export function isFree(tokens: readonly Token[], tags: Tags): boolean {
  if (!tags.speaksOf(SLOT.free)) return false
  for (const hit of tags.hits) {
    if (hit.name !== 'free') continue
    const blocked = tags.hits.some((h) => h.name === 'free_other' && h.start <= hit.start && h.end >= hit.end)
    if (!blocked && kindAt(tokens, hit.start) === 'word') return true
  }
  return false
}
