import { type Money, NOTHING_SAID, type Slots, type TopicRef } from '../model.ts'
import type { Amount } from '../slots/amount.ts'
import { readContact } from '../slots/contact.ts'
import { readDeadline } from '../slots/deadline.ts'
import { readCondition, readDelivery, readPayment } from '../slots/details.ts'
import { readItem } from '../slots/item.ts'
import { readPlace } from '../slots/place.ts'
import { choosePrice, type PriceReading } from '../slots/price.ts'
import type { PriceCandidate } from '../slots/price-candidates.ts'
import { readQuantity } from '../slots/quantity.ts'
import type { Tags } from '../slots/tags.ts'
import type { Prepared, Token } from '../text/model.ts'
import { mapTopic } from '../topics/map-topic.ts'
import type { ReadingContext, ReadingMessage } from './context.ts'
import type { Decision } from './decide.ts'
import { tells, thingStart } from './thing.ts'

export interface TermsInput {
  readonly message: ReadingMessage
  readonly context: ReadingContext
  readonly prepared: Prepared
  readonly tags: Tags
  readonly amounts: readonly Amount[]
  readonly candidates: readonly PriceCandidate[]
  /** Of an intent other than `none`. */
  readonly decision: Decision
}

export interface Terms {
  readonly slots: Slots
  readonly topic: TopicRef | null
  readonly price: PriceReading
}

/** Rooms and services name their place anywhere. */
const NAMES_PLACE = new Set(['services', 'real-estate'])
const NO_STOPS: ReadonlySet<number> = new Set()

/** Slots and topic of an intent that has been decided (section 6.6). */
export function readTerms(input: TermsInput): Terms {
  const { prepared, tags, amounts, candidates, decision } = input
  const { lexicon, profile } = input.context
  const { tokens, raw } = prepared
  const { intent, lead, haveWant: frame } = decision
  const side = frame === undefined ? undefined : intent === 'buy' ? frame.want : frame.have
  const moneySide = frame === undefined ? undefined : intent === 'buy' ? frame.have : frame.want
  const usable =
    moneySide === undefined ? candidates : candidates.filter((c) => c.amount.at >= moneySide[0] && c.amount.at < moneySide[1])
  const price = choosePrice(tokens, tags, limitToFirst(decision, usable), intent, 0)
  const stops = new Set<number>()
  for (const c of candidates) if (c.tier >= 1) stops.add(c.amount.start)
  for (const a of amounts) if (a.role === 'phone') stops.add(a.start)
  const from = side?.[0] ?? (lead?.postfix ? 0 : lead?.family === 'structure' ? lead.start : itemStart(lead))
  const to = side?.[1] ?? (lead?.postfix ? lead.start : tokens.length)
  const read =
    readItem(tokens, tags, from, to, stops) ??
    (lead === undefined ? null : readItem(tokens, tags, lead.end, tokens.length, stops))
  // "I leave Lyon on the 3rd … Bosch washing machine 120": what does not begin with a cue need not begin with what it is about.
  const open = (lead === undefined || lead.postfix) && frame === undefined
  const story = open && read !== null && !names(read.item) && tells(tags, read.start, read.end)
  const start = story ? thingStart(tokens, tags, intent) : undefined
  const found = start === undefined ? read : (readItem(tokens, tags, start, start < to ? to : tokens.length, stops) ?? read)
  const coin = price.coin
  const topic = mapTopic(
    lexicon,
    tags,
    tokens,
    intent,
    coin !== undefined,
    found?.start ?? from,
    found?.end ?? to,
    profile?.topic,
  )
  const slots: Slots = {
    item:
      coin === undefined
        ? (found?.item ?? null)
        : { text: coin.ticker, head: null, model_tokens: NOTHING_SAID.list, brand: null },
    want_item:
      frame !== undefined && intent === 'exchange'
        ? (readItem(tokens, tags, frame.want[0], frame.want[1], stops)?.item ?? null)
        : null,
    quantity:
      coin === undefined ? quantity(input, found?.start ?? from, found?.end ?? to) : { value: coin.value, unit: coin.ticker },
    condition: readCondition(tags),
    price: withProfile(price.price, profile?.currency),
    extra_prices: extras(tokens, tags, price, intent),
    cash_topup: intent === 'exchange' ? price.topup : null,
    place: readPlace(lexicon.gazetteer, raw, tokens, tags, amounts, NAMES_PLACE.has(topic?.slug ?? '')),
    delivery: readDelivery(tags),
    deadline: readDeadline(prepared.clean, tokens, tags, input.message.sent_at, profile?.timezone),
    contact: readContact(raw, prepared.removed, tokens, tags, amounts),
    payment: readPayment(tokens, tags),
  }
  return { slots, topic, price }
}

/** What somebody does is not counted: "nails, 3 days", "I print from 30 pieces". */
function quantity({ prepared, tags, amounts, candidates, decision }: TermsInput, start: number, end: number): Slots['quantity'] {
  const { intent } = decision
  if (intent === 'service_offered') return null
  return readQuantity(prepared.tokens, tags, amounts, start, end, candidates, intent)
}

const names = (item: NonNullable<Slots['item']>): boolean =>
  item.head !== null || item.brand !== null || item.model_tokens.length > 0

/** Behind the cue, or at the thing that is part of the cue. */
function itemStart(lead: Decision['lead']): number {
  if (lead === undefined) return 0
  const named = lead.object
  return named !== undefined && named.kind !== 'word' && named.start > lead.start && named.start < lead.end
    ? named.start
    : lead.end
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

/** Further prices with the words that stand before each of them. */
function extras(
  tokens: readonly Token[],
  tags: Tags,
  price: PriceReading,
  intent: Decision['intent'],
): readonly { readonly item: string; readonly price: Money }[] {
  if (price.extras.length === 0) return NOTHING_SAID.list
  const out: { item: string; price: Money }[] = []
  for (const c of price.extras) {
    const single = choosePrice(tokens, tags, [c], intent).price
    if (single !== null) out.push({ item: labelBefore(tokens, tags, c, price), price: single })
  }
  return out
}

const LABEL_REACH = 8

/** The thing a further price belongs to: the words before it, back to the price before or the end of the clause. */
function labelBefore(tokens: readonly Token[], tags: Tags, c: PriceCandidate, price: PriceReading): string {
  const { start } = c.amount
  let from = start
  while (from > 0 && start - from < LABEL_REACH) {
    const token = tokens[from - 1] as Token
    if (token.kind === 'line' || token.text === ',' || token.sentence !== tokens[start]?.sentence) break
    if (price.candidates.some((other) => other !== c && other.end === from)) break
    from--
  }
  return readItem(tokens, tags, from, start, NO_STOPS)?.item.text ?? ''
}
