import { charKind, DIGIT, HIDDEN, LETTERS, LINE_END, MARKS, SPACE, unitAt } from './chars.ts'
import { formAt, HASH_FACTOR, HASH_START, made, plain, touch } from './forms.ts'
import type { Form, Token, TokenKind } from './model.ts'

// What is imported is looked up at every use, what is the file's own is part of the code: these run for every letter.
const kindOf = charKind
const unitOf = unitAt
const LETTER = LETTERS
const DIGITS = DIGIT
const SPACES = SPACE
const MARK = MARKS
const UNSEEN = HIDDEN
const FACTOR = HASH_FACTOR
const START = HASH_START

export const MAX_TOKENS = 512
const SIGNS = new Set('$€£₹₫¥₩฿₱₽₴₸₺₪₦₿₵₾₼₲₡₭₮₨円元块')
const APOSTROPHE = 39
const DOT = 46
const COMMA = 44
const HYPHEN = 45

interface Draft {
  readonly tokens: Token[]
  /** Units of the text. */
  readonly length: number
  previousEnd: number
  /** The next run of letters, of those gone ahead to. */
  run: number
}

/** Units of the text that is being cut: a string tells its characters more slowly, and every one is looked at several times. */
let units = new Uint16Array(4_200)

/** Splits the clean view into at most 512 tokens, left to right, without going back. */
export function tokenize(clean: string): Token[] {
  const n = clean.length
  const draft: Draft = { tokens: [], length: n, previousEnd: -1, run: 0 }
  if (n >= units.length) units = new Uint16Array(n + 1)
  const codes = units
  const runs = goAhead(clean, n, codes)
  let i = 0
  while (i < n && draft.tokens.length < MAX_TOKENS) {
    const code = codes[i] as number
    const kind = kindOf(code)
    if (kind === SPACES || kind === UNSEEN || kind === MARK) i++
    else if (kind === LETTER) i = word(clean, codes, i, draft, runs)
    else if (kind === DIGITS) i = number(clean, codes, i, draft)
    else if (kind === LINE_END) i = push(draft, 'line', LINE, i, i + 1)
    else if (code === 1) i = push(draft, 'mark', LINK_MARK, i, i + 1)
    else i = symbol(clean, codes, i, draft)
  }
  return draft.tokens
}

/** Runs of letters of the text that is being cut: where each begins and ends, and its hash. */
const starts = new Uint16Array(MAX_TOKENS)
const ends = new Uint16Array(MAX_TOKENS)
const hashes = new Int32Array(MAX_TOKENS)
/**
 * Copies the units, lists runs of letters, and touches the forms of all. A run may be part of a word only; what is touched changes
 * no answer.
 */
function goAhead(clean: string, n: number, codes: Uint16Array): number {
  let count = 0
  let hash = START
  let start = -1
  for (let k = 0; k < n; k++) {
    const code = unitOf(clean, k)
    codes[k] = code
    if (kindOf(code) === LETTER) {
      if (start < 0) start = k
      hash = Math.imul(hash ^ code, FACTOR)
    } else if (start >= 0) {
      if (count < MAX_TOKENS) count = keep(count, start, k, hash)
      hash = START
      start = -1
    }
  }
  codes[n] = 0
  if (start >= 0 && count < MAX_TOKENS) count = keep(count, start, n, hash)
  touch(hashes, count)
  return count
}

function keep(count: number, start: number, end: number, hash: number): number {
  starts[count] = start
  ends[count] = end
  hashes[count] = hash
  return count + 1
}

function push(draft: Draft, kind: TokenKind, form: Form, start: number, end: number): number {
  const { tokens } = draft
  // Looking up `push` costs more than what it does.
  tokens[tokens.length] = {
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
  }
  draft.previousEnd = end
  return end
}

function word(clean: string, codes: Uint16Array, start: number, draft: Draft, runs: number): number {
  let { run } = draft
  while (run < runs && (starts[run] as number) < start) run++
  draft.run = run
  if (run < runs && starts[run] === start && !goesOn(codes[ends[run] as number] as number)) {
    const end = ends[run] as number
    push(draft, 'word', formAt(clean, codes, start, end, hashes[run] as number), start, end)
    return joinHyphen(codes, end, draft)
  }
  return joined(clean, codes, start, draft)
}

/** Whether a word may go on behind its letters. */
function goesOn(code: number): boolean {
  if (code === APOSTROPHE || code === DOT) return true
  const kind = kindOf(code)
  return kind === UNSEEN || kind === MARK
}

