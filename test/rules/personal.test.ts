import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { replacePersonal } from '../../src/rules/personal.ts'

const masked = (text: string) => replacePersonal(text, (kind) => `[${kind}]`)

describe('contact data', () => {
  it.each([
    ['mail joe.doe+x@mail.example.org today', 'mail [email] today'],
    ['ask @joe_doe or <@123456789012345678> in <#42>', 'ask [mention] or [mention] in [mention]'],
    ['https://example.org/a?b=c and t.me/joe', '[link] and [link]'],
    ['call +49 170 1234567', 'call [phone]'],
    ['zalo 0912 345 678', 'zalo [phone]'],
    ['8 (916) 123-45-67', '[phone]'],
    ['id 123456789012', 'id [phone]'],
  ])('%s', (text, expected) => expect(masked(text)).toBe(expected))

  it.each([
    '2 450 000 ₫',
    '12.500.000đ',
    '1,250,000 VND',
    '1500000 VND',
    'rtx 4070, $390',
    '09:00-17:30',
    '2x16GB',
    'iphone 13 128gb 410',
  ])('%s stays', (text) => expect(masked(text)).toBe(text))

  it('never throws, and what is replaced is gone for good', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => void masked(text)))
    const text = `${'a.'.repeat(2_000)}@${'b-'.repeat(2_000)} ${'1 '.repeat(2_000)} ${'www.'.repeat(1_000)}`
    expect(masked(masked(text))).toBe(masked(text))
  })
})
