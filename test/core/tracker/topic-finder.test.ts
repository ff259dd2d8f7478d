import { afterEach, beforeEach, expect, test } from 'vitest'
import { ManualClock } from '../../../src/base/clock.ts'
import { K2Error } from '../../../src/base/errors.ts'
import { nullLogger } from '../../../src/base/logger.ts'
import { seededRng } from '../../../src/base/random.ts'
import type { PeerId } from '../../../src/core/ids.ts'
import { topicIdOfName, trackerHashOf } from '../../../src/core/k2/topics.ts'
import { createVerifier } from '../../../src/core/keys/ed25519.ts'
import { identityOfSeed } from '../../../src/core/keys/identity.ts'
import { type SignedAnnounce, signAnnounce } from '../../../src/core/tracker/messages.ts'
import { TopicFinder } from '../../../src/core/tracker/topic-finder.ts'

const NOW = 1_750_000_000_000
const MINUTE = 60_000
const me = identityOfSeed(new Uint8Array(32).fill(1))
const [t1, t2] = [21, 22].map((n) => identityOfSeed(new Uint8Array(32).fill(n)).id) as [PeerId, PeerId]
const topic = { id: topicIdOfName('Goods'), name: 'Goods' }

let clock: ManualClock
let skewMs: number
let rows: SignedAnnounce[]
let down: Set<PeerId>
let neighbors: number
let announced: { tracker: PeerId; announce: SignedAnnounce }[]
let queries: PeerId[]
let found: (readonly PeerId[])[]
let finder: TopicFinder

function start(announce = true): TopicFinder {
  const answer = (tracker: PeerId): void => {
    if (down.has(tracker)) throw new K2Error({ code: 'NET_TIMEOUT', kind: 'timeout', message: 'no answer' })
  }
  return new TopicFinder({
    client: {
      query: async (tracker) => {
        queries.push(tracker)
        answer(tracker)
        return { rows, seen: [] }
      },
      announce: async (tracker, signed) => {
        answer(tracker)
        announced.push({ tracker, announce: signed })
      },
    },
    trackers: [t1, t2],
    identity: me,
    verify: createVerifier(),
    clock: { now: () => clock.now() + skewMs, monotonic: () => clock.monotonic(), after: (ms, run) => clock.after(ms, run) },
    rng: seededRng(3),
    log: nullLogger,
    announce,
    neighbors: () => neighbors,
    onFound: (_, peers) => found.push(peers),
  })
}

const rowOf = (n: number): SignedAnnounce =>
  signAnnounce(identityOfSeed(new Uint8Array(32).fill(n)), {
    content: { hash: trackerHashOf(topic.id), format: 'raw' },
    kind: 'complete',
    timestamp: BigInt(clock.now()) * 1000n,
  })
const settle = async (): Promise<void> => {
  for (let i = 0; i < 60; i++) await Promise.resolve()
}
const pass = async (ms: number): Promise<void> => {
  clock.advance(ms)
  await settle()
}

beforeEach(() => {
  clock = new ManualClock(NOW)
  skewMs = 0
  rows = []
  down = new Set()
  neighbors = 0
  announced = []
  queries = []
  found = []
  finder = start()
})
afterEach(() => finder.stop())

test('asks every tracker, announces at each, and hands over at most ten others', async () => {
  rows = Array.from({ length: 15 }, (_, i) => rowOf(40 + i))
  finder.watch(topic)
  finder.watch(topic)
  await settle()
  expect(queries).toEqual([t1, t2])
  expect(announced.map((a) => a.tracker).sort()).toEqual([t1, t2].sort())
  expect(announced[0]?.announce).toMatchObject({ host: me.id, kind: 'complete', content: { hash: trackerHashOf(topic.id) } })
  expect(found).toHaveLength(1)
  expect(found[0]).toHaveLength(10)
  expect(finder.peersOf('Goods')).toHaveLength(15)
  expect(finder.stats()).toMatchObject({ queries: 2, announces: 2, failures: 0, found: 15 })
})

