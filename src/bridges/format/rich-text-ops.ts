import type { RichText, Span, SpanStyle } from '../model/rich-text.ts'

/** Inline styles that hold plain text only: nothing may start or end inside them (bridging 7.1). */
const OPAQUE: ReadonlySet<Span['kind']> = new Set(['code', 'pre', 'mention', 'emoji', 'timestamp'])
/** Blocks of whole lines that hold other styles. */
const LINE_BLOCKS: ReadonlySet<Span['kind']> = new Set(['quote', 'heading', 'subtext'])
/** Spans that are things of their own: two of them side by side stay two. */
const DISTINCT: ReadonlySet<Span['kind']> = new Set([
  'pre',
  'quote',
  'heading',
  'subtext',
  'listItem',
  'mention',
  'emoji',
  'timestamp',
])

/** Which of two spans over the same range is the outer one (bridging 7.3). */
const NESTING: Readonly<Record<Span['kind'], number>> = {
  quote: 0,
  listItem: 1,
  heading: 2,
  subtext: 3,
  pre: 4,
  link: 5,
  spoiler: 6,
  bold: 7,
  italic: 8,
  underline: 9,
  strike: 10,
  code: 11,
  mention: 12,
  emoji: 13,
  timestamp: 14,
}

export function isOpaque(span: SpanStyle): boolean {
  return OPAQUE.has(span.kind)
}

/** Order of spans in a RichText: by start, the longer (outer) first, then by nesting rank. */
export function compareSpans(a: Span, b: Span): number {
  return a.start - b.start || b.end - a.end || NESTING[a.kind] - NESTING[b.kind]
}

function styleKey(span: Span): string {
  const { start: _s, end: _e, ...style } = span
  return JSON.stringify(style)
}

function withRange(span: Span, start: number, end: number): Span {
  return { ...span, start, end }
}

/** Joins touching or overlapping spans of the same style, e.g. bold next to bold. */
function mergeEqual(spans: readonly Span[], text: string): Span[] {
  const out: Span[] = []
  const open = new Map<string, number>()
  for (const span of spans.toSorted(compareSpans)) {
    const key = styleKey(span)
    const at = open.get(key)
    const last = at === undefined ? undefined : out[at]
    // A block ends with its line: two that touch within one were one block before it was cut.
    const isOne = !DISTINCT.has(span.kind) || (LINE_BLOCKS.has(span.kind) && text[span.start - 1] !== '\n')
    const joins = last !== undefined && (span.start < last.end || (span.start === last.end && isOne))
    if (at !== undefined && last !== undefined && joins) {
      out[at] = withRange(last, last.start, Math.max(last.end, span.end))
    } else {
      open.set(key, out.length)
      out.push(span)
    }
  }
  return out
}

/** Opaque spans that do not overlap each other: the earlier, then the longer one wins. Sorted. */
function settleOpaque(spans: readonly Span[]): Span[] {
  const out: Span[] = []
  for (const span of spans.toSorted(compareSpans)) {
    const last = out.at(-1)
    if (last === undefined || span.start >= last.end) out.push(span)
  }
  return out
}

/** Index of the first opaque span that ends after `at`. */
function firstEndingAfter(opaque: readonly Span[], at: number): number {
  let lo = 0
  let hi = opaque.length
  while (lo < hi) {
    const mid = (lo + hi) >>> 1
    if ((opaque[mid] as Span).end > at) hi = mid
    else lo = mid + 1
  }
  return lo
}

/** Shrinks a span so that it starts and ends outside every opaque one; undefined when nothing is left. */
function cutAtOpaque(span: Span, opaque: readonly Span[]): Span | undefined {
  let { start, end } = span
  const head = opaque[firstEndingAfter(opaque, start)]
  if (head !== undefined && head.start <= start && head.end > start && !(head.start === start && head.end <= end))
    start = head.end
  const tail = opaque[firstEndingAfter(opaque, end - 1)]
  if (tail !== undefined && tail.start < end && tail.end > end) end = tail.start
  return start < end ? withRange(span, start, end) : undefined
}

/** Splits crossing spans at the end of the one that started first, so that the rest nests. */
function nest(spans: readonly Span[]): Span[] {
  const pending = spans.toSorted(compareSpans)
  const out: Span[] = []
  const stack: Span[] = []
  for (let i = 0; i < pending.length; i++) {
    let span = pending[i] as Span
    while (stack.length > 0 && (stack.at(-1) as Span).end <= span.start) stack.pop()
    const outer = stack.at(-1)
    if (outer !== undefined && span.end > outer.end) {
      insertSorted(pending, withRange(span, outer.end, span.end), i + 1)
      span = withRange(span, span.start, outer.end)
      // The shortened span may now belong behind others with the same start.
      const next = pending[i + 1]
      if (next !== undefined && compareSpans(next, span) < 0) {
        insertSorted(pending, span, i + 1)
        continue
      }
    }
    out.push(span)
    stack.push(span)
  }
  return out
}

function insertSorted(list: Span[], span: Span, from: number): void {
  let lo = from
  let hi = list.length
  while (lo < hi) {
    const mid = (lo + hi) >>> 1
    if (compareSpans(list[mid] as Span, span) <= 0) lo = mid + 1
    else hi = mid
  }
  list.splice(lo, 0, span)
}

