import type { Intent } from '../lexicon/schema.ts'
import type { Token } from '../text/model.ts'
import type { Amount } from './amounts.ts'
import { COINS, type CurrencySource, currencyAfter } from './currency.ts'
import type { Tags } from './tags.ts'

export type PriceRole = 'asking' | 'budget' | 'offer' | 'rate' | 'historic' | 'addon' | 'topup' | 'face' | 'coin_quantity'
export type PriceFlag = 'negotiable' | 'firm' | 'approx' | 'shipped' | 'plus_shipping' | 'free' | 'from' | 'bundle'
export type PriceUnit =
  | 'item'
  | 'each'
  | 'lot'
  | 'hour'
  | 'day'
  | 'week'
  | 'month'
  | 'session'
  | 'lesson'
  | 'page'
  | 'word'
  | 'minute'
  | 'km'
  | 'other'

/** Amounts are decimal strings in the currency's main unit. */
export interface Money {
  readonly min: string | null
  readonly max: string | null
  readonly currency: string | null
  readonly currency_source: CurrencySource | null
  readonly unit: PriceUnit
  readonly role: 'asking' | 'budget' | 'offer' | 'rate'
  readonly flags: readonly PriceFlag[]
}

export interface PriceCandidate {
  readonly amount: Amount
  readonly role: PriceRole
  /** 3 money by sign or multiplier, 2 price word, 1 alone in its clause, 0 trailing number. */
  readonly tier: 0 | 1 | 2 | 3
  readonly bound: 'min' | 'max' | 'both'
  readonly now: boolean
  readonly approx: boolean
  readonly unit: PriceUnit
  /** Token index after unit and bound words. */
  readonly end: number
}

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

const LOOK_BACK = 6
const UNIT_CLASSES: readonly (readonly [string, PriceUnit])[] = [
  ['u_hour', 'hour'],
  ['u_day', 'day'],
  ['u_week', 'week'],
  ['u_month', 'month'],
  ['u_session', 'session'],
  ['u_lesson', 'lesson'],
  ['u_page', 'page'],
  ['u_word', 'word'],
  ['u_minute', 'minute'],
  ['u_km', 'km'],
  ['u_each', 'each'],
]
const PER = new Set([
  '/',
  'per',
  'por',
  'mỗi',
  'một',
  'в',
  'за',
  'a',
  'an',
  'la',
  'el',
  'the',
  'al',
  'ao',
  'à',
  '1',
  'cada',
  'o',
  'mot',
  'moi',
  'kada',
  'na',
  'every',
  'una',
  'um',
  'uma',
  'un',
])
const STOPS = new Set([',', '(', ')', '+'])

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
  // "1,500 USDT at 0.98 EUR": the coin is what is traded when another currency follows as its price.
  for (let i = 0; i + 1 < out.length; i++) {
    const [a, b] = [out[i] as PriceCandidate, out[i + 1] as PriceCandidate]
    const code = a.amount.currency?.code
    if (code === undefined || !COINS.has(code) || b.amount.currency?.code === code || b.tier < 2) continue
    const link = tags.endingAt(b.amount.start).some((h) => tags.name(h) === 'p_for' || tags.name(h) === 'p_ask')
    if (link) out[i] = { ...a, role: 'coin_quantity' }
  }
  return out
}

