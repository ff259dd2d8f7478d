import { beforeEach, expect, test } from 'vitest'
import { deferred } from '../../../src/base/async.ts'
import { ManualClock } from '../../../src/base/clock.ts'
import { K2Error } from '../../../src/base/errors.ts'
import { nullLogger } from '../../../src/base/logger.ts'
import type { Body, Envelope } from '../../../src/bridges/model/message.ts'
import { plain } from '../../../src/bridges/model/rich-text.ts'
import { P2pBridge, type P2pBridgeOptions } from '../../../src/bridges/p2p/bridge.ts'
import { listenerWaitMs } from '../../../src/bridges/p2p/outcomes.ts'
import type { PeerPort, PeerText, PeerUpdate } from '../../../src/bridges/p2p/port.ts'
import type { SendRequest } from '../../../src/bridges/port.ts'
import { line, ME, NOW, offer, PEER } from './fixtures.ts'

let clock: ManualClock
let committed: Envelope[][]
let failNext: number
let sent: { to: string; text: PeerText }[]
let answer: () => Promise<{ messageIds: string[] }>
let emit: (event: PeerUpdate) => Promise<void>
const never = new AbortController().signal

const port: PeerPort = {
  nodeId: ME,
  subscribe(handler) {
    emit = handler
    return () => {
      emit = async () => {
        throw new Error('nobody listens')
      }
    }
  },
  observe: () => () => {},
  sendTopicText: async (topic, text) => {
    sent.push({ to: topic, text })
    return answer()
  },
  sendDirectText: async (peer, text) => {
    sent.push({ to: peer, text })
    return answer()
  },
  health: () => ({ status: 'ok' }),
}

function bridge(extra: Partial<P2pBridgeOptions> = {}): P2pBridge {
  const sink = {
    ingest: async (envelopes: readonly Envelope[]): Promise<void> => {
      if (failNext > 0) {
        failNext--
        throw new K2Error({ code: 'DB_DOWN', kind: 'storage', message: 'down' })
      }
      committed.push([...envelopes])
    },
  }
  return new P2pBridge({ port, sink, clock, log: nullLogger, ...extra })
}

beforeEach(() => {
  clock = new ManualClock(NOW)
  committed = []
  failNext = 0
  sent = []
  answer = async () => ({ messageIds: ['id1', 'id2'] })
})

const request = (extra: Partial<SendRequest> = {}, body: Partial<Body> = {}): SendRequest => ({
  op: 'create',
  deliveryId: 'd1',
  idemKey: 'key1',
  attempt: 0,
  place: { network: 'p2p', account: 'self', channel: 'Goods' },
  author: { key: 'discord:5', displayName: 'Alice', isBot: false, kind: 'user' },
  identity: 'webhook',
  body: { rich: plain('hello'), attachments: [], ...body },
  parts: [],
  occurredAt: NOW,
  onPart: async () => {},
  ...extra,
})

test('events that come together are committed together, in order', async () => {
  const p2p = bridge()
  await p2p.start()
  await Promise.all(
    Array.from({ length: 120 }, (_, i) => emit({ kind: 'chat', message: line({ messageId: `c${i}`, text: `${i}` }) })),
  )
  expect(committed.length).toBeLessThanOrEqual(3)
  expect(committed.flat().map((e) => (e.event as { body: Body }).body.rich.text)).toEqual(
    Array.from({ length: 120 }, (_, i) => `${i}`),
  )
})

test('a failed commit is tried again until it succeeds, nothing is lost or reordered', async () => {
  failNext = 2
  const p2p = bridge()
  await p2p.start()
  const done = [1, 2, 3].map((i) => emit({ kind: 'chat', message: line({ messageId: `c${i}` }) }))
  await Promise.all(done)
  expect(committed.flat().map((e) => e.msg.id)).toEqual(['c1', 'c2', 'c3'])
})

test('stopping gives up uncommitted events with an error, so that they are not taken for stored', async () => {
  failNext = 1e9
  const p2p = bridge()
  await p2p.start()
  const done = emit({ kind: 'chat', message: line() })
  const outcome = expect(done).rejects.toThrow(expect.objectContaining({ code: 'ABORTED' }))
  await p2p.stop()
  await outcome
})

