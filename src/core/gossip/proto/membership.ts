import { equalBytes } from '../../../base/bytes.ts'
import type { Rng } from '../../../base/random.ts'
import type { PeerId } from '../../ids.ts'
import { CappedSet, IndexSet, TimeBoundCache } from './collections.ts'
import type { GossipConfig } from './config.ts'
import type { Outbox } from './events.ts'
import { fitNodes, type PeerData, type PeerInfo, type Priority, peerInfoSize, type SwarmMessage } from './messages.ts'
import { PeerDataBook } from './peer-data.ts'

export interface MembershipInit {
  readonly me: PeerId
  readonly ownData: PeerData | undefined
  readonly config: GossipConfig
  readonly rng: Rng
  readonly out: Outbox
}

export type MembershipTimer = { readonly type: 'shuffle' } | { readonly type: 'pendingNeighbor'; readonly peer: PeerId }

type Removal = 'evicted' | 'left' | 'leftAlive' | 'lost'

/** Size of a body apart from its list: tags (2), origin id (32), TTL (3 at most). */
const LIST_OVERHEAD = 2 + 32 + 3

/**
 * HyParView of one topic (gossip 7): keeps a small symmetrical active view and a passive view of candidates. Pure: the
 * outputs go to the outbox. Rule numbers (HV-…) are those of the specification.
 */
export class Membership {
  readonly #me: PeerId
  readonly #config: GossipConfig
  readonly #rng: Rng
  readonly #out: Outbox
  readonly #active = new IndexSet<PeerId>()
  readonly #passive = new IndexSet<PeerId>()
  /** Peers that got a Neighbor from us and have not sent one back. */
  readonly #pending: TimeBoundCache<PeerId, true>
  /** Peers that parted with us alive: they stay passive when their connection closes. */
  readonly #aliveDisconnect: CappedSet<PeerId>
  readonly #data: PeerDataBook
  #ownData: PeerData | undefined
  #shuffleArmed = false
  /** Time of the event being handled. */
  #now = 0

  constructor(init: MembershipInit) {
    this.#me = init.me
    this.#config = init.config
    this.#rng = init.rng
    this.#out = init.out
    this.#ownData = init.ownData
    const { pendingMax, pendingTtlMs, strangerDataMax } = init.config.membership
    this.#pending = new TimeBoundCache(pendingTtlMs, pendingMax)
    this.#aliveDisconnect = new CappedSet(pendingMax)
    this.#data = new PeerDataBook(strangerDataMax, (peer) => this.#active.has(peer) || this.#passive.has(peer))
  }

  /** Neighbours in the order they became such. */
  activeView(): PeerId[] {
    return this.#active.values()
  }

  passiveView(): PeerId[] {
    return this.#passive.values()
  }

  isActive(peer: PeerId): boolean {
    return this.#active.has(peer)
  }

  isPending(peer: PeerId): boolean {
    return this.#pending.has(peer)
  }

  get activeCount(): number {
    return this.#active.size
  }

  /**
   * HV-1. A peer that still awaits a Neighbor of an earlier life of ours answers no Join (gossip 13-D6): a retry sends it
   * that Neighbor first. It is not recorded as pending, so that a peer that takes it for a request gets its answer.
   */
  join(peers: readonly PeerId[], isRetry = false): void {
    if (peers.length === 0) return
    for (const peer of peers) {
      if (isRetry) this.#out.send(peer, { type: 'neighbor', priority: 'high', data: this.#ownData })
      this.#out.send(peer, { type: 'join', data: this.#ownData })
    }
    this.#armShuffle()
  }

