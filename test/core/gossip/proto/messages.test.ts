import { blake3 } from '@noble/hashes/blake3.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromHex, toHex } from '../../../../src/base/bytes.ts'
import { errorCode, isK2Error } from '../../../../src/base/errors.ts'
import { DEFAULT_CONFIG, gossipBodySize, ihaveChunkLength, maxContentBytes } from '../../../../src/core/gossip/proto/config.ts'
import {
  decodeMessage,
  encodeMessage,
  fitNodes,
  type IdCheck,
  type IdVerdict,
  type Message,
  messageId,
  type PeerInfo,
  peerInfoSize,
} from '../../../../src/core/gossip/proto/messages.ts'
import { hashOf, type PeerId, peerIdOf } from '../../../../src/core/ids.ts'
import { encodeFrame } from '../../../../src/core/wire/frame.ts'
import { EMPTY, EMPTY_ID, FRAMES, HELLO, HELLO_ID, LETTERS, LETTERS_ID } from './vectors.ts'

const anyPoint = (): IdVerdict => 'usable'
const decode = (hex: string, check: IdCheck = anyPoint): Message | undefined => decodeMessage(fromHex(hex), check)
const codeOf = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    return errorCode(error)
  }
  return 'no error'
}

describe('message vectors (gossip 12.3)', () => {
  it.each(FRAMES)('$name encodes and decodes', ({ message, hex }) => {
    expect(toHex(encodeFrame(encodeMessage(message)))).toBe(hex)
    expect(decode(hex.slice(8))).toEqual(message)
  })

  it('hashes content to the ids of 12', () => {
    expect(messageId(HELLO)).toBe(HELLO_ID)
    expect(messageId(LETTERS)).toBe(LETTERS_ID)
    expect(messageId(EMPTY)).toBe(EMPTY_ID)
  })
})

describe('size boundary (gossip 4.4, 12.5)', () => {
  const largest = new Uint8Array(4057)

  it('builds the largest sendable frame byte by byte', () => {
    const id = messageId(largest)
    expect(id).toBe('8a621f0185770b992809ebdc052b1ea9cccb563b0f2d72ddaa96c837a7cc1537')
    const frame = encodeFrame(encodeMessage({ type: 'gossip', id, content: largest, scope: { type: 'swarm', round: 0 } }))
    expect(frame.length).toBe(4099)
    expect(toHex(frame.slice(0, 42))).toBe('00000fff01008a621f0185770b992809ebdc052b1ea9cccb563b0f2d72ddaa96c837a7cc1537d91f0000')
    expect(toHex(frame.slice(-2))).toBe('0000')
    expect(toHex(blake3(frame))).toBe('c0d1236ccf7a04b3943368d2435c3175941d1a2c2789ec8f994b199d50d1dde6')
  })

  it('knows the limits of 4.4', () => {
    expect(maxContentBytes(DEFAULT_CONFIG)).toBe(4057)
    expect(gossipBodySize(4057, 127)).toBe(4095)
    expect(gossipBodySize(4056, 16383)).toBe(4095)
    expect(gossipBodySize(4055, 65535)).toBe(4095)
    expect(gossipBodySize(4058)).toBe(4095)
    expect(gossipBodySize(4057, 128)).toBe(4096)
    expect(ihaveChunkLength(DEFAULT_CONFIG)).toBe(116)
    expect(ihaveChunkLength({ ...DEFAULT_CONFIG, maxMessageBytes: 512 })).toBe(13)
  })

  it('predicts the encoded size', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 17_000 }), fc.option(fc.nat(65535), { nil: undefined }), (size, round) => {
        const content = new Uint8Array(size)
        const scope = round === undefined ? ({ type: 'neighbors' } as const) : ({ type: 'swarm', round } as const)
        const body = encodeMessage({ type: 'gossip', id: HELLO_ID, content, scope })
        expect(gossipBodySize(size, round)).toBe(body.length)
      }),
    )
  })
})

