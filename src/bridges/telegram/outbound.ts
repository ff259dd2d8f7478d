import { bodyText } from '../format/fallbacks.ts'
import { concatRich, styled } from '../format/rich-text-ops.ts'
import { cutGraphemes, sanitizeName, sanitizeRich } from '../format/sanitize.ts'
import { splitRich } from '../format/split.ts'
import { type TelegramEntity, toTelegramEntities } from '../format/telegram-entities.ts'
import type { RichText } from '../model/rich-text.ts'
import type { NativePart, SendRequest } from '../port.ts'

/** One call of a plan. `part` is the place of the native message in the logical one. */
export type TelegramCall =
  | { readonly op: 'create'; readonly part: number; readonly text: TelegramText; readonly options: CreateOptions }
  | { readonly op: 'edit'; readonly part: number; readonly target: NativePart; readonly text: TelegramText }
  | { readonly op: 'delete'; readonly part: number; readonly target: NativePart }

export interface TelegramText {
  readonly text: string
  readonly entities: readonly TelegramEntity[]
  readonly noPreview: boolean
}

export interface CreateOptions {
  readonly threadId?: number
  readonly replyTo?: number
  readonly silent?: boolean
}

/** 1–4096 UTF-16 units after entities (bridging 5.1). */
export const MAX_TEXT = 4096
const MAX_NAME = 32
const MAX_EXCERPT = 120
/** The General topic has this id and must not be named in a call (bridging 5.3). */
const GENERAL_TOPIC = '1'

/**
 * The calls that carry out a request, in order (bridging 5.4, 8, 10). Pure. Parts that exist already are left out of a
 * create; an edit changes, appends and deletes parts as the new text needs. Undefined: there is nothing to show.
 */
export function planCalls(request: SendRequest): readonly TelegramCall[] | undefined {
  if (request.op === 'delete') return request.parts.map((target) => ({ op: 'delete', part: target.part, target }))
  const texts = textsOf(request)
  if (texts === undefined) return undefined
  const existing = new Map(request.parts.map((p) => [p.part, p]))
  const calls: TelegramCall[] = []
  texts.forEach((text, part) => {
    const target = existing.get(part)
    if (target === undefined) calls.push({ op: 'create', part, text, options: createOptions(request, part) })
    else if (request.op === 'edit') calls.push({ op: 'edit', part, target, text })
  })
  if (request.op === 'edit') {
    for (const target of request.parts) if (target.part >= texts.length) calls.push({ op: 'delete', part: target.part, target })
  }
  return calls
}

function createOptions(request: SendRequest, part: number): CreateOptions {
  const { thread } = request.place
  const reply = part === 0 && request.op === 'create' ? request.reply?.ref : undefined
  return {
    ...(thread === undefined || thread === GENERAL_TOPIC ? {} : { threadId: Number(thread) }),
    ...(reply && reply.channel === request.place.channel ? { replyTo: Number(reply.id) } : {}),
    ...(request.showTime ? { silent: true } : {}),
  }
}

function textsOf(request: SendRequest): TelegramText[] | undefined {
  const { body } = request
  const content = body === undefined ? { text: '', spans: [] } : sanitizeRich(bodyText(body))
  if (body === undefined || content.text.trim() === '') return undefined
  const name = nameOf(request)
  const quote = quoteOf(request)
  const first = (part: RichText): RichText => concatRich(...(quote ? [quote, '\n'] : []), withName(name, part))
  const later = (part: RichText): RichText => withName(name, part)
  const measure = (part: RichText): number => toTelegramEntities(first(part)).text.length
  // No limit on parts: every text that any network lets through fits into a few, and none is cut short.
  const { parts } = splitRich(content, { limit: MAX_TEXT, maxParts: Number.MAX_SAFE_INTEGER, measure })
  return parts.map((part, i) => ({
    ...toTelegramEntities(i === 0 ? first(part) : later(part)),
    noPreview: body.noPreview === true,
  }))
}

/** Bold author name with the original time where it is late: `12:03 · Name`. */
function nameOf(request: SendRequest): RichText {
  const name = sanitizeName(request.author.displayName, MAX_NAME) || 'Unknown user'
  const bold = styled(name, { kind: 'bold' })
  return request.showTime ? concatRich(`${utcClock(request.occurredAt)} · `, bold) : bold
}

function withName(name: RichText, part: RichText): RichText {
  const head = part.spans[0]
  const block = head?.start === 0 && (head.kind === 'pre' || head.kind === 'quote')
  return concatRich(name, block ? ':\n' : ': ', part)
}

/** The target of a reply where it cannot be referred to: `> Name: excerpt`. */
function quoteOf(request: SendRequest): RichText | undefined {
  const reply = request.op === 'create' ? request.reply : undefined
  if (!reply || (reply.ref && reply.ref.channel === request.place.channel)) return undefined
  const name = sanitizeName(reply.authorName ?? '', MAX_NAME)
  const excerpt = cutGraphemes(
    sanitizeRich({ text: reply.excerpt ?? '', spans: [] })
      .text.replace(/\s+/g, ' ')
      .trim(),
    MAX_EXCERPT,
  )
  const line = [name, excerpt].filter((p) => p !== '').join(': ')
  return line === '' ? undefined : styled(line, { kind: 'quote' })
}

function utcClock(ms: number): string {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? '--:--' : date.toISOString().slice(11, 16)
}
