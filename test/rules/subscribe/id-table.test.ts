import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hashOf, IdPool } from '../../../src/rules/subscribe/id-pool.ts'
import { IdTable } from '../../../src/rules/subscribe/id-table.ts'

test('the table answers as a map does, whatever is added and removed', () => {
  const step = fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 3_000 }))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 6_000, size: 'max' }), (steps) => {
      const ids = new IdPool()
      const table = new IdTable(ids)
      const map = new Map<string, number>()
      for (const [adds, n] of steps) {
        const id = `id ${n}`
        if (adds) {
          if (map.has(id)) continue
          map.set(id, ids.length)
          ids.set(ids.length, id)
          table.set(id, ids.length - 1)
        } else {
          expect(table.delete(id)).toBe(map.has(id))
          const at = map.get(id)
          if (at !== undefined) ids.clear(at)
          if (n % 100 === 0) ids.tidy()
          map.delete(id)
        }
      }
      expect(table.size).toBe(map.size)
      for (let n = 0; n <= 3_000; n++) expect(table.get(`id ${n}`)).toBe(map.get(`id ${n}`))
    }),
    { numRuns: 20 },
  )
})

test('a table that grew still finds everything', () => {
  const names = Array.from({ length: 50_000 }, (_, n) => `s${n}`)
  const ids = new IdPool()
  const table = new IdTable(ids)
  for (const [n, id] of names.entries()) {
    ids.set(n, id)
    table.set(id, n)
  }
  expect(names.every((id, n) => table.get(id) === n)).toBe(true)
  expect(table.get('other')).toBeUndefined()
})

test('any text comes back as it went in, wherever it is moved', () => {
  const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constant('\ud800'), fc.constant('é'.repeat(20_000)))
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 40 }), fc.option(text))), (steps) => {
      const pool = new IdPool()
      const map = new Map<number, string>()
      for (const [n, value] of steps) {
        if (value === null) pool.clear(n)
        else pool.set(n, value)
        if (value === null) map.delete(n)
        else map.set(n, value)
        pool.tidy()
      }
      for (let n = 0; n <= 41; n++) {
        expect(pool.get(n)).toBe(map.get(n) ?? '')
        expect(pool.is(n, map.get(n) ?? '')).toBe(map.has(n))
        expect(pool.is(n, `${map.get(n)}.`)).toBe(false)
        expect(pool.hash(n)).toBe(hashOf(map.get(n) ?? ''))
      }
    }),
  )
})
