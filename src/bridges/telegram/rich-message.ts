import { concatRich, normaliseRich } from '../format/rich-text-ops.ts'
import { fromTelegramEntities } from '../format/telegram-entities.ts'
import type { RichText, SpanStyle } from '../model/rich-text.ts'

/** Blocks nest at most 16 levels on the platform; deeper input is not from there. */
const MAX_DEPTH = 20
const EMPTY: RichText = { text: '', spans: [] }

type Fields = Readonly<Record<string, unknown>>

const fieldsOf = (value: unknown): Fields => (typeof value === 'object' && value !== null ? (value as Fields) : {})
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

function wrap(rich: RichText, ...styles: readonly SpanStyle[]): RichText {
  if (rich.text === '') return rich
  const own = styles.map((style) => ({ ...style, start: 0, end: rich.text.length }))
  return normaliseRich({ text: rich.text, spans: [...own, ...rich.spans] })
}

function lines(blocks: readonly RichText[], separator = '\n'): RichText {
  const shown = blocks.filter((b) => b.text !== '')
  return concatRich(...shown.flatMap((b, i) => (i === 0 ? [b] : [separator, b])))
}

/** Flattens a block message to text with spans (bridging 5.2): headings, lists, quotes, tables, details, media as lines. */
export function flattenRichMessage(blocks: readonly unknown[]): RichText {
  return lines(blocks.map((b) => block(b, 0)))
}

/** Inline text: a string, a list, or a styled piece. */
function inline(value: unknown, depth: number): RichText {
  if (typeof value === 'string') return { text: value, spans: [] }
  if (depth > MAX_DEPTH) return EMPTY
  if (Array.isArray(value)) return concatRich(...value.map((part) => inline(part, depth + 1)))
  const piece = fieldsOf(value)
  const type = textOf(piece.type)
  if (type === 'mathematical_expression') return wrap({ text: textOf(piece.expression), spans: [] }, { kind: 'code' })
  if (type === 'button') return inline(fieldsOf(piece.button).text, depth + 1)
  const inner = type === 'custom_emoji' ? inline(piece.alternative_text, depth) : inline(piece.text, depth + 1)
  if (type === 'url' && textOf(piece.url) !== '') return wrap(inner, { kind: 'link', url: textOf(piece.url) })
  // The remaining styles share their names and fields with message entities.
  const styled = fromTelegramEntities(inner.text, [{ ...piece, type, offset: 0, length: inner.text.length }])
  return normaliseRich({ text: inner.text, spans: [...styled.spans, ...inner.spans] })
}

function block(value: unknown, depth: number): RichText {
  if (depth > MAX_DEPTH) return EMPTY
  const b = fieldsOf(value)
  const nested = (list: unknown): RichText => lines(listOf(list).map((x) => block(x, depth + 1)))
  const caption = (): RichText => {
    const c = fieldsOf(b.caption)
    return lines([inline(c.text, depth + 1), inline(c.credit, depth + 1)])
  }
  switch (textOf(b.type)) {
    case 'paragraph':
    case 'thinking':
      return inline(b.text, depth)
    case 'heading':
      return wrap(inline(b.text, depth), { kind: 'heading', level: headingLevel(b.size) })
    case 'pre':
      return wrap(inline(b.text, depth), { kind: 'pre', ...(textOf(b.language) ? { language: textOf(b.language) } : {}) })
    case 'footer':
      return wrap(inline(b.text, depth), { kind: 'subtext' })
    case 'divider':
      return { text: '———', spans: [] }
    case 'mathematical_expression':
      return wrap({ text: textOf(b.expression), spans: [] }, { kind: 'code' })
    case 'anchor':
      return EMPTY
    case 'list':
      return lines(listOf(b.items).map((item) => listItem(fieldsOf(item), nested)))
    case 'blockquote':
      return wrap(lines([nested(b.blocks), inline(b.credit, depth + 1)]), { kind: 'quote' })
    case 'expandable_blockquote':
      return wrap(lines([inline(b.text, depth), inline(b.credit, depth + 1)]), { kind: 'quote', collapsed: true })
    case 'pullquote':
      return wrap(lines([inline(b.text, depth), inline(b.credit, depth + 1)]), { kind: 'quote' })
    case 'collage':
    case 'slideshow':
      return lines([nested(b.blocks), caption()])
    case 'table':
      return lines([inline(b.caption, depth + 1), ...listOf(b.cells).map((row) => tableRow(listOf(row), depth))])
    case 'details':
      return lines([wrap(inline(b.summary, depth), { kind: 'bold' }), nested(b.blocks)])
    case 'buttons':
      return lines(listOf(b.buttons).map((x) => inline(fieldsOf(x).text, depth + 1)))
    default:
      return lines([{ text: `[${textOf(b.type) || 'block'}]`, spans: [] }, caption()])
  }
}

function headingLevel(size: unknown): 1 | 2 | 3 {
  return size === 1 || size === 2 ? size : 3
}

function listItem(item: Fields, nested: (list: unknown) => RichText): RichText {
  const box = item.has_checkbox === true ? (item.is_checked === true ? '☑ ' : '☐ ') : ''
  const label = textOf(item.label).trim() || '•'
  return concatRich(box === '' ? `${label} ` : box, nested(item.blocks))
}

function tableRow(cells: readonly unknown[], depth: number): RichText {
  const parts = cells.map((cell) => inline(fieldsOf(cell).text ?? '', depth + 1))
  return concatRich(...parts.flatMap((p, i) => (i === 0 ? [p] : [' | ', p])))
}
