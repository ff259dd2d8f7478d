import { describe, expect, it } from 'vitest'
import { fromHex, fromUtf8, toHex, utf8 } from '../../src/base/bytes.ts'
import { messageId } from '../../src/core/gossip/proto/messages.ts'
import { parsePeerId } from '../../src/core/ids.ts'
import { encodeChatMessage, encodeMarketMessage } from '../../src/core/k2/json-messages.ts'
import { canonicalBytes } from '../../src/core/k2/json-writer.ts'
import { decodePostcard, encodePostcard, type PostcardMessage } from '../../src/core/k2/postcard-messages.ts'
import { directTopicName, topicIdOfName, trackerHashOf } from '../../src/core/k2/topics.ts'
import { createVerifier, signerOfSeed } from '../../src/core/keys/ed25519.ts'
import { identityOfSeed } from '../../src/core/keys/identity.ts'
import { decodeIdentityEnc, encodeIdentityEnc } from '../../src/core/keys/identity-enc.ts'
import { Vectors } from './vectors.ts'

const v = new Vectors('k2')
const A = parsePeerId('8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c')
const B = parsePeerId('8139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394')

describe('topics', () => {
  it.each(v.named('topic '))('%s', (name) => {
    const expected = v.get(`topic ${name}`) as unknown as Record<'name' | 'topic' | 'tracker_key', string>
    const topic = topicIdOfName(expected.name)
    expect(topic).toBe(expected.topic)
    expect(trackerHashOf(topic)).toBe(expected.tracker_key)
  })

  it('the direct-message topic sorts the ids', () => {
    expect(directTopicName(A, B)).toBe(v.get('topic dm').name)
    expect(directTopicName(B, A)).toBe(v.get('topic dm').name)
  })
})

describe('postcard marketplace messages', () => {
  const offer = { type: 'offer', id: 'K2-1', nodeId: 'ab', topic: 'Goods', action: 'sell' } as const
  const cases: readonly (readonly [string, PostcardMessage])[] = [
    [
      'market_offer',
      {
        ...offer,
        subtopic: 'Fashion',
        title: 'Hat',
        description: 'Red',
        priceMin: 5n,
        priceMax: 300n,
        currency: 'USD',
        timestamp: 1_700_000_000n,
      },
    ],
    [
      'market_request',
      {
        type: 'request',
        id: 'K2-2',
        nodeId: 'cd',
        topic: 'Freelance Job',
        category: 'Tech & IT',
        skill: 'IT Support / Networking',
        title: 'Fix',
        description: 'PC',
        priceMin: 0n,
        priceMax: 16_384n,
        currency: 'VND',
        timestamp: 1_700_000_000n,
      },
    ],
    ['market_match', { type: 'match', offerId: 'K2-1', requestId: 'K2-2' }],
    [
      'market_offer_crypto',
      {
        type: 'offer',
        id: 'K2-18BCFE56800-DEADBEEF',
        nodeId: 'test-node',
        topic: 'Digital Assets',
        action: 'Sell',
        category: 'Tokens',
        title: 'Bitcoin',
        description: 'Selling 1 BTC',
        priceMin: 50_000n,
        priceMax: 55_000n,
        currency: 'USD',
        timestamp: 123_456_789n,
      },
    ],
  ]
  it.each(cases)('%s', (name, message) => {
    expect(toHex(encodePostcard(message))).toBe(v.hex(name))
    expect(decodePostcard(v.bytes(name))).toEqual(message)
  })
})

describe('JSON messages, member for member and byte for byte', () => {
  const form = {
    topic: 'Goods',
    selection: { subtopic: 'Electronics & Devices' },
  }
  it('offer', () => {
    const bytes = encodeMarketMessage({
      kind: 'offer',
      topic: 'Goods',
      senderId: A,
      sentAt: 1_750_464_000_000,
      form: {
        ...form,
        action: 'sell',
        title: 'iPhone 15 Pro',
        description: 'Unlocked, boxed',
        priceRange: { min: 700, max: 800, currency: 'USD' },
        location: 'Hà Nội',
        condition: 'new',
        brand: 'Apple',
      },
    })
    expect(fromUtf8(bytes)).toBe(v.text('json_offer'))
    expect(messageId(bytes)).toBe(v.get('json_offer').message_id)
  })

  it('interest', () => {
    const bytes = encodeMarketMessage({
      kind: 'interest',
      topic: 'Goods',
      senderId: B,
      targetId: A,
      sentAt: 1_750_464_005_000,
      form: {
        ...form,
        action: 'buy',
        title: 'Need an iPhone 15',
        description: '',
        priceRange: { min: 500, max: 750, currency: 'USD' },
        location: '',
        condition: 'any',
      },
    })
    expect(fromUtf8(bytes)).toBe(v.text('json_interest'))
    expect(messageId(bytes)).toBe(v.get('json_interest').message_id)
  })

  it('chat', () => {
    const bytes = encodeChatMessage({ senderId: A, text: 'Hello!', sentAt: 1_750_464_000_123 })
    expect(fromUtf8(bytes)).toBe(v.text('json_chat'))
    expect(messageId(bytes)).toBe(v.get('json_chat').message_id)
  })

  it('direct message', () => {
    const message = { sender_node_id: A, sender_name: 'Alice', content: 'Hello!', timestamp: 1_711_234_567_890 }
    expect(fromUtf8(canonicalBytes(message))).toBe(v.text('json_direct_message'))
  })
})

describe('identity file', () => {
  it('is what the reference writes', () => {
    const identity = identityOfSeed(new Uint8Array(32).fill(1))
    expect(toHex(encodeIdentityEnc(identity))).toBe(v.hex('identity_enc'))
    expect(decodeIdentityEnc(v.bytes('identity_enc')).id).toBe(identity.id)
  })
})

describe('signatures of documents and trackers, with our keys', () => {
  const docs = new Vectors('docs')
  const tracker = new Vectors('tracker')
  const signed = (seed: number, message: Uint8Array): string => toHex(signerOfSeed(new Uint8Array(32).fill(seed)).sign(message))

  it('document entry: namespace and author sign the same bytes', () => {
    expect(signed(1, docs.bytes('preimage E1'))).toBe(docs.hex('namespace signature E1'))
    expect(signed(2, docs.bytes('preimage E1'))).toBe(docs.hex('author signature E1'))
  })

  it('tracker announcement', () => {
    const preimage = tracker.bytes('announce_preimage')
    expect(signed(1, preimage)).toBe(tracker.hex('announce_signature'))
    expect(createVerifier()(fromHex(A), preimage, tracker.bytes('announce_signature'))).toBe(true)
    expect(topicIdOfName('laptops')).toBe(tracker.hex('topic_id'))
    expect(trackerHashOf(topicIdOfName('laptops'))).toBe(tracker.hex('tracker_key'))
    expect(toHex(utf8('n0/tracker/1'))).toBe('6e302f747261636b65722f31')
  })
})
