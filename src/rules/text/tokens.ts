import { charKind, DIGIT, foldWord, HIDDEN, LETTERS, LINE_END, MARKS, SPACE, unmix } from './chars.ts'
import type { Form, Token, TokenKind } from './model.ts'
import { TURNS } from './segments.ts'

export const MAX_TOKENS = 512
const SIGNS = new Set('$€£₹₫¥₩฿₱₽₴₸₺₪₦₿₵₾₼₲₡₭₮₨円元块')
/** Words that would become other words without their apostrophe. */
const KEEP_APOSTROPHE = new Set(["we're", "we'll", "i'll", "he'll", "she'll", "i'd", "we'd", "she'd", "who're", "can't've"])
const APOSTROPHE = 39
const DOT = 46
const COMMA = 44
const HYPHEN = 45

interface Draft {
  readonly tokens: Token[]
  previousEnd: number
}

/** Units of the text that is being cut: a string tells its characters more slowly, and every one is looked at several times. */
let units = new Uint16Array(4_200)

/** Splits the clean view into at most 512 tokens, left to right, without going back. */
export function tokenize(clean: string): Token[] {
  const draft: Draft = { tokens: [], previousEnd: -1 }
  const n = clean.length
  if (n >= units.length) units = new Uint16Array(n + 1)
  const codes = units
  goAhead(clean, codes)
  let i = 0
  while (i < n && draft.tokens.length < MAX_TOKENS) {
    const code = codes[i] as number
    const kind = charKind(code)
    if (kind === SPACE || kind === HIDDEN || kind === MARKS) i++
    else if (kind === LETTERS) i = word(clean, codes, i, draft)
    else if (kind === DIGIT) i = number(clean, codes, i, draft)
    else if (kind === LINE_END) i = push(draft, 'line', LINE, i, i + 1)
    else if (code === 1) i = push(draft, 'mark', LINK_MARK, i, i + 1)
    else i = symbol(clean, i, draft)
  }
  return draft.tokens
}

const places = new Uint16Array(MAX_TOKENS)
const candidates: (Form | undefined)[] = new Array<undefined>(MAX_TOKENS).fill(undefined)
/** What the loops below come to; kept only so that the compiler does not leave them out. */
export const ahead = { touched: 0 }

/**
 * Copies the units, and touches the forms of all words: one after the other each would be waited for, all together memory answers
 * at the same time. What this takes for a word may be none; it changes no answer.
 */
