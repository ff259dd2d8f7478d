import type { RichText, Span } from '../model/rich-text.ts'
import { editRich, listMarkersAsText, normaliseRich, type TextEdit } from './rich-text-ops.ts'
import { graphemeStart } from './sanitize.ts'

/** The Bot API's MessageEntity as far as both directions need it. Offsets and lengths are UTF-16 units. */
export interface TelegramEntity {
  readonly type: string
  readonly offset: number
  readonly length: number
  readonly url?: string
  readonly language?: string
  readonly user?: { readonly id: number }
  readonly custom_emoji_id?: string
  readonly unix_time?: number
  readonly date_time_format?: string
}

export interface EntityOptions {
  /** Telegram user id of a mentioned person, if the account is linked; others stay text. */
  readonly userId?: (mention: { readonly id: string; readonly name: string }) => number | undefined
  /** The account may send custom emoji by id. Default false: their text stays. */
  readonly customEmoji?: boolean
  /** The server knows `date_time` entities. Default true; without it times become `YYYY-MM-DD HH:MM UTC`. */
  readonly dateTime?: boolean
}

/** The server ignores further ones. */
const MAX_ENTITIES = 100
const LINKABLE = /^(https?|tg|mailto):/i
const ASCII = /^[\n\t\x20-\x7e]*$/
const HAS_SCHEME = /^[a-z][a-z0-9+.-]*:/i

const SIMPLE: Readonly<Record<string, 'bold' | 'italic' | 'underline' | 'strike' | 'spoiler' | 'code'>> = {
  bold: 'bold',
  italic: 'italic',
  underline: 'underline',
  strikethrough: 'strike',
  spoiler: 'spoiler',
  code: 'code',
}

/** Discord's time styles, which the neutral form uses, and Telegram's formats. */
const TIME_FORMAT: Readonly<Record<string, string>> = { t: 't', T: 'T', d: 'd', D: 'D', f: 'Dt', F: 'wDt', R: 'r' }
const TIME_STYLE = new Map(Object.entries(TIME_FORMAT).map(([style, format]) => [format, style]))

/** Telegram text with entities to the neutral form (bridging 7.3). Entities outside the text are cut or dropped. */
export function fromTelegramEntities(text: string, entities: readonly TelegramEntity[]): RichText {
  const spans = entities.flatMap((e) => spanOf(text, e) ?? [])
  return normaliseRich(blocksOnOwnLines(normaliseRich({ text, spans })))
}

function spanOf(text: string, e: TelegramEntity): Span | undefined {
  const range = { start: e.offset, end: e.offset + e.length }
  if (!Number.isInteger(range.start) || !Number.isInteger(range.end) || range.start < 0 || range.start >= range.end)
    return undefined
  const covered = text.slice(range.start, range.end)
  const style = SIMPLE[e.type]
  if (style) return { kind: style, ...range }
  switch (e.type) {
    case 'pre':
      return e.language ? { kind: 'pre', language: e.language, ...range } : { kind: 'pre', ...range }
    case 'blockquote':
      return { kind: 'quote', ...range }
    case 'expandable_blockquote':
      return { kind: 'quote', collapsed: true, ...range }
    case 'text_link':
      return e.url === undefined ? undefined : { kind: 'link', url: e.url, ...range }
    case 'url':
      return HAS_SCHEME.test(covered) ? undefined : { kind: 'link', url: `https://${covered}`, ...range }
    case 'text_mention':
      if (e.user === undefined) return undefined
      return { kind: 'mention', target: 'user', id: String(e.user.id), name: covered.replace(/^@/, ''), ...range }
    case 'custom_emoji':
      if (e.custom_emoji_id === undefined) return undefined
      return { kind: 'emoji', id: e.custom_emoji_id, name: covered, animated: false, ...range }
    case 'date_time':
      if (e.unix_time === undefined) return undefined
      return { kind: 'timestamp', unixSeconds: e.unix_time, style: TIME_STYLE.get(e.date_time_format ?? '') ?? 'f', ...range }
    default:
      return undefined
  }
}

const isBlock = (span: Span): boolean => span.kind === 'pre' || span.kind === 'quote'

