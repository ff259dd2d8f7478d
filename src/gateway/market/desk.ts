import { z } from 'zod'
import { toHex } from '../../base/bytes.ts'
import { K2Error } from '../../base/errors.ts'
import { type Place, placeKey } from '../../bridges/model/place.ts'
import { alert, language, match, readMessage } from '../../rules/index.ts'
import type { Reading, StoredIntent } from '../../rules/model.ts'
import type { IntentRecord, ThreadMessage } from '../../rules/thread/index.ts'
import { withInterest } from '../../rules/thread/intent-book.ts'
import { openRecord, reviseRecord, withStatus } from '../../rules/thread/stored-intent.ts'
import type { CommandContext } from '../commands/definition.ts'
import { recipientOf } from './alerting.ts'
import { answered, type Question } from './asking.ts'
import { ended, interest, opened, readingOf, spread, updated } from './intents.ts'
import { interestForm } from './interest-form.ts'
import type { Market } from './market.ts'
import { intentOf, type MarketIntent, type Origin, type Talker } from './model.ts'
import { reminder } from './reminders.ts'
import { causeOf } from './rounds.ts'
import { type Cause, keep, type Step } from './step.ts'
import { openTalk, ownerTalker } from './talks.ts'

export type Wish = 'sell' | 'buy' | 'exchange'

const CUES: Readonly<Record<Wish, string>> = { sell: 'WTS', buy: 'WTB', exchange: 'WTT' }
const FITS: Readonly<Record<Wish, readonly StoredIntent['intent'][]>> = {
  sell: ['sell', 'service_offered'],
  buy: ['buy', 'service_wanted'],
  exchange: ['exchange'],
}
/** Open intents of one person. */
const MAX_OWN = 200
const EXTEND_MS = 14 * 86_400_000
const MIN_PREFIX = 6
/** Where intents of operators live: nobody reads there. */
const OPERATOR_PLACE: Place = { network: 'web', account: 'main', channel: 'operator' }

const evidence = z.object({ evidence: z.array(z.object({ family: z.string().optional() })) })

/** Whether words of the text say what its author wants, not its form alone. */
function saysWish({ trace }: Reading): boolean {
  const read = evidence.safeParse(trace)
  return read.success && read.data.evidence.some(({ family }) => family !== undefined && family !== 'structure')
}

export interface OfferFilter {
  readonly side: 'offer' | 'want' | 'all'
  readonly topic?: string | undefined
  readonly text?: string | undefined
  readonly max?: number | undefined
  readonly currency?: string | undefined
  readonly source?: StoredIntent['platform'] | undefined
}

/** What people do with intents by command, button, HTTP and command line. */
export class Desk {
  readonly market: Market

  constructor(market: Market) {
    this.market = market
  }

  /** The account that gave the command; operators have none of a network. */
  accountOf({ origin, actor }: CommandContext): string {
    return origin.surface === 'chat' ? origin.interaction.actor.key : actor.key
  }

  originOf(context: CommandContext): Origin {
    const place = context.origin.surface === 'chat' ? context.origin.at : OPERATOR_PLACE
    return { place, authorName: context.actor.displayName }
  }

  /** Reads a text as what somebody sells, wants or exchanges. Throws `MARKET_NOT_UNDERSTOOD`. */
  read(context: CommandContext, wish: Wish, text: string): { readonly reading: Reading; readonly text: string } {
    const { lexicon, profiles, clock } = this.market.parts
    const profile = profiles.of(this.originOf(context).place).reading
    const read = (said: string) => {
      const reading = readMessage({ id: 'command', text: said, sent_at: clock.now() }, { lexicon, profile })
      const fits = FITS[wish].some((kind) => kind === reading.intent)
      return fits ? { reading: { ...reading, source: 'command' as const, confidence: 1 }, text: said } : undefined
    }
    const own = read(text)
    // Words of their own say where the thing begins. Without such words it begins the text, and the known noun is not all of it.
    const part = own !== undefined && saysWish(own.reading) ? own : (read(`${CUES[wish]} ${text}`) ?? own)
    if (part !== undefined) return part
    throw new K2Error({
      code: 'MARKET_NOT_UNDERSTOOD',
      kind: 'input',
      message: 'say what it is and for how much, for example: ThinkPad X1 Carbon, 700 USD, Berlin',
    })
  }

