import { type BodyTextOptions, bodyText } from '../format/fallbacks.ts'
import { linkedMentions } from '../format/linked-mentions.ts'
import { concatRich, styled } from '../format/rich-text-ops.ts'
import { cutGraphemes, sanitizeName, sanitizeRich } from '../format/sanitize.ts'
import { splitRich } from '../format/split.ts'
import { type EntityOptions, type TelegramEntity, toTelegramEntities } from '../format/telegram-entities.ts'
import { bodyFiles } from '../media.ts'
import type { Attachment, MarketCard } from '../model/message.ts'
import { plain, type RichText } from '../model/rich-text.ts'
import { NO_FILES, type OutgoingFiles } from '../outgoing-files.ts'
import { FILE_PART, type NativePart, type SendRequest } from '../port.ts'
import { CAPTIONLESS, groupsOf, type MediaGroup, type PlanFiles } from './media-plan.ts'
import { replacements } from './replace-plan.ts'

/** One call of a plan. `part` is the place of the native message in the logical one. */
export type TelegramCall =
  | {
      readonly op: 'create'
      readonly part: number
      readonly text: TelegramText
      readonly options: CreateOptions
      readonly carries?: NonNullable<NativePart['carries']>
    }
  /** Files; makes one native message per item, with the part number of the item's file. */
  | {
      readonly op: 'media'
      readonly part: number
      readonly group: MediaGroup
      /** Stands under the first item. */
      readonly caption?: TelegramText
      readonly options: CreateOptions
      /** Files the caption only names. */
      readonly lines: readonly number[]
      /** Number of the first native message, the others follow; absent: each has the number of its file. */
      readonly from?: number
    }
  | {
      readonly op: 'edit'
      readonly part: number
      readonly target: NativePart
      readonly text: TelegramText
      readonly button?: MarketCard['button']
    }
  /** Another file in the place of the one a message shows. */
  | {
      readonly op: 'replace'
      readonly part: number
      readonly target: NativePart
      readonly item: MediaGroup['items'][number]
      readonly caption?: TelegramText
    }
  /** `others`: further messages of the same chat that go with it. */
  | { readonly op: 'delete'; readonly part: number; readonly target: NativePart; readonly others?: readonly NativePart[] }

export interface TelegramText {
  readonly text: string
  readonly entities: readonly TelegramEntity[]
  readonly noPreview: boolean
}

export interface CreateOptions {
  readonly threadId?: number
  readonly replyTo?: number
  readonly silent?: boolean
  /** Below the first message of a card. */
  readonly button?: MarketCard['button']
}

/** 1–4096 UTF-16 units after entities (bridging 5.1). */
export const MAX_TEXT = 4096
const MAX_CAPTION = 1024
const MAX_NAME = 32
/** Messages one call deletes. */
const MAX_DELETES = 100
const MAX_EXCERPT = 120
/** The General topic has this id and must not be named in a call (bridging 5.3). */
const GENERAL_TOPIC = '1'

/**
 * The calls that carry out a request, in order (bridging 5.4, 8, 10). Pure. Parts that exist already are left out of a
 * create; an edit changes, appends and deletes parts as the new text needs. Undefined: there is nothing to show. Without
 * `media` all files are named in the text.
 */
export function planCalls(request: SendRequest, media?: PlanFiles): readonly TelegramCall[] | undefined {
  if (request.op === 'delete') return deleteCalls(request.parts)
  return request.op === 'edit' ? planEdit(request, media) : planCreate(request, media)
}

/** Whether one call deletes all of them. */
export const deletesTogether = (_place: unknown, parts: readonly NativePart[]): boolean =>
  parts.length > 1 && parts.length <= MAX_DELETES && parts.every(({ ref }) => ref.channel === parts[0]?.ref.channel)

function deleteCalls(parts: readonly NativePart[]): readonly TelegramCall[] {
  const [first, ...others] = parts
  if (first !== undefined && deletesTogether(undefined, parts)) return [{ op: 'delete', part: first.part, target: first, others }]
  return parts.map((target) => ({ op: 'delete', part: target.part, target }))
}

