import { describe, expect, it } from 'vitest'
import { EventQueue } from '../../../../src/core/gossip/event-queue.ts'
import { LastingLinks } from '../../../../src/core/gossip/sim/lasting-links.ts'
import { SIM_TOPIC, SimNetwork, type SimNetworkOptions } from '../../../../src/core/gossip/sim/network.ts'
import { parseTopicId, type TopicId } from '../../../../src/core/ids.ts'
import { type ConfigPatch, configWith } from '../proto/notation.ts'

const TRIP_MS = 50

/** A network of static latency that notes what the applications see. */
function network(patch: ConfigPatch = {}, options: Partial<SimNetworkOptions> = {}) {
  const events: string[] = []
  const net: SimNetwork = new SimNetwork({
    seed: 1,
    config: configWith(patch),
    latency: { minMs: TRIP_MS, maxMs: TRIP_MS },
    onTopicEvent: (node, _, event) => {
      if (event.type === 'neighborUp') events.push(`${node} up ${net.numberOf(event.peer)}`)
      else if (event.type === 'neighborDown') events.push(`${node} down ${net.numberOf(event.peer)}`)
      else if (event.type === 'received') events.push(`${node} got ${String.fromCharCode(...event.content)}`)
    },
    ...options,
  })
  const taken = (): string[] => events.splice(0).sort()
  const start = (joins: readonly (readonly number[])[], firstNode = 0): void => {
    for (const [i] of joins.entries()) net.add(firstNode + i)
    for (const [i, peers] of joins.entries()) net.join(firstNode + i, peers)
  }
  const trips = (n: number): void => net.runFor(n * TRIP_MS)
  const say = (node: number, text: string, topic: TopicId = SIM_TOPIC): void =>
    net.broadcast(node, new TextEncoder().encode(text), 'swarm', topic)
  return { net, taken, start, trips, say }
}

function expectSymmetry(net: SimNetwork): void {
  for (const node of net.nodes()) {
    for (const other of net.neighbors(node)) expect(net.neighbors(other)).toContain(node)
    for (const id of net.view(node)?.eager() ?? []) {
      expect(
        net
          .view(net.numberOf(id))
          ?.eager()
          .map((p) => net.numberOf(p)),
      ).toContain(node)
    }
  }
}

describe('small scenarios (gossip 17 B.2)', () => {
  it('keeps the active view within its limit', () => {
    const { net, taken, start, trips } = network({ membership: { activeCapacity: 2 } })
    start([[1, 2], [2], []])
    trips(3)
    expect(taken()).toEqual(['0 up 1', '0 up 2', '1 up 0', '1 up 2', '2 up 0', '2 up 1'])
    start([[0]], 3)
    trips(2)
    const events = taken()
    const dropped = events.includes('0 down 1') ? 1 : 2
    expect(events).toEqual([`0 down ${dropped}`, '0 up 3', `${dropped} down 0`, '3 up 0'].sort())
    expectSymmetry(net)
  })

  it('joins two islands', () => {
    const { net, taken, start, trips, say } = network()
    start([[], [0], [0], [], [3], [3]])
    trips(4)
    taken()
    say(1, 'here')
    trips(4)
    expect(taken()).toEqual(['0 got here', '2 got here'])
    net.join(2, [5])
    trips(3)
    taken()
    say(1, 'everywhere')
    trips(5)
    expect(taken()).toEqual([0, 2, 3, 4, 5].map((n) => `${n} got everywhere`))
  })

  it('forgets a node that quits', () => {
    const { net, start, trips } = network({ membership: { activeCapacity: 2 } })
    start([[], [0], [1], [2]])
    trips(2)
    const listed = new Set(net.nodes().flatMap((n) => net.neighbors(n)))
    expect([...listed].sort()).toEqual([0, 1, 2, 3])
    net.quit(3)
    trips(4)
    expect(net.view(3)).toBeUndefined()
    expect(net.nodes().flatMap((n) => net.neighbors(n))).not.toContain(3)
    expectSymmetry(net)
  })

  it('says on a Join to an unknown topic nothing, and joins when the Join is repeated', () => {
    const { net, taken, trips } = network({}, { rejoin: true })
    net.add(0)
    net.add(1)
    net.join(1, [0])
    trips(4)
    expect(taken()).toEqual([])
    net.join(0, [])
    net.runFor(3_000)
    expect(taken()).toEqual(['0 up 1', '1 up 0'])
  })

  it('keeps topics with overlapping members apart', () => {
    const { net, taken, start, trips, say } = network()
    const other = parseTopicId('22'.repeat(32))
    start([[], [0], [0]])
    net.join(1, [], other)
    net.join(2, [1], other)
    trips(4)
    taken()
    say(0, 'a')
    say(2, 'b', other)
    trips(4)
    expect(taken()).toEqual(['1 got a', '1 got b', '2 got a'])
    net.quit(2)
    trips(4)
    taken()
    say(1, 'c', other)
    say(0, 'd')
    trips(4)
    expect(taken()).toEqual(['1 got d', '2 got c'])
  })

  it('delivers the same bytes again once the id is forgotten', () => {
    const { net, taken, start, trips, say } = network()
    start([[], [0]])
    trips(4)
    taken()
    say(0, 'x')
    trips(2)
    expect(taken()).toEqual(['1 got x'])
    net.runFor(60_000)
    say(0, 'x')
    trips(2)
    expect(taken()).toEqual([])
    net.runFor(92_000)
    say(0, 'x')
    // The repetition made the link lazy: announced, then pulled.
    trips(6)
    expect(taken()).toEqual(['1 got x'])
  })

  it('comes back after total isolation', () => {
    const { net, taken, start, trips } = network({}, { rejoin: true })
    start([[], [0], [0]])
    trips(4)
    net.partition([0, 1], [2])
    net.runFor(5_000)
    expect(net.neighbors(2)).toEqual([])
    expect(net.neighbors(0)).toEqual([1])
    net.heal()
    taken()
    net.runFor(70_000)
    expect(net.isolated()).toEqual([])
    expect(net.neighbors(2).length).toBeGreaterThan(0)
    expectSymmetry(net)
  })
})

describe('simulator parts', () => {
  it('hands out events by time, then by insertion', () => {
    const queue = new EventQueue<string>()
    for (const [at, name] of [
      [3, 'c'],
      [1, 'a'],
      [2, 'b'],
      [1, 'a2'],
      [3, 'c2'],
    ] as const)
      queue.push(at, name)
    const order: string[] = []
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) order.push(next.value)
    expect(order).toEqual(['a', 'a2', 'b', 'c', 'c2'])
  })

  it('follows only links that both ends held and that lasted', () => {
    const neighbors = new Map([
      [0, [1, 3]],
      [1, [0, 2]],
      [2, [1]],
      [3, []],
    ])
    const links = LastingLinks.of({ nodes: () => [...neighbors.keys()], neighbors: (n) => neighbors.get(n) ?? [] })
    expect([...links.reachableFrom(0)]).toEqual([0, 1, 2])
    links.remove(2, 1)
    expect([...links.reachableFrom(0)]).toEqual([0, 1])
    links.removeNode(1)
    expect([...links.reachableFrom(0)]).toEqual([0])
  })
})
