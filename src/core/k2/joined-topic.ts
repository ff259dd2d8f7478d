import type { Clock } from '../../base/clock.ts'
import type { Rng } from '../../base/random.ts'
import type { PeerId } from '../ids.ts'
import type { TopicInfo } from './inbound.ts'
import { JoinSchedule } from './join-schedule.ts'

/** With this many neighbours a topic needs no further configured peers: the overlay keeps itself together. */
const ENOUGH_NEIGHBORS = 3
/** Peers one join is sent to. */
const JOIN_PEERS = 10

/** What a joined topic needs of gossip. */
export interface TopicChannel {
  /** Hands content to the neighbours. Rejects when the topic is no longer joined. */
  broadcast(content: Uint8Array): Promise<void>
  join(peers: readonly PeerId[]): Promise<void>
  close(): Promise<void>
}

export interface JoinedTopicOptions {
  readonly info: TopicInfo
  readonly channel: TopicChannel
  /** Peers worth joining through, best first; may change over time. */
  readonly bootstrap: () => readonly PeerId[]
  /** The gateway that speaks for a contact that is no node itself. */
  readonly hostOf?: (contact: PeerId) => PeerId | undefined
  readonly clock: Clock
  readonly rng: Rng
  readonly onJoinFailed: (error: unknown) => void
}

/** One topic of the node: who its neighbours are, and when to ask again to be joined (k2-application 1.3, gossip 7.5). */
export class JoinedTopic {
  readonly info: TopicInfo
  readonly #options: JoinedTopicOptions
  readonly #neighbors = new Set<PeerId>()
  readonly #schedule: JoinSchedule
  #cancelJoin: (() => void) | undefined
  #isolatedSince: number | undefined
  #closed = false

  constructor(options: JoinedTopicOptions) {
    this.info = options.info
    this.#options = options
    this.#schedule = new JoinSchedule(options.rng)
    this.#isolatedSince = options.clock.now()
    this.#scheduleJoin()
  }

  get neighbors(): ReadonlySet<PeerId> {
    return this.#neighbors
  }

  /** Since when nobody hears this topic, ms; undefined while somebody does. */
  get isolatedSince(): number | undefined {
    return this.#isolatedSince
  }

  /** Whether a message has somebody to go to: on a direct topic the contact itself, not merely somebody who listens in. */
  get isHeard(): boolean {
    const partner = this.#partner
    return partner === undefined ? this.#neighbors.size > 0 : this.#neighbors.has(partner)
  }

  /** Whether either side of a direct topic is no node but a person of one: only gossip reaches those. */
  get isHosted(): boolean {
    return this.info.as !== undefined || this.#partner !== this.info.contact
  }

  /** The node to be reached on a direct topic. */
  get #partner(): PeerId | undefined {
    const { contact } = this.info
    return contact === undefined ? undefined : (this.#options.hostOf?.(contact) ?? contact)
  }

  broadcast(content: Uint8Array): Promise<void> {
    return this.#options.channel.broadcast(content)
  }

  neighborUp(peer: PeerId): void {
    this.#neighbors.add(peer)
    this.#isolatedSince = undefined
    if (this.#isSatisfied()) this.#schedule.reset()
  }

  neighborDown(peer: PeerId): void {
    this.#neighbors.delete(peer)
    if (this.#neighbors.size === 0) this.#isolatedSince ??= this.#options.clock.now()
    this.#scheduleJoin()
  }

  /** Asks these peers to be joined, now. */
  joinThrough(peers: readonly PeerId[]): void {
    if (this.#closed || peers.length === 0) return
    this.#options.channel.join(peers.slice(0, JOIN_PEERS)).catch(this.#options.onJoinFailed)
  }

  /** A node has come within reach. */
  meet(peer: PeerId): void {
    const partner = this.#partner
    if (this.#isSatisfied() || this.#neighbors.has(peer) || (partner !== undefined && partner !== peer)) return
    this.joinThrough([peer])
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#cancelJoin?.()
    await this.#options.channel.close()
  }

  /** Nothing to ask for: the contact is there, or the topic has enough neighbours. */
  #isSatisfied(): boolean {
    return this.info.contact === undefined ? this.#neighbors.size >= ENOUGH_NEIGHBORS : this.isHeard
  }

  #scheduleJoin(): void {
    if (this.#cancelJoin !== undefined || this.#closed) return
    this.#cancelJoin = this.#options.clock.after(this.#schedule.nextMs(), () => {
      this.#cancelJoin = undefined
      if (this.#isSatisfied()) return
      this.joinThrough(this.#options.bootstrap().filter((peer) => !this.#neighbors.has(peer)))
      this.#scheduleJoin()
    })
  }
}
