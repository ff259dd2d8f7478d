import type { Lexicon } from '../lexicon/compile.ts'
import { Budget } from '../lexicon/graph.ts'
import type { WordInfo } from '../lexicon/vocabulary.ts'
import type { SignSink } from '../lexicon/wording.ts'
import {
  type Act,
  emptySlots,
  type Intent,
  type Language,
  type Money,
  NOTHING_SAID,
  type Reading,
  type ReadingFlag,
} from '../model.ts'
import type { Amount } from '../slots/amount.ts'
import { scanAmounts } from '../slots/amounts.ts'
import { COINS } from '../slots/currency.ts'
import { choosePrice } from '../slots/price.ts'
import { type PriceCandidate, priceCandidates } from '../slots/price-candidates.ts'
import { type Tags, tagTokens } from '../slots/tags.ts'
import { guessLanguage } from '../text/language.ts'
import type { Prepared, Token } from '../text/model.ts'
import { ownTokens, prepare } from '../text/prepare.ts'
import { WordSet } from '../text/word-set.ts'
import type { ReadingContext, ReadingMessage, ReadingTrace } from './context.ts'
import { type Decision, decide } from './decide.ts'
import { type CueHit, findPatterns, type PatternHits } from './hits.ts'
import { concreteIn, markModels } from './objects.ts'
import { heard, mayBeOverruled } from './second-view.ts'
import { readTerms } from './terms.ts'
import { emptyTrace, spanOf, traceOf } from './trace.ts'
import { wordingSigns } from './wording.ts'

/** Look-up steps per message; ordinary chat needs a few hundred. */
export const MAX_STEPS = 60_000

/** A reading made by the rules alone, with its trace. */
export type RulesReading = Omit<Reading, 'trace'> & { readonly trace: ReadingTrace }

const EMPTY_SLOTS = emptySlots()
const ACT_OF: Readonly<Record<string, Act>> = {
  closed: 'close',
  reply_interest: 'interest',
  reply_negotiate: 'negotiate',
  reply_question: 'question',
  bump: 'bump',
}

/** Reads one message. The same message, lexicon and profile give the same reading, byte for byte. Never throws. */
export function readMessage(message: ReadingMessage, context: ReadingContext): RulesReading {
  const { lexicon, profile } = context
  const prepared = prepare(message, profile?.forwards === 'as_author')
  const flags: readonly ReadingFlag[] = prepared.flags.length === 0 ? NOTHING_SAID.list : prepared.flags
  if (prepared.flags.some((f) => f === 'forwarded' || f === 'quoted' || f === 'code') || prepared.tokens.length === 0) {
    return nothing(lexicon, message, prepared, flags)
  }
  const { tokens } = prepared
  const infos = lexicon.vocabulary.infos(tokens)
  if (message.tags === undefined && saysNothing(tokens, infos)) {
    return nothing(lexicon, message, prepared, flags, guessLanguage(tokens, infos, profile?.language))
  }
  const budget = new Budget(MAX_STEPS)
  const { tags, amounts, patterns, candidates } = lookAt(lexicon, tokens, budget, profile?.language, infos)
  if (budget.left <= 0) {
    return nothing(lexicon, message, prepared, [...flags, 'budget'], tags.lang, MAX_STEPS)
  }
  const ruled = decide({
    lexicon,
    prepared,
    tags,
    patterns,
    amounts,
    candidates,
    prior: profile?.prior,
    platformTags: message.tags ?? [],
  })
  const { wording } = lexicon
  let decision = ruled
  if (wording !== undefined && mayBeOverruled(ruled) && saysEnough(tokens, tags)) {
    wording.begin()
    wordingSigns(prepared, tags, amounts, candidates, wording)
    decision = heard(ruled, wording.end(), wording, profile?.prior, lexicon.weights)
  }
  const used = MAX_STEPS - budget.left
  if (decision.intent === 'none') return noIntent(lexicon, message, prepared, tags, patterns, decision, candidates, flags, used)
  const { slots, topic, price } = readTerms({ message, context, prepared, tags, amounts, candidates, decision })
  const doubt = slots.item === null ? 0.1 : 0
  return {
    message_id: message.id,
    lang: tags.lang,
    intent: decision.intent,
    act: 'open',
    confidence: Math.max(0, Math.round((decision.confidence - doubt) * 100) / 100),
    score: decision.score,
    secondary: decision.secondary.map((s) => ({
      intent: s.intent,
      score: s.score,
      span: [...spanOf(tokens, s.start, s.end)] as [number, number],
    })),
    slots,
    topic,
    flags,
    source: 'rules',
    lexicon_version: lexicon.version,
    trace: traceOf(lexicon.version, tags.lang, prepared, decision, candidates, price, flags, used),
  }
}

interface Looks {
  readonly tags: Tags
  readonly amounts: readonly Amount[]
  readonly patterns: PatternHits
  readonly candidates: readonly PriceCandidate[]
}

