import { expect, test } from 'vitest'
import { fromUtf8 } from '../../src/base/bytes.ts'
import { cryptoRng } from '../../src/base/random.ts'
import type { PeerId } from '../../src/core/ids.ts'
import { MAX_HOSTED_TALKS } from '../../src/core/k2/hosted-talks.ts'
import type { InboundMarket } from '../../src/core/k2/inbound.ts'
import { encodeChatMessage, encodeMarketMessage } from '../../src/core/k2/json-messages.ts'
import { directTopicName } from '../../src/core/k2/topics.ts'
import { hostedIdentity } from '../../src/core/keys/hosted-identities.ts'
import { newIdentity } from '../../src/core/keys/identity.ts'
import { startRawPeer, startTestNode, type TestNode } from '../support/k2-nodes.ts'
import { offerForm } from './k2/fixtures.ts'

// k2-application 2.7, hosted identities: what people offer, and who writes to them, over QUIC.

const [ANN, BEN] = ['discord:1', 'telegram:2'] as const
const wish = { ...offerForm, action: 'buy', title: 'Need one' }
const idOf = (node: TestNode, person: string) => hostedIdentity(node.identity, person).id
const interests = (node: TestNode) => node.offers().filter((m) => m.kind === 'interest')
const offerOf = (node: TestNode, person: string) =>
  node.node.publish({ kind: 'offer', topic: 'Goods', form: { ...offerForm, title: person }, person })
const taken = async (node: TestNode, title: string): Promise<InboundMarket> =>
  (await node.message((m) => m.type === 'market' && m.form.title === title)) as InboundMarket

test('offers of two people are of two senders; an interest reaches one of them, who talks with its sender', async () => {
  await using buyer = await startTestNode({ topics: ['Goods'] })
  await using seller = await startTestNode({ topics: ['Goods'], peers: [buyer.ticket], identities: 'hosted' })
  await Promise.all([seller.neighbor('Goods', buyer.id), buyer.neighbor('Goods', seller.id)])
  const [ann, ben] = [idOf(seller, ANN), idOf(seller, BEN)]
  for (const person of [ANN, BEN]) offerOf(seller, person)
  const withdrawn = seller.node.publish({ kind: 'offer', topic: 'Goods', form: { ...offerForm, title: 'of the node' } })
  for (const [title, senderId] of [
    [ANN, ann],
    [BEN, ben],
  ] as const)
    expect(await taken(buyer, title)).toMatchObject({ senderId, senderClass: 'hosted', hostId: seller.id })
  expect(await taken(buyer, 'of the node')).toMatchObject({ senderId: seller.id, senderClass: 'verified' })
  // Repeats are the same intents, and stop when they are withdrawn.
  await expect.poll(() => seller.node.stats().offers.published, { timeout: 15_000 }).toBeGreaterThanOrEqual(6)
  const keys = new Set(buyer.offers().map((m) => `${m.senderId} ${m.intentKey}`))
  expect(keys.size).toBe(3)
  expect(seller.node.withdraw(withdrawn)).toBe(true)

  await buyer.node.sendInterest({ topic: 'Goods', targetId: ann, form: wish })
  const interest = (await seller.message((m) => m.type === 'market' && m.kind === 'interest')) as InboundMarket
  expect(interest).toMatchObject({ senderId: buyer.id, targetId: ann, forUs: true, forPerson: ANN })
  buyer.node.listenTo(ann)
  const topic = directTopicName(ann, buyer.id)
  await Promise.all([buyer.neighbor(topic, seller.id), seller.neighbor(topic, buyer.id)])
  await buyer.node.sendDirect(ann, { text: 'Still there?', senderName: 'Bo', key: 'k1' })
  const question = await seller.chat('Still there?')
  expect(question).toMatchObject({
    senderId: buyer.id,
    senderClass: 'verified',
    topic: { contact: buyer.id, as: { id: ann, person: ANN } },
  })
  await seller.node.sendDirect(buyer.id, { text: 'It is', senderName: 'Ann', key: 'k2', person: ANN })
  const answer = await buyer.chat('It is')
  expect(answer).toMatchObject({ senderId: ann, senderClass: 'hosted', hostId: seller.id, topic: { contact: ann, name: topic } })
  // Nobody dialed an id that is no node, or took it for a trusted contact; Ben and the node itself talk with nobody.
  expect(buyer.node.contacts()).toEqual([])
  expect(
    seller.node
      .topics()
      .map((t) => t.name)
      .sort(),
  ).toEqual(['Goods', topic].sort())
  expect(interests(seller)).toHaveLength(1)
})

