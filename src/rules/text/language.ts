import type { WordInfo } from '../lexicon/vocabulary.ts'
import type { Language, Token } from './model.ts'

const LATIN: readonly Language[] = ['en', 'es', 'pt', 'vi']

/** The guess of 3.4; `fallback` when nothing speaks for any language. */
export function guessLanguage(
  tokens: readonly Token[],
  infos: readonly WordInfo[],
  fallback: Language | 'und' = 'und',
): Language | 'und' {
  let cyrillic = 0
  let vietnamese = 0
  let spanish = 0
  let portuguese = 0
  let total = 0
  const score = { en: 0, es: 0, pt: 0, vi: 0, ru: 0 }
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] as Token
    if (token.kind === 'op' && (token.text === '¿' || token.text === '¡')) spanish += 2
    if (token.kind !== 'word') continue
    total++
    const { alphabet, languages } = infos[i] as WordInfo
    if (alphabet === 'cyrillic') cyrillic++
    else if (alphabet === 'vietnamese') vietnamese++
    else if (alphabet === 'spanish') spanish++
    else if (alphabet === 'portuguese') portuguese++
    if (languages !== undefined) for (const lang of languages) score[lang]++
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
