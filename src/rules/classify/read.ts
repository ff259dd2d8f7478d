import type { Lexicon } from '../lexicon/compile.ts'
import type { Intent } from '../lexicon/schema.ts'
import { Budget } from '../lexicon/trie.ts'
import { type Amount, scanAmounts } from '../slots/amounts.ts'
import {
  type Condition,
  type Contact,
  type Deadline,
  type Delivery,
  type Place,
  readCondition,
  readContact,
  readDeadline,
  readDelivery,
  readPayment,
  readPlace,
  readQuantity,
} from '../slots/details.ts'
import { type Item, readItem } from '../slots/item.ts'
import { choosePrice, type Money, type PriceCandidate, type PriceReading, priceCandidates } from '../slots/price.ts'
import { type Tags, tagTokens } from '../slots/tags.ts'
import type { Language, Prepared, Span, TextEntity, Token } from '../text/model.ts'
import { prepare } from '../text/prepare.ts'
import { mapTopic, type TopicRef } from '../topics/map-topic.ts'
import { type Decision, decide, spanOf, type TradeIntent } from './decide.ts'
import { type CueHit, findPatterns, type PatternHits } from './hits.ts'
import { markModels } from './objects.ts'

export type Act = 'open' | 'update' | 'interest' | 'negotiate' | 'question' | 'close' | 'bump' | 'none'
export type ReadingFlag = 'forwarded' | 'quoted' | 'code' | 'truncated' | 'token_limit' | 'budget'

/** What the reader may know besides the text; all of it optional and neutral by default. */
export interface ReadingInput {
  readonly message_id: string
  readonly text: string
  readonly entities?: readonly TextEntity[]
  readonly forwarded?: boolean
  readonly profile?: {
    readonly language?: Language
    readonly currency?: string
    readonly topic?: string
    readonly prior?: Partial<Record<TradeIntent, number>>
  }
}

export interface Slots {
  readonly item: Item | null
  readonly want_item: Item | null
  readonly quantity: { readonly value: number; readonly unit: string | null } | null
  readonly condition: Condition | null
  readonly price: Money | null
  readonly extra_prices: readonly { readonly item: string; readonly price: Money }[]
  readonly cash_topup: Money | null
  readonly place: Place | null
  readonly delivery: Delivery
  readonly deadline: Deadline | null
  readonly contact: Contact
  readonly payment: readonly string[]
}

export interface Trace {
  readonly lexicon: string
  readonly text: {
    readonly lang: string
    readonly removed: readonly { readonly kind: string; readonly span: Span }[]
    readonly flags: readonly string[]
  }
  readonly evidence: readonly {
    readonly intent: string
    readonly points: number
    readonly family?: string
    readonly span?: Span
    readonly cue?: string
    readonly why?: string
  }[]
  readonly guards: readonly {
    readonly kind: string
    readonly points: number | 'veto'
    readonly scope: string
    readonly span: Span
    readonly applied: boolean
  }[]
  readonly price: {
    readonly candidates: readonly {
      readonly span: Span
      readonly value: string
      readonly role: string
      readonly chosen: boolean
    }[]
  }
  readonly decision: { readonly scores: Readonly<Record<string, number>>; readonly intent: Intent; readonly confidence: number }
  readonly steps: number
}

/** Reading of one message (1.2). Times are absent: the reader has no clock. */
export interface Reading {
  readonly message_id: string
  readonly lang: Language | 'und'
  readonly intent: Intent
  readonly act: Act
  readonly confidence: number
  readonly score: number
  readonly secondary: readonly { readonly intent: Intent; readonly score: number; readonly span: Span }[]
  readonly slots: Slots
  readonly topic: TopicRef | null
  readonly flags: readonly ReadingFlag[]
  readonly source: 'rules'
  readonly lexicon_version: string
  readonly trace: Trace
}

/** Trie steps per message; ordinary chat needs a few hundred. */
export const MAX_STEPS = 60_000

const EMPTY_SLOTS: Slots = {
  item: null,
  want_item: null,
  quantity: null,
  condition: null,
  price: null,
  extra_prices: [],
  cash_topup: null,
  place: null,
  delivery: { pickup: null, ship: null, ship_to: [] },
  deadline: null,
  contact: { kinds: [], masked: [] },
  payment: [],
}
const NO_SCORES = { sell: 0, buy: 0, exchange: 0, service_offered: 0, service_wanted: 0 }
const ACT_OF: Readonly<Record<string, Act>> = {
  closed: 'close',
  reply_interest: 'interest',
  reply_negotiate: 'negotiate',
  reply_question: 'question',
  bump: 'bump',
}

