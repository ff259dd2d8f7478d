import fc from 'fast-check'
import { expect, test } from 'vitest'
import { IdTable } from '../../../src/rules/subscribe/id-table.ts'

test('the table answers as a map does, whatever is added and removed', () => {
  const step = fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 3_000 }))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 6_000, size: 'max' }), (steps) => {
      const ids: string[] = []
      const table = new IdTable(ids)
      const map = new Map<string, number>()
      for (const [adds, n] of steps) {
        const id = `id ${n}`
        if (adds) {
          if (map.has(id)) continue
          map.set(id, ids.push(id) - 1)
          table.set(id, ids.length - 1)
        } else {
          expect(table.delete(id)).toBe(map.has(id))
          const at = map.get(id)
          if (at !== undefined) ids[at] = ''
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
  const ids = Array.from({ length: 50_000 }, (_, n) => `s${n}`)
  const table = new IdTable(ids)
  for (const [n, id] of ids.entries()) table.set(id, n)
  expect(ids.every((id, n) => table.get(id) === n)).toBe(true)
  expect(table.get('other')).toBeUndefined()
})
