import fc from 'fast-check'
import { normaliseRich } from '../../../src/bridges/format/rich-text-ops.ts'
import { sanitizeRich } from '../../../src/bridges/format/sanitize.ts'
import type { RichText, SpanStyle } from '../../../src/bridges/model/rich-text.ts'

/** Pieces chosen to hurt: markup of both networks, block starts, joiners, combining marks, right-to-left text. */
const PIECES = [
  'a',
  'B',
  'z9',
  'word',
  'snake_case_name',
  ' ',
  '  ',
  '\n',
  '\n\n',
  '\t',
  '*',
  '**',
  '***',
  '_',
  '__',
  '~',
  '~~',
  '|',
  '||',
  '`',
  '``',
  '```',
  '\\',
  '>',
  '> ',
  '>>> ',
  '# ',
  '## x',
  '-# ',
  '- ',
  '* ',
  '+ ',
  '1. ',
  '12) ',
  '[',
  ']',
  '(',
  ')',
  '](',
  '[a](https://e.org)',
  '<',
  '<@',
  '<@123>',
  '<#1>',
  '<:n:1>',
  '<t:1>',
  '</',
  '<id:',
  '@',
  '@everyone',
  '@here',
  '#',
  ':',
  'https://e.org/a_b*c(d)',
  'http://x.y/?q=1&z=|2|',
  'mailto:a@b.c',
  '.',
  '!',
  '-',
  '1',
  'é',
  'é',
  'ß',
  'שלום',
  'مرحبا',
  '日本語',
  '👍',
  '👍🏽',
  '👨‍👩‍👧',
  '🇻🇳',
  '1️⃣',
  '❤️',
  'ﷺ',
  '𝔘',
] as const

const INLINE: readonly SpanStyle[] = [
  { kind: 'bold' },
  { kind: 'italic' },
  { kind: 'underline' },
  { kind: 'strike' },
  { kind: 'spoiler' },
  { kind: 'code' },
  { kind: 'link', url: 'https://example.org/x_(y)' },
  { kind: 'mention', target: 'user', id: '300000000000000001', name: 'Ann' },
  { kind: 'emoji', id: '300000000000000002', name: 'wave', animated: false },
  { kind: 'timestamp', unixSeconds: 1_750_000_000, style: 'R' },
]
const BLOCKS: readonly SpanStyle[] = [
  { kind: 'quote' },
  { kind: 'pre' },
  { kind: 'pre', language: 'ts' },
  { kind: 'heading', level: 2 },
  { kind: 'subtext' },
  { kind: 'listItem', ordered: false, index: 1, depth: 0 },
  { kind: 'listItem', ordered: true, index: 3, depth: 1 },
]

const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

/** Random text with random, possibly crossing styles, brought into normal form. */
export function anyRich(maxPieces = 30): fc.Arbitrary<RichText> {
  const text = fc
    .array(fc.constantFrom(...PIECES), { maxLength: maxPieces })
    .map((pieces) => sanitizeRich({ text: pieces.join(''), spans: [] }).text)
  const ranges = fc.array(
    fc.record({
      style: fc.constantFrom(...INLINE, ...BLOCKS),
      a: fc.double({ min: 0, max: 1, noNaN: true }),
      b: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
    { maxLength: 8 },
  )
  return fc.tuple(text, ranges).map(([t, picked]) => {
    // Styles begin and end between the characters people see.
    const stops = [...[...segmenter.segment(t)].map((g) => g.index), t.length]
    const stop = (where: number): number => stops[Math.round(where * (stops.length - 1))] as number
    const spans = picked.map(({ style, a, b }) => ({ ...style, start: stop(Math.min(a, b)), end: stop(Math.max(a, b)) }))
    return normaliseRich({ text: t, spans })
  })
}

/** The styles over one character, the independent view of a RichText. */
export function stylesAt(rich: RichText, at: number): string[] {
  return rich.spans
    .filter((s) => s.start <= at && at < s.end)
    .map(({ start: _s, end: _e, ...style }) => JSON.stringify(style))
    .sort()
}
