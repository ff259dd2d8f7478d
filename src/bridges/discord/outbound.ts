import { hashId } from '../../base/ids.ts'
import { printDiscordMarkdown } from '../format/discord-markdown.ts'
import { bodyText } from '../format/fallbacks.ts'
import { plainText } from '../format/plain.ts'
import { concatRich, styled } from '../format/rich-text-ops.ts'
import { cutGraphemes, sanitizeName, sanitizeText } from '../format/sanitize.ts'
import { splitRich } from '../format/split.ts'
import type { RichText } from '../model/rich-text.ts'
import type { NativePart, SendRequest } from '../port.ts'

/** Message content, in UTF-16 units: never less than Discord's own count (4.1). */
export const MAX_CONTENT = 2000
const MAX_PARTS = 5
const MAX_NAME = 32
const MAX_EXCERPT = 120
const WEB_BASE = 'https://discord.com/channels'

/** How the author is shown: as the message's own author, or as a bold prefix. */
export type Mode = 'webhook' | 'bot'

export interface PlanContext {
  readonly mode: Mode
  /** Custom emoji of servers the bot is in. */
  readonly canUseEmoji: (id: string) => boolean
  /** Long texts may go as a file; without, they take as many messages as they need. */
  readonly allowFile: boolean
  /** Everything as plain characters, for a form Discord refused. */
  readonly plain?: boolean
}

export type DiscordCall =
  | {
      readonly op: 'create'
      readonly part: number
      readonly content: string
      readonly file?: { readonly name: string; readonly text: string }
      /** Native reply; only in bot mode. */
      readonly replyTo?: string
      readonly flags: number
      /** For creates by the bot: the same for every attempt (15.4). */
      readonly nonce: string
    }
  | { readonly op: 'edit'; readonly part: number; readonly target: NativePart; readonly content: string }
  | { readonly op: 'delete'; readonly part: number; readonly target: NativePart }

const SUPPRESS_EMBEDS = 1 << 2
const SUPPRESS_NOTIFICATIONS = 1 << 12

/**
 * The calls that carry out a request, in order (bridging 4.4, 8, 10). Pure: the same request gives the same calls. Parts that
 * exist are left out of a create; an edit changes, appends and deletes parts as the new text needs. Undefined: nothing to show.
 */
export function planCalls(request: SendRequest, context: PlanContext): readonly DiscordCall[] | undefined {
  if (request.op === 'delete') return request.parts.map((target) => ({ op: 'delete', part: target.part, target }))
  const messages = messagesOf(request, context)
  if (messages === undefined) return undefined
  const existing = new Map(request.parts.map((p) => [p.part, p]))
  const replyTo = nativeReply(request, context.mode)
  const calls: DiscordCall[] = messages.flatMap((message, part): DiscordCall[] => {
    const target = existing.get(part)
    if (target !== undefined) return request.op === 'edit' ? [{ op: 'edit', part, target, content: message.content }] : []
    const create: DiscordCall = {
      op: 'create',
      part,
      ...message,
      ...(part === 0 && replyTo !== undefined && { replyTo }),
      flags: (request.body?.noPreview ? SUPPRESS_EMBEDS : 0) | (request.showTime ? SUPPRESS_NOTIFICATIONS : 0),
      nonce: hashId([request.idemKey, part], 25),
    }
    return [create]
  })
  if (request.op === 'create') return calls
  const surplus = request.parts.filter((p) => p.part >= messages.length)
  return [...calls, ...surplus.map((target): DiscordCall => ({ op: 'delete', part: target.part, target }))]
}

interface Message {
  readonly content: string
  readonly file?: { readonly name: string; readonly text: string }
}

