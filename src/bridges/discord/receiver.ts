import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import { eventIdOf } from '../model/event-id.ts'
import type { Envelope } from '../model/message.ts'
import type { Place } from '../model/place.ts'
import type { OwnIdentities } from '../own-identities.ts'
import type { Directory } from './directory.ts'
import type { ExpectedEchoes } from './echoes.ts'
import type { IngestFeed } from './feed.ts'
import type { ChannelGates } from './gates.ts'
import type { GatewayEvent } from './gateway.ts'
import { type DropReason, type Inbound, type InboundContext, inboundOf, threadChanged } from './inbound.ts'
import { compareSnowflakes } from './probe.ts'

export interface ReceiverOptions {
  readonly account: string
  readonly directory: Directory
  readonly own: OwnIdentities
  readonly feed: IngestFeed
  readonly gates: ChannelGates
  readonly echoes: ExpectedEchoes
  readonly isOwnDelete: (channelId: string, messageId: string) => boolean
  /** Places anybody is interested in; others are not ingested. */
  readonly wanted: (place: Place) => boolean
  readonly clock: Clock
  readonly log: Logger
}

/** Everything that happens in one channel carries its id here. */
function channelOf(data: unknown): string | undefined {
  const id = (data as { channel_id?: unknown } | null)?.channel_id
  return typeof id === 'string' ? id : undefined
}

/** Consecutive empty messages of others after which the content intent must be missing (bridging 4.2). */
const EMPTY_LIMIT = 3

/** Turns gateway events into ingested events, in gateway order per channel. */
export class Receiver {
  readonly #options: ReceiverOptions
  readonly #dropped = new Map<DropReason | 'not-wanted' | 'no-content', number>()
  /** Session by shard. */
  readonly #sessions = new Map<number, string>()
  #received = 0
  #empty = 0
  /** Asks for the past or the place of a channel, and opens its gate afterwards. Set by the bridge. */
  onHeld: (channel: string, why: 'unknown' | 'overflow') => void = () => {}

  constructor(options: ReceiverOptions) {
    this.#options = options
  }

  get stats(): { readonly received: number; readonly dropped: Readonly<Record<string, number>> } {
    return { received: this.#received, dropped: Object.fromEntries(this.#dropped) }
  }

  /** Messages of people arrive without their text. */
  get lacksContent(): boolean {
    return this.#empty >= EMPTY_LIMIT
  }

  beginSession(shard: number, id: string): void {
    this.#sessions.set(shard, id)
  }

  /** A live event. Those of held channels wait. */
  receive(event: GatewayEvent): void {
    this.#received++
    const { gates } = this.#options
    const channel = channelOf(event.data)
    if (channel !== undefined) this.#hear(event, channel)
    if (channel !== undefined && gates.isHeld(channel)) gates.keep(channel, event)
    else this.process(event)
  }

  /** Opens a channel: what waited is processed, except messages its catch-up has handed on already. */
  release(channel: string, caughtUpTo: string | undefined): void {
    for (const event of this.#options.gates.release(channel)) {
      const id = (event.data as { id?: unknown } | null)?.id
      const isKnown =
        event.name === 'MESSAGE_CREATE' &&
        caughtUpTo !== undefined &&
        typeof id === 'string' &&
        compareSnowflakes(id, caughtUpTo) <= 0
      if (!isKnown) this.receive(event)
    }
  }

  /** Ingests one event now. False = there was no room. */
  process(event: GatewayEvent): boolean {
    const { directory, clock, account, own, isOwnDelete } = this.#options
    const context: InboundContext = {
      account,
      directory,
      own,
      isOwnDelete,
      sequence: `${this.#sessions.get(event.shard ?? 0) ?? ''}:${event.seq}`,
      now: clock.now(),
    }
    const before =
      event.name === 'THREAD_UPDATE' ? directory.channel(String((event.data as { id?: unknown } | null)?.id)) : undefined
    if (typeof event.data === 'object' && event.data !== null) directory.apply(event.name, event.data as Record<string, unknown>)
    if (this.#isBlank(event)) return this.#drop('no-content', event)
    const inbound = before === undefined ? inboundOf(event.name, event.data, context) : threadChanged(event.data, before, context)
    return this.#deliver(inbound, event)
  }

  #deliver(inbound: Inbound, event: GatewayEvent): boolean {
    const channel = channelOf(event.data)
    if (inbound.kind === 'dropped') {
      if (inbound.reason === 'unknown-channel' && channel !== undefined && this.#options.gates.hold(channel)) {
        this.#options.gates.keep(channel, event)
        this.onHeld(channel, 'unknown')
        return true
      }
      return this.#drop(inbound.reason, event)
    }
    const wanted = inbound.envelopes.filter((e) => this.#options.wanted(e.at))
    if (wanted.length === 0) return this.#drop('not-wanted', event, false)
    return this.#push({ envelopes: wanted, ...this.#progress(event) }, event)
  }

  #drop(reason: DropReason | 'not-wanted' | 'no-content', event: GatewayEvent, moves = true): boolean {
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + 1)
    const progress = moves ? this.#progress(event) : {}
    // Our own messages move the channel's cursor too, or every start would read them again.
    if (progress.done === undefined || !this.#isWantedChannel(event)) return true
    return this.#push({ envelopes: [], ...progress }, event)
  }

  #isWantedChannel(event: GatewayEvent): boolean {
    const { directory, wanted, account } = this.#options
    const data = event.data as { channel_id?: unknown; guild_id?: unknown }
    const guild = typeof data.guild_id === 'string' ? data.guild_id : undefined
    const where = directory.whereabouts(String(data.channel_id), guild)
    return where !== undefined && wanted({ network: 'discord', account, ...where })
  }

