import { hashId } from '../../base/ids.ts'
import { type FileChange, fileChange, keptBy } from '../file-change.ts'
import { printDiscordMarkdown } from '../format/discord-markdown.ts'
import { bodyText } from '../format/fallbacks.ts'
import { linkedMentions } from '../format/linked-mentions.ts'
import { plainText } from '../format/plain.ts'
import { concatRich, styled } from '../format/rich-text-ops.ts'
import { cutGraphemes, sanitizeName, sanitizeText } from '../format/sanitize.ts'
import { splitRich } from '../format/split.ts'
import { bodyFiles } from '../media.ts'
import type { Attachment, Body, MarketCard } from '../model/message.ts'
import type { RichText } from '../model/rich-text.ts'
import { NO_FILES, type OutgoingFiles, type SendableFile } from '../outgoing-files.ts'
import { FILE_PART, type NativePart, type SendRequest } from '../port.ts'

/** Message content, in UTF-16 units: never less than Discord's own count (4.1). */
export const MAX_CONTENT = 2000
const MAX_PARTS = 5
/** Files of one message (4.1). */
const MAX_FILES = 10
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
  /** The files that are still to be sent or named. Default: none, and all of them are named in the text. */
  readonly files?: OutgoingFiles
  /** Bytes one message may hold in all its files; default unlimited. */
  readonly maxTotal?: number
  /** One file per message, because several together were refused. */
  readonly single?: boolean
}

export type DiscordCall =
  | {
      readonly op: 'create'
      readonly part: number
      readonly content: string
      readonly file?: { readonly name: string; readonly text: string }
      readonly uploads?: readonly SendableFile[]
      /** See `NativePart.carries`. */
      readonly carries?: NonNullable<NativePart['carries']>
      /** Native reply; only in bot mode. */
      readonly replyTo?: string
      readonly flags: number
      /** People to notify: they linked their accounts. */
      readonly mentioned?: readonly string[]
      /** Below the first message of a card. */
      readonly button?: MarketCard['button']
      /** For creates by the bot: the same for every attempt (15.4). */
      readonly nonce: string
    }
  | {
      readonly op: 'edit'
      readonly part: number
      readonly target: NativePart
      readonly content: string
      readonly mentioned?: readonly string[]
      /** Null takes the button of a card away. */
      readonly button?: MarketCard['button'] | null
      /** Its files from now on: those it keeps of the ones it shows, by id, and new ones. Absent: they stay. */
      readonly files?: { readonly kept: readonly string[]; readonly uploads: readonly SendableFile[] }
    }
  | { readonly op: 'delete'; readonly part: number; readonly target: NativePart }

const SUPPRESS_EMBEDS = 1 << 2
const SUPPRESS_NOTIFICATIONS = 1 << 12

/**
 * The calls that carry out a request, in order (bridging 4.4, 8, 10). Pure: the same request gives the same calls. Parts that
 * exist are left out of a create; an edit changes, appends and deletes parts as the new text needs. Undefined: nothing to show.
 */
export function planCalls(request: SendRequest, context: PlanContext): readonly DiscordCall[] | undefined {
  if (request.op === 'delete') return request.parts.map((target) => ({ op: 'delete', part: target.part, target }))
  const change = fileChange(request)
  if (change !== undefined && (change.added.size > 0 || change.lost.size > 0)) return planReplacement(request, context, change)
  return planTexts(request, context)
}

function planTexts(request: SendRequest, context: PlanContext): readonly DiscordCall[] | undefined {
  const carried = carriedBy(request.parts)
  const texts = textsOf(request, context, carried)
  const existing = new Map(request.parts.map((p) => [p.part, p]))
  const messages = request.op === 'create' ? layout(texts, context, existing) : texts.map((text, part) => ({ ...text, part }))
  if (messages.length === 0 && (request.parts.length === 0 || (request.op === 'edit' && !keepsFiles(request, context))))
    return undefined
  const replyTo = nativeReply(request, context.mode)
  const calls: DiscordCall[] = messages.flatMap(({ part, ...message }): DiscordCall[] => {
    const target = existing.get(part)
    const card = part === 0 ? request.body?.card : undefined
    if (target !== undefined) {
      if (request.op !== 'edit') return []
      const people = mentionedIn(message.content, request)
      return [{ op: 'edit', part, target, content: message.content, ...people, ...(card && { button: card.button ?? null }) }]
    }
    const create: DiscordCall = {
      op: 'create',
      part,
      ...message,
      ...mentionedIn(message.content, request),
      ...(part === 0 && replyTo !== undefined && { replyTo }),
      flags: (request.body?.noPreview ? SUPPRESS_EMBEDS : 0) | (request.showTime ? SUPPRESS_NOTIFICATIONS : 0),
      nonce: hashId([request.idemKey, part], 25),
      ...(card?.button && { button: card.button }),
    }
    return [create]
  })
  if (request.op === 'create') return calls
  const surplus = request.parts.filter((p) => p.part >= messages.length && p.part < FILE_PART)
  return [...calls, ...surplus.map((target): DiscordCall => ({ op: 'delete', part: target.part, target }))]
}

