import { blake3 } from '@noble/hashes/blake3.js'
import { beforeEach, expect, test } from 'vitest'
import { utf8 } from '../../../src/base/bytes.ts'
import { hashOf, type PeerId } from '../../../src/core/ids.ts'
import { HostBook } from '../../../src/core/k2/host-book.ts'
import type { GossipArrival, TopicInfo } from '../../../src/core/k2/inbound.ts'
import { InboundGate, type Verdict } from '../../../src/core/k2/inbound-gate.ts'
import { encodeChatMessage, encodeMarketMessage } from '../../../src/core/k2/json-messages.ts'
import { RATE_LIMITS, RateGuard } from '../../../src/core/k2/rate-guard.ts'
import { ReplayCache } from '../../../src/core/k2/replay-cache.ts'
import { createSeal } from '../../../src/core/k2/signed-envelope.ts'
import { directTopicName, topicIdOfName } from '../../../src/core/k2/topics.ts'
import { createVerifier } from '../../../src/core/keys/ed25519.ts'
import { type Identity, identityOfSeed } from '../../../src/core/keys/identity.ts'
import { A, B, C, INTEREST_JSON, idOf, NOW, offerForm } from './fixtures.ts'

const goods: TopicInfo = { id: topicIdOfName('Goods'), name: 'Goods' }
const dm: TopicInfo = { id: topicIdOfName(directTopicName(A, B)), name: directTopicName(A, B), contact: B }
let replay: ReplayCache
let gate: InboundGate
let trusted: Set<PeerId>

beforeEach(() => {
  replay = new ReplayCache()
  trusted = new Set()
  gate = new InboundGate({ me: A, guard: new RateGuard(RATE_LIMITS, (peer) => trusted.has(peer)), replay, idOf })
})

function arrive(content: Uint8Array | string, extra: Partial<GossipArrival> = {}, now = NOW): Verdict {
  const bytes = typeof content === 'string' ? utf8(content) : content
  return gate.accept({ topic: goods, id: hashOf(blake3(bytes)), content: bytes, from: B, direct: true, ...extra }, now)
}
const offer = (senderId: string, sentAt = NOW, title = 'Hat'): Uint8Array =>
  encodeMarketMessage({ kind: 'offer', topic: 'Goods', senderId, form: { ...offerForm, title }, sentAt })
const chat = (senderId: string, text = 'hi', sentAt = NOW): Uint8Array => encodeChatMessage({ senderId, text, sentAt })

test.each([
  ['its own neighbour, first hand', B, true, { senderClass: 'verified' }],
  ['another node publishes it', C, true, { senderClass: 'hosted', hostId: C }],
  ['passed on by somebody', C, false, { senderClass: 'claimed' }],
  ['passed on by the very node it names', B, false, { senderClass: 'claimed' }],
] as const)('classes an offer of B: %s', (_, from, direct, expected) => {
  expect(arrive(offer(B), { from, direct })).toMatchObject({ accept: { type: 'market', senderId: B, ...expected } })
})

test('an opaque sender is hosted by who published it', () => {
  expect(arrive(offer('guest-1'), { from: C })).toMatchObject({ accept: { senderClass: 'hosted', hostId: C, routable: false } })
})

test('our own name on something we did not send is forged, and costs the neighbour', () => {
  expect(arrive(offer(A))).toEqual({ drop: 'forged' })
  for (let i = 0; i < 40; i++) arrive(offer(A, NOW, `t${i}`))
  expect(arrive(offer(B))).toEqual({ drop: 'flood' })
  expect(arrive(offer(C, NOW), { from: C })).toHaveProperty('accept')
})

test('malformed content punishes the neighbour, not the sender it names', () => {
  for (let i = 0; i < 40; i++) expect(arrive(`{"sender_node_id":"${C}","message_type":"offer",${i}`)).toHaveProperty('drop')
  expect(arrive(offer(C), { from: B })).toEqual({ drop: 'flood' })
  expect(arrive(offer(C), { from: C })).toHaveProperty('accept')
})

test('a neighbour recovers after a while', () => {
  for (let i = 0; i < 40; i++) arrive('rubbish')
  expect(arrive(offer(B))).toEqual({ drop: 'flood' })
  expect(arrive(offer(B, NOW + 5000), {}, NOW + 5000)).toHaveProperty('accept')
})

test('limits what one neighbour says itself, separately from what it passes on', () => {
  for (let i = 0; i < 20; i++) expect(arrive(chat(B, `line ${i}`))).toHaveProperty('accept')
  expect(arrive(chat(B, 'one too many'))).toEqual({ laterMs: 200 })
  for (let i = 0; i < 20; i++) expect(arrive(offer(B, NOW, `t${i}`))).toHaveProperty('accept')
  expect(arrive(offer(B, NOW, 'one too many'))).toEqual({ drop: 'neighbor-rate' })
  expect(arrive(offer(C), { direct: false })).toHaveProperty('accept')
  expect(arrive(chat(B, 'later', NOW + 1000), {}, NOW + 1000)).toHaveProperty('accept')
})

