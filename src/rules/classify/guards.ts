import type { Tags } from '../slots/tags.ts'
import type { Token } from '../text/model.ts'
import { tokenAt } from '../text/token-at.ts'
import type { GuardHit } from './hits.ts'
import { concreteIn } from './objects.ts'
import type { Evidence, Weighing } from './weighing.ts'

export interface AppliedGuard {
  readonly kind: string
  readonly points: number | 'veto'
  readonly scope: string
  readonly start: number
  readonly end: number
  readonly cue: string
  readonly applied: boolean
}

/** One guard of a kind and scope region is enough. */
export function dedupe(guards: readonly GuardHit[]): readonly GuardHit[] {
  if (guards.length < 2) return guards
  const out: GuardHit[] = []
  for (let k = 0; k < guards.length; k++) {
    const g = guards[k] as GuardHit
    if (!listed(out, g)) out.push(g)
  }
  return out
}

function listed(list: readonly GuardHit[], g: GuardHit): boolean {
  for (let k = 0; k < list.length; k++) {
    const other = list[k] as GuardHit
    if (other.start === g.start && other.end === g.end && other.rule.kind === g.rule.kind) return true
  }
  return false
}

/** Writes what a guard takes from each piece of evidence into `lost`. */
export function applyGuard(
  input: Weighing,
  guard: GuardHit,
  evidence: readonly Evidence[],
  openers: readonly Evidence[],
  words: number,
  lost: Map<Evidence, number>,
): AppliedGuard {
  const { rule } = guard
  const { tokens } = input.prepared
  const done = (applied: boolean): AppliedGuard => ({
    kind: rule.kind,
    points: rule.penalty,
    scope: rule.scope,
    start: guard.start,
    end: guard.end,
    cue: guard.label,
    applied,
  })
  // Points are taken from evidence; without any there is nothing to take.
  if (evidence.length === 0 && rule.penalty !== 'veto') return done(false)
  if (MILD.has(rule.kind) && partOfThing(input, guard)) return done(false)
  if (rule.max_words !== undefined && words > rule.max_words) return done(false)
  // Speaking for somebody else with an invitation to get in touch is the author's own offer.
  if (rule.kind === 'third_person' && input.tags.any('contact') !== undefined) return done(false)
  // A short offer with a price is no reply, whatever its last word.
  if (rule.kind.startsWith('reply_') && !input.prepared.questions.some((q) => q)) {
    const offer = openers.length > 0 || evidence.some((e) => e.family === 'structure')
    const tag = openers.some((e) => e.points >= 8 && e.intent === 'sell' && e.start === 0)
    if (offer && input.candidates.some((c) => c.tier >= (tag ? 2 : 3)) && concreteIn(input.tags, 0, tokens.length))
      return done(false)
  }
  const paid = input.candidates.some((c) => c.tier >= 2)
  const traded = input.candidates.some((c) => c.tier === 3) && concreteIn(input.tags, 0, tokens.length)
  const sentence = (i: number): number => tokens[i]?.sentence ?? 0
  const inScope = (e: Evidence): boolean => {
    if (rule.only !== undefined && !rule.only.includes(e.intent)) return false
    // "Who's selling a …" asks for a seller; "can you recommend a plumber" asks for the plumber.
    if (rule.kind === 'third_person' && e.family === 'ask_phrase' && e.start <= guard.start) return false
    if (rule.kind === 'advice' && e.intent === 'service_wanted' && inside(e, tokens, input.tags)) return false
    // A salary belongs to the job that is advertised; a coin with its price is traded, not talked of.
    if (rule.kind === 'shop_talk' && e.intent === 'service_wanted' && e.points >= 8 && paid) return false
    // "I need somebody to paint a flat, who does it and what do they charge?"
    if (rule.kind === 'price_question' && e.intent === 'service_wanted' && e.points >= 6 && e.start < guard.start) return false
    if (rule.kind === 'finance' && e.points >= 8 && e.family !== 'structure' && traded) return false
    if (rule.scope === 'message') return true
    if (e.family === 'structure' && e.end - e.start > 2) return true
    if (rule.scope === 'sentence') return sentence(e.start) === sentence(guard.start)
    const clause = tokens[e.start]?.clause
    return clause === tokens[guard.start]?.clause || clause === tokenAt(tokens, guard.end - 1)?.clause
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
      return done(false)
    }
    for (const e of evidence) if (rule.scope === 'message' || inScope(e)) lost.set(e, 99)
    return done(true)
  }
  let applied = false
  for (const e of evidence) {
    if (!inScope(e)) continue
    // A decisive cue with a thing and its price is no talk about a game or a market.
    const named = e.object?.kind === 'goods' || e.object?.kind === 'model'
    const word = guard.end - guard.start === 1
    const priced = word && e.points >= 6 && input.candidates.some((c) => c.tier >= 2)
    const thing =
      named || (rule.kind === 'game' && (priced || (e.object === undefined && concreteIn(input.tags, 0, tokens.length))))
    const share = !thing || !MILD.has(rule.kind) ? 1 : rule.kind === 'game' ? (word ? 3 : 1) : e.points >= 8 ? 2 : 1
    lost.set(e, (lost.get(e) ?? 0) + Math.ceil(rule.penalty / share))
    applied = true
  }
  return done(applied)
}

const MILD = new Set(['game', 'finance'])

/** The guard's only word belongs to the name of a thing: "fish tank". */
function partOfThing(input: Weighing, guard: GuardHit): boolean {
  if (guard.end - guard.start !== 1) return false
  for (let i = Math.max(0, guard.start - 3); i <= guard.start; i++) {
    for (const h of input.tags.startingAt(i)) {
      const name = h.name
      if (name === 'goods' && h.end > guard.start) return true
    }
  }
  return false
}

/** The cue itself names a trade. */
function inside(e: Evidence, tokens: readonly Token[], tags: Tags): boolean {
  for (let i = e.start; i < e.end && i < tokens.length; i++) if (tags.at('trade', i) !== undefined) return true
  return false
}
