import type { RichText, Span, SpanStyle } from '../model/rich-text.ts'
import { compareSpans, concatRich, editRich, isOpaque, normaliseRich, sliceRich, type TextEdit } from './rich-text-ops.ts'
import { graphemeEnd, graphemeStart, sanitizeRich } from './sanitize.ts'
import { timestampText } from './timestamps.ts'
import { httpUrl, type TextRange, urlRanges } from './urls.ts'

export interface DiscordPrintOptions {
  /** Mentions that may be written natively; others become their visible text. Default: none. */
  readonly grants?: (mention: Span & { kind: 'mention' }) => boolean
  /** Custom emoji this account can use; others become `:name:`. Default: none. */
  readonly canUseEmoji?: (id: string) => boolean
  /** `[label](url)` for links; otherwise `label (<url>)`. Default true. */
  readonly maskedLinks?: boolean
}

type InlineKind = 'bold' | 'italic' | 'underline' | 'strike' | 'spoiler'

/** Characters that would close a style early when they stand raw inside it. */
const MARKER: Readonly<Record<InlineKind, RegExp>> = {
  bold: /[*\\]/,
  italic: /[*\\]/,
  underline: /[_\\]/,
  strike: /[~\\]/,
  spoiler: /[|\\]/,
}

function isInline(span: Span): span is Span & { kind: InlineKind } {
  return span.kind in MARKER
}

