import { expect, test } from 'vitest'
import { ManualClock } from '../../../src/base/clock.ts'
import { Throttle } from '../../../src/gateway/pipeline/throttle.ts'

test('the first call comes at once, those of a burst together at the end, none is forgotten', () => {
  const clock = new ManualClock()
  const calls: number[] = []
  const begun = clock.monotonic()
  const throttle = new Throttle(200, clock, () => calls.push(clock.monotonic() - begun))
  for (let n = 0; n < 50; n++) {
    throttle.ask()
    clock.advance(10)
  }
  clock.advance(1_000)
  expect(calls).toEqual([0, 200, 400, 600])
  throttle.ask()
  expect(calls.at(-1)).toBe(1_500)
  throttle.ask()
  throttle.stop()
  clock.advance(1_000)
  expect(calls).toHaveLength(5)
})
