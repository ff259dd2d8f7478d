import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EventBuffer, type GossipEvent } from '../../../src/core/gossip/event-buffer.ts'
import type { TopicEvent } from '../../../src/core/gossip/proto/events.ts'
import { hash, peer } from './proto/notation.ts'

const message = (n: number): TopicEvent => ({ type: 'directCopy', id: hash(`${n}`), from: peer(n) })
const up = (n: number): TopicEvent => ({ type: 'neighborUp', peer: peer(n) })

async function drain(buffer: EventBuffer): Promise<GossipEvent[]> {
  buffer.close()
  const out: GossipEvent[] = []
  for await (const event of buffer) out.push(event)
  return out
}

describe('EventBuffer', () => {
  it('hands events to a waiting reader and ends with close', async () => {
    const buffer = new EventBuffer(4, () => {})
    const reader = buffer[Symbol.asyncIterator]()
    const first = reader.next()
    buffer.push(up(1))
    expect(await first).toEqual({ done: false, value: up(1) })
    const second = reader.next()
    buffer.close()
    expect((await second).done).toBe(true)
    buffer.push(up(2))
    expect((await reader.next()).done).toBe(true)
  })

  it('goes on where a left loop stopped', async () => {
    const buffer = new EventBuffer(4, () => {})
    for (let i = 0; i < 3; i++) buffer.push(up(i))
    for await (const event of buffer) {
      expect(event).toEqual(up(0))
      break
    }
    expect(await drain(buffer)).toEqual([up(1), up(2)])
  })

  it('drops the oldest messages, never more than it must, and says how many', async () => {
    const buffer = new EventBuffer(3, () => {})
    for (const event of [up(1), message(2), up(3), message(4), message(5)]) buffer.push(event)
    expect(await drain(buffer)).toEqual([{ type: 'lagged', lost: 2 }, up(1), up(3), message(5)])
  })

  it('drops neighbour changes only when there is nothing else', async () => {
    const buffer = new EventBuffer(2, () => {})
    for (const event of [up(1), up(2), up(3)]) buffer.push(event)
    expect(await drain(buffer)).toEqual([{ type: 'lagged', lost: 1 }, up(2), up(3)])
  })

  it('keeps order and count for any mixture of writing and reading', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.constantFrom('message', 'up', 'read'), { maxLength: 200 }),
        async (capacity, plan) => {
          const buffer = new EventBuffer(capacity, () => {})
          const reader = buffer[Symbol.asyncIterator]()
          const got: GossipEvent[] = []
          let pushed = 0
          for (const step of plan) {
            if (step === 'read') {
              if (buffer.size > 0) got.push((await reader.next()).value as GossipEvent)
            } else buffer.push(step === 'up' ? up(++pushed) : message(++pushed))
            expect(buffer.size).toBeLessThanOrEqual(capacity)
          }
          got.push(...(await drain(buffer)))
          const lost = got.reduce((sum, event) => sum + (event.type === 'lagged' ? event.lost : 0), 0)
          const numbers = got.flatMap((event) =>
            event.type === 'neighborUp'
              ? [Number.parseInt(event.peer, 16)]
              : event.type === 'directCopy'
                ? [Number.parseInt(event.from, 16)]
                : [],
          )
          expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
          expect(numbers.length + lost).toBe(pushed)
        },
      ),
    )
  })
})
