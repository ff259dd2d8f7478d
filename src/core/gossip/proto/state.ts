import type { Rng } from '../../../base/random.ts'
import type { PeerId, TopicId } from '../../ids.ts'
import { checkConfig, type GossipConfig } from './config.ts'
import type { InEvent, OutEvent } from './events.ts'
import type { PeerData } from './messages.ts'
import { Topic, type TopicView } from './topic.ts'

export interface GossipStateInit {
  readonly me: PeerId
  readonly config: GossipConfig
  readonly rng: Rng
  /** Own addresses, carried to others in Join, Neighbor and Shuffle. */
  readonly ownData?: PeerData
}

/** The multi-topic layer (gossip 6): one machine per endpoint. Pure; events in, events out, in order. */
export class GossipState {
  readonly #me: PeerId
  readonly #config: GossipConfig
  readonly #rng: Rng
  readonly #topics = new Map<TopicId, Topic>()
  #ownData: PeerData | undefined
  #epoch = 0

  /** Throws `GOSSIP_BAD_CONFIG`. */
  constructor(init: GossipStateInit) {
    this.#me = init.me
    this.#config = checkConfig(init.config)
    this.#rng = init.rng
    this.#ownData = init.ownData
  }

  /** @param now monotonic time in ms. */
  handle(event: InEvent, now: number): OutEvent[] {
    switch (event.type) {
      case 'message':
        return this.#topics.get(event.topic)?.message(event.from, event.message, now) ?? []
      case 'join':
        return this.#topicFor(event.topic).join(event.peers, event.isRetry)
      case 'broadcast':
        return this.#topics.get(event.topic)?.broadcast(event.content, event.scope, now) ?? []
      case 'quit':
        return this.#quit(event.topic)
      case 'timer': {
        const topic = this.#topics.get(event.timer.topic)
        return topic?.epoch === event.timer.epoch ? topic.timer(event.timer.kind, now) : []
      }
      case 'peerDisconnected':
        return [...this.#topics.values()].flatMap((topic) => topic.peerDisconnected(event.peer, now))
      case 'connectionReplaced':
        return [...this.#topics.values()].flatMap((topic) => topic.renew(event.peer, now))
      case 'ownData':
        this.#ownData = event.data
        return [...this.#topics.values()].flatMap((topic) => topic.setOwnData(event.data))
    }
  }

  topics(): readonly TopicId[] {
    return [...this.#topics.keys()]
  }

  topic(id: TopicId): TopicView | undefined {
    return this.#topics.get(id)
  }

  /** Number of topics in which the peer is a neighbour. While it is not 0 the connection to the peer is needed. */
  interest(peer: PeerId): number {
    let count = 0
    for (const topic of this.#topics.values()) if (topic.isNeighbor(peer)) count++
    return count
  }

  #topicFor(id: TopicId): Topic {
    let topic = this.#topics.get(id)
    if (topic === undefined) {
      this.#epoch++
      topic = new Topic({
        me: this.#me,
        topic: id,
        epoch: this.#epoch,
        ownData: this.#ownData,
        config: this.#config,
        rng: this.#rng,
      })
      this.#topics.set(id, topic)
    }
    return topic
  }

  #quit(id: TopicId): OutEvent[] {
    const outputs = this.#topics.get(id)?.quit() ?? []
    this.#topics.delete(id)
    return outputs
  }
}