  /** Opens an intent that was given as a command. It is matched here; K2 sees it only once its owner agrees. */
  async create(context: CommandContext, wish: Wish, text: string): Promise<MarketIntent> {
    const part = this.read(context, wish, text)
    const origin = this.originOf(context)
    const owner = this.accountOf(context)
    const own = this.ownOf(context.actor.key).filter((e) => intentOf(e).status === 'open').length
    if (own >= MAX_OWN)
      throw new K2Error({ code: 'MARKET_TOO_MANY', kind: 'limit', message: `you have ${own} open already: close some` })
    return this.market.act((step) => {
      const { parts, now } = step
      const message: ThreadMessage = {
        id: `cmd:${toHex(parts.rng.bytes(12))}`,
        platform: origin.place.network,
        channel: origin.place.channel,
        thread: origin.place.thread,
        author: owner,
        trust: 'verified',
        text: part.text,
        sent_at: now,
      }
      const record = openRecord(part, message, [message.id], 0, { now }, 'open')
      if (record === undefined) throw new K2Error({ code: 'MARKET_NOT_UNDERSTOOD', kind: 'input', message: 'say what it is' })
      const cause: Cause = {
        origin,
        profile: parts.profiles.of(origin.place),
        author: { key: owner, kind: 'user', trust: 'verified', roles: [] },
      }
      opened(step, record, part.reading, cause, 'never')
      return this.#entry(record.intent.intent_id)
    })
  }

  /** Replaces an intent's text by its owner's correction. */
  async edit(context: CommandContext, id: string, wish: Wish, text: string): Promise<MarketIntent> {
    const part = this.read(context, wish, text)
    return this.market.act((step) => {
      const entry = this.#own(context, id)
      const before = intentOf(entry)
      const record = reviseRecord(entry.record, part, entry.record.parts, step.now)
      const sure: IntentRecord = {
        ...record,
        intent: { ...record.intent, intent: part.reading.intent as StoredIntent['intent'] },
      }
      updated(step, sure, before, part.reading, causeOf(step, entry), 'edit', false)
      return this.#entry(before.intent_id)
    })
  }

  /** The owner answers a question about one of its terms. */
  async fill(context: CommandContext, id: string, question: Question, text: string): Promise<MarketIntent> {
    return this.market.act((step) => {
      const entry = this.#own(context, id)
      const before = intentOf(entry)
      if (before.status !== 'open' && before.status !== 'draft')
        throw new K2Error({ code: 'MARKET_CLOSED', kind: 'conflict', message: 'it is no longer open' })
      const record = answered(entry.record, question, text, step.parts.lexicon, step.now)
      updated(step, record, before, readingOf(record.intent), causeOf(step, entry), 'answer', false)
      return this.#entry(before.intent_id)
    })
  }

  /** The owner agrees to what the preview showed. `revision`: the one that was shown. Throws `MARKET_CHANGED`. */
  async agree(context: CommandContext, id: string, scope: 'message' | 'channel', revision?: number): Promise<MarketIntent> {
    return this.market.act((step) => {
      const entry = this.#own(context, id)
      if (revision !== undefined && intentOf(entry).revision !== revision && entry.published === null)
        throw new K2Error({ code: 'MARKET_CHANGED', kind: 'conflict', message: 'it has changed since: look at it again' })
      if (entry.published !== null) return entry
      const next = step.publisher.agree(entry, step.parts.memory.personOf(intentOf(entry).owner), scope, step.changes, step.now)
      keep(step, next)
      return next
    })
  }

  /** The owner does not want it: nothing is done with it any more. */
  async dismiss(context: CommandContext, id: string): Promise<MarketIntent> {
    return this.#end(context, id, 'withdrawn', 'dismissed')
  }

  async close(context: CommandContext, id: string): Promise<MarketIntent> {
    return this.#end(context, id, 'closed', 'command')
  }

  /** Stays open for longer, or is open again: what was agreed to about the same words holds. */
  async extend(context: CommandContext, id: string): Promise<MarketIntent> {
    return this.market.act((step) => {
      const entry = this.#own(context, id)
      const before = intentOf(entry)
      const reopened = before.status !== 'open'
      const record: IntentRecord = {
        ...entry.record,
        bumped_at: step.now,
        intent: {
          ...before,
          status: 'open',
          revision: reopened ? before.revision + 1 : before.revision,
          updated_at: step.now,
          expires_at: Math.max(before.expires_at, step.now + EXTEND_MS),
        },
      }
      let next: MarketIntent = { ...entry, record }
      const { consent } = entry
      if (reopened && consent !== null && consent.revision === before.revision)
        next = step.publisher.agree(next, consent.by, consent.scope, step.changes, step.now)
      keep(step, next)
      if (reopened) spread(step, next, match.revisionChange(before, record.intent), causeOf(step, entry))
      return next
    })
  }

