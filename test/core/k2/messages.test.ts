import { blake3 } from '@noble/hashes/blake3.js'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fromHex, fromUtf8, toHex, utf8 } from '../../../src/base/bytes.ts'
import { isK2Error } from '../../../src/base/errors.ts'
import { decodeContent } from '../../../src/core/k2/decode.ts'
import { chatIdentityBytes, encodeChatMessage, encodeMarketMessage } from '../../../src/core/k2/json-messages.ts'
import { canonicalJson, escapedBytes } from '../../../src/core/k2/json-writer.ts'
import { decodePostcard, encodePostcard, type PostcardMessage } from '../../../src/core/k2/postcard-messages.ts'
import { A, B, CHAT_JSON, INTEREST_JSON, idOf, NOW, OFFER_JSON, offerForm } from './fixtures.ts'

const topicContext = { direct: false, idOf }
const read = (value: object | string, direct = false): unknown =>
  decodeContent(utf8(typeof value === 'string' ? value : JSON.stringify(value)), { direct, idOf })

test('writes the offer of the specification byte for byte', () => {
  const bytes = encodeMarketMessage({ kind: 'offer', topic: 'Goods', senderId: A, form: offerForm, sentAt: NOW })
  expect(fromUtf8(bytes)).toBe(OFFER_JSON)
  expect(bytes).toHaveLength(407)
  expect(toHex(blake3(bytes))).toBe('9c87a30a96e8c0379546f05a3d321390516ca7d37699e4b538d5460b7e8fe628')
})

test('writes the interest of the specification byte for byte', () => {
  const form = {
    topic: 'Goods',
    action: 'buy',
    title: 'Need an iPhone 15',
    description: '',
    location: '',
    condition: 'any',
    priceRange: { min: 500, max: 750, currency: 'USD' },
    selection: { subtopic: 'Electronics & Devices' },
  }
  const bytes = encodeMarketMessage({ kind: 'interest', topic: 'Goods', senderId: B, targetId: A, form, sentAt: NOW + 5000 })
  expect(fromUtf8(bytes)).toBe(INTEREST_JSON)
  expect(bytes).toHaveLength(457)
  expect(toHex(blake3(bytes))).toBe('57f9038717de573703f2b8fa4d9f4a8c66f592e441ecebb09f6b31cc1dc35b66')
})

test('writes the chat message of the specification byte for byte', () => {
  const bytes = encodeChatMessage({ senderId: A, text: 'Hello!', sentAt: 1750464000123 })
  expect(fromUtf8(bytes)).toBe(CHAT_JSON)
  expect(bytes).toHaveLength(152)
  expect(toHex(blake3(bytes))).toBe('04be2e33360d874ab53a22ec90adf593832f4ecffd3357b5c2b4036abf6857e5')
})

test('reads the vectors back', () => {
  expect(read(OFFER_JSON)).toEqual({
    kind: 'offer',
    topic: 'Goods',
    senderId: A,
    routable: true,
    form: offerForm,
    sentAt: NOW,
  })
  expect(read(INTEREST_JSON)).toMatchObject({ kind: 'interest', senderId: B, targetId: A, sentAt: NOW + 5000 })
  expect(read(CHAT_JSON)).toEqual({ kind: 'chat', senderId: A, routable: true, text: 'Hello!', sentAt: 1750464000123 })
})

test.each([
  ['Goods', 'offer', 3897],
  ['Digital Assets', 'offer', 3888],
  ['Freelance Job', 'offer', 3889],
  ['Goods', 'interest', 3810],
] as const)('the form budget on %s for an %s is %d bytes', (topic, kind, budget) => {
  const message = (fill: number): Parameters<typeof encodeMarketMessage>[0] => ({
    kind,
    topic,
    senderId: A,
    ...(kind === 'interest' && { targetId: B }),
    form: { ...offerForm, topic, description: 'x'.repeat(fill) },
    sentAt: NOW,
  })
  const fill = budget - utf8(canonicalJson({ ...offerForm, topic, description: '' })).length
  expect(encodeMarketMessage(message(fill))).toHaveLength(4057)
  expect(() => encodeMarketMessage(message(fill + 1))).toThrow(expect.objectContaining({ code: 'K2_TOO_LARGE' }))
})

