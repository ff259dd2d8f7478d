import { strict as assert } from 'node:assert'
import type { LabNode } from '../lab/lab-node.ts'
import { refusal } from '../lab/lab-node.ts'
import { ALL_PAIRS, BOTH_WAYS, type Scenario, sides } from '../lab/scenario.ts'
import { neighbors } from './gossip-basic.ts'

const hex = (text: string): string => Buffer.from(text).toString('hex')
const FOLDER_TICKET =
  'docaaacaaydambqgaydambqgaydambqgaydambqgaydambqgaydambqgaydagfiry65oqe7dfp5klns2pf2lvzmuzyjx4ozieq36n2iqanub5xvyaa'

const topics: Scenario = {
  name: 'k2.topics',
  what: 'topic ids, tracker keys and direct-message topics are the same on both sides',
  directions: BOTH_WAYS,
  async run(lab, direction) {
    const [first, second] = sides(direction)
    const [a, b] = await Promise.all([lab.node(first), lab.node(second)])
    for (const name of ['Digital Assets', 'Goods', 'Freelance Job', 'Goods ', 'Đồ cũ']) {
      const ask = (node: LabNode): Promise<unknown> => node.peer.call('k2.topic', { name })
      assert.deepEqual(await ask(a), await ask(b))
    }
    const dm = (node: LabNode, x: string, y: string): Promise<unknown> => node.peer.call('k2.dm_topic', { a: x, b: y })
    assert.deepEqual(await dm(a, a.id, b.id), await dm(b, b.id, a.id))
    return undefined
  },
}

const OFFER = {
  Offer: {
    id: 'K2-18BCFE56800-DEADBEEF',
    node_id: 'test-node',
    topic: 'Goods',
    action: 'sell',
    subtopic: null,
    category: 'Điện thoại',
    skill: null,
    title: 'iPhone 15',
    description: 'boxed',
    price_min: 50_000,
    price_max: 5_000_000_000,
    currency: 'VND',
    timestamp: 1_750_464_000,
  },
}
const MATCH = { Match: { offer_id: 'K2-1', request_id: 'K2-2' } }

const market: Scenario = {
  name: 'k2.postcard-messages',
  what: 'postcard marketplace messages published on a topic are read on the other side',
  directions: ALL_PAIRS,
  async run(lab, direction) {
    const { a, b, ta, tb } = await neighbors(lab, direction)
    for (const message of [OFFER, MATCH]) {
      const { hex: bytes } = await a.peer.call<{ hex: string }>('k2.market_encode', { message })
      await ta.broadcast({ hex: bytes })
      const got = await tb.received(bytes)
      assert.deepEqual(await b.peer.call('k2.market_decode', { hex: got.data }), message)
    }
    return undefined
  },
}

const invitation: Scenario = {
  name: 'invite.invitation',
  what: 'an invitation is stored and answered with 1; status queries give pending, accepted, left, rejected',
  directions: ALL_PAIRS,
  awaits: 'invite',
  async run(lab, direction) {
    const [first, second] = sides(direction)
    const [a, b] = await Promise.all([lab.node(first), lab.node(second)])
    const folder_id = lab.topic()
    const ask = async (): Promise<unknown> =>
      (await a.peer.call<{ meaning: string }>('invite.query', { peer: b.address, folder_id })).meaning
    assert.equal(await ask(), 'rejected')
    const sent = await a.peer.call<{ stored: boolean }>('invite.send', {
      peer: b.address,
      folder_id,
      folder_name: 'Ảnh',
      ticket: FOLDER_TICKET,
    })
    assert.equal(sent.stored, true)
    await b.peer.next('an invitation', (e) => e.event === 'invite.received' && e.folder_name === 'Ảnh' && e.from === a.id)
    assert.equal(await ask(), 'pending')
    for (const [status, meaning] of [
      ['accepted', 'accepted'],
      ['left', 'left'],
      ['unknown', 'rejected'],
    ] as const) {
      await b.peer.call('invite.set', { folder_id, status })
      assert.equal(await ask(), meaning)
    }
    return undefined
  },
}

