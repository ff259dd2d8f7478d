import type { Lexicon } from '../lexicon/compile.ts'
import type { CueRule, Intent } from '../lexicon/schema.ts'
import type { Amount } from '../slots/amounts.ts'
import { type PriceCandidate, unitAt } from '../slots/price.ts'
import type { Tags } from '../slots/tags.ts'
import type { Prepared, Span, Token } from '../text/model.ts'
import type { CueHit, GuardHit, PatternHits } from './hits.ts'
import { concreteIn, type ObjectHead, objectIn } from './objects.ts'
import { closedPrefix, closedSuffix, type HaveWant, haveWant, letterTags } from './structure.ts'

export type TradeIntent = Exclude<Intent, 'none'>
export const TRADE_INTENTS: readonly TradeIntent[] = ['sell', 'buy', 'exchange', 'service_offered', 'service_wanted']

/** One piece of evidence; token range [start, end). */
export interface Evidence {
  readonly intent: TradeIntent
  readonly points: number
  readonly family: string
  readonly cue: string
  readonly start: number
  readonly end: number
  readonly object: ObjectHead | undefined
  readonly postfix: boolean
}
export interface AppliedGuard {
  readonly kind: string
  readonly points: number | 'veto'
  readonly scope: string
  readonly start: number
  readonly end: number
  readonly cue: string
  readonly applied: boolean
}
export interface Bonus {
  readonly intent: TradeIntent
  readonly points: number
  readonly why: string
}
export interface Decision {
  readonly intent: Intent
  readonly score: number
  readonly confidence: number
  readonly scores: Readonly<Record<TradeIntent, number>>
  readonly evidence: readonly Evidence[]
  readonly bonuses: readonly Bonus[]
  readonly guards: readonly AppliedGuard[]
  readonly secondary: readonly {
    readonly intent: TradeIntent
    readonly score: number
    readonly start: number
    readonly end: number
  }[]
  /** The cue that won. */
  readonly lead: Evidence | undefined
  readonly haveWant: HaveWant | undefined
  readonly vetoed: boolean
  readonly closed: boolean
}

export interface DecideInput {
  readonly lexicon: Lexicon
  readonly prepared: Prepared
  readonly tags: Tags
  readonly patterns: PatternHits
  readonly amounts: readonly Amount[]
  readonly candidates: readonly PriceCandidate[]
  readonly prior: Partial<Record<TradeIntent, number>>
}

const VETO = -99
const POSTFIX = new Set(['market', 'price', 'offer_phrase'])

/** Weighs evidence against guards (section 7). Pure and deterministic. */
export function decide(input: DecideInput): Decision {
  const { lexicon, prepared, tags, patterns } = input
  const { tokens } = prepared
  const frame = haveWant(tokens, tags)
  const evidence = [...structureEvidence(input, frame), ...cueEvidence(input)].sort(
    (a, b) => a.start - b.start || b.points - a.points,
  )
  const openers = evidence.filter((e) => e.points >= 6)
  const guards: AppliedGuard[] = []
  let vetoed = false
  const lost = new Map<Evidence, number>()
  const words = tokens.reduce((n, t) => n + (t.kind === 'word' || t.kind === 'number' ? 1 : 0), 0)
  for (const guard of dedupe(patterns.guards)) {
    const hit = applyGuard(input, guard, evidence, openers, words, lost)
    guards.push(hit)
    if (hit.applied && hit.points === 'veto' && guard.rule.scope === 'message') vetoed = true
  }
  const closed = closedPrefix(tokens, tags) || closedSuffix(tokens, tags)
  if (closed) vetoed = true
  const concrete = concreteIn(tags, 0, tokens.length)
  const priced = input.candidates.some((c) => c.tier >= 1 && (c.role === 'asking' || c.role === 'budget' || c.role === 'offer'))
  const firstCue = evidence.find((e) => (lost.get(e) ?? 0) < 90)
  const scores: Record<TradeIntent, number> = { sell: 0, buy: 0, exchange: 0, service_offered: 0, service_wanted: 0 }
  const leads = new Map<TradeIntent, Evidence>()
  const bonuses: Bonus[] = []
  const w = lexicon.weights.bonus
  for (const intent of TRADE_INTENTS) {
    const own = evidence.filter((e) => e.intent === intent)
    let best: Evidence | undefined
    let points = 0
    for (const e of own) {
      const value = e.points - (lost.get(e) ?? 0)
      if (best === undefined || value > points) [best, points] = [e, value]
    }
    if (best === undefined) continue
    let total = points
    const bonus = (why: string, n: number): void => {
      total += n
      bonuses.push({ intent, points: n, why })
    }
    if (own.some((e) => e.family !== best.family && (lost.get(e) ?? 0) === 0)) bonus('second_family', w.second_family)
    if (firstCue?.intent === intent) bonus('first_cue', w.first_cue)
    if (priced) bonus('price', w.price)
    if (concrete || best.object?.kind === 'trade' || best.object?.kind === 'service') bonus('concrete', w.concrete)
    const prior = input.prior[intent] ?? 0
    if (prior !== 0) bonus('prior', prior)
    scores[intent] = vetoed ? VETO : total
    leads.set(intent, best)
  }
  return finish(lexicon, scores, leads, evidence, bonuses, guards, frame, vetoed, closed)
}

