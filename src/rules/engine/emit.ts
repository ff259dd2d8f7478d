import type { PlannedEffect } from '../language/plan.ts'
import type { Lexicon } from '../lexicon/compile.ts'
import { parseAmount } from '../match/amount.ts'
import { type Intent, type Money, moneySchema, type Reading, type Slots, sideOf, slotsSchema, type TopicRef } from '../model.ts'
import { openRecord } from '../thread/stored-intent.ts'
import type { IntentRecord, ThreadEvent, ThreadMessage } from './model.ts'

export interface EmitScope {
  readonly lexicon: Lexicon
  readonly message: ThreadMessage
  readonly reading: Reading
  readonly now: number
  /** Next free number among the intents of the message. */
  readonly ordinal: number
  readonly opens: 'draft' | 'open' | null
}

/** What an `emit` makes of the intents a message opens: a change of the one it means, or a new one. Undefined: nothing valid. */
export function emitted(effect: PlannedEffect, events: readonly ThreadEvent[], scope: EmitScope): ThreadEvent | undefined {
  const { fields } = effect
  const kind = (fields.intent ?? scope.reading.intent) as Intent
  const target = events.find((e) => (e.type === 'opened' || e.type === 'updated') && e.record.intent.side === sideOf(kind))
  const slots = setSlots((fields.set ?? {}) as Readonly<Record<string, unknown>>)
  const topic = topicOf(
    scope.lexicon,
    (fields.topic ?? (fields.set as { topic?: unknown } | undefined)?.topic) as string | undefined,
  )
  if (target !== undefined) return { ...target, record: changed(target.record, slots, topic, fields, scope.now) }
  if (kind === 'none' || scope.opens === null) return undefined
  const reading: Reading = {
    ...scope.reading,
    intent: kind,
    confidence: scope.reading.intent === kind ? scope.reading.confidence : 1,
    slots: merged(scope.reading.slots, slots),
    topic: topic ?? scope.reading.topic ?? topicOf(scope.lexicon, 'goods') ?? null,
  }
  const { message } = scope
  const status = fields.status === 'open' ? 'open' : 'draft'
  const part = { reading, text: message.text }
  const record = openRecord(part, message, [message.id], scope.ordinal, { now: scope.now, consent: null }, status)
  return record === undefined ? undefined : { type: 'opened', record: expiring(record, fields, scope.now), reading }
}

function changed(
  record: IntentRecord,
  slots: Partial<Slots>,
  topic: TopicRef | undefined,
  fields: PlannedEffect['fields'],
  now: number,
): IntentRecord {
  const { intent } = record
  const status = fields.status === 'draft' || fields.status === 'open' ? fields.status : intent.status
  const next = { ...intent, slots: merged(intent.slots, slots), topic: topic ?? intent.topic, status }
  return expiring({ ...record, intent: next }, fields, now)
}

function expiring(record: IntentRecord, fields: PlannedEffect['fields'], now: number): IntentRecord {
  if (typeof fields.expires !== 'number') return record
  return { ...record, intent: { ...record.intent, expires_at: now + fields.expires } }
}

/** Values of a rule stand above what was read; a result that is not valid keeps what was read. */
function merged(before: Slots, set: Partial<Slots>): Slots {
  const next = { ...before, ...set }
  return slotsSchema.safeParse(next).success ? next : before
}

function setSlots(set: Readonly<Record<string, unknown>>): Partial<Slots> {
  const out: { -readonly [K in keyof Slots]?: Slots[K] } = {}
  const item = (text: unknown) => ({ text: String(text), head: null, model_tokens: [], brand: null })
  if (set.item !== undefined) out.item = item(set.item)
  if (set.want_item !== undefined) out.want_item = item(set.want_item)
  if (typeof set.quantity === 'number') out.quantity = { value: set.quantity, unit: null }
  if (set.condition !== undefined) out.condition = set.condition as NonNullable<Slots['condition']>
  if (set.place !== undefined) {
    const text = String(set.place)
    out.place = { text, country: null, region: null, city: text, lat: null, lon: null, radius_km: null }
  }
  const price = set.price === undefined ? undefined : priceOf(set.price)
  if (price !== undefined) out.price = price
  return out
}

function priceOf(value: unknown): Money | undefined {
  const amount = typeof value === 'number' ? { value, currency: null } : parseAmount(String(value))
  if (amount === undefined) return undefined
  const text = String(amount.value)
  const money = moneySchema.safeParse({
    min: text,
    max: text,
    currency: amount.currency,
    currency_source: amount.currency === null ? null : 'explicit',
    unit: 'item',
    role: 'asking',
    flags: [],
  })
  return money.success ? money.data : undefined
}

function topicOf(lexicon: Lexicon, slug: string | undefined): TopicRef | undefined {
  const topic = lexicon.taxonomy.topics.find((t) => t.slug === slug)
  return topic === undefined
    ? undefined
    : { slug: topic.slug, k2_topic: topic.k2_topic, selection: { subtopic: topic.subtopic }, source: 'rule' }
}
