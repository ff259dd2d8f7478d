import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  concatRich,
  editRich,
  insertRich,
  listMarkersAsText,
  normaliseRich,
  sliceRich,
  styled,
  trimRich,
} from '../../../src/bridges/format/rich-text-ops.ts'
import type { Span } from '../../../src/bridges/model/rich-text.ts'
import { anyRich, stylesAt } from './rich-arbitrary.ts'

const bold = (start: number, end: number): Span => ({ kind: 'bold', start, end })
const italic = (start: number, end: number): Span => ({ kind: 'italic', start, end })
const code = (start: number, end: number): Span => ({ kind: 'code', start, end })

test('joins equal neighbours, drops empty spans and clamps to the text', () => {
  expect(normaliseRich({ text: 'abcd', spans: [bold(0, 2), bold(2, 9), italic(3, 3)] }).spans).toEqual([bold(0, 4)])
})

test('splits crossing spans so that they nest', () => {
  expect(normaliseRich({ text: 'abcdefgh', spans: [italic(3, 8), bold(0, 5)] }).spans).toEqual([
    bold(0, 5),
    italic(3, 5),
    italic(5, 8),
  ])
})

test('nothing lives inside code, but code lives inside bold', () => {
  expect(normaliseRich({ text: 'abcdef', spans: [code(1, 4), bold(2, 3)] }).spans).toEqual([code(1, 4)])
  expect(normaliseRich({ text: 'abcdef', spans: [code(1, 4), bold(0, 6)] }).spans).toEqual([bold(0, 6), code(1, 4)])
  expect(normaliseRich({ text: 'abcdef', spans: [code(1, 4), bold(3, 6)] }).spans).toEqual([code(1, 4), bold(4, 6)])
})

test('two mentions side by side stay two', () => {
  const at = (start: number, end: number): Span => ({ kind: 'mention', target: 'user', id: '1', name: 'A', start, end })
  expect(normaliseRich({ text: '@A@A', spans: [at(0, 2), at(2, 4)] }).spans).toHaveLength(2)
})

test('normal form: idempotent, nested, sorted, inside the text', () => {
  fc.assert(
    fc.property(anyRich(), (rich) => {
      expect(normaliseRich(rich)).toEqual(rich)
      const stack: Span[] = []
      for (const span of rich.spans) {
        while (stack.length > 0 && (stack.at(-1) as Span).end <= span.start) stack.pop()
        const outer = stack.at(-1)
        if (outer !== undefined) expect(span.end).toBeLessThanOrEqual(outer.end)
        expect(span.start).toBeLessThan(span.end)
        stack.push(span)
      }
    }),
    { numRuns: 2000 },
  )
})

test('a block that was cut within its line is one block again, with the code in it', () => {
  const spans: Span[] = [{ kind: 'subtext', start: 0, end: 4 }, code(0, 4)]
  const rich = { text: 'abcd', spans }
  expect(concatRich(sliceRich(rich, 0, 1), sliceRich(rich, 1))).toEqual(rich)
  const lines = {
    text: 'a\nb',
    spans: [
      { kind: 'subtext' as const, start: 0, end: 2 },
      { kind: 'subtext' as const, start: 2, end: 3 },
    ],
  }
  expect(normaliseRich(lines)).toEqual(lines)
})

test('cutting anywhere and joining again gives the same styles', () => {
  fc.assert(
    fc.property(anyRich(), fc.double({ min: 0, max: 1, noNaN: true }), (rich, where) => {
      const at = Math.floor(where * rich.text.length)
      const joined = concatRich(sliceRich(rich, 0, at), sliceRich(rich, at))
      expect(joined.text).toBe(rich.text)
      for (let i = 0; i < rich.text.length; i++) {
        const relevant = (styles: string[]): string[] => styles.filter((s) => !s.includes('listItem'))
        expect(relevant(stylesAt(joined, i))).toEqual(relevant(stylesAt(rich, i)))
      }
    }),
    { numRuns: 500 },
  )
})

test('edits move spans along', () => {
  const rich = { text: 'hello world', spans: [bold(0, 5), italic(6, 11)] }
  expect(editRich(rich, [{ start: 0, end: 5, text: 'hi' }])).toEqual({ text: 'hi world', spans: [bold(0, 2), italic(3, 8)] })
  expect(editRich(rich, [{ start: 5, end: 6, text: '' }])).toEqual({ text: 'helloworld', spans: [bold(0, 5), italic(5, 10)] })
  expect(editRich(rich, [{ start: 6, end: 11, text: '' }])).toEqual({ text: 'hello ', spans: [bold(0, 5)] })
  expect(editRich(rich, [{ start: 3, end: 8, text: 'XY' }])).toEqual({ text: 'helXYrld', spans: [bold(0, 5), italic(3, 8)] })
})

test('inserting keeps the styles around it outside, except where it stands inside them', () => {
  expect(insertRich(styled('ab', { kind: 'bold' }), 1, 'X')).toEqual(styled('aXb', { kind: 'bold' }))
  expect(insertRich(styled('ab', { kind: 'bold' }), 0, 'X')).toEqual({ text: 'Xab', spans: [bold(1, 3)] })
  expect(insertRich(styled('ab', { kind: 'bold' }), 2, styled('X', { kind: 'italic' }))).toEqual({
    text: 'abX',
    spans: [bold(0, 2), italic(2, 3)],
  })
})

test('trims white space with its spans', () => {
  expect(trimRich({ text: '  a b ', spans: [bold(0, 6)] })).toEqual(styled('a b', { kind: 'bold' }))
  expect(trimRich({ text: ' \n', spans: [bold(0, 2)] })).toEqual({ text: '', spans: [] })
})

test('list items become visible text', () => {
  const item = (start: number, end: number, index: number, depth: number, ordered: boolean): Span => ({
    kind: 'listItem',
    start,
    end,
    index,
    depth,
    ordered,
  })
  const rich = { text: 'a\nb\nc', spans: [item(0, 1, 1, 0, false), item(2, 3, 2, 1, true), bold(2, 3)] }
  expect(listMarkersAsText(rich)).toEqual({ text: '• a\n  2. b\nc', spans: [bold(9, 10)] })
})
