import { expect, test } from 'vitest'
import { ManualClock } from '../../../src/base/clock.ts'
import { SequenceBuffer } from '../../../src/bridges/discord/sequence.ts'

function buffer(): {
  clock: ManualClock
  seen: number[]
  take(...numbers: number[]): void
  ready(): void
  order: SequenceBuffer
} {
  const clock = new ManualClock()
  const seen: number[] = []
  const order = new SequenceBuffer(clock, ({ seq }) => seen.push(seq))
  return {
    clock,
    seen,
    order,
    take: (...numbers) => {
      for (const seq of numbers) order.take({ name: 'MESSAGE_CREATE', data: {}, seq })
    },
    ready: () => order.take({ name: 'READY', data: {}, seq: 1 }),
  }
}

test('events that overtook each other are put in order again', () => {
  const b = buffer()
  b.ready()
  b.take(2, 5, 4, 3, 7, 6)
  expect(b.seen).toEqual([1, 2, 3, 4, 5, 6, 7])
})

test('a number that never comes holds the others up for a moment only, and comes through when it is late', () => {
  const b = buffer()
  b.ready()
  b.take(3, 5)
  expect(b.seen).toEqual([1])
  b.clock.advance(300)
  expect(b.seen).toEqual([1, 3, 5])
  b.take(6, 2)
  expect(b.seen).toEqual([1, 3, 5, 6, 2])
})

test('where numbers have gaps all the time they say nothing, until the next session', () => {
  const b = buffer()
  b.ready()
  for (const seq of [3, 5, 7]) {
    b.take(seq)
    b.clock.advance(300)
  }
  b.take(9, 11)
  expect(b.seen).toEqual([1, 3, 5, 7, 9, 11])
  b.ready()
  b.take(3, 2)
  expect(b.seen.slice(6)).toEqual([1, 2, 3])
})

test('a new session and the end let nothing wait, and repeated events go on', () => {
  const b = buffer()
  b.ready()
  b.take(2, 2, 4)
  b.ready()
  expect(b.seen).toEqual([1, 2, 2, 4, 1])
  b.take(9)
  b.order.flush()
  expect(b.seen).toEqual([1, 2, 2, 4, 1, 9])
})
