import { type Deferred, deferred } from '../base/async.ts'
import type { Clock } from '../base/clock.ts'
import type { EventHub } from '../base/event-hub.ts'
import type { Hash, PeerId, TopicId } from './ids.ts'
import { DelayQueue } from './k2/delay-queue.ts'
import { DirectGate } from './k2/direct-gate.ts'
import { DirectInbound } from './k2/direct-inbound.ts'
import type { DropReason, GossipArrival, InboundChat, InboundMessage, TopicInfo } from './k2/inbound.ts'
import { InboundGate } from './k2/inbound-gate.ts'
import type { PeerRoster } from './k2/peer-roster.ts'
import { RateGuard, type RateLimits } from './k2/rate-guard.ts'
import { ReplayCache } from './k2/replay-cache.ts'
import { VariantTwins } from './k2/variant-twins.ts'
import { createVerifier } from './keys/ed25519.ts'
import { createIdCheck } from './keys/endpoint-id.ts'
import type { K2Event } from './node-events.ts'
import type { NodeHosted } from './node-hosted.ts'

export interface NodeInboundOptions {
  readonly me: PeerId
  readonly limits: RateLimits
  readonly roster: PeerRoster
  readonly hub: EventHub<K2Event>
  /** Nobody reads the hub before `release`. */
  readonly held: boolean
  readonly clock: Clock
  /** Looks for a direct link to a sender that is only claimed. */
  readonly raise: (topic: TopicInfo, sender: PeerId) => void
  /** Tells a gateway that one of its lines is stored. */
  readonly sendReceipt: (sender: PeerId, topic: TopicId, key: string) => void
  /** People with ids of their own, here and elsewhere. */
  readonly hosted: Pick<NodeHosted, 'note' | 'hostOf' | 'proved' | 'personOf' | 'heard'>
  /** A delayed message could not be handled. */
  readonly onFailure: (error: unknown) => void
}

/** The way of a message from gossip to the application, and back as a receipt. */
export class NodeInbound {
  /** Messages over connections of their own. */
  readonly direct: DirectInbound
  readonly #options: NodeInboundOptions
  readonly #gate: InboundGate
  readonly #replay = new ReplayCache()
  readonly #delayed: DelayQueue<GossipArrival>
  readonly #dropped = new Map<DropReason, number>()
  /** Until everybody who reads messages is there: what nobody reads would count as taken, also when it comes again. */
  #held: Deferred<void> | undefined
  #received = 0

  constructor(options: NodeInboundOptions) {
    const { me, limits, roster } = options
    this.#options = options
    if (options.held) this.#held = deferred()
    const guard = new RateGuard(limits, (peer) => roster.isTrusted(peer))
    const twins = new VariantTwins()
    const isBlocked = (peer: PeerId): boolean => roster.isBlocked(peer)
    this.#gate = new InboundGate({
      me,
      guard,
      replay: this.#replay,
      idOf: createIdCheck(),
      twins,
      isBlocked,
      verify: createVerifier(),
      hosts: options.hosted,
      personOf: options.hosted.personOf,
    })
    this.direct = new DirectInbound({
      gate: new DirectGate({ me, guard, replay: this.#replay, twins, isBlocked }),
      clock: options.clock,
      publish: (message) => {
        this.#received++
        roster.proved(message.senderId as PeerId, options.clock.now())
        options.hosted.proved(message.senderId as PeerId)
        return this.#publish({ type: 'message', message })
      },
      onDrop: (reason) => this.#drop(reason),
    })
    this.#delayed = new DelayQueue(options.clock, (arrival) => {
      this.#accept(arrival).catch(options.onFailure)
    })
  }

  stats(): { readonly received: number; readonly dropped: Readonly<Record<string, number>> } {
    return { received: this.#received, dropped: Object.fromEntries(this.#dropped) }
  }

  /** Resolves when the next message of the topic may follow. Lines over a neighbour's rate are delayed, then dropped. */
  async arrived(arrival: GossipArrival): Promise<void> {
    // What a neighbour passes on for others need not wait for its own lines.
    if (!arrival.direct || !this.#delayed.isWaiting(arrival.from)) return this.#accept(arrival)
    this.#delay(arrival, 0)
  }

  /** Everybody who reads messages is there. */
  release(): void {
    this.#held?.resolve()
    this.#held = undefined
  }

  /** Forgets what is still delayed or kept back. */
  stop(): void {
    this.#delayed.clear()
    this.#options.hub.close()
    this.release()
  }

  async #publish(event: K2Event): Promise<void> {
    await this.#held?.promise
    await this.#options.hub.publish(event)
  }

  async #accept(arrival: GossipArrival): Promise<void> {
    const { clock, roster, raise, hosted } = this.#options
    const now = clock.now()
    const verdict = this.#gate.accept(arrival, now)
    if ('laterMs' in verdict) return this.#delay(arrival, verdict.laterMs)
    if ('drop' in verdict) {
      this.#drop(verdict.drop)
      if (verdict.again !== undefined) this.#receipt(verdict.again, now)
      return
    }
    const message = verdict.accept
    this.#received++
    if (message.senderClass === 'verified') {
      roster.proved(message.senderId as PeerId, now)
      hosted.proved(message.senderId as PeerId)
    }
    hosted.heard(message)
    if (arrival.direct && message.hostId === arrival.from) roster.proved(arrival.from, now)
    if (message.type === 'market' && message.senderClass === 'claimed' && message.routable) {
      raise(message.topic, message.senderId as PeerId)
    }
    await this.#publish({ type: 'message', message })
  }

  #delay(arrival: GossipArrival, ms: number): void {
    if (!this.#delayed.hold(arrival.from, arrival, ms)) this.#drop('neighbor-rate')
  }

  #drop(reason: DropReason): void {
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + 1)
  }

  /** A copy of gossip message `id` came straight from `peer`. */
  async directCopy(id: Hash, peer: PeerId): Promise<void> {
    const messageId = this.#gate.directCopy(id, peer, this.#options.clock.now())
    if (messageId !== undefined) await this.#publish({ type: 'verified', messageId, peer })
  }

  /** The application has stored a chat line. */
  confirm(message: InboundChat): void {
    const now = this.#options.clock.now()
    this.#replay.done(message.messageId, now)
    if (!this.direct.confirmed(message)) this.#receipt(message, now)
  }

  /** The application could not take a message: another attempt of it is welcome. */
  refuse(message: InboundMessage): void {
    this.#replay.forget(message.messageId)
    this.direct.refused(message.messageId)
  }

  /** Only to senders we know: a message in somebody's name must not make us dial that somebody. */
  #receipt({ mark, routable, senderId, hostId, topic }: InboundChat, now: number): void {
    const sender = hostId ?? (routable ? (senderId as PeerId) : undefined)
    if (mark === undefined || sender === undefined || !this.#options.roster.isKnown(sender, now)) return
    this.#options.sendReceipt(sender, topic.id, mark.key)
  }
}