/** A word with what joins its letters. */
function joined(clean: string, codes: Uint16Array, start: number, draft: Draft): number {
  const n = draft.length
  let i = start
  let hidden = false
  let hash = START
  while (i < n) {
    const code = codes[i] as number
    const kind = kindOf(code)
    if (kind !== LETTER) {
      if (kind === UNSEEN || kind === MARK) hidden = true
      else if (!((code === APOSTROPHE || code === DOT) && i + 1 < n && kindOf(codes[i + 1] as number) === LETTER)) break
    }
    hash = Math.imul(hash ^ code, FACTOR)
    i++
  }
  const seen = hidden ? made(strip(clean.slice(start, i)), 0) : formAt(clean, codes, start, i, hash)
  const end = push(draft, 'word', seen, start, i)
  return joinHyphen(codes, end, draft)
}

/** A hyphen inside a word or model name separates tokens without being one. */
function joinHyphen(codes: Uint16Array, end: number, draft: Draft): number {
  if (end + 1 >= draft.length || codes[end] !== HYPHEN) return end
  const next = kindOf(codes[end + 1] as number)
  if (next !== LETTER && next !== DIGITS) return end
  draft.previousEnd = end + 1
  return end + 1
}

function strip(text: string): string {
  let out = ''
  for (let i = 0; i < text.length; i++) {
    const kind = kindOf(text.charCodeAt(i))
    if (kind !== UNSEEN && kind !== MARK) out += text[i]
  }
  return out
}

/** Longer numbers are hardly met twice. */
const MAX_NUMBER = 8

/** Digits with single inner separators; `1,25,000`, `1.050,00`, `1'200`. Spaces between groups are the scanner's business. */
function number(clean: string, codes: Uint16Array, start: number, draft: Draft): number {
  const n = draft.length
  let i = start
  let hash = START
  while (i < n) {
    const code = codes[i] as number
    if (kindOf(code) !== DIGITS) {
      const joins =
        code === DOT || code === COMMA || code === APOSTROPHE
          ? i + 1 < n && kindOf(codes[i + 1] as number) === DIGITS
          : (code === 0xa0 || code === 0x202f || code === 0x2009) && threeDigits(codes, i + 1, n)
      if (!joins) break
    }
    hash = Math.imul(hash ^ code, FACTOR)
    i++
  }
  const seen = i - start > MAX_NUMBER ? plain(clean.slice(start, i)) : formAt(clean, codes, start, i, hash)
  const end = push(draft, 'number', seen, start, i)
  if (end + 1 < n && codes[end] === HYPHEN && kindOf(codes[end + 1] as number) === LETTER) {
    draft.previousEnd = end + 1
    return end + 1
  }
  return end
}

function threeDigits(codes: Uint16Array, at: number, n: number): boolean {
  if (at + 3 > n) return false
  for (let k = 0; k < 3; k++) if (kindOf(codes[at + k] as number) !== DIGITS) return false
  return at + 3 === n || kindOf(codes[at + 3] as number) !== DIGITS
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

/** Forms of signs met that are neither money nor ASCII; the memory is bounded and changes no answer. */
const signs = new Map<string, Form>()
const MAX_SIGNS = 4_096

function signForm(text: string): Form {
  const known = signs.get(text)
  if (known !== undefined) return known
  const fresh = plain(text)
  if (signs.size < MAX_SIGNS) signs.set(text, fresh)
  return fresh
}

function symbol(clean: string, codes: Uint16Array, i: number, draft: Draft): number {
  const code = codes[i] as number
  if (code < 128 && code !== LESS) {
    const known = ASCII[code] as Form
    if (code === DOLLAR) return push(draft, 'sign', known, i, i + 1)
    if ((code === HYPHEN || code === EQUALS) && codes[i + 1] === GREATER) return push(draft, 'op', TO, i, i + 2)
    return push(draft, 'op', known, i, i + 1)
  }
  const money = MONEY.get(code)
  if (money !== undefined) return push(draft, 'sign', money, i, i + 1)
  if (code >= 0xd800 && code <= 0xdbff)
    return push(draft, 'emoji', signForm(clean.slice(i, i + 2)), i, Math.min(i + 2, clean.length))
  const char = clean[i] as string
  if (code >= 0x2600 && code <= 0x27bf && code !== 0x2794 && code !== 0x279c && code !== 0x27a1)
    return push(draft, 'emoji', signForm(char), i, i + 1)
  const both = code === LESS || code > 0x2190 ? BOTH_WAYS.find((arrow) => clean.startsWith(arrow, i)) : undefined
  if (both !== undefined) return push(draft, 'op', BOTH, i, i + both.length)
  if (code === 0x279c || code === 0x27a1 || code === 0x2794 || code === 0xbb) return push(draft, 'op', TO, i, i + 1)
  return push(draft, 'op', code === LESS ? (ASCII[LESS] as Form) : signForm(char), i, i + 1)
}