test('an offer is one message; silence edits it', async () => {
  const p2p = bridge()
  await p2p.start()
  await emit({ kind: 'market', message: offer() })
  await emit({ kind: 'market', message: offer({ messageId: 'm2', sentAt: NOW + 5000 }) })
  expect(committed.flat().map((e) => e.event.kind)).toEqual(['message.create'])
  clock.advance(61_000)
  await p2p.drain()
  expect(committed.flat().map((e) => e.event.kind)).toEqual(['message.create', 'message.edit'])
  expect(p2p.stats()).toMatchObject({ received: 1, refreshes: 1, intents: 1 })
})

test('what is said to one person under an id of their own is shown nowhere; an interest in what they offer is', async () => {
  const p2p = bridge()
  await p2p.start()
  await emit({ kind: 'chat', message: line({ forPerson: 'discord:1' }) })
  expect(committed).toEqual([])
  await emit({ kind: 'market', message: offer({ kind: 'interest', targetId: PEER, forPerson: 'discord:1' }) })
  expect(committed.flat()).toHaveLength(1)
})

test('interests in what others offer are not shown', async () => {
  const p2p = bridge()
  await p2p.start()
  await emit({ kind: 'market', message: offer({ kind: 'interest', targetId: PEER }) })
  expect(committed).toEqual([])
  await emit({ kind: 'market', message: offer({ kind: 'interest', targetId: ME }) })
  expect(committed.flat()).toHaveLength(1)
  expect(p2p.stats().notForUs).toBe(1)
})

test('a line that passed this gateway before, or too many, is a loop', async () => {
  const p2p = bridge()
  await p2p.start()
  await emit({ kind: 'chat', message: line({ via: ['0123456789abcdef', ME.slice(0, 16)] }) })
  await emit({ kind: 'chat', message: line({ via: ['1', '2', '3', '4', '5'] }) })
  expect(committed).toEqual([])
  await emit({ kind: 'chat', message: line({ via: ['0123456789abcdef'] }) })
  expect(committed.flat()[0]).toMatchObject({ via: ['0123456789abcdef'] })
  expect(p2p.stats().loops).toBe(2)
})

test('open intents survive a restart', async () => {
  let saved: unknown = []
  const intents = {
    load: async () => saved as never,
    save: async (all: unknown) => {
      saved = JSON.parse(JSON.stringify(all))
    },
  }
  const first = bridge({ intents })
  await first.start()
  await emit({ kind: 'market', message: offer() })
  await first.drain()
  await first.stop()
  const second = bridge({ intents })
  await second.start()
  await emit({ kind: 'market', message: offer({ messageId: 'm2', sentAt: NOW + 5000 }) })
  expect(committed.flat()).toHaveLength(1)
  clock.advance(60_000)
  await second.drain()
  expect(committed.flat()).toHaveLength(2)
})

test('sends a text with the name of its author and network, and answers with all parts', async () => {
  const parts: number[] = []
  const outcome = await bridge().send(request({ onPart: async ({ part }) => void parts.push(part) }), never)
  expect(sent).toMatchObject([
    { to: 'Goods', text: { text: 'hello', senderName: 'Alice (Discord)', messageKey: 'key1', via: [ME.slice(0, 16)] } },
  ])
  expect(outcome).toEqual({
    kind: 'done',
    parts: [0, 1].map((part) => ({ part, ref: { network: 'p2p', account: 'self', channel: 'Goods', id: `id${part + 1}` } })),
  })
  expect(parts).toEqual([0])
})

test('passes on which gateways a message has been through, never instance names', async () => {
  await bridge().send(request({ via: ['0123456789abcdef', 'gateway'] }), never)
  expect(sent[0]!.text.via).toEqual(['0123456789abcdef', ME.slice(0, 16)])
})

