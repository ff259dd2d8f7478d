import type { Reading, Slots } from '../model.ts'
import type { ChannelState, ReadText, RememberedReading, ThreadEntry, ThreadMessage, ThreadReader } from './model.ts'

/** Bounds of a listing written in several messages (section 8.1). */
const WINDOW_MS = 120_000
const MAX_FOREIGN = 3
const MAX_PARTS = 4
const MAX_TEXT = 4_096

/** A listing with the message that goes on with it. */
export interface Joined {
  readonly first: ThreadMessage
  readonly parts: readonly ThreadMessage[]
  readonly reading: Reading
}

/** The messages a text is read from, as one; entities keep their places. */
export function joinParts(parts: readonly ThreadMessage[]): ReadText {
  const [first] = parts as [ThreadMessage, ...ThreadMessage[]]
  let text = ''
  const entities = []
  for (const part of parts) {
    if (text !== '') text += '\n'
    for (const e of part.entities ?? []) entities.push({ ...e, start: e.start + text.length, end: e.end + text.length })
    text += part.text
  }
  return {
    id: first.id,
    text,
    entities,
    title: first.title,
    tags: first.tags,
    forwarded: first.forwarded,
    sent_at: first.sent_at,
  }
}

/** Parts of the group a remembered message belongs to, in order. */
export function partsOf(state: ChannelState, first: string): ThreadMessage[] {
  return state.entries.filter((e) => e.first === first).map((e) => e.message)
}

/**
 * Joins a message to the author's last ones when it only adds terms to them, or belongs to the same album. Undefined when it stands
 * by itself.
 */
export function joinedWith(
  state: ChannelState,
  message: ThreadMessage,
  alone: Reading,
  reader: ThreadReader,
): Joined | undefined {
  const last = lastOf(state, message.author)
  if (last === undefined) return undefined
  const before = partsOf(state, last.first)
  const first = before[0]
  if (first === undefined || before.length >= MAX_PARTS) return undefined
  const album = message.album !== undefined && first.album === message.album
  if (!album && !follows(state, last, first, message, alone)) return undefined
  const parts = [...before, message]
  const text = joinParts(parts)
  if (text.text.length > MAX_TEXT) return undefined
  const reading = reader.read(text)
  if (album) return { first, parts, reading }
  if (reading.intent === 'none') return undefined
  const { intent, slots } = last.reading
  if (slots !== null && (intent !== reading.intent || !adds(slots, reading.slots))) return undefined
  return { first, parts, reading }
}

function lastOf(state: ChannelState, author: string): ThreadEntry | undefined {
  return state.entries.findLast((e) => e.message.author === author)
}

function follows(state: ChannelState, last: ThreadEntry, first: ThreadMessage, message: ThreadMessage, alone: Reading): boolean {
  if (message.sent_at - first.sent_at > WINDOW_MS || message.sent_at < first.sent_at) return false
  if (state.entries.length - 1 - state.entries.indexOf(last) > MAX_FOREIGN) return false
  // A listing by its layout alone may still be the goods that a bare "WTS" before it meant.
  const waiting = !last.reading.hasItem && last.reading.hasCue
  if (hasOwnCue(alone) || (alone.intent === 'none' ? alone.act !== 'none' : !waiting && isThing(alone.slots.item))) return false
  if (message.forwarded === true || alone.flags.some((f) => f === 'quoted' || f === 'code' || f === 'forwarded')) return false
  // An answer to somebody else is part of another conversation.
  return message.reply_to === undefined || state.entries.some((e) => e.message.id === message.reply_to && e.first === last.first)
}

/** Something by name, not just words beside a price. */
const isThing = (item: Slots['item']): boolean =>
  item !== null && (item.head !== null || item.brand !== null || item.model_tokens.length > 0)

/** Families that say what a price or a layout is, not what the author wants. */
const WEAK_FAMILIES = new Set(['price', 'structure', 'role'])

/** The text alone holds a cue of some intent, even if too weak to decide. */
export function hasOwnCue(reading: Reading): boolean {
  const evidence = (reading.trace as { evidence?: readonly { family?: string }[] }).evidence ?? []
  return evidence.some((e) => e.family !== undefined && !WEAK_FAMILIES.has(e.family))
}

export function rememberedReading(reading: Reading): RememberedReading {
  const { intent, act, slots } = reading
  return { intent, act, slots: intent === 'none' ? null : slots, hasItem: slots.item !== null, hasCue: hasOwnCue(reading) }
}

/** Some slot is known that was not, without another item taking the place of the first. */
export function adds(before: Slots, after: Slots): boolean {
  if (before.item !== null && after.item === null) return false
  return Object.keys(changedSlots(before, after)).length > 0
}

/** Slots an answer below a listing may set; a day named in passing is no deadline. */
const TERMS = new Set<string>([
  'price',
  'extra_prices',
  'quantity',
  'condition',
  'place',
  'delivery',
  'payment',
] satisfies (keyof Slots)[])

export function changedTerms(before: Slots, after: Slots): Partial<Slots> {
  return Object.fromEntries(Object.entries(changedSlots(before, after)).filter(([name]) => TERMS.has(name)))
}

/** Slots of `after` that say something `before` does not. */
export function changedSlots(before: Slots, after: Slots): Partial<Slots> {
  const out: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(after)) {
    if (name === 'item' || name === 'want_item' || !says(value)) continue
    if (JSON.stringify(value) !== JSON.stringify(before[name as keyof Slots])) out[name] = value
  }
  return out as Partial<Slots>
}

function says(value: unknown): boolean {
  if (value === null || value === undefined) return false
  if (Array.isArray(value)) return value.length > 0
  return typeof value !== 'object' || Object.values(value).some(says)
}
