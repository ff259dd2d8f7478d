import type { Clock } from '../../base/clock.ts'
import { errorCode, errorMessage } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { PeerId, TopicId } from '../ids.ts'
import type { Connection } from '../net/transport.ts'
import type { NetLimits } from './limits.ts'
import type { GossipCounters } from './metrics.ts'
import { PeerLink } from './peer-link.ts'
import type { OutFrame } from './topic-stream.ts'

export interface PeerTableInit {
  readonly me: PeerId
  readonly clock: Clock
  readonly log: Logger
  readonly limits: NetLimits
  readonly counters: GossipCounters
  readonly maxMessageBytes: number
  readonly dial: (peer: PeerId) => Promise<Connection>
  readonly onFrame: (peer: PeerId, topic: TopicId, body: Uint8Array) => void
  /** A peer that somebody may still count on cannot be reached any more. Never called from inside `send`. */
  readonly onLost: (peer: PeerId) => void
  /** The connection used for sending was lost, another one has taken its place. */
  readonly onReplaced: (peer: PeerId) => void
  /** Whether any topic counts the peer as a neighbour. */
  readonly isNeeded: (peer: PeerId) => boolean
}

interface Peer {
  /** Live connections, oldest first; the last one is used for sending. */
  readonly links: PeerLink[]
  /** Frames for a peer that is being dialed. */
  readonly waiting: { readonly topic: TopicId; readonly frame: OutFrame }[]
  isDialing: boolean
  /** No topic needs the peer: its loss is of no interest (gossip 10.1, entry dropped). */
  isReleased: boolean
}

/**
 * Which connections lead to which peer (gossip 10.1, 10.2). Dials when there is something to send; the connection
 * established last is used for sending, all are read; falls back to an older one when it is lost.
 */
export class PeerTable {
  readonly #init: PeerTableInit
  readonly #peers = new Map<PeerId, Peer>()
  readonly #waiters = new Set<() => void>()
  #dialing = 0
  #cancelTick: (() => void) | undefined
  #stopped = false

  constructor(init: PeerTableInit) {
    this.#init = init
  }

  get size(): number {
    return this.#peers.size
  }

  get dialing(): number {
    return this.#dialing
  }