/** Telegram shows quotes and code blocks on lines of their own wherever they stand in the text; so does the neutral form. */
function blocksOnOwnLines(rich: RichText): RichText {
  const shrunk = rich.spans.map((s) => (isBlock(s) ? toLineBorders(rich.text, s) : s)).filter((s) => s.start < s.end)
  const cuts = new Set<number>()
  for (const span of shrunk.filter(isBlock)) {
    if (span.start > 0 && rich.text[span.start - 1] !== '\n') cuts.add(span.start)
    if (span.end < rich.text.length && rich.text[span.end] !== '\n') cuts.add(span.end)
  }
  const edits: TextEdit[] = [...cuts].sort((a, b) => a - b).map((at) => ({ start: at, end: at, text: '\n' }))
  return editRich({ text: rich.text, spans: shrunk }, edits)
}

/** Without newlines at the borders, with the blanks between them and the borders of their lines. */
function toLineBorders(text: string, span: Span): Span {
  let { start, end } = span
  while (start < end && text[start] === '\n') start++
  while (end > start && text[end - 1] === '\n') end--
  const lineStart = text.lastIndexOf('\n', start - 1) + 1
  if (start > 0 && /^[ \t]*$/.test(text.slice(lineStart, start))) start = lineStart
  const newline = text.indexOf('\n', end)
  const lineEnd = newline === -1 ? text.length : newline
  if (/^[ \t]*$/.test(text.slice(end, lineEnd))) end = lineEnd
  return { ...span, start, end }
}

/**
 * The neutral text reduced to what Telegram can show: list markers and inner quote marks as text, headings bold, subtext
 * italic, nothing combined with code, unknown link schemes as text. Idempotent.
 */
export function telegramForm(rich: RichText, options: EntityOptions = {}): RichText {
  const marked = innerQuotesAsText(listMarkersAsText(normaliseRich(onWholeCharacters(rich))))
  const timed = options.dateTime === false ? timesAsText(marked) : marked
  const spans = timed.spans.flatMap((span) => telegramSpan(timed.text, span, options) ?? [])
  const apart = splitAroundCode(normaliseRich({ text: timed.text, spans }).spans)
  // Nesting can cut spans once more, so white space goes last.
  const nested = normaliseRich({ text: timed.text, spans: apart })
  const blocks = nested.spans.filter((s) => s.kind === 'pre' && timed.text.slice(s.start, s.end).trim() !== '')
  const shrunk = nested.spans.flatMap((span) => withoutOuterSpace(timed.text, span, blocks) ?? [])
  return normaliseRich({ text: timed.text, spans: shrunk })
}

/** Entities that cut a visible character are refused or move: borders go outwards to the next whole one. */
function onWholeCharacters(rich: RichText): RichText {
  if (ASCII.test(rich.text)) return rich
  const spans = rich.spans.map((s) => ({
    ...s,
    start: graphemeStart(rich.text, s.start),
    end: graphemeEnd(rich.text, s.end),
  }))
  return { text: rich.text, spans }
}

function graphemeEnd(text: string, at: number): number {
  let end = at
  while (end < text.length && graphemeStart(text, end) !== end) end++
  return end
}

function telegramSpan(text: string, span: Span, options: EntityOptions): Span | undefined {
  const range = { start: span.start, end: span.end }
  switch (span.kind) {
    case 'heading':
      return { kind: 'bold', ...range }
    case 'subtext':
      return { kind: 'italic', ...range }
    case 'link': {
      const bare = text.slice(span.start, span.end) === span.url
      return LINKABLE.test(span.url) && !bare ? span : undefined
    }
    case 'mention':
      return span.target === 'user' && options.userId?.(span) !== undefined ? span : undefined
    case 'emoji':
      return options.customEmoji ? span : undefined
    default:
      return span
  }
}

/** Quotes do not nest: the lines of an inner one get `> ` in front. */
function innerQuotesAsText(rich: RichText): RichText {
  const inner = new Set<Span>()
  let outerEnd = 0
  for (const span of rich.spans) {
    if (span.kind !== 'quote') continue
    if (span.start < outerEnd) inner.add(span)
    else outerEnd = span.end
  }
  if (inner.size === 0) return rich
  const starts = new Set([...inner].flatMap((quote) => lineStarts(rich.text, quote.start, quote.end)))
  const edits = [...starts].sort((a, b) => a - b).map((at) => ({ start: at, end: at, text: '> ' }))
  const moved = editRich({ text: rich.text, spans: rich.spans.filter((s) => !inner.has(s)) }, edits)
  // A mark at the very beginning of the outer quote belongs into it.
  const spans = moved.spans.map((s) =>
    s.kind === 'quote' && s.start >= 2 && moved.text.startsWith('> ', s.start - 2) ? { ...s, start: s.start - 2 } : s,
  )
  return normaliseRich({ text: moved.text, spans })
}

