import { describe, expect, it } from 'vitest'
import type { Message } from '../../../../src/core/gossip/proto/messages.ts'
import { content, gossip, hash, Node, nodeWithNeighbors, num, peer, TOPIC } from './notation.ts'

const PRUNE = { type: 'prune' } as const
const graft = (text: string): Message => ({ type: 'graft', id: hash(text), round: 0 })
const ihave = (...texts: string[]): Message => ({ type: 'ihave', entries: texts.map((t) => ({ id: hash(t), round: 1 })) })

describe('broadcast beyond the reference sequences', () => {
  it('splits 117 announcements of one window into two messages (4.4)', () => {
    const one = nodeWithNeighbors(1, [2])
    one.recv(2, PRUNE)
    for (let i = 0; i < 117; i++) one.broadcast(`message ${i}`)
    const sent = one.fire('dispatch')
    expect(sent.map((s) => s.split(',').length - 1)).toEqual([116, 1])
    expect(one.broadcast('next')).toEqual(['T(5, dispatch)'])
  })

  it('drops a message whose id is not the hash of its content', () => {
    const one = nodeWithNeighbors(1, [2, 3])
    expect(one.recv(2, { ...gossip('right', 0), id: hash('wrong') } as Message)).toEqual([])
    expect(one.view.stats.badIds).toBe(1)
    expect(one.recv(2, gossip('right', 0))).toContain('E(Received from 2, Swarm 0)')
  })

  it('answers a Graft until the payload is evicted after 30 s', () => {
    const one = nodeWithNeighbors(1, [2])
    one.broadcast('x')
    one.now = 29_999
    one.fire('evict')
    expect(one.recv(2, graft('x'))).toEqual(['S(2, Gossip r0)'])
    one.now = 30_000
    one.fire('evict')
    expect(one.view.hasPayload(hash('x'))).toBe(false)
    expect(one.recv(2, graft('x'))).toEqual([])
  })

  it('forgets an id after 90 s and delivers it again', () => {
    const one = nodeWithNeighbors(1, [2])
    expect(one.recv(2, gossip('x', 3)).at(-1)).toBe('E(Received from 2, Swarm 3)')
    one.now = 89_999
    one.fire('evict')
    expect(one.recv(2, gossip('x', 3))).toEqual(['S(2, Prune)'])
    one.now = 90_000
    one.fire('evict')
    expect(one.recv(2, gossip('x', 3)).at(-1)).toBe('E(Received from 2, Swarm 3)')
  })

  it('delivers repeated neighbours-only messages and never passes them on', () => {
    const one = nodeWithNeighbors(1, [2, 3])
    for (let i = 0; i < 2; i++) expect(one.recv(2, gossip('nb', 'neighbors'))).toEqual(['E(Received from 2, Neighbors)'])
  })

  it('reports each direct sender of a known message once', () => {
    const one = nodeWithNeighbors(1, [2, 3])
    one.recv(2, gossip('x', 1))
    expect(one.recv(3, gossip('x', 1))).toEqual(['S(3, Prune)'])
    expect(one.recv(3, gossip('x', 0))).toEqual(['S(3, Prune)', 'E(DirectCopy from 3)'])
    expect(one.recv(3, gossip('x', 0))).toEqual(['S(3, Prune)'])
    expect(one.recv(9, gossip('x', 'neighbors'))).toEqual(['S(9, Prune)', 'E(DirectCopy from 9)'])
    one.recv(2, gossip('y', 0))
    expect(one.recv(2, gossip('y', 0))).toEqual(['S(2, Prune)'])
  })

  it('counts hops up to 65535', () => {
    const one = nodeWithNeighbors(1, [2, 3])
    expect(one.recv(2, gossip('far', 65_535))).toEqual([
      'S(3, Gossip r65535)',
      'T(5, dispatch)',
      'E(Received from 2, Swarm 65535)',
    ])
  })

  it('delivers but does not pass on what the next frame could not hold', () => {
    const one = nodeWithNeighbors(1, [2, 3])
    const big = new TextDecoder().decode(new Uint8Array(4_057).fill(0x61))
    expect(one.recv(2, gossip(big, 127))).toEqual(['E(Received from 2, Swarm 127)'])
    expect(one.view.stats.unsendable).toBe(1)
  })

  it('serves strangers without giving them a link (13-D8)', () => {
    const one = nodeWithNeighbors(1, [2])
    one.broadcast('x')
    expect(one.recv(9, graft('x'))).toEqual(['S(9, Gossip r0)'])
    one.recv(9, PRUNE)
    one.recv(9, ihave('y'))
    expect(one.fire('graft')).toEqual(['S(9, Graft(id, round 1))', 'T(40, graft)'])
    expect([...one.view.eager(), ...one.view.lazy()].map(num)).toEqual([2])
  })

  it('does not prune a neighbour because a stranger claims a shorter way', () => {
    const one = nodeWithNeighbors(1, [2])
    one.recv(9, ihave('x'))
    expect(one.recv(2, gossip('x', 20))).toEqual(['T(5, dispatch)', 'E(Received from 2, Swarm 20)'])
    expect(one.view.eager().map(num)).toEqual([2])
  })

  it('announces nothing to a neighbour that has gone (13-D9) and asks it for nothing', () => {
    const one = nodeWithNeighbors(1, [2, 3])
    one.recv(2, PRUNE)
    one.broadcast('x')
    one.recv(2, ihave('y'))
    one.lost(2)
    expect(one.fire('dispatch')).toEqual([])
    expect(one.fire('graft')).toEqual([])
  })

  it('starts a new wait when an id is announced again between two Grafts', () => {
    const one = nodeWithNeighbors(1, [2, 3])
    one.recv(2, ihave('x'))
    one.fire('graft')
    expect(one.recv(3, ihave('x'))).toEqual(['T(80, graft)'])
    expect(one.fire('graft')).toEqual(['S(3, Graft(id, round 1))', 'T(40, graft)'])
  })

  it('keeps within its bounds under floods', () => {
    const one = nodeWithNeighbors(1, [2, 3], { broadcast: { missingMax: 3, announcersMax: 2, idsMax: 4, cacheMaxBytes: 20 } })
    one.recv(2, PRUNE)
    for (let i = 0; i < 10; i++) one.recv(2, ihave(`id ${i}`))
    const asked = Array.from({ length: 10 }, () => one.fire('graft')).filter((out) => out.length > 0)
    expect(asked.length).toBe(3)
    for (let i = 0; i < 10; i++) one.recv(3, gossip(`ten bytes${i}`, 1))
    expect(Array.from({ length: 10 }, (_, i) => one.view.hasPayload(hash(`ten bytes${i}`))).filter(Boolean).length).toBe(2)
    expect(one.recv(3, gossip('ten bytes9', 1))).toEqual(['S(3, Prune)'])
    expect(one.recv(3, gossip('ten bytes0', 1)).at(-1)).toBe('E(Received from 3, Swarm 1)')
  })

  it('does nothing for topics it has not joined', () => {
    const one = new Node(1)
    expect(one.recv(2, gossip('x', 0))).toEqual([])
    expect(one.handle({ type: 'broadcast', topic: TOPIC, content: content('x'), scope: 'swarm' })).toEqual([])
    expect(one.handle({ type: 'quit', topic: TOPIC })).toEqual([])
    expect(one.lost(2)).toEqual([])
    expect(one.state.interest(peer(2))).toBe(0)
  })
})
