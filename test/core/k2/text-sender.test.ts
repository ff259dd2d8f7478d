import { beforeEach, expect, test } from 'vitest'
import { deferred } from '../../../src/base/async.ts'
import { ManualClock } from '../../../src/base/clock.ts'
import { seededRng } from '../../../src/base/random.ts'
import type { PeerId } from '../../../src/core/ids.ts'
import { decodeContent } from '../../../src/core/k2/decode.ts'
import type { TopicInfo } from '../../../src/core/k2/inbound.ts'
import { JoinedTopic } from '../../../src/core/k2/joined-topic.ts'
import type { ChatMessage } from '../../../src/core/k2/messages.ts'
import { ReceiptBook } from '../../../src/core/k2/receipt-book.ts'
import { MemoryJournal, type SendJournal } from '../../../src/core/k2/send-journal.ts'
import { TextSender, type TextSenderOptions } from '../../../src/core/k2/text-sender.ts'
import { directTopicName, topicIdOfName } from '../../../src/core/k2/topics.ts'
import { A, B, C, idOf, NOW } from './fixtures.ts'

const info: TopicInfo = { id: topicIdOfName('Goods'), name: 'Goods' }
const direct: TopicInfo = { id: topicIdOfName(directTopicName(A, B)), name: directTopicName(A, B), contact: B }
let clock: ManualClock
let book: ReceiptBook
let journal: SendJournal
let sent: ChatMessage[]
let trusted: Set<PeerId>

beforeEach(() => {
  clock = new ManualClock(NOW)
  trusted = new Set()
  book = new ReceiptBook((peer) => trusted.has(peer))
  journal = new MemoryJournal()
  sent = []
})

/** A topic whose present neighbours are K2 applications as far as receipts go, unless they have confirmed something. */
function topicOf(topicInfo: TopicInfo, ...neighbors: PeerId[]): JoinedTopic {
  const unknown = book.undecided({ topic: topicInfo.id, key: '' }, neighbors, clock.now())
  book.passed(topicInfo.id, unknown, clock.now())
  return freshTopic(topicInfo, ...neighbors)
}

function freshTopic(topicInfo: TopicInfo, ...neighbors: PeerId[]): JoinedTopic {
  const topic = new JoinedTopic({
    info: topicInfo,
    channel: {
      broadcast: async (content) => {
        sent.push(decodeContent(content, { direct: false, idOf }) as ChatMessage)
      },
      join: async () => {},
      close: async () => {},
    },
    bootstrap: () => [],
    clock,
    rng: seededRng(1),
    onJoinFailed: () => {},
  })
  for (const peer of neighbors) topic.neighborUp(peer)
  return topic
}

const senderWith = (extra: Partial<TextSenderOptions> = {}): TextSender =>
  new TextSender({
    me: A,
    clock,
    journal,
    receipts: book,
    rate: { perSecond: 5, burst: 20 },
    isTrusted: (peer) => trusted.has(peer),
    ...extra,
  })

/** Lets everything that waits for nothing but other promises happen. */
const settle = async (): Promise<void> => {
  for (let i = 0; i < 50; i++) await Promise.resolve()
}

function expectReceiptsOf(peer: PeerId, topicId = info.id): void {
  book.sent({ topic: topicId, key: 'earlier' }, clock.now())
  book.receipt(peer, { topic: topicId, keys: ['earlier'] }, clock.now())
}

test('sends a line at once where nobody confirms lines', async () => {
  const ids = await senderWith().send(topicOf(info, B), { text: 'hi', senderName: ' Alice\n(Discord) ', key: 'k' })
  expect(ids).toHaveLength(1)
  expect(sent).toMatchObject([{ senderId: A, senderName: 'Alice (Discord)', text: 'hi', sentAt: NOW, mark: { attempt: 0 } }])
})

test('a first line waits a moment to learn whether a new neighbour confirms lines, then never again', async () => {
  const sender = senderWith()
  const topic = freshTopic(info, B)
  const first = sender.send(topic, { text: 'hi', key: 'k1' })
  let done = false
  const watched = first.then(() => {
    done = true
  })
  await settle()
  expect(done).toBe(false)
  clock.advance(1000)
  await watched
  await sender.send(topic, { text: 'hi', key: 'k2' })
  expect(sent).toHaveLength(2)
})

test('a long text goes out in parts with increasing timestamps and keys of their own', async () => {
  const ids = await senderWith().send(topicOf(info, B), { text: `${'a'.repeat(3000)}\n\n${'b'.repeat(3000)}`, key: 'k' })
  expect(ids).toHaveLength(2)
  expect(sent.map((line) => line.sentAt)).toEqual([NOW, NOW + 1])
  expect(new Set(sent.map((line) => line.mark!.key)).size).toBe(2)
})