test('the chat budget is 3,911 bytes, with a name 3,894 for both', () => {
  const chat = (length: number, senderName?: string): Uint8Array =>
    encodeChatMessage({ senderId: A, text: 'x'.repeat(length), sentAt: NOW, ...(senderName !== undefined && { senderName }) })
  expect(chat(3911)).toHaveLength(4057)
  expect(() => chat(3912)).toThrow(expect.objectContaining({ code: 'K2_TOO_LARGE' }))
  expect(chat(3894 - 5, 'Alice')).toHaveLength(4057)
})

test.each([
  ['seconds', { timestamp: 1_750_464_000 }, NOW],
  ['milliseconds by mistake', { timestamp: NOW }, NOW],
  ['none', {}, undefined],
  ['zero', { timestamp: 0 }, undefined],
  ['text', { timestamp: '1750464000' }, undefined],
  ['beyond all dates', { timestamp: 1e17 }, undefined],
])('reads an offer timestamp: %s', (_, extra, sentAt) => {
  expect(read({ message_type: 'offer', sender_node_id: A, form_data: {}, ...extra })).toMatchObject({ sentAt })
})

test('sender ids: hex of either case is an id, other text is opaque, endless text is malformed', () => {
  const offer = (id: unknown): unknown => read({ message_type: 'offer', sender_node_id: id, form_data: {} })
  expect(offer(A.toUpperCase())).toMatchObject({ senderId: A, routable: true })
  expect(offer('c0ffee00-1111-4222-8333-444455556666')).toMatchObject({ routable: false })
  expect(offer('02'.padEnd(64, '0'))).toMatchObject({ routable: false })
  for (const id of ['', 'x'.repeat(129), 7, undefined])
    expect(() => offer(id)).toThrow(expect.objectContaining({ code: 'K2_MALFORMED' }))
})

test('kinds are told apart by their exact names', () => {
  expect(read({ message_type: 'request', sender_node_id: A, form_data: {} })).toMatchObject({ kind: 'request' })
  expect(read({ message_type: 'Offer', sender_node_id: A })).toMatchObject({ kind: 'unknown', senderId: A })
  expect(read({ type: 'chat_message', sender_node_id: A, content: 'x' })).toMatchObject({ kind: 'chat' })
  expect(read({ sender_node_id: A, content: 'x' })).toMatchObject({ kind: 'unknown' })
  expect(read({ sender_node_id: A, content: 'x' }, true)).toMatchObject({ kind: 'chat' })
  expect(read({ hello: 'world' })).toEqual({ kind: 'unknown', object: { hello: 'world' } })
  for (const bad of [{ content: '' }, { content: ' \n' }, { content: 5 }, {}]) {
    expect(() => read({ type: 'chat_message', sender_node_id: A, ...bad })).toThrow(
      expect.objectContaining({ code: 'K2_MALFORMED' }),
    )
  }
})

test('an offer without form_data is its own form', () => {
  expect(read({ message_type: 'offer', sender_node_id: A, title: 'Hat', priceRange: { min: 1 } })).toMatchObject({
    form: { title: 'Hat', priceRange: { min: 1 } },
  })
})

test('forms from the wire are made safe', () => {
  const form = {
    title: 7,
    location: ['x'],
    description: 'ok',
    action: 'SELL',
    sender_name: ' \u202eevil\u0000 name ',
    match_score: 1,
    priceRange: { min: 9e20, max: -5, currency: 'usd' },
    selection: { subtopic: 'Token', category: 5 },
    deliverables: ['a', 1],
    warranty: 'yes',
    custom: { deep: [1] },
  }
  expect(read({ message_type: 'offer', sender_node_id: A, form_data: form })).toMatchObject({
    form: {
      description: 'ok',
      action: 'sell',
      sender_name: 'evil name',
      priceRange: { min: 0, max: 1e15, currency: 'USD' },
      selection: { subtopic: 'Token' },
      deliverables: ['a'],
      custom: { deep: [1] },
    },
  })
  const cleaned = (read({ message_type: 'offer', sender_node_id: A, form_data: form }) as { form: object }).form
  for (const gone of ['title', 'location', 'match_score', 'warranty']) expect(cleaned).not.toHaveProperty(gone)
})

