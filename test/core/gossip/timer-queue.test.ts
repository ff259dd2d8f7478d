import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../src/base/clock.ts'
import { TimerQueue } from '../../../src/core/gossip/timer-queue.ts'

describe('TimerQueue', () => {
  it('fires in order of due time, then of insertion, each at its time', () => {
    const clock = new ManualClock(0)
    const fired: [number, string][] = []
    const queue = new TimerQueue<string>(clock, (name) => fired.push([clock.monotonic(), name]))
    for (const [ms, name] of [
      [5, 'a'],
      [80, 'b'],
      [5, 'c'],
      [1, 'd'],
    ] as const)
      queue.add(ms, name)
    clock.advance(100)
    expect(fired).toEqual([
      [1, 'd'],
      [5, 'a'],
      [5, 'c'],
      [80, 'b'],
    ])
    expect(queue.size).toBe(0)
  })

  it('takes timers added while others fire, also overdue ones', () => {
    const clock = new ManualClock(0)
    const fired: [number, number][] = []
    const queue = new TimerQueue<number>(clock, (n) => {
      fired.push([clock.monotonic(), n])
      if (n < 3) queue.add(n === 1 ? 0 : 10, n + 1)
    })
    queue.add(10, 0)
    clock.advance(50)
    expect(fired).toEqual([
      [10, 0],
      [20, 1],
      [20, 2],
      [30, 3],
    ])
  })

  it('is silent after stop', () => {
    const clock = new ManualClock(0)
    const queue = new TimerQueue<string>(clock, () => expect.unreachable())
    queue.add(5, 'x')
    queue.stop()
    queue.add(1, 'y')
    clock.advance(100)
  })
})
