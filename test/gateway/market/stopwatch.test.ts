import { expect, test } from 'vitest'
import { workClock } from '../../../src/gateway/market/stopwatch.ts'

/** A thread that works or waits, and a count of how often its processor time is asked for. */
function machine() {
  let wall = 1_000
  let processor = 50
  let asked = 0
  return {
    clock: workClock(
      () => wall,
      () => {
        asked++
        return processor
      },
    ),
    work: (ms: number) => {
      wall += ms
      processor += ms
    },
    wait: (ms: number) => {
      wall += ms
    },
    asked: () => asked,
  }
}

test('work counts, waiting for a processor does not', () => {
  const { clock, work, wait } = machine()
  const begun = clock()
  work(30)
  expect(clock() - begun).toBeCloseTo(30)
  wait(500)
  expect(clock() - begun).toBeCloseTo(30)
  work(5)
  expect(clock() - begun).toBeCloseTo(35)
})

test('work of other threads counts no more than the time that passed', () => {
  let wall = 0
  const clock = workClock(
    () => wall,
    () => wall * 8,
  )
  const begun = clock()
  wall += 10
  expect(clock() - begun).toBeCloseTo(10)
})

test('many short looks cost no look at the processor time, and are all counted', () => {
  const { clock, work, asked } = machine()
  const begun = clock()
  const before = asked()
  for (let n = 0; n < 1_000; n++) {
    work(0.2)
    clock()
  }
  expect(clock() - begun).toBeCloseTo(200)
  expect(asked()).toBe(before)
})
