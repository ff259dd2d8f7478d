import type { RichText } from '../model/rich-text.ts'
import { editRich, type TextEdit } from './rich-text-ops.ts'

/**
 * Candidates for removal, in one pass: control characters (tab and newline stay), line and paragraph separators, bidirectional
 * marks, embeddings, overrides and isolates, zero-width and invisible characters, tag characters, interlinear annotations
 * and lone surrogates.
 */
const SUSPECT =
  /\r\n?|[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb]|[\u17b4\u17b5]|[\u180b-\u180e]|[\ufe00-\ufe0f]|\p{Surrogate}|[\u{e0000}-\u{e007f}]+/gu

/** Variation selectors are part of what people see after these. */
const VARIABLE = /\p{Emoji}|(?=\P{ASCII})[\p{L}\p{M}\p{N}\p{S}]/u
/** Joiners are part of what people see between these. */
const JOINABLE = /[\p{M}\p{Extended_Pictographic}\p{Emoji_Modifier}]|(?=\P{ASCII})\p{L}/u
const BLACK_FLAG = '\u{1f3f4}'

function charBefore(text: string, at: number): string {
  const low = text.charCodeAt(at - 1)
  return at >= 2 && low >= 0xdc00 && low <= 0xdfff ? text.slice(at - 2, at) : text.slice(Math.max(0, at - 1), at)
}

function charAt(text: string, at: number): string {
  const code = text.codePointAt(at)
  return code === undefined ? '' : String.fromCodePoint(code)
}

/** What a suspect becomes: itself, nothing, a newline, or U+FFFD. */
function judge(text: string, found: string, at: number): string {
  const code = found.codePointAt(0) as number
  if (code === 0x0d || code === 0x2028 || code === 0x2029) return '\n'
  if (code >= 0xd800 && code <= 0xdfff) return '\ufffd'
  const before = charBefore(text, at)
  if (code === 0x200c || code === 0x200d) {
    const after = charAt(text, at + found.length)
    return JOINABLE.test(before) && JOINABLE.test(after) ? found : ''
  }
  if ((code >= 0xfe00 && code <= 0xfe0f) || (code >= 0x180b && code <= 0x180d)) return VARIABLE.test(before) ? found : ''
  if (code >= 0xe0000) return before === BLACK_FLAG ? found : ''
  return ''
}

/** Nothing to do for these, and most text is like that. */
const HARMLESS = /^[\n\t\x20-\x7e]*$/

function editsFor(text: string): TextEdit[] {
  if (HARMLESS.test(text)) return []
  const edits: TextEdit[] = []
  for (const match of text.matchAll(SUSPECT)) {
    const found = match[0]
    const replacement = judge(text, found, match.index)
    if (replacement !== found) edits.push({ start: match.index, end: match.index + found.length, text: replacement })
  }
  return edits
}

/** Removes control, bidirectional-override and stray zero-width characters, repairs lone surrogates, CRLF becomes LF (7.4). */
export function sanitizeRich(rich: RichText): RichText {
  return editRich(rich, editsFor(rich.text))
}

export function sanitizeText(text: string): string {
  return editRich({ text, spans: [] }, editsFor(text)).text
}

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' })
/** A grapheme can carry any number of marks; nobody's name needs more than this per visible character. */
const MAX_UNITS_PER_GRAPHEME = 12

/** The first `max` graphemes; longer texts end with `…`, which counts. */
export function cutGraphemes(text: string, max: number): string {
  if (text.length <= max) return text
  const kept: string[] = []
  for (const { segment } of graphemes.segment(text)) {
    if (kept.length === max) return `${kept.slice(0, -1).join('').trimEnd()}…`
    kept.push(segment.length > MAX_UNITS_PER_GRAPHEME ? segment.slice(0, MAX_UNITS_PER_GRAPHEME) : segment)
  }
  return kept.join('')
}

/** The longest beginning of whole graphemes with at most `units` UTF-16 units. */
export function cutUnits(text: string, units: number): string {
  if (text.length <= units) return text
  return text.slice(0, graphemeStart(text, units))
}

/** The grapheme boundary at or before `at`. */
export function graphemeStart(text: string, at: number): number {
  if (at <= 0) return 0
  if (at >= text.length) return text.length
  // A window keeps this cheap for long texts; clusters longer than it are cut at a code point.
  const from = Math.max(0, at - 256)
  const found = graphemes.segment(text.slice(from, at + 64)).containing(at - from)
  if (found === undefined) return at
  if (from > 0 && found.index === 0) return isLowSurrogate(text, at) ? at - 1 : at
  return from + found.index
}

/** The grapheme boundary at or after `at`. */
export function graphemeEnd(text: string, at: number): number {
  for (let i = at; i < text.length; i++) if (graphemeStart(text, i) === i) return i
  return text.length
}

function isLowSurrogate(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  return code >= 0xdc00 && code <= 0xdfff
}

/** A display name as it may be shown: one line, NFC, no control or invisible characters, at most `max` graphemes (11). */
export function sanitizeName(name: string, max = 32): string {
  const clean = sanitizeText(name.slice(0, 1024).normalize('NFC')).replace(/\s+/g, ' ').trim()
  return cutGraphemes(clean, max)
}