function messagesOf(request: SendRequest, context: PlanContext): Message[] | undefined {
  const { body } = request
  const text = body === undefined ? { text: '', spans: [] } : bodyText(body)
  if (text.text.trim() === '') return undefined
  const content = context.plain ? { text: plainText(text), spans: [] } : text
  const print = printerFor(request, context)
  const prefix = prefixOf(request, context.mode)
  const quote = quoteOf(request, context.mode)
  const shown = (part: RichText, index: number): string =>
    print(concatRich(...(index === 0 ? quote : []), ...withPrefix(prefix, part)))
  // The first part is the longest: measuring every part like it keeps the split independent of its number.
  const { parts, fullText } = splitRich(content, {
    limit: MAX_CONTENT,
    maxParts: context.allowFile ? MAX_PARTS : Number.MAX_SAFE_INTEGER,
    measure: (part) => shown(part, 0).length,
  })
  if (fullText !== undefined)
    return [{ content: shown(parts[0] as RichText, 0), file: { name: 'message.txt', text: plainText(content) } }]
  const messages = parts.map((part, index) => ({ content: shown(part, index) })).filter((m) => m.content.trim() !== '')
  return messages.length === 0 ? undefined : messages
}

function printerFor(request: SendRequest, context: PlanContext): (rich: RichText) => string {
  const isLocal = request.author.key.startsWith('discord:')
  const isTrusted = request.author.senderClass === undefined || request.author.senderClass === 'verified'
  return (rich) =>
    printDiscordMarkdown(rich, {
      // Channels ping nobody; people and roles stay text until they are granted (11).
      grants: (mention) => isLocal && mention.target === 'channel',
      canUseEmoji: context.canUseEmoji,
      maskedLinks: isTrusted,
    })
}

/** `12:03 ·` when late, and in bot mode `Name:` in bold. */
function prefixOf(request: SendRequest, mode: Mode): (RichText | string)[] {
  const time = request.showTime ? [timeTag(request.occurredAt), ' ·'] : []
  if (mode === 'webhook') return time
  const name = sanitizeName(request.author.displayName, MAX_NAME) || 'Unknown user'
  return [...time, ...(time.length > 0 ? [' '] : []), styled(name, { kind: 'bold' }), ':']
}

/** A clock time that every reader sees in their own time zone. */
function timeTag(ms: number): RichText {
  return styled('time', { kind: 'timestamp', unixSeconds: Math.floor(ms / 1000), style: 't' })
}

function withPrefix(prefix: (RichText | string)[], part: RichText): (RichText | string)[] {
  if (prefix.length === 0) return [part]
  const head = part.spans[0]
  const isBlock = head?.start === 0 && ['pre', 'quote', 'heading', 'subtext', 'listItem'].includes(head.kind)
  return [...prefix, isBlock ? '\n' : ' ', part]
}

function isHere(request: SendRequest): boolean {
  const ref = request.reply?.ref
  return ref !== undefined && ref.network === 'discord' && channelIdOf(ref) === channelIdOf(request.place)
}

function nativeReply(request: SendRequest, mode: Mode): string | undefined {
  return mode === 'bot' && request.op === 'create' && isHere(request) ? request.reply?.ref?.id : undefined
}

/**
 * What stands above the text of a reply (10.3): for webhooks, which cannot reply, a small line with a link to the copy; a
 * quote where there is no copy.
 */
function quoteOf(request: SendRequest, mode: Mode): (RichText | string)[] {
  const { reply, place } = request
  if (reply === undefined || (mode === 'bot' && isHere(request))) return []
  const name = sanitizeName(reply.authorName ?? '', MAX_NAME)
  const excerpt = cutGraphemes(
    sanitizeText(reply.excerpt ?? '')
      .replace(/\s+/g, ' ')
      .trim(),
    MAX_EXCERPT,
  )
  if (isHere(request) && reply.ref !== undefined) {
    const url = [WEB_BASE, place.space ?? '@me', channelIdOf(reply.ref), reply.ref.id].join('/')
    const line = concatRich('↪ ', styled(name || 'message', { kind: 'link', url }), excerpt === '' ? '' : `: ${excerpt}`)
    return [concatRich({ ...line, spans: [{ kind: 'subtext', start: 0, end: line.text.length }, ...line.spans] }), '\n']
  }
  const line = [name, excerpt].filter((p) => p !== '').join(': ')
  return line === '' ? [] : [styled(line, { kind: 'quote' }), '\n']
}

/** Discord addresses a thread as a channel of its own. */
export function channelIdOf(place: { readonly channel: string; readonly thread?: string }): string {
  return place.thread ?? place.channel
}
