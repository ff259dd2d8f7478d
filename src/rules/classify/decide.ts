import type { Lexicon } from '../lexicon/compile.ts'
import type { Intent, TradeIntent } from '../model.ts'
import type { Token } from '../text/model.ts'
import { cueEvidence } from './evidence.ts'
import { type AppliedGuard, applyGuard, dedupe } from './guards.ts'
import { structureEvidence } from './listing.ts'
import { concreteIn } from './objects.ts'
import { tagEvidence } from './platform-tags.ts'
import { closedPrefix, closedSuffix, type HaveWant, haveWant } from './structure.ts'
import type { Evidence, Weighing } from './weighing.ts'

export const TRADE_INTENTS: readonly TradeIntent[] = ['sell', 'buy', 'exchange', 'service_offered', 'service_wanted']

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

const NO_INTENTS: readonly TradeIntent[] = []
const NO_EVIDENCE: readonly Evidence[] = []
const NO_OTHERS: Decision['secondary'] = []
/** The best evidence of each intent, in their order. */
type Leads = (Evidence | undefined)[]
const VETO = -99
const LOST = 99

/** Weighs evidence against guards (section 7). Pure and deterministic. */
export function decide(input: Weighing): Decision {
  const { lexicon, prepared, tags, patterns } = input
  const { tokens } = prepared
  const frame = haveWant(tokens, tags)
  const evidence = weighed(input, frame)
  const found = evidence.length > 0
  const openers = found ? evidence.filter((e) => e.points >= 6) : evidence
  const guards: AppliedGuard[] = []
  let vetoed = false
  const lost = new Map<Evidence, number>()
  if (patterns.guards.length > 0) {
    const words = wordsIn(tokens)
    for (const guard of dedupe(patterns.guards)) {
      const hit = applyGuard(input, guard, evidence, openers, words, lost)
      guards.push(hit)
      if (hit.applied && hit.points === 'veto' && guard.rule.scope === 'message') vetoed = true
    }
  }
  const closed = closedPrefix(tokens, tags) || closedSuffix(tokens, tags)
  if (closed) vetoed = true
  const scores: Record<TradeIntent, number> = { sell: 0, buy: 0, exchange: 0, service_offered: 0, service_wanted: 0 }
  const leads: Leads = [undefined, undefined, undefined, undefined, undefined]
  const bonuses: Bonus[] = []
  if (!found) return finish(lexicon, scores, leads, evidence, bonuses, guards, frame, vetoed, closed)
  for (const asked of rhetorical(input, evidence)) lost.set(asked, LOST)
  const concrete = concreteIn(tags, 0, tokens.length)
  const priced = input.candidates.some((c) => c.tier >= 1 && (c.role === 'asking' || c.role === 'budget' || c.role === 'offer'))
  const firstCue = evidence.find((e) => (lost.get(e) ?? 0) < 90)
  const w = lexicon.weights.bonus
  for (let n = 0; n < TRADE_INTENTS.length; n++) {
    const intent = TRADE_INTENTS[n] as TradeIntent
    let best: Evidence | undefined
    let points = 0
    for (const e of evidence) {
      if (e.intent !== intent) continue
      const value = e.points - (lost.get(e) ?? 0)
      if (best === undefined || value > points) {
        best = e
        points = value
      }
    }
    if (best === undefined) continue
    const before = bonuses.length
    const { family } = best
    if (evidence.some((e) => e.intent === intent && e.family !== family && (lost.get(e) ?? 0) === 0))
      bonuses.push({ intent, points: w.second_family, why: 'second_family' })
    if (firstCue?.intent === intent) bonuses.push({ intent, points: w.first_cue, why: 'first_cue' })
    if (priced) bonuses.push({ intent, points: w.price, why: 'price' })
    if (concrete || best.object?.kind === 'trade' || best.object?.kind === 'service')
      bonuses.push({ intent, points: w.concrete, why: 'concrete' })
    const prior = input.prior?.[intent] ?? 0
    if (prior !== 0) bonuses.push({ intent, points: prior, why: 'prior' })
    let total = points
    for (let k = before; k < bonuses.length; k++) total += (bonuses[k] as Bonus).points
    scores[intent] = vetoed ? VETO : total
    leads[n] = best
  }
  return finish(lexicon, scores, leads, evidence, bonuses, guards, frame, vetoed, closed)
}

