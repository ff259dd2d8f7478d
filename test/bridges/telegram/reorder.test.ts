import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ReorderBuffer } from '../../../src/bridges/telegram/reorder.ts'

const ids = (items: readonly { readonly id: number }[]): number[] => items.map((item) => item.id)

describe('updates in the wrong order', () => {
  it('come out in order when they come shortly after each other, the first ones too', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([100, 101, 102, 103, 104, 105, 106], { minLength: 7 }), (order) => {
        const buffer = new ReorderBuffer<number>()
        const out: number[] = []
        order.forEach((id, i) => {
          buffer.add(id, id, i * 200)
          out.push(...ids(buffer.ready(i * 200, 100)))
        })
        out.push(...ids(buffer.ready(order.length * 200 + 300, 100)))
        expect(out).toEqual([100, 101, 102, 103, 104, 105, 106])
        expect(buffer.size).toBe(0)
      }),
    )
  })

  it('waits two seconds of silence for a missing one, then goes on; a late one goes at once', () => {
    const buffer = new ReorderBuffer<string>()
    buffer.add(7, 'a', 0)
    expect(ids(buffer.ready(0, 10))).toEqual([])
    expect(ids(buffer.ready(300, 10))).toEqual([7])
    buffer.add(9, 'c', 310)
    buffer.add(10, 'd', 1_310)
    expect(buffer.ready(2_400, 10)).toEqual([])
    expect(buffer.dueAt()).toBe(3_310)
    expect(ids(buffer.ready(3_310, 10))).toEqual([9, 10])
    buffer.add(8, 'b', 3_320)
    expect(ids(buffer.ready(3_320, 10))).toEqual([8])
  })

  it('lets nothing wait longer than its sender does', () => {
    const buffer = new ReorderBuffer<number>()
    buffer.add(1, 1, 0)
    buffer.ready(300, 10)
    for (let n = 0; n < 12; n++) buffer.add(3 + n, 0, 300 + n * 1_000)
    expect(buffer.dueAt()).toBe(7_300)
  })

  it('takes a new sequence as it comes', () => {
    const buffer = new ReorderBuffer<string>()
    buffer.add(5, 'a', 0)
    buffer.ready(300, 10)
    buffer.add(900_000_001, 'b', 301)
    expect(ids(buffer.ready(301, 10))).toEqual([900_000_001])
    buffer.add(900_000_003, 'd', 302)
    expect(buffer.ready(302, 10)).toEqual([])
  })
})