test('a repeated send, also after a restart, is the same line in another attempt', async () => {
  const message = { text: 'hi', senderName: 'Alice', key: 'k' }
  const [first] = await senderWith().send(topicOf(info, B), message)
  clock.advance(3600_000)
  const [second] = await senderWith().send(topicOf(info, B), message)
  expect(second).toBe(first)
  expect(sent[1]).toMatchObject({ sentAt: NOW, mark: { key: sent[0]!.mark!.key, attempt: 1 } })
})

test('new lines after a restart are stamped behind those sent before', async () => {
  const sender = senderWith()
  const topic = topicOf(info, B)
  for (let i = 0; i < 5; i++) await sender.send(topic, { text: 'x', key: `k${i}` })
  await senderWith().send(topic, { text: 'y', key: 'other' })
  expect(sent.at(-1)!.sentAt).toBe(NOW + 5)
})

test('nobody there: nothing is sent, nothing is remembered', async () => {
  await expect(senderWith().send(topicOf(info), { text: 'hi', key: 'k' })).rejects.toThrow(
    expect.objectContaining({ code: 'K2_NO_NEIGHBOR' }),
  )
  expect(sent).toEqual([])
  expect(journal.restored().lines).toEqual([])
})

test('a direct message needs the contact itself, not just somebody who listens in', async () => {
  await expect(senderWith().send(topicOf(direct, C), { text: 'hi', key: 'k' })).rejects.toThrow(
    expect.objectContaining({ code: 'K2_NO_NEIGHBOR' }),
  )
  await senderWith().send(topicOf(direct, C, B), { text: 'hi', key: 'k' })
  expect(sent).toHaveLength(1)
})

test('a journal that cannot write stops the line before it goes out', async () => {
  const broken = new MemoryJournal()
  broken.record = async () => {
    throw new Error('disk full')
  }
  await expect(senderWith({ journal: broken }).send(topicOf(info, B), { text: 'hi', key: 'k' })).rejects.toThrow('disk full')
  expect(sent).toEqual([])
})

test('keeps below what strangers accept; trusted neighbours get everything at once', async () => {
  const sender = senderWith({ rate: { perSecond: 5, burst: 3 } })
  const topic = topicOf(info, B)
  for (let i = 0; i < 3; i++) await sender.send(topic, { text: 'x', key: `k${i}` })
  await expect(sender.send(topic, { text: 'x', key: 'k3' })).rejects.toThrow(
    expect.objectContaining({ code: 'K2_RATE_LIMITED', retry: { afterMs: 200 } }),
  )
  trusted.add(B)
  await sender.send(topic, { text: 'x', key: 'k3' })
})

test('waits for the receipt of a gateway that confirms lines', async () => {
  expectReceiptsOf(B)
  const sender = senderWith()
  const sending = sender.send(topicOf(info, B), { text: 'hi', key: 'k' })
  let done = false
  const watched = sending.then(() => {
    done = true
  })
  await settle()
  expect(sent).toHaveLength(1)
  expect(done).toBe(false)
  book.receipt(B, { topic: info.id, keys: [sent[0]!.mark!.key] }, clock.now())
  sender.wake()
  await watched
  expect(done).toBe(true)
})

test('repeats the line while the gateway is connected but silent, and gives an honest answer in the end', async () => {
  expectReceiptsOf(B)
  const outcome = expect(senderWith().send(topicOf(info, B), { text: 'hi', key: 'k' })).rejects.toThrow(
    expect.objectContaining({ code: 'K2_UNCONFIRMED', retry: 'ambiguous' }),
  )
  for (let i = 0; i < 11; i++) {
    await settle()
    clock.advance(1000)
  }
  await settle()
  await outcome
  expect(sent.length).toBeGreaterThanOrEqual(4)
  expect(new Set(sent.map((line) => line.mark!.attempt)).size).toBe(sent.length)
})

test('repeats the line as soon as the missing gateway is back', async () => {
  expectReceiptsOf(B)
  const sender = senderWith()
  const topic = topicOf(info, C)
  const sending = sender.send(topic, { text: 'hi', key: 'k' })
  await settle()
  clock.advance(500)
  topic.neighborUp(B)
  sender.wake()
  await settle()
  expect(sent.map((line) => line.mark!.attempt)).toEqual([0, 1])
  book.receipt(B, { topic: info.id, keys: [sent[0]!.mark!.key] }, clock.now())
  sender.wake()
  await sending
})

test('a gateway that never comes back stops being waited for', async () => {
  expectReceiptsOf(B)
  const sender = senderWith()
  const topic = topicOf(info, C)
  const attempts: string[] = []
  for (let i = 0; i < 3; i++) {
    const one = sender.send(topic, { text: 'hi', key: 'k' }).then(
      () => attempts.push('done'),
      (error: { code: string }) => attempts.push(error.code),
    )
    for (let s = 0; s < 11; s++) {
      await settle()
      clock.advance(1000)
    }
    await one
  }
  expect(attempts[0]).toBe('K2_UNCONFIRMED')
  expect(attempts.at(-1)).toBe('done')
})

