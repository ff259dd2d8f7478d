import { describe, expect, it } from 'vitest'
import { dataOf, gossip, hash, info, Node, nodeWithNeighbors, num, peer } from './notation.ts'

const SHUFFLE = 'T(60000, shuffle)'
const EVICT = 'T(1000, evict)'
const join = (n: number) => ({ type: 'join', data: dataOf(n) }) as const
const neighbor = (n: number, priority: 'high' | 'low' = 'high') => ({ type: 'neighbor', priority, data: dataOf(n) }) as const
const shuffleReply = (...ns: number[]) => ({ type: 'shuffleReply', nodes: ns.map((n) => info(n)) }) as const
const ihave = (text: string, round: number) => ({ type: 'ihave', entries: [{ id: hash(text), round }] }) as const
const graft = (text: string, round: number) => ({ type: 'graft', id: hash(text), round }) as const
const PRUNE = { type: 'prune' } as const

/** Sequences 16.1 and 16.2 leave this triangle: 1–2, 1–3, 2–3, all links eager. */
function triangle(): [Node, Node, Node] {
  const [one, two, three] = [new Node(1), new Node(2), new Node(3)]
  expect(one.join()).toEqual([])
  expect(two.join(1)).toEqual(['S(1, Join(02))', SHUFFLE])
  expect(one.recv(2, join(2))).toEqual(['P(2)', 'E(Up 2)', 'S(2, Neighbor High 01)', SHUFFLE, EVICT])
  expect(two.recv(1, neighbor(1))).toEqual(['P(1)', 'E(Up 1)', 'S(1, Neighbor High 02)', EVICT])
  expect(one.recv(2, neighbor(2))).toEqual([])
  expect(one.view.isPending(peer(2))).toBe(false)
  expect(two.view.isPending(peer(1))).toBe(true)

  expect(three.join(1)).toEqual(['S(1, Join(03))', SHUFFLE])
  expect(one.recv(3, join(3))).toEqual(['P(3)', 'E(Up 3)', 'S(3, Neighbor High 01)', 'S(2, ForwardJoin(3:03, ttl 6))'])
  expect(three.recv(1, neighbor(1))).toEqual(['P(1)', 'E(Up 1)', 'S(1, Neighbor High 03)', EVICT])
  expect(two.recv(1, { type: 'forwardJoin', peer: info(3), ttl: 6 })).toEqual(['P(3)', 'S(3, Neighbor High 02)'])
  expect(one.recv(3, neighbor(3))).toEqual([])
  expect(three.recv(2, neighbor(2))).toEqual(['P(2)', 'E(Up 2)', 'S(2, Neighbor High 03)'])
  expect(two.recv(3, neighbor(3))).toEqual(['E(Up 3)'])
  return [one, two, three]
}