  get connections(): number {
    let count = 0
    for (const peer of this.#peers.values()) count += peer.links.length
    return count
  }

  get queuedBytes(): number {
    let sum = 0
    for (const link of this.#links()) sum += link.queuedBytes
    return sum
  }

  /** Queues a frame; dials when there is no connection. Never waits, never throws. */
  send(id: PeerId, topic: TopicId, frame: OutFrame): void {
    if (id === this.#init.me || this.#stopped) return
    const peer = this.#entry(id)
    peer.isReleased = false
    const link = peer.links.at(-1)
    if (link !== undefined) link.send(topic, frame)
    else if (peer.waiting.length >= this.#init.limits.dialingFrames) this.#init.counters.framesDropped++
    else {
      peer.waiting.push({ topic, frame })
      this.#dial(id, peer)
    }
  }

  /** Takes over an established connection, dialed or accepted: from now on it is the one used for sending. */
  add(connection: Connection): void {
    if (this.#stopped) {
      connection.close(0n, 'shutting down')
      return
    }
    const peer = this.#entry(connection.peer)
    const before = peer.links.at(-1)
    const link = this.#newLink(connection)
    peer.links.push(link)
    for (const { topic, frame } of peer.waiting.splice(0)) link.send(topic, frame)
    if (before !== undefined) {
      this.#moveQueue(before, link)
      before.endStreams()
    }
    link.start()
    this.#trimLinks(peer)
  }

  /** No topic needs the peer any more. What is queued is still sent. */
  release(id: PeerId): void {
    const peer = this.#peers.get(id)
    if (peer !== undefined) peer.isReleased = true
  }

  /** Finishes our streams of a topic that was quit. */
  endTopic(topic: TopicId): void {
    for (const link of this.#links()) link.endStreams(topic)
  }

  /**
   * Undefined when there is room everywhere; otherwise resolves when that may have changed: ask again then. Peers that are
   * stuck are not waited for. `except`: the link whose own input is waiting; it must not wait for itself.
   */
  room(except?: PeerLink): Promise<void> | undefined {
    for (const link of this.#links()) if (link !== except && link.isFull) return this.#nextWake()
    return undefined
  }

  /** Closes connections that serve nobody (gossip 10.2 rules 2 and 4). */
  sweep(): void {
    const now = this.#init.clock.monotonic()
    for (const [id, peer] of this.#peers) {
      this.#closeSuperseded(peer, now)
      if (peer.isDialing || this.#init.isNeeded(id)) continue
      const isIdle = (link: PeerLink): boolean =>
        link.queuedBytes === 0 && now - Math.max(link.lastInboundAt, link.lastOutboundAt) >= this.#init.limits.idleMs
      if (!peer.links.every(isIdle)) continue
      peer.isReleased = true
      for (const link of peer.links.slice()) link.close('idle')
    }
  }

  /** Waits until everything queued has been written, at most `ms`. */
  async flush(ms: number): Promise<void> {
    const { clock } = this.#init
    const until = clock.monotonic() + ms
    while (this.queuedBytes > 0 && clock.monotonic() < until) await this.#nextWake()
  }

  /** Longest round trip among live connections, ms; 0 when unknown. */
  longestRttMs(): number {
    let longest = 0
    for (const link of this.#links()) longest = Math.max(longest, link.connection.rttMs() ?? 0)
    return longest
  }

  /** Closes all connections. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancelTick?.()
    const links = [...this.#links()]
    for (const link of links) link.close('')
    this.#wake()
    await Promise.all(links.map((link) => link.ended()))
  }

  #entry(id: PeerId): Peer {
    let peer = this.#peers.get(id)
    if (peer === undefined) {
      peer = { links: [], waiting: [], isDialing: false, isReleased: false }
      this.#peers.set(id, peer)
    }
    return peer
  }

  *#links(): IterableIterator<PeerLink> {
    for (const peer of this.#peers.values()) yield* peer.links
  }

  #newLink(connection: Connection): PeerLink {
    const { clock, limits, counters, maxMessageBytes, log } = this.#init
    return new PeerLink({
      connection,
      clock,
      limits,
      counters,
      maxMessageBytes,
      onFrame: (link, topic, body) => this.#init.onFrame(link.peer, topic, body),
      room: (link) => this.room(link),
      onProgress: () => this.#wake(),
      onClosed: (link) => this.#onClosed(link),
      onBug: (err) => log.error({ ev: 'gossip-link-bug', peer: connection.peer, err }, 'unexpected failure on a connection'),
    })
  }

  #dial(id: PeerId, peer: Peer): void {
    if (peer.isDialing) return
    if (this.#dialing >= this.#init.limits.dialing) {
      queueMicrotask(() => this.#onDialFailed(id, peer))
      return
    }
    peer.isDialing = true
    this.#dialing++
    const { counters, log } = this.#init
    this.#init
      .dial(id)
      .finally(() => {
        peer.isDialing = false
        this.#dialing--
        counters.actorTickDialer++
      })
      .then(
        (connection) => {
          counters.actorTickDialerSuccess++
          this.add(connection)
        },
        (error) => {
          counters.actorTickDialerFailure++
          log.debug(
            { ev: 'dial-failed', peer: id, code: errorCode(error), reason: errorMessage(error) },
            'a peer cannot be reached',
          )
          this.#onDialFailed(id, peer)
        },
      )
      .catch((err) => log.error({ ev: 'gossip-dial-bug', peer: id, err }, 'unexpected failure after a dial'))
  }

  #onDialFailed(id: PeerId, peer: Peer): void {
    // A connection from the other side may have come meanwhile and taken the frames along.
    if (peer.links.length > 0 || this.#peers.get(id) !== peer) return
    this.#init.counters.framesDropped += peer.waiting.length
    this.#peers.delete(id)
    if (!this.#stopped) this.#init.onLost(id)
  }

  #onClosed(link: PeerLink): void {
    const peer = this.#peers.get(link.peer)
    const at = peer?.links.indexOf(link) ?? -1
    if (peer === undefined || at < 0) return
    const wasSending = at === peer.links.length - 1
    peer.links.splice(at, 1)
    this.#wake()
    if (!wasSending) return
    const heir = peer.links.at(-1)
    if (heir !== undefined) {
      this.#moveQueue(link, heir)
      if (!this.#stopped) this.#init.onReplaced(link.peer)
      return
    }
    for (const [, frames] of link.takeQueued()) this.#init.counters.framesDropped += frames.length
    if (!peer.isDialing) this.#peers.delete(link.peer)
    // A released peer may have become a neighbour again by its own message, without one of ours.
    const matters = !peer.isReleased || this.#init.isNeeded(link.peer)
    if (matters && !this.#stopped) this.#init.onLost(link.peer)
  }

  #moveQueue(from: PeerLink, to: PeerLink): void {
    for (const [topic, frames] of from.takeQueued()) for (const frame of frames) to.send(topic, frame)
  }

  /** Too many connections to one peer: the ones longest without input go, the sending one stays. */
  #trimLinks(peer: Peer): void {
    const excess = peer.links.length - this.#init.limits.connectionsPerPeer
    if (excess <= 0) return
    const byInput = peer.links.slice(0, -1).sort((a, b) => a.lastInboundAt - b.lastInboundAt)
    for (const link of byInput.slice(0, excess)) link.close('superseded')
  }

  /** Only where another connection has carried frames since: the silent one may be what the peer sends on. */
  #closeSuperseded(peer: Peer, now: number): void {
    const newest = Math.max(...peer.links.map((link) => link.lastInboundAt))
    for (const link of peer.links.slice(0, -1)) {
      if (now - link.lastInboundAt >= this.#init.limits.supersededMs && newest > link.lastInboundAt) link.close('superseded')
    }
  }

  /** Resolves at the next progress of any connection, or at the next tick. */
  #nextWake(): Promise<void> {
    this.#cancelTick ??= this.#init.clock.after(this.#init.limits.tickMs, () => {
      this.#cancelTick = undefined
      for (const link of this.#links()) link.tick()
      this.#wake()
    })
    return new Promise((resolve) => this.#waiters.add(resolve))
  }

  #wake(): void {
    if (this.#waiters.size === 0) return
    const waiters = [...this.#waiters]
    this.#waiters.clear()
    for (const resolve of waiters) resolve()
  }
}
