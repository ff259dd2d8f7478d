import { describe, expect, test } from 'vitest'
import { parseDiscordMarkdown, printDiscordMarkdown } from '../../../src/bridges/format/discord-markdown.ts'
import { plain, type RichText } from '../../../src/bridges/model/rich-text.ts'

const names = {
  user: (id: string) => (id === '1' ? 'Ann' : undefined),
  role: (id: string) => (id === '2' ? 'Mods' : undefined),
  channel: (id: string) => (id === '3' ? 'general' : undefined),
}
const all = { grants: () => true, canUseEmoji: () => true }

/** `kind:text` of every span, outer first. */
function spansOf(rich: RichText): string[] {
  return rich.spans.map((s) => {
    const extra =
      s.kind === 'link'
        ? `(${s.url})`
        : s.kind === 'pre'
          ? `(${s.language ?? ''})`
          : s.kind === 'heading'
            ? `(${s.level})`
            : s.kind === 'listItem'
              ? `(${s.ordered ? s.index : '-'},${s.depth})`
              : ''
    return `${s.kind}${extra}:${rich.text.slice(s.start, s.end)}`
  })
}

describe('reading', () => {
  test.each<[source: string, text: string, ...spans: string[]]>([
    ['plain', 'plain'],
    ['**b**', 'b', 'bold:b'],
    ['*i*', 'i', 'italic:i'],
    ['_i_', 'i', 'italic:i'],
    ['***bi***', 'bi', 'bold:bi', 'italic:bi'],
    ['__u__', 'u', 'underline:u'],
    ['~~s~~', 's', 'strike:s'],
    ['||sp||', 'sp', 'spoiler:sp'],
    ['**a *b* c**', 'a b c', 'bold:a b c', 'italic:b'],
    ['***a* b**', 'a b', 'bold:a b', 'italic:a'],
    ['***a** b*', 'a b', 'italic:a b', 'bold:a'],
    ['**a __b ~~c~~__**', 'a b c', 'bold:a b c', 'underline:b c', 'strike:c'],
    ['**two\nlines**', 'two\nlines', 'bold:two\nlines'],
    ['**open', '**open'],
    ['close**', 'close**'],
    ['* star', 'star', 'listItem(-,0):star'],
    ['5 * 3 * 2', '5 * 3 * 2'],
    ['snake_case_name', 'snake_case_name'],
    ['_a_b', '_a_b'],
    ['a_b_', 'a_b_'],
    ['`code`', 'code', 'code:code'],
    ['`` a`b ``', ' a`b ', 'code: a`b '],
    ['`` `x` ``', '`x`', 'code:`x`'],
    ['`**not bold**`', '**not bold**', 'code:**not bold**'],
    ['`<@1>`', '<@1>', 'code:<@1>'],
    ['`open', '`open'],
    ['```\nline\n```', 'line', 'pre():line'],
    ['```ts\nlet a\n```', 'let a', 'pre(ts):let a'],
    ['```ts```', 'ts', 'pre():ts'],
    ['```not a lang\nx```', 'not a lang\nx', 'pre():not a lang\nx'],
    ['a ```b``` c', 'a \nb\n c', 'pre():b'],
    ['```\n**x**\n> y\n```', '**x**\n> y', 'pre():**x**\n> y'],
    ['```open', '```open'],
    ['> quote', 'quote', 'quote:quote'],
    ['> a\n> b\nc', 'a\nb\nc', 'quote:a\nb'],
    ['>no', '>no'],
    ['> a\nb', 'a\nb', 'quote:a'],
    ['>>> all\nof it', 'all\nof it', 'quote:all\nof it'],
    ['> > x', '> x', 'quote:> x'],
    ['> # h', 'h', 'quote:h', 'heading(1):h'],
    ['> ```ts\n> x\n> ```', 'x', 'quote:x', 'pre(ts):x'],
    ['# one', 'one', 'heading(1):one'],
    ['## two', 'two', 'heading(2):two'],
    ['### three', 'three', 'heading(3):three'],
    ['#### four', '#### four'],
    ['#tag', '#tag'],
    ['# **b**', 'b', 'heading(1):b', 'bold:b'],
    ['-# small', 'small', 'subtext:small'],
    ['- a\n- b', 'a\nb', 'listItem(-,0):a', 'listItem(-,0):b'],
    ['- a\n  - b', 'a\nb', 'listItem(-,0):a', 'listItem(-,1):b'],
    ['1. a\n2. b', 'a\nb', 'listItem(1,0):a', 'listItem(2,0):b'],
    ['-not', '-not'],
    ['1.not', '1.not'],
    ['[site](https://e.org)', 'site', 'link(https://e.org):site'],
    ['[site](<https://e.org>)', 'site', 'link(https://e.org):site'],
    ['[site](https://e.org "title")', 'site', 'link(https://e.org):site'],
    ['[**b**](https://e.org)', 'b', 'link(https://e.org):b', 'bold:b'],
    ['[a [b]](https://e.org)', 'a [b]', 'link(https://e.org):a [b]'],
    ['[site](javascript:x)', '[site](javascript:x)'],
    ['[site] (https://e.org)', '[site] (https://e.org)'],
    ['[w](https://e.org/a_(b))', 'w', 'link(https://e.org/a_(b)):w'],
    ['<https://e.org/_x_>', 'https://e.org/_x_'],
    ['https://e.org/a_b_c', 'https://e.org/a_b_c'],
    ['see https://e.org/*x*.', 'see https://e.org/*x*.'],
    ['(https://e.org)', '(https://e.org)'],
    ['**https://e.org**', 'https://e.org', 'bold:https://e.org'],
    ['\\*no\\*', '*no*'],
    ['\\\\', '\\'],
    ['\\a', '\\a'],
    ['a\\', 'a\\'],
    ['\\_\\_x', '__x'],
    ['\\`x\\`', '`x`'],
    ['<@1>', '@Ann', 'mention:@Ann'],
    ['<@!1>', '@Ann', 'mention:@Ann'],
    ['<@99>', '@unknown user', 'mention:@unknown user'],
    ['<@&2>', '@Mods', 'mention:@Mods'],
    ['<#3>', '#general', 'mention:#general'],
    ['@everyone', '@everyone', 'mention:@everyone'],
    ['@here!', '@here!', 'mention:@here'],
    ['<:wave:5>', ':wave:', 'emoji::wave:'],
    ['<a:wave:5>', ':wave:', 'emoji::wave:'],
    ['<t:0>', '1970-01-01 00:00 UTC', 'timestamp:1970-01-01 00:00 UTC'],
    ['<t:0:R>', '1970-01-01 00:00 UTC', 'timestamp:1970-01-01 00:00 UTC'],
    ['<t:0:X>', '<t:0:X>'],
    ['</k2 offer:7>', '/k2 offer', 'mention:/k2 offer'],
    ['<id:customize>', 'Channels & Roles'],
    ['<id:other>', '<id:other>'],
    ['<b>', '<b>'],
    ['**a**\r\n**b**', 'a\nb', 'bold:a', 'bold:b'],
    ['tab\there', 'tab\there'],
    ['**👍🏽**', '👍🏽', 'bold:👍🏽'],
    ['**שלום**', 'שלום', 'bold:שלום'],
    ['||a *b* c||', 'a b c', 'spoiler:a b c', 'italic:b'],
    ['', ''],
    ['\n\n', '\n\n'],
  ])('%j', (source, text, ...spans) => {
    const rich = parseDiscordMarkdown(source, names)
    expect(rich.text).toBe(text)
    expect(spansOf(rich)).toEqual(spans)
  })
})

