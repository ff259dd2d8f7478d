import { expect, test } from 'vitest'
import { seededRng } from '../../../src/base/random.ts'
import { JoinSchedule } from '../../../src/core/k2/join-schedule.ts'
import { MAX_ACTIVE_OFFERS, OfferSchedule } from '../../../src/core/k2/offer-schedule.ts'
import { StampClock } from '../../../src/core/k2/stamp-clock.ts'

/** Runs a schedule by its own advice and answers what was sent when. */
function run(schedule: OfferSchedule, untilMs: number): { id: string; at: number }[] {
  const sent: { id: string; at: number }[] = []
  for (let now = 0; now <= untilMs; ) {
    const { send, nextMs } = schedule.due(now)
    for (const id of send) sent.push({ id, at: now })
    if (nextMs === undefined) break
    now += Math.max(1, Math.ceil(nextMs))
  }
  return sent
}

test('an offer goes out at once, about every 5 s for a minute, then every 15 to 30 s', () => {
  const schedule = new OfferSchedule(seededRng(1))
  schedule.add('a', 'Goods', 0)
  const times = run(schedule, 600_000).map((s) => s.at)
  expect(times[0]).toBe(0)
  for (let i = 1; i < times.length; i++) {
    const gap = times[i]! - times[i - 1]!
    if (times[i - 1]! < 60_000) expect(gap).toBeGreaterThanOrEqual(4_500)
    if (times[i - 1]! < 60_000) expect(gap).toBeLessThanOrEqual(5_501)
    else expect(gap).toBeGreaterThanOrEqual(15_000)
    expect(gap).toBeLessThanOrEqual(30_001)
  }
})

test('many offers of a topic rotate within 2 messages per second, other topics are not slowed', () => {
  const schedule = new OfferSchedule(seededRng(2))
  for (let i = 0; i < 100; i++) schedule.add(`g${i}`, 'Goods', 0)
  schedule.add('d', 'Digital Assets', 0)
  const sent = run(schedule, 60_000)
  const goods = sent.filter((s) => s.id.startsWith('g'))
  expect(goods.length).toBeLessThanOrEqual(4 + 120)
  expect(goods.length).toBeGreaterThan(100)
  expect(new Set(goods.slice(0, 100).map((s) => s.id)).size).toBe(100)
  expect(sent.filter((s) => s.id === 'd').length).toBeGreaterThanOrEqual(11)
})

test('a removed offer is silent, an empty schedule asks for no timer', () => {
  const schedule = new OfferSchedule(seededRng(3))
  schedule.add('a', 'Goods', 0)
  schedule.remove('a')
  expect(schedule.due(0)).toEqual({ send: [], nextMs: undefined })
})

test('takes no more offers than it can repeat, restarting a known one always works', () => {
  const schedule = new OfferSchedule(seededRng(4))
  for (let i = 0; i < MAX_ACTIVE_OFFERS; i++) expect(schedule.add(String(i), 'Goods', 0)).toBe(true)
  expect(schedule.add('one more', 'Goods', 0)).toBe(false)
  expect(schedule.add('0', 'Goods', 0)).toBe(true)
})

test('joins start at 15 s and back off to 5 min, a success starts over', () => {
  const schedule = new JoinSchedule(seededRng(5))
  const delays = Array.from({ length: 20 }, () => schedule.nextMs())
  expect(delays[0]).toBeGreaterThanOrEqual(12_000)
  expect(delays[0]).toBeLessThanOrEqual(18_000)
  for (const delay of delays) expect(delay).toBeLessThanOrEqual(360_000)
  expect(delays.at(-1)).toBeGreaterThanOrEqual(240_000)
  schedule.reset()
  expect(schedule.nextMs()).toBeLessThanOrEqual(18_000)
})

test('timestamps of one topic strictly increase, also when the clock steps back', () => {
  const stamps = new StampClock()
  expect(stamps.next('a', 1000.7)).toBe(1000)
  expect(stamps.next('a', 1000)).toBe(1001)
  expect(stamps.next('a', 500)).toBe(1002)
  expect(stamps.next('b', 500)).toBe(500)
  stamps.observe('a', 2000)
  stamps.observe('a', 1500)
  expect(stamps.next('a', 1600)).toBe(2001)
})
