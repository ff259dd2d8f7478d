import type { Token } from '../text/model.ts'
import { textAt, tokenAt } from '../text/token-at.ts'
import { WordSet } from '../text/word-set.ts'
import { NOTES, NUMBER_WORDS } from './number-word-list.ts'

export { NUMBER_WORDS } from './number-word-list.ts'

const TENS_WORDS = 'ten twenty thirty forty fifty fiddy sixty seventy eighty ninety'.split(' ')
const ENGLISH_TENS = new WordSet([...TENS_WORDS, ...TENS_WORDS.map((w) => `${w}ll`)])
const LINKS = new WordSet(['and', 'y', 'e'])
const MAX_WORDS = 8

export interface WordNumber {
  readonly value: string
  /** Token index after the last word. */
  readonly end: number
  /** Holds a word of a hundred or more. */
  readonly large: boolean
}

const GIVES = new WordSet(['дам', 'отдам', 'заплачу', 'плачу', 'даю', 'готов', 'готова', 'готовы'])

/** Every word the number itself may begin with. */
export const NUMBER_HEADS: ReadonlySet<string> = new Set([...NOTES.keys(), ...NUMBER_WORDS.keys(), 'a', 'couple'])

const isHalf = (tokens: readonly Token[], i: number): boolean =>
  textAt(tokens, i) === 'с'
    ? textAt(tokens, i + 1) === 'половиной'
    : textAt(tokens, i) === 'and' && textAt(tokens, i + 1) === 'a' && textAt(tokens, i + 2) === 'half'

const TENS = new WordSet(['mươi', 'chục'])
const THOUSANDS = new WordSet(['nghìn', 'ngàn'])
const SCALES = new WordSet('trăm nghìn ngàn mươi chục k'.split(' '))
const scaled = (token: Token | undefined): boolean =>
  token !== undefined && (SCALES.has(token) || (NUMBER_WORDS.get(token.text) ?? 0) >= 100)

/** The number spelled from token `start`; "a hundred", "couple hundred" included. */
export function readNumberWords(tokens: readonly Token[], start: number): WordNumber | undefined {
  let i = start
  const opener = tokens[i]?.text
  if (opener === undefined || !NUMBER_HEADS.has(opener)) return undefined
  const note = NOTES.get(opener)
  // "штуку дам"; "за штуку" says of how many.
  if (opener === 'штуку' && !GIVES.has(tokens[start + 1]) && !GIVES.has(tokenAt(tokens, start - 1))) return undefined
  if (note !== undefined) return { value: note, end: start + 1, large: true }
  let current = 0
  let total = 0
  let words = 0
  let large = false
  if (opener === 'a' || opener === 'couple') {
    const next = textAt(tokens, i + 1) === 'of' ? i + 2 : i + 1
    const scale = NUMBER_WORDS.get(textAt(tokens, next)) ?? 0
    if (scale !== 100 && scale !== 1000) return undefined
    current = opener === 'a' ? 1 : 2
    i = next
  }
  for (; words < MAX_WORDS; i++) {
    const token = tokens[i]
    if (token?.kind !== 'word') break
    if (words > 0 && LINKS.has(token) && NUMBER_WORDS.has(textAt(tokens, i + 1))) continue
    // "bốn trăm rưỡi": half a hundred more.
    if (token.text === 'rưỡi' && textAt(tokens, i - 1) === 'trăm') {
      current += 50
      continue
    }
    // "ba trăm năm chục", "hai mươi bảy": what stands before counts tens.
    if (TENS.has(token) && current % 10 !== 0) {
      current += (current % 10) * 9
      words++
      continue
    }
    // "восемь с половиной тысяч", "two and a half grand"
    if (words > 0 && isHalf(tokens, i)) {
      current += 0.5
      i += token.text === 'с' ? 1 : 2
      continue
    }
    const value = token.text === 'rưỡi' && textAt(tokens, i - 1) === 'triệu' ? 5 : NUMBER_WORDS.get(token.text)
    if (value === undefined) break
    // "một triệu tám": behind a million a digit counts hundreds of thousands.
    if (total >= 1e6 && current === 0 && value < 10 && textAt(tokens, i - 1) === 'triệu' && !scaled(tokens[i + 1])) {
      total += value * 100_000
      i++
      break
    }
    // "trăm rưỡi ngàn một cái": so much for one.
    if (total > 0 && current === 0 && value < 10 && THOUSANDS.has(tokenAt(tokens, i - 1)) && !scaled(tokens[i + 1])) break
    // "five-fifty", "nine twenty": hundreds as English says prices.
    if (words === 1 && current >= 1 && current < 10 && value >= 10 && value < 100 && ENGLISH_TENS.has(token)) {
      current = current * 100 + value
      words++
      large = true
      continue
    }
    if (value < 100 && words > 0 && current % 100 !== 0 && (current % 10 !== 0 || value >= 10)) break
    words++
    if (value >= 100) large = true
    if (value === 100) current = (current || 1) * 100
    else if (value >= 1000) {
      total += (current || 1) * value
      current = 0
    } else current += value
  }
  if (words === 0) return undefined
  return { value: String(total + current), end: i, large }
}