  message(from: PeerId, message: SwarmMessage, now: number): void {
    this.#tick(now)
    switch (message.type) {
      case 'join':
        this.#onJoin(from, message.data)
        break
      case 'forwardJoin':
        this.#onForwardJoin(from, message.peer, message.ttl)
        break
      case 'shuffle':
        this.#onShuffle(from, message.origin, message.nodes, message.ttl)
        break
      case 'shuffleReply':
        for (const node of message.nodes) this.#addPassive(node.id, node.data)
        this.#refill()
        break
      case 'neighbor':
        this.#onNeighbor(from, message.priority, message.data)
        break
      case 'disconnect':
        this.#onDisconnect(from, message.alive)
        break
    }
    // HV-X: whoever is not a neighbour now needs no connection for this topic.
    if (message.type !== 'disconnect' && !this.#active.has(from)) this.#out.disconnect(from)
    this.#armShuffle()
  }

  timer(timer: MembershipTimer, now: number): void {
    this.#tick(now)
    if (timer.type === 'shuffle') this.#onShuffleTimer()
    else this.#onPendingTimer(timer.peer)
    this.#armShuffle()
  }

  /** HV-7. */
  disconnected(peer: PeerId, now: number): void {
    this.#tick(now)
    this.#pending.delete(peer)
    if (this.#active.has(peer)) this.#remove(peer, 'lost')
    else if (!this.#aliveDisconnect.delete(peer)) {
      this.#passive.delete(peer)
      this.#data.delete(peer)
    }
    this.#armShuffle()
  }

  /**
   * Asks a neighbour to confirm that we still are its neighbour (gossip 10.2 rule 4): upstream gives a peer up with the
   * connection it sent on, even while another one is open. Harmless when it did not.
   */
  renew(peer: PeerId, now: number): void {
    this.#tick(now)
    if (this.#active.has(peer)) this.#sendNeighbor(peer, 'high', true)
    this.#armShuffle()
  }

  /** HV-9. */
  setOwnData(data: PeerData): void {
    this.#ownData = data
    this.#armShuffle()
  }

  /** HV-Q: says goodbye to every neighbour; no NeighborDown is emitted. */
  quit(): void {
    for (const peer of this.#active.values()) {
      this.#active.delete(peer)
      this.#sendDisconnect(peer, false)
    }
    this.#armShuffle()
  }

  /** Starts handling an event at `now`. */
  #tick(now: number): void {
    this.#now = now
    this.#pending.sweep(now)
  }

  /** HV-2. */
  #onJoin(from: PeerId, data: PeerData | undefined): void {
    // A Join is answered even while our Neighbor is unanswered: its sender may have started anew (gossip 13-D6).
    this.#addActive(from, data, 'high', 'always')
    const peer = this.#fitForwardJoin({ id: from, data })
    for (const neighbor of this.#active.values()) {
      if (neighbor === from) continue
      this.#out.send(neighbor, { type: 'forwardJoin', peer, ttl: this.#config.membership.activeWalkLength })
    }
  }

  /** HV-F. A walk longer than our own configuration allows is cut, so that nobody can keep one alive for thousands of hops. */
  #onForwardJoin(from: PeerId, peer: PeerInfo, ttl: number): void {
    if (peer.id === this.#me) return
    if (this.#active.has(peer.id) || ttl === 0 || this.#active.size <= 1) {
      this.#remember(peer.id, peer.data)
      this.#sendNeighbor(peer.id, 'high')
      return
    }
    if (ttl === this.#config.membership.passiveWalkLength) this.#addPassive(peer.id, peer.data)
    if (this.#pending.has(peer.id)) return
    const next = this.#active.pick(this.#rng, (p) => p === from)
    if (next === undefined) return
    const left = Math.min(ttl, this.#config.membership.activeWalkLength) - 1
    this.#out.send(next, { type: 'forwardJoin', peer: this.#fitForwardJoin(peer), ttl: left })
  }

  /** HV-3. Whether a Neighbor is a request or an answer depends on our pending set alone. */
  #onNeighbor(from: PeerId, priority: Priority, data: PeerData | undefined): void {
    const isAnswer = this.#pending.delete(from)
    const accepted = this.#addActive(from, data, priority, isAnswer ? 'no' : 'ifNotPending')
    if (!accepted) this.#sendDisconnect(from, true)
  }

  /** HV-4. The TTL is tested before it is decremented. */
  #onShuffle(from: PeerId, origin: PeerId, nodes: readonly PeerInfo[], ttl: number): void {
    if (origin === this.#me) return
    if (ttl === 0 || this.#active.size <= 1) {
      for (const node of nodes) this.#addPassive(node.id, node.data)
      this.#sendShuffleReply(origin, nodes.length)
      return
    }
    const next = this.#active.pick(this.#rng, (p) => p === origin || p === from)
    if (next === undefined) return
    const left = Math.min(ttl, this.#config.membership.shuffleWalkLength) - 1
    this.#out.send(next, { type: 'shuffle', origin, nodes: this.#fitList(nodes), ttl: left })
  }

  /** HV-6. */
  #onDisconnect(from: PeerId, alive: boolean): void {
    this.#pending.delete(from)
    if (this.#active.has(from)) this.#remove(from, alive ? 'leftAlive' : 'left')
    else if (alive && this.#passive.has(from)) this.#aliveDisconnect.add(from)
  }

  /** HV-8. */
  #onShuffleTimer(): void {
    const m = this.#config.membership
    const target = this.#active.pick(this.#rng)
    if (target !== undefined) {
      const others = [
        ...this.#active.sample(this.#rng, m.shuffleActiveCount, target),
        ...this.#passive.sample(this.#rng, m.shufflePassiveCount, target),
      ].map((id) => this.#data.info(id))
      const self: PeerInfo = { id: this.#me, data: this.#ownData }
      const nodes = [...this.#fitList(others, peerInfoSize(self)), self]
      this.#out.send(target, { type: 'shuffle', origin: this.#me, nodes, ttl: m.shuffleWalkLength })
    }
    this.#out.schedule(m.shuffleIntervalMs, { type: 'shuffle' })
  }

  /** HV-R. */
  #onPendingTimer(peer: PeerId): void {
    if (!this.#pending.delete(peer)) return
    this.#passive.delete(peer)
    this.#refill()
  }

  /** The first event of any kind starts the shuffle rounds, after its own outputs. */
  #armShuffle(): void {
    if (this.#shuffleArmed) return
    this.#shuffleArmed = true
    this.#out.schedule(this.#config.membership.shuffleIntervalMs, { type: 'shuffle' })
  }

  #sendNeighbor(peer: PeerId, priority: Priority, evenIfPending = false): void {
    if (this.#pending.has(peer) && !evenIfPending) return
    this.#pending.set(peer, true, this.#now)
    this.#out.send(peer, { type: 'neighbor', priority, data: this.#ownData })
  }

  #remember(peer: PeerId, data: PeerData | undefined): void {
    if (data === undefined) return
    const before = this.#data.get(peer)
    this.#data.set(peer, data)
    if (data.length > 0 && (before === undefined || !equalBytes(before, data))) this.#out.peerData(peer, data)
  }

  #addPassive(peer: PeerId, data: PeerData | undefined): void {
    if (peer === this.#me) return
    this.#remember(peer, data)
    if (this.#active.has(peer) || this.#passive.has(peer)) return
    if (this.#passive.size >= this.#config.membership.passiveCapacity) {
      const dropped = this.#passive.pick(this.#rng)
      if (dropped !== undefined) this.#passive.delete(dropped)
    }
    this.#passive.add(peer)
  }

  /** Answers whether the peer is a neighbour now. */
  #addActive(peer: PeerId, data: PeerData | undefined, priority: Priority, reply: 'no' | 'ifNotPending' | 'always'): boolean {
    if (peer === this.#me) return false
    this.#remember(peer, data)
    if (!this.#active.has(peer)) {
      if (this.#active.size >= this.#config.membership.activeCapacity) {
        if (priority === 'low') return false
        this.#evictOne()
      }
      this.#passive.delete(peer)
      this.#active.add(peer)
      this.#out.emit({ type: 'neighborUp', peer })
    }
    if (reply !== 'no') this.#sendNeighbor(peer, priority, reply === 'always')
    return true
  }

  /** HV-E. */
  #evictOne(): void {
    const peer = this.#active.pick(this.#rng)
    if (peer !== undefined) this.#remove(peer, 'evicted')
  }

  #remove(peer: PeerId, reason: Removal): void {
    this.#active.delete(peer)
    this.#out.emit({ type: 'neighborDown', peer })
    if (reason === 'evicted') {
      this.#sendDisconnect(peer, true)
    } else this.#out.disconnect(peer)
    const keep = reason === 'evicted' || reason === 'leftAlive' || (reason === 'lost' && this.#aliveDisconnect.delete(peer))
    if (keep) {
      // Taken out first, so that the data counts as new and the address book hears of it again.
      this.#addPassive(peer, this.#data.take(peer))
      if (reason !== 'lost') this.#aliveDisconnect.add(peer)
    }
    if (reason !== 'evicted') this.#refill(peer)
  }

  /** Asks one passive candidate to fill a free place. */
  #refill(skip?: PeerId): void {
    const m = this.#config.membership
    if (this.#active.size + this.#pending.size >= m.activeCapacity) return
    const candidate = this.#passive.pick(this.#rng, (p) => p === skip || this.#pending.has(p))
    if (candidate === undefined) return
    this.#sendNeighbor(candidate, this.#active.size === 0 ? 'high' : 'low')
    this.#out.schedule(m.neighborTimeoutMs, { type: 'pendingNeighbor', peer: candidate })
  }

  #sendDisconnect(peer: PeerId, alive: boolean): void {
    const m = this.#config.membership
    // A courtesy: whoever is dropped gets candidates to replace us.
    this.#sendShuffleReply(peer, m.shuffleActiveCount + m.shufflePassiveCount)
    this.#out.send(peer, { type: 'disconnect', alive })
    this.#out.disconnect(peer)
  }

  #sendShuffleReply(to: PeerId, asked: number): void {
    const count = Math.min(asked, this.#config.membership.shuffleReplyMax)
    const ids = this.#passive.sample(this.#rng, count)
    ids.push(...this.#active.sample(this.#rng, count - ids.length))
    this.#out.send(to, { type: 'shuffleReply', nodes: this.#fitList(ids.map((id) => this.#data.info(id))) })
  }

  /** As many nodes as one sendable frame takes, `reserved` bytes left free. */
  #fitList(nodes: readonly PeerInfo[], reserved = 0): readonly PeerInfo[] {
    return fitNodes(nodes, this.#config.maxMessageBytes - 1 - LIST_OVERHEAD - reserved)
  }

  /** Passes a peer's data on as received, or not at all where the frame would not be sendable. */
  #fitForwardJoin(peer: PeerInfo): PeerInfo {
    return peerInfoSize(peer) <= this.#config.maxMessageBytes - 1 - LIST_OVERHEAD ? peer : { id: peer.id, data: undefined }
  }
}
