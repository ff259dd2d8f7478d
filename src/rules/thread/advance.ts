import { wordsOf } from '../match/terms.ts'
import type { Money, Reading, Slots } from '../model.ts'
import { forgotten, pruned, remembered } from './channel.ts'
import { bareBid, bidIn, underItem } from './fragment.ts'
import { changedSlots, changedTerms, hasOwnCue, type Joined, joinedWith, joinParts, partsOf, rememberedReading } from './group.ts'
import { withInterest } from './intent-book.ts'
import type {
  ChannelState,
  IntentRecord,
  ReadText,
  ThreadContext,
  ThreadEntry,
  ThreadEvent,
  ThreadInput,
  ThreadMessage,
  ThreadStep,
  TradeKind,
} from './model.ts'
import { ended, readParts, reconcile } from './reconcile.ts'
import { isLive, openRecord, patchRecord, reviseRecord, withStatus } from './stored-intent.ts'
import { targetOfOther, targetOfOwner } from './target.ts'
import { CLOSING, CLOSING_WORD, SAYS_AVAILABLE } from './words.ts'

/** Longer messages say more than that something is sold or still there. */
const MAX_ACT_WORDS = 8
const DAY_MS = 86_400_000

/**
 * One step of a conversation (section 8): what a message, an edit, a deletion or a late reading does to the intents of its channel.
 * Pure: neither the state nor the book is changed; both changes are answered.
 */
export function advance(before: ChannelState, input: ThreadInput, context: ThreadContext): ThreadStep {
  const state = pruned(before, context.now)
  switch (input.kind) {
    case 'create':
      return created(state, input.message, context)
    case 'edit':
      return edited(state, input.message, context)
    case 'delete':
      return deleted(state, input.id, context)
    case 'done':
      return { ...quiet(state), act: 'close', events: closedBy(context.intents.ofMessage(input.id), input.author, context) }
    case 'opinion':
      return advised(state, input, context)
  }
}

const quiet = (state: ChannelState): ThreadStep => ({ state, reading: null, act: 'none', events: [] })

function created(state: ChannelState, message: ThreadMessage, context: ThreadContext): ThreadStep {
  // The same message again changes nothing but what an edit would.
  if (state.entries.some((e) => e.message.id === message.id)) return edited(state, message, context)
  const alone = context.reader.read(joinParts([message]))
  const joined = joinedWith(state, message, alone, context.reader)
  if (joined !== undefined && !isOver(joined.first.id, context)) return merged(state, message, joined, context)
  const next = remembered(state, entryOf(message, alone, message.id))
  const owned = alone.act === 'none' || alone.intent !== 'none' ? ownerUpdate(state, message, alone, context) : undefined
  if (owned !== undefined) return { state: next, reading: alone, act: 'update', events: [owned] }
  const bid = bidden(next, message, alone, context)
  if (bid !== undefined) return { state: next, reading: alone, act: 'negotiate', events: [bid] }
  if (alone.intent !== 'none') {
    const parts = readParts(alone, fullText(joinParts([message])), message.id, context)
    return {
      state: next,
      reading: alone,
      act: 'open',
      events: reconcile(parts, message, [message.id], context, 'edit'),
    }
  }
  const { act, events } = spoken(next, message, alone, context)
  return { state: next, reading: alone, act, events }
}

/** Everything a message opened has ended: nothing is added to it any more. */
function isOver(messageId: string, context: ThreadContext): boolean {
  const known = context.intents.ofMessage(messageId)
  return known.length > 0 && !known.some(isLive)
}

function merged(state: ChannelState, message: ThreadMessage, joined: Joined, context: ThreadContext): ThreadStep {
  const { first, reading, parts } = joined
  const next = remembered(withReading(state, first.id, reading), entryOf(message, reading, first.id))
  const ids = parts.map((p) => p.id)
  const known = context.intents.ofMessage(first.id).length > 0
  const texts = readParts(reading, fullText(joinParts(parts)), first.id, context)
  const events = reading.intent === 'none' ? [] : reconcile(texts, first, ids, context, 'merge')
  return { state: next, reading, act: events.length === 0 ? 'none' : known ? 'update' : 'open', events }
}

const entryOf = (message: ThreadMessage, reading: Reading, first: string): ThreadEntry => ({
  message,
  reading: rememberedReading(reading),
  first,
})

function withReading(state: ChannelState, first: string, reading: Reading): ChannelState {
  const kept = rememberedReading(reading)
  return { entries: state.entries.map((e) => (e.first === first ? { ...e, reading: kept } : e)) }
}

