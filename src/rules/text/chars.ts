/** Character classes and folding for the token scanner: tables and comparisons, no regular expressions. */

const FOLD_LIMIT = 0x1f00
const MARK = /\p{M}/gu
const LETTER = /^\p{L}$/u

/** Latin letters without their marks (đ → d), ё → е; other letters stay themselves. */
const FOLD: readonly string[] = Array.from({ length: FOLD_LIMIT }, (_, code) => {
  const char = String.fromCharCode(code)
  if (char === 'đ' || char === 'Đ') return 'd'
  if (char === 'ё') return 'е'
  const latin = (code >= 0xc0 && code < 0x250) || (code >= 0x1e00 && code < FOLD_LIMIT)
  return latin ? char.normalize('NFD').replace(MARK, '') : char
})

const KIND = new Uint8Array(0x3000)
export const OTHER = 0
export const LETTERS = 1
export const DIGIT = 2
export const SPACE = 3
export const LINE_END = 4
export const MARKS = 5
export const HIDDEN = 6
for (let code = 0; code < KIND.length; code++) {
  const char = String.fromCharCode(code)
  if (LETTER.test(char)) KIND[code] = LETTERS
  else if (code >= 48 && code <= 57) KIND[code] = DIGIT
  else if (code === 10 || code === 13 || code === 0x2028 || code === 0x2029) KIND[code] = LINE_END
  else if (/\s/u.test(char)) KIND[code] = SPACE
  else if (/^\p{M}$/u.test(char)) KIND[code] = MARKS
}
// Soft hyphen, zero-width signs, direction controls, word joiner.
for (const code of [0xad, 0x200b, 0x200c, 0x200d, 0x200e, 0x200f, 0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2060, 0x2066, 0x2067])
  KIND[code] = HIDDEN
for (const code of [0x2068, 0x2069]) KIND[code] = HIDDEN

const { charCodeAt } = String.prototype
/**
 * The unit at a place within a text; beyond its end it would be slow ever after. Asked for as a text's own method it would be looked
 * up at every letter: there are many kinds of strings.
 */
export const unitAt = (text: string, at: number): number => charCodeAt.call(text, at)

/** Class of one UTF-16 unit. */
export function charKind(code: number): number {
  if (code < 0x3000) return KIND[code] as number
  if (code === 0x3000) return SPACE
  if (code === 0xfeff) return HIDDEN
  if (code >= 0xfe00 && code <= 0xfe0f) return HIDDEN
  if (code >= 0xd800 && code <= 0xf8ff) return OTHER
  return LETTER.test(String.fromCharCode(code)) ? LETTERS : OTHER
}

/** `word` (lower case) without diacritics, for texts typed without them. */
export function foldWord(word: string): string {
  let plain = true
  for (let i = 0; i < word.length; i++) if (word.charCodeAt(i) > 127) plain = false
  if (plain) return word
  let out = ''
  for (let i = 0; i < word.length; i++) {
    const code = word.charCodeAt(i)
    out += code < FOLD_LIMIT ? FOLD[code] : word[i]
  }
  return out
}

/** Latin look-alikes of Cyrillic and Greek letters, for words that mix alphabets. */
const CONFUSABLE = new Map<string, string>(
  Object.entries({
    а: 'a',
    в: 'b',
    с: 'c',
    е: 'e',
    н: 'h',
    і: 'i',
    ј: 'j',
    к: 'k',
    м: 'm',
    о: 'o',
    р: 'p',
    ѕ: 's',
    т: 't',
    у: 'y',
    х: 'x',
  }),
)
for (const [greek, latin] of Object.entries({ α: 'a', ο: 'o', ρ: 'p', τ: 't', υ: 'u', ν: 'v', ι: 'i', κ: 'k' }))
  CONFUSABLE.set(greek, latin)

/** A word of mixed alphabets read as Latin where every foreign letter has a Latin twin; else unchanged. */
export function unmix(word: string): string {
  let latin = false
  let foreign = false
  for (let i = 0; i < word.length; i++) {
    const code = word.charCodeAt(i)
    if (code < 0x250) latin ||= charKind(code) === LETTERS
    else if (code >= 0x370 && code < 0x530) foreign = true
  }
  if (!latin || !foreign) return word
  let out = ''
  for (const char of word) {
    const code = char.charCodeAt(0)
    if (code < 0x250) out += char
    else {
      const twin = CONFUSABLE.get(char)
      if (twin === undefined) return word
      out += twin
    }
  }
  return out
}
