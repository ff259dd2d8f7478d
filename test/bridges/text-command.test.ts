import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ArgumentSpec } from '../../src/bridges/interaction.ts'
import { parseTextArguments } from '../../src/bridges/text-command.ts'

const arg = (name: string, more: Partial<ArgumentSpec> = {}): ArgumentSpec => ({
  name,
  summary: name,
  type: 'string',
  required: true,
  ...more,
})
const TWO = [arg('contact'), arg('text', { rest: true })]

describe('arguments as text', () => {
  it('are words in order, quoted texts, and the rest of the line', () => {
    expect(parseTextArguments(TWO, 'anna  hello, "you" there ').args).toEqual({ contact: 'anna', text: 'hello, "you" there' })
    expect(parseTextArguments(TWO, '"anna b" "hello you"').args).toEqual({ contact: 'anna b', text: 'hello you' })
    expect(parseTextArguments(TWO, '„anna b“ hi').args).toEqual({ contact: 'anna b', text: 'hi' })
    expect(parseTextArguments(TWO, '“anna b” hi').args).toEqual({ contact: 'anna b', text: 'hi' })
    expect(parseTextArguments(TWO, '"anna hi').args).toEqual({ contact: '"anna', text: 'hi' })
  })

  it('may be named, in any order; other words with = are values', () => {
    expect(parseTextArguments(TWO, 'text=hello there').args).toEqual({ text: 'hello there' })
    expect(parseTextArguments([arg('a'), arg('b')], 'b="x y" 1').args).toEqual({ b: 'x y', a: '1' })
    expect(parseTextArguments([arg('a')], 'c=1').args).toEqual({ a: 'c=1' })
  })

  it('name what is missing and what is left over', () => {
    expect(parseTextArguments(TWO, 'anna').missing.map((a) => a.name)).toEqual(['text'])
    expect(parseTextArguments([arg('a')], 'x y z').surplus).toBe('y z')
    expect(parseTextArguments([], '  ').surplus).toBe('')
  })

  it('take optional ones by name when a rest follows, and never files', () => {
    const qr = [arg('format', { required: false }), arg('text', { rest: true })]
    expect(parseTextArguments(qr, 'https://example.org/ a').args).toEqual({ text: 'https://example.org/ a' })
    expect(parseTextArguments(qr, 'format=svg https://example.org/').args).toEqual({
      format: 'svg',
      text: 'https://example.org/',
    })
    expect(parseTextArguments([arg('file', { type: 'attachment' }), arg('name')], 'x').args).toEqual({ name: 'x' })
  })

  it('never throw, and lose no word', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (text) => {
        const { args, surplus } = parseTextArguments([arg('a'), arg('rest', { rest: true, required: false })], text)
        expect(surplus).toBe('')
        if (text.trim() !== '') expect(Object.keys(args).length).toBeGreaterThan(0)
      }),
    )
  })
})
