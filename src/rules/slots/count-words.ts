import type { Token } from '../text/model.ts'
import { kindAt, textAt, tokenAt } from '../text/token-at.ts'
import { WordSet } from '../text/word-set.ts'
import { COUNT_WORDS, DOZENS, HALVES } from './count-lists.ts'
import { NUMBER_WORDS } from './number-words.ts'
import { OPENS, opens } from './openers.ts'
import type { Tags } from './tags.ts'

/** Things are counted in words up to here. */
const MAX_SPELLED = 12

/** A count in words over tokens [at, end). `pair`: one of the words for two that belong together. */
export interface Count {
  readonly value: number
  readonly end: number
  readonly pair: boolean
}

/** Whether two words for two things: "a pair of jeans" is one thing. */
const PAIRS = new Set(['pair', 'par', 'пара', 'пару', 'đôi', 'cặp', 'couple'])

/** Portuguese says "tá" for "is". */
const dozens = (tokens: readonly Token[], at: number, tags: Tags): number | undefined => {
  const word = textAt(tokens, at)
  return word === 'tá' && tags.lang !== 'vi' ? undefined : DOZENS.get(word)
}

/** Not the dozen a price is said for, of money in tens, or of nobody knows how many: "8 a dozen", "năm chục k", "mấy chục". */
function opensDozen(tokens: readonly Token[], at: number): boolean {
  const [next, before] = [tokens[at + 1], tokenAt(tokens, at - 1)]
  if (next !== undefined && (opens(next.form) & OPENS.multiplier) !== 0) return false
  if (before?.kind === 'number' || NOT_DOZENS.has(before)) return false
  return !(PER.has(before) && (kindAt(tokens, at - 2) === 'number' || kindAt(tokens, at - 2) === 'op'))
}
const NOT_DOZENS = new WordSet(['mấy', 'vài', 'trăm', 'per', 'por', 'each', 'за', 'cada', 'many', 'several', 'few', 'la', 'a_la'])
const PER = new WordSet(['a', 'the', 'la', 'uma', 'una', 'một'])

/** Whether `countAt` or `spelledValue` may know the word: most words are neither. */
export const mayCount = ({ kind, form }: Token): boolean => kind === 'word' && (opens(form) & OPENS.count) !== 0

/** What words count: "two", "dozen", "half a dozen", "two dozen"; one is no count. */
export function countAt(tokens: readonly Token[], at: number, tags: Tags): Count | undefined {
  const word = textAt(tokens, at)
  const own = dozens(tokens, at, tags)
  if (own !== undefined && !opensDozen(tokens, at)) return undefined
  if (own !== undefined) return { value: own, end: at + 1, pair: false }
  if (HALVES.has(word)) {
    const behind = textAt(tokens, at + 1) === 'a' ? at + 2 : at + 1
    const half = dozens(tokens, behind, tags)
    return half === undefined ? undefined : { value: half / 2, end: behind + 1, pair: false }
  }
  const value = COUNT_WORDS.get(word) ?? NUMBER_WORDS.get(word)
  if (value === undefined || value < 2 || value > MAX_SPELLED) return undefined
  const times = timesDozen(tokens, at + 1, tags)
  return times > 1
    ? { value: value * times, end: at + 2, pair: false }
    : { value, end: at + 1, pair: PAIRS.has(word) || COUNT_WORDS.get(word) === 2 }
}

/** "3 dozen", "2 chục": by how much the number before is to be taken; 1 without such a word. */
export const timesDozen = (tokens: readonly Token[], at: number, tags: Tags): number =>
  kindAt(tokens, at) === 'word' && tokens[at]?.glued !== true && textAt(tokens, at) !== 'десяток'
    ? (dozens(tokens, at, tags) ?? 1)
    : 1

/** A word such as "pair", which some things are named by. */
export const isPairWord = (word: string): boolean => PAIRS.has(word)

/** Whether a word counts by itself, as "dozen" and "pair" do, and is no number. */
export const countsAlone = (word: string): boolean => COUNT_WORDS.has(word) || DOZENS.has(word) || HALVES.has(word)

/** Numbers said in words that stand behind what they count: "штук сорок", "кубов пять". */
export const spelledValue = (word: string): number | undefined => NUMBER_WORDS.get(word)
