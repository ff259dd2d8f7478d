import { expiryOf, intentId } from '../match/life-cycle.ts'
import { type Intent, type Reading, type Slots, type StoredIntent, sideOf } from '../model.ts'
import type { IntentRecord, ThreadContext, ThreadMessage } from './model.ts'
import { ownWords } from './own-words.ts'

/** Most intents one message may open over its edits. */
const MAX_ORDINAL = 20

/** A reading with the words it was read from. */
export interface ReadPart {
  readonly reading: Reading
  readonly text: string
}

/** A new intent; undefined when the reading is none or the message has opened too many. */
export function openRecord(
  part: ReadPart,
  message: ThreadMessage,
  parts: readonly string[],
  ordinal: number,
  context: Pick<ThreadContext, 'now' | 'consent'>,
  status: 'draft' | 'open',
): IntentRecord | undefined {
  const { reading } = part
  const kind: Intent = reading.intent
  const side = sideOf(kind)
  if (kind === 'none' || side === null || ordinal >= MAX_ORDINAL || !hasObject(reading)) return undefined
  const { now } = context
  const intent: StoredIntent = {
    intent_id: intentId(message.platform, message.channel, message.id, ordinal),
    owner: message.author,
    platform: message.platform,
    channel: message.channel,
    intent: kind,
    side,
    status,
    revision: 1,
    slots: reading.slots,
    topic: reading.topic,
    confidence: reading.confidence,
    score: reading.score,
    text: ownWords(part.text),
    flags: reading.flags,
    trust: message.trust,
    created_at: now,
    updated_at: now,
    expires_at: expiryOf(reading.topic?.slug, now, reading.slots.deadline?.at ?? null),
    consent: context.consent ?? null,
  }
  return { intent, message_id: message.id, ordinal, parts, thread: message.thread ?? null, bumped_at: now, interested: [] }
}

/** A cue without any object ("WTS") waits for the message that names one. */
function hasObject({ slots, topic }: Reading): boolean {
  return slots.item !== null || (topic !== null && topic.source !== 'default' && topic.source !== 'channel')
}

/** The record after its message was read again. Nothing changed: the same record. */
export function reviseRecord(record: IntentRecord, part: ReadPart, parts: readonly string[], now: number): IntentRecord {
  const { intent } = record
  const { reading } = part
  const text = ownWords(part.text)
  const ended = intent.status === 'closed' || intent.status === 'withdrawn' || intent.status === 'expired'
  const same =
    !ended &&
    text === intent.text &&
    reading.confidence === intent.confidence &&
    reading.topic?.slug === intent.topic?.slug &&
    JSON.stringify(reading.slots) === JSON.stringify(intent.slots)
  if (same && parts.length === record.parts.length) return record
  return {
    ...record,
    parts,
    intent: {
      ...intent,
      status: ended ? 'open' : intent.status,
      revision: intent.revision + 1,
      slots: reading.slots,
      topic: reading.topic,
      confidence: reading.confidence,
      score: reading.score,
      text,
      flags: reading.flags,
      updated_at: now,
      expires_at: ended ? expiryOf(reading.topic?.slug, now, reading.slots.deadline?.at ?? null) : intent.expires_at,
    },
  }
}

/** The record with some slots replaced: an owner's "now 650" below the listing. */
export function patchRecord(record: IntentRecord, slots: Partial<Slots>, now: number): IntentRecord {
  const { intent } = record
  return {
    ...record,
    intent: { ...intent, revision: intent.revision + 1, slots: { ...intent.slots, ...slots }, updated_at: now },
  }
}

export function withStatus(record: IntentRecord, status: StoredIntent['status'], now: number): IntentRecord {
  return { ...record, intent: { ...record.intent, status, revision: record.intent.revision + 1, updated_at: now } }
}

export const isLive = (record: IntentRecord): boolean =>
  record.intent.status === 'open' || record.intent.status === 'paused' || record.intent.status === 'draft'
