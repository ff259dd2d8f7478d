import type { PeerMarketMessage } from '../../bridges/p2p/port.ts'
import { match, readMessage } from '../../rules/index.ts'
import { type Money, type Slots, type StoredIntent, sideOf, type TopicRef } from '../../rules/model.ts'
import type { IntentRecord } from '../../rules/thread/index.ts'
import { withInterest } from '../../rules/thread/intent-book.ts'
import { ownWords } from '../../rules/thread/own-words.ts'
import { interest, opened, updated } from './intents.ts'
import { intentOf, type MarketIntent, type Origin } from './model.ts'
import type { MarketParts } from './parts.ts'
import { type Cause, keep, type Step } from './step.ts'

/** Offers and requests of peers held at once, and of one sender. */
const MAX_PEER_INTENTS = 20_000
const MAX_PER_SENDER = 50
/** A repeat is written down only so often: its life is 15 minutes. */
const REFRESH_STORED_MS = 300_000
/** Peers state their forms outright; what is left of doubt is whether they mean it. */
const CONFIDENCE = 0.95

export interface PeerCounts {
  total: number
  readonly bySender: Map<string, number>
}

/** One more open intent of a sender, or one less. */
export function countPeer(counts: PeerCounts, sender: string, by: 1 | -1): void {
  counts.total = Math.max(0, counts.total + by)
  const own = (counts.bySender.get(sender) ?? 0) + by
  if (own > 0) counts.bySender.set(sender, own)
  else counts.bySender.delete(sender)
}

/** Another gateway left an intent as it is now: counts of open ones follow. */
export function followPeer(counts: PeerCounts, entry: MarketIntent, before: MarketIntent | undefined): void {
  const [isOpen, wasOpen] = [entry, before].map((e) => e !== undefined && intentOf(e).status === 'open')
  const sender = entry.origin.peer?.nodeId
  if (sender !== undefined && isOpen !== wasOpen) countPeer(counts, sender, isOpen ? 1 : -1)
}

export interface PeerContext {
  /** This node's id. */
  readonly me: string
  readonly counts: PeerCounts
  readonly nameOf: (message: PeerMarketMessage) => string
}

/** An offer, request or interest of a peer. True when there is something to store now. */
export function hear(step: Step, message: PeerMarketMessage, context: PeerContext): boolean {
  if (message.senderId === context.me) return false
  const cause = causeOf(step.parts, message, context)
  if (cause.profile.mode === 'off') return false
  if (message.kind === 'interest')
    return (message.targetId === context.me || message.forPerson !== undefined) && answered(step, message, cause)
  return offered(step, message, cause, context)
}

function offered(step: Step, message: PeerMarketMessage, cause: Cause, { counts }: PeerContext): boolean {
  const { parts, now } = step
  const id = peerIntentId(message)
  const known = parts.memory.get(id)
  const expires = now + match.K2_OFFER_LIFE_MS
  if (known?.origin.peer?.intentKey === message.intentKey && intentOf(known).status === 'open') {
    const intent = intentOf(known)
    const trust = intent.trust === 'unknown' ? trustOf(message) : intent.trust
    const next: MarketIntent = { ...known, record: { ...known.record, intent: { ...intent, trust, expires_at: expires } } }
    // Repeats come every few seconds: memory knows at once, the database now and then.
    if (trust === intent.trust && now - known.record.bumped_at < REFRESH_STORED_MS) {
      parts.memory.put(next)
      return false
    }
    keep(step, { ...next, record: { ...next.record, bumped_at: now } })
    return true
  }
  if (known === undefined) {
    const own = counts.bySender.get(message.senderId) ?? 0
    if (counts.total >= MAX_PEER_INTENTS || own >= MAX_PER_SENDER) {
      parts.counters.add('peer_intents_refused_total')
      return false
    }
    countPeer(counts, message.senderId, 1)
  }
  const intent = intentFrom(parts, message, id, now, expires)
  if (known === undefined) {
    const record: IntentRecord = {
      intent,
      message_id: `p2p:${message.topic}:${id}`,
      ordinal: 0,
      parts: [`p2p:${message.topic}:${id}`],
      thread: null,
      bumped_at: now,
      interested: [],
    }
    opened(step, record, null, cause, 'never')
    return true
  }
  const before = intentOf(known)
  const record: IntentRecord = {
    ...known.record,
    intent: { ...intent, revision: before.revision + 1, created_at: before.created_at },
  }
  step.parts.memory.put({ ...known, origin: cause.origin })
  updated(step, record, before, null, cause, 'peer')
  return true
}

