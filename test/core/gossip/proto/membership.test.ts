import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seededRng } from '../../../../src/base/random.ts'
import type { OutEvent } from '../../../../src/core/gossip/proto/events.ts'
import { encodeMessage, type Message } from '../../../../src/core/gossip/proto/messages.ts'
import { dataOf, gossip, hash, info, Node, nodeWithNeighbors, num, peer, TOPIC } from './notation.ts'

describe('membership beyond the reference sequences', () => {
  it('answers a Join even while its own Neighbor is unanswered (13-D6)', () => {
    const two = new Node(2)
    two.join(1)
    two.recv(1, { type: 'neighbor', priority: 'high', data: dataOf(1) })
    expect(two.view.isPending(peer(1))).toBe(true)
    expect(two.recv(1, { type: 'join', data: dataOf(1) })).toEqual(['S(1, Neighbor High 02)'])
    expect(two.recv(1, { type: 'neighbor', priority: 'high', data: dataOf(1) })).toEqual([])
  })

  it('gets through to a peer that awaits an answer to an earlier life, which upstream does not answer (13-D6)', () => {
    const [one, two] = [new Node(1), new Node(2)]
    const retry = { type: 'join', topic: TOPIC, peers: [peer(1)], isRetry: true } as const
    expect(two.handle(retry)).toEqual(['S(1, Neighbor High 02)', 'S(1, Join(02))', 'T(60000, shuffle)'])
    expect(two.view.isPending(peer(1))).toBe(false)
    one.join()
    // To a peer that knows nothing of us the Neighbor is a request: two messages more, and both are neighbours.
    expect(one.recv(2, { type: 'neighbor', priority: 'high', data: dataOf(2) })).toContain('S(2, Neighbor High 01)')
    one.recv(2, { type: 'join', data: dataOf(2) })
    expect(two.recv(1, { type: 'neighbor', priority: 'high', data: dataOf(1) })).toContain('S(1, Neighbor High 02)')
    expect(one.recv(2, { type: 'neighbor', priority: 'high', data: dataOf(2) })).toEqual([])
    expect([one.neighbors, two.neighbors]).toEqual([[2], [1]])
  })

  it('ignores a ForwardJoin about itself (13-D7) and a Shuffle of its own that comes back', () => {
    const one = nodeWithNeighbors(1, [2])
    expect(one.recv(2, { type: 'forwardJoin', peer: info(1), ttl: 0 })).toEqual([])
    expect(one.recv(2, { type: 'shuffle', origin: peer(1), nodes: [info(5)], ttl: 0 })).toEqual([])
  })

  it('never keeps itself as a candidate', () => {
    const one = nodeWithNeighbors(1, [2])
    one.recv(2, { type: 'shuffleReply', nodes: [info(1), info(7)] })
    expect(one.view.passive().map(num)).toEqual([7])
  })

  it('answers a Shuffle with at most eight entries that fit one frame (13-D10)', () => {
    const one = nodeWithNeighbors(1, [2])
    const big = (n: number) => ({ id: peer(n), data: new Uint8Array(900).fill(n) })
    one.recv(2, { type: 'shuffleReply', nodes: Array.from({ length: 28 }, (_, i) => info(10 + i)) })
    const small = one.raw({ type: 'message', from: peer(2), topic: topicOf(one), message: shuffle(20) })
    expect(replies(small)[0]?.nodes.length).toBe(8)
    one.recv(2, { type: 'shuffleReply', nodes: Array.from({ length: 30 }, (_, i) => big(10 + i)) })
    const large = one.raw({ type: 'message', from: peer(2), topic: topicOf(one), message: shuffle(20) })
    const reply = replies(large)[0] as Message
    expect(encodeMessage(reply).length).toBeLessThan(4096)
    expect(replies(large)[0]?.nodes.length).toBe(4)
  })

  it('passes on what would not fit a frame without the data, and cuts endless walks', () => {
    const one = nodeWithNeighbors(1, [2, 3])
    const heavy = { id: peer(9), data: new Uint8Array(4_050) }
    expect(one.recv(2, { type: 'forwardJoin', peer: heavy, ttl: 60_000 })).toEqual(['S(3, ForwardJoin(9, ttl 5))'])
    expect(one.recv(2, { type: 'shuffle', origin: peer(9), nodes: [info(4)], ttl: 60_000 })).toEqual([
      'S(3, Shuffle(origin 9, [4:04], ttl 5))',
    ])
  })

  it('forgets unanswered requests after their time, so that refilling goes on', () => {
    const one = nodeWithNeighbors(1, [2], { membership: { activeCapacity: 2 } })
    one.recv(2, { type: 'shuffleReply', nodes: [info(5)] })
    expect(one.view.isPending(peer(5))).toBe(true)
    expect(one.recv(2, { type: 'shuffleReply', nodes: [info(6)] })).toEqual(['P(6)'])
    one.now += 10_000
    const [request] = one.recv(2, { type: 'shuffleReply', nodes: [] })
    expect(request).toMatch(/^S\([56], Neighbor Low 01\)$/)
  })

  it('asks a neighbour to confirm after its connection was replaced', () => {
    const one = nodeWithNeighbors(1, [2])
    expect(one.handle({ type: 'connectionReplaced', peer: peer(2) })).toEqual(['S(2, Neighbor High 01)'])
    expect(one.handle({ type: 'connectionReplaced', peer: peer(3) })).toEqual([])
  })

  it('tells later requests a changed address', () => {
    const one = nodeWithNeighbors(1, [2])
    expect(one.handle({ type: 'ownData', data: Uint8Array.of(0xaa) })).toEqual([])
    expect(one.join(3)).toEqual(['S(3, Join(aa))'])
  })

  it('ignores timers of an earlier life of the topic', () => {
    const one = nodeWithNeighbors(1, [2])
    const timers = one.timers.splice(0)
    one.quit()
    one.join(2)
    for (const { timer } of timers) expect(one.handle({ type: 'timer', timer })).toEqual([])
  })

  it('remembers data of a bounded number of strangers', () => {
    const one = nodeWithNeighbors(1, [2], { membership: { strangerDataMax: 10, activeCapacity: 1 } })
    for (let n = 10; n < 200; n++) one.recv(n, { type: 'neighbor', priority: 'low', data: dataOf(n) })
    expect(one.recv(199, { type: 'neighbor', priority: 'low', data: dataOf(199) })).not.toContain('P(199)')
    expect(one.recv(10, { type: 'neighbor', priority: 'low', data: dataOf(10) })).toContain('P(10)')
    expect(one.recv(2, { type: 'neighbor', priority: 'high', data: dataOf(2) })).not.toContain('P(2)')
  })
})

