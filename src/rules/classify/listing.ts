import type { TradeIntent } from '../model.ts'
import { ListTable } from '../slots/list-table.ts'
import type { PriceCandidate } from '../slots/price-candidates.ts'
import { unitAt } from '../slots/price-unit.ts'
import type { Tags } from '../slots/tags.ts'
import type { Token } from '../text/model.ts'
import { kindAt, textAt, tokenAt } from '../text/token-at.ts'
import { WordSet } from '../text/word-set.ts'
import { skipOps } from './evidence.ts'
import { type ObjectHead, objectIn } from './objects.ts'
import { ownWork } from './own-work.ts'
import { type HaveWant, letterTags } from './structure.ts'
import type { Evidence, Weighing } from './weighing.ts'

/** Evidence of the layout: have/want lines, letter tags, cards and listings (3.5). */
export function structureEvidence(input: Weighing, frame: HaveWant | undefined): Evidence[] {
  const { lexicon, prepared, tags } = input
  const { tokens } = prepared
  const w = lexicon.weights.structure
  const out: Evidence[] = []
  const add = (
    intent: TradeIntent,
    points: number,
    label: string,
    start: number,
    end: number,
    object = objectIn(tokens, tags, end),
  ): void => {
    out.push({ intent, points, family: label === 'tag' ? 'tag' : 'structure', cue: label, start, end, object, postfix: false })
  }
  if (frame !== undefined)
    add(
      frame.intent,
      w.have_want,
      'have/want',
      frame.start,
      frame.start + 1,
      objectIn(tokens, tags, (frame.intent === 'buy' ? frame.want : frame.have)[0]),
    )
  else {
    for (const tag of letterTags(tokens)) if (tag.intent !== 'closed') add(tag.intent, w.tag, 'tag', tag.start, tag.end)
  }
  if (out.length === 0) listing(input, add)
  return out
}

type Add = (intent: TradeIntent, points: number, label: string, start: number, end: number, object?: ObjectHead) => void

const SPOKEN_FOR = new Set(['historic', 'face', 'topup', 'addon'])
const WORK_UNITS = new Set(['hour', 'session', 'lesson', 'page', 'word', 'minute'])
/** Nobody sells a thing by these. */
const PURE_WORK = new Set(['lesson', 'page', 'word', 'minute', 'hour'])
/** What a message without a cue must show to be a listing: thing, price and manner of an advertisement. */
const ENOUGH = 4
const MAX_SIGNS = 3
const MAX_TALK = 4
/** What a word of report counts against a listing. */
const REPORT = 2
/** Tokens between a thing and the price it is advertised at. */
const MAX_DESCRIPTION = 5