function judge(
  tokens: readonly Token[],
  tags: Tags,
  amount: Amount,
  isCue: (end: number) => boolean,
): PriceCandidate | undefined {
  const left = leftContext(tokens, tags, amount)
  const right = rightContext(tokens, tags, amount)
  const money = amount.currency !== undefined || (amount.multiplied && !countsThings(tokens, tags, amount))
  if (amount.role === 'year' && left.role === undefined) return undefined
  let role: PriceRole = 'asking'
  let bound: 'min' | 'max' | 'both' = 'both'
  if (left.cls === 'p_max') [role, bound] = ['budget', 'max']
  else if (left.cls === 'p_budget') [role, bound] = ['budget', amount.range ? 'both' : 'max']
  else if (left.cls === 'p_min') bound = 'min'
  else if (left.cls === 'p_offer') role = 'offer'
  else if (left.cls === 'p_hist') role = 'historic'
  else if (left.cls === 'p_addon') role = 'addon'
  if (left.outer === 'p_hist' && left.cls !== 'p_now' && left.cls !== 'p_ask') role = 'historic'
  if (left.outer === 'p_offer' && role === 'asking') role = 'offer'
  if (left.outer === 'p_budget' && left.cls === undefined) [role, bound] = ['budget', amount.range ? 'both' : 'max']
  if (right.max) [role, bound] = ['budget', 'max']
  if (right.min && bound === 'both') bound = 'min'
  if (right.hist && left.cls !== 'p_ask' && left.cls !== 'p_now') role = 'historic'
  if (right.face) role = 'face'
  if (right.addon && left.cls !== 'p_ask') role = 'addon'
  if (tokens[amount.start - 1]?.text === '+' && !left.strong) role = right.shipAfterPlus ? 'addon' : 'topup'
  if (left.cls === 'p_topup' || right.topup) role = 'topup'
  if (amount.range) bound = 'both'
  const coin = amount.currency?.code !== undefined && COINS.has(amount.currency.code)
  if (coin && (isCue(amount.start) || left.cueBefore(isCue))) role = 'coin_quantity'
  const tier = tierOf(tokens, tags, amount, money, left, right)
  if (tier === undefined) return undefined
  const now = left.cls === 'p_now' || tokens[amount.start - 1]?.text === '→'
  return {
    amount,
    role,
    tier,
    bound,
    now,
    approx: amount.approx || left.approx || right.approx,
    unit: right.unit,
    end: right.end,
  }
}

interface Left {
  readonly cls: string | undefined
  readonly outer: string | undefined
  readonly role: string | undefined
  readonly strong: boolean
  readonly approx: boolean
  cueBefore(isCue: (end: number) => boolean): boolean
}

const ROLE_CLASSES = new Set(['p_max', 'p_budget', 'p_min', 'p_offer', 'p_hist', 'p_addon', 'p_now', 'p_ask', 'p_for', 'p_topup'])

/** Nearest price word to the left within the clause, with the one before it. */
function leftContext(tokens: readonly Token[], tags: Tags, amount: Amount): Left {
  const sentence = tokens[amount.start]?.sentence
  let cls: string | undefined
  let outer: string | undefined
  let approx = false
  let decidedAt = -1
  let stop = amount.start
  let skipped = 0
  for (let end = amount.start; end > Math.max(0, amount.start - LOOK_BACK); ) {
    const token = tokens[end - 1] as Token
    if (token.kind === 'line' || token.sentence !== sentence || STOPS.has(token.text)) break
    if (token.kind === 'number') break
    let width = 0
    for (const hit of tags.endingAt(end)) {
      const name = tags.name(hit)
      if (name === 'p_approx' && cls === undefined) {
        approx = true
        width = Math.max(width, hit.end - hit.start)
      }
      if (!ROLE_CLASSES.has(name)) continue
      const size = hit.end - hit.start
      if (size < width && cls !== undefined) continue
      if (cls === undefined || (decidedAt === end && size > width)) {
        if (name !== 'p_for' || end === amount.start || approx) {
          cls = name
          decidedAt = end
        }
      } else if (outer === undefined && name !== 'p_for') outer = name
      width = Math.max(width, size)
    }
    if (width === 0) {
      if (token.text === '~' || token.text === '≈') approx = true
      skipped++
      width = 1
      const filler = token.kind === 'op' || token.kind === 'sign' || tags.endingAt(end).some((h) => tags.name(h) === 'p_skip')
      if (!filler && skipped > 2) break
    }
    end -= width
    stop = end
  }
  if (tokens[amount.start - 1]?.text === '~' || tokens[amount.start - 1]?.text === '≈') approx = true
  const strong = cls !== undefined && cls !== 'p_for'
  return {
    cls,
    outer,
    role: cls,
    strong,
    approx,
    cueBefore: (isCue) => {
      for (let i = amount.start; i >= Math.max(stop, amount.start - 2); i--) if (isCue(i)) return true
      return false
    },
  }
}