test('people of two gateways talk with each other, each under an id of their own', async () => {
  await using b = await startTestNode({ topics: ['Goods'], identities: 'hosted' })
  await using a = await startTestNode({ topics: ['Goods'], peers: [b.ticket], identities: 'hosted' })
  await Promise.all([a.neighbor('Goods', b.id), b.neighbor('Goods', a.id)])
  const [ann, ben] = [idOf(a, ANN), idOf(b, BEN)]
  offerOf(a, ANN)
  await taken(b, ANN)
  await b.node.sendInterest({ topic: 'Goods', targetId: ann, form: wish, person: BEN })
  b.node.listenTo(ann, BEN)
  expect(await a.message((m) => m.type === 'market' && m.kind === 'interest')).toMatchObject({
    senderId: ben,
    hostId: b.id,
    forPerson: ANN,
  })
  const topic = directTopicName(ann, ben)
  await Promise.all([a.neighbor(topic, b.id), b.neighbor(topic, a.id)])
  await a.node.sendDirect(ben, { text: 'Hello Ben', key: 'k1', person: ANN })
  expect(await b.chat('Hello Ben')).toMatchObject({ senderId: ann, hostId: a.id, topic: { as: { person: BEN } } })
  await b.node.sendDirect(ann, { text: 'Hello Ann', key: 'k2', person: BEN })
  expect(await a.chat('Hello Ann')).toMatchObject({ senderId: ben, hostId: b.id, topic: { as: { person: ANN } } })
})

test('a K2 application: its interest in one person opens their direct topic, and both sides are heard there', async () => {
  await using seller = await startTestNode({ topics: ['Goods'], identities: 'hosted' })
  await using app = await startRawPeer({ peers: [seller.ticket] })
  const goods = await app.join('Goods')
  await seller.neighbor('Goods', app.id)
  const ann = idOf(seller, ANN)
  offerOf(seller, ANN)
  const interest = { kind: 'interest', topic: 'Goods', senderId: app.id, targetId: ann, form: wish } as const
  await goods.broadcast(encodeMarketMessage({ ...interest, sentAt: Date.now() }))
  const topic = directTopicName(ann, app.id)
  await expect.poll(() => seller.node.topics().map((t) => t.name)).toContain(topic)
  const direct = await app.join(topic)
  await seller.neighbor(topic, app.id)
  await direct.broadcast(encodeChatMessage({ senderId: app.id, senderName: 'App', text: 'Is it new?', sentAt: Date.now() }))
  expect(await seller.chat('Is it new?')).toMatchObject({
    senderId: app.id,
    senderClass: 'verified',
    topic: { as: { person: ANN } },
  })
  // Nobody writes to Ann there in another name, nor in hers.
  await direct.broadcast(encodeChatMessage({ senderId: 'a guest', text: 'no', sentAt: Date.now() }))
  await direct.broadcast(encodeChatMessage({ senderId: ann, text: 'no', sentAt: Date.now() }))
  await expect.poll(() => seller.node.stats().dropped).toMatchObject({ 'not-the-contact': 1, forged: 1 })
  await seller.node.sendDirect(app.id, { text: 'As new', senderName: 'Ann', key: 'k', person: ANN })
  for await (const event of direct.events) {
    if (event.type !== 'received') continue
    const line = JSON.parse(fromUtf8(event.content) as string)
    expect(line).toMatchObject({ sender_node_id: ann, content: 'As new', sender_name: 'Ann' })
    break
  }
  expect(seller.chats()).toHaveLength(1)
})

test('a node leaves the conversation longest silent for a new one, and keeps those of contacts', async () => {
  const people = Array.from({ length: MAX_HOSTED_TALKS + 1 }, () => newIdentity(cryptoRng).id)
  await using node = await startTestNode({ topics: [], contacts: [{ id: people[0] as string }], identities: 'hosted' })
  const begun = people.map((peer) => node.node.listenTo(peer, ANN).name)
  await expect
    .poll(() => new Set(node.node.topics().map((t) => t.name)))
    .toEqual(new Set([directTopicName(node.id, people[0] as PeerId), ...begun.slice(1)]))
})

test('with one identity for all nothing changes: the node offers, is asked, and no direct topic begins by itself', async () => {
  await using buyer = await startTestNode({ topics: ['Goods'] })
  await using seller = await startTestNode({ topics: ['Goods'], peers: [buyer.ticket] })
  await Promise.all([seller.neighbor('Goods', buyer.id), buyer.neighbor('Goods', seller.id)])
  offerOf(seller, ANN)
  expect(await taken(buyer, ANN)).toMatchObject({ senderId: seller.id, senderClass: 'verified' })
  await buyer.node.sendInterest({ topic: 'Goods', targetId: seller.id, form: wish, person: BEN })
  const interest = await seller.message((m) => m.type === 'market' && m.kind === 'interest')
  expect(interest).toMatchObject({ senderId: buyer.id, forUs: true })
  expect(interest).not.toHaveProperty('forPerson')
  expect(seller.node.hostedIdOf(ANN)).toBeUndefined()
  expect(seller.node.topics().map((t) => t.name)).toEqual(['Goods'])
  await seller.node.sendDirect(buyer.id, { text: 'hello', key: 'k', person: ANN })
  expect(await buyer.chat('hello')).toMatchObject({ senderId: seller.id, senderClass: 'verified' })
})
