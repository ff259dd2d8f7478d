import type { Rng } from '../../../base/random.ts'
import type { Hash, PeerId, TopicId } from '../../ids.ts'
import { Broadcast, type BroadcastStats } from './broadcast.ts'
import type { GossipConfig } from './config.ts'
import { Outbox, type OutEvent, type TimerKind } from './events.ts'
import { Membership } from './membership.ts'
import { isGossipMessage, type Message, type PeerData, type Scope } from './messages.ts'

export interface TopicInit {
  readonly me: PeerId
  readonly topic: TopicId
  /** Different for every life of the same topic, so that timers of an earlier one are recognised. */
  readonly epoch: number
  readonly ownData: PeerData | undefined
  readonly config: GossipConfig
  readonly rng: Rng
}

/** Read-only look into a topic, for queries, statistics and tests. */
export interface TopicView {
  /** Active view in the order the peers became neighbours. */
  neighbors(): readonly PeerId[]
  passive(): readonly PeerId[]
  isPending(peer: PeerId): boolean
  /** Neighbours that get full messages, ascending. */
  eager(): readonly PeerId[]
  /** Neighbours that get announcements, ascending. */
  lazy(): readonly PeerId[]
  /** Whether a Graft for this id could be answered. */
  hasPayload(id: Hash): boolean
  readonly stats: BroadcastStats
}

/** One topic: membership feeds its neighbour changes to the broadcast (gossip 6). Every method returns the outputs in order. */
export class Topic implements TopicView {
  readonly epoch: number
  readonly #membership: Membership
  readonly #broadcast: Broadcast
  readonly #out: Outbox

  constructor(init: TopicInit) {
    this.epoch = init.epoch
    this.#out = new Outbox(init.topic, init.epoch)
    this.#membership = new Membership({ ...init, out: this.#out })
    this.#broadcast = new Broadcast({ config: init.config, out: this.#out })
  }

  neighbors(): readonly PeerId[] {
    return this.#membership.activeView()
  }

  passive(): readonly PeerId[] {
    return this.#membership.passiveView()
  }

  isPending(peer: PeerId): boolean {
    return this.#membership.isPending(peer)
  }

  eager(): readonly PeerId[] {
    return this.#broadcast.eagerPeers()
  }

  lazy(): readonly PeerId[] {
    return this.#broadcast.lazyPeers()
  }

  hasPayload(id: Hash): boolean {
    return this.#broadcast.hasPayload(id)
  }

  get stats(): BroadcastStats {
    return this.#broadcast.stats
  }

  message(from: PeerId, message: Message, now: number): OutEvent[] {
    if (isGossipMessage(message)) this.#broadcast.message(from, message, now)
    else this.#member(() => this.#membership.message(from, message, now))
    return this.#out.take()
  }

  join(peers: readonly PeerId[], isRetry?: boolean): OutEvent[] {
    this.#member(() => this.#membership.join(peers, isRetry))
    return this.#out.take()
  }

  broadcast(content: Uint8Array, scope: Scope['type'], now: number): OutEvent[] {
    this.#broadcast.broadcast(content, scope, now)
    return this.#out.take()
  }

  quit(): OutEvent[] {
    this.#member(() => this.#membership.quit())
    return this.#out.take()
  }

  timer(kind: TimerKind, now: number): OutEvent[] {
    if (kind.type === 'shuffle' || kind.type === 'pendingNeighbor') this.#member(() => this.#membership.timer(kind, now))
    else this.#broadcast.timer(kind, now)
    return this.#out.take()
  }

  peerDisconnected(peer: PeerId, now: number): OutEvent[] {
    this.#member(
      () => this.#membership.disconnected(peer, now),
      () => this.#broadcast.neighborDown(peer),
    )
    return this.#out.take()
  }

  renew(peer: PeerId, now: number): OutEvent[] {
    this.#member(() => this.#membership.renew(peer, now))
    return this.#out.take()
  }

  setOwnData(data: PeerData): OutEvent[] {
    this.#member(() => this.#membership.setOwnData(data))
    return this.#out.take()
  }

  isNeighbor(peer: PeerId): boolean {
    return this.#membership.isActive(peer)
  }

  /** Runs a membership step and then tells the broadcast about the neighbour changes it emitted, in order. */
  #member(step: () => void, between: () => void = () => {}): void {
    step()
    const emitted = this.#out.peek()
    between()
    for (const event of emitted) {
      if (event.type !== 'emit') continue
      if (event.event.type === 'neighborUp') this.#broadcast.neighborUp(event.event.peer)
      else if (event.event.type === 'neighborDown') this.#broadcast.neighborDown(event.event.peer)
    }
  }
}