/** An interest says whom it is for but not what it is about: the offer its form fits best. */
function answered(step: Step, message: PeerMarketMessage, cause: Cause): boolean {
  const { parts, now } = step
  const offers = [...parts.memory.published()].filter(
    (e) =>
      e.published?.kind === 'offer' &&
      e.published.topic === message.topic &&
      step.publisher.isOurs(e) &&
      (message.forPerson === undefined || intentOf(e).owner === message.forPerson),
  )
  if (offers.length === 0) {
    parts.counters.add('interests_total', { source: 'unknown' })
    return false
  }
  const want = intentFrom(parts, { ...message, kind: 'request' }, `interest.${message.messageId}`.slice(0, 60), now, now + 1)
  const best = parts.memory.open
    .search({ ...want, expires_at: now + 60_000 }, { now, rates: match.converter(parts.rates, now), minScore: 0, limit: 20 })
    .find((m) => offers.some((o) => intentOf(o).intent_id === m.intent.intent_id))
  const about =
    best === undefined
      ? [...offers].sort((a, b) => (b.published?.at ?? 0) - (a.published?.at ?? 0))[0]
      : parts.memory.get(best.intent.intent_id)
  if (about === undefined) return false
  const person = `p2p:${message.senderId}`
  if (about.record.interested.includes(person)) return false
  interest(step, withInterest(about.record, person), person, true, cause, wishOf(message))
  return true
}

function wishOf(message: PeerMarketMessage): string {
  const { title } = message.form
  const price = priceOf(message.form.priceRange, 'budget')
  const wish = typeof title === 'string' && title.trim() !== '' ? `Looks for: ${ownWords(title).slice(0, 120)}` : ''
  const pays = price === null ? '' : `up to ${price.max ?? price.min ?? ''} ${price.currency ?? ''}`.trimEnd()
  const who = `Node ${message.senderId.slice(0, 16)}…${message.senderClass === 'verified' ? '' : ' (unverified)'}`
  return [[wish, pays].filter((t) => t !== '').join(', '), who].filter((t) => t !== '').join('\n')
}

function causeOf(parts: MarketParts, message: PeerMarketMessage, { nameOf }: PeerContext): Cause {
  const origin: Origin = {
    place: { network: 'p2p', account: 'self', channel: message.topic },
    authorName: nameOf(message),
    ...(message.kind !== 'interest' && {
      peer: { nodeId: message.senderId, intentKey: message.intentKey, kind: message.kind },
    }),
  }
  return {
    origin,
    profile: parts.profiles.of(origin.place),
    author: { key: `p2p:${message.senderId}`, kind: 'peer', trust: trustOf(message), roles: [] },
  }
}

const trustOf = (message: PeerMarketMessage): StoredIntent['trust'] =>
  message.senderClass === 'verified' ? 'verified' : 'unknown'
const textOf = (value: unknown): string => (typeof value === 'string' ? value.trim() : '')
const titleOf = ({ form }: PeerMarketMessage): string => textOf(form.title) || textOf(form.description).slice(0, 80) || 'offer'

/** K2 offers carry no id: sender, topic and title stand for one. */
export const peerIntentId = (message: PeerMarketMessage): string =>
  match.k2IntentId(message.senderId, message.topic, titleOf(message))