function planCreate(request: SendRequest, media: PlanFiles | undefined): readonly TelegramCall[] | undefined {
  const told = new Set(request.parts.flatMap((p) => p.carries?.lines ?? []))
  const files = media?.files ?? NO_FILES
  const sendable = files.sendable.filter((f) => !told.has(f.index))
  const groups = media ? groupsOf(sendable, media.as, media.single) : []
  const existing = new Set(request.parts.map((p) => p.part))
  const isBegun = existing.size > 0
  const first = groups[0]
  const canCaption = first !== undefined && !CAPTIONLESS.has((first.items[0] as MediaGroup['items'][number]).media)
  // What a retry shows is what the first attempt chose: a text of its own, or a caption.
  const captioned = isBegun ? !existing.has(0) : canCaption && captionFits(request, media)
  const texts = captioned ? [] : textsOf(request, { limit: MAX_TEXT, media, bareName: groups.length > 0 || isBegun })
  if (texts === undefined) return groups.length === 0 && request.parts.length === 0 ? undefined : []
  const numbers = [...files.lines.keys()]
  const calls: TelegramCall[] = texts.flatMap((text, part): TelegramCall[] => {
    const carries = { files: [], lines: numbers }
    const more = part === 0 && numbers.length > 0 ? { carries } : {}
    return existing.has(part) ? [] : [{ op: 'create', part, text, options: createOptions(request, part === 0), ...more }]
  })
  groups.forEach((group, i) => {
    const isFirst = i === 0 && captioned && !isBegun
    const caption = isFirst ? textsOf(request, { limit: MAX_CAPTION, media, bareName: true })?.[0] : undefined
    const part = FILE_PART + (group.items[0] as MediaGroup['items'][number]).file.index
    const lines = isFirst ? numbers : []
    calls.push({ op: 'media', part, group, ...(caption && { caption }), options: createOptions(request, isFirst), lines })
  })
  if (isBegun) calls.push(...lateLines(request, files, told))
  return calls.length === 0 && request.parts.length === 0 ? undefined : calls
}

/** Files that could not be sent after all, when the text that would name them is there already. */
function lateLines(request: SendRequest, files: OutgoingFiles, told: ReadonlySet<number>): TelegramCall[] {
  return [...files.lines]
    .filter(([index]) => !told.has(index))
    .map(([index, line]) => ({
      op: 'create',
      part: FILE_PART + index,
      text: { ...toTelegramEntities(sanitizeRich(plain(line))), noPreview: true },
      options: createOptions(request, false),
      carries: { files: [], lines: [index] },
    }))
}

function planEdit(request: SendRequest, media: PlanFiles | undefined): readonly TelegramCall[] | undefined {
  const change = replacements(request, media)
  const parts = request.parts.filter((p) => !change.deleted.includes(p))
  const existing = new Map(parts.map((p) => [p.part, p]))
  const captioned = !existing.has(0) && parts.some((p) => p.part >= FILE_PART)
  const hasFiles = media !== undefined && bodyFiles(request.body).length > media.files.lines.size
  const limit = captioned ? MAX_CAPTION : MAX_TEXT
  const texts = textsOf(request, { limit, media, bareName: hasFiles })
  if (texts === undefined) return undefined
  // The caption of a file is its first text; what does not fit into it follows as messages.
  const caption = captioned ? Math.min(...parts.map((p) => p.part).filter((p) => p >= FILE_PART)) : 0
  const calls = texts.flatMap((text, i): TelegramCall[] => {
    const part = i === 0 ? caption : i
    const target = existing.get(part)
    // The caption of a new file goes with it.
    if (change.replaced.has(part)) return []
    const button = i === 0 ? request.body?.card?.button : undefined
    if (target) return [{ op: 'edit', part, target, text, ...(button && { button }) }]
    return [{ op: 'create', part, text, options: createOptions(request, false) }]
  })
  const replaces = [...change.replaced].map(
    ([part, rest]): TelegramCall => ({
      op: 'replace',
      part,
      ...rest,
      ...(captioned && part === caption && { caption: texts[0] }),
    }),
  )
  const surplus = parts.filter((p) => p.part >= texts.length && p.part < FILE_PART)
  const deletes = [...change.deleted, ...surplus].map((target): TelegramCall => ({ op: 'delete', part: target.part, target }))
  return [...calls, ...replaces, ...deletes, ...addedCalls(request, media, change.added)]
}