const badInvitation: Scenario = {
  name: 'invite.refused',
  what: 'a ticket that is none, and a request above 1,024 bytes: no answer; pings do no harm',
  directions: ALL_PAIRS,
  awaits: 'invite',
  async run(lab, direction) {
    const [first, second] = sides(direction)
    const [a, b] = await Promise.all([lab.node(first), lab.node(second)])
    await a.peer.call('invite.ping', { peer: b.address })
    const send = (folder_name: string, ticket: string): Promise<unknown> =>
      a.peer.call('invite.send', { peer: b.address, folder_id: lab.topic(), folder_name, ticket })
    await refusal(send('Photos', 'docnothing'))
    await refusal(send('x'.repeat(2_000), FOLDER_TICKET))
    await send('Photos', FOLDER_TICKET)
    return undefined
  },
}

const dmAlpn: Scenario = {
  name: 'dm.alpn',
  what: 'a direct message over its own ALPN: authenticated sender, content, name; text that is no JSON, or of many packets',
  directions: ALL_PAIRS,
  awaits: 'dm',
  async run(lab, direction) {
    const [first, second] = sides(direction)
    const [a, b] = await Promise.all([lab.node(first), lab.node(second)])
    const payload = JSON.stringify({ content: 'Xin chào', sender_name: 'Alice', sender_node_id: 'session', timestamp: 1 })
    await a.peer.call('dm.send', { peer: b.address, payload })
    const got = await b.peer.next('a direct message', (e) => e.event === 'dm.received')
    assert.deepEqual([got.from, got.content, got.sender_name], [a.id, 'Xin chào', 'Alice'])
    // Many packets: the acceptor of the original ends its half at the first of them.
    const long = 'long '.repeat(12_000)
    await a.peer.call('dm.send', { peer: b.address, payload: long })
    await b.peer.next('all of a long message', (e) => e.event === 'dm.received' && e.content === long)
    await a.peer.call('dm.send', { peer: b.address, payload: 'no JSON' })
    await b.peer.next('raw text', (e) => e.event === 'dm.received' && e.content === 'no JSON' && e.sender_name === 'Unknown')
    return undefined
  },
}

const dmGossip: Scenario = {
  name: 'dm.gossip',
  what: 'a chat message over the topic of both ids',
  directions: ALL_PAIRS,
  async run(lab, direction) {
    const [first, second] = sides(direction)
    const [a, b] = await Promise.all([lab.node(first), lab.node(second)])
    await a.knows(b)
    const dm = async (node: LabNode): Promise<string> =>
      (await node.peer.call<{ topic: string }>('k2.dm_topic', { a: a.id, b: b.id })).topic
    const tb = await b.subscribe(await dm(b))
    const ta = await a.subscribe(await dm(a), [b])
    await Promise.all([ta.up(b), tb.up(a)])
    const chat = (id: string): string =>
      JSON.stringify({ content: 'Hello!', sender_node_id: id, timestamp: 1, type: 'chat_message' })
    await ta.broadcast({ text: chat(a.id) })
    await tb.received(hex(chat(a.id)))
    await tb.broadcast({ text: chat(b.id) })
    await ta.received(hex(chat(b.id)))
    return undefined
  },
}

const online: Scenario = {
  name: 'k2.online',
  what: 'a node is online while it runs and not after its end; started again with its key it is the same, and online again',
  directions: ALL_PAIRS,
  limitMs: 120_000,
  async run(lab, direction) {
    const [first, second] = sides(direction)
    const secret = '07'.repeat(32)
    const [a, b] = await Promise.all([lab.node(first), lab.node(second, { bind: { secret } })])
    const { id } = b
    await a.peer.call('invite.ping', { peer: b.address })
    await b.peer.call('node.close')
    // A dial ends after 30 s at the latest; applications give up after ten.
    await refusal(a.peer.call('invite.ping', { peer: { id, addrs: b.address.addrs } }, 45_000))
    await b.bind({ secret })
    assert.equal(b.id, id)
    await a.peer.call('invite.ping', { peer: b.address })
    await b.peer.call('invite.ping', { peer: a.address })
    return undefined
  },
}

export const k2: readonly Scenario[] = [topics, online, market, invitation, badInvitation, dmAlpn, dmGossip]
