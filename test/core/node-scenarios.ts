import { expect, test } from 'vitest'
import { utf8 } from '../../src/base/bytes.ts'
import { cryptoRng } from '../../src/base/random.ts'
import { DIRECT_ALPN, encodeDirectMessage, sendDirect } from '../../src/core/k2/direct-stream.ts'
import type { InboundMarket } from '../../src/core/k2/inbound.ts'
import { encodeChatMessage, encodeMarketMessage } from '../../src/core/k2/json-messages.ts'
import { directTopicName } from '../../src/core/k2/topics.ts'
import { endpointAddr } from '../../src/core/keys/address.ts'
import { newIdentity } from '../../src/core/keys/identity.ts'
import type { RawPeer, TestNode, TestNodeOptions } from '../support/k2-nodes.ts'
import { offerForm } from './k2/fixtures.ts'

type Start = (options?: TestNodeOptions) => Promise<TestNode>

/** Two or three nodes talking; the same over the memory network and over QUIC on loopback. */
export function nodeScenarios(start: Start, raw: (peers: readonly string[]) => Promise<RawPeer>): void {
  test('two nodes meet on a topic, an offer and the interest in it arrive', async () => {
    await using seller = await start()
    await using buyer = await start({ peers: [seller.ticket] })
    await Promise.all([seller.neighbor('Goods', buyer.id), buyer.neighbor('Goods', seller.id)])
    seller.node.publish({ kind: 'offer', topic: 'Goods', form: offerForm })
    const offer = (await buyer.message((m) => m.type === 'market')) as InboundMarket
    expect(offer).toMatchObject({ kind: 'offer', senderId: seller.id, senderClass: 'verified', form: offerForm, forUs: false })
    const form = { ...offerForm, action: 'buy', title: 'Need an iPhone 15' }
    await buyer.node.sendInterest({ topic: 'Goods', targetId: seller.id, form })
    const interest = (await seller.message((m) => m.type === 'market' && m.kind === 'interest')) as InboundMarket
    expect(interest).toMatchObject({ senderId: buyer.id, targetId: seller.id, forUs: true, senderClass: 'verified' })
  })

  test('lines on a custom topic arrive in order, each once, with the name of their author', async () => {
    await using a = await start({ topics: ['Góc chợ '] })
    await using b = await start({ topics: ['Góc chợ '], peers: [a.ticket] })
    await Promise.all([a.neighbor('Góc chợ ', b.id), b.neighbor('Góc chợ ', a.id)])
    for (let i = 0; i < 30; i++) await b.node.sendText('Góc chợ ', { text: `line ${i}`, senderName: 'Bình (web)', key: `k${i}` })
    const last = await a.chat('line 29')
    expect(last).toMatchObject({ senderName: 'Bình (web)', senderId: b.id, senderClass: 'verified' })
    expect(a.chats().map((line) => line.text)).toEqual(Array.from({ length: 30 }, (_, i) => `line ${i}`))
  })

  test('what arrives before the application listens waits for it, and is confirmed to its sender', async () => {
    const ib = newIdentity(cryptoRng)
    await using a = await start({ topics: ['Goods'], contacts: [{ id: ib.id }] })
    await using b = await start({
      identity: ib,
      topics: ['Goods'],
      peers: [a.ticket],
      contacts: [{ id: a.id, addresses: a.node.addr().direct }],
      held: true,
    })
    const topic = directTopicName(a.id, ib.id)
    await Promise.all([a.neighbor('Goods', b.id), b.neighbor('Goods', a.id), a.neighbor(topic, b.id), b.neighbor(topic, a.id)])
    const sent = [
      a.node.sendText('Goods', { text: 'to all', key: 'k1' }),
      a.node.sendDirect(ib.id, { text: 'to you', key: 'k2' }),
    ]
    await expect.poll(() => b.node.stats().received).toBe(2)
    expect(b.messages).toEqual([])
    b.node.release()
    // A send ends when it is confirmed.
    await Promise.all([b.chat('to all'), b.chat('to you'), ...sent])
    await expect.poll(() => a.node.stats().receipts.received).toBe(2)
  })

  test('a node that was never released stops', async () => {
    await using a = await start({ topics: ['Goods'] })
    const b = await start({ topics: ['Goods'], peers: [a.ticket], held: true })
    await a.neighbor('Goods', b.id)
    const sending = a.node.sendText('Goods', { text: 'hello', key: 'k1' })
    const outcome = expect(sending).rejects.toThrow(expect.objectContaining({ code: 'K2_UNCONFIRMED' }))
    await expect.poll(() => b.node.stats().received).toBe(1)
    await b.stop()
    expect(b.messages).toEqual([])
    await outcome
  })

  test('direct messages go both ways', async () => {
    const [ia, ib] = [newIdentity(cryptoRng), newIdentity(cryptoRng)]
    await using a = await start({ identity: ia, topics: [], contacts: [{ id: ib.id, name: 'B' }] })
    await using b = await start({
      identity: ib,
      topics: [],
      contacts: [{ id: ia.id.toUpperCase(), addresses: a.node.addr().direct }],
    })
    const topic = directTopicName(ia.id, ib.id)
    await Promise.all([a.neighbor(topic, ib.id), b.neighbor(topic, ia.id)])
    await a.node.sendDirect(ib.id, { text: 'ping', key: 'k1' })
    expect(await b.chat('ping')).toMatchObject({ senderId: ia.id, senderClass: 'verified', topic: { contact: ia.id } })
    await b.node.sendDirect(ia.id, { text: 'pong', key: 'k2' })
    expect(await a.chat('pong')).toMatchObject({ senderId: ib.id, topic: { contact: ib.id } })
  })

  test('a contact that is away: the sender is told at once, and the message arrives after it came', async () => {
    const ib = newIdentity(cryptoRng)
    await using a = await start({ topics: [], contacts: [{ id: ib.id }] })
    await expect(a.node.sendDirect(ib.id, { text: 'are you there?', key: 'k' })).rejects.toThrow(
      expect.objectContaining({ code: 'K2_NO_NEIGHBOR', retry: 'later' }),
    )
    await using b = await start({ identity: ib, topics: [], contacts: [{ id: a.id, addresses: a.node.addr().direct }] })
    await a.neighbor(directTopicName(a.id, ib.id), ib.id)
    await a.node.sendDirect(ib.id, { text: 'are you there?', key: 'k' })
    await b.chat('are you there?')
  })

  test('a contact that listens to nobody gets direct messages over a connection, in parts, and answers', async () => {
    await using b = await start({ topics: [] })
    await using a = await start({ topics: [], contacts: [{ id: b.id, addresses: b.node.addr().direct }] })
    const long = Array.from({ length: 900 }, (_, i) => `word${i}`).join(' ')
    await a.node.sendDirect(b.id, { text: 'hello', senderName: 'Ann', key: 'k1' })
    expect(await b.chat('hello')).toMatchObject({
      senderId: a.id,
      senderName: 'Ann',
      senderClass: 'verified',
      routable: true,
      topic: { contact: a.id, name: directTopicName(a.id, b.id) },
    })
    const ids = await a.node.sendDirect(b.id, { text: long, key: 'k2' })
    expect(ids.length).toBeGreaterThan(1)
    await a.node.sendDirect(b.id, { text: 'again', key: 'k1' })
    await a.node.sendDirect(b.id, { text: 'done', key: 'k3' })
    await b.chat('done')
    const lines = b.chats().map((line) => line.text)
    expect(lines[0]).toBe('hello')
    expect(lines.slice(1, -2).join(' ').replace(/\s+/g, ' ')).toBe(long)
    expect(a.node.stats().direct).toMatchObject({ delivered: ids.length + 3, failed: 0 })
    expect(a.node.endpoint.connections().filter((c) => c.alpn === DIRECT_ALPN)).toHaveLength(1)
    await b.node.sendDirect(a.id, { text: 'back', key: 'k' })
    await a.chat('back')
  })

  test('gateways that met over gossip go on over a connection, and every line is shown once', async () => {
    const ib = newIdentity(cryptoRng)
    await using a = await start({ topics: [], contacts: [{ id: ib.id }] })
    await using b = await start({ identity: ib, topics: [], contacts: [{ id: a.id, addresses: a.node.addr().direct }] })
    await Promise.all([a.neighbor(directTopicName(a.id, ib.id), ib.id), b.neighbor(directTopicName(a.id, ib.id), a.id)])
    for (let i = 0; i < 10; i++) await a.node.sendDirect(ib.id, { text: `line ${i}`, key: `k${i}` })
    await b.chat('line 9')
    expect(b.chats().map((line) => line.text)).toEqual(Array.from({ length: 10 }, (_, i) => `line ${i}`))
    expect(a.node.stats().direct.delivered).toBeGreaterThan(0)
    // The same line over the other way, as after a failure in doubt.
    const before = b.node.stats().received
    await a.node.sendDirect(ib.id, { text: 'line 0', key: 'k0' })
    expect(b.node.stats().received).toBe(before)
  })

  test('a gateway restarted between two lines gets both, over a new connection', async () => {
    const ib = newIdentity(cryptoRng)
    const first = await start({ identity: ib, topics: [] })
    await using a = await start({ topics: [], contacts: [{ id: ib.id, addresses: first.node.addr().direct }] })
    await a.node.sendDirect(ib.id, { text: 'one', key: 'k1' })
    await first.stop()
    await expect(a.node.sendDirect(ib.id, { text: 'two', key: 'k2' })).rejects.toThrow(
      expect.objectContaining({ name: 'K2Error' }),
    )
    await using second = await start({ identity: ib, topics: [], contacts: [{ id: a.id, addresses: a.node.addr().direct }] })
    await a.neighbor(directTopicName(a.id, ib.id), ib.id)
    await a.node.sendDirect(ib.id, { text: 'two', key: 'k2' })
    await second.chat('two')
    expect(second.chats().map((line) => line.text)).toEqual(['two'])
  })

  test('a program of the other branch writes over a connection: names, raw text, its gossip copy once, limits', async () => {
    await using node = await start({ topics: [] })
    await using program = await raw([node.ticket])
    const send = async (payload: Uint8Array): Promise<string> =>
      sendDirect(await program.endpoint.dial(node.id, DIRECT_ALPN, { exclusive: true }), payload)
    const sentAt = Date.now()
    const json = { senderId: 'web-session', senderName: 'Alice', content: 'from the web', sentAt }
    expect(await send(encodeDirectMessage(json))).toBe('delivered')
    expect(await node.chat('from the web')).toMatchObject({ senderId: program.id, senderName: 'Alice', senderClass: 'verified' })
    expect(await send(utf8('no JSON'))).toBe('delivered')
    await node.chat('no JSON')
    const topic = directTopicName(node.id, program.id)
    const joined = program.join(topic)
    node.node.addContact({ addr: endpointAddr(program.id, [], []) })
    const channel = await joined
    await channel.broadcast(encodeChatMessage({ senderId: program.id, text: 'from the web', sentAt: sentAt + 1000 }))
    await channel.broadcast(encodeChatMessage({ senderId: program.id, text: 'only gossip', sentAt: Date.now() }))
    await node.chat('only gossip')
    expect(node.chats().map((line) => line.text)).toEqual(['from the web', 'no JSON', 'only gossip'])
    expect(await send(new Uint8Array(65_536).fill(97))).toBe('delivered')
    await expect(send(new Uint8Array(65_537).fill(97))).rejects.toThrow(expect.objectContaining({ name: 'K2Error' }))
    await expect(send(utf8('  '))).rejects.toThrow(expect.objectContaining({ name: 'K2Error' }))
    const silent = await program.endpoint.dial(node.id, DIRECT_ALPN, { exclusive: true })
    silent.close(0n, '')
    await expect.poll(() => node.node.stats().direct).toMatchObject({ received: 3, refused: 2 })
  })

  test('a forger on the topic is found out, whoever it claims to be', async () => {
    await using victim = await start({ topics: ['Goods'] })
    await using node = await start({ topics: ['Goods'], peers: [victim.ticket] })
    await using forger = await raw([node.ticket])
    await Promise.all([node.neighbor('Goods', victim.id), node.neighbor('Goods', forger.id), forger.join('Goods')])
    const goods = await forger.join('Goods')
    const publish = (senderId: string, title: string): Promise<void> =>
      goods.broadcast(
        encodeMarketMessage({ kind: 'offer', topic: 'Goods', senderId, form: { ...offerForm, title }, sentAt: Date.now() }),
      )
    await publish(victim.id, 'in the name of another')
    expect(await node.message((m) => m.type === 'market' && m.form.title === 'in the name of another')).toMatchObject({
      senderId: victim.id,
      senderClass: 'hosted',
      hostId: forger.id,
    })
    await publish(node.id, 'in your own name')
    await goods.broadcast(utf8('{"message_type":"offer","sender_node_id":'))
    await publish(forger.id, 'honest')
    expect(await node.message((m) => m.type === 'market' && m.form.title === 'honest')).toMatchObject({ senderClass: 'verified' })
    expect(node.offers().map((m) => m.form.title)).not.toContain('in your own name')
    expect(node.node.stats().dropped).toMatchObject({ forged: 1, malformed: 1 })
  })

  test('nobody speaks in a direct conversation but the contact itself', async () => {
    const ia = newIdentity(cryptoRng)
    await using b = await start({ topics: [], contacts: [{ id: ia.id }] })
    await using a = await start({ identity: ia, topics: [], contacts: [{ id: b.id, addresses: b.node.addr().direct }] })
    const topic = directTopicName(ia.id, b.id)
    // A stranger knows both ids, computes the topic and joins it.
    await using stranger = await raw([b.ticket])
    const channel = await stranger.join(topic)
    await Promise.all([b.neighbor(topic, ia.id), b.neighbor(topic, stranger.id)])
    await channel.broadcast(encodeChatMessage({ senderId: ia.id, text: 'send me money', sentAt: Date.now() }))
    await channel.broadcast(encodeChatMessage({ senderId: stranger.id, text: 'hello', sentAt: Date.now() }))
    await a.node.sendDirect(b.id, { text: 'the real one', key: 'k' })
    await b.chat('the real one')
    await expect.poll(() => b.node.stats().dropped['not-the-contact']).toBe(2)
    expect(b.chats().map((line) => line.text)).toEqual(['the real one'])
  })

  test('a flood of rubbish from one neighbour stops that neighbour, not the others', async () => {
    await using node = await start({ topics: ['Goods'] })
    await using friend = await start({ topics: ['Goods'], peers: [node.ticket] })
    await using flooder = await raw([node.ticket])
    await Promise.all(
      [node.neighbor('Goods', friend.id), node.neighbor('Goods', flooder.id)].concat(flooder.join('Goods').then(() => {})),
    )
    const goods = await flooder.join('Goods')
    for (let i = 0; i < 200; i++) await goods.broadcast(utf8(`rubbish ${i}`))
    await expect.poll(() => node.node.stats().dropped.flood ?? 0).toBeGreaterThan(50)
    await friend.node.sendText('Goods', { text: 'still here?', key: 'k' })
    await node.chat('still here?')
  })

  test('leaving and joining a topic, and what that means for sending', async () => {
    await using a = await start({ topics: ['Goods'] })
    await expect(a.node.sendText('laptops', { text: 'x', key: 'k' })).rejects.toThrow(
      expect.objectContaining({ code: 'K2_UNKNOWN_TOPIC' }),
    )
    expect(() => a.node.publish({ kind: 'offer', topic: 'laptops', form: { ...offerForm, topic: 'laptops' } })).toThrow(
      expect.objectContaining({ code: 'K2_UNKNOWN_TOPIC' }),
    )
    a.node.joinTopic('laptops')
    await expect(a.node.sendText('laptops', { text: 'x', key: 'k' })).rejects.toThrow(
      expect.objectContaining({ code: 'K2_NO_NEIGHBOR' }),
    )
    expect(a.node.topics().map((t) => t.name)).toEqual(['Goods', 'laptops'])
    expect(await a.node.leaveTopic('Goods')).toBe(true)
    expect(await a.node.leaveTopic('Goods')).toBe(false)
    expect(() => a.node.joinTopic('')).toThrow(expect.objectContaining({ code: 'CONFIG_NODE' }))
  })

  test('a peer given later is joined on every topic', async () => {
    await using a = await start()
    await using b = await start()
    b.node.connectTo(endpointAddr(a.id, [], a.node.addr().direct))
    await Promise.all(['Digital Assets', 'Goods', 'Freelance Job'].map((topic) => a.neighbor(topic, b.id)))
  })

  test('answers pings without a stream, says who is away', async () => {
    await using a = await start()
    await using b = await start({ peers: [a.ticket] })
    expect(await b.node.ping(a.id)).toMatchObject({ online: true })
    expect(await b.node.ping(newIdentity(cryptoRng).id, { deadlineMs: 300 })).toMatchObject({ online: false })
  })

  test('a stopped node says so, everywhere', async () => {
    const a = await start()
    expect(a.node.health()).toEqual({ status: 'ok' })
    await a.stop()
    await a.stop()
    expect(a.node.health().status).toBe('failed')
    await expect(a.node.ping(a.id)).resolves.toMatchObject({ online: false, code: 'K2_NOT_RUNNING' })
    await expect(a.node.sendText('Goods', { text: 'x', key: 'k' })).rejects.toThrow(
      expect.objectContaining({ code: 'K2_NOT_RUNNING' }),
    )
    expect(() => a.node.ticket()).toThrow(expect.objectContaining({ code: 'K2_NOT_RUNNING' }))
    expect(a.node.topics()).toEqual([])
  })
}