  #push(item: Parameters<IngestFeed['push']>[0], event: GatewayEvent): boolean {
    const { feed, gates } = this.#options
    if (feed.push(item)) return true
    const channel = channelOf(event.data)
    // Whatever the channel says from now on is fetched from its history later.
    if (channel === undefined) return false
    const isNew = gates.hold(channel)
    gates.keep(channel, event)
    if (isNew) this.onHeld(channel, 'overflow')
    return false
  }

  #progress(event: GatewayEvent): { done?: { channel: string; messageId: string } } {
    const data = event.data as { id?: unknown; channel_id?: unknown }
    if (event.name !== 'MESSAGE_CREATE' || typeof data.id !== 'string' || typeof data.channel_id !== 'string') return {}
    return /^\d{1,20}$/.test(data.id) ? { done: { channel: data.channel_id, messageId: data.id } } : {}
  }

  /** Tells senders that a message of ours arrived. */
  #hear(event: GatewayEvent, channel: string): void {
    if (event.name !== 'MESSAGE_CREATE') return
    const d = event.data as { id?: unknown; webhook_id?: unknown; content?: unknown; author?: { username?: unknown } }
    if (typeof d.webhook_id !== 'string' || !this.#options.own.has(`discord-webhook:${d.webhook_id}`)) return
    const key = { channel, author: d.webhook_id, name: String(d.author?.username ?? ''), content: String(d.content ?? '') }
    this.#options.echoes.observe(key, String(d.id))
  }

  /** A guild message of somebody else without anything in it: what the missing content intent looks like. */
  #isBlank(event: GatewayEvent): boolean {
    if (event.name !== 'MESSAGE_CREATE' && event.name !== 'MESSAGE_UPDATE') return false
    const d = event.data as Readonly<Record<string, unknown>>
    const author = (d.author as { id?: unknown } | undefined)?.id
    if (d.guild_id === undefined || d.type !== 0 || this.#options.own.has(`discord:${String(author)}`)) return false
    const isEmpty = (value: unknown): boolean =>
      value === undefined || value === '' || (Array.isArray(value) && value.length === 0)
    const parts = [d.content, d.attachments, d.embeds, d.components, d.poll, d.sticker_items, d.message_snapshots]
    const isBlank = parts.every(isEmpty)
    if (event.name === 'MESSAGE_CREATE') this.#empty = isBlank ? this.#empty + 1 : 0
    return isBlank
  }
}

/** A notice of the bridge itself in a channel. */
export function gapNotice(place: Place, after: string, count: number, now: number): Envelope {
  const { channel, thread, account } = place
  const many = count === 0 ? 'Messages' : count === 1 ? 'At least one message' : `At least ${count} messages`
  const id = `gap-${after}`
  const msg = { network: 'discord', account, channel, id, ...(thread !== undefined && { thread }) } as const
  return {
    v: 1,
    eventId: eventIdOf(msg, 'notice'),
    account,
    at: place,
    msg,
    author: { key: 'discord:gateway', displayName: 'K2 gateway', isBot: true, kind: 'bot' },
    occurredAt: now,
    receivedAt: now,
    event: { kind: 'notice', notice: 'gap', text: `📭 ${many} written here while the gateway was away could not be fetched` },
    via: [],
  }
}
