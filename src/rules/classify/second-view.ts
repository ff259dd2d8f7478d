import { WORDING_CLASSES } from '../lexicon/wording.ts'
import type { TradeIntent } from '../model.ts'
import type { Decision } from './decide.ts'
import type { Evidence } from './weighing.ts'

/** Have/want lines, letters and tags of one word are said on purpose: their vote counts for more. */
const DECISIVE = 2
const MOST_CONFIDENT = 0.95
const LEAST_CONFIDENT = 0.5

/** Numbers of the decision this view needs. */
export interface ViewWeights {
  readonly threshold: number
  readonly slope: number
}

/**
 * Cues and guards know what they were written for; how people word offers, wishes and talk is known from labelled messages. Both
 * are heard: what cues and guards decided is a vote (`vote`, natural logarithm of odds) among the odds of the wording. A veto stays.
 */
export function heard(
  ruled: Decision,
  odds: readonly number[],
  vote: number,
  prior: Partial<Record<TradeIntent, number>>,
  weights: ViewWeights,
): Decision {
  if (ruled.vetoed) return ruled
  const own = WORDING_CLASSES.indexOf(ruled.intent)
  const total = odds.slice()
  for (let c = 1; c < total.length; c++) {
    const points = prior[WORDING_CLASSES[c] as TradeIntent]
    if (points !== undefined) total[c] = (total[c] as number) + points / weights.slope
  }
  total[own] = (total[own] as number) + vote * (decisive(ruled) ? DECISIVE : 1)
  let best = own
  for (let c = 0; c < total.length; c++) if ((total[c] as number) > (total[best] as number)) best = c
  if (best === own) return ruled
  const margin = (total[best] as number) - (total[own] as number)
  const share = 1 / total.reduce((sum, t) => sum + Math.exp(t - (total[best] as number)), 0)
  const confidence = Math.round(Math.min(MOST_CONFIDENT, Math.max(LEAST_CONFIDENT, share)) * 100) / 100
  const intent = WORDING_CLASSES[best] as Decision['intent']
  return intent === 'none' ? talk(ruled, margin, confidence, weights) : meant(ruled, intent, confidence, weights)
}

/** It is worded as talk, whatever cue is in it. */
function talk(ruled: Decision, margin: number, confidence: number, weights: ViewWeights): Decision {
  const lead = ruled.lead
  return {
    ...ruled,
    intent: 'none',
    score: Math.min(ruled.score, weights.threshold - 1),
    confidence,
    guards: [
      ...ruled.guards,
      {
        kind: 'wording',
        points: Math.max(1, Math.ceil(margin * weights.slope), ruled.score - weights.threshold + 1),
        scope: 'message',
        start: lead?.start ?? 0,
        end: lead?.end ?? 1,
        cue: 'wording',
        applied: true,
      },
    ],
    secondary: [],
    lead: undefined,
    haveWant: undefined,
  }
}

/** It is worded as an offer or a wish no cue told, or told as another. */
function meant(ruled: Decision, intent: TradeIntent, confidence: number, weights: ViewWeights): Decision {
  const { threshold, slope } = weights
  const score = Math.max(threshold, Math.round(threshold + slope * Math.log(confidence / (1 - confidence))))
  return {
    ...ruled,
    intent,
    score,
    confidence,
    scores: { ...ruled.scores, [intent]: score },
    bonuses: [...ruled.bonuses, { intent, points: score - ruled.scores[intent], why: 'wording' }],
    secondary: ruled.secondary.filter((s) => s.intent !== intent),
    lead: leadOf(ruled.evidence, intent),
    haveWant: undefined,
  }
}

function decisive({ lead, haveWant }: Decision): boolean {
  if (haveWant !== undefined) return true
  return lead !== undefined && lead.family === 'tag' && (lead.cue === 'tag' || lead.end - lead.start <= 1)
}

function leadOf(evidence: readonly Evidence[], intent: TradeIntent): Evidence | undefined {
  let best: Evidence | undefined
  for (const e of evidence) if (e.intent === intent && (best === undefined || e.points > best.points)) best = e
  return best
}