test('what another gateway repeated waits for its turn, and is not repeated where it is heard by then', async () => {
  const p2p = bridge()
  await p2p.start()
  const told = { via: ['0123456789abcdef'], origin: 'x', text: 'hello' }
  await emit({ kind: 'chat', message: line({ ...told, topic: 'Jobs' }) })
  const repeat = request({ via: told.via, origin: 'x' })
  const outcome = await p2p.send(repeat, never)
  if (outcome.kind !== 'later') throw new Error(`it was ${outcome.kind}`)
  expect(outcome.afterMs).toBeGreaterThan(1_999)
  expect(sent).toEqual([])
  await clock.advance(outcome.afterMs)
  expect((await p2p.send(repeat, never)).kind).toBe('done')
  expect(sent.map((s) => s.to)).toEqual(['Goods'])
  await emit({ kind: 'chat', message: line({ ...told, messageId: 'c2', origin: 'y', topic: 'Jobs' }) })
  const other = { ...repeat, origin: 'y' }
  expect((await p2p.send(other, never)).kind).toBe('later')
  await emit({ kind: 'chat', message: line({ ...told, messageId: 'c3', origin: 'y', topic: 'Goods' }) })
  expect(await p2p.send(other, never)).toEqual({ kind: 'done', parts: [] })
  expect(sent).toHaveLength(1)
  // What people say here does not wait.
  expect((await p2p.send(request({ origin: 'z' }), never)).kind).toBe('done')
  await p2p.stop()
})

test('says whose text it is for people of chat platforms only', async () => {
  const p2p = bridge()
  for (const key of ['discord:5', 'telegram:7', 'web:ab', `p2p:${PEER}`, 'system:gateway']) {
    await p2p.send(request({ author: { key, displayName: 'Alice', isBot: false, kind: 'user' } }), never)
  }
  expect(sent.map(({ text }) => text.person)).toEqual(['discord:5', 'telegram:7', 'web:ab', undefined, undefined])
})

test('a direct place goes to the contact', async () => {
  await bridge().send(request({ place: { network: 'p2p', account: 'self', channel: `dm:${PEER}` } }), never)
  expect(sent[0]!.to).toBe(PEER)
  expect(sent[0]!.text.person).toBeUndefined()
})

test('the conversation of a person under an id of their own goes to its other side in that person’s name', async () => {
  const author = { key: 'discord:5', displayName: 'Alice', isBot: false, kind: 'user' } as const
  await bridge().send(request({ author, place: { network: 'p2p', account: 'self', channel: `dm:${PEER}@${ME}` } }), never)
  expect(sent[0]).toMatchObject({ to: PEER, text: { person: 'discord:5' } })
})

test('replies, edits, late messages and files become lines', async () => {
  const p2p = bridge()
  const attachments = [{ id: '1', kind: 'file', name: 'list.pdf', size: 1200, source: { kind: 'blob', hash: 'x' } }] as const
  await p2p.send(request({ reply: { authorName: 'Bob', excerpt: 'line one\nline two' }, showTime: true }, { attachments }), never)
  expect(sent[0]!.text.text).toBe('🕒 2025-06-21 00:00 UTC\n> Bob: line one line two\nhello\n📎 list.pdf (1.2 kB)')
  await p2p.send(request({ op: 'edit' }), never)
  expect(sent[1]!.text.text).toBe('✏️ hello')
})

test('every attempt of a delivery sends the same', async () => {
  const p2p = bridge()
  await p2p.send(request(), never)
  await p2p.send(request({ attempt: 3, ambiguousSince: NOW }), never)
  expect({ ...sent[1]!.text, signal: 0 }).toEqual({ ...sent[0]!.text, signal: 0 })
})

test('deletes and empty messages are done without a word', async () => {
  const parts = [{ part: 0, ref: { network: 'p2p', account: 'self', channel: 'Goods', id: 'x' } }] as const
  expect(await bridge().send(request({ op: 'delete', parts }), never)).toEqual({ kind: 'done', parts })
  expect(await bridge().send(request({}, { rich: plain(' ') }), never)).toEqual({ kind: 'done', parts: [] })
  expect(sent).toEqual([])
})

const fail = (code: string, extra: object = {}): void => {
  answer = async () => {
    throw new K2Error({ code, kind: 'network', message: 'why', ...extra })
  }
}

