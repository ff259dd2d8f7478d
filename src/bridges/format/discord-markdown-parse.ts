import type { RichText, Span, SpanStyle } from '../model/rich-text.ts'
import { normaliseRich } from './rich-text-ops.ts'
import { sanitizeRich } from './sanitize.ts'
import { timestampText } from './timestamps.ts'
import { httpUrl, urlLengthAt } from './urls.ts'

/** Names for the ids in a message; undefined = unknown. */
export interface DiscordNames {
  readonly user: (id: string) => string | undefined
  readonly role: (id: string) => string | undefined
  readonly channel: (id: string) => string | undefined
}

/** Styles inside styles beyond this stay text: nobody writes that, and it bounds the work. */
const MAX_DEPTH = 12
const MAX_LIST_DEPTH = 10

/** Collects output text and spans. */
class Builder {
  text = ''
  readonly spans: Span[] = []

  add(text: string, style?: SpanStyle): void {
    const start = this.text.length
    this.text += text
    if (style !== undefined && text !== '') this.spans.push({ ...style, start, end: this.text.length })
  }

  /** Runs `fill` and puts `style` over what it added. */
  within(style: SpanStyle | undefined, fill: () => void): void {
    const start = this.text.length
    fill()
    if (style !== undefined && this.text.length > start) this.spans.push({ ...style, start, end: this.text.length })
  }
}

/** Discord Markdown to the neutral form (bridging 7.2). Never fails: what is not markup is text. */
export function parseDiscordMarkdown(source: string, names: DiscordNames): RichText {
  const out = new Builder()
  new Parser(names, out).blocks(source.replace(/\r\n?/g, '\n'), false)
  return normaliseRich(sanitizeRich({ text: out.text, spans: out.spans }))
}