/** Cards, price lists and listings without a cue: a thing, a price and signs of sale outweigh ordinary talk. */
function listing(input: Weighing, add: Add): void {
  const { lexicon, prepared, tags, candidates } = input
  const { tokens } = prepared
  const w = lexicon.weights.structure
  const work = candidates.length === 0 ? undefined : ownWork(tokens, tags)
  const least = work === undefined ? 1 : 0
  const prices = candidates.length === 0 ? candidates : candidates.filter((c) => c.tier >= least && !SPOKEN_FOR.has(c.role))
  const label = tags.any('price_label') !== undefined || tokens.some((t) => t.kind === 'emoji' && MONEY_SIGNS.has(t))
  if (prices.length === 0 && !label) return
  if (prepared.questions.includes(true)) return
  if (prices.length > 0 && prices.every((c) => c.role === 'budget' || c.role === 'offer')) return
  const head = work ?? headline(tokens, tags)
  if (head === undefined || wanted(tokens, head)) return
  if (work !== undefined && prices.every((c) => ofKnownThing(tokens, c))) return
  // "clearing the house: table 300k": the work named is the reason, not the offer.
  const reason = input.patterns.guards.some((g) => g.rule.kind === 'not_service')
  const first: ObjectHead =
    reason && head.kind === 'service'
      ? { ...head, kind: 'goods' }
      : head.kind === 'goods' && worksOn(tokens, tags, head)
        ? { ...head, kind: 'service' }
        : head
  const strong = prices.filter((c) => c.tier >= 2).length
  const timed =
    prices.some((c) => WORK_UNITS.has(c.unit)) || prices.some((c) => unitAt(tokens, tags, c.amount.end)?.unit === 'hour')
  const lines = tokens.some((t) => t.kind === 'line')
  const signs = Math.min(MAX_SIGNS, saleSigns(tokens, tags))
  const talk =
    Math.min(advertised(prices, first, tokens) ? 1 : MAX_TALK, talks(tokens, tags, work?.end ?? 0)) +
    REPORT * (reports(tokens, tags) + (DEFINITE.has(tokens[skipOps(tokens, 0)]) ? 1 : 0))
  const trade = first.kind === 'trade' || first.kind === 'service'
  const concrete = first.kind === 'goods' || first.kind === 'model'
  const points =
    (strong > 0 ? 2 : prices.length > 0 ? 1 : 0) +
    (prices.length >= 2 ? 1 : 0) +
    (prices.some((c) => c.end > c.amount.end) ? 1 : 0) +
    (trade || concrete ? 2 : first.kind === 'word' ? 1 : -2) +
    (lines && (prices.length > 0 || label) ? 1 : 0) +
    (label ? 1 : 0) +
    (prices.some((c) => c.tier === 3 && standsAlone(c, tokens)) ? 1 : 0) +
    signs -
    talk
  // Of an unknown thing only money itself tells, and nothing may sound like talk.
  const plain = !concrete && !trade
  if (points < ENOUGH || (plain && (talk > (signs >= 2 ? 1 : 0) || !prices.some((c) => c.tier === 3)))) return
  const worked = prices.some((c) => PURE_WORK.has(c.unit))
  const service = trade || (timed && !concrete) || worked
  const kind = lines && (label || signs >= 1) ? 'card' : strong >= 2 && lines ? 'price list' : 'listing line'
  const value =
    work !== undefined
      ? w.own_work
      : trade
        ? w.trade_line
        : kind === 'card'
          ? w.card
          : kind === 'price list'
            ? w.price_list
            : w.listing_line
  add(service ? 'service_offered' : 'sell', value, kind, first.start, first.start + 1, first)
}

/** "Mesa de centro, 120 reais, …": thing and price stand alone at the head; what follows may be said in sentences. */
const advertised = (prices: readonly PriceCandidate[], first: ObjectHead, tokens: readonly Token[]): boolean =>
  prices.some((c) => {
    const gap = c.amount.start - first.end
    const next = tokens[c.end]
    const alone = next === undefined || next.clause !== tokens[c.amount.at]?.clause || next.kind !== 'word'
    return c.tier === 3 && gap >= 0 && gap <= MAX_DESCRIPTION && alone
  })

/** "Ikea Pax with mirror doors. 120 EUR": the price is a sentence of its own. */
const standsAlone = ({ amount, end }: PriceCandidate, tokens: readonly Token[]): boolean =>
  amount.start > 0 &&
  tokenAt(tokens, amount.start - 1)?.sentence !== tokens[amount.start]?.sentence &&
  tokens[end]?.sentence !== tokens[amount.start]?.sentence

/** "Moving helpers wanted", "purchasing 300 USDT", "small shop needs …": the opening says that something is looked for. */
const WANTED = new WordSet(
  (
    'wanted needed required sought needs purchasing wtb iso buying seeking hiring ' +
    'busco compro necesito buscamos procuro preciso procura-se ищу куплю нужен нужна нужно нужны требуется ищем cần tìm mua kiếm tuyển'
  ).split(' '),
)
const OPENING = 4
function wanted(tokens: readonly Token[], head: ObjectHead): boolean {
  const clause = tokens[head.start]?.clause
  for (let i = 0; i < Math.min(tokens.length, head.end + OPENING); i++) {
    const token = tokens[i] as Token
    if (WANTED.has(token) && (i < head.start || token.clause === clause)) return true
  }
  return false
}

