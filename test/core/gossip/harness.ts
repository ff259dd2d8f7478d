import { ManualClock } from '../../../src/base/clock.ts'
import { seededRng } from '../../../src/base/random.ts'
import { Gossip, type GossipEvent, type GossipOptions, type TopicHandle } from '../../../src/core/gossip/index.ts'
import { type PeerId, parseTopicId, peerIdOf, type TopicId } from '../../../src/core/ids.ts'
import { signerOfSeed } from '../../../src/core/keys/ed25519.ts'
import { K2Endpoint } from '../../../src/core/net/endpoint.ts'
import { MemoryNetwork, type MemoryNetworkOptions } from '../../../src/core/net/memory-network.ts'
import type { MemoryTransport } from '../../../src/core/net/memory-transport.ts'
import { settle } from '../net/manual-time.ts'

export const TOPIC = parseTopicId('ab'.repeat(32))
export const topicNumber = (n: number): TopicId => parseTopicId(n.toString(16).padStart(64, '0'))
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
export const bytes = (content: string): Uint8Array => new TextEncoder().encode(content)

/** A valid id for a small number. */
export const peerNumber = (n: number): PeerId => {
  const seed = new Uint8Array(32)
  new DataView(seed.buffer).setUint32(0, n)
  return peerIdOf(signerOfSeed(seed).publicKey)
}

export interface TestNode {
  readonly id: PeerId
  readonly transport: MemoryTransport
  readonly endpoint: K2Endpoint
  readonly gossip: Gossip
  stop(): Promise<void>
}

/** Reads a subscription in the background and keeps what it saw. */
export class Listener {
  readonly handle: TopicHandle
  readonly seen: GossipEvent[] = []
  readonly #done: Promise<void>

  constructor(handle: TopicHandle) {
    this.handle = handle
    this.#done = this.#read()
  }

  /** Texts of the messages received so far. */
  get texts(): string[] {
    return this.seen.flatMap((event) => (event.type === 'received' ? [text(event.content)] : []))
  }

  get ups(): PeerId[] {
    return this.seen.flatMap((event) => (event.type === 'neighborUp' ? [event.peer] : []))
  }

  get downs(): PeerId[] {
    return this.seen.flatMap((event) => (event.type === 'neighborDown' ? [event.peer] : []))
  }

  ended(): Promise<void> {
    return this.#done
  }

  async #read(): Promise<void> {
    for await (const event of this.handle.events) this.seen.push(event)
  }
}

/** Gossip nodes on a network in memory whose time moves only when told; the same seed repeats everything. */
export class MemorySwarm {
  readonly clock = new ManualClock()
  readonly network: MemoryNetwork
  readonly #seed: number
  #count = 0

  constructor(seed = 1, options: Partial<MemoryNetworkOptions> = {}) {
    this.#seed = seed
    this.network = new MemoryNetwork({ clock: this.clock, rng: seededRng(seed), ...options })
  }

  /** A started node; `n` gives it the identity of an earlier one. */
  async node(options: Partial<GossipOptions> = {}, n = ++this.#count): Promise<TestNode> {
    const transport = this.network.bind({ id: peerNumber(n) })
    const endpoint = new K2Endpoint({ transport, clock: this.clock })
    const gossip = new Gossip({ endpoint, clock: this.clock, rng: seededRng(this.#seed * 1000 + n), ...options })
    await gossip.start()
    await endpoint.start()
    const stop = async (): Promise<void> => {
      const stopped = gossip.stop().then(() => endpoint.stop())
      await this.pass(200)
      await stopped
    }
    return { id: endpoint.id, transport, endpoint, gossip, stop }
  }

  async nodes(count: number, options: Partial<GossipOptions> = {}): Promise<TestNode[]> {
    const nodes: TestNode[] = []
    for (let i = 0; i < count; i++) nodes.push(await this.node(options))
    return nodes
  }

  /** `who` learns the addresses of the others, as from a configuration. */
  introduce(who: TestNode, ...others: TestNode[]): void {
    for (const other of others) who.endpoint.learn(other.endpoint.addr(), 'config')
  }

  /** Subscribes; the bootstrap nodes' addresses are made known. */
  join(who: TestNode, bootstrap: readonly TestNode[] = [], topic = TOPIC): Listener {
    this.introduce(who, ...bootstrap)
    return new Listener(who.gossip.subscribe(topic, { bootstrap: bootstrap.map((node) => node.id) }))
  }

  async pass(ms: number, stepMs = 1): Promise<void> {
    for (let done = 0; done < ms; done += stepMs) {
      this.clock.advance(Math.min(stepMs, ms - done))
      await settle()
    }
  }

  /** Lets time pass until something holds, at most `ms`. */
  async until(holds: () => boolean, ms = 5_000, stepMs = 1): Promise<void> {
    for (let done = 0; !holds(); done += stepMs) {
      if (done >= ms) throw new Error(`not so after ${ms} ms: ${holds}`)
      await this.pass(stepMs, stepMs)
    }
  }
}
