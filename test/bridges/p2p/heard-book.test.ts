import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { HeardBook } from '../../../src/bridges/p2p/heard-book.ts'

const bike = (origin: string) => ({ origin, text: 'selling my bike' })

describe('what was heard on which topic', () => {
  it('is known by its origin, per topic', () => {
    const book = new HeardBook('a'.repeat(16))
    book.hear('Goods', bike('x'), undefined, 1_000)
    expect(book.isSaid('Goods', bike('x'), 1_500)).toBe(true)
    expect(book.isSaid('Jobs', bike('x'), 1_500)).toBe(false)
    expect(book.isSaid('Goods', bike('y'), 1_500)).toBe(false)
    expect(book.isSaid('Goods', bike('x'), 1_000 + 3_600_001)).toBe(false)
  })

  it('is not believed of a line that says something else: nobody keeps a message back by claiming to repeat it', () => {
    const book = new HeardBook('a'.repeat(16))
    book.hear('Goods', { origin: 'x', text: 'nothing to see here' }, 'b'.repeat(16), 1_000)
    expect(book.isSaid('Goods', bike('x'), 1_500)).toBe(false)
    book.hear('Goods', { origin: 'x', text: '🕒 2026-01-02 03:04 UTC\nselling my bike ' }, 'b'.repeat(16), 1_600)
    expect(book.isSaid('Goods', bike('x'), 1_700)).toBe(true)
  })

  it('lets a message that is new to us go at once, and one that others repeat a little later', () => {
    const book = new HeardBook('a'.repeat(16))
    expect(book.waitMs('Jobs', 'never heard', 0)).toBe(0)
    book.hear('Goods', bike('x'), 'b'.repeat(16), 0)
    expect(book.waitMs('Jobs', 'x', 0)).toBeGreaterThanOrEqual(2_000)
    expect(book.waitMs('Jobs', 'x', 60_000)).toBe(0)
  })
})

test('gateways that know of each other never take the same turn', () => {
  const tag = fc.stringMatching(/^[0-9a-f]{16}$/)
  fc.assert(
    fc.property(fc.uniqueArray(tag, { minLength: 2, maxLength: 5 }), fc.string({ minLength: 1 }), (tags, origin) => {
      const waits = tags.map((me) => {
        const book = new HeardBook(me)
        for (const other of tags) if (other !== me) book.hear('Jobs', { origin: `hello of ${other}`, text: 'hello' }, other, 0)
        book.hear('Goods', bike(origin), undefined, 0)
        return book.waitMs('Jobs', origin, 0)
      })
      const sorted = waits.toSorted((a, b) => a - b)
      for (const [i, wait] of sorted.slice(1).entries()) expect(wait - (sorted[i] as number)).toBeGreaterThanOrEqual(1_000)
    }),
  )
})
