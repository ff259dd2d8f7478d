import type { Hash, PeerId, TopicId } from '../../ids.ts'
import type { Message, PeerData, Scope } from './messages.ts'

/** What a topic's timers are for. */
export type TimerKind =
  | { readonly type: 'shuffle' }
  | { readonly type: 'pendingNeighbor'; readonly peer: PeerId }
  | { readonly type: 'evict' }
  | { readonly type: 'dispatch' }
  | { readonly type: 'graft'; readonly id: Hash }

/** A timer of one topic; `epoch` tells a topic apart from an earlier one with the same id. */
export interface TopicTimer {
  readonly topic: TopicId
  readonly epoch: number
  readonly kind: TimerKind
}

/** What the application of a topic gets to know (gossip 9). */
export type TopicEvent =
  | { readonly type: 'neighborUp'; readonly peer: PeerId }
  | { readonly type: 'neighborDown'; readonly peer: PeerId }
  /** First receipt. `from` is the last hop, `scope` as received: round 0 or neighbours means straight from the author. */
  | {
      readonly type: 'received'
      readonly id: Hash
      readonly content: Uint8Array
      readonly from: PeerId
      readonly scope: Scope
    }
  /** A message already known arrived once more, straight from `from` as its author; once per message and peer (k2-application 7.2). */
  | { readonly type: 'directCopy'; readonly id: Hash; readonly from: PeerId }

export type InEvent =
  | { readonly type: 'message'; readonly from: PeerId; readonly topic: TopicId; readonly message: Message }
  /** `isRetry`: earlier Joins to these peers had no effect. */
  | { readonly type: 'join'; readonly topic: TopicId; readonly peers: readonly PeerId[]; readonly isRetry?: boolean }
  | {
      readonly type: 'broadcast'
      readonly topic: TopicId
      readonly content: Uint8Array
      readonly scope: Scope['type']
    }
  | { readonly type: 'quit'; readonly topic: TopicId }
  | { readonly type: 'timer'; readonly timer: TopicTimer }
  | { readonly type: 'peerDisconnected'; readonly peer: PeerId }
  /** The connection used for sending to the peer was lost, another one is up: the other side may have given us up. */
  | { readonly type: 'connectionReplaced'; readonly peer: PeerId }
  | { readonly type: 'ownData'; readonly data: PeerData }

export type OutEvent =
  | { readonly type: 'send'; readonly to: PeerId; readonly topic: TopicId; readonly message: Message }
  | { readonly type: 'emit'; readonly topic: TopicId; readonly event: TopicEvent }
  /** One-shot; never cancelled, stale ones are ignored by the machine. */
  | { readonly type: 'schedule'; readonly afterMs: number; readonly timer: TopicTimer }
  /** This topic no longer needs the peer; others may. */
  | { readonly type: 'disconnect'; readonly topic: TopicId; readonly peer: PeerId }
  /** New address information about a peer. */
  | { readonly type: 'peerData'; readonly peer: PeerId; readonly data: PeerData }

/** Collects the outputs of one topic in the order they are produced. */
export class Outbox {
  readonly #topic: TopicId
  readonly #epoch: number
  #events: OutEvent[] = []

  constructor(topic: TopicId, epoch: number) {
    this.#topic = topic
    this.#epoch = epoch
  }

  send(to: PeerId, message: Message): void {
    this.#events.push({ type: 'send', to, topic: this.#topic, message })
  }

  emit(event: TopicEvent): void {
    this.#events.push({ type: 'emit', topic: this.#topic, event })
  }

  schedule(afterMs: number, kind: TimerKind): void {
    this.#events.push({ type: 'schedule', afterMs, timer: { topic: this.#topic, epoch: this.#epoch, kind } })
  }

  /** Said once per event, however many rules ask for it. */
  disconnect(peer: PeerId): void {
    if (this.#events.some((e) => e.type === 'disconnect' && e.peer === peer)) return
    this.#events.push({ type: 'disconnect', topic: this.#topic, peer })
  }

  peerData(peer: PeerId, data: PeerData): void {
    this.#events.push({ type: 'peerData', peer, data })
  }

  /** A copy of what was collected so far. */
  peek(): readonly OutEvent[] {
    return this.#events.slice()
  }

  /** Everything collected; the box is empty afterwards. */
  take(): OutEvent[] {
    const events = this.#events
    this.#events = []
    return events
  }
}