const HEAD_REACH = 4
/** "console board level repair": in English the last noun of the clause says what is offered. */
function worksOn(tokens: readonly Token[], tags: Tags, head: ObjectHead): boolean {
  if (tags.lang !== 'en' && tags.lang !== 'und') return false
  for (let end = head.end + 1; end <= Math.min(tokens.length, head.end + HEAD_REACH); end++) {
    if (kindAt(tokens, end - 1) !== 'word' || tokenAt(tokens, end - 1)?.clause !== tokens[head.start]?.clause) return false
    const next = tokens[end]
    if (next !== undefined && next.kind === 'word' && next.clause === tokens[head.start]?.clause) continue
    return tags.ends('service_noun', end)
  }
  return false
}

/** "hago pan los domingos, la harina ya va por 1,80": the price belongs to something else. */
function ofKnownThing(tokens: readonly Token[], { amount }: PriceCandidate): boolean {
  let at = amount.start
  while (at > 0 && tokenAt(tokens, at - 1)?.clause === tokens[amount.at]?.clause && textAt(tokens, at - 1) !== ',') at--
  return at < amount.start && KNOWN.has(tokens[at])
}

/** What is known already is talked of: "the new console costs 599". */
const DEFINITE = new WordSet(['the', 'those', 'el', 'los', 'las', 'os', 'этот', 'эта', 'эти'])
/** "my nan's old sewing machine, works, 80": what is one's own may be advertised. */
const KNOWN = new WordSet('the el la los las o os as'.split(' '))
const OWN = new WordSet(
  'my our mi mis nuestro nuestra meu minha meus minhas nosso nossa мой моя моё мои наш наша наше наши'.split(' '),
)
const MONEY_SIGNS = new WordSet(['💰', '💵', '🏷', '💲', '💸'])

/** The head of the first clause when the message begins with a thing or a trade. */
function headline(tokens: readonly Token[], tags: Tags): ObjectHead | undefined {
  let start = skipOps(tokens, 0)
  if (OWN.has(tokens[start])) start++
  if (tags.at('talk', start) !== undefined && tags.at('not_talk', start) === undefined) return undefined
  const found = objectIn(tokens, tags, start, start + 7)
  if (found !== undefined && found.kind !== 'word') return found
  // "Clearout! Makita drill 40": the thing stands in the second clause.
  const next = tokens.findIndex((t, i) => i > start && (t.sentence !== tokens[start]?.sentence || t.text === ':'))
  const later = next < 0 || next > start + 6 ? undefined : objectIn(tokens, tags, skipOps(tokens, next), next + 8)
  return later !== undefined && later.kind !== 'word' ? later : found
}

/** Verbs and pronouns of ordinary talk, those of sale phrases left out. */
function talks(tokens: readonly Token[], tags: Tags, from: number): number {
  let n = 0
  for (let i = from; i < tokens.length; i++) {
    if (tags.at('talk', i) !== undefined && !tags.startingAt(i).some((h) => h.name.startsWith('f_') || h.name === 'not_talk')) n++
  }
  return n
}

/** Verbs and words of news and complaint: nobody advertises with them. */
function reports(tokens: readonly Token[], tags: Tags): number {
  let n = 0
  for (let i = 0; i < tokens.length; i++) if (tags.at('report', i) !== undefined) n++
  return Math.min(2, n)
}

const SALE_SIGNS = [
  'f_negotiable',
  'f_firm',
  'f_shipped',
  'f_plus_shipping',
  'pickup',
  'ship',
  'contact',
  'pay',
  'cond_new',
  'cond_like_new',
  'cond_used',
  'cond_for_parts',
  'cond_refurbished',
  'p_ask',
  'sale_sign',
  'place',
  'place_prep_strong',
  'u_alone',
  'u_lot',
  'u_alone_month',
  'quantity_after',
]
/** A bit for each of them. */
const SIGN_OF = new ListTable((name) => (SALE_SIGNS.includes(name) ? 1 << SALE_SIGNS.indexOf(name) : 0))
const PIN = 1 << SALE_SIGNS.length

function saleSigns(tokens: readonly Token[], tags: Tags): number {
  const signOf = SIGN_OF.of(tags.classNames)
  let seen = tokens.some((t) => t.text === '📍') ? PIN : 0
  for (const { cls } of tags.hits) seen |= signOf[cls] ?? 0
  let count = 0
  for (; seen !== 0; seen &= seen - 1) count++
  return count
}