  /** Off K2 and out of matching until it is renewed. */
  async pause(context: CommandContext, id: string): Promise<MarketIntent> {
    return this.market.act((step) => {
      const entry = this.#own(context, id)
      const intent = intentOf(entry)
      if (intent.status === 'paused') return entry
      if (intent.status !== 'open' && intent.status !== 'draft')
        throw new K2Error({ code: 'MARKET_CLOSED', kind: 'conflict', message: 'it is no longer open' })
      const off = step.publisher.take(entry, step.changes)
      const record: IntentRecord = { ...off.record, intent: { ...intent, status: 'paused', updated_at: step.now } }
      const next = { ...off, record }
      keep(step, next)
      step.changes.cancelled.add(intent.intent_id)
      return next
    })
  }

  /** Says once more in a day, outside the person's quiet hours, that something is open, if it still is. */
  async remind(context: CommandContext, id: string): Promise<MarketIntent> {
    return this.market.act((step) => {
      const entry = this.find(id)
      const { person, reach } = this.#talker(context)
      if (reach === null || intentOf(entry).status !== 'open')
        throw new K2Error({ code: 'MARKET_CLOSED', kind: 'conflict', message: 'it is no longer open' })
      const dueAt = alert.reminderTime(recipientOf(step.parts, person), step.now)
      step.changes.notices.push(reminder(step.parts, entry, person, reach, dueAt))
      return entry
    })
  }

  /** Somebody wants what another one offers: owners on our networks are told; peers of K2 get an interest with `form`. */
  async interest(context: CommandContext, id: string): Promise<'told' | 'known' | 'sent'> {
    const entry = this.find(id)
    const { memory } = this.market.parts
    const person = context.actor.key
    if (memory.personOf(intentOf(entry).owner) === person)
      throw new K2Error({ code: 'MARKET_OWN', kind: 'input', message: 'this is yours' })
    if (intentOf(entry).status !== 'open')
      throw new K2Error({ code: 'MARKET_CLOSED', kind: 'conflict', message: 'it is no longer open' })
    if (entry.record.interested.includes(person)) return 'known'
    if (entry.origin.peer !== undefined) {
      const who = { account: this.accountOf(context), origin: this.originOf(context), own: this.ownOf(person) }
      await this.market.publisher.sendInterest(entry, interestForm(this.market.parts, who, entry), who.account)
    }
    return this.market.act((step) => {
      const now = this.#entry(intentOf(entry).intent_id)
      const record = withInterest(now.record, person)
      if (entry.origin.peer !== undefined) {
        keep(step, { ...now, record })
        openTalk(step, now, ownerTalker(step.parts, now), this.#talker(context))
        step.parts.counters.add('interests_total', { source: 'sent' })
        return 'sent'
      }
      const cause: Cause = {
        origin: this.originOf(context),
        profile: step.parts.profiles.of(entry.origin.place),
        author: { key: this.accountOf(context), kind: 'user', trust: 'verified', roles: [] },
      }
      interest(step, record, person, true, cause)
      return 'told'
    })
  }

  #talker(context: CommandContext): Talker {
    const { place } = this.originOf(context)
    const person = this.market.parts.memory.personOf(context.actor.key)
    const reach = { network: place.network, account: place.account, authorKey: this.accountOf(context), place }
    return { person, name: context.actor.displayName, reach }
  }

  /** An intent by its id or the beginning of it. Throws `MARKET_UNKNOWN`. */
  find(id: string): MarketIntent {
    const { memory } = this.market.parts
    const exact = memory.get(id)
    if (exact !== undefined) return exact
    if (id.length >= MIN_PREFIX) {
      const found: MarketIntent[] = []
      for (const entry of memory.all()) {
        if (intentOf(entry).intent_id.startsWith(id)) found.push(entry)
        if (found.length > 1) break
      }
      if (found.length === 1) return found[0] as MarketIntent
    }
    throw new K2Error({ code: 'MARKET_UNKNOWN', kind: 'input', message: `there is nothing open called "${id.slice(0, 40)}"` })
  }

