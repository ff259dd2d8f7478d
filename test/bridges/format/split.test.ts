import fc from 'fast-check'
import { expect, test } from 'vitest'
import { concatRich, normaliseRich, sliceRich, styled } from '../../../src/bridges/format/rich-text-ops.ts'
import { splitRich } from '../../../src/bridges/format/split.ts'
import { plain } from '../../../src/bridges/model/rich-text.ts'
import { anyRich } from './rich-arbitrary.ts'

const squash = (text: string): string => text.replace(/\s+/g, '')

test('a text that fits stays one part', () => {
  expect(splitRich(plain('hello'), { limit: 5 })).toEqual({ parts: [plain('hello')] })
})

test('breaks at blank lines before line ends, sentences and spaces', () => {
  const texts = (text: string, limit: number): string[] => splitRich(plain(text), { limit }).parts.map((p) => p.text)
  expect(texts('one two\n\nthree\nfour five', 20)).toEqual(['one two', 'three\nfour five'])
  expect(texts('aaaa bbbb\ncccc dddd', 12)).toEqual(['aaaa bbbb', 'cccc dddd'])
  expect(texts('One two. Three four five.', 17)).toEqual(['One two.', 'Three four five.'])
  expect(texts('alpha beta gamma', 11)).toEqual(['alpha beta', 'gamma'])
})

test('never cuts inside a grapheme, a URL or an emoji', () => {
  const family = '👨‍👩‍👧‍👦'
  for (const { text } of splitRich(plain(family.repeat(6)), { limit: 25, maxParts: 20 }).parts) {
    expect(text.length % family.length).toBe(0)
  }
  const url = 'https://example.org/a/very/long/path?with=query'
  const { parts } = splitRich(plain(`some words before ${url} and after`), { limit: 50 })
  expect(parts.some((p) => p.text.includes(url))).toBe(true)
  const emoji = styled(':wave:', { kind: 'emoji', id: '1', name: 'wave', animated: false })
  const cut = splitRich(concatRich('xxxxxxxx', emoji, emoji), { limit: 12, maxParts: 9 })
  expect(cut.parts.map((p) => p.text)).toEqual(['xxxxxxxx', ':wave::wave:'])
})

test('closes spans at the cut and reopens them', () => {
  const rich = normaliseRich({ text: 'aaa bbb ccc', spans: [{ kind: 'bold', start: 0, end: 11 }] })
  expect(splitRich(rich, { limit: 7 }).parts).toEqual([styled('aaa bbb', { kind: 'bold' }), styled('ccc', { kind: 'bold' })])
  const code = styled('if (x) {\n    deep()\n}', { kind: 'pre', language: 'ts' })
  const { parts } = splitRich(code, { limit: 10, maxParts: 9 })
  expect(parts.map((p) => p.text)).toEqual(['if (x) {', '    deep()', '}'])
  expect(parts.every((p) => p.spans[0]?.kind === 'pre')).toBe(true)
})

test('too many parts: the beginning with a note, and the whole text', () => {
  const text = 'word '.repeat(100).trim()
  const { parts, fullText } = splitRich(plain(text), { limit: 60, maxParts: 3 })
  expect(parts).toHaveLength(1)
  expect(parts[0]?.text.endsWith('\n… (full text attached)')).toBe(true)
  expect(parts[0]?.text.length).toBeLessThanOrEqual(60)
  expect(fullText).toBe(text)
})

test('measures the serialized length', () => {
  const measure = (part: { text: string }): number => part.text.length * 2
  const { parts } = splitRich(plain('*'.repeat(30)), { limit: 20, measure })
  expect(parts.map((p) => p.text.length)).toEqual([10, 10, 10])
})

test('all parts fit, nothing is lost, every part is in normal form', () => {
  fc.assert(
    fc.property(anyRich(400), fc.integer({ min: 24, max: 120 }), (rich, limit) => {
      const { parts, fullText } = splitRich(rich, { limit, maxParts: 50 })
      expect(fullText).toBeUndefined()
      for (const part of parts) {
        expect(part.text.length).toBeLessThanOrEqual(limit)
        expect(normaliseRich(part)).toEqual(part)
      }
      expect(squash(parts.map((p) => p.text).join(' '))).toBe(squash(rich.text))
    }),
    { numRuns: 500 },
  )
})

test('slices keep what they cover', () => {
  const rich = normaliseRich({ text: 'abcdef', spans: [{ kind: 'italic', start: 1, end: 5 }] })
  expect(sliceRich(rich, 2, 4)).toEqual(styled('cd', { kind: 'italic' }))
})