test('looks again after five minutes while lonely, after thirty with company; joins nobody then', async () => {
  finder.watch(topic)
  await settle()
  rows = [rowOf(40)]
  await pass(6 * MINUTE + 1)
  expect(queries).toHaveLength(4)
  expect(found).toHaveLength(1)
  neighbors = 3
  await pass(6 * MINUTE + 1)
  expect(queries).toHaveLength(6)
  await pass(20 * MINUTE)
  expect(queries).toHaveLength(6)
  await pass(17 * MINUTE)
  expect(queries).toHaveLength(8)
  expect(found).toHaveLength(1)
})

test('announces again about every three hours, with later times, and at once after the network changed', async () => {
  neighbors = 3
  finder.watch(topic)
  await settle()
  expect(announced).toHaveLength(2)
  for (let i = 0; i < 9; i++) await pass(37 * MINUTE)
  expect(announced.length).toBe(4)
  finder.networkChanged()
  await settle()
  expect(announced.length).toBe(6)
  const times = announced.map((a) => a.announce.timestamp)
  expect([...times].sort((a, b) => Number(a - b))).toEqual(times)
})

test('a clock that goes back does not make announcements older', async () => {
  finder.watch(topic)
  await settle()
  const before = announced[0]?.announce.timestamp as bigint
  skewMs = -3600_000
  finder.networkChanged()
  await settle()
  expect(announced.at(-1)?.announce.timestamp).toBeGreaterThan(before)
})

test('a clock that is wrong shows in the answers: later times of several others, or the own row missing', async () => {
  rows = [rowOf(40), rowOf(41), rowOf(42)]
  skewMs = -6 * MINUTE
  finder.watch(topic)
  await settle()
  expect(finder.health().map((h) => h.clock)).toEqual(['behind', 'behind'])
  // Two others may be wrong together; forged rows say nothing.
  rows = [rowOf(40), rowOf(41), { ...rowOf(42), signature: rowOf(41).signature }, announced[0]!.announce]
  await pass(6 * MINUTE + 1)
  expect(finder.health().map((h) => h.clock)).toEqual([undefined, undefined])
  skewMs = 0
  // What was announced is not there, although the answer has room.
  rows = [rowOf(40)]
  await pass(6 * MINUTE + 1)
  expect(finder.health().map((h) => h.clock)).toEqual(['ahead', 'ahead'])
  rows = [rowOf(40), announced[0]!.announce]
  await pass(6 * MINUTE + 1)
  expect(finder.health().map((h) => h.clock)).toEqual([undefined, undefined])
})

test('a tracker that fails is left alone for longer and longer; the other goes on', async () => {
  down.add(t1)
  rows = [rowOf(40)]
  finder.watch(topic)
  await settle()
  expect(found).toHaveLength(1)
  expect(finder.health()).toMatchObject([
    { tracker: t1, failures: 1, lastError: 'NET_TIMEOUT' },
    { tracker: t2, failures: 0, lastOkAt: NOW },
  ])
  for (let i = 0; i < 12; i++) await pass(6 * MINUTE + 1)
  const toFirst = queries.filter((t) => t === t1).length
  expect(toFirst).toBeLessThan(queries.filter((t) => t === t2).length)
  down.clear()
  await pass(61 * MINUTE)
  await pass(61 * MINUTE)
  expect(finder.health()[0]).toMatchObject({ failures: 0 })
})

test('with every tracker down it asks again as soon as one may be asked', async () => {
  down = new Set([t1, t2])
  finder.watch(topic)
  await settle()
  expect(queries).toHaveLength(2)
  await pass(40_000)
  expect(queries.length).toBeGreaterThan(2)
})

test('only looks when told not to announce, and not at all when stopped', async () => {
  await finder.stop()
  finder = start(false)
  finder.watch(topic)
  await settle()
  expect(announced).toEqual([])
  expect(queries).toHaveLength(2)
  finder.unwatch('Goods')
  await pass(60 * MINUTE)
  expect(queries).toHaveLength(2)
  await finder.stop()
  finder.watch(topic)
  await settle()
  expect(queries).toHaveLength(2)
})