describe('reference message sequences (gossip 16)', () => {
  it('16.1, 16.2 three nodes become a triangle', () => {
    for (const node of triangle()) expect(node.neighbors.length).toBe(2)
  })

  it('16.3 broadcast in that triangle', () => {
    const [one, two, three] = triangle()
    const DISPATCH = 'T(5, dispatch)'
    expect(one.broadcast('hello')).toEqual([DISPATCH, 'S(2, Gossip r0)', 'S(3, Gossip r0)'])
    expect(two.recv(1, gossip('hello', 0))).toEqual(['S(3, Gossip r1)', DISPATCH, 'E(Received from 1, Swarm 0)'])
    expect(three.recv(1, gossip('hello', 0))).toEqual(['S(2, Gossip r1)', DISPATCH, 'E(Received from 1, Swarm 0)'])
    expect(three.recv(2, gossip('hello', 1))).toEqual(['S(2, Prune)'])
    expect(two.recv(3, gossip('hello', 1))).toEqual(['S(3, Prune)'])
    expect(two.recv(3, PRUNE)).toEqual([])
    expect(three.recv(2, PRUNE)).toEqual([])
    expect(two.view.lazy().map(num)).toEqual([3])
    expect(three.view.lazy().map(num)).toEqual([2])
    expect(one.broadcast('hello')).toEqual(['S(2, Gossip r0)', 'S(3, Gossip r0)'])
    expect(two.recv(1, gossip('hello', 0))).toEqual(['S(1, Prune)'])
    expect(three.recv(1, gossip('hello', 0))).toEqual(['S(1, Prune)'])
    expect(one.recv(2, PRUNE)).toEqual([])
    expect(one.recv(3, PRUNE)).toEqual([])
    expect(one.view.eager()).toEqual([])
    expect(one.view.lazy().map(num)).toEqual([2, 3])
    expect(one.broadcast('nb', 'neighbors')).toEqual([])
  })

  it('16.4 eviction', () => {
    const one = nodeWithNeighbors(1, [2], { membership: { activeCapacity: 1 } })
    expect(one.recv(3, join(3))).toEqual([
      'P(3)',
      'E(Down 2)',
      'S(2, ShuffleReply [])',
      'S(2, Disconnect alive)',
      'D(2)',
      'P(2)',
      'E(Up 3)',
      'S(3, Neighbor High 01)',
    ])
    expect(one.recv(3, neighbor(3))).toEqual([])
    expect(one.lost(2)).toEqual([])
    expect(one.view.passive().map(num)).toEqual([2])
    expect(one.lost(3)).toEqual(['E(Down 3)', 'D(3)', 'S(2, Neighbor High 01)', 'T(500, pending 2)'])
  })

  it('16.5 a Low request is refused when full, accepted when not', () => {
    const full = nodeWithNeighbors(1, [2], { membership: { activeCapacity: 1 } })
    expect(full.recv(3, neighbor(3, 'low'))).toEqual(['P(3)', 'S(3, ShuffleReply [2:02])', 'S(3, Disconnect alive)', 'D(3)'])

    const free = new Node(1)
    free.join()
    expect(free.recv(3, neighbor(3, 'low'))).toEqual(['P(3)', 'E(Up 3)', 'S(3, Neighbor Low 01)', SHUFFLE, EVICT])
    expect(free.view.isPending(peer(3))).toBe(true)
    expect(free.recv(3, neighbor(3))).toEqual([])
    expect(free.view.isPending(peer(3))).toBe(false)
  })

  it('16.6 shuffle and refill', () => {
    const one = nodeWithNeighbors(1, [2])
    expect(one.fire('shuffle')).toEqual(['S(2, Shuffle(origin 1, [1:01], ttl 6))', SHUFFLE])
    const nodes = [info(3, false), info(2)]
    expect(one.recv(2, { type: 'shuffle', origin: peer(2), nodes, ttl: 6 })).toEqual(['S(2, ShuffleReply [3, 2:02])'])
    expect(one.view.passive().map(num)).toEqual([3])
    const [first, timer] = one.recv(2, { type: 'shuffleReply', nodes: [info(4, false)] })
    const asked = Number(/^S\((\d), Neighbor Low 01\)$/.exec(first ?? '')?.[1])
    const other = asked === 3 ? 4 : 3
    expect([3, 4]).toContain(asked)
    expect(timer).toBe(`T(500, pending ${asked})`)
    expect(one.fire('pendingNeighbor', asked)).toEqual([`S(${other}, Neighbor Low 01)`, `T(500, pending ${other})`])
    expect(one.view.passive().map(num)).toEqual([other])
  })

  it('16.7 IHave and Graft', () => {
    const one = nodeWithNeighbors(1, [2, 3])
    one.recv(2, PRUNE)
    one.recv(3, PRUNE)
    expect(one.recv(2, ihave('h', 1))).toEqual(['T(80, graft)'])
    expect(one.recv(3, ihave('h', 2))).toEqual([])
    expect(one.fire('graft')).toEqual(['S(2, Graft(id, round 1))', 'T(40, graft)'])
    expect(one.view.eager().map(num)).toEqual([2])
    expect(one.fire('graft')).toEqual(['S(3, Graft(id, round 2))', 'T(40, graft)'])
    expect(one.view.eager().map(num)).toEqual([2, 3])
    expect(one.fire('graft')).toEqual([])
    expect(one.recv(3, gossip('h', 2))).toEqual(['S(2, Gossip r3)', 'T(5, dispatch)', 'E(Received from 3, Swarm 2)'])
    expect(one.recv(2, graft('h', 1))).toEqual(['S(2, Gossip r3)'])
    const [prune, ...extra] = one.recv(2, gossip('h', 0))
    expect(prune).toBe('S(2, Prune)')
    // Not in the reference: the application learns that 2 is the author (k2-application 7.2).
    expect(extra).toEqual(['E(DirectCopy from 2)'])
    expect(one.view.lazy().map(num)).toEqual([2])
    expect(one.recv(9, gossip('h', 1))).toEqual(['S(9, Prune)'])
    // The reference would list 9 as lazy (gossip 13-D8).
    expect(one.view.lazy().map(num)).toEqual([2])
    expect(one.recv(9, shuffleReply())).toEqual(['D(9)'])
  })

  it('16.8 ForwardJoin, then quit', () => {
    const one = nodeWithNeighbors(1, [2, 3])
    const forward = (n: number, ttl: number) => ({ type: 'forwardJoin', peer: info(n, false), ttl }) as const
    expect(one.recv(2, forward(4, 6))).toEqual(['S(3, ForwardJoin(4, ttl 5))'])
    expect(one.recv(2, forward(5, 3))).toEqual(['S(3, ForwardJoin(5, ttl 2))'])
    expect(one.view.passive().map(num)).toEqual([5])
    expect(one.recv(2, forward(6, 0))).toEqual(['S(6, Neighbor High 01)'])
    expect(one.recv(2, forward(3, 5))).toEqual(['S(3, Neighbor High 01)'])
    const bye = one.quit()
    expect(bye[0]).toMatch(/^S\(2, ShuffleReply \[5, 3:03\]\)$/)
    expect(bye.slice(1)).toEqual([
      'S(2, Disconnect not alive)',
      'D(2)',
      'S(3, ShuffleReply [5])',
      'S(3, Disconnect not alive)',
      'D(3)',
    ])
    expect(one.state.topics()).toEqual([])
  })

  it('16.9 Disconnect', () => {
    const one = nodeWithNeighbors(1, [2])
    expect(one.recv(2, { type: 'disconnect', alive: true })).toEqual(['E(Down 2)', 'D(2)', 'P(2)'])
    expect(one.view.passive().map(num)).toEqual([2])
    expect(one.lost(2)).toEqual([])
    expect(one.view.passive().map(num)).toEqual([2])
    expect(one.lost(2)).toEqual([])
    expect(one.view.passive()).toEqual([])
  })

  it('16.10 tree optimisation', () => {
    const one = nodeWithNeighbors(1, [2, 3])
    one.recv(2, PRUNE)
    expect(one.recv(2, ihave('h', 2))).toEqual(['T(80, graft)'])
    expect(one.recv(3, gossip('h', 6))).toEqual(['T(5, dispatch)', 'E(Received from 3, Swarm 6)'])
    expect(one.recv(2, ihave('k', 2))).toEqual(['T(80, graft)'])
    expect(one.recv(3, gossip('k', 9))).toEqual(['S(2, Graft(none, round 2))', 'S(3, Prune)', 'E(Received from 3, Swarm 9)'])
    expect(one.view.eager().map(num)).toEqual([2])
    expect(one.view.lazy().map(num)).toEqual([3])
  })
})