/** Reads one message. The same input and lexicon give the same reading, byte for byte. Never throws. */
export function readMessage(lexicon: Lexicon, input: ReadingInput): Reading {
  const prepared = prepare(input)
  const flags: ReadingFlag[] = [...prepared.flags]
  if (prepared.flags.some((f) => f === 'forwarded' || f === 'quoted' || f === 'code') || prepared.tokens.length === 0) {
    return nothing(lexicon, input, prepared, flags)
  }
  const { tokens } = prepared
  const budget = new Budget(MAX_STEPS)
  const tags = tagTokens(lexicon, tokens, budget)
  const amounts = scanAmounts(tokens, tags)
  if (amounts.length > 0) markAmounts(tags, tokens, amounts)
  const patterns = findPatterns(lexicon, tokens, tags, budget)
  if (budget.left <= 0) {
    flags.push('budget')
    return nothing(lexicon, input, prepared, flags, tags)
  }
  const ofCue = (at: number): boolean =>
    patterns.cues.some((c) => c.rule.family !== 'price' && (c.end === at || (c.start < at && c.end > at)))
  const candidates = amounts.length === 0 ? [] : priceCandidates(tokens, tags, amounts, ofCue)
  const decision = decide({ lexicon, prepared, tags, patterns, amounts, candidates, prior: input.profile?.prior ?? {} })
  const used = MAX_STEPS - budget.left
  if (decision.intent === 'none') return noIntent(lexicon, input, prepared, tags, patterns, decision, candidates, flags, used)
  return intentReading(lexicon, input, prepared, tags, amounts, candidates, decision, flags, used)
}

/** Price of a text under a given intent, without deciding the intent: rule fields, tests, commands. */
export function readPrice(lexicon: Lexicon, text: string, intent: Intent): Money | null {
  const prepared = prepare({ text })
  const budget = new Budget(MAX_STEPS)
  const tags = tagTokens(lexicon, prepared.tokens, budget)
  const amounts = scanAmounts(prepared.tokens, tags)
  if (amounts.length > 0) markAmounts(tags, prepared.tokens, amounts)
  const cues = findPatterns(lexicon, prepared.tokens, tags, budget).cues
  const ofCue = (at: number): boolean =>
    cues.some((c: CueHit) => c.rule.family !== 'price' && (c.end === at || (c.start < at && c.end > at)))
  return choosePrice(prepared.tokens, tags, priceCandidates(prepared.tokens, tags, amounts, ofCue), intent).price
}

function markAmounts(tags: Tags, tokens: readonly Token[], amounts: readonly Amount[]): void {
  for (const a of amounts) {
    if (a.role !== 'amount' && a.role !== 'quantity') continue
    tags.mark('num', a.start, a.end)
    if (a.currency !== undefined || a.multiplied) tags.mark('money', a.start, a.end)
  }
  markModels(tokens, tags, amounts)
}

function nothing(lexicon: Lexicon, input: ReadingInput, prepared: Prepared, flags: readonly ReadingFlag[], tags?: Tags): Reading {
  const lang = tags?.lang ?? 'und'
  return {
    message_id: input.message_id,
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
    trace: {
      lexicon: lexicon.version,
      text: { lang, removed: prepared.removed, flags },
      evidence: [],
      guards: [],
      price: { candidates: [] },
      decision: { scores: NO_SCORES, intent: 'none', confidence: 1 },
      steps: 0,
    },
  }
}

function noIntent(
  lexicon: Lexicon,
  input: ReadingInput,
  prepared: Prepared,
  tags: Tags,
  patterns: PatternHits,
  decision: Decision,
  candidates: readonly PriceCandidate[],
  flags: readonly ReadingFlag[],
  steps: number,
): Reading {
  let act: Act = decision.closed || (prepared.struck && patterns.guards.some((g) => g.rule.kind === 'closed')) ? 'close' : 'none'
  for (const guard of decision.guards) if (act === 'none' && guard.applied) act = ACT_OF[guard.kind] ?? 'none'
  const confidence = decision.confidence
  return {
    message_id: input.message_id,
    lang: tags.lang,
    intent: 'none',
    act,
    confidence,
    score: decision.score,
    secondary: [],
    slots: EMPTY_SLOTS,
    topic: null,
    flags,
    source: 'rules',
    lexicon_version: lexicon.version,
    trace: trace(lexicon, prepared, tags, decision, candidates, undefined, flags, steps),
  }
}

