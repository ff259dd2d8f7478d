import { below, type Rng, seededRng, shuffled } from '../../../base/random.ts'
import type { Hash } from '../../ids.ts'
import { WireWriter } from '../../wire/writer.ts'
import { DEFAULT_CONFIG, type GossipConfig } from '../proto/config.ts'
import type { TopicEvent } from '../proto/events.ts'
import { messageId } from '../proto/messages.ts'
import { LastingLinks } from './lasting-links.ts'
import { type LossMode, SimNetwork } from './network.ts'

/** Longest simulated time of one round (gossip 17 B.3). */
const ROUND_MS = 5_000
/** Waits in units of the largest latency: after everyone joined, and between the steps of a staged bootstrap. */
const BOOTSTRAP_TRIPS = 20
const STAGE_TRIPS = 7
/** With loss: longest wait until every node has a neighbour. */
const RECOVERY_MS = 120_000
/** Nodes a newcomer knows when it comes. */
const NEWCOMER_CONTACTS = 3

/** `single`: one fixed sender. `multi`: a random sender each round. `all`: every node sends one message at once. */
export type Workload = 'single' | 'multi' | 'all'

export interface Scenario {
  readonly nodes: number
  readonly workload: Workload
  readonly rounds: number
  readonly seed: number
  readonly latency: { readonly minMs: number; readonly maxMs: number }
  readonly config?: GossipConfig
  /** Nodes that join through node 0 first; the others join a random one of them. 1 = everybody joins node 0. */
  readonly bootstrapNodes?: number
  readonly loss?: { readonly rate: number; readonly mode: LossMode }
  /** Part of the nodes that leave during each round, half with a goodbye, replaced by as many newcomers. */
  readonly churn?: number
}

/** Figures of one round (gossip 17 B.3). */
export interface RoundResult {
  /** Relative message redundancy: 0 = each node got each message once. */
  readonly rmr: number
  /** Last delivery hop: largest received round. */
  readonly ldh: number
  /**
   * Receipts that did not happen although the model promises them: without loss and churn all of them, otherwise those of
   * nodes connected to the author by links that lasted through the round. Gossip has no anti-entropy: what a node misses
   * while its links change is not made up for.
   */
  readonly missed: number
  /** Receipts that did not happen and that nothing promises. */
  readonly cutOff: number
  readonly received: number
  /** Simulated ms until the last receipt. */
  readonly durationMs: number
}

export interface ScenarioResult {
  readonly scenario: Scenario
  readonly rounds: readonly RoundResult[]
  /** Messages delivered a second time to one node: must be 0. */
  readonly deliveredTwice: number
  /** Nodes without a neighbour after the bootstrap. */
  readonly isolated: number
  /** How many nodes have 0, 1, 2, … neighbours after the bootstrap. */
  readonly neighborCounts: readonly number[]
}

/** Runs one scenario from an empty network. Pure and repeatable: the same scenario gives the same result. */
export function runScenario(scenario: Scenario): ScenarioResult {
  const run = new ScenarioRun(scenario)
  run.bootstrap()
  const isolated = run.network.isolated().length
  const neighborCounts = run.neighborCounts()
  const rounds = Array.from({ length: scenario.rounds }, (_, round) => run.round(round))
  return { scenario, rounds, deliveredTwice: run.deliveredTwice, isolated, neighborCounts }
}

class ScenarioRun {
  readonly network: SimNetwork
  deliveredTwice = 0
  readonly #scenario: Scenario
  readonly #isDisturbed: boolean
  readonly #rng: Rng
  /** The messages of this round and the nodes that have not received them. */
  #waiting = new Map<Hash, { readonly sender: number; readonly nodes: Set<number> }>()
  #links = new LastingLinks()
  readonly #delivered = new Map<number, Set<Hash>>()
  #payloads = 0
  #received = 0
  #lastHop = 0
  #lastAt = 0
  #left = 0
  #nextNode: number

  constructor(scenario: Scenario) {
    this.#scenario = scenario
    this.#isDisturbed = scenario.loss !== undefined || scenario.churn !== undefined
    this.#rng = seededRng(scenario.seed ^ 0x5eed)
    this.#nextNode = scenario.nodes
    this.network = new SimNetwork({
      seed: scenario.seed,
      config: scenario.config ?? DEFAULT_CONFIG,
      latency: scenario.latency,
      // Upstream's model has neither loss nor churn, and no repeated Join.
      rejoin: this.#isDisturbed,
      ...(scenario.loss === undefined ? {} : { loss: scenario.loss }),
      onPayload: () => {
        this.#payloads++
      },
      onTopicEvent: (node, _, event) => this.#onEvent(node, event),
    })
  }

