import fc from 'fast-check'
import { expect, test } from 'vitest'
import { discordForm, parseDiscordMarkdown, printDiscordMarkdown } from '../../../src/bridges/format/discord-markdown.ts'
import { normaliseRich } from '../../../src/bridges/format/rich-text-ops.ts'
import { timestampText } from '../../../src/bridges/format/timestamps.ts'
import { anyRich, stylesAt } from './rich-arbitrary.ts'

const names = { user: () => 'Ann', role: () => 'Ann', channel: () => 'Ann' }
const all = { grants: () => true, canUseEmoji: () => true }
const RUNS = 10_000
const SEED = 20_250_621

test('parsing what was printed gives the same text in Discord form', () => {
  fc.assert(
    fc.property(anyRich(), (rich) => {
      const form = discordForm(rich, all)
      expect(parseDiscordMarkdown(printDiscordMarkdown(rich, all), names)).toEqual(form)
    }),
    { numRuns: RUNS, seed: SEED },
  )
})

test("Discord's form is a fixed point", () => {
  fc.assert(
    fc.property(anyRich(), (rich) => {
      const form = discordForm(rich, all)
      expect(normaliseRich(form)).toEqual(form)
      expect(discordForm(form, all)).toEqual(form)
    }),
    { numRuns: RUNS, seed: SEED },
  )
})

test('without atoms, the form keeps every visible character', () => {
  const squash = (text: string): string => text.replace(/\s+/g, '')
  fc.assert(
    fc.property(anyRich(), (rich) => {
      const simple = normaliseRich({
        text: rich.text,
        spans: rich.spans.filter((s) => !['link', 'mention', 'emoji', 'timestamp'].includes(s.kind)),
      })
      expect(squash(discordForm(simple, all).text)).toBe(squash(simple.text))
    }),
    { numRuns: 2000, seed: SEED },
  )
})

test('simple styles survive on every visible character', () => {
  const kinds = new Set(['bold', 'italic', 'underline', 'strike', 'spoiler'])
  fc.assert(
    fc.property(anyRich(), (rich) => {
      const simple = normaliseRich({
        text: rich.text.replace(/[*_~|\\`]|https?:\/\//g, 'x'),
        spans: rich.spans.filter((s) => kinds.has(s.kind)),
      })
      const form = discordForm(simple, all)
      const visible = (of: typeof form): [string, string[]][] =>
        [...of.text.matchAll(/\S/g)].map((m) => [m[0], stylesAt(of, m.index)])
      expect(visible(form)).toEqual(visible(simple))
    }),
    { numRuns: 2000, seed: SEED },
  )
})

test('printed text has no active mention that was not granted', () => {
  fc.assert(
    fc.property(anyRich(), (rich) => {
      const printed = printDiscordMarkdown(rich, { canUseEmoji: () => true })
      expect(printed.replace(/https?:\S+/g, '')).not.toMatch(/@(?:everyone|here)/)
      expect(parseDiscordMarkdown(printed, names).spans.filter((s) => s.kind === 'mention')).toEqual([])
    }),
    { numRuns: RUNS, seed: SEED },
  )
})

test('parsing never throws, and is stable after one round', () => {
  const pieces = [
    '*',
    '**',
    '_',
    '__',
    '~~',
    '||',
    '`',
    '```',
    '\n',
    '> ',
    '>>> ',
    '# ',
    '- ',
    '1. ',
    '-# ',
    '[',
    '](https://e.org)',
    '<@1>',
    '<:a:1>',
    '\\',
    'a',
    ' ',
    'b_c',
    '@everyone',
    '<t:1:R>',
    '<https://e.org/_x_>',
  ]
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 40 }), (parts) => {
      const once = discordForm(parseDiscordMarkdown(parts.join(''), names), all)
      expect(parseDiscordMarkdown(printDiscordMarkdown(once, all), names)).toEqual(once)
    }),
    { numRuns: RUNS, seed: SEED },
  )
})

test('times print as their own text when Discord cannot show them', () => {
  expect(timestampText(0)).toBe('1970-01-01 00:00 UTC')
  expect(timestampText(Number.MAX_SAFE_INTEGER)).toMatch(/UTC$/)
})