interface Right {
  readonly max: boolean
  readonly min: boolean
  readonly hist: boolean
  readonly face: boolean
  readonly addon: boolean
  readonly topup: boolean
  readonly shipAfterPlus: boolean
  readonly approx: boolean
  readonly cue: boolean
  readonly unit: PriceUnit
  readonly end: number
}

function rightContext(tokens: readonly Token[], tags: Tags, amount: Amount): Right {
  let at = amount.end
  const unit = unitAt(tokens, tags, at)
  if (unit !== undefined) at = unit.end
  const cue = {
    max: false,
    min: false,
    hist: false,
    face: false,
    addon: false,
    topup: false,
    shipAfterPlus: false,
    approx: false,
    cue: false,
  }
  for (let k = 0; k < 3; k++) {
    let moved = false
    for (const hit of tags.startingAt(at).toSorted((a, b) => b.end - a.end)) {
      const name = tags.name(hit)
      if (name === 'r_max') cue.max = true
      else if (name === 'r_min') cue.min = true
      else if (name === 'r_hist') cue.hist = true
      else if (name === 'r_addon') cue.addon = true
      else if (name === 'r_topup') cue.topup = true
      else if (
        name === 'f_shipped' ||
        name === 'f_firm' ||
        name === 'f_negotiable' ||
        name === 'f_plus_shipping' ||
        name === 'r_cue' ||
        name === 'p_approx'
      )
        cue.cue = true
      else continue
      if (hit.end > at) {
        at = hit.end
        moved = true
      }
      break
    }
    if (!moved) break
  }
  for (let k = 0; k <= 2; k++) if (tags.at('r_face', amount.end + k) !== undefined) cue.face = true
  if (tokens[amount.start - 1]?.text === '+' && tags.first('f_plus_shipping_word', amount.end, amount.end + 2) !== undefined)
    cue.shipAfterPlus = true
  if (cue.max || cue.min) cue.cue = true
  return { ...cue, unit: unit?.unit ?? 'item', end: Math.max(at, amount.end) }
}

/** P8. */
export function unitAt(tokens: readonly Token[], tags: Tags, at: number): { unit: PriceUnit; end: number } | undefined {
  const token = tokens[at]
  if (token === undefined) return undefined
  const each = tags.at('u_alone', at)
  if (each !== undefined) return { unit: 'each', end: each.end }
  const alone = tags.at('u_alone_hour', at) ?? undefined
  if (alone !== undefined) return { unit: 'hour', end: alone.end }
  const month = tags.at('u_alone_month', at)
  if (month !== undefined) return { unit: 'month', end: month.end }
  if (!PER.has(token.text)) return undefined
  const skip = token.text === '/' && PER.has(tokens[at + 1]?.text ?? '') ? 2 : 1
  for (let k = skip; k <= skip + 1; k++) {
    for (const [name, unit] of UNIT_CLASSES) {
      const hit = tags.at(name, at + k)
      if (hit !== undefined) return { unit, end: hit.end }
    }
  }
  if (token.text !== '/' && token.text !== 'per' && token.text !== 'mỗi') return undefined
  const next = tokens[at + 1]
  if (next?.kind === 'word' && tags.at('goods', at + 1) !== undefined) return { unit: 'each', end: at + 2 }
  if (next?.kind === 'word' || next?.kind === 'number') return { unit: 'other', end: at + 2 }
  return undefined
}

