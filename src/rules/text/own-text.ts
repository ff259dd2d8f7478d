import type { RemovedSpan, TextEntity } from './model.ts'
import { HAS, signsOfText } from './signs.ts'

/** Placeholder unit for mentions and links in the clean view. */
const MARK = 1
const SPACE = 32
const REPLACED: ReadonlyMap<number, number> = new Map(
  Object.entries({ '’': "'", '‘': "'", '‚': "'", '“': '"', '”': '"', '„': '"', '«': '"', '»': '"', '−': '-' }).map(
    ([from, to]) => [from.charCodeAt(0), to.charCodeAt(0)],
  ),
)
/** None of them stands before « in the order of characters. */
const FIRST_REPLACED = 0xab
const CODE_LIKE = /[;{}=$]|\(\)|=>|^\s*(?:npm|git|sudo|curl|cd|ls|docker|pip)\b/u
const MENTION = /<(?:@[!&]?|#|a?:\w{1,40}:)\d{1,24}>/gu
const LINK = /\b(?:https?:\/\/|www\.)[^\s<>]{1,2048}/giu
/** Every link has one of these. */
const MAYBE_LINK = /:\/\/|www\./iu
const ADDRESS = /(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{2,24}){1,4}/gu
const HANDLE = /(?<![\w@])@[A-Za-z]\w{2,40}/gu
const SHORTCODE = /(?<![\w:]):[a-z][a-z0-9_+-]{1,32}:(?!\w)/gu
const SHORTCODE_TEST = new RegExp(SHORTCODE, 'u')

export interface OwnText {
  readonly clean: string
  readonly removed: RemovedSpan[]
  readonly struck: boolean
}

/** Signs that emphasise; a pipe or underscore only where it touches its like or a space. */
const MARKUP = HAS.star | HAS.backtick | HAS.underscore | HAS.pipe
/** What makes a closer look necessary, but for links; most chat has none of it. */
const LOOK = MARKUP | HAS.tilde | HAS.less | HAS.greater | HAS.colon | HAS.at | HAS.typographic
/** Every link has one of these. */
const LINK_SIGNS = HAS.slash | HAS.dot

/**
 * Blanks quotes, code, struck text, links, mentions and markup signs; every position stays where it was. `signs`: what `raw` is
 * made of.
 */
export function ownText(raw: string, entities: readonly TextEntity[], signs = signsOfText(raw)): OwnText {
  const removed: RemovedSpan[] = []
  const linked = (signs & LINK_SIGNS) !== 0 && MAYBE_LINK.test(raw)
  if (entities.length === 0 && (signs & LOOK) === 0 && !(linked && raw.includes('www.')))
    return { clean: raw, removed, struck: false }
  // Colons alone change nothing unless they enclose a name.
  const colons = (signs & HAS.colon) !== 0 && raw.indexOf(':') !== raw.lastIndexOf(':')
  if (entities.length === 0 && (signs & (LOOK & ~HAS.colon)) === 0 && !linked && !(colons && SHORTCODE_TEST.test(raw)))
    return { clean: raw, removed, struck: false }
  const chars = new Array<number>(raw.length)
  for (let i = 0; i < raw.length; i++) chars[i] = raw.charCodeAt(i)
  const blank = (start: number, end: number, kind: RemovedSpan['kind'], mark = false): void => {
    if (end <= start) return
    for (let i = start; i < end && i < chars.length; i++) if (chars[i] !== 10) chars[i] = SPACE
    if (mark) chars[start] = MARK
    removed.push({ kind, span: [start, Math.min(end, raw.length)] })
  }
  for (const e of entities) {
    if (e.kind === 'quote') blankQuote(e, blank)
    else blank(e.start, e.end, e.kind, e.kind === 'link' || e.kind === 'mention')
  }
  if ((signs & HAS.backtick) !== 0) fences(raw, blank)
  if ((signs & HAS.greater) !== 0) quoteLines(raw, blank)
  if ((signs & HAS.tilde) !== 0) pairs(raw, '~~', (start, end) => blank(start, end, 'strike'))
  if ((signs & HAS.backtick) !== 0) inlineCode(raw, chars, blank)
  if ((signs & HAS.less) !== 0) for (const m of raw.matchAll(MENTION)) blank(m.index, m.index + m[0].length, 'mention', true)
  if (linked) for (const m of raw.matchAll(LINK)) blank(m.index, m.index + m[0].length, 'link', true)
  if ((signs & HAS.at) !== 0) {
    for (const m of raw.matchAll(ADDRESS)) blank(m.index, m.index + m[0].length, 'address', true)
    for (const m of raw.matchAll(HANDLE)) blank(m.index, m.index + m[0].length, 'mention', true)
  }
  if (colons) for (const m of raw.matchAll(SHORTCODE)) blank(m.index, m.index + m[0].length, 'emoji')
  if ((signs & MARKUP) !== 0) markup(raw, chars)
  const clean = removed.length === 0 && (signs & (MARKUP | HAS.typographic)) === 0 ? raw : assemble(raw, chars)
  return { clean, removed: sorted(removed), struck: removed.some((r) => r.kind === 'strike') }
}

type Blank = (start: number, end: number, kind: RemovedSpan['kind'], mark?: boolean) => void

function blankQuote(e: TextEntity, blank: Blank): void {
  blank(e.start, e.end, 'quote')
}

function fences(raw: string, blank: Blank): void {
  let from = raw.indexOf('```')
  while (from >= 0) {
    const close = raw.indexOf('```', from + 3)
    const end = close < 0 ? raw.length : close + 3
    blank(from, end, 'code')
    from = raw.indexOf('```', end)
  }
}

function quoteLines(raw: string, blank: Blank): void {
  let start = 0
  while (start <= raw.length) {
    const found = raw.indexOf('\n', start)
    const end = found < 0 ? raw.length : found
    let at = start
    while (raw[at] === ' ') at++
    if (raw.startsWith('>>> ', at)) {
      blank(start, raw.length, 'quote')
      return
    }
    if (raw[at] === '>' && raw[at + 1] !== '=') blank(start, end, 'quote')
    start = end + 1
  }
}

function pairs(raw: string, sign: string, found: (start: number, end: number) => void): void {
  let from = raw.indexOf(sign)
  while (from >= 0) {
    const close = raw.indexOf(sign, from + sign.length)
    if (close < 0) return
    if (close > from + sign.length) found(from, close + sign.length)
    from = raw.indexOf(sign, close + sign.length)
  }
}

/** Inline code goes when it looks like code; a product name in backticks stays. */
function inlineCode(raw: string, chars: number[], blank: Blank): void {
  pairs(raw, '`', (start, end) => {
    if (chars[start] === SPACE) return
    if (CODE_LIKE.test(raw.slice(start + 1, Math.min(end - 1, start + 200)))) blank(start, end, 'code')
  })
}

/** Emphasis signs become spaces where they touch a word; single ones between digits stay. */
function markup(raw: string, chars: number[]): void {
  for (let i = 0; i < raw.length; i++) {
    const char = raw[i] as string
    if (char === '*' || char === '`') chars[i] = SPACE
    else if (char === '_' && (raw[i + 1] === '_' || raw[i - 1] === '_' || raw[i - 1] === ' ' || i === 0 || raw[i + 1] === ' '))
      chars[i] = SPACE
    else if (char === '|' && (raw[i + 1] === '|' || raw[i - 1] === '|')) chars[i] = SPACE
  }
}

/** One flat string: pieces joined are slower to read character by character. */
function assemble(raw: string, chars: readonly number[]): string {
  const units = new Uint16Array(raw.length)
  let changed = false
  for (let i = 0; i < raw.length; i++) {
    const code = chars[i] as number
    const own = raw.charCodeAt(i)
    const unit = code !== own || own < FIRST_REPLACED ? code : (REPLACED.get(own) ?? own)
    units[i] = unit
    if (unit !== own) changed = true
  }
  return changed ? flat(units) : raw
}

const MAX_PIECE = 8192

function flat(units: Uint16Array): string {
  if (units.length <= MAX_PIECE) return String.fromCharCode.apply(null, units as unknown as number[])
  let out = ''
  for (let i = 0; i < units.length; i += MAX_PIECE) out += flat(units.subarray(i, i + MAX_PIECE))
  return out
}

const sorted = (list: RemovedSpan[]): RemovedSpan[] => list.sort((a, b) => a.span[0] - b.span[0] || a.span[1] - b.span[1])
