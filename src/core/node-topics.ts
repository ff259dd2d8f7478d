import { TaskGroup } from '../base/async.ts'
import { BoundedMap } from '../base/bounded-map.ts'
import type { Clock } from '../base/clock.ts'
import { errorCode, errorMessage } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { Rng } from '../base/random.ts'
import type { Gossip, GossipEvent, TopicHandle } from './gossip/index.ts'
import type { Hash, PeerId } from './ids.ts'
import { k2Error } from './k2/errors.ts'
import type { GossipArrival, TopicInfo } from './k2/inbound.ts'
import { JoinedTopic } from './k2/joined-topic.ts'
import { directTopicName, topicIdOfName } from './k2/topics.ts'
import type { TopicFinder } from './tracker/index.ts'

/** Peers a topic is joined through at first. */
const BOOTSTRAP_PEERS = 30
/** Senders that were asked for a direct link, per topic and in this time; each join may push another neighbour out. */
const RAISES_PER_MINUTE = 2
const RAISE_MEMORY_MS = 10 * 60_000
const RAISE_MEMORY = 2000

export interface NodeTopicsOptions {
  readonly me: PeerId
  readonly gossip: Gossip
  readonly clock: Clock
  readonly rng: Rng
  readonly log: Logger
  readonly maxTopics: number
  /** Peers to join a marketplace topic through, best first. */
  readonly bootstrap: (name: string) => readonly PeerId[]
  /** The gateway that speaks for a contact that is no node itself. */
  readonly hostOf: (contact: PeerId) => PeerId | undefined
  /** Finds more of them; not asked about direct topics, which would tell trackers who talks to whom. */
  readonly finder?: Pick<TopicFinder, 'watch' | 'unwatch'>
  /** Resolves when the message may be followed by the next one of its topic. */
  readonly onMessage: (arrival: GossipArrival) => Promise<void>
  readonly onDirectCopy: (id: Hash, from: PeerId) => Promise<void>
  readonly onNeighbor: (topic: TopicInfo, peer: PeerId, change: 'up' | 'down') => void
}

interface Open {
  readonly topic: JoinedTopic
  readonly raises: number[]
}

/** The topics this node has joined, each read by a loop of its own, so that none waits for another. */
export class NodeTopics {
  readonly #options: NodeTopicsOptions
  readonly #open = new Map<string, Open>()
  readonly #reading: TaskGroup
  readonly #raised = new BoundedMap<string, true>({ max: RAISE_MEMORY, ttlMs: RAISE_MEMORY_MS })
  #lagged = 0

  constructor(options: NodeTopicsOptions) {
    this.#options = options
    this.#reading = new TaskGroup((err) => options.log.error({ ev: 'topic-bug', err }, 'reading a topic failed unexpectedly'))
  }

  get all(): readonly JoinedTopic[] {
    return [...this.#open.values()].map((open) => open.topic)
  }

  /** Messages lost because the application was too slow for too long. */
  get lagged(): number {
    return this.#lagged
  }

  find(name: string): JoinedTopic | undefined {
    return this.#open.get(name)?.topic
  }

  /** Joins a topic by its exact name; joining again changes nothing. Throws `K2_RATE_LIMITED` beyond the node's limit. */
  join(name: string): JoinedTopic {
    return this.#join({ id: topicIdOfName(name), name })
  }

  /** Joins the topic shared with one other node; `as` a person of this one, where people have ids of their own. */
  joinDirect(contact: PeerId, as?: TopicInfo['as']): JoinedTopic {
    const name = directTopicName(as?.id ?? this.#options.me, contact)
    return this.#join({ id: topicIdOfName(name), name, contact, ...(as !== undefined && { as }) })
  }

  async leave(name: string): Promise<boolean> {
    const open = this.#open.get(name)
    this.#open.delete(name)
    this.#options.finder?.unwatch(name)
    await open?.topic.close()
    return open !== undefined
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.keys()].map((name) => this.leave(name)))
    await this.#reading.settled()
  }

  /** A node has come within reach: its direct topic, and topics with few neighbours, are joined through it. */
  meet(peer: PeerId): void {
    for (const { topic } of this.#open.values()) topic.meet(peer)
  }

  /** Looks for a direct link to a sender that so far is only claimed: its next copy then proves it (k2-application 7.2). */
  raise(info: TopicInfo, sender: PeerId): void {
    const open = this.#open.get(info.name)
    const now = this.#options.clock.now()
    const key = `${info.id}/${sender}`
    if (open === undefined || open.topic.neighbors.has(sender) || this.#raised.has(key, now)) return
    while (open.raises.length > 0 && now - (open.raises[0] as number) > 60_000) open.raises.shift()
    if (open.raises.length >= RAISES_PER_MINUTE) return
    open.raises.push(now)
    this.#raised.set(key, true, now)
    open.topic.joinThrough([sender])
  }

  #join(info: TopicInfo): JoinedTopic {
    const known = this.#open.get(info.name)
    if (known !== undefined) return known.topic
    const { gossip, clock, rng, log, maxTopics, bootstrap, hostOf } = this.#options
    if (this.#open.size >= maxTopics) {
      throw k2Error('K2_RATE_LIMITED', `this node joins at most ${maxTopics} topics`, { max: maxTopics })
    }
    const peers = (): readonly PeerId[] =>
      info.contact === undefined ? bootstrap(info.name) : [hostOf(info.contact) ?? info.contact]
    const handle = gossip.subscribe(info.id, { bootstrap: peers().slice(0, BOOTSTRAP_PEERS) })
    const topic = new JoinedTopic({
      info,
      channel: handle,
      bootstrap: peers,
      hostOf,
      clock,
      rng,
      onJoinFailed: (error) =>
        log.debug(
          { ev: 'join-failed', topic: info.name, code: errorCode(error), reason: errorMessage(error) },
          'could not ask to be joined',
        ),
    })
    this.#open.set(info.name, { topic, raises: [] })
    this.#reading.add(this.#read(topic, handle))
    if (info.contact === undefined) this.#options.finder?.watch(info)
    return topic
  }

  async #read(topic: JoinedTopic, handle: TopicHandle): Promise<void> {
    for await (const event of handle.events) {
      try {
        await this.#take(topic, event)
      } catch (err) {
        this.#options.log.error({ ev: 'event-failed', topic: topic.info.name, err }, 'one event of a topic could not be handled')
      }
    }
  }

  async #take(topic: JoinedTopic, event: GossipEvent): Promise<void> {
    const { onMessage, onDirectCopy, onNeighbor, log } = this.#options
    const { info } = topic
    switch (event.type) {
      case 'neighborUp':
        topic.neighborUp(event.peer)
        return onNeighbor(info, event.peer, 'up')
      case 'neighborDown':
        topic.neighborDown(event.peer)
        return onNeighbor(info, event.peer, 'down')
      case 'received': {
        const { id, content, from, scope } = event
        const direct = scope.type === 'neighbors' || scope.round === 0
        return onMessage({ topic: info, id, content, from, direct })
      }
      case 'directCopy':
        return onDirectCopy(event.id, event.from)
      case 'lagged':
        this.#lagged += event.lost
        log.warn(
          { ev: 'lagged', topic: info.name, lost: event.lost },
          'messages were lost because the gateway could not store them fast enough',
        )
        return
    }
  }
}
