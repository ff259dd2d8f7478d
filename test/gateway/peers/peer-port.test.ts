import { beforeEach, expect, test } from 'vitest'
import { type Deferred, deferred } from '../../../src/base/async.ts'
import { EventHub } from '../../../src/base/event-hub.ts'
import { nullLogger } from '../../../src/base/logger.ts'
import type { PeerUpdate } from '../../../src/bridges/p2p/index.ts'
import type { InboundMessage, K2Event, PeerId, TextToSend, TopicId } from '../../../src/core/index.ts'
import { endpointAddr } from '../../../src/core/keys/address.ts'
import { NodePeerPort, type PeerNode, peerChannel } from '../../../src/gateway/peers/index.ts'
import { A, B, NOW } from '../../core/k2/fixtures.ts'

const goods = { id: 'f'.repeat(64) as TopicId, name: 'Goods' }
let hub: EventHub<K2Event>
let confirmed: string[]
let refused: string[]
let sent: { to: string; text: TextToSend }[]
let port: NodePeerPort

beforeEach(() => {
  hub = new EventHub()
  confirmed = []
  refused = []
  sent = []
  const node: PeerNode = {
    id: A,
    subscribe: (options) => hub.subscribe(options),
    confirm: (message) => void confirmed.push(message.text),
    refuse: (message) => void refused.push(message.type === 'chat' ? message.text : message.type),
    sendText: async (to, text) => {
      sent.push({ to, text })
      return ['id' as never]
    },
    sendDirect: async (to, text) => {
      sent.push({ to, text })
      return ['id' as never]
    },
    health: () => ({ status: 'ok' }),
  }
  port = new NodePeerPort(node, nullLogger)
})

const chat = (text: string, extra: object = {}): K2Event => ({
  type: 'message',
  message: {
    type: 'chat',
    topic: goods,
    senderId: B,
    routable: true,
    senderClass: 'verified',
    sentAt: NOW,
    messageId: text as never,
    text,
    ...extra,
  } as InboundMessage,
})

const settle = async (): Promise<void> => {
  for (let i = 0; i < 50; i++) await Promise.resolve()
}

test('handlers are called in order, 64 at a time, and the source waits for the rest', async () => {
  const running: { text: string; done: Deferred<void> }[] = []
  port.subscribe((event) => {
    const done = deferred<void>()
    running.push({ text: (event as { message: { text: string } }).message.text, done })
    return done.promise
  })
  for (let i = 0; i < 200; i++) await hub.publish(chat(`${i}`))
  await expect.poll(() => running.length).toBe(64)
  await settle()
  expect(running.map((one) => one.text)).toEqual(Array.from({ length: 64 }, (_, i) => `${i}`))
  expect(confirmed).toEqual([])
  for (const one of [...running]) one.done.resolve()
  await expect.poll(() => running.length).toBe(128)
  expect(confirmed).toHaveLength(64)
})

test('a full window and a full queue hold the node back instead of losing messages', async () => {
  const release = deferred<void>()
  const seen: string[] = []
  port.subscribe((event) => {
    seen.push((event as { message: { text: string } }).message.text)
    return release.promise
  })
  let published = 0
  const publishing = (async () => {
    for (let i = 0; i < 2000; i++) {
      await hub.publish(chat(`${i}`))
      published++
    }
  })()
  for (let i = 0; i < 100; i++) await settle()
  expect(published).toBeLessThan(1200)
  release.resolve()
  await publishing
  await expect.poll(() => confirmed.length).toBe(2000)
  expect(seen).toEqual(Array.from({ length: 2000 }, (_, i) => `${i}`))
})

test('a message that was not stored is not confirmed, and another attempt of it is welcome', async () => {
  port.subscribe(async () => {
    throw new Error('stopping')
  })
  await hub.publish(chat('x'))
  await settle()
  expect(confirmed).toEqual([])
  expect(refused).toEqual(['x'])
})

test('a line counts as stored when the one who stores it says so, whoever else listens', async () => {
  const stored = deferred<void>()
  const heard: string[] = []
  port.observe(async (event) => void heard.push((event as { message: { text: string } }).message.text))
  port.subscribe(() => stored.promise)
  await hub.publish(chat('x'))
  await settle()
  expect(heard).toEqual(['x'])
  expect(confirmed).toEqual([])
  stored.resolve()
  await settle()
  expect(confirmed).toEqual(['x'])
})