/**
 * The one normal form: spans inside the text, not empty, equal neighbours joined, nothing inside code and mentions, nested
 * without crossing, sorted. Idempotent.
 */
export function normaliseRich(rich: RichText): RichText {
  const length = rich.text.length
  const inside: Span[] = []
  for (const span of rich.spans) {
    const start = Math.max(0, Math.min(length, Math.trunc(span.start)))
    const end = Math.max(0, Math.min(length, Math.trunc(span.end)))
    if (start < end) inside.push(start === span.start && end === span.end ? span : withRange(span, start, end))
  }
  if (inside.length === 0) return { text: rich.text, spans: [] }
  const merged = mergeEqual(inside, rich.text)
  const opaque = settleOpaque(merged.filter(isOpaque))
  const others = opaque.length === 0 ? merged : cutOthers(merged, opaque)
  return { text: rich.text, spans: nest([...others, ...opaque]) }
}

function cutOthers(merged: readonly Span[], opaque: readonly Span[]): Span[] {
  return merged.filter((s) => !isOpaque(s)).flatMap((s) => cutAtOpaque(s, opaque) ?? [])
}

/** The part [start, end) with its spans. A list item that began before `start` continues without its marker. */
export function sliceRich(rich: RichText, start: number, end = rich.text.length): RichText {
  const spans: Span[] = []
  for (const span of rich.spans) {
    const from = Math.max(span.start, start)
    const to = Math.min(span.end, end)
    if (from >= to || (span.kind === 'listItem' && span.start < start)) continue
    spans.push(withRange(span, from - start, to - start))
  }
  return { text: rich.text.slice(start, end), spans: spans.sort(compareSpans) }
}

function shift(spans: readonly Span[], by: number): Span[] {
  return spans.map((s) => withRange(s, s.start + by, s.end + by))
}

/** One after the other; equal styles that touch at a seam are joined. */
export function concatRich(...parts: readonly (RichText | string)[]): RichText {
  let text = ''
  const spans: Span[] = []
  for (const part of parts) {
    if (typeof part !== 'string') spans.push(...shift(part.spans, text.length))
    text += typeof part === 'string' ? part : part.text
  }
  return normaliseRich({ text, spans })
}

export interface TextEdit {
  readonly start: number
  readonly end: number
  readonly text: string
}

/**
 * Replaces ranges (sorted, not overlapping) and moves the spans along. A span whose border lies inside a replaced range
 * takes the whole replacement; an insertion at a border stays outside the span.
 */
export function editRich(rich: RichText, edits: readonly TextEdit[]): RichText {
  if (edits.length === 0) return rich
  let text = ''
  let at = 0
  const stops: { from: number; to: number; newFrom: number; newTo: number }[] = []
  for (const edit of edits) {
    text += rich.text.slice(at, edit.start)
    stops.push({ from: edit.start, to: edit.end, newFrom: text.length, newTo: text.length + edit.text.length })
    text += edit.text
    at = edit.end
  }
  text += rich.text.slice(at)
  const move = (position: number, side: 'start' | 'end'): number => {
    let lo = 0
    let hi = stops.length
    while (lo < hi) {
      const mid = (lo + hi) >>> 1
      if ((stops[mid] as { from: number }).from < position) lo = mid + 1
      else hi = mid
    }
    const next = stops[lo]
    if (next !== undefined && next.from === position) {
      if (side === 'end') return next.newFrom
      return next.to === next.from ? next.newTo : next.newFrom
    }
    const before = stops[lo - 1]
    if (before === undefined) return position
    if (before.to > position) return side === 'end' ? before.newTo : before.newFrom
    return before.newTo + position - before.to
  }
  const spans = rich.spans.map((s) => withRange(s, move(s.start, 'start'), move(s.end, 'end')))
  return { text, spans: spans.filter((s) => s.start < s.end).sort(compareSpans) }
}

/** Puts `inserted` at `at`; spans around that position grow over it. */
export function insertRich(rich: RichText, at: number, inserted: RichText | string): RichText {
  const piece = typeof inserted === 'string' ? { text: inserted, spans: [] } : inserted
  const moved = editRich(rich, [{ start: at, end: at, text: piece.text }])
  return normaliseRich({ text: moved.text, spans: [...moved.spans, ...shift(piece.spans, at)] })
}

/** Without white space at both ends. */
export function trimRich(rich: RichText): RichText {
  const start = rich.text.length - rich.text.trimStart().length
  const end = rich.text.trimEnd().length
  return end <= start ? { text: '', spans: [] } : sliceRich(rich, start, end)
}

/** Spans of one style over a whole text; empty text has none. */
export function styled(text: string, ...styles: readonly SpanStyle[]): RichText {
  return normaliseRich({ text, spans: styles.map((style) => ({ ...style, start: 0, end: text.length })) })
}

/** Turns list items into visible text: two spaces per level, then `• ` or `1. `. For printers and networks without lists. */
export function listMarkersAsText(rich: RichText): RichText {
  const items = rich.spans.filter((s): s is Span & { kind: 'listItem' } => s.kind === 'listItem')
  if (items.length === 0) return rich
  const edits = items.map((item) => ({
    start: item.start,
    end: item.start,
    text: `${'  '.repeat(item.depth)}${item.ordered ? `${item.index}.` : '•'} `,
  }))
  return editRich({ text: rich.text, spans: rich.spans.filter((s) => s.kind !== 'listItem') }, edits)
}
