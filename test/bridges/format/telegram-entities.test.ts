import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { graphemeStart } from '../../../src/bridges/format/sanitize.ts'
import {
  fromTelegramEntities,
  type TelegramEntity,
  telegramForm,
  toTelegramEntities,
} from '../../../src/bridges/format/telegram-entities.ts'
import type { RichText, SpanStyle } from '../../../src/bridges/model/rich-text.ts'
import { anyRich } from './rich-arbitrary.ts'

const span = (style: SpanStyle, start: number, end: number) => ({ ...style, start, end })
const rich = (text: string, ...spans: RichText['spans'][number][]): RichText => ({ text, spans })
const entity = (type: string, offset: number, length: number, more: object = {}): TelegramEntity => ({
  type,
  offset,
  length,
  ...more,
})

describe('fromTelegramEntities', () => {
  const cases: [string, string, TelegramEntity[], RichText][] = [
    ['bold', 'a bold b', [entity('bold', 2, 4)], rich('a bold b', span({ kind: 'bold' }, 2, 6))],
    ['italic', 'it', [entity('italic', 0, 2)], rich('it', span({ kind: 'italic' }, 0, 2))],
    ['underline', 'un', [entity('underline', 0, 2)], rich('un', span({ kind: 'underline' }, 0, 2))],
    ['strikethrough', 'st', [entity('strikethrough', 0, 2)], rich('st', span({ kind: 'strike' }, 0, 2))],
    ['spoiler', 'sp', [entity('spoiler', 0, 2)], rich('sp', span({ kind: 'spoiler' }, 0, 2))],
    ['code', 'x=1', [entity('code', 0, 3)], rich('x=1', span({ kind: 'code' }, 0, 3))],
    ['pre', 'x', [entity('pre', 0, 1, { language: 'ts' })], rich('x', span({ kind: 'pre', language: 'ts' }, 0, 1))],
    ['quote', 'q', [entity('blockquote', 0, 1)], rich('q', span({ kind: 'quote' }, 0, 1))],
    ['collapsed', 'q', [entity('expandable_blockquote', 0, 1)], rich('q', span({ kind: 'quote', collapsed: true }, 0, 1))],
    [
      'text_link',
      'here',
      [entity('text_link', 0, 4, { url: 'https://e.org/' })],
      rich('here', span({ kind: 'link', url: 'https://e.org/' }, 0, 4)),
    ],
    ['url stays text', 'https://e.org', [entity('url', 0, 13)], rich('https://e.org')],
    [
      'url without scheme',
      'see e.org now',
      [entity('url', 4, 5)],
      rich('see e.org now', span({ kind: 'link', url: 'https://e.org' }, 4, 9)),
    ],
    ['mention by handle stays text', '@ada hi', [entity('mention', 0, 4)], rich('@ada hi')],
    [
      'text_mention',
      'Ada hi',
      [entity('text_mention', 0, 3, { user: { id: 5_000_000_001 } })],
      rich('Ada hi', span({ kind: 'mention', target: 'user', id: '5000000001', name: 'Ada' }, 0, 3)),
    ],
    [
      'custom emoji keeps its visible character',
      'hi 👍',
      [entity('custom_emoji', 3, 2, { custom_emoji_id: '77' })],
      rich('hi 👍', span({ kind: 'emoji', id: '77', name: '👍', animated: false }, 3, 5)),
    ],
    [
      'date_time',
      'tomorrow',
      [entity('date_time', 0, 8, { unix_time: 1_750_000_000, date_time_format: 'wDt' })],
      rich('tomorrow', span({ kind: 'timestamp', unixSeconds: 1_750_000_000, style: 'F' }, 0, 8)),
    ],
    ['hashtags and commands stay text', '#tag /go', [entity('hashtag', 0, 4), entity('bot_command', 5, 3)], rich('#tag /go')],
    ['unknown kinds are text', 'x', [entity('hologram', 0, 1)], rich('x')],
    ['astral characters count two', '😀😀b', [entity('bold', 4, 1)], rich('😀😀b', span({ kind: 'bold' }, 4, 5))],
    [
      'out of range is cut or dropped',
      'ab',
      [entity('bold', 1, 9), entity('italic', 5, 2)],
      rich('ab', span({ kind: 'bold' }, 1, 2)),
    ],
    ['nonsense numbers are dropped', 'ab', [entity('bold', -1, 2), entity('bold', 0.5, 1), entity('bold', 0, 0)], rich('ab')],
    [
      'crossing entities nest',
      'abcdef',
      [entity('bold', 0, 4), entity('italic', 2, 4)],
      rich('abcdef', span({ kind: 'bold' }, 0, 4), span({ kind: 'italic' }, 2, 4), span({ kind: 'italic' }, 4, 6)),
    ],
    [
      'the order of one range is quote, link, spoiler, bold, italic',
      'x',
      [
        entity('italic', 0, 1),
        entity('bold', 0, 1),
        entity('spoiler', 0, 1),
        entity('text_link', 0, 1, { url: 'https://e.org' }),
        entity('blockquote', 0, 1),
      ],
      rich(
        'x',
        span({ kind: 'quote' }, 0, 1),
        span({ kind: 'link', url: 'https://e.org' }, 0, 1),
        span({ kind: 'spoiler' }, 0, 1),
        span({ kind: 'bold' }, 0, 1),
        span({ kind: 'italic' }, 0, 1),
      ),
    ],
    [
      'blocks stand on lines of their own',
      'see code here',
      [entity('pre', 4, 4)],
      rich('see \ncode\n here', span({ kind: 'pre' }, 5, 9)),
    ],
    [
      'quotes end before their last newline',
      'q\nrest',
      [entity('blockquote', 0, 2)],
      rich('q\nrest', span({ kind: 'quote' }, 0, 1)),
    ],
  ]
  it.each(cases)('%s', (_name, text, entities, expected) => {
    expect(fromTelegramEntities(text, entities)).toEqual(expected)
  })
})

