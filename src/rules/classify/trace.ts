import type { Span } from '../model.ts'
import type { PriceReading } from '../slots/price.ts'
import type { PriceCandidate } from '../slots/price-candidates.ts'
import type { Prepared, Token } from '../text/model.ts'
import type { ReadingTrace } from './context.ts'
import type { Decision } from './decide.ts'

export const NO_SCORES = { sell: 0, buy: 0, exchange: 0, service_offered: 0, service_wanted: 0 }

/** Span of a token range in the text as read. */
export function spanOf(tokens: readonly Token[], start: number, end: number): Span {
  const first = tokens[start]
  const last = tokens[Math.max(start, end - 1)]
  return first === undefined || last === undefined ? [0, 0] : [first.start, last.end]
}

/** Trace of a message that was left before anything was weighed. */
export function emptyTrace(version: string, lang: string, prepared: Prepared, flags: readonly string[], steps = 0): ReadingTrace {
  return {
    lexicon: version,
    text: { lang, removed: prepared.removed, flags },
    evidence: [],
    guards: [],
    price: { candidates: [] },
    decision: { scores: NO_SCORES, intent: 'none', confidence: 1 },
    steps,
  }
}

export function traceOf(
  version: string,
  lang: string,
  prepared: Prepared,
  decision: Decision,
  candidates: readonly PriceCandidate[],
  price: PriceReading | undefined,
  flags: readonly string[],
  steps: number,
): ReadingTrace {
  const { tokens } = prepared
  const evidence: ReadingTrace['evidence'][number][] = []
  for (const e of decision.evidence)
    evidence.push({
      intent: e.intent,
      points: e.points,
      family: e.family,
      span: spanOf(tokens, e.start, e.end),
      cue: e.cue,
    })
  for (const b of decision.bonuses) evidence.push({ intent: b.intent, points: b.points, why: b.why })
  const guards: ReadingTrace['guards'][number][] = []
  for (const g of decision.guards)
    guards.push({
      kind: g.kind,
      points: g.points,
      scope: g.scope,
      span: spanOf(tokens, g.start, g.end),
      applied: g.applied,
    })
  const seen: ReadingTrace['price']['candidates'][number][] = []
  for (const c of candidates)
    seen.push({
      span: spanOf(tokens, c.amount.start, c.amount.end),
      value: c.amount.max,
      role: c.role,
      chosen: price?.chosen === c,
    })
  return {
    lexicon: version,
    text: { lang, removed: prepared.removed, flags },
    evidence,
    guards,
    price: { candidates: seen },
    decision: { scores: decision.scores, intent: decision.intent, confidence: decision.confidence },
    steps,
  }
}