function finish(
  lexicon: Lexicon,
  scores: Record<TradeIntent, number>,
  leads: ReadonlyMap<TradeIntent, Evidence>,
  evidence: readonly Evidence[],
  bonuses: readonly Bonus[],
  guards: readonly AppliedGuard[],
  frame: HaveWant | undefined,
  vetoed: boolean,
  closed: boolean,
): Decision {
  const { threshold, slope } = lexicon.weights
  const confidenceOf = (s: number): number => Math.round(100 / (1 + Math.exp(-(s - threshold) / slope))) / 100
  const ranked = TRADE_INTENTS.filter((i) => leads.has(i)).sort(
    (a, b) => scores[b] - scores[a] || TRADE_INTENTS.indexOf(a) - TRADE_INTENTS.indexOf(b),
  )
  let winner = ranked[0]
  if (winner !== undefined) {
    const top = scores[winner]
    const near = ranked.filter((i) => scores[i] >= threshold && top - scores[i] <= 1)
    if (frame !== undefined && near.includes(frame.intent)) winner = frame.intent
    else if (near.length > 1)
      winner = near.reduce((a, b) => ((leads.get(b) as Evidence).start < (leads.get(a) as Evidence).start ? b : a))
  }
  const best = winner === undefined ? 0 : scores[winner]
  if (winner === undefined || best < threshold) {
    const confidence = Math.round((1 - (winner === undefined || vetoed ? 0 : confidenceOf(best))) * 100) / 100
    return {
      intent: 'none',
      score: winner === undefined ? 0 : best,
      confidence,
      scores,
      evidence,
      bonuses,
      guards,
      secondary: [],
      lead: undefined,
      haveWant: undefined,
      vetoed,
      closed,
    }
  }
  const lead = leads.get(winner) as Evidence
  const secondary = ranked
    .filter((i) => i !== winner && scores[i] >= threshold)
    .slice(0, 4)
    .map((intent) => {
      const e = leads.get(intent) as Evidence
      return { intent, score: scores[intent], start: e.start, end: e.end }
    })
  return {
    intent: winner,
    score: best,
    confidence: confidenceOf(best),
    scores,
    evidence,
    bonuses,
    guards,
    secondary,
    lead,
    haveWant: frame?.intent === winner ? frame : undefined,
    vetoed,
    closed,
  }
}

/** One guard of a kind and scope region is enough. */
function dedupe(guards: readonly GuardHit[]): GuardHit[] {
  const seen = new Set<string>()
  const out: GuardHit[] = []
  for (const g of guards) {
    const key = `${g.rule.kind}|${g.start}|${g.end}`
    if (seen.has(key)) continue
    seen.add(key)
    out.push(g)
  }
  return out
}

function applyGuard(
  input: DecideInput,
  guard: GuardHit,
  evidence: readonly Evidence[],
  openers: readonly Evidence[],
  words: number,
  lost: Map<Evidence, number>,
): AppliedGuard {
  const { rule } = guard
  const { tokens } = input.prepared
  const base = { kind: rule.kind, points: rule.penalty, scope: rule.scope, start: guard.start, end: guard.end, cue: guard.label }
  if (rule.max_words !== undefined && words > rule.max_words) return { ...base, applied: false }
  // Speaking for somebody else with an invitation to get in touch is the author's own offer.
  if (rule.kind === 'third_person' && input.tags.hits.some((h) => input.tags.name(h) === 'contact'))
    return { ...base, applied: false }
  const sentence = (i: number): number => tokens[i]?.sentence ?? 0
  const inScope = (e: Evidence): boolean => {
    if (rule.only !== undefined && !rule.only.includes(e.intent)) return false
    // "Who's selling a …" asks for a seller; "can you recommend a plumber" asks for the plumber.
    if (rule.kind === 'third_person' && e.family === 'ask_phrase' && e.start <= guard.start) return false
    if (rule.kind === 'advice' && e.intent === 'service_wanted' && inside(e, tokens, input.tags)) return false
    if (rule.scope === 'message') return true
    if (e.family === 'structure' && e.end - e.start > 2) return true
    if (rule.scope === 'sentence') return sentence(e.start) === sentence(guard.start)
    const clause = tokens[e.start]?.clause
    return clause === tokens[guard.start]?.clause || clause === tokens[guard.end - 1]?.clause
  }
  if (rule.penalty === 'veto') {
    // A veto yields to a strong opening of the author's own in another sentence.
    const rescued =
      openers.some((e) => sentence(e.start) !== sentence(guard.start) && e.family !== 'structure') &&
      rule.kind !== 'closed' &&
      rule.kind !== 'moderation'
    const laterOpen =
      rule.kind === 'closed' &&
      openers.some((e) => e.start >= guard.end && tokens[e.start]?.clause !== tokens[guard.start]?.clause)
    if (rescued || laterOpen) {
      for (const e of evidence) if (sentence(e.start) === sentence(guard.start) && !laterOpen) lost.set(e, 99)
      return { ...base, applied: false }
    }
    for (const e of evidence) if (rule.scope === 'message' || inScope(e)) lost.set(e, 99)
    return { ...base, applied: true }
  }
  let applied = false
  for (const e of evidence) {
    if (!inScope(e)) continue
    lost.set(e, (lost.get(e) ?? 0) + rule.penalty)
    applied = true
  }
  return { ...base, applied }
}