function lineStarts(text: string, start: number, end: number): number[] {
  const out = [start]
  for (let at = text.indexOf('\n', start); at !== -1 && at + 1 < end; at = text.indexOf('\n', at + 1)) out.push(at + 1)
  return out
}

function timesAsText(rich: RichText): RichText {
  const edits = rich.spans
    .filter((s): s is Span & { kind: 'timestamp' } => s.kind === 'timestamp')
    .map((s) => ({ start: s.start, end: s.end, text: utcMinute(s.unixSeconds) }))
  const spans = rich.spans.filter((s) => s.kind !== 'timestamp')
  return editRich({ text: rich.text, spans }, edits)
}

/** `YYYY-MM-DD HH:MM UTC`; times outside the calendar as the bare number. */
function utcMinute(unixSeconds: number): string {
  const date = new Date(unixSeconds * 1000)
  return Number.isNaN(date.getTime()) ? String(unixSeconds) : `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

/** Code may stand inside quotes but not inside or around anything else: other styles are cut around it. */
function splitAroundCode(spans: readonly Span[]): Span[] {
  const codes = spans.filter((s) => s.kind === 'code' || s.kind === 'pre')
  if (codes.length === 0) return [...spans]
  return spans.flatMap((span) => {
    if (span.kind === 'quote' || span.kind === 'code' || span.kind === 'pre') return [span]
    const pieces: Span[] = []
    let at = span.start
    for (const code of codes) {
      if (code.end <= at || code.start >= span.end) continue
      if (code.start > at) pieces.push({ ...span, start: at, end: code.start })
      at = Math.max(at, code.end)
    }
    if (at < span.end) pieces.push({ ...span, start: at, end: span.end })
    return pieces
  })
}

/** An entity may not begin or end with white space; code blocks keep the indentation of their first line. */
function withoutOuterSpace(text: string, span: Span, blocks: readonly Span[]): Span | undefined {
  const covered = text.slice(span.start, span.end)
  if (covered.trim() === '') return undefined
  const first = span.start + covered.length - covered.trimStart().length
  const block = blocks.find((b) => span.start <= b.start && b.start < first)
  const indent = block === undefined ? first : block.start + (/^\n*/.exec(text.slice(block.start, first))?.[0].length ?? 0)
  return { ...span, start: indent, end: span.start + covered.trimEnd().length }
}

/** The neutral form as text and entities for a Telegram call (bridging 7.5). */
export function toTelegramEntities(rich: RichText, options: EntityOptions = {}): { text: string; entities: TelegramEntity[] } {
  const form = telegramForm(rich, options)
  return { text: form.text, entities: form.spans.slice(0, MAX_ENTITIES).map((span) => entityOf(span, options)) }
}

function entityOf(span: Span, options: EntityOptions): TelegramEntity {
  const at = { offset: span.start, length: span.end - span.start }
  switch (span.kind) {
    case 'strike':
      return { type: 'strikethrough', ...at }
    case 'quote':
      return { type: span.collapsed ? 'expandable_blockquote' : 'blockquote', ...at }
    case 'pre':
      return span.language ? { type: 'pre', language: span.language, ...at } : { type: 'pre', ...at }
    case 'link':
      return { type: 'text_link', url: span.url, ...at }
    case 'mention':
      return { type: 'text_mention', user: { id: options.userId?.(span) ?? 0 }, ...at }
    case 'emoji':
      return { type: 'custom_emoji', custom_emoji_id: span.id, ...at }
    case 'timestamp':
      return {
        type: 'date_time',
        unix_time: span.unixSeconds,
        date_time_format: TIME_FORMAT[span.style] ?? 'Dt',
        ...at,
      }
    default:
      return { type: span.kind, ...at }
  }
}
