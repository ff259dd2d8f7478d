import { describe, expect, it } from 'vitest'
import { below, type Rng, seededRng, shuffled } from '../../../src/base/random.ts'
import { LastingLinks } from '../../../src/core/gossip/sim/lasting-links.ts'
import type { PeerId } from '../../../src/core/ids.ts'
import { bytes, type Listener, MemorySwarm, type TestNode, TOPIC } from './harness.ts'

const NODES = 20
const ROUNDS = 15
const STEP_MS = 5

interface Member {
  readonly n: number
  readonly node: TestNode
  readonly listener: Listener
  /** Events of the listener already looked at. */
  looked: number
}

/** Twenty complete nodes whose connections break and whose members come and go while messages travel. */
class DisturbedSwarm {
  readonly swarm: MemorySwarm
  readonly rng: Rng
  readonly members = new Map<number, Member>()
  deliveredTwice = 0
  /** Receipts that the model promises, over all rounds. */
  promised = 0
  #links = LastingLinks.of({ nodes: () => [], neighbors: () => [] })
  readonly #got = new Map<number, Set<string>>()
  readonly #numbers = new Map<PeerId, number>()
  #count = 0

  constructor(seed: number) {
    this.rng = seededRng(seed)
    this.swarm = new MemorySwarm(seed, { link: { latencyMs: 5, jitterMs: 20 }, fragment: true })
  }

  async add(contacts: readonly Member[]): Promise<void> {
    const n = this.#count++
    const node = await this.swarm.node({}, n + 1)
    this.#numbers.set(node.id, n)
    this.#got.set(n, new Set())
    const listener = this.swarm.join(
      node,
      contacts.map((m) => m.node),
      TOPIC,
    )
    this.members.set(n, { n, node, listener, looked: 0 })
  }

  some(count: number): Member[] {
    return shuffled(this.rng, [...this.members.values()]).slice(0, count)
  }

  /** Breaks all connections of a part of the linked pairs. */
  breakConnections(part: number): void {
    for (const { node, listener } of this.members.values()) {
      for (const other of listener.handle.neighbors) {
        if (node.id < other && below(this.rng, 1000) < part * 1000) this.swarm.network.loseConnections(node.id, other)
      }
    }
  }

  leave(member: Member, politely: boolean): void {
    this.members.delete(member.n)
    this.#links.removeNode(member.n)
    if (politely) member.node.stop().catch(() => {})
    else this.swarm.network.kill(member.node.id)
  }

  /** One message; answers how many members it did not reach although lasting links lead to them. */
  async round(name: string, disturb: () => Promise<void>): Promise<number> {
    const receivers = [...this.members.keys()]
    this.#look()
    this.#links = LastingLinks.of({
      nodes: () => [...this.members.keys()],
      neighbors: (n) => (this.members.get(n)?.listener.handle.neighbors ?? []).map((id) => this.#numbers.get(id) ?? -1),
    })
    const [author] = this.some(1) as [Member]
    await author.listener.handle.broadcast(bytes(name))
    await this.swarm.pass(20, STEP_MS)
    await disturb()
    await this.swarm.pass(3_000, STEP_MS)
    this.#look()
    const connected = this.#links.reachableFrom(author.n)
    const promised = receivers.filter((n) => n !== author.n && connected.has(n))
    this.promised += promised.length
    return promised.filter((n) => !this.#got.get(n)?.has(name)).length
  }

  async everyoneHasNeighbors(): Promise<void> {
    const all = (): boolean => [...this.members.values()].every((m) => m.listener.handle.neighbors.length > 0)
    await this.swarm.until(all, 120_000, STEP_MS)
  }

  async end(): Promise<void> {
    const stopping = [...this.members.values()].map((m) => m.node.stop())
    await Promise.all(stopping)
  }

  #look(): void {
    for (const member of this.members.values()) {
      for (const event of member.listener.seen.slice(member.looked)) {
        if (event.type === 'neighborDown') this.#links.remove(member.n, this.#numbers.get(event.peer) ?? -1)
        if (event.type !== 'received') continue
        const got = this.#got.get(member.n)
        const name = new TextDecoder().decode(event.content)
        if (got?.has(name)) this.deliveredTwice++
        got?.add(name)
      }
      member.looked = member.listener.seen.length
    }
  }
}

describe('twenty complete nodes in memory', () => {
  it.each([1, 2, 3])('a fifth of the connections lost and members changing in every round, seed %d', async (seed) => {
    const swarm = new DisturbedSwarm(seed)
    await swarm.add([])
    for (let i = 1; i < NODES; i++) await swarm.add([swarm.members.get(0) as Member])
    await swarm.everyoneHasNeighbors()
    let missed = 0
    for (let round = 0; round < ROUNDS; round++) {
      missed += await swarm.round(`round ${round}`, async () => {
        swarm.breakConnections(0.2)
        const [polite, silent, ...staying] = swarm.some(5) as [Member, Member, ...Member[]]
        swarm.leave(polite, true)
        swarm.leave(silent, false)
        await swarm.add(staying)
        await swarm.add(staying)
      })
    }
    expect(missed).toBe(0)
    expect(swarm.deliveredTwice).toBe(0)
    expect(swarm.promised).toBeGreaterThan(ROUNDS * 7)
    // Left alone, the swarm closes its gaps and reaches everybody again.
    await swarm.swarm.pass(60_000, 50)
    await swarm.everyoneHasNeighbors()
    await swarm.round('after the storm', async () => {})
    const reached = [...swarm.members.values()].filter((m) => m.listener.texts.includes('after the storm'))
    expect(reached.length).toBe(NODES - 1)
    await swarm.end()
  })
})