  bootstrap(): void {
    const { nodes, bootstrapNodes = 1 } = this.#scenario
    const trip = this.network.maxLatencyMs
    for (let node = 0; node < nodes; node++) this.network.add(node)
    this.network.join(0, [])
    for (let node = 1; node < bootstrapNodes; node++) this.network.join(node, [0])
    if (bootstrapNodes > 1) this.network.runFor(STAGE_TRIPS * trip)
    for (let node = Math.max(1, bootstrapNodes); node < nodes; node++) {
      this.network.join(node, [bootstrapNodes > 1 ? below(this.#rng, bootstrapNodes) : 0])
    }
    this.network.runFor(BOOTSTRAP_TRIPS * trip)
    if (this.#isDisturbed) this.network.runUntil(() => this.network.isolated().length === 0, RECOVERY_MS)
  }

  neighborCounts(): number[] {
    const counts: number[] = []
    for (const node of this.network.nodes()) {
      const count = this.network.neighbors(node).length
      while (counts.length <= count) counts.push(0)
      counts[count] = (counts[count] as number) + 1
    }
    return counts
  }

  round(round: number): RoundResult {
    this.#payloads = 0
    this.#received = 0
    this.#lastHop = 0
    this.#left = 0
    this.#waiting = new Map()
    this.#links = LastingLinks.of(this.network)
    const members = this.network.nodes()
    const start = this.network.now
    this.#lastAt = start
    const senders = this.#senders(members)
    for (const sender of senders) this.#inject(sender, round, members)
    if (this.#scenario.churn !== undefined) this.#churn(this.#scenario.churn, senders)
    this.network.runUntil(() => this.#left === 0, ROUND_MS)
    const missed = this.#isDisturbed ? this.#missedOverLastingLinks() : this.#left
    const result: RoundResult = {
      rmr: this.#received > 1 ? this.#payloads / (this.#received - 1) - 1 : 0,
      ldh: this.#lastHop,
      missed,
      cutOff: this.#left - missed,
      received: this.#received,
      durationMs: this.#lastAt - start,
    }
    if (this.#isDisturbed) this.network.runFor(BOOTSTRAP_TRIPS * this.network.maxLatencyMs)
    return result
  }

  #senders(members: readonly number[]): readonly number[] {
    switch (this.#scenario.workload) {
      case 'single':
        return members.slice(0, 1)
      case 'multi':
        return [members[below(this.#rng, members.length)] as number]
      case 'all':
        return members
    }
  }

  #inject(sender: number, round: number, members: readonly number[]): void {
    const content = new WireWriter().u32(round).u32(sender).finish()
    const nodes = new Set(members)
    nodes.delete(sender)
    this.#waiting.set(messageId(content), { sender, nodes })
    this.#left += nodes.size
    this.network.broadcast(sender, content)
  }

  #missedOverLastingLinks(): number {
    let missed = 0
    for (const { sender, nodes } of this.#waiting.values()) {
      if (nodes.size === 0) continue
      const connected = this.#links.reachableFrom(sender)
      for (const node of nodes) if (connected.has(node)) missed++
    }
    return missed
  }

  /**
   * Leavers go and newcomers come at random times while messages travel; neither count as receivers. Newcomers know a few
   * nodes that stay, as from a tracker: whoever knows only leavers has nobody to ask.
   */
  #churn(part: number, senders: readonly number[]): void {
    const staying = this.network.nodes()
    const candidates = staying.filter((node) => !senders.includes(node))
    const count = Math.min(Math.round(part * staying.length), candidates.length)
    const leavers = shuffled(this.#rng, candidates).slice(0, count)
    const contacts = staying.filter((node) => !leavers.includes(node))
    const span = 4 * this.network.maxLatencyMs
    for (const [i, leaver] of leavers.entries()) {
      this.network.after(below(this.#rng, span), () => this.#leave(leaver, i % 2 === 0))
      const known = shuffled(this.#rng, contacts).slice(0, NEWCOMER_CONTACTS)
      this.network.after(below(this.#rng, span), () => this.#arrive(known))
    }
  }

  #leave(node: number, politely: boolean): void {
    if (politely) this.network.quit(node)
    this.network.remove(node)
    this.#links.removeNode(node)
    for (const { nodes } of this.#waiting.values()) if (nodes.delete(node)) this.#left--
  }

  #arrive(contacts: readonly number[]): void {
    const node = this.#nextNode++
    this.network.add(node)
    this.network.join(node, contacts)
  }

  #onEvent(node: number, event: TopicEvent): void {
    if (event.type === 'neighborDown') this.#links.remove(node, this.network.numberOf(event.peer))
    if (event.type !== 'received') return
    let delivered = this.#delivered.get(node)
    if (delivered === undefined) {
      delivered = new Set()
      this.#delivered.set(node, delivered)
    }
    if (delivered.has(event.id)) this.deliveredTwice++
    delivered.add(event.id)
    if (this.#waiting.get(event.id)?.nodes.delete(node) !== true) return
    this.#left--
    this.#received++
    this.#lastAt = this.network.now
    if (event.scope.type === 'swarm') this.#lastHop = Math.max(this.#lastHop, event.scope.round)
  }
}
