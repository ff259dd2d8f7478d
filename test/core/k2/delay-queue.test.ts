import { expect, test } from 'vitest'
import { ManualClock } from '../../../src/base/clock.ts'
import { DelayQueue } from '../../../src/core/k2/delay-queue.ts'

test('items of one key keep their order, also when one is held back again', () => {
  const clock = new ManualClock()
  const out: number[] = []
  let again = 1
  const queue: DelayQueue<number> = new DelayQueue(clock, (item) => {
    if (item === 2 && again-- > 0) queue.hold('a', item, 100)
    else out.push(item)
  })
  for (const item of [1, 2, 3]) expect(queue.hold('a', item, 100)).toBe(true)
  expect(queue.isWaiting('a')).toBe(true)
  clock.advance(100)
  expect(out).toEqual([1])
  expect(queue.size).toBe(2)
  clock.advance(100)
  expect(out).toEqual([1, 2, 3])
  expect(queue.isWaiting('a')).toBe(false)
})

test('one key does not delay another', () => {
  const clock = new ManualClock()
  const out: string[] = []
  const queue = new DelayQueue<string>(clock, (item) => out.push(item))
  queue.hold('a', 'slow', 1000)
  queue.hold('b', 'fast', 10)
  clock.advance(10)
  expect(out).toEqual(['fast'])
})

test('is bounded per key and in all, and can be emptied', () => {
  const clock = new ManualClock()
  const queue = new DelayQueue<number>(clock, () => {
    throw new Error('must not be released')
  })
  const held = Array.from({ length: 100 }, (_, i) => queue.hold('a', i, 10))
  expect(held.filter((ok) => ok)).toHaveLength(64)
  for (let k = 0; k < 100; k++) for (let i = 0; i < 30; i++) queue.hold(`k${k}`, i, 10)
  expect(queue.size).toBe(2000)
  queue.clear()
  clock.advance(100)
  expect(queue.size).toBe(0)
})