/**
 * An edit that takes files away or brings new ones. New files go to the message that lost some, otherwise to the one with the
 * text; what does not fit there follows in messages of its own. A message that has nothing left is deleted.
 */
function planReplacement(request: SendRequest, context: PlanContext, change: FileChange): readonly DiscordCall[] | undefined {
  const texts = planTexts(request, context) ?? []
  const written = new Map(texts.flatMap((call) => (call.op === 'edit' ? [[call.part, call] as const] : [])))
  const home = request.parts.find((p) => change.lost.has(p.part)) ?? request.parts.find((p) => p.part === 0)
  const batches = batchesOf(
    (context.files ?? NO_FILES).sendable.filter((f) => change.added.has(f.index)),
    context,
  )
  const joins = home !== undefined && (batches[0]?.length ?? 0) + keptBy(home, change).length <= MAX_FILES
  const uploads = joins ? (batches.shift() ?? []) : []
  const changed = request.parts.filter((p) => change.lost.has(p.part) || (p === home && uploads.length > 0))
  const edits = changed.flatMap((target): DiscordCall[] => {
    const kept = keptBy(target, change)
    const more = target === home ? uploads : []
    const text = written.get(target.part)
    const content = text?.content ?? ''
    if (content === '' && kept.length === 0 && more.length === 0) return [{ op: 'delete', part: target.part, target }]
    return [{ op: 'edit', part: target.part, target, content, ...text, files: { kept, uploads: more } }]
  })
  const replaced = new Set(edits.map((call) => call.part))
  const others = texts.filter((call) => !replaced.has(call.part))
  // Never the first number: that one says that the message with the text has no files of its own.
  let free = Math.max(FILE_PART, ...request.parts.map((p) => p.part))
  const creates = batches.map((batch): DiscordCall => {
    const part = ++free
    const carries = { files: batch.map((f) => f.index), lines: [] }
    return { op: 'create', part, content: '', uploads: batch, carries, flags: 0, nonce: hashId([request.idemKey, part], 25) }
  })
  const calls = [...others, ...edits, ...creates]
  const isNothing = calls.length >= request.parts.length && calls.every((call) => call.op === 'delete')
  return isNothing ? undefined : calls
}

interface Message {
  readonly content: string
  readonly file?: { readonly name: string; readonly text: string }
}

interface PlacedMessage extends Message {
  readonly part: number
  readonly uploads?: readonly SendableFile[]
  readonly carries?: NonNullable<NativePart['carries']>
}

interface Carried {
  readonly files: ReadonlySet<number>
  readonly lines: ReadonlySet<number>
}

/** Files a call uploads from elsewhere. */
export function uploadsOf(call: DiscordCall | undefined): readonly SendableFile[] {
  if (call?.op === 'edit') return call.files?.uploads ?? []
  return call?.op === 'create' ? (call.uploads ?? []) : []
}

/** What native messages of an earlier attempt show already. */
export function carriedBy(parts: readonly NativePart[]): Carried {
  return {
    files: new Set(parts.flatMap((p) => p.carries?.files ?? [])),
    lines: new Set(parts.flatMap((p) => p.carries?.lines ?? [])),
  }
}

/** Texts first; the files go with a text that is one message, otherwise they follow it (8.8). */
function layout(texts: readonly Message[], context: PlanContext, existing: ReadonlyMap<number, NativePart>): PlacedMessage[] {
  const { sendable, lines } = context.files ?? NO_FILES
  const told = carriedBy([...existing.values()]).lines
  const batches = batchesOf(
    sendable.filter((f) => !told.has(f.index)),
    context,
  )
  const numbers = [...lines.keys()]
  const isBegun = existing.has(0)
  // Whoever reads the text reads these with it; once it is sent they need messages of their own.
  const named = isBegun ? [] : numbers
  const late = isBegun ? numbers.filter((n) => !told.has(n)) : []
  const carries = (files: readonly SendableFile[], more: readonly number[]): NonNullable<NativePart['carries']> => ({
    files: files.map((f) => f.index),
    lines: more,
  })
  const placed: PlacedMessage[] = []
  const joined = texts.length <= 1 && !isBegun && texts[0]?.file === undefined ? batches.shift() : undefined
  if (joined !== undefined) {
    placed.push({ part: 0, content: texts[0]?.content ?? '', uploads: joined, carries: carries(joined, named) })
  } else {
    texts.forEach((text, part) => {
      placed.push({ part, ...text, ...(part === 0 && named.length > 0 && { carries: carries([], named) }) })
    })
  }
  const rest: PlacedMessage[] = batches.map((batch) => {
    const part = FILE_PART + (batch[0] as SendableFile).index
    return { part, content: '', uploads: batch, carries: carries(batch, []) }
  })
  for (const number of late)
    rest.push({ part: FILE_PART + number, content: lines.get(number) ?? '', carries: carries([], [number]) })
  return [...placed, ...rest.sort((a, b) => a.part - b.part)]
}

