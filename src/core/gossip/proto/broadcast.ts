import type { Hash, PeerId } from '../../ids.ts'
import { SortedSet, TimeBoundCache } from './collections.ts'
import { type GossipConfig, gossipBodySize, ihaveChunkLength } from './config.ts'
import type { Outbox } from './events.ts'
import { type Announcement, type GossipMessage, type GossipPayload, messageId, type Scope } from './messages.ts'
import { MissingIds } from './missing.ts'

const MAX_ROUND = 0xffff

export interface BroadcastInit {
  readonly config: GossipConfig
  readonly out: Outbox
}

export type BroadcastTimer =
  | { readonly type: 'evict' }
  | { readonly type: 'dispatch' }
  | { readonly type: 'graft'; readonly id: Hash }

/** Counters of one topic's broadcasts. */
export interface BroadcastStats {
  /** Messages whose id is not the hash of their content. */
  readonly badIds: number
  readonly duplicates: number
  /** Messages that could not be passed on because the frame would be too large. */
  readonly unsendable: number
}

type Payload = GossipPayload & { readonly scope: { readonly type: 'swarm'; readonly round: number } }

/**
 * PlumTree of one topic (gossip 8): full messages along a tree of eager links, announcements along lazy links, pulls to
 * repair. Pure. Eager and lazy together are exactly the neighbours; messages of strangers are taken, but strangers get no
 * link (gossip 13-D8). Rule numbers (PT-…) are those of the specification.
 */
export class Broadcast {
  readonly #config: GossipConfig
  readonly #out: Outbox
  readonly #eager = new SortedSet<PeerId>()
  readonly #lazy = new SortedSet<PeerId>()
  readonly #lazyQueue = new Map<PeerId, Announcement[]>()
  readonly #missing: MissingIds
  /** Ids of swarm messages seen or sent, with the peers known to have sent them directly. */
  readonly #received: TimeBoundCache<Hash, PeerId[]>
  readonly #cache: TimeBoundCache<Hash, Payload>
  readonly #graftArmed = new Set<Hash>()
  #dispatchArmed = false
  #evictArmed = false
  readonly #stats = { badIds: 0, duplicates: 0, unsendable: 0 }

  constructor(init: BroadcastInit) {
    const { broadcast: b } = init.config
    this.#config = init.config
    this.#out = init.out
    this.#missing = new MissingIds(b.missingMax, b.announcersMax)
    this.#received = new TimeBoundCache(b.idRetentionMs, b.idsMax)
    this.#cache = new TimeBoundCache(b.cacheRetentionMs, b.cacheMaxBytes, (payload) => payload.content.length)
  }

  /** Ascending. */
  eagerPeers(): readonly PeerId[] {
    return this.#eager.values().slice()
  }

  /** Ascending. */
  lazyPeers(): readonly PeerId[] {
    return this.#lazy.values().slice()
  }

  get stats(): BroadcastStats {
    return { ...this.#stats }
  }

  hasPayload(id: Hash): boolean {
    return this.#cache.has(id)
  }

  /** PT-1. */
  neighborUp(peer: PeerId): void {
    this.#armEvict()
    this.#lazy.delete(peer)
    this.#eager.add(peer)
  }

  /** PT-2; also purges what was going to be announced to the peer (gossip 13-D9). */
  neighborDown(peer: PeerId): void {
    this.#armEvict()
    this.#missing.forget(peer)
    this.#lazyQueue.delete(peer)
    this.#eager.delete(peer)
    this.#lazy.delete(peer)
  }

  /** PT-3, PT-4. */
  broadcast(content: Uint8Array, scope: Scope['type'], now: number): void {
    this.#armEvict()
    const id = messageId(content)
    if (scope === 'neighbors') {
      this.#sendToEager({ type: 'gossip', id, content, scope: { type: 'neighbors' } })
      return
    }
    const payload: Payload = { type: 'gossip', id, content, scope: { type: 'swarm', round: 0 } }
    this.#received.set(id, [], now)
    this.#cache.set(id, payload, now)
    this.#lazyPush(payload)
    this.#sendToEager(payload)
  }

  message(from: PeerId, message: GossipMessage, now: number): void {
    this.#armEvict()
    switch (message.type) {
      case 'gossip':
        this.#onGossip(from, message, now)
        break
      case 'prune':
        this.#makeLazy(from)
        break
      case 'graft':
        this.#onGraft(from, message.id)
        break
      case 'ihave':
        this.#onIHave(from, message.entries)
        break
    }
  }

  timer(timer: BroadcastTimer, now: number): void {
    if (timer.type === 'evict') {
      // PT-14.
      this.#cache.sweep(now)
      this.#received.sweep(now)
      this.#out.schedule(this.#config.broadcast.evictIntervalMs, { type: 'evict' })
      return
    }
    this.#armEvict()
    if (timer.type === 'dispatch') this.#onDispatch()
    else this.#onGraftTimer(timer.id)
  }

  /** PT-5. */
  #onGossip(from: PeerId, message: GossipPayload, now: number): void {
    if (messageId(message.content) !== message.id) {
      this.#stats.badIds++
      return
    }
    const { id, scope } = message
    const isDirect = scope.type === 'neighbors' || scope.round === 0
    const directSenders = this.#received.get(id)
    if (directSenders !== undefined) {
      this.#stats.duplicates++
      this.#makeLazy(from)
      this.#out.send(from, { type: 'prune' })
      if (isDirect) this.#noteDirectCopy(id, from, directSenders)
      return
    }
    if (scope.type === 'swarm') {
      this.#received.set(id, isDirect ? [from] : [], now)
      this.#passOn(from, message, scope.round, now)
    }
    this.#out.emit({ type: 'received', id, content: message.content, from, scope })
  }