describe('toTelegramEntities', () => {
  const cases: [string, RichText, string, TelegramEntity[]][] = [
    ['plain text', rich('<b>*x*_'), '<b>*x*_', []],
    ['heading', rich('Title\nx', span({ kind: 'heading', level: 1 }, 0, 5)), 'Title\nx', [entity('bold', 0, 5)]],
    ['subtext', rich('small', span({ kind: 'subtext' }, 0, 5)), 'small', [entity('italic', 0, 5)]],
    [
      'list items',
      rich(
        'a\nb',
        span({ kind: 'listItem', ordered: false, index: 1, depth: 0 }, 0, 1),
        span({ kind: 'listItem', ordered: true, index: 2, depth: 1 }, 2, 3),
      ),
      '• a\n  2. b',
      [],
    ],
    ['strike', rich('x', span({ kind: 'strike' }, 0, 1)), 'x', [entity('strikethrough', 0, 1)]],
    ['link', rich('x', span({ kind: 'link', url: 'tg://u' }, 0, 1)), 'x', [entity('text_link', 0, 1, { url: 'tg://u' })]],
    ['link of a foreign scheme', rich('x', span({ kind: 'link', url: 'javascript:1' }, 0, 1)), 'x', []],
    ['link that shows itself', rich('https://e.org', span({ kind: 'link', url: 'https://e.org' }, 0, 13)), 'https://e.org', []],
    ['mention of a stranger', rich('@Ann', span({ kind: 'mention', target: 'user', id: '3', name: 'Ann' }, 0, 4)), '@Ann', []],
    ['emoji', rich(':wave:', span({ kind: 'emoji', id: '3', name: 'wave', animated: false }, 0, 6)), ':wave:', []],
    ['white space outside', rich(' x ', span({ kind: 'bold' }, 0, 3)), ' x ', [entity('bold', 1, 1)]],
    ['only white space', rich('a  b', span({ kind: 'bold' }, 1, 3)), 'a  b', []],
    [
      'nothing is combined with code',
      rich('a code b', span({ kind: 'bold' }, 0, 8), span({ kind: 'code' }, 2, 6)),
      'a code b',
      [entity('bold', 0, 1), entity('code', 2, 4), entity('bold', 7, 1)],
    ],
    [
      'code inside a quote stays',
      rich('a b', span({ kind: 'quote' }, 0, 3), span({ kind: 'code' }, 2, 3)),
      'a b',
      [entity('blockquote', 0, 3), entity('code', 2, 1)],
    ],
    [
      'quotes do not nest',
      rich('a\nb\nc', span({ kind: 'quote' }, 0, 5), span({ kind: 'quote', collapsed: true }, 2, 3)),
      'a\n> b\nc',
      [entity('blockquote', 0, 7)],
    ],
    [
      'code blocks keep their indentation',
      rich('  x', span({ kind: 'pre', language: 'py' }, 0, 3)),
      '  x',
      [entity('pre', 0, 3, { language: 'py' })],
    ],
    [
      'time',
      rich('soon', span({ kind: 'timestamp', unixSeconds: 60, style: 'R' }, 0, 4)),
      'soon',
      [entity('date_time', 0, 4, { unix_time: 60, date_time_format: 'r' })],
    ],
  ]
  it.each(cases)('%s', (_name, input, text, entities) => {
    const result = toTelegramEntities(input)
    expect(result.text).toBe(text)
    expect(result.entities).toEqual(entities)
  })

  it('mentions linked people and prints times for servers without time entities', () => {
    const mention = rich('Ann', span({ kind: 'mention', target: 'user', id: '3', name: 'Ann' }, 0, 3))
    expect(toTelegramEntities(mention, { userId: () => 42 }).entities).toEqual([
      entity('text_mention', 0, 3, { user: { id: 42 } }),
    ])
    const time = rich('at soon!', span({ kind: 'timestamp', unixSeconds: 1_750_000_000, style: 'R' }, 3, 7))
    expect(toTelegramEntities(time, { dateTime: false })).toEqual({ text: 'at 2025-06-15 15:06 UTC!', entities: [] })
  })

  it('keeps at most 100 entities', () => {
    const spans = Array.from({ length: 150 }, (_, i) => span({ kind: 'bold' }, i * 2, i * 2 + 1))
    expect(toTelegramEntities({ text: 'x '.repeat(150), spans }).entities).toHaveLength(100)
  })
})

