import type { RichText, Span } from '../model/rich-text.ts'
import { concatRich, isOpaque, sliceRich } from './rich-text-ops.ts'
import { graphemeStart } from './sanitize.ts'

/** A part is filled at least this far before a nicer break counts for more than a fuller part. */
const MIN_FILL = 0.3
const FULL_TEXT_NOTE = '… (full text attached)'
const URL = /(?:https?|tg|mailto|magnet|ftp):\S+/g

export interface SplitOptions {
  /** Longest part as sent, in UTF-16 units. */
  readonly limit: number
  /** Parts before the whole text becomes a file instead; default 5. */
  readonly maxParts?: number
  /** Length of a part as sent: serialized, with everything the sender puts around it. Default: the text's length. */
  readonly measure?: (part: RichText) => number
}

export interface SplitText {
  /** At least one, each at most `limit` long. */
  readonly parts: readonly RichText[]
  /** Set when the text needs more parts than allowed: the only part is its beginning, this is all of it, for `message.txt`. */
  readonly fullText?: string
}

/**
 * Cuts a text into parts that fit (bridging 8): at blank lines, line ends, sentence ends, spaces, at last between graphemes;
 * never inside a URL, mention or emoji that fits into one part. Spans are closed at a cut and reopened.
 */
export function splitRich(rich: RichText, options: SplitOptions): SplitText {
  const measure = options.measure ?? ((part: RichText) => part.text.length)
  const maxParts = options.maxParts ?? 5
  if (measure(rich) <= options.limit) return { parts: [rich] }
  const parts: RichText[] = []
  const text = rich.text
  let at = 0
  while (at < text.length && parts.length < maxParts) {
    const end = partEnd(rich, at, options.limit, measure)
    parts.push(sliceRich(rich, at, trimEndOf(rich, at, end)))
    at = skipSeparator(rich, end)
  }
  if (at >= text.length) return { parts }
  const note = concatRich('\n', FULL_TEXT_NOTE)
  const withNote = (part: RichText): RichText => concatRich(part, note)
  const end = partEnd(rich, 0, options.limit, (part) => measure(withNote(part)))
  return { parts: [withNote(sliceRich(rich, 0, trimEndOf(rich, 0, end)))], fullText: text }
}

/** The best end for a part that begins at `at`. */
function partEnd(rich: RichText, at: number, limit: number, measure: (part: RichText) => number): number {
  const { text } = rich
  let lo = at + 1
  // Serialized text can be shorter than the visible one (long mention names), so look further than the limit.
  let hi = Math.min(text.length, at + limit * 2)
  if (hi === text.length && measure(sliceRich(rich, at, hi)) <= limit) return hi
  while (lo < hi) {
    const mid = (lo + hi + 1) >>> 1
    if (measure(sliceRich(rich, at, mid)) <= limit) lo = mid
    else hi = mid - 1
  }
  for (const candidate of candidates(rich, at, lo)) if (measure(sliceRich(rich, at, candidate)) <= limit) return candidate
  return Math.max(lo, at + 1)
}

/** Ends to try, best first; all in (at, most]. */
function* candidates(rich: RichText, at: number, most: number): Generator<number> {
  const { text } = rich
  const least = at + Math.floor((most - at) * MIN_FILL)
  const solid = solidRanges(rich, at, most)
  const free = (position: number): boolean => !solid.some((r) => r.start < position && position < r.end)
  for (const pattern of [/\n[ \t]*\n/g, /\n/g, /[.!?…。！？]["'»”)\]]*(?=\s)/g, /\s/g]) {
    const window = text.slice(least, Math.min(text.length, most + 2))
    let best = -1
    for (const match of window.matchAll(pattern)) {
      const isSentence = !/^\s/.test(match[0])
      const position = least + match.index + (isSentence ? match[0].length : 0)
      if (position > at && position <= most && free(position)) best = position
    }
    if (best > at) yield best
  }
  let position = graphemeStart(text, most)
  const inside = solid.find((r) => r.start < position && position < r.end)
  if (inside !== undefined && inside.start > at) position = inside.start
  if (position > at) yield position
}

/** Ranges that must stay whole: URLs and opaque spans except code, as far as they overlap (at, most]. */
function solidRanges(rich: RichText, at: number, most: number): { start: number; end: number }[] {
  const ranges: { start: number; end: number }[] = rich.spans
    .filter((s: Span) => isOpaque(s) && s.kind !== 'pre' && s.kind !== 'code' && s.start < most && s.end > at)
    .map((s) => ({ start: s.start, end: s.end }))
  const from = lastSpaceBefore(rich.text, at)
  const window = rich.text.slice(from, most + 4096)
  for (const match of window.matchAll(URL)) {
    const start = from + match.index
    if (start >= most) break
    ranges.push({ start, end: start + match[0].length })
  }
  return ranges
}

function lastSpaceBefore(text: string, at: number): number {
  for (let i = at; i > Math.max(0, at - 2048); i--) if (/\s/.test(text[i - 1] as string)) return i
  return Math.max(0, at - 2048)
}

function inPre(rich: RichText, position: number): boolean {
  return rich.spans.some((s) => s.kind === 'pre' && s.start < position && position < s.end)
}

/** White space before a cut goes, but code keeps what it has. */
function trimEndOf(rich: RichText, at: number, end: number): number {
  if (inPre(rich, end)) return end
  const kept = rich.text.slice(at, end).trimEnd().length
  return kept === 0 ? end : at + kept
}

/** Where the next part begins: after white space, in code after one newline, so that indentation survives. */
function skipSeparator(rich: RichText, end: number): number {
  if (inPre(rich, end)) return rich.text[end] === '\n' ? end + 1 : end
  let at = end
  while (
    at < rich.text.length &&
    /\s/.test(rich.text[at] as string) &&
    !rich.spans.some((s) => s.kind === 'pre' && s.start === at)
  )
    at++
  return at
}
