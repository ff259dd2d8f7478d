import type { Envelope } from '../../bridges/model/message.ts'
import { placeKey } from '../../bridges/model/place.ts'
import { type Lexicon, type ReadingProfile, readMessage } from '../../rules/index.ts'
import { notAsked } from '../../rules/second-opinion/index.ts'
import { advance, placeOf, type ThreadContext, type ThreadReader } from '../../rules/thread/index.ts'
import { carryOut } from './effects.ts'
import { emitOf } from './effects-emit.ts'
import { applyEvent } from './intents.ts'
import { readableOf, trustOf } from './messages.ts'
import type { Opinion } from './opinions.ts'
import { noteRoles } from './recipients.ts'
import { judge } from './rules-pass.ts'
import type { Cause, Step } from './step.ts'

/** Readers by profile: profiles are few and live as long as their configuration. */
const readers = new WeakMap<Lexicon, WeakMap<ReadingProfile, ThreadReader>>()

function readerOf(lexicon: Lexicon, profile: ReadingProfile): ThreadReader {
  const known = readers.get(lexicon) ?? new WeakMap<ReadingProfile, ThreadReader>()
  readers.set(lexicon, known)
  const reader = known.get(profile) ?? { read: (message) => readMessage(message, { lexicon, profile }) }
  known.set(profile, reader)
  return reader
}

/** Reads one stored event: what it wants, what the rules say, and what becomes of the intents it is about. */
export function converse(step: Step, envelope: Envelope): void {
  const { parts, changes, now } = step
  const readable = readableOf(envelope)
  if (readable === undefined) return
  const { input, origin } = readable
  const profile = parts.profiles.of(origin.place)
  const outcome = (what: string): void => parts.counters.add('messages_total', { platform: origin.place.network, outcome: what })
  const skipped = profile.mode === 'off' ? 'off' : readable.automatic && !profile.readBots ? 'bot' : undefined
  if (skipped !== undefined) {
    outcome(skipped)
    return
  }
  if (input.kind === 'delete') changes.forgottenTraces.push(input.id)
  const at = placeOf({ platform: origin.place.network, channel: origin.place.channel, thread: origin.place.thread })
  const author = envelope.author.key
  const person = parts.memory.personOf(author)
  const context: ThreadContext = {
    now,
    reader: readerOf(parts.lexicon, profile.reading),
    intents: parts.memory.book,
    opens: profile.mode === 'observe' ? null : 'open',
    consent: parts.memory.consentOf(person, placeKey(origin.place)) ?? null,
  }
  const result = advance(parts.memory.channels.get(at, now), input, context)
  parts.memory.channels.set(at, result.state, now)
  const { reading } = result
  if (reading !== null)
    parts.counters.add('readings_total', { intent: reading.intent, source: reading.source, lang: reading.lang })
  const message = input.kind === 'delete' ? undefined : 'message' in input ? input.message : undefined
  const messageId = message?.id ?? (input.kind === 'delete' ? input.id : '')
  if (input.kind === 'create') {
    parts.memory.countMessage(author, now)
    noteRoles(step, origin.place.account, envelope.author)
  }
  const cause: Cause = {
    origin,
    profile,
    message: messageId,
    text: message?.text ?? '',
    author: { key: author, kind: envelope.author.kind, trust: trustOf(envelope.author), roles: envelope.author.roles ?? [] },
  }
  const plan = judge(
    parts,
    {
      event:
        envelope.event.kind === 'message.edit' ? 'message.edit' : input.kind === 'delete' ? 'message.delete' : 'message.create',
      messageId,
      revision: 1,
      origin,
      profile,
      author: cause.author,
      text: message?.text ?? '',
      sentAt: envelope.occurredAt,
      reading,
    },
    changes,
    now,
  )
  if (parts.secondOpinion !== undefined && message !== undefined && reading !== null && plan.ignored === null) {
    const asks = parts.secondOpinion
    const enabled = profile.mode === 'assist' || profile.mode === 'auto'
    if (notAsked(reading, message.text, { enabled }) === null) changes.afterwards.push(() => asks(message, reading, origin))
  }
  const emit = emitOf(plan.effects)
  let opened = 0
  for (const event of result.events) {
    if (event.type === 'opened') opened++
    // An ignored message opens nothing and alerts nobody; ending an intent is not held back.
    if (plan.ignored !== null && event.type !== 'closed' && event.type !== 'withdrawn') continue
    applyEvent(step, event, cause, emit)
  }
  const first = result.events[0]
  const entry = first === undefined ? undefined : parts.memory.get(first.record.intent.intent_id)
  carryOut(step, plan.effects, { entry, cause, mayAsk: entry !== undefined && entry.published === null })
  outcome(plan.ignored !== null ? 'ignored' : opened > 0 ? 'intent' : result.act === 'none' ? 'none' : 'act')
}

/** Another reader's view of a message, as far as merging allowed it: it fills gaps and proposes drafts. */
export function reconsider(step: Step, { message, before, reading, draft, origin }: Opinion): void {
  const { parts, now } = step
  const profile = parts.profiles.of(origin.place)
  if (profile.mode !== 'assist' && profile.mode !== 'auto') return
  const known = parts.memory.book.ofMessage(message.id)
  // What its author has decided meanwhile stands.
  if (known.some((r) => parts.memory.get(r.intent.intent_id)?.consent != null || r.intent.revision > 1)) return
  const key = placeOf(message)
  const context: ThreadContext = {
    now,
    reader: readerOf(parts.lexicon, profile.reading),
    intents: parts.memory.book,
    opens: 'open',
    consent: null,
  }
  const result = advance(parts.memory.channels.get(key, now), { kind: 'opinion', message, before, reading, draft }, context)
  parts.memory.channels.set(key, result.state, now)
  parts.counters.add('readings_total', { intent: reading.intent, source: reading.source, lang: reading.lang })
  const cause: Cause = {
    origin,
    profile,
    author: { key: message.author, kind: 'user', trust: message.trust, roles: [] },
  }
  for (const event of result.events) applyEvent(step, event, cause, {})
}
