import type { MessageEntity } from 'grammy/types'
import { badRequest } from './errors.ts'

/** A text with its entities, however the caller described them. */
export interface Formatted {
  readonly text: string
  readonly entities: unknown
}

/** `parse_mode` wins over nothing but itself: with explicit entities it is not looked at. Throws ApiError. */
export function formattedText(raw: string, entities: unknown, mode: string | undefined): Formatted {
  if (mode === undefined || mode === '' || entities !== undefined) return { text: raw, entities }
  const name = mode.toLowerCase()
  if (name === 'html') return new HtmlParser(raw).parse()
  if (name === 'markdownv2') return new MarkdownParser(raw).parse()
  throw badRequest('unsupported parse_mode')
}

const cannot = (what: string): Error => badRequest(`can't parse entities: ${what}`)

/** Positions in errors are counted in bytes of the text as it was sent. */
const bytesBefore = (text: string, at: number): number => Buffer.byteLength(text.slice(0, at))

type EntityFields = { readonly type: string } & Record<string, unknown>

/** Shared by both: text that grows, and entities that end where it stands. */
class Output {
  text = ''
  readonly #entities: MessageEntity[] = []
  /** Of the last `code`. */
  #language: string | undefined

  close(start: number, fields: EntityFields): void {
    const inner = this.#entities.at(-1)
    const covers = inner?.offset === start && start + inner.length === this.text.length
    // `<pre><code class="language-x">` is one block with a language.
    if (fields.type === 'pre' && inner?.type === 'code' && covers) {
      this.#entities.pop()
      this.#add(start, { ...fields, ...(this.#language !== undefined && { language: this.#language }) })
      return
    }
    if (fields.type === 'code') this.#language = fields.language as string | undefined
    this.#add(start, fields.type === 'code' ? { type: 'code' } : fields)
  }

  #add(start: number, fields: EntityFields): void {
    if (this.text.length > start)
      this.#entities.push({ ...fields, offset: start, length: this.text.length - start } as unknown as MessageEntity)
  }

  result(): Formatted {
    const entities = this.#entities.toSorted((a, b) => a.offset - b.offset || b.length - a.length)
    return { text: this.text, entities: entities.length > 0 ? entities : undefined }
  }
}

const TAGS: Readonly<Record<string, string>> = {
  b: 'bold',
  strong: 'bold',
  i: 'italic',
  em: 'italic',
  u: 'underline',
  ins: 'underline',
  s: 'strikethrough',
  strike: 'strikethrough',
  del: 'strikethrough',
  'tg-spoiler': 'spoiler',
  span: 'spoiler',
  a: 'text_link',
  code: 'code',
  pre: 'pre',
  blockquote: 'blockquote',
  'tg-emoji': 'custom_emoji',
}
const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"' }

interface OpenTag {
  readonly tag: string
  readonly start: number
  readonly fields: EntityFields
}

/** `parse_mode: HTML` as documented: the supported tags, four named entities and all numeric ones. */
class HtmlParser {
  readonly #raw: string
  readonly #out = new Output()
  readonly #open: OpenTag[] = []

  constructor(raw: string) {
    this.#raw = raw
  }

  parse(): Formatted {
    const raw = this.#raw
    for (let at = 0; at < raw.length; ) {
      const char = raw[at] as string
      if (char === '<') at = this.#tag(at)
      else if (char === '&') at = this.#reference(at)
      else {
        this.#out.text += char
        at++
      }
    }
    const left = this.#open.at(-1)
    if (left !== undefined) throw cannot(`Can't find end tag corresponding to start tag "${left.tag}"`)
    return this.#out.result()
  }

  #reference(at: number): number {
    const match = /^&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(lt|gt|amp|quot));/i.exec(this.#raw.slice(at, at + 12))
    if (match === null) {
      this.#out.text += '&'
      return at + 1
    }
    const [whole, hex, decimal, name] = match
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)
    this.#out.text += name === undefined ? String.fromCodePoint(Math.min(code, 0x10ffff)) : (NAMED[name.toLowerCase()] ?? '')
    return at + whole.length
  }

  #tag(at: number): number {
    const where = `at byte offset ${bytesBefore(this.#raw, at)}`
    const end = this.#raw.indexOf('>', at)
    if (end < 0) throw cannot(`Unclosed start tag ${where}`)
    const inner = this.#raw.slice(at + 1, end)
    if (inner.startsWith('/')) this.#end(inner.slice(1).trim().toLowerCase(), where)
    else this.#start(inner, where)
    return end + 1
  }

  #start(inner: string, where: string): void {
    const tag = (/^[^\s]+/.exec(inner)?.[0] ?? '').toLowerCase()
    const type = TAGS[tag]
    const attribute = (name: string): string | undefined =>
      new RegExp(`\\b${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s>]+))`, 'i')
        .exec(inner)
        ?.slice(1)
        .find((v) => v !== undefined)
    if (type === undefined) throw cannot(`Unsupported start tag "${tag}" ${where}`)
    if (tag === 'span' && attribute('class') !== 'tg-spoiler') throw cannot(`Tag "span" must have class "tg-spoiler" ${where}`)
    const fields: EntityFields =
      tag === 'a'
        ? { type, url: attribute('href') ?? '' }
        : tag === 'tg-emoji'
          ? { type, custom_emoji_id: attribute('emoji-id') ?? '' }
          : tag === 'blockquote' && /\bexpandable\b/i.test(inner)
            ? { type: 'expandable_blockquote' }
            : tag === 'code'
              ? { type, language: /^language-(.+)$/.exec(attribute('class') ?? '')?.[1] }
              : { type }
    this.#open.push({ tag, start: this.#out.text.length, fields })
  }

  #end(tag: string, where: string): void {
    const open = this.#open.pop()
    if (open === undefined) throw cannot(`Unexpected end tag ${where}`)
    if (tag !== '' && tag !== open.tag) throw cannot(`Unmatched end tag ${where}, expected "</${open.tag}>", found "</${tag}>"`)
    this.#out.close(open.start, open.fields)
  }
}

