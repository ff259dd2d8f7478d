import { expect, test } from 'vitest'
import { fromUtf8, utf8 } from '../../src/base/bytes.ts'
import type { Scope } from '../../src/core/gossip/proto/messages.ts'
import { DIRECT_ALPN, encodeDirectMessage, sendDirect } from '../../src/core/k2/direct-stream.ts'
import type { InboundMarket } from '../../src/core/k2/inbound.ts'
import { encodeChatMessage, encodeMarketMessage } from '../../src/core/k2/json-messages.ts'
import { startGossipForger } from '../support/gossip-forger.ts'
import { startRawPeer, startTestNode, type TestNode } from '../support/k2-nodes.ts'
import { offerForm } from './k2/fixtures.ts'

// Left and right know each other only through the one in the middle, over QUIC: the table of k2-application 7.2, row by row.

const hops = (round: number): Scope => ({ type: 'swarm', round })
const NEIGHBORS: Scope = { type: 'neighbors' }

const offer = (senderId: string, title: string): Uint8Array =>
  encodeMarketMessage({ kind: 'offer', topic: 'Goods', senderId, form: { ...offerForm, title }, sentAt: Date.now() })
const isOffer = (title: string) => (content: Uint8Array) => fromUtf8(content)?.includes(`"${title}"`) === true
const taken = async (node: TestNode, title: string): Promise<InboundMarket> =>
  (await node.message((m) => m.type === 'market' && m.form.title === title)) as InboundMarket

test('a K2 application on the left, a forger in the middle: who is whom on the right', async () => {
  await using right = await startTestNode({ topics: ['Goods'] })
  // As K2 applications do, it signs nothing.
  await using left = await startRawPeer({ peers: [] })
  await using forger = await startGossipForger()
  const leftAddr = left.endpoint.addr()
  const joined = left.join('Goods')
  const toLeft = await forger.hold(ticketOf(left), 'Goods')
  const toRight = await forger.hold(right.ticket, 'Goods')
  const goods = await joined
  await right.neighbor('Goods', forger.id)

  await goods.broadcast(offer(left.id, 'relayed honestly'))
  await toRight.say(await toLeft.heard(isOffer('relayed honestly')), hops(1))
  // Handed over as if it had come straight from here: the one in the middle answers for it.
  await goods.broadcast(offer(left.id, 'relayed as its own'))
  await toRight.say(await toLeft.heard(isOffer('relayed as its own')), hops(0))
  const said: readonly (readonly [string, string, Scope])[] = [
    [left.id, 'in the name of the left', hops(0)],
    [left.id, 'in its name, to neighbours', NEIGHBORS],
    [left.id, 'in its name, from afar', hops(7)],
    [forger.id, 'its own', hops(0)],
    [forger.id, 'its own, to neighbours', NEIGHBORS],
    [forger.id, 'its own, over others', hops(1)],
    ['web-guest-1', 'of a guest', hops(0)],
    ['web-guest-1', 'of a guest, over others', hops(2)],
    [right.id, 'in your own name', hops(0)],
    [right.id, 'in your own name, over others', hops(3)],
  ]
  for (const [senderId, title, scope] of said) await toRight.say(offer(senderId, title), scope)
  await toRight.say(offer(forger.id, 'the last one'))
  await taken(right, 'the last one')

  const classes = right.offers().map((m) => [m.form.title, m.senderClass, m.hostId ?? '-', m.routable])
  expect(classes).toEqual([
    ['relayed honestly', 'claimed', '-', true],
    ['relayed as its own', 'hosted', forger.id, true],
    ['in the name of the left', 'hosted', forger.id, true],
    ['in its name, to neighbours', 'hosted', forger.id, true],
    ['in its name, from afar', 'claimed', '-', true],
    ['its own', 'verified', '-', true],
    ['its own, to neighbours', 'verified', '-', true],
    ['its own, over others', 'claimed', '-', true],
    ['of a guest', 'hosted', forger.id, false],
    ['of a guest, over others', 'claimed', '-', false],
    ['the last one', 'verified', '-', true],
  ])
  expect(right.node.stats().dropped).toMatchObject({ forged: 2 })

  // The claimed sender can be reached after all: its next copy comes straight from it.
  right.node.connectTo({ id: left.id, relays: [], direct: leftAddr.direct })
  await right.neighbor('Goods', left.id)
  await goods.broadcast(offer(left.id, 'first hand'))
  expect(await taken(right, 'first hand')).toMatchObject({ senderId: left.id, senderClass: 'verified' })
})

test('a gateway on the left: what it signed is verified through the forger, changed or replayed it is dropped', async () => {
  await using left = await startTestNode({ topics: ['Goods', 'laptops'] })
  await using right = await startTestNode({ topics: ['Goods', 'laptops'] })
  await using forger = await startGossipForger()
  const fromLeft = await forger.hold(left.ticket, 'Goods')
  const [goods, laptops] = [await forger.hold(right.ticket, 'Goods'), await forger.hold(right.ticket, 'laptops')]
  await Promise.all([left.neighbor('Goods', forger.id), right.neighbor('Goods', forger.id)])
  left.node.publish({ kind: 'offer', topic: 'Goods', form: { ...offerForm, title: 'signed' } })
  const original = await fromLeft.heard(isOffer('signed'))
  await goods.say(utf8(fromUtf8(original)?.replace('"signed"', '"changed"') as string), hops(1))
  await laptops.say(original, hops(1))
  await goods.say(original, hops(1))
  expect(await taken(right, 'signed')).toMatchObject({ senderId: left.id, senderClass: 'verified' })
  await expect.poll(() => right.node.stats().dropped['bad-signature']).toBe(2)
  expect(right.offers().map((m) => m.form.title)).toEqual(['signed'])
})

test('over a connection of its own the sender is who the connection says, whatever the message says', async () => {
  await using right = await startTestNode({ topics: [] })
  await using left = await startTestNode({ topics: [] })
  await using forger = await startRawPeer({ peers: [right.ticket] })
  const direct = await forger.endpoint.dial(right.id, DIRECT_ALPN, { exclusive: true })
  const message = { senderId: left.id, senderName: 'Left', content: 'send me money', sentAt: Date.now() }
  expect(await sendDirect(direct, encodeDirectMessage(message))).toBe('delivered')
  const second = await forger.endpoint.dial(right.id, DIRECT_ALPN, { exclusive: true })
  expect(await sendDirect(second, encodeChatMessage({ senderId: left.id, text: 'and now', sentAt: Date.now() }))).toBe(
    'delivered',
  )
  for (const text of ['send me money', 'and now']) {
    expect(await right.chat(text)).toMatchObject({ senderId: forger.id, senderClass: 'verified', topic: { contact: forger.id } })
  }
})

function ticketOf({
  id,
  endpoint,
}: {
  readonly id: string
  readonly endpoint: { addr(): { readonly direct: readonly string[] } }
}) {
  return `${id}@${endpoint.addr().direct.find((addr) => !addr.startsWith('['))}`
}
