import type { Reading } from '../model.ts'
import { hasOwnCue } from './group.ts'
import type { IntentRecord, ThreadContext, ThreadEvent, ThreadMessage, UpdateReason } from './model.ts'
import { isLive, openRecord, type ReadPart, reviseRecord, withStatus } from './stored-intent.ts'

/** Intents of one message. */
const MAX_PER_MESSAGE = 5

/** The reading itself, and a reading of its own for each further intent of the text that names its own object. */
export function readParts(reading: Reading, text: string, messageId: string, context: ThreadContext): ReadPart[] {
  if (reading.intent === 'none') return []
  const out: ReadPart[] = []
  const others = reading.secondary
    .map((s) => ({ intent: s.intent, span: s.span as unknown as readonly [number, number] }))
    .sort((a, b) => a.span[0] - b.span[0])
  let first = text.length
  for (const [i, { intent, span }] of others.entries()) {
    if (out.length + 1 >= MAX_PER_MESSAGE) break
    const part = text.slice(span[0], others[i + 1]?.span[0] ?? text.length)
    const own = context.reader.read({ id: messageId, text: part })
    if (own.intent !== intent || own.intent === reading.intent || own.slots.item === null || !hasOwnCue(own)) continue
    out.push({ reading: own, text: part })
    first = Math.min(first, span[0])
  }
  return [{ reading, text: first > 0 ? text.slice(0, first) : text }, ...out]
}

/** What a message's intents become when it is read (again): kept and revised by kind, withdrawn, opened. */
export function reconcile(
  parts: readonly ReadPart[],
  message: ThreadMessage,
  messages: readonly string[],
  context: ThreadContext,
  reason: UpdateReason,
  /** The words that closed a listing were taken back; without that, what is closed stays closed. */
  revive = false,
): ThreadEvent[] {
  const events: ThreadEvent[] = []
  const known = [...context.intents.ofMessage(message.id)]
  let ordinal = known.reduce((next, r) => Math.max(next, r.ordinal + 1), 0)
  for (const part of parts) {
    const at = known.findIndex((r) => r.intent.intent === part.reading.intent)
    const before = known[at]
    if (before !== undefined) {
      known.splice(at, 1)
      if (before.intent.status === 'closed' && !revive) continue
      const record = reviseRecord(before, part, messages, context.now)
      if (record !== before) events.push({ type: 'updated', record, before: before.intent, reading: part.reading, reason })
      continue
    }
    const record = context.opens === null ? undefined : openRecord(part, message, messages, ordinal, context, context.opens)
    if (record === undefined) continue
    ordinal++
    events.push({ type: 'opened', record, reading: part.reading })
  }
  for (const record of known) if (isLive(record)) events.push(ended(record, context.now, 'edit'))
  return events
}

export function ended(record: IntentRecord, now: number, reason: 'edit' | 'delete' | 'opinion'): ThreadEvent {
  return { type: 'withdrawn', record: withStatus(record, 'withdrawn', now), reason }
}