describe('bodies to refuse and oddities to accept (gossip 12.6)', () => {
  const hello = `0100${HELLO_ID}`
  it.each([
    ['empty', '', 'WIRE_TRUNCATED'],
    ['unknown layer', '0200', 'WIRE_UNKNOWN_VARIANT'],
    ['unknown swarm message', '0006', 'WIRE_UNKNOWN_VARIANT'],
    ['unknown gossip message', '0104', 'WIRE_UNKNOWN_VARIANT'],
    ['bad Option tag', '000002', 'WIRE_BAD_OPTION'],
    ['bad bool', '00050200', 'WIRE_BAD_BOOL'],
    ['unknown priority', '00040200', 'WIRE_UNKNOWN_VARIANT'],
    ['truncated id', hello.slice(0, -2), 'WIRE_TRUNCATED'],
    ['content truncated', `${hello}060102030405`, 'WIRE_TRUNCATED'],
    ['unknown scope', `${hello}0568656c6c6f02`, 'WIRE_UNKNOWN_VARIANT'],
    ['round 65536', `${hello}0568656c6c6f00808004`, 'WIRE_BAD_VARINT'],
    ['varint longer than 3 bytes', `${hello}0568656c6c6f0080808000`, 'WIRE_BAD_VARINT'],
    ['fewer entries than announced', `010305${HELLO_ID}01`, 'WIRE_TRUNCATED'],
  ])('refuses: %s', (_, hex, code) => {
    expect(codeOf(() => decode(hex))).toBe(code)
  })

  const bad = peerIdOf(Uint8Array.of(2, ...new Uint8Array(31)))
  const good = { id: peerIdOf(new Uint8Array(32).fill(7)), data: undefined }
  const node = { id: bad, data: undefined }
  const bodies: Message[] = [
    { type: 'forwardJoin', peer: node, ttl: 1 },
    { type: 'shuffle', origin: bad, nodes: [], ttl: 1 },
    { type: 'shuffle', origin: good.id, nodes: [good, node], ttl: 1 },
    { type: 'shuffleReply', nodes: [node, good] },
  ]

  it('refuses peer ids that are not curve points, wherever they stand', () => {
    const check = (id: PeerId): IdVerdict => (id === bad ? 'invalid' : 'usable')
    expect(codeOf(() => decode(`0001${bad}0006`, check))).toBe('WIRE_BAD_POINT')
    for (const body of bodies) expect(codeOf(() => decodeMessage(encodeMessage(body), check))).toBe('WIRE_BAD_POINT')
  })

  it('leaves out points nobody can own, which upstream accepts', () => {
    const check = (id: PeerId): IdVerdict => (id === bad ? 'unusable' : 'usable')
    expect(bodies.map((body) => decodeMessage(encodeMessage(body), check))).toEqual([
      undefined,
      undefined,
      { type: 'shuffle', origin: good.id, nodes: [good], ttl: 1 },
      { type: 'shuffleReply', nodes: [good] },
    ])
  })

  it('checks only so many ids of one frame', () => {
    let checks = 0
    const counting = (): IdVerdict => {
      checks++
      return 'usable'
    }
    const nodes = Array.from({ length: 120 }, (_, i) => ({ id: peerIdOf(new Uint8Array(32).fill(i)), data: undefined }))
    expect(decodeMessage(encodeMessage({ type: 'shuffleReply', nodes }), counting)).toEqual({
      type: 'shuffleReply',
      nodes: nodes.slice(0, 32),
    })
    expect(checks).toBe(32)
  })

  it('accepts what upstream accepts', () => {
    expect(decode(`${hello}0568656c6c6f00ffff03`)).toMatchObject({ scope: { type: 'swarm', round: 65535 } })
    expect(decode('0101ffff')).toEqual({ type: 'prune' })
    expect(decode('80000000')).toEqual({ type: 'join', data: undefined })
    expect(decode('00050101')).toEqual({ type: 'disconnect', alive: true })
  })
})

const peerIds = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(peerIdOf)
const hashes = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(hashOf)
const u16 = fc.nat(65535)
const data = fc.option(fc.uint8Array({ maxLength: 200 }), { nil: undefined })
const infos: fc.Arbitrary<PeerInfo> = fc.record({ id: peerIds, data })
const nodes = fc.array(infos, { maxLength: 10 })
const anyMessage: fc.Arbitrary<Message> = fc.oneof(
  fc.record({ type: fc.constant('join' as const), data }),
  fc.record({ type: fc.constant('forwardJoin' as const), peer: infos, ttl: u16 }),
  fc.record({ type: fc.constant('shuffle' as const), origin: peerIds, nodes, ttl: u16 }),
  fc.record({ type: fc.constant('shuffleReply' as const), nodes }),
  fc.record({ type: fc.constant('neighbor' as const), priority: fc.constantFrom('high' as const, 'low' as const), data }),
  fc.record({ type: fc.constant('disconnect' as const), alive: fc.boolean() }),
  fc.record({
    type: fc.constant('gossip' as const),
    id: hashes,
    content: fc.uint8Array({ maxLength: 500 }),
    scope: fc.oneof(
      fc.record({ type: fc.constant('swarm' as const), round: u16 }),
      fc.record({ type: fc.constant('neighbors' as const) }),
    ),
  }),
  fc.record({ type: fc.constant('prune' as const) }),
  fc.record({ type: fc.constant('graft' as const), id: fc.option(hashes, { nil: undefined }), round: u16 }),
  fc.record({ type: fc.constant('ihave' as const), entries: fc.array(fc.record({ id: hashes, round: u16 }), { maxLength: 20 }) }),
)

describe('codec properties', () => {
  it('decodes what it encodes', () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        expect(decodeMessage(encodeMessage(message), anyPoint)).toEqual(message)
      }),
    )
  })

  it('refuses every strict prefix', () => {
    fc.assert(
      fc.property(anyMessage, fc.nat(), (message, at) => {
        const body = encodeMessage(message)
        expect(codeOf(() => decodeMessage(body.slice(0, at % body.length), anyPoint))).toMatch(/^WIRE_/)
      }),
    )
  })

  it('throws only K2Error on arbitrary and on damaged bytes', () => {
    const damaged = fc.tuple(anyMessage, fc.nat(), fc.nat(255)).map(([message, at, value]) => {
      const body = encodeMessage(message)
      body[at % body.length] = value
      return body
    })
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), damaged), (body) => {
        try {
          decodeMessage(body, anyPoint)
        } catch (error) {
          expect(isK2Error(error) && error.code.startsWith('WIRE_')).toBe(true)
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('fits node lists into a budget', () => {
    fc.assert(
      fc.property(nodes, fc.nat(1500), (list, budget) => {
        const kept = fitNodes(list, budget)
        expect(list.slice(0, kept.length)).toEqual(kept)
        const size = (some: readonly PeerInfo[]): number => 2 + some.reduce((sum, n) => sum + peerInfoSize(n), 0)
        if (kept.length > 0) expect(size(kept)).toBeLessThanOrEqual(budget)
        if (kept.length < list.length) expect(size(list.slice(0, kept.length + 1))).toBeGreaterThan(budget)
      }),
    )
  })
})
