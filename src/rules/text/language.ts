import type { Language, Token, WordInfo } from './model.ts'

/** What a word tells of its language, as bits: that it is a function word of it, or that it has letters of no other (3.4). */
export const TONGUE = {
  en: 1,
  es: 1 << 1,
  pt: 1 << 2,
  vi: 1 << 3,
  ru: 1 << 4,
  cyrillic: 1 << 5,
  vietnamese: 1 << 6,
  spanish: 1 << 7,
  portuguese: 1 << 8,
} as const
const LETTERS = TONGUE.cyrillic | TONGUE.vietnamese | TONGUE.spanish | TONGUE.portuguese

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
  let en = 0
  let es = 0
  let pt = 0
  let vi = 0
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] as Token
    if (token.kind !== 'word') {
      if (token.kind === 'op' && (token.text === '¿' || token.text === '¡')) spanish += 2
      continue
    }
    total++
    const { tongue } = infos[i] as WordInfo
    if (tongue === 0) continue
    if ((tongue & TONGUE.en) !== 0) en++
    if ((tongue & TONGUE.es) !== 0) es++
    if ((tongue & TONGUE.pt) !== 0) pt++
    if ((tongue & TONGUE.vi) !== 0) vi++
    if ((tongue & LETTERS) === 0) continue
    if ((tongue & TONGUE.cyrillic) !== 0) cyrillic++
    else if ((tongue & TONGUE.vietnamese) !== 0) vietnamese++
    else if ((tongue & TONGUE.spanish) !== 0) spanish++
    else portuguese++
  }
  if (cyrillic > 0 && cyrillic >= total * 0.3) return 'ru'
  if (vietnamese > 0 && (vietnamese >= 2 || vietnamese * 4 >= total || vi > 0)) return 'vi'
  if (spanish > 0 && portuguese === 0) return 'es'
  if (portuguese > 0 && spanish === 0) return 'pt'
  const first = Math.max(en, es, pt, vi)
  const best = en === first ? 'en' : es === first ? 'es' : pt === first ? 'pt' : 'vi'
  // The next one, of another language that may have as many.
  const second = Math.max(best === 'en' ? 0 : en, best === 'es' ? 0 : es, best === 'pt' ? 0 : pt, best === 'vi' ? 0 : vi)
  if (first >= 2 && first >= 1.5 * second) return best
  return vietnamese > 0 ? 'vi' : first >= 1 && second === 0 ? best : fallback
}