function edited(state: ChannelState, now: ThreadMessage, context: ThreadContext): ThreadStep {
  const entry = state.entries.find((e) => e.message.id === now.id)
  const message = entry === undefined ? now : { ...now, sent_at: entry.message.sent_at }
  const group = entry === undefined ? [] : partsOf(state, entry.first)
  const parts = group.length === 0 ? [message] : group.map((p) => (p.id === message.id ? message : p))
  const first = parts[0] as ThreadMessage
  const text = joinParts(parts)
  const reading = context.reader.read(text)
  const next = remembered(withReading(state, first.id, reading), entryOf(message, reading, first.id))
  const known = context.intents.ofMessage(message.id)
  const own = parts.length === 1 ? reading : context.reader.read(joinParts([message]))
  if (reading.act === 'close' || own.act === 'close' || saysClosed(message.text))
    return { state: next, reading, act: 'close', events: closed(known.filter(isLive), context.now, 'edit') }
  // A later part of a listing whose first message is forgotten: only what it says itself may change.
  const orphan = known[0]
  if (entry === undefined && orphan !== undefined && orphan.message_id !== message.id) {
    const patch = isLive(orphan) ? patched(orphan, message, context) : undefined
    return { state: next, reading, act: patch === undefined ? 'none' : 'update', events: patch === undefined ? [] : [patch] }
  }
  const lost = orphan !== undefined && orphan.parts.length > parts.length && entry === undefined
  const kept = lost ? { ...reading, slots: filled(reading.slots, orphan.intent.slots) } : reading
  const ids = lost ? orphan.parts : parts.map((p) => p.id)
  const taken = entry !== undefined && (entry.reading.act === 'close' || saysClosed(entry.message.text))
  const events = reconcile(readParts(kept, fullText(text), first.id, context), first, ids, context, 'edit', taken)
  const act = events.some((e) => e.type === 'opened') ? 'open' : events.some((e) => e.type === 'updated') ? 'update' : reading.act
  return { state: next, reading, act, events }
}

function deleted(state: ChannelState, id: string, context: ThreadContext): ThreadStep {
  const entry = state.entries.find((e) => e.message.id === id)
  const next = forgotten(state, id)
  const known = context.intents.ofMessage(id).filter(isLive)
  const events: ThreadEvent[] = known.filter((r) => r.message_id === id).map((r) => ended(r, context.now, 'delete'))
  const shortened = known.filter((r) => r.message_id !== id)
  const left = entry === undefined ? [] : partsOf(next, entry.first)
  if (shortened.length === 0 || left.length === 0) return { ...quiet(next), events }
  const text = joinParts(left)
  const reading = context.reader.read(text)
  const first = left[0] as ThreadMessage
  const parts = readParts(reading, fullText(text), first.id, context)
  events.push(
    ...reconcile(
      parts,
      first,
      left.map((p) => p.id),
      context,
      'edit',
    ),
  ) // prettier-ignore
  return { state: withReading(next, first.id, reading), reading, act: 'update', events }
}

/** A second opinion: it refines or takes back the intent it was asked about, and proposes another one only as a draft. */
function advised(state: ChannelState, input: Extract<ThreadInput, { kind: 'opinion' }>, context: ThreadContext): ThreadStep {
  const { message, before, reading, draft } = input
  const entry = state.entries.find((e) => e.message.id === message.id)
  // Meanwhile edited: the opinion is about other words.
  if (entry !== undefined && entry.message.text !== message.text) return quiet(state)
  const known = context.intents.ofMessage(message.id)
  const live = known.find((r) => isLive(r) && r.intent.intent === before.intent)
  const events: ThreadEvent[] = []
  if (live !== undefined && reading.intent === 'none') events.push(ended(live, context.now, 'opinion'))
  else if (live !== undefined && reading.intent === before.intent) {
    const slots = { ...live.intent.slots, ...missingSlots(live.intent.slots, reading.slots) }
    const record = reviseRecord(live, { reading: { ...reading, slots }, text: live.intent.text }, live.parts, context.now)
    if (record !== live) events.push({ type: 'updated', record, before: live.intent, reading, reason: 'opinion' })
  }
  if (draft !== null && context.opens !== null && !known.some((r) => r.intent.intent === draft.intent)) {
    const ordinal = known.reduce((next, r) => Math.max(next, r.ordinal + 1), 0)
    const record = openRecord({ reading: draft, text: message.text }, message, [message.id], ordinal, context, 'draft')
    if (record !== undefined) events.push({ type: 'opened', record, reading: draft })
  }
  return { state, reading, act: events.length === 0 ? 'none' : 'update', events }
}

/** Slots only the other reader filled. */
function missingSlots(before: Slots, after: Slots): Partial<Slots> {
  const gaps = Object.entries(after).filter(([name, value]) => before[name as keyof Slots] === null && value !== null)
  return Object.fromEntries(gaps)
}

