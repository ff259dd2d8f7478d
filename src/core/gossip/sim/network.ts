import { type Rng, seededRng, unit } from '../../../base/random.ts'
import { type PeerId, parsePeerId, parseTopicId, type TopicId } from '../../ids.ts'
import { EventQueue } from '../event-queue.ts'
import type { GossipConfig } from '../proto/config.ts'
import type { InEvent, OutEvent, TopicEvent } from '../proto/events.ts'
import type { Message, Scope } from '../proto/messages.ts'
import { Rejoin } from '../proto/rejoin.ts'
import { GossipState } from '../proto/state.ts'
import type { TopicView } from '../proto/topic.ts'

/**
 * What happens to a lost frame. `retransmit`: the stream repeats it after a time-out and everything behind it waits (what
 * QUIC does with packet loss). `break`: it is lost together with its connection. `drop`: it alone vanishes, which no
 * stream transport does; for testing repair.
 */
export type LossMode = 'retransmit' | 'break' | 'drop'

export interface SimNetworkOptions {
  readonly seed: number
  readonly config: GossipConfig
  /** One-way delay per pair, drawn once uniformly, the same both ways. */
  readonly latency: { readonly minMs: number; readonly maxMs: number }
  readonly loss?: { readonly rate: number; readonly mode: LossMode }
  /** Isolated nodes repeat their Join (our behaviour); without it the model is upstream's. */
  readonly rejoin?: boolean
  readonly onTopicEvent?: (node: number, topic: TopicId, event: TopicEvent) => void
  /** Every Gossip message that reaches a living node, duplicates included. */
  readonly onPayload?: (node: number) => void
}

export const SIM_TOPIC = parseTopicId('51'.repeat(32))

/** A broken connection is noticed this long after the last message (gossip 17 B.3). */
const NOTICE_MS = 0.001

interface SimNode {
  readonly state: GossipState
  readonly rejoin: Map<TopicId, Rejoin>
}

type SimEvent =
  | { readonly type: 'deliver'; readonly to: number; readonly event: InEvent }
  | { readonly type: 'frame'; readonly from: number; readonly to: number; readonly topic: TopicId; readonly message: Message }
  | { readonly type: 'rejoin'; readonly node: number; readonly topic: TopicId; readonly dueAt: number }
  | { readonly type: 'call'; readonly run: () => void }

/** Numbers stay far below 2^26, so the key is an exact integer. */
const pairKey = (a: number, b: number): number => a * 2 ** 26 + b

const idOf = (node: number): PeerId => parsePeerId(node.toString(16).padStart(64, '0'))

/** Discrete-event network of gossip machines, same model as upstream's simulator (gossip 17 B.3). Repeatable per seed. */
export class SimNetwork {
  readonly #options: SimNetworkOptions
  readonly #rng: Rng
  readonly #nodes = new Map<number, SimNode>()
  readonly #numbers = new Map<PeerId, number>()
  readonly #latencies = new Map<number, number>()
  /** Peers with which a message was exchanged since the last break. */
  readonly #connected = new Map<number, Set<number>>()
  /** Earliest time a further frame may arrive per direction, so that streams stay in order. */
  readonly #lastArrival = new Map<number, number>()
  readonly #queue = new EventQueue<SimEvent>()
  #partition: ReadonlyMap<number, number> | undefined
  #now = 0

  constructor(options: SimNetworkOptions) {
    this.#options = options
    this.#rng = seededRng(options.seed)
  }

  get now(): number {
    return this.#now
  }

  get maxLatencyMs(): number {
    return this.#options.latency.maxMs
  }