test('limits what arrives in one name from many neighbours', () => {
  const neighbours = Array.from({ length: 30 }, (_, i) => i.toString(16).padStart(64, '0') as PeerId)
  const verdicts = neighbours.map((from, i) => arrive(offer(C, NOW, `t${i}`), { from, direct: false }))
  expect(verdicts.filter((v) => 'accept' in v)).toHaveLength(20)
  expect(verdicts.at(-1)).toEqual({ drop: 'sender-rate' })
})

test('configured peers may burst', () => {
  trusted.add(B)
  for (let i = 0; i < 1000; i++) expect(arrive(chat(B, `line ${i}`))).toHaveProperty('accept')
})

test('takes the same message once a day, also when gossip has forgotten it', () => {
  const bytes = chat(B)
  expect(arrive(bytes)).toHaveProperty('accept')
  expect(arrive(bytes, {}, NOW + 3600_000)).toEqual({ drop: 'replay' })
  expect(arrive(bytes, {}, NOW + 25 * 3600_000)).toHaveProperty('accept')
})

test('another attempt of a line is reported again only when the first was finished', () => {
  const line = (attempt: number): Uint8Array =>
    encodeChatMessage({ senderId: B, text: 'hi', sentAt: NOW, mark: { key: 'k', attempt, via: [] } })
  const first = arrive(line(0))
  const id = (first as { accept: { messageId: string } }).accept.messageId
  expect(arrive(line(1))).toEqual({ drop: 'replay' })
  replay.done(id, NOW)
  expect(arrive(line(2))).toMatchObject({ drop: 'replay', again: { messageId: id } })
  replay.forget(id)
  expect(arrive(line(3))).toMatchObject({ accept: { messageId: id } })
})

test('nobody can take the place of a line by reusing its key with another text', () => {
  const line = (text: string): Uint8Array =>
    encodeChatMessage({ senderId: B, text, sentAt: NOW, mark: { key: 'k', attempt: 0, via: [] } })
  expect(arrive(line('fake'), { from: C, direct: false })).toMatchObject({ accept: { senderClass: 'claimed' } })
  expect(arrive(line('real'))).toMatchObject({ accept: { senderClass: 'verified', text: 'real' } })
})

test('old or far future offers start nothing, chat lines may have waited', () => {
  expect(arrive(offer(B, NOW - 11 * 60_000))).toEqual({ drop: 'stale' })
  expect(arrive(offer(B, NOW + 11 * 60_000))).toEqual({ drop: 'stale' })
  expect(arrive(chat(B, 'from yesterday', NOW - 24 * 3600_000))).toMatchObject({ accept: { sentAt: NOW - 24 * 3600_000 } })
  expect(arrive(chat(B, 'from next week', NOW + 24 * 3600_000))).toMatchObject({ accept: { sentAt: NOW + 60_000 } })
  expect(arrive(chat(B, 'ancient', NOW - 8 * 24 * 3600_000))).toEqual({ drop: 'stale' })
})

test('the topic of arrival counts, a message that names another is marked', () => {
  const assets: TopicInfo = { id: topicIdOfName('Digital Assets'), name: 'Digital Assets' }
  expect(arrive(offer(B), { topic: assets })).toMatchObject({ accept: { topic: assets, suspicious: true } })
  expect(arrive(offer(B, NOW + 1000))).toMatchObject({ accept: { suspicious: false } })
})

test('refreshes of an intent share a key, a changed form or another sender has its own', () => {
  const key = (bytes: Uint8Array, from: PeerId = B): unknown =>
    (arrive(bytes, { from, direct: false }) as { accept: { intentKey: string } }).accept.intentKey
  const first = key(offer(B))
  expect(key(offer(B, NOW + 5000))).toBe(first)
  expect(key(offer(B, NOW + 6000, 'Other'))).not.toBe(first)
  expect(key(offer(C, NOW + 7000))).not.toBe(first)
})

test('an interest is for us only when it names us', () => {
  expect(arrive(INTEREST_JSON)).toMatchObject({ accept: { kind: 'interest', targetId: A, forUs: true } })
  const other = INTEREST_JSON.replace(A, C)
  expect(arrive(other)).toMatchObject({ accept: { targetId: C, forUs: false } })
})

test('on a direct topic only the contact speaks, and nobody in its name', () => {
  expect(arrive(chat(B, 'first hand'), { topic: dm })).toMatchObject({ accept: { senderClass: 'verified', topic: dm } })
  expect(arrive(chat(B, 'relayed'), { topic: dm, from: C, direct: false })).toMatchObject({ accept: { senderClass: 'claimed' } })
  expect(arrive(chat(B, 'in its name'), { topic: dm, from: C })).toEqual({ drop: 'not-the-contact' })
  expect(arrive(chat(C, 'stranger'), { topic: dm, from: C })).toEqual({ drop: 'not-the-contact' })
  expect(arrive(offer(B), { topic: dm })).toEqual({ drop: 'wrong-topic' })
  expect(arrive(`{"sender_node_id":"${B}","content":"no type"}`, { topic: dm })).toMatchObject({
    accept: { type: 'chat', sentAt: NOW },
  })
})

