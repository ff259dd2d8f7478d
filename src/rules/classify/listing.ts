import type { TradeIntent } from '../model.ts'
import { unitAt } from '../slots/price-unit.ts'
import type { Tags } from '../slots/tags.ts'
import type { Token } from '../text/model.ts'
import { skipOps } from './evidence.ts'
import { type ObjectHead, objectIn } from './objects.ts'
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

/** Cards, price lists and one-line listings: an item first, a price, a sign of sale, and no talk around it. */
function listing(input: Weighing, add: Add): void {
  const { lexicon, prepared, tags, candidates } = input
  const { tokens } = prepared
  const w = lexicon.weights.structure
  const prices = candidates.filter(
    (c) => c.tier >= 1 && c.role !== 'historic' && c.role !== 'face' && c.role !== 'topup' && c.role !== 'addon',
  )
  if (prices.length === 0 && tags.first('price_label', 0, tokens.length) === undefined) return
  const first = headline(tokens, tags)
  if (first === undefined) return
  const talk = talks(tokens, tags)
  const question = prepared.questions.some((q) => q)
  const timed =
    prices.some((c) => ['hour', 'session', 'lesson', 'page', 'word', 'minute'].includes(c.unit)) ||
    prices.some((c) => unitAt(tokens, tags, c.amount.end)?.unit === 'hour')
  const lines = tokens.some((t) => t.kind === 'line')
  const signs = saleSigns(tokens, tags)
  const budgetOnly = prices.length > 0 && prices.every((c) => c.role === 'budget')
  if (question || budgetOnly) return
  const trade = first.kind === 'trade' || first.kind === 'service'
  const strong = prices.some((c) => c.tier >= 2)
  if (trade && !talk && (timed || strong || signs >= 1)) {
    add('service_offered', w.trade_line, 'trade noun and price', first.start, first.end, first)
    return
  }
  if (talk) return
  const label =
    tags.first('price_label', 0, tokens.length) !== undefined ||
    tokens.some((t) => t.text === '💰' || t.text === '💵' || t.text === '🏷')
  if (lines && (label || signs >= 1) && (prices.length > 0 || label)) {
    add(timed || trade ? 'service_offered' : 'sell', w.card, 'card', first.start, first.start + 1, first)
    return
  }
  const concrete = first.kind === 'goods' || first.kind === 'model'
  if (concrete && strong && prices.length >= 2 && lines)
    add('sell', w.price_list, 'price list', first.start, first.start + 1, first)
  else if (concrete && (strong || prices.length > 0) && (signs >= 1 || prices.length >= 2))
    add(timed ? 'service_offered' : 'sell', w.listing_line, 'listing line', first.start, first.start + 1, first)
}

/** The head of the first clause when the message begins with a thing or a trade. */
function headline(tokens: readonly Token[], tags: Tags): ObjectHead | undefined {
  const start = skipOps(tokens, 0)
  if (tags.at('talk', start) !== undefined) return undefined
  return objectIn(tokens, tags, start, start + 7)
}

/** Verbs and pronouns of ordinary talk in the first two clauses. */
function talks(tokens: readonly Token[], tags: Tags): boolean {
  for (let i = 0; i < tokens.length; i++) {
    if (
      tags.at('talk', i) !== undefined &&
      !tags.startingAt(i).some((h) => tags.name(h).startsWith('f_') || tags.name(h) === 'not_talk')
    )
      return true
  }
  return false
}

const SALE_SIGNS = new Set([
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
])

function saleSigns(tokens: readonly Token[], tags: Tags): number {
  const seen = new Set<string>()
  for (const hit of tags.hits) {
    const name = tags.name(hit)
    if (SALE_SIGNS.has(name)) seen.add(name)
  }
  if (tokens.some((t) => t.text === '📍')) seen.add('pin')
  return seen.size
}