/** All evidence by where it begins, of one place the strongest first; else in the order of structure, tags, cues. */
function weighed(input: Weighing, frame: HaveWant | undefined): readonly Evidence[] {
  const all = structureEvidence(input, frame)
  if (input.platformTags.length > 0) all.push(...tagEvidence(input))
  cueEvidence(input, all)
  // Few and nearly in order: each is moved back to its place.
  for (let i = 1; i < all.length; i++) {
    const e = all[i] as Evidence
    let k = i - 1
    for (; k >= 0; k--) {
      const other = all[k] as Evidence
      if (other.start < e.start || (other.start === e.start && other.points >= e.points)) break
      all[k + 1] = other
    }
    all[k + 1] = e
  }
  return all
}

function wordsIn(tokens: readonly Token[]): number {
  let words = 0
  for (let i = 0; i < tokens.length; i++) {
    const { kind } = tokens[i] as Token
    if (kind === 'word' || kind === 'number') words++
  }
  return words
}

/** "Need a website? I'll build you one": the question is the reader's, the offer the author's. */
function rhetorical({ prepared }: Weighing, evidence: readonly Evidence[]): readonly Evidence[] {
  if (evidence.length < 2) return NO_EVIDENCE
  const sentence = (e: Evidence): number => prepared.tokens[e.start]?.sentence ?? 0
  const offers = evidence.filter(
    (e) => (e.intent === 'service_offered' || e.intent === 'sell') && e.points >= 6 && e.family !== 'structure',
  )
  return evidence.filter(
    (e) =>
      (e.intent === 'service_wanted' || e.intent === 'buy') &&
      e.start === 0 &&
      prepared.questions[sentence(e)] === true &&
      offers.some((o) => sentence(o) === sentence(e) + 1),
  )
}

/** Intents that have evidence, those of most points first. */
function rankedOf(leads: Leads, scores: Record<TradeIntent, number>): readonly TradeIntent[] {
  let out: TradeIntent[] | undefined
  for (let n = 0; n < TRADE_INTENTS.length; n++) {
    if (leads[n] === undefined) continue
    if (out === undefined) out = [TRADE_INTENTS[n] as TradeIntent]
    else out.push(TRADE_INTENTS[n] as TradeIntent)
  }
  if (out === undefined) return NO_INTENTS
  // Sorting keeps the order of equal ones.
  return out.length === 1 ? out : out.sort((a, b) => scores[b] - scores[a])
}

const leadFor = (leads: Leads, intent: TradeIntent): Evidence => leads[TRADE_INTENTS.indexOf(intent)] as Evidence

function finish(
  lexicon: Lexicon,
  scores: Record<TradeIntent, number>,
  leads: Leads,
  evidence: readonly Evidence[],
  bonuses: readonly Bonus[],
  guards: readonly AppliedGuard[],
  frame: HaveWant | undefined,
  vetoed: boolean,
  closed: boolean,
): Decision {
  const { threshold, slope } = lexicon.weights
  const confidenceOf = (s: number): number => Math.round(100 / (1 + Math.exp(-(s - threshold) / slope))) / 100
  const ranked = rankedOf(leads, scores)
  let winner = ranked[0]
  if (winner !== undefined && ranked.length > 1) {
    const top = scores[winner]
    const near = ranked.filter((i) => scores[i] >= threshold && top - scores[i] <= 1)
    if (frame !== undefined && near.includes(frame.intent)) winner = frame.intent
    else if (near.length > 1) winner = near.reduce((a, b) => (leadFor(leads, b).start < leadFor(leads, a).start ? b : a))
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
      secondary: NO_OTHERS,
      lead: undefined,
      haveWant: undefined,
      vetoed,
      closed,
    }
  }
  const secondary =
    ranked.length < 2
      ? NO_OTHERS
      : ranked
          .filter((i) => i !== winner && scores[i] >= threshold)
          .slice(0, 4)
          .map((intent) => {
            const { start, end } = leadFor(leads, intent)
            return { intent, score: scores[intent], start, end }
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
    lead: leadFor(leads, winner),
    haveWant: frame?.intent === winner ? frame : undefined,
    vetoed,
    closed,
  }
}