test('a direct copy raises a claimed message exactly once, and only by its sender', () => {
  const bytes = offer(C)
  const id = hashOf(blake3(bytes))
  const verdict = arrive(bytes, { from: B, direct: false }) as { accept: { messageId: string } }
  expect(gate.directCopy(id, B, NOW)).toBeUndefined()
  expect(gate.directCopy(id, C, NOW)).toBe(verdict.accept.messageId)
  expect(gate.directCopy(id, C, NOW)).toBeUndefined()
})

test('a message signed by its host is the host’s, over whomever it comes, and nobody’s where the host is blocked', () => {
  const host = identityOfSeed(new Uint8Array(32).fill(4)) // C
  const seal = createSeal((message) => host.sign(message), host.id)
  const blocked = new Set<PeerId>()
  const options = { me: A, guard: new RateGuard(RATE_LIMITS, () => false), replay, idOf, verify: createVerifier() }
  gate = new InboundGate({
    ...options,
    isBlocked: (peer) => blocked.has(peer),
    personOf: (id) => (id === 'guest of ours' ? 'web:1' : undefined),
  })
  const line = (senderId: string, text: string): Uint8Array =>
    encodeChatMessage({ senderId, text, sentAt: NOW }, (object) => seal(goods.id, object))
  const over = { from: A.replace(/^./, 'f') as PeerId, direct: false }
  expect(arrive(line(B, 'one'), over)).toMatchObject({ accept: { senderId: B, senderClass: 'hosted', hostId: C } })
  expect(arrive(line('guest-1', 'two'), over)).toMatchObject({ accept: { senderClass: 'hosted', hostId: C, routable: false } })
  expect(arrive(line(C, 'the host itself'), over)).toMatchObject({ accept: { senderId: C, senderClass: 'verified' } })
  expect(arrive(line('guest of ours', 'four'), over)).toEqual({ drop: 'forged' })
  const hostItself = new InboundGate({ ...options, me: C, replay: new ReplayCache() })
  const own = line(B, 'said before the restart')
  const back = { topic: goods, id: hashOf(blake3(own)), content: own, ...over }
  expect(hostItself.accept(back, NOW)).toEqual({ drop: 'forged' })
  blocked.add(C)
  expect(arrive(line(B, 'five'), over)).toEqual({ drop: 'blocked' })
})

test('on a direct topic only the host of a hosted contact speaks for it, whoever else signs that', () => {
  const keys = [4, 5].map((byte) => identityOfSeed(new Uint8Array(32).fill(byte)))
  const hosts = new HostBook()
  const guard = new RateGuard(RATE_LIMITS, () => false)
  gate = new InboundGate({ me: A, guard, replay, idOf, verify: createVerifier(), hosts })
  const signed = (n: number, topic: TopicInfo, text: string): Uint8Array => {
    const key = keys[n] as Identity
    const seal = createSeal((message) => key.sign(message), key.id)
    return encodeChatMessage({ senderId: B, text, sentAt: NOW }, (object) => seal(topic.id, object))
  }
  const [host, other] = keys.map((key) => key.id) as [PeerId, PeerId]
  expect(arrive(signed(0, goods, 'on a topic'), { from: host })).toMatchObject({
    accept: { senderClass: 'hosted', hostId: host },
  })
  const direct = { topic: dm, from: host }
  expect(arrive(signed(0, dm, 'one'), direct)).toMatchObject({ accept: { senderId: B, senderClass: 'hosted', hostId: host } })
  expect(arrive(signed(0, dm, 'two'), { ...direct, from: other, direct: false })).toMatchObject({ accept: { hostId: host } })
  expect(arrive(signed(1, dm, 'three'), { ...direct, from: other })).toEqual({ drop: 'not-the-contact' })
  expect(arrive(signed(1, dm, 'four'), { ...direct, direct: false })).toEqual({ drop: 'not-the-contact' })
  expect(arrive(chat(B, 'five'), { ...direct, from: other })).toEqual({ drop: 'not-the-contact' })
  // A node that was there itself is hosted by nobody.
  expect(arrive(chat(B, 'six'), { topic: dm, from: B })).toMatchObject({ accept: { senderClass: 'verified' } })
  hosts.proved(B)
  expect(arrive(signed(0, dm, 'seven'), direct)).toEqual({ drop: 'not-the-contact' })
})

test('objects of unknown kinds are kept for rules, senderless ones dropped', () => {
  expect(arrive(`{"message_type":"ping","sender_node_id":"${B}","n":1}`)).toMatchObject({
    accept: { type: 'unknown', object: { n: 1 } },
  })
  expect(arrive('{"hello":1}')).toEqual({ drop: 'no-sender' })
})