/** What every reading begins with: which words mean what, what is a number of what, which cues there are, what may be a price. */
function lookAt(
  lexicon: Lexicon,
  tokens: readonly Token[],
  budget: Budget,
  language?: Language,
  infos?: readonly WordInfo[],
): Looks {
  const tags = tagTokens(lexicon, tokens, budget, language, infos)
  const amounts = scanAmounts(tokens, tags)
  if (amounts.length > 0) markAmounts(tags, tokens, amounts)
  const patterns = findPatterns(lexicon, tokens, tags, budget)
  const candidates =
    amounts.length === 0 || budget.left <= 0 ? [] : priceCandidates(tokens, tags, amounts, cueEnds(patterns.cues))
  return { tags, amounts, patterns, candidates }
}

/** Signs of wording of one message, for training; none where nothing is weighed. */
export function signsOf(message: ReadingMessage, context: ReadingContext, sink: SignSink): void {
  const { lexicon } = context
  const prepared = prepare(message, false)
  if (prepared.flags.some((f) => f === 'forwarded' || f === 'quoted' || f === 'code')) return
  const { tokens } = prepared
  const { tags, amounts, candidates } = lookAt(lexicon, tokens, new Budget(MAX_STEPS))
  wordingSigns(prepared, tags, amounts, candidates, sink)
}

/** Price of a text under a given intent, without deciding the intent: rule fields, tests, commands. */
export function readPrice(lexicon: Lexicon, text: string, intent: Intent): Money | null {
  const tokens = ownTokens(text)
  const budget = new Budget(MAX_STEPS)
  const tags = tagTokens(lexicon, tokens, budget)
  const amounts = scanAmounts(tokens, tags)
  if (amounts.length > 0) markAmounts(tags, tokens, amounts)
  // Cues tell only whether a coin is traded or paid with.
  const coins = amounts.some((a) => a.currency?.code !== undefined && COINS.has(a.currency.code))
  const cues = coins ? findPatterns(lexicon, tokens, tags, budget).cues : []
  const candidates = amounts.length === 0 || budget.left <= 0 ? [] : priceCandidates(tokens, tags, amounts, cueEnds(cues))
  return choosePrice(tokens, tags, candidates, intent).price
}

/** Words from which wording tells something of a message that names nothing: "pickup in Berlin only" belongs to what was said before. */
const ENOUGH_WORDS = 6

function saysEnough(tokens: readonly Token[], tags: Tags): boolean {
  if (tags.any('trade') !== undefined || tags.any('service_noun') !== undefined || concreteIn(tags, 0, tokens.length)) return true
  let words = 0
  for (const { kind } of tokens) if (kind === 'word' || kind === 'number') words++
  return words >= ENOUGH_WORDS
}

const STRUCTURE = new WordSet(['[', ':', '>', '='])

/** No word a cue or an act could stand on, no number, no sign of money or layout: ordinary chat. */
function saysNothing(tokens: readonly Token[], infos: readonly WordInfo[]): boolean {
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] as Token
    if ((infos[i] as WordInfo).key || token.kind === 'number' || token.kind === 'sign') return false
    if (token.kind === 'op' && STRUCTURE.has(token)) return false
  }
  return true
}

/** Whether an intent cue ends at, or spans, a token index. */
const cueEnds =
  (cues: readonly CueHit[]) =>
  (at: number): boolean =>
    cues.some(
      (c) => c.rule.family !== 'price' && !c.rule.intent.startsWith('service') && (c.end === at || (c.start < at && c.end > at)),
    )

function markAmounts(tags: Tags, tokens: readonly Token[], amounts: readonly Amount[]): void {
  for (const a of amounts) {
    if (a.role !== 'amount' && a.role !== 'quantity') continue
    tags.mark('num', a.start, a.end)
    if (a.currency !== undefined || a.multiplied) tags.mark('money', a.start, a.end)
  }
  markModels(tokens, tags, amounts)
}

function nothing(
  lexicon: Lexicon,
  message: ReadingMessage,
  prepared: Prepared,
  flags: readonly ReadingFlag[],
  lang: Language | 'und' = 'und',
  steps = 0,
): RulesReading {
  return {
    message_id: message.id,
    lang,
    intent: 'none',
    act: 'none',
    confidence: 1,
    score: 0,
    secondary: [],
    slots: EMPTY_SLOTS,
    topic: null,
    flags,
    source: 'rules',
    lexicon_version: lexicon.version,
    trace: emptyTrace(lexicon.version, lang, prepared, flags, steps),
  }
}

function noIntent(
  lexicon: Lexicon,
  message: ReadingMessage,
  prepared: Prepared,
  tags: Tags,
  patterns: PatternHits,
  decision: Decision,
  candidates: readonly PriceCandidate[],
  flags: readonly ReadingFlag[],
  steps: number,
): RulesReading {
  let act: Act = decision.closed || (prepared.struck && patterns.guards.some((g) => g.rule.kind === 'closed')) ? 'close' : 'none'
  for (const guard of decision.guards) if (act === 'none' && guard.applied) act = ACT_OF[guard.kind] ?? 'none'
  return {
    message_id: message.id,
    lang: tags.lang,
    intent: 'none',
    act,
    confidence: decision.confidence,
    score: decision.score,
    secondary: [],
    slots: EMPTY_SLOTS,
    topic: null,
    flags,
    source: 'rules',
    lexicon_version: lexicon.version,
    trace: traceOf(lexicon.version, tags.lang, prepared, decision, candidates, undefined, flags, steps),
  }
}
