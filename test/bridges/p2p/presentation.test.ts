import { expect, test } from 'vitest'
import { chatEnvelope, intentEnvelope } from '../../../src/bridges/p2p/inbound.ts'
import { IntentBook } from '../../../src/bridges/p2p/intent-book.ts'
import { marketCard, peerDisplayName } from '../../../src/bridges/p2p/presentation.ts'
import { line, NOW, offer, PEER } from './fixtures.ts'

const nobody = (): undefined => undefined
const context = { account: 'self', contactName: nobody, now: NOW + 5 }
const intent = (message = offer(), state: 'active' | 'expired' = 'active'): Parameters<typeof marketCard>[0] => ({
  nativeId: 'n1',
  message,
  state,
  heardAt: NOW,
})

test.each([
  [{ senderClass: 'verified', senderName: 'Alice' }, 'Alice'],
  [{ senderClass: 'verified' }, 'Peer 8a88e3dd'],
  [{ senderClass: 'claimed', senderName: 'Alice' }, 'Alice (8a88e3dd)'],
  [{ senderClass: 'claimed' }, 'Peer (8a88e3dd)'],
  [{ senderClass: 'hosted', senderName: 'Bob', hostId: 'cafe0123'.padEnd(64, '0') }, 'Bob (8a88e3dd via cafe0123)'],
  [{ senderClass: 'claimed', senderName: '\u202eecilA\n\u200b (deadbeef)' }, 'ecilA (deadbeef) (8a88e3dd)'],
] as const)('names a sender %j as %s', (peer, name) => {
  expect(peerDisplayName({ senderId: PEER, ...peer }, nobody)).toBe(name)
})

test('a contact is called by our name only when it is proven', () => {
  const contacts = (id: string): string | undefined => (id === PEER ? 'Grandma' : undefined)
  expect(peerDisplayName({ senderId: PEER, senderClass: 'verified' }, contacts)).toBe('Grandma')
  expect(peerDisplayName({ senderId: PEER, senderClass: 'claimed' }, contacts)).toBe('Peer (8a88e3dd)')
})

test('an offer becomes a card of readable lines', () => {
  expect(marketCard(intent(), nobody)).toEqual({
    kind: 'offer',
    topic: 'Goods',
    intentKey: 'key-1',
    title: '🏷 Offer: iPhone 15 Pro',
    lines: [
      'Selling · 700–1\u202f800 USD',
      'Goods › Electronics & Devices',
      '📍 Hà Nội · new · Apple',
      'Unlocked, boxed',
      'From Peer 8a88e3dd',
    ],
  })
})

test('an expired, unproven, half-empty offer still reads well', () => {
  const bare = offer({ senderClass: 'claimed', form: { description: 'A\nB' } })
  expect(marketCard(intent(bare, 'expired'), nobody)).toMatchObject({
    title: '⌛ Expired · 🏷 Offer: A B',
    lines: ['Goods', 'From Peer (8a88e3dd) · unverified'],
  })
})

test.each([
  [{ min: 0, max: 0 }, ''],
  [{ min: 5, max: 5, currency: 'EUR' }, '5 EUR'],
  [{ min: 0, max: 1234567.891, currency: 'VND' }, 'up to 1\u202f234\u202f567.89 VND'],
  [{ min: 10 }, 'from 10'],
])('prints the price %j as %j', (priceRange, text) => {
  const [first] = marketCard(intent(offer({ form: { action: 'sell', title: 'x', priceRange } })), nobody).lines
  expect(first).toBe(text === '' ? 'Selling' : `Selling · ${text}`)
})

test('hostile forms give short single lines and never an exception', () => {
  const form = {
    title: '\u202e\u0000'.repeat(50),
    description: `x\n`.repeat(2000),
    location: 5,
    selection: 'no',
    priceRange: null,
    action: { toString: 1 },
    brand: 'b'.repeat(4000),
  }
  const card = marketCard(intent(offer({ form })), nobody)
  for (const text of [card.title, ...card.lines]) {
    expect(text).not.toMatch(/[\n\u202e\u0000]/)
    expect(text.length).toBeLessThan(450)
  }
})

test('a direct message and a topic line become events with stable ids', () => {
  const direct = chatEnvelope(line(), context)
  expect(direct).toMatchObject({
    at: { network: 'p2p', account: 'self', channel: `dm:${PEER}` },
    msg: { id: 'c1' },
    author: { key: `p2p:${PEER}`, displayName: 'Peer 8a88e3dd', kind: 'peer', isBot: false, senderClass: 'verified' },
    occurredAt: NOW,
    receivedAt: NOW + 5,
    event: { kind: 'message.create', body: { rich: { text: 'Hello!', spans: [] } } },
    via: [],
  })
  expect(chatEnvelope(line(), { ...context, now: NOW + 99 }).eventId).toBe(direct.eventId)
  expect(chatEnvelope(line({ topic: 'Goods' }), context)).toMatchObject({ at: { channel: 'Goods' } })
})

test('unproven senders get no link previews, invisible characters go, web attachments become names', () => {
  const body = (text: string, senderClass: 'claimed' | 'verified' = 'verified'): unknown =>
    (chatEnvelope(line({ text, senderClass }), context).event as { body: unknown }).body
  expect(body('hi', 'claimed')).toMatchObject({ noPreview: true })
  expect(body('hi')).not.toHaveProperty('noPreview')
  expect(body('a\u202eb\u200b')).toMatchObject({ rich: { text: 'ab' } })
  expect(body('\u200b')).toMatchObject({ rich: { text: '(message without visible text)' } })
  expect(body('__ATTACH__:{"url":"/x","filename":"cat.png","size":5}')).toMatchObject({ rich: { text: '📎 cat.png' } })
  expect(body('__ATTACH__:{nonsense}')).toMatchObject({ rich: { text: '__ATTACH__:{nonsense}' } })
})

test('an intent becomes a created message and deterministic edits of it', () => {
  const book = new IntentBook()
  const [created] = book.observe(offer(), NOW)
  const create = intentEnvelope(created!, context)
  expect(create).toMatchObject({ event: { kind: 'message.create', body: { card: { kind: 'offer' } } }, at: { channel: 'Goods' } })
  const [expired] = book.sweep(NOW + 60_000)
  const edit = intentEnvelope(expired!, context)
  expect(edit).toMatchObject({
    msg: create.msg,
    event: { kind: 'message.edit', editedAt: NOW + 60_000, body: { card: { title: expect.stringContaining('Expired') } } },
  })
  expect(intentEnvelope(expired!, { ...context, now: NOW + 999_999 }).eventId).toBe(edit.eventId)
  expect(edit.eventId).not.toBe(create.eventId)
})
