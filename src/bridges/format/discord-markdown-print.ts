import type { RichText, Span } from '../model/rich-text.ts'
import { type DiscordPrintOptions, discordForm } from './discord-form.ts'
import { urlRanges, urlReach } from './urls.ts'

const ZERO_WIDTH_SPACE = '\u200b'

/**
 * The neutral form as Discord Markdown with complete escaping (bridging 7.4): whatever the text says, people see exactly
 * that, and nobody is notified unless `grants` says so.
 */
export function printDiscordMarkdown(rich: RichText, options: DiscordPrintOptions = {}): string {
  return printForm(discordForm(rich, options))
}

/** Prints a text that is in Discord's form already. */
function printForm(form: RichText): string {
  const out: string[] = []
  const hasLinkSyntax = form.text.includes('](') || form.spans.some((s) => s.kind === 'link')
  let start = 0
  let openCode: Span | undefined
  for (const raw of form.text.split('\n')) {
    const end = start + raw.length
    const covers = (s: Span): boolean => s.start <= start && s.end >= end && (s.end > s.start || raw === '')
    const quoted = form.spans.some((s) => s.kind === 'quote' && covers(s))
    const prefix = quoted ? '> ' : ''
    const code = form.spans.find((s) => s.kind === 'pre' && covers(s)) as (Span & { kind: 'pre' }) | undefined
    if (code !== undefined) {
      if (openCode !== code) out.push(`${prefix}\`\`\`${code.language ?? ''}`)
      out.push(prefix + quiet(raw.replace(/``(?=`)/g, `\`\`${ZERO_WIDTH_SPACE}`)))
      if (code.end === end) out.push(`${prefix}\`\`\``)
      openCode = code
    } else {
      openCode = undefined
      out.push(prefix + printLine(form, start, end, hasLinkSyntax))
    }
    start = end + 1
  }
  return out.join('\n')
}

function printLine(form: RichText, start: number, end: number, hasLinkSyntax: boolean): string {
  const spans = form.spans.filter((s) => s.start < end && s.end > start && s.kind !== 'quote' && s.kind !== 'pre')
  const block = spans.find((s) => s.kind === 'heading' || s.kind === 'subtext' || s.kind === 'listItem')
  const printer = new LinePrinter(form.text, hasLinkSyntax)
  const content = printer.print(
    spans.filter((s) => s !== block),
    start,
    end,
  )
  if (block?.kind === 'heading') return `${'#'.repeat(block.level)} ${escapeLineStart(escapeHeadingEnd(content))}`
  const escaped = escapeLineStart(content)
  if (block === undefined) return escaped
  if (block.kind === 'listItem') return `${'  '.repeat(block.depth)}${block.ordered ? `${block.index}.` : '-'} ${escaped}`
  return `-# ${escaped}`
}

/** Closing hashes of a heading would be taken for decoration; those of a link stay. */
function escapeHeadingEnd(content: string): string {
  const match = /(\S*?)(#+)$/.exec(content)
  if (match === null || match[1]?.includes('://')) return content
  return content.slice(0, content.length - (match[2] as string).length) + '\\#'.repeat((match[2] as string).length)
}

/** Keeps a line from being read as a block. Inline markers at the start are no block starts, escapes neither. */
function escapeLineStart(line: string): string {
  const match = /^(\s*)(?:(\d{1,9})(?=\.(?:\s|$))|(#{1,3}(?=\s|$)|-(?=#|\s|$)|\+(?=\s|$)|>(?=\s|$|>>)))/.exec(line)
  if (match === null) return line
  const indent = match[1] as string
  const rest = line.slice(indent.length)
  if (match[2] !== undefined) return `${indent}${match[2]}\\${rest.slice(match[2].length)}`
  return `${indent}\\${rest}`
}

/** A piece of output; links in text are looked at again when what follows them is known. */
type Piece = { readonly kind: 'text' | 'open' | 'close' | 'url'; readonly text: string }

const MARKERS = { bold: '**', italic: '*', underline: '__', strike: '~~', spoiler: '||' } as const

class LinePrinter {
  readonly #source: string
  readonly #hasLinkSyntax: boolean
  #pieces: Piece[] = []

  constructor(source: string, hasLinkSyntax: boolean) {
    this.#source = source
    this.#hasLinkSyntax = hasLinkSyntax
  }

  print(spans: readonly Span[], start: number, end: number): string {
    this.#range(spans, start, end)
    return joinPieces(this.#pieces)
  }

  #range(spans: readonly Span[], start: number, end: number): void {
    let at = start
    for (let i = 0; i < spans.length; ) {
      const span = spans[i] as Span
      let next = i + 1
      while (next < spans.length && (spans[next] as Span).start < span.end) next++
      this.#plain(at, span.start)
      this.#span(span, spans.slice(i + 1, next))
      at = span.end
      i = next
    }
    this.#plain(at, end)
  }

  #span(span: Span, inner: readonly Span[]): void {
    const text = this.#source.slice(span.start, span.end)
    switch (span.kind) {
      case 'bold':
      case 'italic':
      case 'underline':
      case 'strike':
      case 'spoiler':
        this.#pieces.push({ kind: 'open', text: MARKERS[span.kind] })
        this.#range(inner, span.start, span.end)
        this.#pieces.push({ kind: 'close', text: MARKERS[span.kind] })
        return
      case 'link':
        this.#pieces.push({ kind: 'text', text: '[' })
        this.#range(inner, span.start, span.end)
        this.#pieces.push({ kind: 'text', text: `](${span.url})` })
        return
      case 'code':
        this.#pieces.push({ kind: 'text', text: inlineCode(quiet(text)) })
        return
      case 'mention':
        this.#pieces.push({ kind: 'text', text: mentionToken(span) })
        return
      case 'emoji':
        this.#pieces.push({ kind: 'text', text: `<${span.animated ? 'a' : ''}:${span.name}:${span.id}>` })
        return
      case 'timestamp':
        this.#pieces.push({ kind: 'text', text: `<t:${span.unixSeconds}${span.style === '' ? '' : `:${span.style}`}>` })
        return
      default:
        this.#range(inner, span.start, span.end)
    }
  }

  #plain(start: number, end: number): void {
    if (start >= end) return
    const text = this.#source.slice(start, end)
    let at = 0
    for (const url of urlRanges(text)) {
      // `<` right before a link would make it a bare address in angle brackets.
      if (url.start > at) this.#pieces.push({ kind: 'text', text: this.#escape(text.slice(at, url.start)).replace(/<$/, '\\<') })
      this.#pieces.push({ kind: 'url', text: text.slice(url.start, url.end) })
      at = url.end
    }
    if (at < text.length) this.#pieces.push({ kind: 'text', text: this.#escape(text.slice(at)) })
  }

  #escape(text: string): string {
    return quiet(text)
      .replace(/[\\*_~`|]/g, '\\$&')
      .replace(/<(?=[@#:/]|a:|t:|id:|https?:)/g, '\\<')
      .replace(/\[/g, this.#hasLinkSyntax ? '\\[' : '[')
  }
}

/** `@everyone` and `@here` never stand as such, not even in code. */
function quiet(text: string): string {
  return text.replace(/@(?=everyone|here)/g, `@${ZERO_WIDTH_SPACE}`)
}

function mentionToken(span: Span & { kind: 'mention' }): string {
  if (span.target === 'channel') return `<#${span.id}>`
  if (span.target === 'role') return `<@&${span.id}>`
  return span.target === 'command' ? `</${span.name}:${span.id}>` : `<@${span.id}>`
}

/** The shortest fence that does not occur inside; text with both single and double backticks is broken up. */
function inlineCode(text: string): string {
  const runs = new Set([...text.matchAll(/`+/g)].map((m) => m[0].length))
  const needsBreak = runs.size > 0 && ([...runs].some((n) => n > 2) || (runs.has(1) && runs.has(2)))
  const content = needsBreak ? text.replace(/`(?=`)/g, `\`${ZERO_WIDTH_SPACE}`) : text
  const fence = needsBreak || runs.has(1) ? '``' : '`'
  const pad = (edge: boolean): string => (edge ? ' ' : '')
  return fence + pad(content.startsWith('`')) + content + pad(content.endsWith('`')) + fence
}

/** Joins the pieces; separates markers that would merge, and wraps links that would run into what follows. */
function joinPieces(pieces: readonly Piece[]): string {
  let tail = ''
  const out: string[] = []
  for (let i = pieces.length - 1; i >= 0; i--) {
    const piece = pieces[i] as Piece
    let { text } = piece
    const next = pieces[i + 1]
    if (piece.kind === 'close' && next?.kind === 'open' && merges(text, next.text)) text += ZERO_WIDTH_SPACE
    else if (piece.kind === 'url' && (urlReach(text + tail) !== text.length || inParentheses(pieces[i - 1], tail)))
      text = `<${text}>`
    out.push(text)
    tail = (text + tail).slice(0, 2048)
  }
  return out.reverse().join('')
}

function merges(closing: string, opening: string): boolean {
  return closing[0] === opening[0] || (closing === '~~' && opening === '__')
}

function inParentheses(before: Piece | undefined, tail: string): boolean {
  return before?.text.endsWith('(') === true && tail.startsWith(')')
}
