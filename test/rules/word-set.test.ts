import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TextWords } from '../../src/rules/lexicon/text-words.ts'
import type { WordInfo } from '../../src/rules/text/model.ts'
import { segment } from '../../src/rules/text/segments.ts'
import { tokenAt } from '../../src/rules/text/token-at.ts'
import { tokenize } from '../../src/rules/text/tokens.ts'
import { WordSet } from '../../src/rules/text/word-set.ts'

const LISTS = [['laptop', 'bán', 'куплю', "don't"], ['laptop', ',', '€'], ['12', 'a', 'very-long', 'extraordinarily'], []]
// More than fit into one number.
const SETS = Array.from({ length: 70 }, (_, k) => new WordSet(LISTS[k % LISTS.length] as string[]))

describe('sets of words', () => {
  it('have the words of their lists and no others', () => {
    const word = fc.constantFrom(
      'laptop',
      'Laptop',
      'bán',
      'куплю',
      ',',
      '€',
      '12',
      'a',
      'extraordinarily',
      'none',
      '\n',
      '😀',
      '',
    )
    fc.assert(
      fc.property(fc.array(word, { maxLength: 8 }), (words) => {
        for (const token of tokenize(words.join(' ')))
          for (const [k, set] of SETS.entries())
            expect(set.has(token)).toBe((LISTS[k % LISTS.length] as string[]).includes(token.text))
      }),
    )
    expect(SETS[0]?.has(undefined)).toBe(false)
  })

  it('are not made when words were asked for already', () => {
    expect(SETS[0]?.has(tokenize('laptop')[0])).toBe(true)
    expect(() => new WordSet(['late'])).toThrow(RangeError)
  })
})

describe('tokens', () => {
  it('have none before the first and behind the last', () => {
    const tokens = tokenize('two words')
    expect([-2, -1, 0, 1, 2].map((i) => tokenAt(tokens, i)?.text)).toEqual([undefined, undefined, 'two', 'words', undefined])
  })

  it('keep signs, capitals, apostrophes, joined letters and long words apart', () => {
    const words = (text: string): string[] => tokenize(text).map((t) => `${t.kind} ${t.text}`)
    expect(words("Don't U.S.A. so\u00adft WH-1000 ¿… –")).toEqual([
      'word dont',
      'word u.s.a',
      'op .',
      'word soft',
      'word wh',
      'number 1000',
      'op ¿',
      'op …',
      'op –',
    ])
    const long = 'ab'.repeat(60)
    expect(words(`${long} ${long}`)).toEqual([`word ${long}`, `word ${long}`])
    // More words than one look ahead lists.
    expect(tokenize('a b. '.repeat(400))).toHaveLength(512)
  })
})

describe('words of a text', () => {
  it('end gaps behind a comma, with the sentence and with the line', () => {
    const tokens = tokenize('one two, three four. five\nsix')
    segment(tokens)
    const infos = tokens.map((_, id) => ({ id: id === 1 ? -1 : id }) as WordInfo)
    const words = new TextWords().take(tokens, infos)
    expect(tokens.map((t, i) => `${t.text.trim()} ${words.stops[i]}`)).toEqual([
      'one 3',
      'two 3',
      ', 3',
      'three 6',
      'four 6',
      '. 6',
      'five 7',
      ' 7',
      'six 9',
    ])
    expect([words.count, words.symbols[0], words.symbols[1], words.symbols[2]]).toEqual([9, 0, -1, 6])
    const many = tokenize('a b. '.repeat(400))
    segment(many)
    const short = new TextWords().take(
      many.slice(0, 3),
      many.slice(0, 3).map(() => ({ id: 1 }) as WordInfo),
    )
    expect(short.count).toBe(3)
  })
})