test.each([
  ['K2_RATE_LIMITED', { retry: { afterMs: 700 } }, { kind: 'rate-limited', afterMs: 700, scope: 'lane' }],
  ['K2_TOO_LARGE', {}, { kind: 'permanent', code: 'K2_TOO_LARGE', message: 'why' }],
  ['K2_UNKNOWN_TOPIC', {}, { kind: 'lane-failed', code: 'K2_UNKNOWN_TOPIC', message: 'why' }],
  ['KEY_BAD_ID', {}, { kind: 'lane-failed', code: 'KEY_BAD_ID', message: 'why' }],
  ['K2_NOT_RUNNING', {}, { kind: 'later', afterMs: 500 }],
  ['K2_UNCONFIRMED', {}, { kind: 'ambiguous', code: 'K2_UNCONFIRMED', message: 'why', scope: 'lane' }],
  ['ABORTED', {}, { kind: 'ambiguous', code: 'ABORTED', message: 'why' }],
  ['ANYTHING_ELSE', {}, { kind: 'ambiguous', code: 'ANYTHING_ELSE', message: 'why' }],
])('%s becomes the right outcome', async (code, extra, outcome) => {
  fail(code, extra)
  expect(await bridge().send(request(), never)).toEqual(outcome)
})

test('a foreign exception is ambiguous, never lost and never thrown', async () => {
  answer = async () => {
    throw new TypeError('boom')
  }
  expect(await bridge().send(request(), never)).toMatchObject({ kind: 'ambiguous' })
})

test('without listeners only this lane waits, longer each time, and starts over after a success', async () => {
  const p2p = bridge()
  fail('K2_NO_NEIGHBOR')
  const waits: unknown[] = []
  for (let i = 0; i < 3; i++) waits.push(await p2p.send(request(), never))
  expect(waits).toEqual([500, 1000, 2000].map((afterMs) => ({ kind: 'rate-limited', afterMs, scope: 'lane' })))
  expect(listenerWaitMs(50)).toBe(15_000)
  answer = async () => ({ messageIds: ['a'] })
  await p2p.send(request(), never)
  fail('K2_NO_NEIGHBOR')
  expect(await p2p.send(request(), never)).toMatchObject({ afterMs: 500 })
})

test('nothing is sent once the signal is up', async () => {
  expect(await bridge().send(request(), AbortSignal.abort())).toMatchObject({ kind: 'not-sent' })
  expect(sent).toEqual([])
})

test('drain waits for what was heard before', async () => {
  const gate = deferred<void>()
  const p2p = bridge({ sink: { ingest: () => gate.promise } })
  await p2p.start()
  const handled = emit({ kind: 'chat', message: line() })
  let drained = false
  const draining = p2p.drain().then(() => {
    drained = true
  })
  await Promise.resolve()
  expect(drained).toBe(false)
  gate.resolve()
  await Promise.all([handled, draining])
  expect(drained).toBe(true)
})

const picture = {
  id: 'f1',
  kind: 'image',
  name: 'cat.png',
  source: { kind: 'media', sha256: 'ab' },
} as const

test('files go as tickets where the gateway makes them, and as names elsewhere', async () => {
  const asked: unknown[] = []
  const share: P2pBridgeOptions['share'] = async (file, { place, author }) => {
    asked.push([file.id, place.channel, author.key])
    return place.channel === 'Goods' ? 'cat.png|blobabc' : undefined
  }
  const p2p = bridge({ share })
  await p2p.send(request({}, { attachments: [picture] }), never)
  await p2p.send(request({ place: { network: 'p2p', account: 'self', channel: 'Other' } }, { attachments: [picture] }), never)
  expect(sent[0]?.text.text).toBe('hello\ncat.png|blobabc')
  expect(sent[1]?.text.text).not.toContain('blobabc')
  expect(asked).toEqual([
    ['f1', 'Goods', 'discord:5'],
    ['f1', 'Other', 'discord:5'],
  ])
})

test('a file that cannot be read now is waited for, but not for ever; a lost one is only named', async () => {
  const failing = (retry: 'later' | 'never') =>
    bridge({
      share: async () => {
        throw new K2Error({ code: 'MEDIA_UNAVAILABLE', kind: 'platform', retry, message: 'down' })
      },
    })
  const withFile = (attempt: number) => request({ attempt }, { attachments: [picture] })
  expect(await failing('later').send(withFile(0), never)).toMatchObject({ kind: 'not-sent', code: 'MEDIA_UNAVAILABLE' })
  expect(sent).toEqual([])
  expect(await failing('later').send(withFile(3), never)).toMatchObject({ kind: 'done' })
  expect(await failing('never').send(withFile(0), never)).toMatchObject({ kind: 'done' })
  expect(sent).toHaveLength(2)
})
