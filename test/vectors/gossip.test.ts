import { describe, expect, it } from 'vitest'
import { fromHex, toHex, utf8 } from '../../src/base/bytes.ts'
import { isK2Error } from '../../src/base/errors.ts'
import { decodeAddrInfo, encodeAddrInfo } from '../../src/core/gossip/proto/addr-info.ts'
import { decodeMessage, encodeMessage, type Message, messageId } from '../../src/core/gossip/proto/messages.ts'
import { type PeerId, peerIdOf } from '../../src/core/ids.ts'
import { pointFault } from '../../src/core/keys/curve-point.ts'
import { signerOfSeed } from '../../src/core/keys/ed25519.ts'
import { encodeFrame, FrameSplitter } from '../../src/core/wire/frame.ts'
import { Vectors } from './vectors.ts'

const v = new Vectors('gossip')
const keyOf = (byte: number): PeerId => peerIdOf(signerOfSeed(new Uint8Array(32).fill(byte)).publicKey)
const [A, B, C] = [keyOf(1), keyOf(2), keyOf(3)]
const full = v.bytes('addr_full')
const v4 = v.bytes('addr_v4')
const empty = v.bytes('addr_empty')
const hello = utf8('hello')
const long = new Uint8Array(200).fill(0x61)
const swarm = (content: Uint8Array, round: number): Message => ({
  type: 'gossip',
  id: messageId(content),
  content,
  scope: { type: 'swarm', round },
})

const MESSAGES: Readonly<Record<string, Message>> = {
  join_none: { type: 'join', data: undefined },
  join_emptydata: { type: 'join', data: new Uint8Array(0) },
  join_full: { type: 'join', data: full },
  forward_join: { type: 'forwardJoin', peer: { id: C, data: v4 }, ttl: 6 },
  forward_join_nodata: { type: 'forwardJoin', peer: { id: C, data: undefined }, ttl: 0 },
  shuffle: {
    type: 'shuffle',
    origin: A,
    nodes: [
      { id: B, data: v4 },
      { id: C, data: undefined },
      { id: A, data: empty },
    ],
    ttl: 6,
  },
  shuffle_reply: {
    type: 'shuffleReply',
    nodes: [
      { id: B, data: undefined },
      { id: C, data: v4 },
    ],
  },
  shuffle_reply_empty: { type: 'shuffleReply', nodes: [] },
  neighbor_high: { type: 'neighbor', priority: 'high', data: empty },
  neighbor_low: { type: 'neighbor', priority: 'low', data: undefined },
  disconnect_alive: { type: 'disconnect', alive: true },
  disconnect_quit: { type: 'disconnect', alive: false },
  gossip_swarm0: swarm(hello, 0),
  gossip_swarm300: swarm(hello, 300),
  gossip_neighbors: { type: 'gossip', id: messageId(hello), content: hello, scope: { type: 'neighbors' } },
  gossip_200: swarm(long, 1),
  gossip_emptycontent: swarm(new Uint8Array(0), 0),
  prune: { type: 'prune' },
  graft_id: { type: 'graft', id: messageId(hello), round: 2 },
  graft_noid: { type: 'graft', id: undefined, round: 2 },
  ihave_two: {
    type: 'ihave',
    entries: [
      { id: messageId(hello), round: 1 },
      { id: messageId(long), round: 128 },
    ],
  },
  ihave_empty: { type: 'ihave', entries: [] },
  largest_sendable: swarm(new Uint8Array(4057), 0),
}

describe('gossip frames as iroh-gossip encodes them', () => {
  it.each(Object.keys(MESSAGES))('%s', (name) => {
    const message = MESSAGES[name] as Message
    const frame = encodeFrame(encodeMessage(message))
    expect(toHex(frame)).toBe(v.hex(name))
    const splitter = new FrameSplitter(4096)
    splitter.push(v.bytes(name))
    expect(decodeMessage(splitter.next() as Uint8Array, () => 'usable')).toEqual(message)
  })

  it('stream header and the first stream of a joining node', () => {
    const topic = Uint8Array.from({ length: 32 }, (_, i) => i)
    expect(toHex(encodeFrame(topic))).toBe(v.hex('header'))
    expect(v.hex('first_stream')).toBe(
      toHex(encodeFrame(topic)) + toHex(encodeFrame(encodeMessage(MESSAGES.join_full as Message))),
    )
  })

  it.each([
    ['addr_empty', undefined, []],
    ['addr_full', 'https://relay.example.com./', ['192.0.2.1:4433', '[2001:db8::1]:443']],
    ['addr_v4', undefined, ['127.0.0.1:7']],
  ] as const)('%s', (name, relayUrl, direct) => {
    expect(toHex(encodeAddrInfo({ relayUrl, direct: [...direct].reverse() }))).toBe(v.hex(name))
    expect(decodeAddrInfo(v.bytes(name))).toEqual({ relayUrl, direct })
  })

  it('accepts and refuses the same odd bodies', () => {
    const { bodies } = v.get('judged_bodies') as unknown as { bodies: { what: string; hex: string; accepted: boolean }[] }
    const check = (id: PeerId) => (pointFault(fromHex(id)) === undefined ? 'usable' : 'invalid')
    const verdicts = bodies.map(({ what, hex }) => {
      try {
        decodeMessage(fromHex(hex), check)
        return { what, hex, accepted: true }
      } catch (error) {
        expect(isK2Error(error), what).toBe(true)
        return { what, hex, accepted: false }
      }
    })
    expect(verdicts).toEqual(bodies)
  })
})