/** "10k cards", "3k followers": a counted noun, not money. */
function countsThings(tokens: readonly Token[], tags: Tags, amount: Amount): boolean {
  if (amount.implied !== undefined || amount.currency !== undefined) return false
  const next = tokens[amount.end]
  if (next?.kind !== 'word') return false
  if (tags.at('unit_measure', amount.end) !== undefined) return true
  if (isSlotWord(tags, amount.end)) return false
  return tags.at('goods', amount.end) !== undefined || tags.at('counted', amount.end) !== undefined
}

const isSlotWord = (tags: Tags, i: number): boolean =>
  tags.startingAt(i).some((h) => {
    const name = tags.name(h)
    return /^(?:f_|r_|u_|p_|pay|contact|pickup|ship|cond_|place_prep|urgent|slot_word)/u.test(name)
  })

function tierOf(
  tokens: readonly Token[],
  tags: Tags,
  amount: Amount,
  money: boolean,
  left: Left,
  right: Right,
): 0 | 1 | 2 | 3 | undefined {
  if (money) return 3
  const next = tokens[amount.end]
  const previous = tokens[amount.start - 1]
  const value = Number(amount.max)
  const open =
    next === undefined ||
    next.kind !== 'word' ||
    next.clause !== tokens[amount.at]?.clause ||
    right.end > amount.end ||
    isSlotWord(tags, amount.end)
  if (amount.multiplied) return undefined
  if (amount.words) return left.strong || right.cue ? 2 : undefined
  if (left.strong && left.cls !== undefined) {
    if (open || (left.cls !== 'p_max' && left.cls !== 'p_min' && left.cls !== 'p_hist' && left.cls !== 'p_addon')) return 2
    return undefined
  }
  if (left.cls === 'p_for' && open) return 2
  if (right.cue || right.unit !== 'item') return 2
  if (previous?.text === '→' || next?.text === '→') return 2
  if (left.approx && open && value >= 5) return 1
  if (value < 5 || amount.fractional || !open) return undefined
  const startsClause =
    previous === undefined ||
    previous.kind === 'line' ||
    previous.sentence !== tokens[amount.at]?.sentence ||
    previous.text === ',' ||
    previous.text === '—' ||
    (previous.kind === 'op' && previous.text !== '/' && previous.text !== '+' && previous.text !== '.')
  if (startsClause && previous?.text !== '.') return 1
  if (startsClause) return 1
  if (
    previous?.kind === 'word' &&
    tags
      .endingAt(amount.start)
      .some((h) => ['goods', 'brand', 'series', 'number_label', 'unit_time', 'month'].includes(tags.name(h)))
  )
    return undefined
  return value >= 10 ? 0 : undefined
}

const BUY_SIDE: ReadonlySet<Intent> = new Set(['buy', 'service_wanted'])