  /** PT-6 up to the event. */
  #passOn(from: PeerId, message: GossipPayload, round: number, now: number): void {
    const nextRound = Math.min(round + 1, MAX_ROUND)
    if (gossipBodySize(message.content.length, nextRound) < this.#config.maxMessageBytes) {
      const payload: Payload = { ...message, scope: { type: 'swarm', round: nextRound } }
      this.#cache.set(message.id, payload, now)
      this.#sendToEager(payload, from)
      this.#lazyPush(payload, from)
    } else this.#stats.unsendable++
    this.#graftArmed.delete(message.id)
    const announcements = this.#missing.take(message.id)
    if (announcements.length > 0) this.#optimize(from, nextRound, announcements)
  }

  /** PT-10, among neighbours only: the tree has no links to strangers. */
  #optimize(from: PeerId, round: number, announcements: readonly { peer: PeerId; round: number }[]): void {
    let best: { peer: PeerId; round: number } | undefined
    for (const a of announcements) {
      if (this.#isNeighbor(a.peer) && (best === undefined || a.round < best.round)) best = a
    }
    if (best === undefined || best.round >= round || round - best.round < this.#config.broadcast.optimizationThreshold) return
    if (!this.#eager.has(best.peer)) {
      this.#makeEager(best.peer)
      this.#out.send(best.peer, { type: 'graft', id: undefined, round: best.round })
    }
    this.#makeLazy(from)
    this.#out.send(from, { type: 'prune' })
  }

  /** PT-8. */
  #onIHave(from: PeerId, entries: readonly Announcement[]): void {
    for (const { id, round } of entries) {
      if (this.#received.has(id)) continue
      const dropped = this.#missing.add(id, { peer: from, round })
      if (dropped !== undefined) this.#graftArmed.delete(dropped)
      if (this.#graftArmed.has(id)) continue
      this.#graftArmed.add(id)
      this.#out.schedule(this.#config.broadcast.graftTimeoutMs, { type: 'graft', id })
    }
  }

  /** PT-9. The follow-up timer does not count as armed, so that a new announcement starts a new wait. */
  #onGraftTimer(id: Hash): void {
    this.#graftArmed.delete(id)
    if (this.#received.has(id)) return
    const next = this.#missing.pop(id)
    if (next === undefined) return
    this.#makeEager(next.peer)
    this.#out.send(next.peer, { type: 'graft', id, round: next.round })
    this.#out.schedule(this.#config.broadcast.graftRetryMs, { type: 'graft', id })
  }

  /** PT-11. */
  #onGraft(from: PeerId, id: Hash | undefined): void {
    this.#makeEager(from)
    const payload = id === undefined ? undefined : this.#cache.get(id)
    if (payload !== undefined) this.#out.send(from, payload)
  }

  /** PT-13. */
  #onDispatch(): void {
    const chunk = ihaveChunkLength(this.#config)
    for (const peer of [...this.#lazyQueue.keys()].sort()) {
      const entries = this.#lazyQueue.get(peer) ?? []
      for (let at = 0; at < entries.length; at += chunk) {
        this.#out.send(peer, { type: 'ihave', entries: entries.slice(at, at + chunk) })
      }
    }
    this.#lazyQueue.clear()
    this.#dispatchArmed = false
  }

  #noteDirectCopy(id: Hash, from: PeerId, senders: PeerId[]): void {
    if (senders.includes(from) || senders.length >= this.#config.broadcast.directCopiesMax) return
    senders.push(from)
    this.#out.emit({ type: 'directCopy', id, from })
  }

  #sendToEager(message: GossipPayload, except?: PeerId): void {
    for (const peer of this.#eager.values()) if (peer !== except) this.#out.send(peer, message)
  }

  /** Announces to lazy peers in the next batch; the batch timer starts even when there is nobody to tell. */
  #lazyPush(payload: Payload, except?: PeerId): void {
    const entry: Announcement = { id: payload.id, round: payload.scope.round }
    for (const peer of this.#lazy.values()) {
      if (peer === except) continue
      const queue = this.#lazyQueue.get(peer)
      if (queue) queue.push(entry)
      else this.#lazyQueue.set(peer, [entry])
    }
    if (this.#dispatchArmed) return
    this.#dispatchArmed = true
    this.#out.schedule(this.#config.broadcast.dispatchMs, { type: 'dispatch' })
  }

  #isNeighbor(peer: PeerId): boolean {
    return this.#eager.has(peer) || this.#lazy.has(peer)
  }

  #makeEager(peer: PeerId): void {
    if (this.#lazy.delete(peer)) this.#eager.add(peer)
  }

  #makeLazy(peer: PeerId): void {
    if (this.#eager.delete(peer)) this.#lazy.add(peer)
  }

  /** The first event of any kind starts the sweeps, before its own outputs. */
  #armEvict(): void {
    if (this.#evictArmed) return
    this.#evictArmed = true
    this.#out.schedule(this.#config.broadcast.evictIntervalMs, { type: 'evict' })
  }
}
