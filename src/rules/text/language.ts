import type { Language, Token } from './model.ts'

export type FunctionWords = ReadonlyMap<string, readonly Language[]>
const LATIN: readonly Language[] = ['en', 'es', 'pt', 'vi']

/** The guess of 3.4; `und` when nothing speaks for any language. */
export function guessLanguage(
  tokens: readonly Token[],
  words: FunctionWords,
  fallback: Language | 'und' = 'und',
): Language | 'und' {
  let cyrillic = 0
  let vietnamese = 0
  let spanish = 0
  let portuguese = 0
  let total = 0
  const score = { en: 0, es: 0, pt: 0, vi: 0, ru: 0 }
  for (const token of tokens) {
    if (token.kind === 'op' && (token.text === '¿' || token.text === '¡')) spanish += 2
    if (token.kind !== 'word') continue
    total++
    const { text } = token
    if (text !== token.fold || text.charCodeAt(0) > 127) {
      for (let i = 0; i < text.length; i++) {
        const code = text.charCodeAt(i)
        if (code >= 0x400 && code < 0x530) {
          cyrillic++
          break
        }
        if (code === 0x103 || code === 0x111 || code === 0x1a1 || code === 0x1b0 || (code >= 0x1ea0 && code <= 0x1ef9)) {
          vietnamese++
          break
        }
        if (code === 0xf1) spanish++
        else if (code === 0xe3 || code === 0xf5 || code === 0xe7) portuguese++
      }
    }
    const langs = words.get(text)
    if (langs !== undefined) for (const lang of langs) score[lang]++
  }
  if (cyrillic > 0 && cyrillic >= total * 0.3) return 'ru'
  if (vietnamese > 0 && (vietnamese >= 2 || vietnamese * 4 >= total || score.vi > 0)) return 'vi'
  if (spanish > 0 && portuguese === 0) return 'es'
  if (portuguese > 0 && spanish === 0) return 'pt'
  let best: Language | 'und' = 'und'
  let first = 0
  let second = 0
  for (const lang of LATIN) {
    if (score[lang] > first) {
      second = first
      first = score[lang]
      best = lang
    } else if (score[lang] > second) second = score[lang]
  }
  if (first >= 2 && first >= 1.5 * second) return best
  return vietnamese > 0 ? 'vi' : first >= 1 && second === 0 ? best : fallback
}