/** Chooses the price among the candidates for an intent (P3–P11). */
export function choosePrice(
  tokens: readonly Token[],
  tags: Tags,
  candidates: readonly PriceCandidate[],
  intent: Intent,
  from = 0,
): PriceReading {
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
  const usable = candidates.filter((c) => c.role === 'asking' || c.role === 'budget' || c.role === 'offer')
  const topupCandidate = candidates.find((c) => c.role === 'topup')
  const topup = topupCandidate === undefined ? null : money(tokens, tags, topupCandidate, intent)
  const free = isFree(tokens, tags)
  const extras: PriceCandidate[] = []
  let chosen: PriceCandidate | undefined
  if (intent !== 'exchange') {
    const sentenceOf = (c: PriceCandidate): number => tokens[c.amount.at]?.sentence ?? 0
    const preferred =
      from > 0 ? usable.filter((c) => c.amount.start >= from || sentenceOf(c) >= (tokens[from]?.sentence ?? 0)) : usable
    const pool = preferred.length > 0 ? preferred : usable
    chosen = pool.findLast((c) => c.now && c.tier >= 1) ?? pool.find((c) => c.tier >= 2)
    chosen ??= pool.find((c) => c.tier === 1) ?? pool.findLast((c) => c.tier === 0)
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
  let price = chosen === undefined ? null : money(tokens, tags, chosen, intent, coin !== undefined)
  if (price === null && free && intent !== 'exchange' && !BUY_SIDE.has(intent)) {
    price = { min: '0', max: '0', currency: null, currency_source: null, unit: 'item', role: 'asking', flags: ['free'] }
  }
  return { price, chosen, candidates, topup, coin, free, extras }
}

function money(tokens: readonly Token[], tags: Tags, c: PriceCandidate, intent: Intent, coin = false): Money {
  const { amount } = c
  const flags: PriceFlag[] = []
  const near = (name: string): boolean => tags.hits.some((h) => tags.name(h) === name)
  if (near('f_negotiable')) flags.push('negotiable')
  if (near('f_firm')) flags.push('firm')
  if (c.approx) flags.push('approx')
  if (near('f_plus_shipping')) flags.push('plus_shipping')
  else if (near('f_shipped')) flags.push('shipped')
  if (c.bound === 'min') flags.push('from')
  const buyer = BUY_SIDE.has(intent)
  const bundle = c.unit === 'item' ? bundleUnit(tokens, tags, c) : undefined
  const { code, source } = currencyOf(tokens, c, tags)
  return {
    min: c.bound === 'max' ? null : amount.min,
    max: c.bound === 'min' ? null : amount.max,
    currency: code,
    currency_source: source,
    unit: bundle ?? c.unit,
    role: coin ? 'rate' : c.role === 'budget' ? 'budget' : buyer ? 'offer' : 'asking',
    flags,
  }
}

/** "3 for $50", "the lot for", "for both": one price for several things. */
function bundleUnit(tokens: readonly Token[], tags: Tags, c: PriceCandidate): PriceUnit | undefined {
  const before = tokens[c.amount.start - 1]
  if (
    before !== undefined &&
    tags.endingAt(c.amount.start).some((h) => tags.name(h) === 'p_for') &&
    tokens[c.amount.start - 2]?.kind === 'number'
  )
    return 'lot'
  return tags.first('u_lot', c.end, c.end + 2) !== undefined ? 'lot' : undefined
}

function currencyOf(
  tokens: readonly Token[],
  c: PriceCandidate,
  tags: Tags,
): { code: string | null; source: CurrencySource | null } {
  const { amount } = c
  if (amount.currency?.code !== undefined && amount.currency.rank > 0)
    return { code: amount.currency.code, source: amount.currency.source }
  if (amount.currency?.rank === 0) {
    const place = tags.hits.find((h) => tags.name(h) === 'place' && h.value !== undefined)
    const code = SHARED_BY_PLACE[place?.value?.slice(0, 2) ?? '']
    return code === undefined ? { code: null, source: null } : { code, source: 'place' }
  }
  if (amount.implied !== undefined) return { code: amount.implied, source: 'language' }
  for (let k = 1; k <= 3; k++) {
    const word = tokens[amount.start - k]
    if (word?.kind !== 'word' || word.sentence !== tokens[amount.start]?.sentence) break
    const hit = currencyAfter(tokens, amount.start - k, tags.lang)
    if (hit?.source === 'word' && hit.code !== undefined) return { code: hit.code, source: 'word' }
  }
  return { code: null, source: null }
}

const SHARED_BY_PLACE: Readonly<Record<string, string>> = {
  MX: 'MXN',
  AR: 'ARS',
  CL: 'CLP',
  CO: 'COP',
  PH: 'PHP',
  UY: 'UYU',
  NO: 'NOK',
  SE: 'SEK',
  DK: 'DKK',
  IS: 'ISK',
}

/** P10: the item itself is given away. */
export function isFree(tokens: readonly Token[], tags: Tags): boolean {
  for (const hit of tags.hits) {
    if (tags.name(hit) !== 'free') continue
    const blocked = tags.hits.some((h) => tags.name(h) === 'free_other' && h.start <= hit.start && h.end >= hit.end)
    if (!blocked && tokens[hit.start]?.kind === 'word') return true
  }
  return false
}
