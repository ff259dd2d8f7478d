import { systemClock } from '../../src/base/clock.ts'
import type { EventStream } from '../../src/base/event-hub.ts'
import type { Logger } from '../../src/base/logger.ts'
import { nullLogger } from '../../src/base/logger.ts'
import { cryptoRng } from '../../src/base/random.ts'
import type { NodeConfig } from '../../src/core/config.ts'
import { Gossip, type TopicHandle } from '../../src/core/gossip/index.ts'
import type { PeerId } from '../../src/core/ids.ts'
import type { InboundChat, InboundMarket, InboundMessage } from '../../src/core/k2/inbound.ts'
import type { SendJournal } from '../../src/core/k2/send-journal.ts'
import { topicIdOfName } from '../../src/core/k2/topics.ts'
import { toPeerAddr } from '../../src/core/keys/address.ts'
import type { Identity } from '../../src/core/keys/identity.ts'
import { newIdentity } from '../../src/core/keys/identity.ts'
import { parsePeer } from '../../src/core/keys/ticket.ts'
import { K2Endpoint, MemoryNetwork, openEndpoint } from '../../src/core/net/index.ts'
import { K2Node } from '../../src/core/node.ts'
import type { K2Event } from '../../src/core/node-events.ts'
import type { RecentPeer } from '../../src/core/recent-peers.ts'

export interface TestNodeOptions extends Omit<NodeConfig, 'mode'> {
  readonly identity?: Identity
  readonly journal?: SendJournal
  readonly log?: Logger
  /** Neighbours of an earlier run. */
  readonly recent?: readonly RecentPeer[]
  /** A network inside the process instead of QUIC on loopback. */
  readonly network?: MemoryNetwork
  /** Messages are kept back until `node.release()`. */
  readonly held?: boolean
}

/** A running node and everything it has reported since its start. */
export interface TestNode extends AsyncDisposable {
  readonly node: K2Node
  readonly id: PeerId
  readonly identity: Identity
  /** For the `peers` of another node. */
  readonly ticket: string
  /** Messages so far, confirmed as they are read. */
  readonly messages: readonly InboundMessage[]
  readonly chats: () => readonly InboundChat[]
  readonly offers: () => readonly InboundMarket[]
  /** The first event, past or future, that `wanted` accepts. */
  readonly event: (wanted: (event: K2Event) => boolean) => Promise<K2Event>
  /** The first message, past or future, that `wanted` accepts. */
  readonly message: (wanted: (message: InboundMessage) => boolean) => Promise<InboundMessage>
  /** The first chat line, past or future, with this text. */
  readonly chat: (text: string) => Promise<InboundChat>
  /** Resolves when `peer` is a neighbour on the topic. */
  readonly neighbor: (topic: string, peer: PeerId) => Promise<void>
  readonly stop: () => Promise<void>
}

/** Starts a node on loopback QUIC (about 20 ms), or on `network`. Give it the ticket of another one as a peer to connect them. */
export async function startTestNode(options: TestNodeOptions = {}): Promise<TestNode> {
  const { identity = newIdentity(cryptoRng), journal, log = nullLogger, network, recent, held = false, ...config } = options
  const node = new K2Node({
    identity,
    config: { ...config, mode: 'loopback' },
    log,
    held,
    ...(journal !== undefined && { journal }),
    ...(recent !== undefined && { recent }),
    ...(network !== undefined && { openEndpoint: async () => memoryEndpoint(network, identity.id) }),
  })
  const record = new Record(node)
  await node.start()
  return {
    node,
    identity,
    id: node.id,
    ticket: node.ticket(),
    messages: record.messages,
    chats: () => record.messages.filter((m) => m.type === 'chat'),
    offers: () => record.messages.filter((m) => m.type === 'market'),
    event: (wanted) => record.event(wanted),
    message: async (wanted) => {
      const event = await record.event((e) => e.type === 'message' && wanted(e.message))
      return (event as Extract<K2Event, { type: 'message' }>).message
    },
    chat: async (text) => {
      const event = await record.event((e) => e.type === 'message' && e.message.type === 'chat' && e.message.text === text)
      return (event as { message: InboundChat }).message
    },
    neighbor: async (topic, peer) => {
      const isThere = (): boolean => node.topics().some((t) => t.name === topic && t.neighbors.includes(peer))
      if (!isThere()) await record.event((e) => e.type === 'neighborUp' && e.topic.name === topic && e.peer === peer && isThere())
    },
    stop: () => node.stop(),
    [Symbol.asyncDispose]: () => node.stop(),
  }
}

/** A network for nodes inside this process, where ids alone are enough to dial. */
export const memoryNetwork = (): MemoryNetwork => new MemoryNetwork({ clock: systemClock, rng: cryptoRng, resolvesIds: true })

function memoryEndpoint(network: MemoryNetwork, id: PeerId): K2Endpoint {
  return new K2Endpoint({ transport: network.bind({ id }), bareIds: true })
}

/** A member of gossip that says whatever a test wants, without any of K2's rules. */
export interface RawPeer extends AsyncDisposable {
  readonly id: PeerId
  readonly endpoint: K2Endpoint
  /** Joins a topic by its exact name, direct ones included; resolves with the first neighbour. */
  readonly join: (topic: string) => Promise<TopicHandle>
}

/** Starts a raw peer on loopback QUIC, or on `network`, that knows the nodes behind these tickets. */
export async function startRawPeer(options: {
  readonly peers: readonly string[]
  readonly network?: MemoryNetwork
}): Promise<RawPeer> {
  const identity = newIdentity(cryptoRng)
  const endpoint =
    options.network === undefined
      ? await openEndpoint({ secretKey: identity.seed(), mode: 'loopback' })
      : memoryEndpoint(options.network, identity.id)
  const gossip = new Gossip({ endpoint })
  const peers = options.peers.map((ticket) => toPeerAddr(parsePeer(ticket)))
  for (const addr of peers) endpoint.learn(addr, 'config')
  await gossip.start()
  await endpoint.start()
  return {
    id: identity.id,
    endpoint,
    join: async (topic) => {
      const handle = gossip.subscribe(topicIdOfName(topic), { bootstrap: peers.map((addr) => addr.id) })
      await handle.joined()
      return handle
    },
    [Symbol.asyncDispose]: async () => {
      await gossip.stop()
      await endpoint.stop()
    },
  }
}

class Record {
  readonly messages: InboundMessage[] = []
  readonly #events: K2Event[] = []
  readonly #waiting = new Set<(event: K2Event) => void>()

  constructor(node: K2Node) {
    const stream = node.subscribe({ capacity: 4096, overflow: 'wait' })
    this.#read(node, stream).catch((error) => {
      throw error
    })
  }

  event(wanted: (event: K2Event) => boolean): Promise<K2Event> {
    const known = this.#events.find(wanted)
    if (known !== undefined) return Promise.resolve(known)
    return new Promise((resolve) => {
      const check = (event: K2Event): void => {
        if (!wanted(event)) return
        this.#waiting.delete(check)
        resolve(event)
      }
      this.#waiting.add(check)
    })
  }

  async #read(node: K2Node, stream: EventStream<K2Event>): Promise<void> {
    for await (const event of stream) {
      this.#events.push(event)
      if (event.type === 'message') {
        this.messages.push(event.message)
        if (event.message.type === 'chat') node.confirm(event.message)
      }
      for (const check of [...this.#waiting]) check(event)
    }
  }
}