const LANGUAGE = /^[a-z0-9_+\-.#]{1,32}$/i
const MAX_LIST_DEPTH = 10
const MAX_LIST_INDEX = 999_999_999

/**
 * What Discord can show of a text: the form that `parseDiscordMarkdown` gives back after printing (bridging 7.4, 7.6).
 * Unusable mentions, emoji and links become text, blocks cover whole lines, styles end at line ends and touch no space.
 */
export function discordForm(rich: RichText, options: DiscordPrintOptions = {}): RichText {
  const clean = onGraphemes(normaliseRich(sanitizeRich(rich)))
  if (clean.spans.length === 0) return trimEnds(clean)
  const blocks = settleBlocks(settleLinks(settleAtoms(clean, options), options))
  return trimLines(settleInline(blocks))
}

/** A style never begins or ends inside what people see as one character. */
function onGraphemes(rich: RichText): RichText {
  if (/^[\n\t\x20-\x7e]*$/.test(rich.text)) return rich
  const spans = rich.spans.map((s) => {
    const end = graphemeStart(rich.text, s.end)
    return { ...s, start: graphemeStart(rich.text, s.start), end: end === s.end ? end : graphemeEnd(rich.text, s.end) }
  })
  return normaliseRich({ text: rich.text, spans })
}

/** Mentions, emoji and times get their standard text, or lose their span. */
function settleAtoms(rich: RichText, options: DiscordPrintOptions): RichText {
  const spans: Span[] = []
  const edits: TextEdit[] = []
  for (const span of rich.spans) {
    const text = atomText(span, options)
    if (text === undefined) {
      if (span.kind !== 'mention' && span.kind !== 'emoji') spans.push(span)
      continue
    }
    spans.push(span)
    if (rich.text.slice(span.start, span.end) !== text) edits.push({ start: span.start, end: span.end, text })
  }
  return normaliseRich(editRich({ text: rich.text, spans }, edits))
}

/** The text a native atom stands for; undefined when it is not written natively. */
function atomText(span: Span, options: DiscordPrintOptions): string | undefined {
  if (span.kind === 'timestamp') return Number.isSafeInteger(span.unixSeconds) ? timestampText(span.unixSeconds) : undefined
  if (span.kind === 'emoji') return options.canUseEmoji?.(span.id) ? `:${span.name}:` : undefined
  if (span.kind !== 'mention' || span.target === 'everyone' || !/^\d{1,20}$/.test(span.id) || !options.grants?.(span))
    return undefined
  if (span.target === 'command' && !/^[^:<>\n]{1,100}$/.test(span.name)) return undefined
  const sign = span.target === 'channel' ? '#' : span.target === 'command' ? '/' : '@'
  return `${sign}${span.name}`
}

/** Links that Discord would not show as such become text with the address behind it. */
function settleLinks(rich: RichText, options: DiscordPrintOptions): RichText {
  const spans: Span[] = []
  const edits: TextEdit[] = []
  for (const span of rich.spans.flatMap((s): Span[] => (s.kind === 'link' ? linesOf(rich.text, s) : [s]))) {
    if (span.kind !== 'link') {
      spans.push(span)
      continue
    }
    const label = rich.text.slice(span.start, span.end)
    const url = httpUrl(span.url)
    if (url === undefined || label.trim() === '' || label === span.url) continue
    const address = maskable(url.href)
    if (sameAddress(label, url)) continue
    if (options.maskedLinks !== false && !/[[\]]/.test(label) && urlRanges(label).length === 0) {
      spans.push({ ...span, url: address })
    } else edits.push({ start: span.end, end: span.end, text: ` (${address})` })
  }
  edits.sort((a, b) => a.start - b.start)
  // Nothing that is not plain styled text survives inside a label.
  const links = spans.filter((s) => s.kind === 'link')
  const kept = spans.filter((s) => !(s.kind === 'mention' || s.kind === 'timestamp') || !links.some((l) => overlaps(l, s)))
  return normaliseRich(editRich({ text: rich.text, spans: kept }, edits))
}

function overlaps(a: TextRange, b: TextRange): boolean {
  return a.start < b.end && b.start < a.end
}

/** The address itself, written out with or without its scheme and last slash. */
function sameAddress(label: string, url: URL): boolean {
  const bare = (text: string): string => text.replace(/\/$/, '')
  return bare(label) === bare(url.href)
}

/** An address that survives inside `[label](…)` and inside every style. */
function maskable(href: string): string {
  return href.replace(/[()<>\\|*_~`\s]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
}

/** The parts of a span on each line, without the newlines and without empty ones. */
function linesOf<T extends Span>(text: string, span: T): T[] {
  const out: T[] = []
  for (let start = span.start; start < span.end; ) {
    const newline = text.indexOf('\n', start)
    const end = newline < 0 || newline > span.end ? span.end : newline
    if (end > start) out.push({ ...span, start, end })
    start = end + 1
  }
  return out
}

interface Line {
  text: RichText
  block: SpanStyle | undefined
  isQuoted: boolean
  isCode: boolean
  /** Different code blocks that touch stay apart. */
  codeId: number
}

const RANK: Partial<Record<Span['kind'], number>> = { pre: 0, listItem: 1, heading: 2, subtext: 3 }

/** Line by line: at most one block each, inside a quote or not; then code and quotes are joined again. */
function settleBlocks(rich: RichText): RichText {
  const blocks = rich.spans.filter((s) => RANK[s.kind] !== undefined)
  const quotes = rich.spans.filter((s) => s.kind === 'quote')
  const inline: RichText = { text: rich.text, spans: rich.spans.filter((s) => RANK[s.kind] === undefined && s.kind !== 'quote') }
  const lines: Line[] = []
  let start = 0
  for (const raw of rich.text.split('\n')) {
    const range = { start, end: start + raw.length }
    const touching = (s: TextRange): boolean => s.start < range.end && s.end > range.start
    const covering = (s: TextRange): boolean => touching(s) || (s.start < range.start && s.end > range.end)
    const own = blocks
      .filter((b) => (b.kind === 'pre' ? covering(b) : touching(b)))
      .sort((a, b) => (RANK[a.kind] ?? 9) - (RANK[b.kind] ?? 9))
    // A list item is one line: what follows it inside the span continues as plain lines.
    const block = own.find((b) => b.kind !== 'listItem' || (b.start >= range.start && b.start < range.end))
    lines.push({
      text: sliceRich(inline, range.start, range.end),
      block,
      isQuoted: quotes.some(covering),
      isCode: block?.kind === 'pre',
      codeId: block?.kind === 'pre' ? blocks.indexOf(block) : -1,
    })
    start = range.end + 1
  }
  return joinLines(lines)
}

function joinLines(lines: readonly Line[]): RichText {
  let text = ''
  const spans: Span[] = []
  const open: { pre?: { id: number; style: SpanStyle; start: number; quoted: boolean } | undefined; quote?: number | undefined } =
    {}
  const closePre = (end: number): void => {
    if (open.pre !== undefined) spans.push({ ...open.pre.style, start: open.pre.start, end } as Span)
    open.pre = undefined
  }
  const closeQuote = (end: number): void => {
    if (open.quote !== undefined) spans.push({ kind: 'quote', start: open.quote, end })
    open.quote = undefined
  }
  for (const [i, line] of lines.entries()) {
    const start = text.length + (i === 0 ? 0 : 1)
    const end = start - 1
    if (open.pre !== undefined && (open.pre.id !== line.codeId || open.pre.quoted !== line.isQuoted)) closePre(end)
    if (!line.isQuoted) closeQuote(end)
    const content = line.isCode ? { text: line.text.text, spans: [] } : line.text
    text += `${i === 0 ? '' : '\n'}${content.text}`
    if (line.isQuoted) open.quote ??= start
    if (line.isCode && open.pre === undefined)
      open.pre = { id: line.codeId, style: codeStyle(line.block as SpanStyle), start, quoted: line.isQuoted }
    if (line.block !== undefined && !line.isCode && content.text.trim() !== '')
      spans.push({ ...blockStyle(line.block), start, end: text.length } as Span)
    for (const span of content.spans) spans.push({ ...span, start: span.start + start, end: span.end + start })
  }
  closePre(text.length)
  closeQuote(text.length)
  return { text, spans }
}

function codeStyle(style: SpanStyle): SpanStyle {
  const language = style.kind === 'pre' ? style.language : undefined
  return language !== undefined && LANGUAGE.test(language) ? { kind: 'pre', language } : { kind: 'pre' }
}

function blockStyle(style: SpanStyle): SpanStyle {
  const { start: _s, end: _e, ...bare } = style as Span
  if (bare.kind !== 'listItem') return bare
  const index = bare.ordered ? Math.min(MAX_LIST_INDEX, Math.max(0, Math.trunc(bare.index))) : 1
  return { ...bare, index, depth: Math.min(MAX_LIST_DEPTH, Math.max(0, Math.trunc(bare.depth))) }
}

/** Inline styles end at line ends, touch no white space, and keep away from raw text that would close them. */
function settleInline(rich: RichText): RichText {
  const { text } = rich
  const codes = rich.spans.filter((s) => s.kind === 'pre')
  const urls = urlRanges(text).filter((r) => !codes.some((c) => overlaps(c, r)))
  const styles: Span[] = []
  const others: Span[] = []
  for (const span of rich.spans) {
    if (isInline(span) || span.kind === 'link' || span.kind === 'code') styles.push(...linesOf(text, span))
    else others.push(span)
  }
  const code = styles.filter((s) => s.kind === 'code').flatMap((s) => withoutSpace(text, s))
  const links = styles.filter((s) => s.kind === 'link').flatMap((s) => withoutSpace(text, s))
  const atoms = others.filter((s) => isOpaque(s) && s.kind !== 'pre')
  // Bare links count as one piece: a style covers all of one or nothing.
  const freeUrls = urls.filter((r) => !code.some((c) => overlaps(c, r)) && !links.some((l) => overlaps(l, r)))
  const raw = [
    ...code.map((r) => ({ ...r, shown: text.slice(r.start, r.end) })),
    ...freeUrls.map((r) => ({ ...r, shown: text.slice(r.start, r.end) })),
    ...atoms.map((r) => ({ start: r.start, end: r.end, shown: r.kind === 'emoji' ? r.name : '' })),
  ].sort((a, b) => a.start - b.start)
  const inline = styles.filter(isInline).flatMap((s) => cutAtRaw(s, raw))
  const settledLinks = links.filter((l) => !raw.some((r) => overlaps(r, l) && !(l.start <= r.start && r.end <= l.end)))
  const nested = normaliseRich({ text, spans: [...others, ...code, ...settledLinks, ...inline] })
  // Splitting crossing spans can leave white space at new ends.
  const spans = nested.spans.flatMap((s): Span[] => (isInline(s) || s.kind === 'link' ? withoutSpace(text, s) : [s]))
  return { text, spans: spans.sort(compareSpans) }
}

function withoutSpace<T extends Span>(text: string, span: T): T[] {
  const covered = text.slice(span.start, span.end)
  const start = span.start + covered.length - covered.trimStart().length
  const end = span.start + covered.trimEnd().length
  return start < end ? [{ ...span, start, end }] : []
}

/** Cuts a style around raw text it only partly covers, or whose characters would end it. */
function cutAtRaw<T extends Span & { kind: InlineKind }>(span: T, raw: readonly (TextRange & { shown: string })[]): T[] {
  const out: T[] = []
  let { start } = span
  for (const piece of raw) {
    if (!overlaps(piece, span)) continue
    const isInside = piece.start >= span.start && piece.end <= span.end
    if (isInside && !MARKER[span.kind].test(piece.shown)) continue
    if (piece.start > start) out.push({ ...span, start, end: piece.start })
    start = Math.max(start, piece.end)
  }
  if (start < span.end) out.push({ ...span, start, end: span.end })
  return out
}

/** Lines without the white space Discord would drop: around the message, at block contents, and blank lines in blocks. */
function trimLines(rich: RichText): RichText {
  const edits: TextEdit[] = []
  for (const span of rich.spans) {
    if (span.kind !== 'heading' && span.kind !== 'subtext' && span.kind !== 'listItem') continue
    const covered = rich.text.slice(span.start, span.end)
    const lead = covered.length - covered.trimStart().length
    const trail = covered.length - covered.trimEnd().length
    if (lead > 0) edits.push({ start: span.start, end: span.start + lead, text: '' })
    if (trail > 0) edits.push({ start: span.end - trail, end: span.end, text: '' })
  }
  const shrunk = rich.spans.flatMap((s): Span[] =>
    s.kind === 'pre' || s.kind === 'quote' ? withoutBlankLines(rich.text, s) : [s],
  )
  return trimEnds(normaliseRich(editRich({ text: rich.text, spans: shrunk }, edits)))
}

function withoutBlankLines(text: string, span: Span): Span[] {
  const covered = text.slice(span.start, span.end)
  const lead = /^(?:[^\S\n]*\n)*/.exec(covered)?.[0].length ?? 0
  const trail = /(?:\n[^\S\n]*)*$/.exec(covered)?.[0].length ?? 0
  const inner = covered.slice(lead, covered.length - trail)
  return inner.trim() === '' ? [] : [{ ...span, start: span.start + lead, end: span.end - trail }]
}

/** Discord trims messages; white space that begins a code block is kept by its fence. */
function trimEnds(rich: RichText): RichText {
  const first = rich.spans.find((s) => s.kind === 'pre' && rich.text.slice(0, s.start).trim() === '')
  const last = rich.spans.findLast((s) => s.kind === 'pre' && rich.text.slice(s.end).trim() === '')
  const start = first?.start ?? rich.text.length - rich.text.trimStart().length
  const end = last?.end ?? rich.text.trimEnd().length
  return end <= start ? concatRich('') : sliceRich(rich, start, end)
}