const RESERVED = new Set('_*[]()~`>#+-=|{}.!')
const MARKS: readonly (readonly [mark: string, type: string, name: string])[] = [
  ['__', 'underline', 'Underline'],
  ['||', 'spoiler', 'Spoiler'],
  ['*', 'bold', 'Bold'],
  ['_', 'italic', 'Italic'],
  ['~', 'strikethrough', 'Strikethrough'],
]

interface OpenMark {
  readonly mark: string
  readonly type: string
  readonly name: string
  readonly start: number
  readonly at: number
}

/** `parse_mode: MarkdownV2` as documented: pairs of marks, code, links, quotes; every other reserved character is escaped. */
class MarkdownParser {
  readonly #raw: string
  readonly #out = new Output()
  readonly #open: OpenMark[] = []
  #quote: number | undefined

  constructor(raw: string) {
    this.#raw = raw
  }

  parse(): Formatted {
    const raw = this.#raw
    for (let at = 0; at < raw.length; ) at = this.#step(at)
    this.#endQuote()
    const left = this.#open.at(-1)
    if (left !== undefined) throw this.#unended(left.name, left.at)
    return this.#out.result()
  }

  #unended(name: string, at: number): Error {
    return cannot(`Can't find end of ${name} entity at byte offset ${bytesBefore(this.#raw, at)}`)
  }

  #step(at: number): number {
    const raw = this.#raw
    const char = raw[at] as string
    const isLineStart = at === 0 || raw[at - 1] === '\n'
    if (char === '\\' && at + 1 < raw.length && (raw.codePointAt(at + 1) as number) < 127)
      return this.#plain(raw[at + 1] as string, at + 2)
    if (isLineStart && char === '>') {
      this.#quote ??= this.#out.text.length
      return at + 1
    }
    if (isLineStart) this.#endQuote()
    if (char === '`') return this.#code(at)
    if (char === '[') {
      this.#open.push({ mark: '[', type: 'text_link', name: 'TextUrl', start: this.#out.text.length, at })
      return at + 1
    }
    if (char === ']' && this.#open.at(-1)?.mark === '[') return this.#link(at)
    const mark = MARKS.find(([m]) => raw.startsWith(m, at))
    if (mark !== undefined) return this.#mark(mark, at)
    if (RESERVED.has(char)) throw cannot(`Character '${char}' is reserved and must be escaped with the preceding '\\'`)
    return this.#plain(char, at + 1)
  }

  #plain(text: string, next: number): number {
    this.#out.text += text
    return next
  }

  #endQuote(): void {
    if (this.#quote === undefined) return
    this.#out.close(this.#quote, { type: 'blockquote' })
    this.#quote = undefined
  }

  #mark([mark, type, name]: readonly [string, string, string], at: number): number {
    const top = this.#open.at(-1)
    if (top?.mark === mark) {
      this.#open.pop()
      this.#out.close(top.start, { type })
    } else this.#open.push({ mark, type, name, start: this.#out.text.length, at })
    return at + mark.length
  }

  #code(at: number): number {
    const raw = this.#raw
    const fence = raw.startsWith('```', at) ? '```' : '`'
    const name = fence === '`' ? 'Code' : 'Pre'
    const head = fence === '`' ? null : /^```([^\s`]*)\n/.exec(raw.slice(at))
    const start = this.#out.text.length
    let i = at + (head === null ? fence.length : head[0].length)
    for (; !raw.startsWith(fence, i); i++) {
      if (i >= raw.length) throw this.#unended(name, at)
      if (raw[i] === '\\' && i + 1 < raw.length) i++
      this.#out.text += raw[i]
    }
    const language = head?.[1]
    this.#out.close(start, fence === '`' ? { type: 'code' } : { type: 'pre', ...(language && { language }) })
    return i + fence.length
  }

  #link(at: number): number {
    const open = this.#open.pop() as OpenMark
    const match = /^\]\(((?:\\.|[^)\\])*)\)/.exec(this.#raw.slice(at))
    if (match === null) throw this.#unended(open.name, open.at)
    this.#out.close(open.start, { type: 'text_link', url: (match[1] as string).replace(/\\(.)/g, '$1') })
    return at + match[0].length
  }
}
