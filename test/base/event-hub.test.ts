import { expect, test } from 'vitest'
import { EventHub } from '../../src/base/event-hub.ts'

test('every reader gets every event in order', async () => {
  const hub = new EventHub<number>()
  const [a, b] = [hub.subscribe({ capacity: 10, overflow: 'wait' }), hub.subscribe({ capacity: 10, overflow: 'drop' })]
  for (let i = 1; i <= 3; i++) await hub.publish(i)
  hub.close()
  const read = async (stream: AsyncIterable<number>): Promise<number[]> => {
    const all: number[] = []
    for await (const n of stream) all.push(n)
    return all
  }
  expect(await read(a)).toEqual([1, 2, 3])
  expect(await read(b)).toEqual([1, 2, 3])
})

test('a reader that must lose nothing makes the source wait, the other one counts what it misses', async () => {
  const hub = new EventHub<number>()
  const careful = hub.subscribe({ capacity: 2, overflow: 'wait' })
  const casual = hub.subscribe({ capacity: 1, overflow: 'drop' })
  await hub.publish(1)
  await hub.publish(2)
  let published = false
  const third = hub.publish(3).then(() => {
    published = true
  })
  await Promise.resolve()
  expect(published).toBe(false)
  expect(casual.lagged).toBe(2)
  expect(await careful.next()).toBe(1)
  await third
  expect(published).toBe(true)
  expect([await careful.next(), await careful.next()]).toEqual([2, 3])
})

test('closing a reader releases a waiting source and ends the reader', async () => {
  const hub = new EventHub<number>()
  const stream = hub.subscribe({ capacity: 1, overflow: 'wait' })
  await hub.publish(1)
  const waiting = hub.publish(2)
  stream.close()
  await waiting
  await hub.publish(3)
  expect([await stream.next(), await stream.next()]).toEqual([1, undefined])
  expect(stream.lagged).toBe(0)
})