const topicOf = (node: Node) => node.state.topics()[0] as NonNullable<ReturnType<Node['state']['topics']>[0]>
const shuffle = (n: number): Message => ({
  type: 'shuffle',
  origin: peer(2),
  nodes: Array.from({ length: n }, () => info(3)),
  ttl: 0,
})
const replies = (outputs: readonly OutEvent[]) =>
  outputs.flatMap((out) => (out.type === 'send' && out.message.type === 'shuffleReply' ? [out.message] : []))

const peers = fc.integer({ min: 2, max: 40 })
const data = fc.option(fc.uint8Array({ maxLength: 3 }), { nil: undefined })
const infos = fc.record({ id: fc.integer({ min: 1, max: 40 }).map(peer), data })
const lists = fc.array(infos, { maxLength: 12 })
const ttl = fc.integer({ min: 0, max: 8 })
const texts = fc.constantFrom('a', 'b', 'c', 'd')
const anyMessage: fc.Arbitrary<Message> = fc.oneof(
  fc.record({ type: fc.constant('join' as const), data }),
  fc.record({ type: fc.constant('forwardJoin' as const), peer: infos, ttl }),
  fc.record({ type: fc.constant('shuffle' as const), origin: fc.integer({ min: 1, max: 40 }).map(peer), nodes: lists, ttl }),
  fc.record({ type: fc.constant('shuffleReply' as const), nodes: lists }),
  fc.record({ type: fc.constant('neighbor' as const), priority: fc.constantFrom('high' as const, 'low' as const), data }),
  fc.record({ type: fc.constant('disconnect' as const), alive: fc.boolean() }),
  fc.tuple(texts, fc.oneof(fc.nat(65535), fc.constant('neighbors' as const))).map(([t, scope]) => gossip(t, scope)),
  fc.constant({ type: 'prune' as const }),
  fc.record({ type: fc.constant('graft' as const), id: fc.option(texts.map(hash), { nil: undefined }), round: fc.nat(9) }),
  fc.record({
    type: fc.constant('ihave' as const),
    entries: fc.array(fc.record({ id: texts.map(hash), round: fc.nat(9) }), { maxLength: 4 }),
  }),
)
type Step =
  | { do: 'recv'; from: number; message: Message }
  | { do: 'lost'; from: number }
  | { do: 'timer'; at: number }
  | { do: 'say'; what: string }
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ do: fc.constant('recv' as const), from: peers, message: anyMessage }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('lost' as const), from: peers }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('timer' as const), at: fc.nat(1000) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('say' as const), what: texts }) },
  ),
  { maxLength: 120 },
)