test('after unsubscribing nothing is handed over, and what waits is given back', async () => {
  const first = deferred<void>()
  let calls = 0
  const unsubscribe = port.subscribe(() => {
    calls++
    return first.promise
  })
  for (let i = 0; i < 66; i++) await hub.publish(chat(`${i}`))
  await expect.poll(() => calls).toBe(64)
  unsubscribe()
  first.resolve()
  await expect.poll(() => refused.length).toBe(1)
  expect(calls).toBe(65)
})

test('tells the bridge what it needs, in its words', async () => {
  const seen: PeerUpdate[] = []
  port.subscribe(async (event) => void seen.push(event))
  await hub.publish(chat('line', { senderName: 'Bo', mark: { key: 'k', attempt: 0, via: ['aa'] } }))
  await hub.publish(chat('direct', { topic: { ...goods, contact: B } }))
  await hub.publish({
    type: 'message',
    message: {
      type: 'market',
      kind: 'interest',
      topic: goods,
      senderId: 'guest',
      routable: false,
      senderClass: 'hosted',
      hostId: B as PeerId,
      sentAt: NOW,
      messageId: 'm' as never,
      targetId: A,
      forUs: true,
      form: { title: 'x', sender_name: 'Guest' },
      intentKey: 'i' as never,
      suspicious: false,
    },
  })
  await hub.publish({ type: 'verified', messageId: 'm' as never, peer: B })
  await hub.publish({ type: 'neighborUp', topic: goods, peer: B })
  await hub.publish({
    type: 'message',
    message: { type: 'unknown', topic: goods, senderId: B, senderClass: 'verified', messageId: 'u' as never, object: {} },
  })
  await settle()
  expect(seen).toEqual([
    {
      kind: 'chat',
      message: {
        peerId: B,
        topic: 'Goods',
        senderName: 'Bo',
        senderClass: 'verified',
        text: 'line',
        sentAt: NOW,
        messageId: 'line',
        via: ['aa'],
      },
    },
    { kind: 'chat', message: { peerId: B, senderClass: 'verified', text: 'direct', sentAt: NOW, messageId: 'direct' } },
    {
      kind: 'market',
      message: {
        kind: 'interest',
        topic: 'Goods',
        senderId: 'guest',
        senderName: 'Guest',
        senderClass: 'hosted',
        hostId: B,
        targetId: A,
        form: { title: 'x', sender_name: 'Guest' },
        sentAt: NOW,
        intentKey: 'i',
        messageId: 'm',
      },
    },
    { kind: 'verified', messageId: 'm' },
  ])
})

test('sends texts with their key, to topics and to contacts in any form of id', async () => {
  const text = { text: 'hi', senderName: 'Al', messageKey: 'key', via: ['aa'] }
  expect(await port.sendTopicText('Goods', text)).toEqual({ messageIds: ['id'] })
  await port.sendDirectText(B.toUpperCase(), text)
  expect(sent).toEqual([
    { to: 'Goods', text: { text: 'hi', senderName: 'Al', key: 'key', via: ['aa'] } },
    { to: B, text: { text: 'hi', senderName: 'Al', key: 'key', via: ['aa'] } },
  ])
  await expect(port.sendDirectText('nobody', text)).rejects.toThrow(expect.objectContaining({ code: 'KEY_BAD_ID' }))
})

test('direct places name contacts or ids, topics stay as they are', () => {
  const contacts = [
    { addr: endpointAddr(B), name: 'Bình' },
    { addr: endpointAddr(A), name: 'twin' },
    { addr: endpointAddr(B), name: 'twin' },
  ]
  expect(peerChannel('Góc chợ ', contacts)).toBe('Góc chợ ')
  expect(peerChannel('dm:bình', contacts)).toBe(`dm:${B}`)
  expect(peerChannel(`dm:${A.toUpperCase()}`, contacts)).toBe(`dm:${A}`)
  for (const channel of ['dm:twin', 'dm:nobody', 'dm:']) {
    expect(() => peerChannel(channel, contacts)).toThrow(expect.objectContaining({ code: 'CONFIG_PLACE' }))
  }
  expect(() => peerChannel('dm:nobody', contacts)).toThrow('"nobody" is neither a contact of the configuration nor a node id')
})