  /** Intents of a person, newest first. */
  ownOf(person: string): MarketIntent[] {
    const { memory } = this.market.parts
    return [...memory.all()].filter((e) => e.origin.peer === undefined && memory.personOf(intentOf(e).owner) === person)
  }

  /** Open intents somebody may see, newest first. */
  list(context: CommandContext, filter: OfferFilter): MarketIntent[] {
    const { memory, profiles, clock } = this.market.parts
    const now = clock.now()
    const here = placeKey(this.originOf(context).place)
    const words =
      filter.text === undefined
        ? []
        : filter.text
            .toLowerCase()
            .split(/\s+/)
            .filter((w) => w !== '')
    const out: MarketIntent[] = []
    for (const entry of memory.all()) {
      const intent = intentOf(entry)
      if (intent.status !== 'open' || intent.expires_at <= now) continue
      if (filter.side !== 'all' && intent.side !== filter.side && intent.side !== 'exchange') continue
      if (filter.topic !== undefined && intent.topic?.slug !== filter.topic && intent.topic?.k2_topic !== filter.topic) continue
      if (filter.source !== undefined && intent.platform !== filter.source) continue
      if (!cheapEnough(intent, filter)) continue
      const text = `${intent.slots.item?.text ?? ''} ${intent.text}`.toLowerCase()
      if (!words.every((w) => text.includes(w))) continue
      if (profiles.of(entry.origin.place).private && placeKey(entry.origin.place) !== here && entry.published === null) continue
      out.push(entry)
    }
    return out.sort((a, b) => intentOf(b).updated_at - intentOf(a).updated_at)
  }

  /** Matches of a person's open intents, best first. */
  matches(person: string): { readonly own: MarketIntent; readonly hit: match.Match }[] {
    const { memory, clock, rates } = this.market.parts
    const now = clock.now()
    const options = {
      now,
      rates: match.converter(rates, now),
      median: memory.medians.median,
      apart: (a: string, b: string) => memory.personOf(a) === memory.personOf(b),
    }
    return this.ownOf(person)
      .filter((e) => intentOf(e).status === 'open')
      .flatMap((own) => memory.open.search(intentOf(own), options).map((hit) => ({ own, hit })))
      .sort((a, b) => b.hit.score - a.hit.score)
  }

  #own(context: CommandContext, id: string): MarketIntent {
    const entry = this.find(id)
    const { memory } = this.market.parts
    if (entry.origin.peer === undefined && memory.personOf(intentOf(entry).owner) === memory.personOf(context.actor.key))
      return entry
    throw new K2Error({ code: 'MARKET_NOT_YOURS', kind: 'denied', message: 'only the person who wrote it can decide about it' })
  }

  #entry(id: string): MarketIntent {
    const entry = this.market.parts.memory.get(id)
    if (entry === undefined) throw new K2Error({ code: 'MARKET_UNKNOWN', kind: 'input', message: 'it is gone' })
    return entry
  }

  #end(context: CommandContext, id: string, status: 'closed' | 'withdrawn', reason: string): Promise<MarketIntent> {
    return this.market.act((step: Step) => {
      const entry = this.#own(context, id)
      if (intentOf(entry).status === status) return entry
      ended(step, withStatus(entry.record, status, step.now), reason, causeOf(step, entry))
      return this.#entry(intentOf(entry).intent_id)
    })
  }
}

function cheapEnough({ slots }: StoredIntent, { max, currency }: OfferFilter): boolean {
  if (max === undefined) return true
  const { price } = slots
  if (price === null || price.min === null) return false
  return (currency === undefined || price.currency === currency) && Number(price.min) <= max
}

/** An intent as programs get it: everything but the text's contact data, which it does not have. */
export function intentData(entry: MarketIntent): object {
  const intent = intentOf(entry)
  const { origin, consent, published, record } = entry
  return {
    id: intent.intent_id,
    kind: intent.intent,
    side: intent.side,
    status: intent.status,
    revision: intent.revision,
    item: intent.slots.item?.text ?? null,
    price: intent.slots.price === null ? null : language.priceText(intent.slots.price),
    slots: intent.slots,
    topic: intent.topic,
    text: intent.text,
    confidence: intent.confidence,
    trust: intent.trust,
    platform: intent.platform,
    author: origin.authorName,
    node: origin.peer?.nodeId ?? null,
    interested: record.interested.length,
    consent,
    published,
    createdAt: intent.created_at,
    updatedAt: intent.updated_at,
    expiresAt: intent.expires_at,
  }
}
