/** Words of chat text as searches and rules see them: lower case, without marks, letters and digits only. Linear in the text. */

/** Words read of one text; the rest does not take part. */
export const MAX_WORDS = 512
const MAX_CHARS = 4_096
const MAX_WORD_CHARS = 64
const MARKS = /\p{M}+/gu
const WORD = /[\p{L}\p{N}]+/gu
const ASCII = /^[\x00-\x7f]*$/
/** One plain word, the usual case in searches. */
const SIMPLE = /^[a-z0-9]{1,64}$/
const APOSTROPHES = /['’ʼ]/g

/** Lower case without diacritics (đ → d, ё → е). */
export function foldText(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase()
  return text.normalize('NFKD').toLowerCase().replace(MARKS, '').replaceAll('đ', 'd').normalize('NFC')
}

/** The folded text that every word of `wordsOf` is a piece of. */
export function wordSource(text: string): string {
  return foldText(text.length > MAX_CHARS ? text.slice(0, MAX_CHARS) : text).replace(APOSTROPHES, '')
}

/** Words in their order. `rtx4090` and `4070xt` come as two words, `x1` and `5800x3d` as one. */
export function wordsOf(text: string): string[] {
  if (SIMPLE.test(text)) {
    const cut = seam(text)
    return cut === 0 ? [text] : [text.slice(0, cut), text.slice(cut)]
  }
  const out: string[] = []
  for (const match of wordSource(text).match(WORD) ?? []) {
    if (out.length >= MAX_WORDS) break
    const word = match.length > MAX_WORD_CHARS ? match.slice(0, MAX_WORD_CHARS) : match
    const cut = seam(word)
    if (cut === 0) out.push(word)
    else out.push(word.slice(0, cut), word.slice(cut))
  }
  return out
}

const isDigit = (code: number): boolean => code >= 48 && code <= 57

/** Where letters and digits of a two-part word meet; 0 when it is one word. */
function seam(word: string): number {
  const first = isDigit(word.charCodeAt(0))
  let cut = 0
  for (let i = 1; i < word.length; i++) {
    const digit = isDigit(word.charCodeAt(i))
    if (cut === 0) {
      if (digit !== first) cut = i
    } else if (digit === first) return 0
  }
  return cut >= 2 && word.length - cut >= 2 ? cut : 0
}

/** Cuts endings that change nothing for a search: plural s, Cyrillic case vowels. */
export function stem(word: string): string {
  const n = word.length
  if (n < 4) return word
  const last = word.charCodeAt(n - 1)
  if (last === 115 /* s */) {
    const before = word.charCodeAt(n - 2)
    if (before === 115 || isDigit(before)) return word
    return n > 5 && word.endsWith('ies') ? `${word.slice(0, -3)}y` : word.slice(0, -1)
  }
  if (n >= 5 && last >= 0x430 && last <= 0x44f) {
    let end = n
    while (end > 4 && n - end < 2 && CYRILLIC_ENDINGS.has(word[end - 1] as string)) end--
    return word.slice(0, end)
  }
  return word
}

const CYRILLIC_ENDINGS = new Set('аеиоуыэюяйь')

/** True when the words stand next to each other in `text`; spaces between letters and digits do not matter. */
export function hasPhrase(text: readonly string[], phrase: readonly string[]): boolean {
  const joined = phrase.join('')
  if (joined === '') return false
  for (let i = 0; i < text.length; i++) {
    let at = 0
    for (let k = i; k < text.length; k++) {
      const word = text[k] as string
      if (!joined.startsWith(word, at)) break
      at += word.length
      if (at === joined.length) return true
    }
  }
  return false
}

/**
 * Keys a text answers to: its stemmed words, and neighbours of letters and digits written together (`gen 9` also as `gen9`).
 * A search for any spelling then finds every spelling.
 */
export function keysOf(words: readonly string[]): Set<string> {
  const keys = new Set<string>()
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as string
    keys.add(stem(word))
    const next = words[i + 1]
    if (
      next !== undefined &&
      isDigit(word.charCodeAt(word.length - 1)) !== isDigit(next.charCodeAt(0)) &&
      word.length + next.length <= 16
    )
      keys.add(word + next)
  }
  return keys
}
