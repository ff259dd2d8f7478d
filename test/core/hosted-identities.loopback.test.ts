import { expect, test } from 'vitest'
import { fromUtf8, utf8 } from '../../src/base/bytes.ts'
import { encodeChatMessage } from '../../src/core/k2/json-messages.ts'
import { hostedIdentity } from '../../src/core/keys/hosted-identities.ts'
import { identityOfSeed } from '../../src/core/keys/identity.ts'
import { startGossipForger } from '../support/gossip-forger.ts'
import { startTestNode } from '../support/k2-nodes.ts'

const [ANN, BEN] = ['discord:1', 'telegram:2'] as const

test('ids of people follow from the key of the gateway, and from nothing less', () => {
  const gateway = identityOfSeed(new Uint8Array(32).fill(1))
  const other = identityOfSeed(new Uint8Array(32).fill(2))
  // What K2 has seen of a person stays the same for as long as the key does.
  expect(hostedIdentity(gateway, ANN).id).toBe('a0d046cc89673537be578d1d94c80663a8016ab5f15ad6fd86e3b00ac6b99a65')
  const ids = [gateway, other].flatMap((key) => [ANN, BEN].map((person) => hostedIdentity(key, person).id))
  expect(new Set([...ids, gateway.id, other.id]).size).toBe(6)
})

test('people of one gateway are different senders to another, hosted by it, and get receipts through it', async () => {
  await using b = await startTestNode({ topics: ['Goods'] })
  await using a = await startTestNode({ topics: ['Goods'], peers: [b.ticket], identities: 'hosted' })
  await Promise.all([a.neighbor('Goods', b.id), b.neighbor('Goods', a.id)])
  const say = (person: string | undefined, text: string) =>
    a.node.sendText('Goods', { text, senderName: 'Somebody', key: text, ...(person !== undefined && { person }) })
  for (const [person, text] of [
    [ANN, 'ann 1'],
    [BEN, 'ben 1'],
    [ANN, 'ann 2'],
    [undefined, 'gateway'],
  ] as const)
    await say(person, text)
  await b.chat('gateway')
  const idOf = (person: string) => hostedIdentity(a.identity, person).id
  expect(b.chats().map(({ text, senderId, senderClass, hostId }) => [text, senderId, senderClass, hostId])).toEqual([
    ['ann 1', idOf(ANN), 'hosted', a.id],
    ['ben 1', idOf(BEN), 'hosted', a.id],
    ['ann 2', idOf(ANN), 'hosted', a.id],
    ['gateway', a.id, 'verified', undefined],
  ])
  await expect.poll(() => a.node.stats().receipts.received).toBe(4)
})

test('through a forger: hosted where the host has signed, dropped where it has not, and never our own people', async () => {
  await using a = await startTestNode({ topics: ['Goods'], identities: 'hosted' })
  await using b = await startTestNode({ topics: ['Goods'] })
  await using forger = await startGossipForger()
  const [fromA, toB] = [await forger.hold(a.ticket, 'Goods'), await forger.hold(b.ticket, 'Goods')]
  await Promise.all([a.neighbor('Goods', forger.id), b.neighbor('Goods', forger.id)])
  const has = (text: string) => (content: Uint8Array) => fromUtf8(content)?.includes(text) === true
  const sent = a.node.sendText('Goods', { text: 'signed by the host', key: 'k', person: ANN })
  const original = await fromA.heard(has('signed by the host'))
  await sent
  const ann = hostedIdentity(a.identity, ANN).id
  const changed = (from: string, to: string): Uint8Array => utf8((fromUtf8(original) as string).replaceAll(from, to))

  await toB.say(changed('signed by the host', 'changed'), { type: 'swarm', round: 1 })
  await toB.say(changed(a.id, forger.id), { type: 'swarm', round: 0 }) // as if it were its own
  await toB.say(changed(ann, b.id), { type: 'swarm', round: 1 }) // b speaks
  await toB.say(original, { type: 'swarm', round: 3 })
  await toB.say(encodeChatMessage({ senderId: ann, text: 'unsigned', sentAt: Date.now() }))
  await toB.say(encodeChatMessage({ senderId: ann, text: 'unsigned, from afar', sentAt: Date.now() }), {
    type: 'swarm',
    round: 2,
  })
  await b.chat('unsigned, from afar')
  expect(b.chats().map(({ text, senderId, senderClass, hostId }) => [text, senderId, senderClass, hostId])).toEqual([
    ['signed by the host', ann, 'hosted', a.id],
    ['unsigned', ann, 'hosted', forger.id],
    ['unsigned, from afar', ann, 'claimed', undefined],
  ])
  expect(b.node.stats().dropped).toMatchObject({ 'bad-signature': 2, forged: 1 })

  // In the name of a person of ours, or of us as their host.
  await fromA.say(encodeChatMessage({ senderId: ann, text: 'Ann here', sentAt: Date.now() }))
  await fromA.say(changed(ann, hostedIdentity(b.identity, BEN).id), { type: 'swarm', round: 1 })
  await expect.poll(() => a.node.stats().dropped).toMatchObject({ forged: 2 })
  expect(a.chats()).toEqual([])
})
