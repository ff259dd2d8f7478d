import { expect, test } from 'vitest'
import { directTopicName } from '../../src/core/k2/topics.ts'
import { toPeerAddr } from '../../src/core/keys/address.ts'
import { RECENT_PEERS, type RecentPeer, RecentPeers } from '../../src/core/recent-peers.ts'
import { startTestNode } from '../support/k2-nodes.ts'
import { A, B, C, NOW } from './k2/fixtures.ts'

const HOUR = 3_600_000
const peer = (id: RecentPeer['id'], seenAt: number): RecentPeer => ({ id, seenAt, direct: ['10.0.0.1:1'] })

test('neighbours of earlier runs count for a week, their addresses for a day, and none of the future', () => {
  const known = [peer(A, NOW - HOUR), peer(B, NOW - 30 * HOUR), peer(C, NOW + HOUR)]
  const recent = new RecentPeers(known, NOW)
  expect(recent.list(NOW).map((p) => p.id)).toEqual([A, B])
  expect(recent.dialable(NOW).map((p) => p.id)).toEqual([A])
  expect(recent.list(NOW + 6 * 24 * HOUR).map((p) => p.id)).toEqual([A])
  expect(recent.list(NOW + 8 * 24 * HOUR)).toEqual([])
})

test('the latest are kept, with the last address that was known', () => {
  const recent = new RecentPeers([], NOW)
  recent.note(A, { id: A, direct: ['10.0.0.1:1'], relayUrl: 'https://relay.example/' }, NOW)
  recent.note(A, undefined, NOW + 1)
  expect(recent.list(NOW + 1)).toEqual([{ id: A, seenAt: NOW + 1, direct: ['10.0.0.1:1'], relayUrl: 'https://relay.example/' }])
  for (let n = 0; n < RECENT_PEERS; n++) recent.note(n.toString(16).padStart(64, '0') as typeof A, undefined, NOW + 2)
  expect(recent.list(NOW + 2)).toHaveLength(RECENT_PEERS)
  expect(recent.list(NOW + 2).map((p) => p.id)).not.toContain(A)
})

test('a node that was started again finds its neighbours of a topic by itself, and names no contacts', async () => {
  await using a = await startTestNode({ topics: ['Goods'] })
  await using contact = await startTestNode({ topics: [] })
  const first = await startTestNode({
    topics: ['Goods'],
    peers: [a.ticket],
    contacts: [{ id: contact.id, addresses: contact.node.addr().direct }],
  })
  contact.node.addContact({ addr: first.node.addr() })
  await Promise.all([first.neighbor('Goods', a.id), first.neighbor(directTopicName(first.id, contact.id), contact.id)])
  const recent = first.node.recentPeers()
  expect(recent.map((p) => p.id)).toEqual([a.id])
  expect(recent[0]?.direct).toEqual(expect.arrayContaining(toPeerAddr(a.node.addr()).direct.slice(0, 1)))
  await first.stop()
  // Nobody tells it about anybody.
  await using second = await startTestNode({ identity: first.identity, topics: ['Goods'], recent })
  await second.neighbor('Goods', a.id)
  await second.node.sendText('Goods', { text: 'back', key: 'k' })
  await a.chat('back')
  // Without them it stays alone: nothing else leads there.
  await using stranger = await startTestNode({ topics: ['Goods'] })
  expect(stranger.node.recentPeers()).toEqual([])
  second.node.setBlocked([a.id])
  expect(second.node.recentPeers()).toEqual([])
})