  nodes(): number[] {
    return [...this.#nodes.keys()]
  }

  add(node: number): void {
    const id = idOf(node)
    this.#numbers.set(id, node)
    const rng = seededRng(this.#rng.u32())
    this.#nodes.set(node, { state: new GossipState({ me: id, config: this.#options.config, rng }), rejoin: new Map() })
    this.#connected.set(node, new Set())
  }

  join(node: number, peers: readonly number[], topic: TopicId = SIM_TOPIC): void {
    const ids = peers.map(idOf)
    this.#handle(node, { type: 'join', topic, peers: ids })
    this.#rejoinOf(node, topic)?.joined(ids, this.#now)
    this.#scheduleRejoin(node, topic)
  }

  broadcast(node: number, content: Uint8Array, scope: Scope['type'] = 'swarm', topic: TopicId = SIM_TOPIC): void {
    this.#handle(node, { type: 'broadcast', topic, content, scope })
  }

  quit(node: number, topic: TopicId = SIM_TOPIC): void {
    this.#handle(node, { type: 'quit', topic })
    this.#nodes.get(node)?.rejoin.delete(topic)
  }

  /** Takes a node off the network without a goodbye; its peers notice the broken connections. */
  remove(node: number): void {
    for (const other of [...(this.#connected.get(node) ?? [])]) this.#disconnect(node, other)
    this.#nodes.delete(node)
    this.#connected.delete(node)
  }

  /** Cuts the nodes into groups: connections between them break and nothing passes until `heal`. */
  partition(...groups: readonly (readonly number[])[]): void {
    this.#partition = new Map(groups.flatMap((group, i) => group.map((node) => [node, i] as const)))
    for (const [node, others] of this.#connected) {
      for (const other of [...others]) if (!this.#reachable(node, other)) this.#breakBoth(node, other)
    }
  }

  heal(): void {
    this.#partition = undefined
  }

  view(node: number, topic: TopicId = SIM_TOPIC): TopicView | undefined {
    return this.#nodes.get(node)?.state.topic(topic)
  }

  neighbors(node: number, topic: TopicId = SIM_TOPIC): number[] {
    return (this.view(node, topic)?.neighbors() ?? []).map((id) => this.numberOf(id))
  }

  numberOf(id: PeerId): number {
    return this.#numbers.get(id) ?? Number.NaN
  }

  /** Living nodes without a neighbour. */
  isolated(topic: TopicId = SIM_TOPIC): number[] {
    return this.nodes().filter((node) => this.neighbors(node, topic).length === 0)
  }

  /** Runs something at a later simulated time. */
  after(ms: number, run: () => void): void {
    this.#queue.push(this.#now + ms, { type: 'call', run })
  }

  runFor(ms: number): void {
    this.runUntil(() => false, ms)
  }

  /** Runs until `done` holds after an event, at most `ms`; answers whether it held. */
  runUntil(done: () => boolean, ms: number): boolean {
    const end = this.#now + ms
    for (;;) {
      const next = this.#queue.nextAt
      if (next === undefined || next > end) break
      const entry = this.#queue.pop()
      if (entry === undefined) break
      this.#now = entry.at
      this.#run(entry.value)
      if (done()) return true
    }
    this.#now = end
    return false
  }

  #run(event: SimEvent): void {
    switch (event.type) {
      case 'deliver':
        this.#handle(event.to, event.event)
        break
      case 'frame':
        this.#receive(event)
        break
      case 'rejoin':
        this.#onRejoin(event)
        break
      case 'call':
        event.run()
        break
    }
  }

  #receive({ from, to, topic, message }: SimEvent & { type: 'frame' }): void {
    if (!this.#nodes.has(to) || !this.#reachable(from, to)) return
    this.#connected.get(from)?.add(to)
    if (this.#nodes.has(from)) this.#connected.get(to)?.add(from)
    if (message.type === 'gossip') this.#options.onPayload?.(to)
    this.#handle(to, { type: 'message', from: idOf(from), topic, message })
  }

  #handle(node: number, event: InEvent): void {
    const state = this.#nodes.get(node)?.state
    if (state === undefined) return
    for (const out of state.handle(event, this.#now)) this.#execute(node, out)
  }

  #execute(node: number, out: OutEvent): void {
    switch (out.type) {
      case 'send':
        this.#send(node, this.numberOf(out.to), out.topic, out.message)
        break
      case 'schedule':
        this.#queue.push(this.#now + out.afterMs, { type: 'deliver', to: node, event: { type: 'timer', timer: out.timer } })
        break
      case 'disconnect': {
        const other = this.numberOf(out.peer)
        if (this.#nodes.get(node)?.state.interest(out.peer) === 0) this.#disconnect(node, other)
        break
      }
      case 'emit':
        this.#note(node, out.topic, out.event)
        this.#options.onTopicEvent?.(node, out.topic, out.event)
        break
      case 'peerData':
        break
    }
  }

  #send(from: number, to: number, topic: TopicId, message: Message): void {
    const latency = this.#latency(from, to)
    const { rate, mode } = this.#options.loss ?? { rate: 0, mode: 'retransmit' as const }
    const lost = (): boolean => rate > 0 && unit(this.#rng) < rate
    let arrival = this.#now + latency
    if (mode === 'retransmit') {
      // Probe time-outs of a QUIC stack double from about three one-way delays.
      for (let wait = 3 * latency; lost(); wait *= 2) arrival += wait
    } else if (lost()) {
      if (mode === 'break') this.#breakBoth(from, to)
      return
    }
    const direction = pairKey(from, to)
    arrival = Math.max(arrival, this.#lastArrival.get(direction) ?? 0)
    this.#lastArrival.set(direction, arrival)
    this.#queue.push(arrival, { type: 'frame', from, to, topic, message })
  }

  /** One side gives its connection up; the other notices right after the last message. */
  #disconnect(node: number, other: number): void {
    if (!this.#connected.get(node)?.delete(other)) return
    this.#connected.get(other)?.delete(node)
    this.#notice(other, node)
  }

  /** The connection breaks by itself: both sides notice. */
  #breakBoth(a: number, b: number): void {
    this.#connected.get(a)?.delete(b)
    this.#connected.get(b)?.delete(a)
    this.#notice(a, b)
    this.#notice(b, a)
  }

  #notice(node: number, lost: number): void {
    const at = Math.max(this.#now + this.#latency(node, lost), this.#lastArrival.get(pairKey(lost, node)) ?? 0) + NOTICE_MS
    this.#queue.push(at, { type: 'deliver', to: node, event: { type: 'peerDisconnected', peer: idOf(lost) } })
  }

  #reachable(a: number, b: number): boolean {
    const groups = this.#partition
    return groups === undefined || groups.get(a) === undefined || groups.get(b) === undefined || groups.get(a) === groups.get(b)
  }

  #latency(a: number, b: number): number {
    const key = a < b ? pairKey(a, b) : pairKey(b, a)
    let latency = this.#latencies.get(key)
    if (latency === undefined) {
      const { minMs, maxMs } = this.#options.latency
      latency = minMs + (maxMs - minMs) * unit(this.#rng)
      this.#latencies.set(key, latency)
    }
    return latency
  }

  #rejoinOf(node: number, topic: TopicId): Rejoin | undefined {
    const known = this.#nodes.get(node)?.rejoin
    if (this.#options.rejoin !== true || known === undefined) return undefined
    let rejoin = known.get(topic)
    if (rejoin === undefined) {
      rejoin = new Rejoin(seededRng(this.#rng.u32()))
      known.set(topic, rejoin)
    }
    return rejoin
  }

  #note(node: number, topic: TopicId, event: TopicEvent): void {
    if (event.type === 'neighborUp') this.#rejoinOf(node, topic)?.neighborUp(event.peer)
    else if (event.type === 'neighborDown') {
      this.#rejoinOf(node, topic)?.neighborDown(event.peer, this.#now)
      this.#scheduleRejoin(node, topic)
    }
  }

  #scheduleRejoin(node: number, topic: TopicId): void {
    const dueAt = this.#nodes.get(node)?.rejoin.get(topic)?.dueAt
    if (dueAt !== undefined) this.#queue.push(dueAt, { type: 'rejoin', node, topic, dueAt })
  }

  #onRejoin({ node, topic, dueAt }: SimEvent & { type: 'rejoin' }): void {
    const rejoin = this.#nodes.get(node)?.rejoin.get(topic)
    if (rejoin?.dueAt !== dueAt) return
    this.#handle(node, { type: 'join', topic, peers: rejoin.due(this.#now), isRetry: true })
    this.#scheduleRejoin(node, topic)
  }
}