test('legacy prices fill only missing bounds, odd currencies vanish', () => {
  const form = { priceRange: { min: 5, currency: 'US$' }, price_min: 1, price_max: 9 }
  expect(read({ message_type: 'offer', sender_node_id: A, form_data: form })).toMatchObject({
    form: { priceRange: { min: 5, max: 9 } },
  })
})

test.each([
  ['title', { title: undefined }],
  ['title', { title: '  ' }],
  ['title', { title: 5 }],
  ['description', { description: undefined }],
  ['location', { location: 5 }],
  ['topic', { topic: 'goods' }],
  ['action', { action: 'give' }],
  ['selection', { selection: { subtopic: 3 } }],
  ['selection', { selection: undefined }],
  ['priceRange', { priceRange: undefined }],
  ['priceRange', { priceRange: { min: 5, max: 4, currency: 'USD' } }],
  ['priceRange', { priceRange: { min: '5', max: 6, currency: 'USD' } }],
  ['priceRange', { priceRange: { min: 5, max: 6, currency: 'đ' } }],
  ['priceRange', { priceRange: { min: 5, max: 1e16, currency: 'USD' } }],
  ['sender_name', { sender_name: 'two\nlines' }],
  ['sender_name', { sender_name: 'x'.repeat(65) }],
  ['match_score', { match_score: 0.9 }],
  ['brand', { brand: {} }],
  ['x_gateway', { x_gateway: { note: 'x'.repeat(400) } }],
])('never sends a form a reader could not survive: %s', (where, change) => {
  const form = { ...offerForm, ...change } as unknown as typeof offerForm
  expect(() => encodeMarketMessage({ kind: 'offer', topic: 'Goods', senderId: A, form, sentAt: NOW })).toThrow(
    expect.objectContaining({ code: 'K2_BAD_FORM', data: { member: where } }),
  )
})

test('an interest needs its target', () => {
  expect(() => encodeMarketMessage({ kind: 'interest', topic: 'Goods', senderId: A, form: offerForm, sentAt: NOW })).toThrow(
    expect.objectContaining({ code: 'K2_BAD_FORM' }),
  )
})

test('attempts of one line differ on the wire and share their identity', () => {
  const line = (attempt: number): Parameters<typeof encodeChatMessage>[0] => ({
    senderId: A,
    senderName: 'Alice',
    text: 'hi',
    sentAt: NOW,
    mark: { key: 'k1', attempt, via: ['ab'] },
  })
  expect(encodeChatMessage(line(0))).not.toEqual(encodeChatMessage(line(1)))
  expect(chatIdentityBytes(line(3))).toEqual(encodeChatMessage(line(0)))
  expect(decodeContent(encodeChatMessage(line(2)), topicContext)).toMatchObject({ mark: { key: 'k1', attempt: 2, via: ['ab'] } })
})

test('odd gateway marks are ignored, the line is kept', () => {
  for (const x_gateway of [5, {}, { k: '' }, { k: 5 }, { k: 'x'.repeat(65) }]) {
    const message = read({ type: 'chat_message', sender_node_id: A, content: 'x', x_gateway })
    expect(message).toMatchObject({ kind: 'chat', text: 'x' })
    expect(message).not.toHaveProperty('mark')
  }
})