const FENCE = /```(?:([a-z0-9_+\-.#]+?)\n)?\n*([^\n][\s\S]*?)\n*```/iy
const QUOTE_REST = />>> ?([\s\S]*)/y
const QUOTE_LINE = /> ([^\n]*)(?:\n|$)/y
const HEADING = /[ ]*(#{1,3})[ \t]+([^\n]*\S[^\n]*)/y
const SUBTEXT = /[ ]*-#[ \t]+([^\n]*\S[^\n]*)/y
const LIST_ITEM = /([ ]*)(?:[-*]|(\d{1,9})\.)[ \t]+([^\n]*\S[^\n]*)/y
const INLINE_CODE = /(`+)([\s\S]*?[^`])\1(?!`)/y

const STRONG = /\*\*((?:\\[\s\S]|[^\\])+?)\*\*(?!\*)/y
const EM_STAR = /\*(?=\S)((?:\*\*|\\[\s\S]|\s+(?:\\[\s\S]|[^\s*\\]|\*\*)|[^\s*\\])+?)\*(?!\*)/y
const EM_LINE = /(?<![\p{L}\p{N}_])_((?:__|\\[\s\S]|[^\\_])+?)_(?![\p{L}\p{N}_])/uy
const UNDERLINE = /__((?:\\[\s\S]|[^\\])+?)__(?!_)/y
const STRIKE = /~~((?:\\[\s\S]|[^\\])+?)~~(?!_)/y
const SPOILER = /\|\|((?:\\[\s\S]|[^\\])+?)\|\|/y
const LINK = /\[((?:\\[\s\S]|[^\\[\]]|\[[^[\]]*\])+)\]\(\s*<?((?:[^\s()<>\\]|\([^\s()]*\))+)>?(?:\s+["'][^"'\n]*["'])?\s*\)/y
const ANGLE =
  /<(?:(@!?)(\d{1,20})|@&(\d{1,20})|#(\d{1,20})|(a?):(\w{1,64}):(\d{1,20})|t:(-?\d{1,13})(?::([tTdDfFR]))?|\/([^:<>\n]{1,100}):\d{1,20}|id:(customize|browse|guide|linked-roles)|(https?:\/\/[^\s<>]+))>/y

const GUIDE_NAMES: Readonly<Record<string, string>> = {
  customize: 'Channels & Roles',
  browse: 'Browse Channels',
  guide: 'Server Guide',
  'linked-roles': 'Linked Roles',
}

function exec(pattern: RegExp, source: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at
  return pattern.exec(source)
}

class Parser {
  readonly #names: DiscordNames
  readonly #out: Builder

  constructor(names: DiscordNames, out: Builder) {
    this.#names = names
    this.#out = out
  }

  /** Lines: code fences, quotes, headings, subtext, lists, and paragraphs between them. */
  blocks(source: string, inQuote: boolean): void {
    let paragraph = ''
    let at = 0
    const flush = (): void => {
      this.inline(paragraph, 0)
      paragraph = ''
    }
    while (at < source.length) {
      if (at === 0 || source[at - 1] === '\n') {
        const after = this.#block(source, at, inQuote, flush)
        if (after > at) {
          at = after
          continue
        }
      }
      const fence = source[at] === '`' ? exec(FENCE, source, at) : null
      if (fence !== null) {
        flush()
        at = this.#pre(source, at, fence)
        continue
      }
      const step = this.#step(source, at)
      paragraph += source.slice(at, at + step)
      at += step
    }
    flush()
  }

  /** How far the next piece reaches that must not be searched for fences: an escape, inline code, or one character. */
  #step(source: string, at: number): number {
    if (source[at] === '\\') return Math.min(2, source.length - at)
    if (source[at] === '`') return exec(INLINE_CODE, source, at)?.[0].length ?? /^`+/.exec(source.slice(at))?.[0].length ?? 1
    return 1
  }

  #pre(source: string, at: number, fence: RegExpExecArray): number {
    const out = this.#out
    if (out.text !== '' && !out.text.endsWith('\n')) out.add('\n')
    const language = fence[1]
    out.add(fence[2] ?? '', language === undefined ? { kind: 'pre' } : { kind: 'pre', language })
    const end = at + fence[0].length
    if (end >= source.length) return end
    out.add('\n')
    return source[end] === '\n' ? end + 1 : end
  }

  /** A block at a line start; answers the position after it (after its newline), or `at` when there is none. */
  #block(source: string, at: number, inQuote: boolean, flush: () => void): number {
    if (!inQuote && source[at] === '>') {
      const rest = exec(QUOTE_REST, source, at)
      if (rest !== null) {
        flush()
        this.#out.within({ kind: 'quote' }, () => this.blocks(rest[1] ?? '', true))
        return source.length
      }
      const quoted = this.#quote(source, at, flush)
      if (quoted > at) return quoted
    }
    const heading = exec(HEADING, source, at)
    if (heading !== null) {
      flush()
      const level = (heading[1] as string).length as 1 | 2 | 3
      return this.#line(source, at + heading[0].length, { kind: 'heading', level }, heading[2] as string)
    }
    const subtext = exec(SUBTEXT, source, at)
    if (subtext !== null) {
      flush()
      return this.#line(source, at + subtext[0].length, { kind: 'subtext' }, subtext[1] as string)
    }
    const item = exec(LIST_ITEM, source, at)
    if (item === null) return at
    flush()
    const [, indent, number, content] = item as unknown as [string, string, string | undefined, string]
    const depth = Math.min(MAX_LIST_DEPTH, indent.length >> 1)
    const style = { kind: 'listItem', ordered: number !== undefined, index: Number(number ?? 1), depth } as const
    return this.#line(source, at + item[0].length, style, content)
  }

  #line(source: string, end: number, style: SpanStyle, content: string): number {
    this.#out.within(style, () => this.inline(content.trim(), 0))
    if (source[end] !== '\n') return end
    this.#out.add('\n')
    return end + 1
  }

  #quote(source: string, at: number, flush: () => void): number {
    const lines: string[] = []
    let end = at
    for (let line = exec(QUOTE_LINE, source, end); line !== null && end < source.length; line = exec(QUOTE_LINE, source, end)) {
      lines.push(line[1] as string)
      end += line[0].length
    }
    if (lines.length === 0) return at
    flush()
    this.#out.within({ kind: 'quote' }, () => this.blocks(lines.join('\n'), true))
    if (source[end - 1] === '\n') this.#out.add('\n')
    return end
  }

  inline(source: string, depth: number, inLink = false): void {
    const out = this.#out
    let literal = ''
    let at = 0
    const flush = (): void => {
      out.add(literal)
      literal = ''
    }
    while (at < source.length) {
      const char = source[at] as string
      let taken = 0
      if (char === '\\') {
        const next = source.codePointAt(at + 1)
        const escaped = next === undefined ? '' : String.fromCodePoint(next)
        if (escaped !== '' && !/[0-9A-Za-z\s]/.test(escaped)) {
          literal += escaped
          at += 1 + escaped.length
          continue
        }
      } else if (char === 'h') {
        const length = urlLengthAt(source, at)
        literal += source.slice(at, at + Math.max(1, length))
        at += Math.max(1, length)
        continue
      } else if (SPECIAL.has(char)) {
        const before = literal
        literal = ''
        out.add(before)
        taken = this.#markup(source, at, depth, inLink)
      }
      if (taken === 0) literal += char
      at += Math.max(1, taken)
    }
    flush()
  }

  /** Markup that begins here; answers how much of the source it took. */
  #markup(source: string, at: number, depth: number, inLink: boolean): number {
    switch (source[at]) {
      case '<':
        return this.#angle(source, at)
      case '`':
        return this.#code(source, at)
      case '@':
        return this.#everyone(source, at)
      case '[':
        return inLink || depth >= MAX_DEPTH ? 0 : this.#link(source, at, depth)
      default:
        return depth >= MAX_DEPTH ? 0 : this.#style(source, at, depth, inLink)
    }
  }

  #style(source: string, at: number, depth: number, inLink: boolean): number {
    const candidates: [RegExp, SpanStyle][] =
      source[at] === '*'
        ? [
            [EM_STAR, { kind: 'italic' }],
            [STRONG, { kind: 'bold' }],
          ]
        : source[at] === '_'
          ? [
              [EM_LINE, { kind: 'italic' }],
              [UNDERLINE, { kind: 'underline' }],
            ]
          : source[at] === '~'
            ? [[STRIKE, { kind: 'strike' }]]
            : [[SPOILER, { kind: 'spoiler' }]]
    // The longest wins, as in the client: `***a* b**` is bold around italic.
    let best: { match: RegExpExecArray; style: SpanStyle } | undefined
    for (const [pattern, style] of candidates) {
      const match = exec(pattern, source, at)
      if (match !== null && (best === undefined || match[0].length > best.match[0].length)) best = { match, style }
    }
    if (best === undefined) return 0
    const { match, style } = best
    this.#out.within(style, () => this.inline(match[1] as string, depth + 1, inLink))
    return match[0].length
  }

  #code(source: string, at: number): number {
    const match = exec(INLINE_CODE, source, at)
    if (match === null) {
      const run = /^`+/.exec(source.slice(at))?.[0] ?? '`'
      this.#out.add(run)
      return run.length
    }
    this.#out.add((match[2] as string).replace(/^ (?= *`)|(` *) $/g, '$1'), { kind: 'code' })
    return match[0].length
  }

  #everyone(source: string, at: number): number {
    const name = source.startsWith('@everyone', at) ? 'everyone' : source.startsWith('@here', at) ? 'here' : undefined
    if (name === undefined) return 0
    this.#out.add(`@${name}`, { kind: 'mention', target: 'everyone', id: name, name })
    return name.length + 1
  }

  #link(source: string, at: number, depth: number): number {
    const match = exec(LINK, source, at)
    const url = match === null ? undefined : httpUrl(match[2] as string)
    if (match === null || url === undefined) return 0
    this.#out.within({ kind: 'link', url: match[2] as string }, () => this.inline(match[1] as string, depth + 1, true))
    return match[0].length
  }

  #angle(source: string, at: number): number {
    const match = exec(ANGLE, source, at)
    if (match === null) return 0
    const [whole, , user, role, channel, animated, emoji, emojiId, time, style, command, guide, url] = match
    const out = this.#out
    if (user !== undefined) {
      const name = this.#names.user(user) ?? 'unknown user'
      out.add(`@${name}`, { kind: 'mention', target: 'user', id: user, name })
    } else if (role !== undefined) {
      const name = this.#names.role(role) ?? 'unknown role'
      out.add(`@${name}`, { kind: 'mention', target: 'role', id: role, name })
    } else if (channel !== undefined) {
      const name = this.#names.channel(channel) ?? 'unknown channel'
      out.add(`#${name}`, { kind: 'mention', target: 'channel', id: channel, name })
    } else if (emoji !== undefined) {
      out.add(`:${emoji}:`, { kind: 'emoji', id: emojiId as string, name: emoji, animated: animated === 'a' })
    } else if (time !== undefined) {
      const unixSeconds = Number(time)
      out.add(timestampText(unixSeconds), { kind: 'timestamp', unixSeconds, style: style ?? '' })
    } else if (command !== undefined) {
      const id = /:(\d+)>$/.exec(whole)?.[1] as string
      out.add(`/${command}`, { kind: 'mention', target: 'command', id, name: command })
    } else out.add(url ?? (GUIDE_NAMES[guide as string] as string))
    return whole.length
  }
}

const SPECIAL: ReadonlySet<string> = new Set(['<', '`', '@', '[', '*', '_', '~', '|'])