describe('invariants for any sequence of events', () => {
  it('views stay bounded and disjoint, the tree covers exactly the neighbours, events alternate, frames fit', () => {
    fc.assert(
      fc.property(steps, fc.nat(), (plan, seed) => {
        const node = new Node(1, { membership: { activeCapacity: 3, passiveCapacity: 6 } }, seededRng(seed))
        node.join()
        const up = new Set<number>()
        const delivered = new Set<string>()
        for (const step of plan) {
          const outputs = perform(node, step)
          for (const out of outputs) {
            if (out.type === 'send') {
              expect(out.to).not.toBe(peer(1))
              expect(encodeMessage(out.message).length).toBeLessThan(4096)
            }
            if (out.type !== 'emit') continue
            if (out.event.type === 'neighborUp') {
              expect(up.has(num(out.event.peer))).toBe(false)
              up.add(num(out.event.peer))
            } else if (out.event.type === 'neighborDown') expect(up.delete(num(out.event.peer))).toBe(true)
            else if (out.event.type === 'received' && out.event.scope.type === 'swarm') {
              expect(delivered.has(out.event.id)).toBe(false)
              delivered.add(out.event.id)
            }
          }
          const active = node.neighbors
          const passive = node.view.passive().map(num)
          expect(active.length).toBeLessThanOrEqual(3)
          expect(passive.length).toBeLessThanOrEqual(6)
          expect([...active, ...passive]).not.toContain(1)
          expect(new Set([...active, ...passive]).size).toBe(active.length + passive.length)
          expect([...up].sort()).toEqual([...active].sort())
          expect([...node.view.eager(), ...node.view.lazy()].map(num).sort()).toEqual([...active].sort())
        }
      }),
      { numRuns: 300 },
    )
  })
})

function perform(node: Node, step: Step): OutEvent[] {
  switch (step.do) {
    case 'recv':
      return node.raw({ type: 'message', from: peer(step.from), topic: topicOf(node), message: step.message })
    case 'lost':
      return node.raw({ type: 'peerDisconnected', peer: peer(step.from) })
    case 'say':
      return node.raw({ type: 'broadcast', topic: topicOf(node), content: new TextEncoder().encode(step.what), scope: 'swarm' })
    case 'timer': {
      const [due] = node.timers.splice(step.at % Math.max(1, node.timers.length), 1)
      return due === undefined ? [] : node.raw({ type: 'timer', timer: due.timer })
    }
  }
}
