import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { MULTIPLIERS } from '../../../src/rules/slots/multiplier-words.ts'

// A word that is asked for there and missing in the set would never be found.
test('every word multiplierAt asks for is in the set it looks into first', () => {
  const source = readFileSync(new URL('../../../src/rules/slots/multiplier.ts', import.meta.url), 'utf8')
  const from = source.indexOf('export function multiplierAt')
  const body = source.slice(from, source.indexOf('\n}\n', from))
  const words = [...body.matchAll(/(?<![.?\w])text === '([^']+)'/g)].map((found) => found[1] as string)
  expect(words.length).toBeGreaterThan(20)
  expect(words.filter((word) => !MULTIPLIERS.has(word))).toEqual([])
})