test('stopping ends the wait and says that the line may have arrived', async () => {
  expectReceiptsOf(B)
  const stop = new AbortController()
  const outcome = expect(senderWith().send(topicOf(info, B), { text: 'hi', key: 'k', signal: stop.signal })).rejects.toThrow(
    expect.objectContaining({ code: 'ABORTED' }),
  )
  await settle()
  stop.abort()
  await outcome
})

test('gateways that confirmed lines before a restart are waited for after it', async () => {
  journal = new MemoryJournal([], [{ peer: B, topic: info.id }])
  const sender = senderWith()
  const sending = sender.send(freshTopic(info, B), { text: 'hi', key: 'k' })
  await settle()
  expect(book.missing({ topic: info.id, key: sent[0]!.mark!.key }, clock.now())).toEqual([B])
  book.receipt(B, { topic: info.id, keys: [sent[0]!.mark!.key] }, clock.now())
  sender.wake()
  await sending
})

test('a gateway that leaves before it confirmed a line leaves an open question; the next attempt does not wait for it', async () => {
  expectReceiptsOf(B)
  const sender = senderWith()
  const topic = freshTopic(info, B)
  const first = expect(sender.send(topic, { text: 'hi', key: 'k' })).rejects.toThrow(
    expect.objectContaining({ code: 'K2_UNCONFIRMED' }),
  )
  await settle()
  book.left(B)
  topic.neighborDown(B)
  topic.neighborUp(C)
  book.passed(info.id, [C], clock.now())
  sender.wake()
  await first
  await sender.send(topic, { text: 'hi', key: 'k' })
  expect(sent.map((line) => line.mark!.attempt)).toEqual([0, 1])
})

test('a new neighbour that vanishes before it could confirm leaves an open question as well', async () => {
  const sender = senderWith()
  const topic = freshTopic(info, B, C)
  book.passed(info.id, [C], clock.now())
  const outcome = expect(sender.send(topic, { text: 'hi', key: 'k' })).rejects.toThrow(
    expect.objectContaining({ code: 'K2_UNCONFIRMED' }),
  )
  await settle()
  topic.neighborDown(B)
  sender.wake()
  await outcome
  await sender.send(topic, { text: 'hi', key: 'k' })
})

test('the longest names and via lists leave room for the text', async () => {
  const text = 'ă'.repeat(5000)
  const via = Array.from({ length: 9 }, () => '0123456789abcdef')
  await senderWith().send(topicOf(info, B), { text, senderName: '😀'.repeat(80), key: 'k', via })
  expect(sent.map((line) => line.text).join('')).toBe(text)
  expect(sent[0]!.mark!.via).toHaveLength(5)
})

test('a neighbour that speaks the receipt protocol is waited for from the first line on', async () => {
  const sender = senderWith({ ask: async () => 'gateway' })
  const sending = sender.send(freshTopic(info, B), { text: 'hi', key: 'k' })
  await settle()
  clock.advance(1500)
  await settle()
  expect(sender.stats()).toMatchObject({ lines: 1, unconfirmed: 0 })
  book.receipt(B, { topic: info.id, keys: [sent[0]?.mark?.key as string] }, clock.now())
  sender.wake()
  expect(await sending).toHaveLength(1)
})

test('a neighbour that refuses the receipt protocol costs the first line no wait', async () => {
  expect(await senderWith({ ask: async () => 'application' }).send(freshTopic(info, B), { text: 'hi', key: 'k' })).toHaveLength(1)
})

test('a configured neighbour that does not answer is owed the line until its patience is over, a stranger is not', async () => {
  const sender = senderWith({ ask: async () => 'unknown' })
  const sendAfter = async (topic: JoinedTopic): Promise<string> => {
    const sending = sender.send(topic, { text: 'hi', key: 'k' }).then(
      () => 'sent',
      (error) => error.code,
    )
    await settle()
    clock.advance(1000)
    await settle()
    return await sending
  }
  expect(await sendAfter(freshTopic({ id: topicIdOfName('Jobs'), name: 'Jobs' }, C))).toBe('sent')
  trusted.add(B)
  const topic = freshTopic(info, B)
  expect(await sendAfter(topic)).toBe('K2_UNCONFIRMED')
  clock.advance(60_000)
  expect(await sendAfter(topic)).toBe('sent')
  // For some minutes it counts as an application.
  expect(await sender.send(topic, { text: 'next', key: 'k2' })).toHaveLength(1)
})

test('a configured neighbour that answers late is waited for', async () => {
  trusted.add(B)
  const answer = deferred<'gateway'>()
  const sender = senderWith({ ask: () => answer.promise })
  const sending = sender.send(freshTopic(info, B), { text: 'hi', key: 'k' })
  await settle()
  clock.advance(3000)
  await settle()
  answer.resolve('gateway')
  await settle()
  book.receipt(B, { topic: info.id, keys: [sent[0]?.mark?.key as string] }, clock.now())
  sender.wake()
  expect(await sending).toHaveLength(1)
  expect(sender.stats().unconfirmed).toBe(0)
})
