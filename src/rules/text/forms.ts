import { foldWord, unmix } from './chars.ts'
import type { Form } from './model.ts'
import { TURNS } from './segments.ts'

/** Words that would become other words without their apostrophe. */
const KEEP_APOSTROPHE = new Set(["we're", "we'll", "i'll", "he'll", "she'll", "i'd", "we'd", "she'd", "who're", "can't've"])

/** Of the units of a word: start and factor of its hash (FNV-1a, 32 bits). */
export const HASH_START = 0x811c9dc5
export const HASH_FACTOR = 0x01000193

/** Forms of words seen before, each at one of the places its hash gives; the memory is bounded and changes no answer. */
const MAX_FORMS = 32_768
const PLACES = 4
const FORMS: (Form | undefined)[] = new Array<undefined>(MAX_FORMS).fill(undefined)
const MAX_REMEMBERED = 40
const placeOf = (hash: number): number => (hash ^ (hash >>> 15)) & (MAX_FORMS - 1)

/** The form of clean[start, end): what was seen before is found without a string of its own. */
export function formAt(clean: string, codes: Uint16Array, start: number, end: number, hash: number): Form {
  const place = placeOf(hash)
  for (let k = 0; k < PLACES; k++) {
    const known = FORMS[place ^ k]
    if (known !== undefined && known.hash === hash && standsAt(known.word, codes, start, end)) return known
  }
  const fresh = made(detached(clean.slice(start, end)), hash)
  if (end - start > MAX_REMEMBERED) return fresh
  // Those met last stay: words of one place would else push each other out again and again.
  for (let k = PLACES - 1; k > 0; k--) FORMS[place ^ k] = FORMS[place ^ (k - 1)]
  FORMS[place] = fresh
  return fresh
}

function standsAt(word: string, codes: Uint16Array, start: number, end: number): boolean {
  const { length } = word
  if (length !== end - start) return false
  for (let k = 0; k < length; k++) if (word.charCodeAt(k) !== codes[start + k]) return false
  return true
}

/** A form made of a word as written. */
export function made(word: string, hash: number): Form {
  const lower = word.toLowerCase()
  const caps =
    word === lower ? 0 : word.length > 1 && word === word.toUpperCase() ? 2 : word[0] === lower[0] ? 0 : word.length === 1 ? 2 : 1
  const text = unmix(lower.includes("'") && !KEEP_APOSTROPHE.has(lower) ? lower.replaceAll("'", '') : lower)
  return form(word, hash, text, foldWord(text), caps, TURNS.has(text))
}

const NONE: readonly number[] = []

/** Strings as short as this are one and the same in the engine when they come from JSON. */
const ONE_OF_JSON = 10

/** The one string the engine keeps of these characters: comparing it with words of the program is comparing two addresses. */
const single = (text: string): string =>
  text.length <= ONE_OF_JSON ? (JSON.parse(JSON.stringify(text)) as string) : (Object.keys({ [text]: 0 })[0] as string)

const form = (word: string, hash: number, text: string, fold: string, caps: 0 | 1 | 2, turns: boolean): Form => ({
  text: single(text),
  fold: single(fold),
  caps,
  turns,
  comma: text === ',',
  hash,
  word: single(word),
  owner: undefined,
  id: -1,
  termRoots: 0,
  patternRoots: 0,
  tongue: 0,
  key: false,
  groups: NONE,
  repaired: undefined,
  singulars: NONE,
  prefixes: NONE,
  foldHash: 0,
  wordSign: 0,
  stemSign: 0,
  longStemSign: 0,
  slotsOf: 0,
  wordSlot: -1,
  stemSlot: -1,
  longStemSlot: -1,
  signs: 0,
  sets: undefined,
})

/** The form of what has no upper and lower case. */
export const plain = (text: string): Form => form(text, 0, text, text, 0, false)

/** The same characters in a string of their own: a slice would keep its whole message. */
const detached = (word: string): string => word.split('').join('')

const candidates: (Form | undefined)[] = []
/** What the loops below come to; kept only so that the compiler does not leave them out. */
export const ahead = { touched: 0 }

/**
 * Touches the forms that words of these hashes may have: one after the other each would be waited for, all together memory answers at
 * the same time.
 */
export function touch(hashes: Int32Array, count: number): void {
  for (let k = 0; k < count; k++) candidates[k] = FORMS[placeOf(hashes[k] as number)]
  let sum = 0
  for (let k = 0; k < count; k++) {
    const known = candidates[k]
    if (known !== undefined) sum += known.caps + known.patternRoots
  }
  for (let k = 0; k < count; k++) {
    const known = candidates[k]
    if (known !== undefined) sum += known.word.length
  }
  ahead.touched = sum
}
