import { WORDING_CLASSES } from '../lexicon/wording.ts'
import type { TradeIntent } from '../model.ts'
import type { Decision } from './decide.ts'
import type { Evidence } from './weighing.ts'

/** Have/want lines, letters and tags of one word are said on purpose, and much evidence errs less: their votes count for more. */
const DECISIVE = 4
const SURE = 1.5
/** Points above the threshold from which evidence is much. */
const SURE_FROM = 5
/** A reply that has words of an offer may be one: what acts of conversation veto is a vote of so much. */
const REPLY = 2
const MOST_CONFIDENT = 0.95
/** Measured on lines neither cues nor training had seen: below it more talk is opened than offers are found. */
const OPENS_FROM = 0.6
const LEAST_CONFIDENT = 0.5

const REPLIES = 'reply_'

/** What cues and guards count, and what it counts that they found nothing at all; natural logarithms of odds. */
export interface Votes {
  readonly vote: number
  readonly silence: number
}
/** Numbers of the decision this view needs. */
export interface ViewWeights {
  readonly threshold: number
  readonly slope: number
}

/** A veto stays, except one that only says that this answers an offer; so does what is said to be talk. */
export const mayBeOverruled = (ruled: Decision): boolean =>
  ruled.vetoed
    ? !ruled.closed &&
      ruled.guards.every(({ points, applied, kind }) => points !== 'veto' || !applied || kind.startsWith(REPLIES))
    : ruled.intent !== 'none' || !ruled.guards.some(plainTalk)

/**
 * Cues and guards know what they were written for; how people word offers, wishes and talk is known from labelled messages. Both
 * are heard: what cues and guards decided is a vote (natural logarithm of odds) among the odds of the wording. A veto stays.
 */
export function heard(
  ruled: Decision,
  odds: readonly number[],
  { vote, silence }: Votes,
  prior: Partial<Record<TradeIntent, number>> | undefined,
  weights: ViewWeights,
): Decision {
  const reply = ruled.vetoed
  if (!mayBeOverruled(ruled)) return ruled
  const own = WORDING_CLASSES.indexOf(ruled.intent)
  const total = odds.slice()
  for (let c = 1; prior !== undefined && c < total.length; c++) {
    const points = prior[WORDING_CLASSES[c] as TradeIntent]
    if (points !== undefined) total[c] = (total[c] as number) + points / weights.slope
  }
  const nothing = ruled.intent === 'none' && ruled.evidence.length === 0 && !reply
  const strength = reply ? REPLY : decisive(ruled) ? DECISIVE : ruled.score >= weights.threshold + SURE_FROM ? SURE : 1
  total[own] = (total[own] as number) + (nothing ? silence : vote * strength)
  let best = own
  for (let c = 0; c < total.length; c++) if ((total[c] as number) > (total[best] as number)) best = c
  if (best === own) return ruled
  // What no cue told must be worded plainly.
  if (ruled.intent === 'none' && shareOf(total, best) < OPENS_FROM) return ruled
  const margin = (total[best] as number) - (total[own] as number)
  const share = shareOf(total, best)
  const confidence = Math.round(Math.min(MOST_CONFIDENT, Math.max(LEAST_CONFIDENT, share)) * 100) / 100
  const intent = WORDING_CLASSES[best] as Decision['intent']
  return intent === 'none' ? talk(ruled, margin, confidence, weights) : meant(ruled, intent, confidence, weights)
}

const PLAIN_TALK = 12
/** "Review: …", "bidding opens at 20": what a whole message is said to be stays, however its words sound. */
const plainTalk = ({ scope, points }: Decision['guards'][number]): boolean =>
  scope === 'message' && points !== 'veto' && points >= PLAIN_TALK

const shareOf = (odds: readonly number[], at: number): number =>
  1 / odds.reduce((sum, o) => sum + Math.exp(o - (odds[at] as number)), 0)

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

/** "[WTB]", "(selling)", "#sell": nobody writes these by the way. */
const BRACKETED = new Set(['[', '(', '#'])

function decisive({ lead, haveWant }: Decision): boolean {
  if (haveWant !== undefined) return true
  if (lead?.family !== 'tag') return false
  return lead.cue === 'tag' || lead.end - lead.start <= 1 || BRACKETED.has(lead.cue.charAt(0))
}

function leadOf(evidence: readonly Evidence[], intent: TradeIntent): Evidence | undefined {
  let best: Evidence | undefined
  for (const e of evidence) if (e.intent === intent && (best === undefined || e.points > best.points)) best = e
  return best
}