describe('round trips', () => {
  const all = { userId: (m: { id: string }) => Number(m.id), customEmoji: true }
  /** Mention ids of the generator are larger than exact numbers; Telegram's are not. */
  const exact = (r: RichText): RichText => ({
    text: r.text,
    spans: r.spans.map((s) =>
      s.kind === 'mention'
        ? { ...s, id: '5000000001', name: r.text.slice(s.start, s.end).replace(/^@/, '') }
        : s.kind === 'emoji'
          ? { ...s, name: r.text.slice(s.start, s.end) }
          : s,
    ),
  })
  /** Blocks as real texts have them: whole lines. */
  const wholeLines = (r: RichText): boolean =>
    r.spans.every(
      (s) =>
        (s.kind !== 'pre' && s.kind !== 'quote') ||
        ((s.start === 0 || r.text[s.start - 1] === '\n') && (s.end === r.text.length || r.text[s.end] === '\n')),
    )

  it('parsing what was printed gives the printable form', () => {
    fc.assert(
      fc.property(anyRich(), (input) => {
        const form = exact(telegramForm(exact(input), all))
        fc.pre(form.spans.length <= 100 && wholeLines(form))
        const { text, entities } = toTelegramEntities(form, all)
        expect(exact(telegramForm(fromTelegramEntities(text, entities), all))).toEqual(form)
        expect(telegramForm(form, all)).toEqual(form)
      }),
      { numRuns: 10_000, seed: 7 },
    )
  })

  it('entities are inside the text, nested, not blank and never cut a character', () => {
    fc.assert(
      fc.property(anyRich(), (input) => {
        const { text, entities } = toTelegramEntities(input, all)
        const ends: number[] = []
        for (const { offset, length, type } of entities) {
          const covered = text.slice(offset, offset + length)
          expect(covered).not.toBe('')
          expect(covered.trimEnd()).toBe(covered)
          if (!['pre', 'blockquote'].includes(type)) expect(covered.trimStart()).toBe(covered)
          for (const at of [offset, offset + length]) expect(graphemeStart(text, at)).toBe(at)
          while (ends.length > 0 && (ends.at(-1) as number) <= offset) ends.pop()
          expect(ends.at(-1) ?? Number.POSITIVE_INFINITY).toBeGreaterThanOrEqual(offset + length)
          ends.push(offset + length)
        }
      }),
      { numRuns: 10_000, seed: 8 },
    )
  })

  it('survives arbitrary entities', () => {
    const anyEntity = fc.record({
      type: fc.constantFrom('bold', 'pre', 'blockquote', 'text_link', 'code', 'url', 'text_mention', 'x'),
      offset: fc.integer({ min: -3, max: 40 }),
      length: fc.integer({ min: -3, max: 40 }),
    })
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 30 }), fc.array(anyEntity), (text, entities) => {
        const parsed = fromTelegramEntities(text, entities)
        for (const s of parsed.spans) expect(s.start >= 0 && s.start < s.end && s.end <= parsed.text.length).toBe(true)
      }),
      { numRuns: 5_000, seed: 9 },
    )
  })
})