/** The cue itself names a trade. */
function inside(e: Evidence, tokens: readonly Token[], tags: Tags): boolean {
  for (let i = e.start; i < e.end && i < tokens.length; i++) if (tags.at('trade', i) !== undefined) return true
  return false
}

function cueEvidence(input: DecideInput): Evidence[] {
  const { tags, prepared, candidates, patterns } = input
  const { tokens } = prepared
  const out: Evidence[] = []
  for (const hit of patterns.cues) {
    const made = cue(hit, tokens, tags, candidates)
    if (made !== undefined) out.push(made)
  }
  return out
}

function cue(hit: CueHit, tokens: readonly Token[], tags: Tags, candidates: readonly PriceCandidate[]): Evidence | undefined {
  const { rule } = hit
  let { intent, strength } = rule
  if (hit.typo) strength--
  const postfix = POSTFIX.has(rule.family)
  let object = objectIn(tokens, tags, hit.end)
  const inside = objectIn(tokens, tags, hit.start + 1, hit.end)
  if ((object === undefined || object.kind === 'word') && inside !== undefined && inside.kind !== 'word') object = inside
  if ((object === undefined || object.kind === 'word') && postfix)
    object = objectIn(tokens, tags, Math.max(0, hit.start - 8), hit.start) ?? object
  const nextSentence = object === undefined ? objectIn(tokens, tags, skipOps(tokens, hit.end)) : undefined
  object ??= nextSentence ?? inside
  if (object?.kind === 'abstract' || inside?.kind === 'abstract') return undefined
  const priced = candidates.some((c) => c.tier >= 2 && c.role !== 'historic' && c.role !== 'face')
  if (object?.kind === 'nongoods' || (object?.kind === 'people' && rule.intent !== 'service_offered')) {
    if (rule.needs !== undefined && rule.needs !== 'price' && !priced) return undefined
  }
  if (rule.follows_object && (object?.kind === 'trade' || object?.kind === 'service')) {
    if (intent === 'buy') [intent, strength] = ['service_wanted', Math.max(strength, 6)]
    else if (intent === 'sell') [intent, strength] = ['service_offered', Math.max(strength, 6)]
  }
  if (!needsMet(rule, object, tokens, tags, hit, priced, candidates)) return undefined
  return { intent, points: strength, family: rule.family, cue: hit.label, start: hit.start, end: hit.end, object, postfix }
}

function skipOps(tokens: readonly Token[], at: number): number {
  let i = at
  while (
    i < tokens.length &&
    (tokens[i]?.kind === 'op' || tokens[i]?.kind === 'line' || tokens[i]?.kind === 'emoji' || tokens[i]?.kind === 'mark')
  )
    i++
  return i
}

function needsMet(
  rule: CueRule,
  object: ObjectHead | undefined,
  tokens: readonly Token[],
  tags: Tags,
  hit: CueHit,
  priced: boolean,
  candidates: readonly PriceCandidate[],
): boolean {
  const kind = object?.kind
  const concrete = kind === 'goods' || kind === 'model'
  switch (rule.needs) {
    case undefined:
      return true
    case 'object':
      return object !== undefined || priced
    case 'concrete':
      return (
        concrete ||
        kind === 'trade' ||
        kind === 'service' ||
        priced ||
        named(tokens, object) ||
        counted(tokens, hit.end) ||
        candidates.some((c) => c.role === 'coin_quantity')
      )
    case 'price':
      return priced
    case 'price_or_concrete':
      return priced || concrete || concreteIn(tags, 0, tokens.length)
    case 'trade':
      return kind === 'trade'
    case 'service':
      return kind === 'trade' || kind === 'service'
  }
}

/** Two capitalised words or more that do not open a sentence: a name. */
function named(tokens: readonly Token[], object: ObjectHead | undefined): boolean {
  if (object === undefined || object.kind !== 'word') return false
  const token = tokens[object.start] as Token
  const previous = tokens[object.start - 1]
  return token.caps === 1 && previous?.kind === 'word' && tokens[object.start + 1]?.caps === 1
}

function counted(tokens: readonly Token[], at: number): boolean {
  return tokens[at]?.kind === 'number' && tokens[at + 1]?.kind === 'word' && tokens[at]?.sentence === tokens[at + 1]?.sentence
}

function structureEvidence(input: DecideInput, frame: HaveWant | undefined): Evidence[] {
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
function listing(input: DecideInput, add: Add): void {
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

/** Span of a token range in the raw text. */
export function spanOf(tokens: readonly Token[], start: number, end: number): Span {
  const first = tokens[start]
  const last = tokens[Math.max(start, end - 1)]
  return first === undefined || last === undefined ? [0, 0] : [first.start, last.end]
}
