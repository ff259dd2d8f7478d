import { expect, test } from 'vitest'
import { ManualClock } from '../../../src/base/clock.ts'
import { seededRng } from '../../../src/base/random.ts'
import type { PeerId } from '../../../src/core/ids.ts'
import type { TopicInfo } from '../../../src/core/k2/inbound.ts'
import { JoinedTopic } from '../../../src/core/k2/joined-topic.ts'
import { PeerRoster } from '../../../src/core/k2/peer-roster.ts'
import { directTopicName, topicIdOfName } from '../../../src/core/k2/topics.ts'
import { endpointAddr } from '../../../src/core/keys/address.ts'
import { A, B, C, NOW } from './fixtures.ts'

const goods: TopicInfo = { id: topicIdOfName('Goods'), name: 'Goods' }
const direct: TopicInfo = { id: topicIdOfName(directTopicName(A, B)), name: directTopicName(A, B), contact: B }
const D = 'd'.repeat(64) as PeerId

function open(info: TopicInfo, bootstrap: readonly PeerId[]) {
  const clock = new ManualClock(NOW)
  const joins: { at: number; peers: readonly PeerId[] }[] = []
  const topic = new JoinedTopic({
    info,
    channel: {
      broadcast: async () => {},
      join: async (peers) => void joins.push({ at: clock.now() - NOW, peers }),
      close: async () => {},
    },
    bootstrap: () => bootstrap,
    clock,
    rng: seededRng(1),
    onJoinFailed: () => {},
  })
  return { clock, joins, topic }
}

test('peers that are neighbours already are not asked, and enough neighbours end the asking', () => {
  const { clock, joins, topic } = open(goods, [B, C])
  topic.neighborUp(B)
  clock.advance(20_000)
  expect(joins[0]!.peers).toEqual([C])
  topic.neighborUp(C)
  topic.neighborUp(D)
  const asked = joins.length
  clock.advance(3600_000)
  expect(joins).toHaveLength(asked)
  topic.neighborDown(C)
  clock.advance(20_000)
  expect(joins).toHaveLength(asked + 1)
})

test('a contact is asked every 15 s backing off to 5 min until it is there, and anew when it leaves', () => {
  const { clock, joins, topic } = open(direct, [B])
  topic.neighborUp(C)
  expect(topic.isHeard).toBe(false)
  clock.advance(60_000)
  expect(joins.length).toBeGreaterThanOrEqual(2)
  expect(joins[0]!.at).toBeGreaterThanOrEqual(12_000)
  clock.advance(2 * 3600_000)
  expect(joins.at(-1)!.at - joins.at(-2)!.at).toBeGreaterThanOrEqual(240_000)
  topic.neighborUp(B)
  expect(topic.isHeard).toBe(true)
  const asked = joins.length
  clock.advance(3600_000)
  expect(joins).toHaveLength(asked)
  topic.neighborDown(B)
  clock.advance(18_000)
  expect(joins).toHaveLength(asked + 1)
})

test('knows since when nobody hears it', () => {
  const { clock, topic } = open(goods, [])
  expect(topic.isolatedSince).toBe(NOW)
  topic.neighborUp(B)
  expect(topic.isolatedSince).toBeUndefined()
  clock.advance(5)
  topic.neighborDown(B)
  expect(topic.isolatedSince).toBe(NOW + 5)
})

test('a closed topic asks nobody', async () => {
  const { clock, joins, topic } = open(goods, [B])
  await topic.close()
  topic.joinThrough([C])
  clock.advance(3600_000)
  expect(joins).toEqual([])
})

test('the roster bootstraps through configured peers, contacts, then proven senders, never itself', () => {
  const roster = new PeerRoster(A, [B, A], [{ addr: endpointAddr(C), name: 'Carol' }, { addr: endpointAddr(A) }])
  roster.proved(D, NOW)
  roster.proved(B, NOW)
  expect(roster.bootstrap()).toEqual([B, C, D])
  expect([A, B, C, D].map((peer) => roster.isTrusted(peer))).toEqual([false, true, true, false])
  expect(roster.isKnown(D, NOW)).toBe(true)
  expect(roster.isKnown(D, NOW + 11 * 60_000)).toBe(false)
  roster.addContact({ addr: endpointAddr(D), name: 'Dora' })
  expect(roster.contacts.map((contact) => contact.name)).toEqual(['Carol', 'Dora'])
})
