import { setTimeout as pause } from 'node:timers/promises'
import { type Impl, PeerError, type PeerEvent, PeerProcess, type SpawnOptions } from './peer-process.ts'

export interface BindOptions {
  /** Seed as 64 hex digits; a fresh key without it. */
  readonly secret?: string
  readonly ip?: string
  readonly data_dir?: string
  readonly shuffle_ms?: number
  readonly active_view?: number
  /** Announces itself on the local network and looks there for others. */
  readonly mdns?: boolean
  /** URL of a relay server; bound once it answers. */
  readonly relay?: string
  /** As K2 applications are bound: publishes itself with n0's service, and finds others through it by id alone. */
  readonly n0?: boolean
}

export interface Content {
  readonly hex?: string
  readonly text?: string
  /** That many bytes, byte i = i mod 251. */
  readonly pattern?: number
}

export interface Address {
  readonly id: string
  readonly addrs: readonly string[]
}

/** Gossip counters both peers report. */
export interface GossipMetrics {
  readonly data_sent: number
  readonly data_recv: number
  readonly ctrl_sent: number
  readonly ctrl_recv: number
  readonly neighbor_up: number
  readonly neighbor_down: number
  /** TypeScript node only: malformed frames and headers received, wrong ids, open connections. */
  readonly faults?: number
  readonly connections?: number
}

/** A bound node in a process of its own. */
export class LabNode {
  readonly peer: PeerProcess
  readonly impl: Impl
  readonly name: string
  #address: Address = { id: '', addrs: [] }

  constructor(options: SpawnOptions) {
    this.peer = new PeerProcess(options)
    this.impl = options.impl
    this.name = options.name
  }

  get id(): string {
    return this.#address.id
  }

  get address(): Address {
    return { id: this.#address.id, addrs: this.#address.addrs }
  }

  async bind(options: BindOptions = {}): Promise<this> {
    const { id, addrs } = await this.peer.call<{ id: string; addrs: string[] }>('node.bind', options, 30_000)
    this.#address = { id, addrs }
    return this
  }

  /** Binds again in the same process, with a fresh key unless one is given. */
  async rebind(options: BindOptions = {}): Promise<this> {
    await this.peer.call('node.close')
    return this.bind(options)
  }

  /** Tells this node where the others are. */
  async knows(...others: LabNode[]): Promise<void> {
    for (const other of others) await this.peer.call('node.add_addr', other.address)
  }

  /** Tells this node at which relay another one is, and nothing else of it. */
  async knowsRelayOf(other: LabNode, url: string): Promise<void> {
    await this.peer.call('node.add_addr', { id: other.id, relay: url })
  }

  async subscribe(topic: string, bootstrap: readonly LabNode[] = []): Promise<LabTopic> {
    const from = this.peer.mark()
    const { handle } = await this.peer.call<{ handle: string }>('gossip.subscribe', {
      topic,
      bootstrap: bootstrap.map((node) => node.id),
    })
    return new LabTopic(this, topic, handle, from)
  }

  metrics(): Promise<GossipMetrics> {
    return this.peer.call<GossipMetrics>('node.metrics')
  }
}

/** A topic as one node sees it. */
export class LabTopic {
  readonly node: LabNode
  readonly topic: string
  readonly handle: string
  readonly #from: number

  constructor(node: LabNode, topic: string, handle: string, from: number) {
    this.node = node
    this.topic = topic
    this.handle = handle
    this.#from = from
  }

  broadcast(content: Content, options: { readonly neighbors?: boolean } = {}): Promise<unknown> {
    return this.node.peer.call('gossip.broadcast', { handle: this.handle, content, neighbors: options.neighbors ?? false })
  }

  join(...peers: readonly LabNode[]): Promise<unknown> {
    return this.node.peer.call('gossip.join', { handle: this.handle, peers: peers.map((peer) => peer.id) })
  }

  leave(): Promise<unknown> {
    return this.node.peer.call('gossip.leave', { handle: this.handle })
  }

  up(peer: LabNode, ms = 5_000, from = this.#from): Promise<PeerEvent> {
    return this.#next(`neighbour ${peer.name}`, (e) => e.event === 'gossip.neighbor_up' && e.peer === peer.id, from, ms)
  }

  down(peer: LabNode, ms = 5_000, from = this.#from): Promise<PeerEvent> {
    return this.#next(`loss of ${peer.name}`, (e) => e.event === 'gossip.neighbor_down' && e.peer === peer.id, from, ms)
  }

  /** A neighbour of any kind. */
  anyUp(ms = 10_000): Promise<PeerEvent> {
    return this.#next('neighbour', (e) => e.event === 'gossip.neighbor_up', this.#from, ms)
  }

  /** Ids of the neighbours at the moment. */
  neighbors(): Set<string> {
    const now = new Set<string>()
    for (const { event, handle, peer } of this.node.peer.events.slice(this.#from)) {
      if (handle !== this.handle) continue
      if (event === 'gossip.neighbor_up') now.add(String(peer))
      if (event === 'gossip.neighbor_down') now.delete(String(peer))
    }
    return now
  }

  received(dataHex: string, ms = 5_000, from = this.#from): Promise<PeerEvent> {
    const what = `message ${dataHex.length > 24 ? `of ${dataHex.length / 2} bytes` : dataHex}`
    return this.#next(what, (e) => e.event === 'gossip.received' && e.data === dataHex, from, ms)
  }

  /** Events of this topic so far. */
  all(event: string): PeerEvent[] {
    return this.node.peer.events.slice(this.#from).filter((e) => e.event === event && e.handle === this.handle)
  }

  #next(what: string, matches: (event: PeerEvent) => boolean, from: number, ms: number): Promise<PeerEvent> {
    return this.node.peer.next(what, (e) => e.handle === this.handle && matches(e), from, ms)
  }
}

/** How long an overlay must have stood still, and how long that is waited for, ms. */
const STILL_MS = 1_000
const MAX_STILL_MS = 8_000

/** Waits until nobody's neighbours change any more; answers whether a message can get from each to every other one. */
export async function settledTogether(topics: readonly LabTopic[]): Promise<boolean> {
  const shape = (): string => topics.map((topic) => [...topic.neighbors()].sort().join()).join(';')
  let last = shape()
  let since = performance.now()
  for (const end = since + MAX_STILL_MS; performance.now() < end && performance.now() - since < STILL_MS; ) {
    await pause(50)
    const now = shape()
    if (now !== last) since = performance.now()
    last = now
  }
  return performance.now() - since >= STILL_MS && isConnected(topics)
}

/** Only neighbours on both sides count: one side alone is about to learn that it is none. */
function isConnected(topics: readonly LabTopic[]): boolean {
  const reached = new Set<LabTopic>(topics.slice(0, 1))
  for (const here of reached) {
    for (const other of topics) {
      if (here.neighbors().has(other.node.id) && other.neighbors().has(here.node.id)) reached.add(other)
    }
  }
  return reached.size === topics.length
}

/** The answer of a command that must fail. */
export async function refusal(command: Promise<unknown>): Promise<PeerError> {
  try {
    await command
  } catch (error) {
    if (error instanceof PeerError) return error
    throw error
  }
  throw new Error('the command succeeded although it had to fail')
}
