import { charKind, MARKS, unitAt } from './chars.ts'

// What is imported is looked up at every use, what is the file's own is part of the code: these run for every letter.
const kindOf = charKind
const unitOf = unitAt
const MARK = MARKS

/** Kinds of characters a text has, as bits: they say which closer looks it needs. */
export const HAS = {
  dollar: 1,
  semicolon: 1 << 1,
  equals: 1 << 2,
  ampersand: 1 << 3,
  pipe: 1 << 4,
  brace: 1 << 5,
  parenthesis: 1 << 6,
  less: 1 << 7,
  greater: 1 << 8,
  exclamation: 1 << 9,
  colon: 1 << 10,
  hash: 1 << 11,
  apostrophe: 1 << 12,
  slash: 1 << 13,
  backtick: 1 << 14,
  tilde: 1 << 15,
  star: 1 << 16,
  underscore: 1 << 17,
  at: 1 << 18,
  quote: 1 << 19,
  /** Quotation marks and signs that stand for an ASCII one. */
  typographic: 1 << 20,
  dot: 1 << 21,
  /** From U+0300 on: what normalising may change. */
  high: 1 << 22,
  mark: 1 << 23,
} as const

const ASCII = new Int32Array(128)
for (const [chars, bit] of [
  ['$', HAS.dollar],
  [';', HAS.semicolon],
  ['=', HAS.equals],
  ['&', HAS.ampersand],
  ['|', HAS.pipe],
  ['{}', HAS.brace],
  ['()', HAS.parenthesis],
  ['<', HAS.less],
  ['>', HAS.greater],
  ['!', HAS.exclamation],
  [':', HAS.colon],
  ['#', HAS.hash],
  ["'", HAS.apostrophe],
  ['/', HAS.slash],
  ['`', HAS.backtick],
  ['~', HAS.tilde],
  ['*', HAS.star],
  ['_', HAS.underscore],
  ['@', HAS.at],
  ['"', HAS.quote],
  ['.', HAS.dot],
] as const)
  for (const char of chars) ASCII[char.charCodeAt(0)] = bit

/** What a text is made of. */
export function signsOfText(text: string): number {
  let signs = 0
  const { length } = text
  for (let i = 0; i < length; i++) {
    const code = unitOf(text, i)
    if (code < 128) signs |= ASCII[code] as number
    else if (code < 0x300) {
      if (code === 0xab || code === 0xbb) signs |= HAS.typographic
    } else {
      signs |= HAS.high
      if ((code >= 0x2018 && code <= 0x201f) || code === 0x2212) signs |= HAS.typographic
      else if (kindOf(code) === MARK) signs |= HAS.mark
    }
  }
  return signs
}
