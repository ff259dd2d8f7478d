import fc from 'fast-check'
import { expect, test } from 'vitest'
import { escapedBytes } from '../../../src/core/k2/json-writer.ts'
import { splitText } from '../../../src/core/k2/split-text.ts'

test('a short text stays whole, an empty one gives nothing', () => {
  expect(splitText(' hello\nworld ')).toEqual(['hello\nworld'])
  expect(splitText(' \n ')).toEqual([])
})

test('prefers paragraphs, then lines, sentences, words', () => {
  expect(splitText(`${'a'.repeat(40)}\n\n${'b'.repeat(30)} c\n${'d'.repeat(20)}`, 80)).toEqual([
    'a'.repeat(40),
    `${'b'.repeat(30)} c\n${'d'.repeat(20)}`,
  ])
  expect(splitText(`${'a'.repeat(50)} x\n${'b'.repeat(50)}`, 80)).toEqual([`${'a'.repeat(50)} x`, 'b'.repeat(50)])
  expect(splitText(`${'a'.repeat(40)}. ${'b'.repeat(20)} ${'c'.repeat(30)}`, 80)).toEqual([
    `${'a'.repeat(40)}.`,
    `${'b'.repeat(20)} ${'c'.repeat(30)}`,
  ])
  expect(splitText(`${'a'.repeat(40)} ${'b'.repeat(60)}`, 80)).toEqual(['a'.repeat(40), 'b'.repeat(60)])
  expect(splitText('a'.repeat(100), 80)).toEqual(['a'.repeat(80), 'a'.repeat(20)])
})

test('never cuts inside a cluster that people see as one character', () => {
  const family = '👨‍👩‍👧‍👦'
  const parts = splitText(family.repeat(20), 100)
  for (const part of parts) expect(part.length % family.length).toBe(0)
  expect(parts.join('')).toBe(family.repeat(20))
})

test('refuses a text that is rather a file', () => {
  expect(() => splitText('x'.repeat(3500 * 40 + 1))).toThrow(expect.objectContaining({ code: 'K2_TOO_LARGE' }))
  expect(splitText('x'.repeat(3500 * 40))).toHaveLength(40)
})

test('parts fit, lose nothing but white space, and end in whole characters', () => {
  const unit = fc.constantFrom('a', 'ố', '😀', '"', '\\', '\n', '\n\n', ' ', '. ', '\u0007', '👨‍👩‍👧', 'e\u0301')
  fc.assert(
    fc.property(fc.array(unit, { maxLength: 400 }), fc.integer({ min: 40, max: 120 }), (units, max) => {
      const text = units.join('')
      fc.pre(escapedBytes(text) < max * 20)
      const parts = splitText(text, max)
      for (const part of parts) {
        expect(escapedBytes(part)).toBeLessThanOrEqual(max)
        expect(part).not.toMatch(/\p{Surrogate}/u)
        expect(part.trim()).toBe(part)
      }
      expect(parts.join('').replace(/\s/g, '')).toBe(text.replace(/\s/g, ''))
    }),
    { numRuns: 500 },
  )
})

test('a cluster larger than a part is cut between code points', () => {
  const monster = `e${'\u0301'.repeat(500)}`
  const parts = splitText(monster, 200)
  expect(parts.join('')).toBe(monster)
})