const POSTCARD: [string, PostcardMessage][] = [
  [
    '00044b322d3102616205476f6f64730473656c6c010746617368696f6e00000348617403526564 05ac0203555344 80e2cfaa06'.replaceAll(
      ' ',
      '',
    ),
    {
      type: 'offer',
      id: 'K2-1',
      nodeId: 'ab',
      topic: 'Goods',
      action: 'sell',
      subtopic: 'Fashion',
      category: undefined,
      skill: undefined,
      title: 'Hat',
      description: 'Red',
      priceMin: 5n,
      priceMax: 300n,
      currency: 'USD',
      timestamp: 1700000000n,
    },
  ],
  [
    '01044b322d320263640d467265656c616e6365204a6f6200010954656368202620495401174954 20537570706f7274202f204e6574776f726b696e67 03466978 025043 00808001 03564e44 80e2cfaa06'.replaceAll(
      ' ',
      '',
    ),
    {
      type: 'request',
      id: 'K2-2',
      nodeId: 'cd',
      topic: 'Freelance Job',
      subtopic: undefined,
      category: 'Tech & IT',
      skill: 'IT Support / Networking',
      title: 'Fix',
      description: 'PC',
      priceMin: 0n,
      priceMax: 16384n,
      currency: 'VND',
      timestamp: 1700000000n,
    },
  ],
  ['02044b322d31044b322d32', { type: 'match', offerId: 'K2-1', requestId: 'K2-2' }],
  [
    '00174b322d31384243464535363830302d444541444245454609746573742d6e6f64650e4469676974616c204173736574730453656c6c000106546f6b656e730007426974636f696e0d53656c6c696e67203120425443d08603d8ad0303555344959aef3a',
    {
      type: 'offer',
      id: 'K2-18BCFE56800-DEADBEEF',
      nodeId: 'test-node',
      topic: 'Digital Assets',
      action: 'Sell',
      subtopic: undefined,
      category: 'Tokens',
      skill: undefined,
      title: 'Bitcoin',
      description: 'Selling 1 BTC',
      priceMin: 50000n,
      priceMax: 55000n,
      currency: 'USD',
      timestamp: 123456789n,
    },
  ],
]

test.each(POSTCARD)('reads and writes the postcard message %s', (hex, message) => {
  expect(decodePostcard(fromHex(hex))).toEqual(message)
  expect(toHex(encodePostcard(message))).toBe(hex)
})

test('postcard messages arrive in the shape of the JSON ones', () => {
  expect(decodeContent(fromHex(POSTCARD[3]![0]), topicContext)).toEqual({
    kind: 'offer',
    topic: 'Digital Assets',
    senderId: 'test-node',
    routable: false,
    form: {
      topic: 'Digital Assets',
      title: 'Bitcoin',
      description: 'Selling 1 BTC',
      action: 'sell',
      priceRange: { min: 50000, max: 55000, currency: 'USD' },
      selection: { category: 'Tokens' },
    },
    sentAt: 123456789000,
  })
  expect(decodeContent(fromHex(POSTCARD[2]![0]), topicContext)).toEqual({ kind: 'match', offerId: 'K2-1', requestId: 'K2-2' })
})

test('content of any bytes gives a message or one of our errors', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.tuple(fc.constantFrom(0, 1, 2), fc.uint8Array({ maxLength: 120 })).map(([v, rest]) => Uint8Array.of(v, ...rest)),
    fc
      .record(
        {
          message_type: fc.constantFrom('offer', 'interest', 'request', 'other'),
          type: fc.constantFrom('chat_message', 'x'),
          sender_node_id: fc.constantFrom(A, 'guest', ''),
          content: fc.oneof(fc.string(), fc.integer()),
          timestamp: fc.oneof(fc.double(), fc.integer(), fc.string()),
          form_data: fc.jsonValue(),
          x_gateway: fc.jsonValue(),
          topic: fc.jsonValue(),
          target_node_id: fc.jsonValue(),
        },
        { requiredKeys: [] },
      )
      .map((value) => utf8(JSON.stringify(value))),
  )
  fc.assert(
    fc.property(bytes, fc.boolean(), (content, direct) => {
      try {
        decodeContent(content, { direct, idOf })
      } catch (error) {
        if (!isK2Error(error)) throw error
      }
    }),
    { numRuns: 3000 },
  )
})

test('escaped size counts what JSON needs', () => {
  for (const text of ['abc', '"\\\n\u0001', 'Hà Nội 😀']) expect(escapedBytes(text)).toBe(utf8(JSON.stringify(text)).length - 2)
})