/** The intent of a peer's form: item and topic are read from its words, terms are taken as they stand. */
export function intentFrom(
  parts: Pick<MarketParts, 'lexicon'>,
  message: PeerMarketMessage,
  id: string,
  now: number,
  expiresAt: number,
): StoredIntent {
  const { form, topic } = message
  const title = titleOf(message)
  const work = topic === 'Freelance Job'
  const wants = message.kind !== 'offer' || form.action === 'buy'
  const kind: StoredIntent['intent'] =
    form.action === 'exchange' ? 'exchange' : wants ? (work ? 'service_wanted' : 'buy') : work ? 'service_offered' : 'sell'
  const location = textOf(form.location)
  const cue = kind === 'exchange' ? 'WTT' : wants ? 'WTB' : 'WTS'
  const reading = readMessage(
    { id, text: `${cue} ${title}${location === '' ? '' : `\n📍 ${location}`}` },
    { lexicon: parts.lexicon },
  )
  const slots: Slots = {
    ...reading.slots,
    item: reading.slots.item ?? { text: title.toLowerCase().slice(0, 120), head: null, model_tokens: [], brand: null },
    price: priceOf(form.priceRange, wants ? 'budget' : 'asking') ?? reading.slots.price,
    condition: CONDITIONS[textOf(form.condition)] ?? reading.slots.condition,
    place: location === '' ? null : (reading.slots.place ?? { text: location.slice(0, 80), ...NOWHERE }),
    contact: { kinds: [], masked: [] },
  }
  return {
    intent_id: id,
    owner: `p2p:${message.senderId}`,
    platform: 'p2p',
    channel: topic,
    intent: kind,
    side: sideOf(kind) ?? 'offer',
    status: 'open',
    revision: 1,
    slots,
    topic: {
      slug: work ? 'services' : (reading.topic?.slug ?? 'goods'),
      k2_topic: topic,
      selection: selectionOf(form),
      source: 'item',
    },
    confidence: CONFIDENCE,
    score: 12,
    text: ownWords(`${title}\n${textOf(form.description)}`),
    flags: [],
    trust: trustOf(message),
    created_at: now,
    updated_at: now,
    expires_at: expiresAt,
    consent: null,
  }
}

const NOWHERE = { country: null, region: null, city: null, lat: null, lon: null, radius_km: null }
const CONDITIONS: Readonly<Record<string, Slots['condition']>> = { new: 'new', 'like-new': 'like_new', used: 'used' }

function selectionOf(form: PeerMarketMessage['form']): TopicRef['selection'] {
  const selection = (typeof form.selection === 'object' && form.selection !== null ? form.selection : {}) as Record<
    string,
    unknown
  >
  const pick = (name: string): object => (typeof selection[name] === 'string' ? { [name]: selection[name] } : {})
  return { ...pick('subtopic'), ...pick('category'), ...pick('skill'), ...pick('sub_category') }
}

/** Zero stands for "none" on this wire; a budget is only a highest price. */
function priceOf(value: unknown, role: 'asking' | 'budget'): Money | null {
  if (typeof value !== 'object' || value === null) return null
  const { min, max, currency } = value as { min?: unknown; max?: unknown; currency?: unknown }
  const [low, high] = [decimal(min), decimal(max)]
  if (low === null && high === null) return null
  return {
    min: role === 'budget' ? null : (low ?? high),
    max: high ?? (role === 'budget' ? low : null),
    currency: typeof currency === 'string' && /^[A-Z]{3}$/.test(currency) ? currency : null,
    currency_source: 'explicit',
    unit: 'item',
    role,
    flags: [],
  }
}

function decimal(value: unknown): string | null {
  if (typeof value !== 'number' || !(value > 0) || value > 1e15) return null
  const text = String(value)
  const plain = text.includes('e') ? value.toFixed(18).replace(/(?:\.0+|(?<![0.])0+)$/, '') : text
  return /^\d{1,16}(?:\.\d{1,18})?$/.test(plain) ? plain : null
}
