import { expect, test } from 'vitest'
import { deferred } from '../../../src/base/async.ts'
import { ManualClock } from '../../../src/base/clock.ts'
import { nullLogger } from '../../../src/base/logger.ts'
import { seededRng } from '../../../src/base/random.ts'
import { ExpectedEchoes } from '../../../src/bridges/discord/echoes.ts'
import { type FeedItem, IngestFeed } from '../../../src/bridges/discord/feed.ts'
import { ChannelGates } from '../../../src/bridges/discord/gates.ts'
import type { Envelope } from '../../../src/bridges/model/message.ts'
import { MemoryCursors, MemorySink } from './harness.ts'

const item = (id: number, channel = 'c'): FeedItem => ({
  envelopes: [{ eventId: `e${id}` } as Envelope],
  done: { channel, messageId: String(id) },
})

function setup(capacity?: number) {
  const clock = new ManualClock()
  const cursors = new MemoryCursors()
  const sink = new MemorySink(cursors)
  let rooms = 0
  const feed = new IngestFeed({
    account: 'main',
    sink,
    clock,
    rng: seededRng(1),
    log: nullLogger,
    ...(capacity !== undefined && { capacity }),
    onRoom: () => {
      rooms++
    },
  })
  return { clock, cursors, sink, feed, rooms: () => rooms }
}

const ids = (sink: MemorySink): string[] => sink.events.map((e) => e.eventId)

test('order is kept and the cursor follows what was committed', async () => {
  const { sink, feed, cursors } = setup()
  for (let n = 1; n <= 250; n++) feed.push(item(n, n % 2 ? 'a' : 'b'))
  await feed.drain(new AbortController().signal)
  expect(ids(sink)).toEqual(Array.from({ length: 250 }, (_, i) => `e${i + 1}`))
  expect(sink.calls).toBeLessThan(10)
  expect([...cursors.values]).toEqual([
    ['main discord/a', '249'],
    ['main discord/b', '250'],
  ])
})

test('a failing sink gets the same events again, and no cursor moves before', async () => {
  const { sink, feed, cursors, clock } = setup()
  sink.failure = new Error('away')
  feed.push(item(1))
  feed.push(item(2))
  for (let n = 0; n < 5; n++) {
    await sink.until(() => sink.calls > n)
    await new Promise((resolve) => setImmediate(resolve))
    clock.advance(10_000)
  }
  expect(feed.failure).toBe('away')
  expect(cursors.values.size).toBe(0)
  sink.failure = undefined
  await sink.until(() => sink.events.length === 2)
  expect(ids(sink)).toEqual(['e1', 'e2'])
  expect(cursors.values.get('main discord/c')).toBe('2')
})

test('cursors without events wait for company, but not for ever', async () => {
  const { sink, feed, cursors, clock } = setup()
  feed.push({ envelopes: [], done: { channel: 'c', messageId: '5' } })
  expect(sink.calls).toBe(0)
  clock.advance(3000)
  await sink.until(() => cursors.values.get('main discord/c') === '5')
})

test('a full feed refuses and says when there is room again', async () => {
  const { sink, feed, rooms, clock } = setup(3)
  sink.failure = new Error('away')
  const taken = [1, 2, 3, 4, 5, 6].map((n) => feed.push(item(n)))
  expect(taken.filter((t) => !t).length).toBeGreaterThan(0)
  expect(rooms()).toBe(0)
  await sink.until(() => sink.calls > 0)
  sink.failure = undefined
  await new Promise((resolve) => setImmediate(resolve))
  clock.advance(10_000)
  await feed.drain(new AbortController().signal)
  expect(rooms()).toBe(1)
})

test('a frozen channel keeps its cursor until its past is there', async () => {
  const { feed, cursors, sink, clock } = setup()
  feed.freeze('c')
  feed.push(item(9))
  feed.push(item(1, 'other'))
  await feed.drain(new AbortController().signal)
  expect([...cursors.values.keys()]).toEqual(['main discord/other'])
  feed.unfreeze('c')
  clock.advance(3000)
  await sink.until(() => cursors.values.get('main discord/c') === '9')
})

test('cursors compare as numbers, not as text', async () => {
  const { feed, cursors } = setup()
  feed.push(item(10))
  feed.push(item(9))
  await feed.drain(new AbortController().signal)
  expect(cursors.values.get('main discord/c')).toBe('10')
})

test('held channels keep their events in order, and forget creates when there are too many', () => {
  const gates = new ChannelGates()
  expect(gates.hold('c')).toBe(true)
  expect(gates.hold('c')).toBe(false)
  for (let seq = 0; seq < 2500; seq++) gates.keep('c', { name: seq % 2 ? 'MESSAGE_CREATE' : 'MESSAGE_DELETE', data: {}, seq })
  expect(gates.takeOverflow('c')).toBe(true)
  expect(gates.takeOverflow('c')).toBe(false)
  const released = gates.release('c')
  expect(released.every((e) => e.name === 'MESSAGE_DELETE')).toBe(true)
  expect(gates.isHeld('c')).toBe(false)
})

test('echoes: equal sends are told apart by order, and nothing is kept for ever', async () => {
  const clock = new ManualClock()
  const echoes = new ExpectedEchoes(clock)
  const key = { channel: 'c', author: 'w', name: 'Bob', content: 'ok ' }
  const first = echoes.expect(key)
  const second = echoes.expect(key)
  expect(echoes.observe({ ...key, content: 'ok' }, '1')).toBe(true)
  expect(echoes.observe(key, '2')).toBe(true)
  expect(echoes.observe(key, '3')).toBe(false)
  expect(await first.seen(10)).toBe('1')
  expect(await second.seen(10)).toBe('2')
  const late = echoes.expect(key)
  const answer = deferred<string | undefined>()
  late.seen(3000).then(answer.resolve, answer.reject)
  clock.advance(3000)
  expect(await answer.promise).toBeUndefined()
  for (let n = 0; n < 100; n++) echoes.expect({ ...key, content: String(n) })
  clock.advance(60_000)
  echoes.expect(key).forget()
  expect(echoes.size).toBe(0)
})