function goAhead(clean: string, codes: Uint16Array): void {
  const n = clean.length
  let count = 0
  let hash = HASH_START
  let length = 0
  for (let k = 0; k < n; k++) {
    const code = clean.charCodeAt(k)
    codes[k] = code
    if (charKind(code) === LETTERS) {
      hash = Math.imul(hash ^ code, HASH_FACTOR)
      length++
    } else if (length > 0) {
      if (count < MAX_TOKENS) places[count++] = placeOf(hash)
      hash = HASH_START
      length = 0
    }
  }
  codes[n] = 0
  if (length > 0 && count < MAX_TOKENS) places[count++] = placeOf(hash)
  for (let k = 0; k < count; k++) candidates[k] = FORMS[places[k] as number]
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

function push(draft: Draft, kind: TokenKind, form: Form, start: number, end: number): number {
  draft.tokens.push({
    form,
    kind,
    text: form.text,
    fold: form.fold,
    start,
    end,
    glued: draft.previousEnd === start && start > 0,
    caps: form.caps,
    sentence: 0,
    clause: 0,
  })
  draft.previousEnd = end
  return end
}

function word(clean: string, codes: Uint16Array, start: number, draft: Draft): number {
  const n = clean.length
  let i = start
  let hidden = false
  let hash = HASH_START
  while (i < n) {
    const code = codes[i] as number
    const kind = charKind(code)
    if (kind !== LETTERS) {
      if (kind === HIDDEN || kind === MARKS) hidden = true
      else if (!((code === APOSTROPHE || code === DOT) && i + 1 < n && charKind(codes[i + 1] as number) === LETTERS)) break
    }
    hash = Math.imul(hash ^ code, HASH_FACTOR)
    i++
  }
  const seen = hidden ? made(strip(clean.slice(start, i)), 0) : formAt(clean, codes, start, i, hash)
  const end = push(draft, 'word', seen, start, i)
  return joinHyphen(codes, end, n, draft)
}

const HASH_START = 0x811c9dc5
const HASH_FACTOR = 0x01000193

/** Forms of words seen before, each at one of the two places its hash gives; the memory is bounded and changes no answer. */
const MAX_FORMS = 32_768
const FORMS: (Form | undefined)[] = new Array<undefined>(MAX_FORMS).fill(undefined)
const MAX_REMEMBERED = 40
const placeOf = (hash: number): number => (hash ^ (hash >>> 15)) & (MAX_FORMS - 1)
/** Longer numbers are hardly met twice. */
const MAX_NUMBER = 8

/** The form of clean[start, end): what was seen before is found without a string of its own. */
function formAt(clean: string, codes: Uint16Array, start: number, end: number, hash: number): Form {
  const place = placeOf(hash)
  const known = FORMS[place]
  if (known !== undefined && known.hash === hash && standsAt(known.word, codes, start, end)) return known
  const other = FORMS[place ^ 1]
  if (other !== undefined && other.hash === hash && standsAt(other.word, codes, start, end)) return other
  const fresh = made(detached(clean.slice(start, end)), hash)
  if (end - start > MAX_REMEMBERED) return fresh
  // The one met last stays: two words of one place would else push each other out again and again.
  if (known !== undefined) FORMS[place ^ 1] = known
  FORMS[place] = fresh
  return fresh
}

function standsAt(word: string, codes: Uint16Array, start: number, end: number): boolean {
  const { length } = word
  if (length !== end - start) return false
  for (let k = 0; k < length; k++) if (word.charCodeAt(k) !== codes[start + k]) return false
  return true
}

function made(word: string, hash: number): Form {
  const lower = word.toLowerCase()
  const caps =
    word === lower ? 0 : word.length > 1 && word === word.toUpperCase() ? 2 : word[0] === lower[0] ? 0 : word.length === 1 ? 2 : 1
  const text = unmix(lower.includes("'") && !KEEP_APOSTROPHE.has(lower) ? lower.replaceAll("'", '') : lower)
  return form(word, hash, text, foldWord(text), caps, TURNS.has(text))
}

const NONE: readonly number[] = []

const form = (word: string, hash: number, text: string, fold: string, caps: 0 | 1 | 2, turns: boolean): Form => ({
  text,
  fold,
  caps,
  turns,
  hash,
  word,
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
})

/** The form of what has no upper and lower case. */
export const plain = (text: string): Form => form(text, 0, text, text, 0, false)

/** The same characters in a string of their own: a slice would keep its whole message. */
const detached = (word: string): string => word.split('').join('')

/** A hyphen inside a word or model name separates tokens without being one. */
function joinHyphen(codes: Uint16Array, end: number, n: number, draft: Draft): number {
  if (end + 1 >= n || codes[end] !== HYPHEN) return end
  const next = charKind(codes[end + 1] as number)
  if (next !== LETTERS && next !== DIGIT) return end
  draft.previousEnd = end + 1
  return end + 1
}

function strip(text: string): string {
  let out = ''
  for (let i = 0; i < text.length; i++) {
    const kind = charKind(text.charCodeAt(i))
    if (kind !== HIDDEN && kind !== MARKS) out += text[i]
  }
  return out
}

/** Digits with single inner separators; `1,25,000`, `1.050,00`, `1'200`. Spaces between groups are the scanner's business. */
function number(clean: string, codes: Uint16Array, start: number, draft: Draft): number {
  const n = clean.length
  let i = start
  let hash = HASH_START
  while (i < n) {
    const code = codes[i] as number
    if (charKind(code) !== DIGIT) {
      const joins =
        code === DOT || code === COMMA || code === APOSTROPHE
          ? i + 1 < n && charKind(codes[i + 1] as number) === DIGIT
          : (code === 0xa0 || code === 0x202f || code === 0x2009) && threeDigits(codes, i + 1, n)
      if (!joins) break
    }
    hash = Math.imul(hash ^ code, HASH_FACTOR)
    i++
  }
  const seen = i - start > MAX_NUMBER ? plain(clean.slice(start, i)) : formAt(clean, codes, start, i, hash)
  const end = push(draft, 'number', seen, start, i)
  if (end + 1 < n && codes[end] === HYPHEN && charKind(codes[end + 1] as number) === LETTERS) {
    draft.previousEnd = end + 1
    return end + 1
  }
  return end
}

function threeDigits(codes: Uint16Array, at: number, n: number): boolean {
  if (at + 3 > n) return false
  for (let k = 0; k < 3; k++) if (charKind(codes[at + k] as number) !== DIGIT) return false
  return at + 3 === n || charKind(codes[at + 3] as number) !== DIGIT
}

/** Arrows that point both ways: one thing for another. */
const BOTH_WAYS = ['<->', '<-->', '<=>', '<>', '↔', '⇄', '⇆', '⟷', '⇔', '🔄', '🔁']
const LINE = plain('\n')
const LINK_MARK = plain('<mark>')
const TO = plain('→')
const BOTH = plain('↔')
const ASCII: readonly Form[] = Array.from({ length: 128 }, (_, code) => plain(String.fromCharCode(code)))
const MONEY: ReadonlyMap<number, Form> = new Map([...SIGNS].map((sign) => [sign.charCodeAt(0), plain(sign)]))
const DOLLAR = 36
const LESS = 60
const EQUALS = 61
const GREATER = 62

function symbol(clean: string, i: number, draft: Draft): number {
  const code = clean.charCodeAt(i)
  if (code < 128 && code !== LESS) {
    const known = ASCII[code] as Form
    if (code === DOLLAR) return push(draft, 'sign', known, i, i + 1)
    if ((code === HYPHEN || code === EQUALS) && clean.charCodeAt(i + 1) === GREATER) return push(draft, 'op', TO, i, i + 2)
    return push(draft, 'op', known, i, i + 1)
  }
  const money = MONEY.get(code)
  if (money !== undefined) return push(draft, 'sign', money, i, i + 1)
  if (code >= 0xd800 && code <= 0xdbff)
    return push(draft, 'emoji', plain(clean.slice(i, i + 2)), i, Math.min(i + 2, clean.length))
  const char = clean[i] as string
  if (code >= 0x2600 && code <= 0x27bf && code !== 0x2794 && code !== 0x279c && code !== 0x27a1)
    return push(draft, 'emoji', plain(char), i, i + 1)
  const both = code === LESS || code > 0x2190 ? BOTH_WAYS.find((arrow) => clean.startsWith(arrow, i)) : undefined
  if (both !== undefined) return push(draft, 'op', BOTH, i, i + both.length)
  if (code === 0x279c || code === 0x27a1 || code === 0x2794 || code === 0xbb) return push(draft, 'op', TO, i, i + 1)
  return push(draft, 'op', code === LESS ? (ASCII[LESS] as Form) : plain(char), i, i + 1)
}