/** Files an edit brings and no message has a place for: they answer the message they belong to. */
function addedCalls(request: SendRequest, media: PlanFiles | undefined, added: OutgoingFiles['sendable']): TelegramCall[] {
  if (media === undefined || added.length === 0) return []
  const first = request.parts[0]?.ref.id
  const options = { ...createOptions(request, false), ...(first !== undefined && { replyTo: Number(first) }) }
  let from = Math.max(FILE_PART, ...request.parts.map((p) => p.part)) + 1
  return groupsOf(added, media.as, media.single).map((group) => {
    const call: TelegramCall = { op: 'media', part: from, group, options, lines: [], from }
    from += group.items.length
    return call
  })
}

function captionFits(request: SendRequest, media: PlanFiles | undefined): boolean {
  return textsOf(request, { limit: MAX_CAPTION, media, bareName: true })?.length === 1
}

function createOptions(request: SendRequest, answers: boolean): CreateOptions {
  const { thread } = request.place
  const reply = answers && request.op === 'create' ? request.reply?.ref : undefined
  return {
    ...(thread === undefined || thread === GENERAL_TOPIC ? {} : { threadId: Number(thread) }),
    ...(reply && reply.channel === request.place.channel ? { replyTo: Number(reply.id) } : {}),
    ...(request.showTime ? { silent: true } : {}),
    ...(answers && request.body?.card?.button ? { button: request.body.card.button } : {}),
  }
}

interface TextRules {
  readonly limit: number
  readonly media: PlanFiles | undefined
  /** Files without words still need to say whose they are. */
  readonly bareName: boolean
}

function textsOf(request: SendRequest, { limit, media, bareName }: TextRules): TelegramText[] | undefined {
  const { body } = request
  if (body === undefined) return undefined
  const { rich, granted } = linkedMentions(body.rich, 'telegram')
  // People who linked their accounts are told that they are meant (11).
  const entities: EntityOptions = { userId: ({ id }) => (granted.has(id) ? Number(id) : undefined) }
  const content = sanitizeRich(bodyText({ ...body, rich }, fileWords(request, media)))
  const name = nameOf(request)
  const quote = quoteOf(request)
  const noPreview = body.noPreview === true
  const first = (part: RichText): RichText => concatRich(...(quote ? [quote, '\n'] : []), withName(name, part))
  if (content.text.trim() === '') {
    if (!bareName) return undefined
    return [{ ...toTelegramEntities(concatRich(...(quote ? [quote, '\n'] : []), name)), noPreview }]
  }
  const later = (part: RichText): RichText => withName(name, part)
  const measure = (part: RichText): number => toTelegramEntities(first(part), entities).text.length
  // No limit on parts: every text that any network lets through fits into a few, and none is cut short.
  const { parts } = splitRich(content, { limit, maxParts: Number.MAX_SAFE_INTEGER, measure })
  return parts.map((part, i) => ({ ...toTelegramEntities(i === 0 ? first(part) : later(part), entities), noPreview }))
}

/** Which files the text need not mention, and what it says about the others. */
function fileWords(request: SendRequest, media: PlanFiles | undefined): BodyTextOptions {
  if (media === undefined) return {}
  const numbers = new Map<Attachment, number>(bodyFiles(request.body).map((a, i) => [a, i]))
  const told = new Set(request.parts.flatMap((p) => p.carries?.lines ?? []))
  const isBegun = request.parts.length > 0
  const { lines } = media.files
  return {
    sentAsFile: (attachment) => {
      const number = numbers.get(attachment) as number
      if (request.op === 'edit') return !lines.has(number)
      // The text of a retry is the text of the first attempt: what it did not name then, it does not name now.
      return !told.has(number) && (isBegun || !lines.has(number))
    },
    lineOf: (attachment) => lines.get(numbers.get(attachment) as number),
    altLines: true,
  }
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
  const { reply } = request
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