/** At most ten files per message and not more bytes than one request may have (4.1). */
function batchesOf(files: readonly SendableFile[], context: PlanContext): SendableFile[][] {
  const most = context.single ? 1 : MAX_FILES
  const batches: SendableFile[][] = []
  let bytes = 0
  for (const file of files) {
    const last = batches.at(-1)
    const fits =
      last !== undefined && last.length < most && bytes + file.file.size <= (context.maxTotal ?? Number.POSITIVE_INFINITY)
    if (fits) last.push(file)
    else batches.push([file])
    bytes = (fits ? bytes : 0) + file.file.size
  }
  return batches
}

function textsOf(request: SendRequest, context: PlanContext, carried: Carried): Message[] {
  const { body } = request
  const text = body === undefined ? { text: '', spans: [] } : bodyText(linkedBody(body), fileWords(request, context, carried))
  const prefix = prefixOf(request, context.mode)
  const quote = quoteOf(request, context.mode)
  const isBare = text.text.trim() === ''
  const hasFiles = (context.files?.sendable.length ?? 0) > 0 || carried.files.size > 0 || keepsFiles(request, context)
  if (isBare && (!hasFiles || (prefix.length === 0 && quote.length === 0))) {
    return isBare && hasFiles && holdsFilesItself(request) ? [{ content: '' }] : []
  }
  const content = context.plain ? { text: plainText(text), spans: [] } : text
  const print = printerFor(request, context)
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
  return parts.map((part, index) => ({ content: shown(part, index).trimEnd() })).filter((m) => m.content.trim() !== '')
}

/** Which files the text need not mention, and what it says about the others. */
function fileWords(request: SendRequest, context: PlanContext, carried: Carried) {
  const numbers = new Map<Attachment, number>(bodyFiles(request.body).map((a, i) => [a, i]))
  const { sendable, lines } = context.files ?? NO_FILES
  const uploaded = new Set([...sendable.map((f) => f.index), ...carried.files])
  const isBegun = request.parts.some((p) => p.part === 0)
  const isFile = (attachment: Attachment): boolean => {
    const number = numbers.get(attachment) as number
    if (context.files === undefined) return false
    if (request.op === 'edit') return !lines.has(number)
    // The text of a retry is the text of the first attempt: what it did not name then, it does not name now.
    return !carried.lines.has(number) && (isBegun || uploaded.has(number))
  }
  return { sentAsFile: isFile, lineOf: (attachment: Attachment) => lines.get(numbers.get(attachment) as number) }
}

/** An edit of a message whose files were sent leaves them where they are. */
function keepsFiles(request: SendRequest, context: PlanContext): boolean {
  return request.op === 'edit' && context.files !== undefined && bodyFiles(request.body).length > context.files.lines.size
}

/** The first message holds files beside its text, so that it stays when the text goes. */
function holdsFilesItself(request: SendRequest): boolean {
  return request.op === 'edit' && request.parts.some((p) => p.part === 0) && !request.parts.some((p) => p.part === FILE_PART)
}

const linkedBody = (body: Body): Body => ({ ...body, rich: linkedMentions(body.rich, 'discord').rich })

/** People of this server the text may notify, because they linked the account it mentions (11). */
function grantedIn({ body }: SendRequest): ReadonlySet<string> {
  return body === undefined ? new Set() : linkedMentions(body.rich, 'discord').granted
}

/** Those of them this part of the text mentions. */
function mentionedIn(content: string, request: SendRequest): { mentioned?: readonly string[] } {
  const granted = grantedIn(request)
  const mentioned = granted.size === 0 ? [] : [...granted].filter((id) => content.includes(`<@${id}>`))
  return mentioned.length === 0 ? {} : { mentioned }
}

function printerFor(request: SendRequest, context: PlanContext): (rich: RichText) => string {
  const isLocal = request.author.key.startsWith('discord:')
  const granted = grantedIn(request)
  const isTrusted = request.author.senderClass === undefined || request.author.senderClass === 'verified'
  return (rich) =>
    printDiscordMarkdown(rich, {
      // Channels ping nobody; people and roles stay text until they are granted (11).
      grants: (mention) => (isLocal && mention.target === 'channel') || (mention.target === 'user' && granted.has(mention.id)),
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
