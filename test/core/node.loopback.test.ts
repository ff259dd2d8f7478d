import { describe, expect, test } from 'vitest'
import { fromUtf8, utf8 } from '../../src/base/bytes.ts'
import { cryptoRng } from '../../src/base/random.ts'
import type { InboundMarket } from '../../src/core/k2/inbound.ts'
import { encodeChatMessage, encodeMarketMessage } from '../../src/core/k2/json-messages.ts'
import { createSeal } from '../../src/core/k2/signed-envelope.ts'
import { topicIdOfName } from '../../src/core/k2/topics.ts'
import { newIdentity } from '../../src/core/keys/identity.ts'
import { memoryNetwork, startRawPeer, startTestNode } from '../support/k2-nodes.ts'
import { offerForm } from './k2/fixtures.ts'
import { nodeScenarios } from './node-scenarios.ts'

describe('over QUIC on loopback', () => {
  nodeScenarios(startTestNode, (peers) => startRawPeer({ peers }))
})

test('what arrives over others is claimed, and proven when a copy comes straight from its sender', async () => {
  const network = memoryNetwork()
  await using middle = await startTestNode({ network, topics: ['Goods'] })
  // As K2 applications do, it signs nothing.
  await using left = await startRawPeer({ network, peers: [middle.ticket] })
  await using right = await startTestNode({ network, topics: ['Goods'], peers: [middle.ticket] })
  network.cut(left.id, right.id)
  const goods = await left.join('Goods')
  await Promise.all([middle.neighbor('Goods', left.id), middle.neighbor('Goods', right.id)])
  const publish = (): Promise<void> =>
    goods.broadcast(
      encodeMarketMessage({ kind: 'offer', topic: 'Goods', senderId: left.id, form: offerForm, sentAt: Date.now() }),
    )
  await publish()
  const offer = (await right.message((m) => m.type === 'market')) as InboundMarket
  expect(offer).toMatchObject({ senderId: left.id, senderClass: 'claimed' })
  expect(offer).not.toHaveProperty('hostId')
  network.heal()
  // Offers are repeated with new times.
  const repeats = setInterval(() => void publish().catch(() => {}), 1000)
  try {
    const proven = await right.event(
      (e) =>
        e.type === 'verified' || (e.type === 'message' && e.message.senderId === left.id && e.message.senderClass === 'verified'),
    )
    expect(proven).toBeDefined()
  } finally {
    clearInterval(repeats)
  }
})

test('three in a line with a forger in the middle: what a gateway signed is verified, nothing else in its name is', async () => {
  const network = memoryNetwork()
  await using left = await startTestNode({ network, topics: ['Goods', 'laptops'] })
  await using forger = await startRawPeer({ network, peers: [left.ticket] })
  await using right = await startTestNode({ network, topics: ['Goods', 'laptops'] })
  network.cut(left.id, right.id)
  const [goods, laptops] = [await forger.join('Goods'), await forger.join('laptops')]
  right.node.connectTo({ id: forger.id, relays: [], direct: [] })
  await Promise.all(['Goods', 'laptops'].flatMap((topic) => [left.neighbor(topic, forger.id), right.neighbor(topic, forger.id)]))
  const heard = (async () => {
    for await (const event of goods.events) if (event.type === 'received') return event.content
    throw new Error('the topic ended')
  })()
  await left.node.sendText('Goods', { text: 'signed', senderName: 'Left', key: 'k1' })
  expect(await right.chat('signed')).toMatchObject({ senderId: left.id, senderClass: 'verified', senderName: 'Left' })
  const original = await heard

  // The same line elsewhere, another text under its signature, the signature of somebody else, and none at all.
  const changed = utf8(fromUtf8(original)?.replace('"signed"', '"changed"') as string)
  const seal = createSeal((message) => newIdentity(cryptoRng).sign(message))
  const chat = (text: string) => ({ senderId: left.id, text, sentAt: Date.now() })
  await laptops.broadcast(original)
  await goods.broadcast(changed)
  await goods.broadcast(encodeChatMessage(chat('foreign key'), (object) => seal(topicIdOfName('Goods'), object)))
  await goods.broadcast(encodeChatMessage(chat('unsigned')))
  expect(await right.chat('unsigned')).toMatchObject({ senderId: left.id, senderClass: 'hosted', hostId: forger.id })
  await expect.poll(() => right.node.stats().dropped['bad-signature']).toBe(3)
  expect(right.chats().map((line) => line.text)).toEqual(['signed', 'unsigned'])

  left.node.publish({ kind: 'offer', topic: 'laptops', form: { ...offerForm, topic: 'laptops' } })
  expect(await right.message((m) => m.type === 'market')).toMatchObject({ senderId: left.id, senderClass: 'verified' })
})

test('a blocked peer is heard neither over gossip, nor through others, nor over a connection of its own', async () => {
  const network = memoryNetwork()
  await using node = await startTestNode({ network, topics: ['Goods'] })
  await using friend = await startTestNode({ network, topics: ['Goods'], peers: [node.ticket] })
  await using blocked = await startTestNode({ network, topics: ['Goods'], peers: [node.ticket, friend.ticket] })
  await Promise.all([node.neighbor('Goods', friend.id), node.neighbor('Goods', blocked.id), friend.neighbor('Goods', blocked.id)])
  node.node.setBlocked([blocked.id])
  blocked.node.publish({ kind: 'offer', topic: 'Goods', form: offerForm })
  await friend.message((m) => m.type === 'market')
  const refused = blocked.node.sendDirect(node.id, { text: 'let me in', key: 'k' })
  await expect(refused).rejects.toThrow(expect.objectContaining({ name: 'K2Error' }))
  await friend.node.sendText('Goods', { text: 'only me', key: 'k' })
  await node.chat('only me')
  await expect.poll(() => node.node.stats().dropped.blocked ?? 0, { timeout: 30_000 }).toBeGreaterThan(1)
  expect(node.messages.map((m) => m.senderId)).toEqual([friend.id])
  // Nor is it asked whether it confirms lines.
  const { accepted } = blocked.node.endpoint.stats().router
  await node.node.sendText('Goods', { text: 'to those who are welcome', key: 'k' })
  await friend.chat('to those who are welcome')
  expect(blocked.node.endpoint.stats().router.accepted).toBe(accepted)
  node.node.setBlocked([])
  await blocked.node.sendDirect(node.id, { text: 'thank you', key: 'k2' })
  await node.chat('thank you')
})