/** Acts other than opening: who spoke decides what they mean. */
function spoken(
  state: ChannelState,
  message: ThreadMessage,
  reading: Reading,
  context: ThreadContext,
): Pick<ThreadStep, 'act' | 'events'> {
  const { act } = reading
  const short = wordsOf(message.text).length <= MAX_ACT_WORDS && !message.text.includes('?')
  const own = short || act !== 'none' ? targetOfOwner(state, message, context.intents) : undefined
  if (act === 'close' || (own !== undefined && short && CLOSING_WORD.test(message.text)))
    return { act: 'close', events: own === undefined ? [] : closed([own], context.now, 'sold') }
  const available = short && SAYS_AVAILABLE.test(message.text)
  if (act === 'bump' || (own !== undefined && available)) {
    const due = own !== undefined && context.now - own.bumped_at >= DAY_MS
    return { act: 'bump', events: due ? [bumped(own, context.now)] : [] }
  }
  if (act !== 'interest' && act !== 'negotiate' && act !== 'question') return { act, events: [] }
  const record = targetOfOther(state, message, context.intents)
  if (record === undefined) return { act, events: [] }
  if (act === 'question') return { act, events: [{ type: 'question', record, person: message.author, message_id: message.id }] }
  return { act, events: [interest(record, message, act === 'negotiate' ? bidIn(message, record, context.reader) : null)] }
}

function interest(record: IntentRecord, message: ThreadMessage, amount: Money | null): ThreadEvent {
  const first = !record.interested.includes(message.author)
  const told = withInterest(record, message.author)
  return { type: 'interest', record: told, person: message.author, message_id: message.id, amount, first }
}

/** An answer that names what somebody would pay, though not in the words of somebody who haggles. */
function bidden(state: ChannelState, message: ThreadMessage, alone: Reading, context: ThreadContext): ThreadEvent | undefined {
  if (message.reply_to === undefined || (alone.act !== 'none' && alone.act !== 'open')) return undefined
  const record = targetOfOther(state, message, context.intents)
  if (record === undefined || !OFFERED.has(record.intent.intent)) return undefined
  const amount = bareBid(message, alone, record, context.reader)
  return amount === null ? undefined : interest(record, message, amount)
}

const OFFERED: ReadonlySet<TradeKind> = new Set(['sell', 'exchange', 'service_offered'])

/** The owner adds to or corrects a listing below it: a reply, or any word in a thread of its own. */
function ownerUpdate(
  state: ChannelState,
  message: ThreadMessage,
  alone: Reading,
  context: ThreadContext,
): ThreadEvent | undefined {
  if (message.reply_to === undefined && message.thread === undefined) return undefined
  const record = targetOfOwner(state, message, context.intents)
  if (record === undefined) return undefined
  if (alone.intent !== 'none' && !speaksOf(alone, record)) return undefined
  if (alone.intent === 'none' && hasOwnCue(alone) && !/\d/u.test(message.text)) return undefined
  return patched(record, message, context)
}

/** No object of its own, or the same as the listing's. */
function speaksOf(reading: Reading, { intent }: IntentRecord): boolean {
  if (reading.intent !== intent.intent) return false
  const [a, b] = [reading.slots.item, intent.slots.item]
  if (a === null || b === null) return a === null
  if (a.model_tokens.length > 0 || b.model_tokens.length > 0)
    return a.model_tokens.length > 0 && a.model_tokens.every((t) => b.model_tokens.includes(t))
  return (a.head ?? a.text).toLowerCase() === (b.head ?? b.text).toLowerCase()
}

function patched(record: IntentRecord, message: ThreadMessage, context: ThreadContext): ThreadEvent | undefined {
  const { intent } = record
  const reading = context.reader.read(underItem(intent.intent, intent.slots.item?.text ?? '', message))
  if (reading.intent !== intent.intent) return undefined
  const slots = changedTerms(intent.slots, reading.slots)
  if (Object.keys(slots).length === 0) return undefined
  return { type: 'updated', record: patchRecord(record, slots, context.now), before: intent, reading, reason: 'reply' }
}

function bumped(record: IntentRecord, now: number): ThreadEvent {
  return { type: 'bumped', record: { ...record, bumped_at: now, intent: { ...record.intent, updated_at: now } } }
}

function closed(records: readonly IntentRecord[], now: number, reason: 'sold' | 'edit' | 'reaction'): ThreadEvent[] {
  return records.map((r) => ({ type: 'closed', record: withStatus(r, 'closed', now), reason }))
}

function closedBy(records: readonly IntentRecord[], author: string, context: ThreadContext): ThreadEvent[] {
  const own = records.filter((r) => r.intent.owner === author && isLive(r))
  return closed(own, context.now, 'reaction')
}

const saysClosed = (text: string): boolean => CLOSING.test(text)

/** Slots of a reading, with those of the listing as it was where the reading has none. */
function filled(slots: Slots, before: Slots): Slots {
  return {
    ...before,
    ...changedSlots(before, slots),
    item: slots.item ?? before.item,
    want_item: slots.want_item ?? before.want_item,
  }
}

/** Text the spans of a reading point into: a title stands as a line of its own above it. */
function fullText(text: ReadText): string {
  return text.title === undefined || text.title === '' ? text.text : `${text.title}\n${text.text}`
}