function intentReading(
  lexicon: Lexicon,
  input: ReadingInput,
  prepared: Prepared,
  tags: Tags,
  amounts: readonly Amount[],
  candidates: readonly PriceCandidate[],
  decision: Decision,
  flags: readonly ReadingFlag[],
  steps: number,
): Reading {
  const { tokens, raw } = prepared
  const { intent } = decision
  const frame = decision.haveWant
  const side = frame === undefined ? undefined : intent === 'buy' ? frame.want : frame.have
  const moneySide = frame === undefined ? undefined : intent === 'buy' ? frame.have : frame.want
  const usable =
    moneySide === undefined ? candidates : candidates.filter((c) => c.amount.at >= moneySide[0] && c.amount.at < moneySide[1])
  const lead = decision.lead
  const limited = limitToFirst(decision, usable)
  const price = choosePrice(tokens, tags, limited, intent, 0)
  const stops = new Set<number>()
  for (const c of candidates) if (c.tier >= 1) stops.add(c.amount.start)
  const from = side?.[0] ?? (lead?.postfix ? 0 : lead?.family === 'structure' ? (lead.start ?? 0) : (lead?.end ?? 0))
  const to = side?.[1] ?? (lead?.postfix ? lead.start : tokens.length)
  const found =
    readItem(tokens, tags, from, to, stops) ??
    (lead === undefined ? null : readItem(tokens, tags, lead.end, tokens.length, stops))
  const coin = price.coin !== undefined
  const topic = mapTopic(lexicon, tags, tokens, intent, coin, found?.start ?? from, found?.end ?? to, input.profile?.topic)
  const quantity = coin
    ? { value: price.coin.value, unit: price.coin.ticker }
    : readQuantity(tokens, tags, amounts, found?.start ?? from, found?.end ?? to)
  const wantItem =
    frame !== undefined && intent === 'exchange'
      ? (readItem(tokens, tags, frame.want[0], frame.want[1], stops)?.item ?? null)
      : null
  const slots: Slots = {
    item: coin ? { text: price.coin.ticker, head: null, model_tokens: [], brand: null } : (found?.item ?? null),
    want_item: wantItem,
    quantity,
    condition: readCondition(tags),
    price: withProfile(price.price, input.profile?.currency),
    extra_prices: extras(tokens, tags, price, intent),
    cash_topup: intent === 'exchange' ? price.topup : null,
    place: readPlace(tokens, tags),
    delivery: readDelivery(tags),
    deadline: readDeadline(tokens, tags),
    contact: readContact(raw, tokens, tags, amounts),
    payment: readPayment(tokens, tags),
  }
  const doubt = slots.item === null ? 0.1 : 0
  const confidence = Math.max(0, Math.round((decision.confidence - doubt) * 100) / 100)
  return {
    message_id: input.message_id,
    lang: tags.lang,
    intent,
    act: 'open',
    confidence,
    score: decision.score,
    secondary: decision.secondary.map((s) => ({ intent: s.intent, score: s.score, span: spanOf(tokens, s.start, s.end) })),
    slots,
    topic,
    flags,
    source: 'rules',
    lexicon_version: lexicon.version,
    trace: trace(lexicon, prepared, tags, decision, candidates, price, flags, steps),
  }
}

/** A second cue of another intent begins its own terms: its prices are not the first one's. */
function limitToFirst(decision: Decision, candidates: readonly PriceCandidate[]): readonly PriceCandidate[] {
  const lead = decision.lead
  if (lead === undefined || decision.secondary.length === 0) return candidates
  const other = decision.evidence.find((e) => e.start > lead.end && e.intent !== lead.intent && e.family === 'tag')
  return other === undefined ? candidates : candidates.filter((c) => c.amount.start < other.start)
}

function withProfile(price: Money | null, currency: string | undefined): Money | null {
  if (price === null || price.currency !== null || currency === undefined || price.flags.includes('free')) return price
  return { ...price, currency, currency_source: 'channel' }
}

function extras(tokens: readonly Token[], tags: Tags, price: PriceReading, intent: Intent): { item: string; price: Money }[] {
  const out: { item: string; price: Money }[] = []
  for (const c of price.extras) {
    const single = choosePrice(tokens, tags, [c], intent).price
    if (single !== null) out.push({ item: '', price: single })
  }
  return out
}

function trace(
  lexicon: Lexicon,
  prepared: Prepared,
  tags: Tags,
  decision: Decision,
  candidates: readonly PriceCandidate[],
  price: PriceReading | undefined,
  flags: readonly string[],
  steps: number,
): Trace {
  const { tokens } = prepared
  return {
    lexicon: lexicon.version,
    text: { lang: tags.lang, removed: prepared.removed, flags },
    evidence: [
      ...decision.evidence.map((e) => ({
        intent: e.intent,
        points: e.points,
        family: e.family,
        span: spanOf(tokens, e.start, e.end),
        cue: e.cue,
      })),
      ...decision.bonuses.map((b) => ({ intent: b.intent, points: b.points, why: b.why })),
    ],
    guards: decision.guards.map((g) => ({
      kind: g.kind,
      points: g.points,
      scope: g.scope,
      span: spanOf(tokens, g.start, g.end),
      applied: g.applied,
    })),
    price: {
      candidates: candidates.map((c) => ({
        span: spanOf(tokens, c.amount.start, c.amount.end),
        value: c.amount.max,
        role: c.role,
        chosen: price?.chosen === c,
      })),
    },
    decision: { scores: decision.scores, intent: decision.intent, confidence: decision.confidence },
    steps,
  }
}