const rich = (text: string, ...spans: RichText['spans'][number][]): RichText => ({ text, spans })

describe('printing', () => {
  test.each<[name: string, rich: RichText, printed: string]>([
    ['plain', plain('hello'), 'hello'],
    ['markers in text', plain('2*3*4 a_b_ ~~x~~ `c` |d| \\'), '2\\*3\\*4 a\\_b\\_ \\~\\~x\\~\\~ \\`c\\` \\|d\\| \\\\'],
    ['block starts', plain('# a\n> b\n-# c\n- d\n+ e\n1. f\n* g'), '\\# a\n\\> b\n\\-# c\n\\- d\n\\+ e\n1\\. f\n\\* g'],
    ['block look-alikes', plain('#a\n>b\n-c\n1.f'), '#a\n>b\n-c\n1.f'],
    ['indented block starts', plain('x\n  - d\n  # e'), 'x\n  \\- d\n  \\# e'],
    ['token starts', plain('<@1> <#1> <:a:1> <t:1> </a:1> <id:x> <b>'), '\\<@1> \\<#1> \\<:a:1> \\<t:1> \\</a:1> \\<id:x> <b>'],
    ['everyone and here', plain('@everyone @here'), '@\u200beveryone @\u200bhere'],
    ['link syntax in text', plain('[a](https://e.org)'), '\\[a](<https://e.org>)'],
    ['brackets alone', plain('[x] done'), '[x] done'],
    ['bold', rich('a b', { kind: 'bold', start: 0, end: 1 }), '**a** b'],
    ['italic', rich('ab', { kind: 'italic', start: 0, end: 2 }), '*ab*'],
    [
      'underline, strike, spoiler',
      rich(
        'u s p',
        { kind: 'underline', start: 0, end: 1 },
        { kind: 'strike', start: 2, end: 3 },
        { kind: 'spoiler', start: 4, end: 5 },
      ),
      '__u__ ~~s~~ ||p||',
    ],
    ['white space goes outside', rich(' a ', { kind: 'bold', start: 0, end: 3 }), '**a**'],
    ['white space inside', rich('x a y', { kind: 'bold', start: 1, end: 4 }), 'x **a** y'],
    ['empty after trimming', rich('a  b', { kind: 'bold', start: 1, end: 3 }), 'a  b'],
    ['over lines', rich('a\nb', { kind: 'bold', start: 0, end: 3 }), '**a**\n**b**'],
    ['merging markers', rich('ab', { kind: 'bold', start: 0, end: 1 }, { kind: 'italic', start: 1, end: 2 }), '**a**\u200b*b*'],
    ['nested', rich('abc', { kind: 'bold', start: 0, end: 3 }, { kind: 'italic', start: 1, end: 2 }), '**a*b*c**'],
    ['code', rich('x', { kind: 'code', start: 0, end: 1 }), '`x`'],
    ['code with a backtick', rich('a`b', { kind: 'code', start: 0, end: 3 }), '``a`b``'],
    ['code that begins with one', rich('`a', { kind: 'code', start: 0, end: 2 }), '`` `a``'],
    ['code with both', rich('`a``b', { kind: 'code', start: 0, end: 5 }), '`` `a`\u200b`b``'],
    ['code in bold', rich('a x', { kind: 'bold', start: 0, end: 3 }, { kind: 'code', start: 2, end: 3 }), '**a `x`**'],
    ['stars in code in bold', rich('a **', { kind: 'bold', start: 0, end: 4 }, { kind: 'code', start: 2, end: 4 }), '**a** `**`'],
    ['pre', rich('x', { kind: 'pre', language: 'ts', start: 0, end: 1 }), '```ts\nx\n```'],
    ['pre between text', rich('a\nx\nb', { kind: 'pre', start: 2, end: 3 }), 'a\n```\nx\n```\nb'],
    ['pre inside a line takes the line', rich('a x b', { kind: 'pre', start: 2, end: 3 }), '```\na x b\n```'],
    ['pre with a fence', rich('```', { kind: 'pre', start: 0, end: 3 }), '```\n``\u200b`\n```'],
    ['a language that is none', rich('x', { kind: 'pre', language: 'a b', start: 0, end: 1 }), '```\nx\n```'],
    ['link', rich('site', { kind: 'link', url: 'https://e.org/', start: 0, end: 4 }), '[site](https://e.org/)'],
    ['link to itself', rich('https://e.org', { kind: 'link', url: 'https://e.org', start: 0, end: 13 }), 'https://e.org'],
    [
      'link with another host in its label',
      rich('https://good.org', { kind: 'link', url: 'https://evil.org/', start: 0, end: 16 }),
      'https://good.org (<https://evil.org/>)',
    ],
    ['link with a bracket', rich('a]', { kind: 'link', url: 'https://e.org/', start: 0, end: 2 }), 'a] (<https://e.org/>)'],
    [
      'link with a parenthesis',
      rich('w', { kind: 'link', url: 'https://e.org/a_(b)', start: 0, end: 1 }),
      '[w](https://e.org/a%5F%28b%29)',
    ],
    ['link that is none', rich('x', { kind: 'link', url: 'javascript:alert(1)', start: 0, end: 1 }), 'x'],
    ['URL with markup characters', plain('https://e.org/_a_*b*'), 'https://e.org/_a_*b*'],
    ['URL before a style', rich('https://e.org/x', { kind: 'bold', start: 14, end: 15 }), 'https://e.org/x'],
    ['URL touching code', rich('https://e.org`', { kind: 'code', start: 13, end: 14 }), '<https://e.org>`` ` ``'],
    ['URL in parentheses', plain('(https://e.org/)'), '(<https://e.org/>)'],
    ['quote', rich('a\nb', { kind: 'quote', start: 0, end: 3 }), '> a\n> b'],
    ['quote, collapsed', rich('a', { kind: 'quote', collapsed: true, start: 0, end: 1 }), '> a'],
    ['quote with a block start', rich('> a', { kind: 'quote', start: 0, end: 3 }), '> \\> a'],
    ['heading', rich('t', { kind: 'heading', level: 2, start: 0, end: 1 }), '## t'],
    ['heading with hashes', rich('C#', { kind: 'heading', level: 1, start: 0, end: 2 }), '# C\\#'],
    ['subtext', rich('t', { kind: 'subtext', start: 0, end: 1 }), '-# t'],
    [
      'list',
      rich(
        'a\nb',
        { kind: 'listItem', ordered: false, index: 1, depth: 0, start: 0, end: 1 },
        { kind: 'listItem', ordered: true, index: 4, depth: 1, start: 2, end: 3 },
      ),
      '- a\n  4. b',
    ],
    ['mention', rich('@A', { kind: 'mention', target: 'user', id: '1', name: 'Ann', start: 0, end: 2 }), '<@1>'],
    ['role', rich('@M', { kind: 'mention', target: 'role', id: '2', name: 'Mods', start: 0, end: 2 }), '<@&2>'],
    ['channel', rich('#g', { kind: 'mention', target: 'channel', id: '3', name: 'g', start: 0, end: 2 }), '<#3>'],
    ['command', rich('/k2', { kind: 'mention', target: 'command', id: '7', name: 'k2', start: 0, end: 3 }), '</k2:7>'],
    [
      'everyone is never granted',
      rich('@everyone', { kind: 'mention', target: 'everyone', id: 'everyone', name: 'everyone', start: 0, end: 9 }),
      '@\u200beveryone',
    ],
    ['id that is none', rich('@A', { kind: 'mention', target: 'user', id: '1>', name: 'A', start: 0, end: 2 }), '@A'],
    ['emoji', rich(':wave:', { kind: 'emoji', id: '5', name: 'wave', animated: true, start: 0, end: 6 }), '<a:wave:5>'],
    ['time', rich('then', { kind: 'timestamp', unixSeconds: 5, style: 'R', start: 0, end: 4 }), '<t:5:R>'],
    ['bidirectional tricks', plain('a\u202eb\u200bc'), 'abc'],
    ['CRLF', plain('a\r\nb'), 'a\nb'],
    ['joined emoji', plain('👨‍👩‍👧'), '👨‍👩‍👧'],
    ['outer white space', plain('\n a \n'), 'a'],
    ['nothing', plain(''), ''],
  ])('%s', (_name, text, printed) => {
    expect(printDiscordMarkdown(text, all)).toBe(printed)
  })

  test('without grants everything is text', () => {
    const mention = rich('@Ann', { kind: 'mention', target: 'user', id: '1', name: 'Ann', start: 0, end: 4 })
    const emoji = rich(':wave_x:', { kind: 'emoji', id: '5', name: 'wave_x', animated: false, start: 0, end: 8 })
    expect(printDiscordMarkdown(mention)).toBe('@Ann')
    expect(printDiscordMarkdown(emoji)).toBe(':wave\\_x:')
    const link = rich('site', { kind: 'link', url: 'https://e.org/', start: 0, end: 4 })
    expect(printDiscordMarkdown(link, { maskedLinks: false })).toBe('site (<https://e.org/>)')
  })
})

test('hostile input takes no time', () => {
  const hostile = ['*', '**a ', '_a_', '`', '`a``b', '||a', '[', '[a](', '<@', '> a\n', '```\n', '\\', '* '].map((s) =>
    s.repeat(4000 / s.length),
  )
  for (const source of hostile) {
    const parsed = parseDiscordMarkdown(source, names)
    expect(parseDiscordMarkdown(printDiscordMarkdown(parsed, all), names).text.length).toBeLessThanOrEqual(4000)
  }
})
