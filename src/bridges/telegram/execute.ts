import { z } from 'zod'
import { FILE_PART, type NativePart, type SendOutcome, type SendRequest } from '../port.ts'
import type { TelegramClient } from './client.ts'
import { type Failure, failureOf, failureText, isUnreplaceable, judge, mediaRefusal, type Verdict } from './errors.ts'
import type { TelegramLimits } from './limits.ts'
import {
  captionFields,
  type MediaCall,
  mediaMethod,
  mediaPayload,
  type NewInputFile,
  type ReplaceCall,
  replacePayload,
  uploadSize,
} from './media-call.ts'
import { keyboardOf } from './notice.ts'
import type { CreateOptions, TelegramCall, TelegramText } from './outbound.ts'

/** How a create is treated that may have arrived already: bots cannot look it up (bridging 15.4). */
export type AmbiguousPolicy = 'resend' | 'drop'

export interface SendCounters {
  sent: number
  edited: number
  deleted: number
  /** Sent again although an earlier attempt may have arrived: people may see it twice. */
  ambiguousResent: number
  /** Not sent again for the same reason: people may never see it. */
  ambiguousDropped: number
  /** Texts the platform accepted only without formatting; a converter bug when not 0. */
  entityFallback: number
  /** Answers 429. */
  rateLimited: number
  /** Calls not made because the predicted limit was reached. */
  heldBack: number
}

export const newSendCounters = (): SendCounters => ({
  sent: 0,
  edited: 0,
  deleted: 0,
  ambiguousResent: 0,
  ambiguousDropped: 0,
  entityFallback: 0,
  rateLimited: 0,
  heldBack: 0,
})

export interface ExecuteContext {
  readonly client: TelegramClient
  /** For uploads, which take longer. */
  readonly uploads: TelegramClient
  readonly newFile: NewInputFile
  readonly limits: TelegramLimits
  readonly counters: SendCounters
  readonly policy: AmbiguousPolicy
  readonly now: () => number
  /** The chat's present id when it moved. */
  readonly currentChat: (channel: string) => string
  /** Learns that a chat moved; resolves after it is remembered. */
  readonly onMigrated: (from: string, to: string) => Promise<void>
}

const Sent = z.looseObject({ message_id: z.int() })
const DELETED_TEXT = '(deleted)'
/** Second tries of one call (without entities, without reply, at a new chat id) at most. */
const MAX_VARIANTS = 3
/** An upload may take this long, ms, and the time its bytes need at the slowest, bytes per ms. */
const UPLOAD_MS = 30_000
const SLOWEST_UPLOAD = 128

interface Variant {
  channel: string
  plain: boolean
  noReply: boolean
}

type Step =
  /** `ids`: of the messages made. */
  | { readonly kind: 'ok'; readonly ids?: readonly string[]; readonly channel: string }
  | MediaRefusal
  | Exclude<SendOutcome, { kind: 'done' }>

/** The platform does not take these files like this; the message needs another plan. */
export interface MediaRefusal {
  readonly kind: 'refused-media'
  readonly call: MediaCall | ReplaceCall
  readonly why: 'too-large' | 'form'
}

/**
 * Runs a plan call by call. Every answer is an outcome; what was done before a failure has been reported by `onPart`, and is
 * in `parts`.
 */
export async function executePlan(
  calls: readonly TelegramCall[],
  request: SendRequest,
  progress: { readonly parts: Map<number, NativePart>; doubtful: boolean },
  ctx: ExecuteContext,
  signal: AbortSignal,
): Promise<SendOutcome | MediaRefusal> {
  const { parts } = progress
  for (const [i, call] of calls.entries()) {
    // The first part without a native message is the one that may have arrived.
    const again = isCreate(call) && progress.doubtful
    if (again) progress.doubtful = false
    if (again && ctx.policy === 'drop') {
      ctx.counters.ambiguousDropped++
      continue
    }
    const step = await runCall(call, request, ctx, signal)
    if (again && (step.kind === 'ok' || step.kind === 'ambiguous')) ctx.counters.ambiguousResent++
    if (step.kind !== 'ok') return step
    if (call.op === 'delete' && request.op === 'edit') {
      parts.delete(call.part)
      continue
    }
    const made = partsOf(call, step, request)
    for (const [n, part] of made.entries()) {
      parts.set(part.part, part)
      // The outcome reports the last one.
      if (i < calls.length - 1 || n < made.length - 1) await request.onPart(part)
    }
  }
  return { kind: 'done', parts: [...parts.values()].sort((a, b) => a.part - b.part) }
}

const isCreate = (call: TelegramCall): call is Extract<TelegramCall, { op: 'create' | 'media' }> =>
  call.op === 'create' || call.op === 'media'

function partsOf(call: TelegramCall, step: Step & { kind: 'ok' }, request: SendRequest): readonly NativePart[] {
  if (call.op === 'replace') return [{ ...call.target, shows: [call.item.file.attachment.id] }]
  if (call.op === 'delete') return [call.target, ...(call.others ?? [])]
  if (!isCreate(call)) return [call.target]
  const { account, thread } = request.place
  const refOf = (id: string | undefined): NativePart['ref'] => ({
    network: 'telegram',
    account,
    channel: step.channel,
    id: id ?? '',
    ...(thread === undefined ? {} : { thread }),
  })
  if (call.op === 'create') {
    return [{ part: call.part, ref: refOf(step.ids?.[0]), ...(call.carries ? { carries: call.carries } : {}) }]
  }
  return call.group.items.map(({ file }, i) => ({
    part: call.from === undefined ? FILE_PART + file.index : call.from + i,
    ref: refOf(step.ids?.[i]),
    carries: { files: [file.index], lines: i === 0 ? call.lines : [] },
    shows: [file.attachment.id],
  }))
}

async function runCall(call: TelegramCall, request: SendRequest, ctx: ExecuteContext, signal: AbortSignal): Promise<Step> {
  const old = isCreate(call) ? request.place.channel : call.target.ref.channel
  const variant: Variant = { channel: isCreate(call) ? ctx.currentChat(old) : old, plain: false, noReply: false }
  // Messages of a chat that became a supergroup stay behind and cannot be changed any more.
  if (!isCreate(call) && ctx.currentChat(old) !== old) return { kind: 'ok', channel: old }
  for (let tries = 0; ; tries++) {
    const step = await attempt(call, variant, ctx, signal)
    if (step.kind !== 'retry') return step
    if (tries === MAX_VARIANTS) return { kind: 'permanent', code: 'TELEGRAM_REFUSED', message: step.message }
  }
}

type Attempt = Step | { readonly kind: 'retry'; readonly message: string }

async function attempt(call: TelegramCall, variant: Variant, ctx: ExecuteContext, signal: AbortSignal): Promise<Attempt> {
  if (signal.aborted) return { kind: 'not-sent', code: 'TELEGRAM_ABORTED', message: 'stopped before it was sent' }
  const wait = ctx.limits.reserve(variant.channel, ctx.now(), call.op === 'media' ? call.group.items.length : 1)
  if (wait) {
    ctx.counters.heldBack++
    return { kind: 'rate-limited', ...wait }
  }
  try {
    const result = await perform(call, variant, ctx, signal)
    count(call, ctx)
    if (!isCreate(call)) return { kind: 'ok', channel: variant.channel }
    const sent = Array.isArray(result) ? result : [result]
    return { kind: 'ok', channel: variant.channel, ids: sent.map((message) => String(Sent.parse(message).message_id)) }
  } catch (error) {
    if (error instanceof z.ZodError)
      return { kind: 'ambiguous', code: 'TELEGRAM_BAD_ANSWER', message: 'the answer has no message id' }
    const failure = failureOf(error)
    if (call.op === 'media') {
      const why = mediaRefusal(failure)
      if (why !== undefined) return { kind: 'refused-media', call, why }
    }
    if (call.op === 'replace' && isUnreplaceable(failure)) return { kind: 'refused-media', call, why: 'form' }
    const op = isCreate(call) ? 'create' : call.op === 'replace' ? 'edit' : call.op
    return follow(judge(failure, op), failure, { call, variant, ctx, signal })
  }
}

function perform(call: TelegramCall, variant: Variant, ctx: ExecuteContext, signal: AbortSignal): Promise<unknown> {
  const payload = payloadOf(call, variant, ctx)
  if (call.op !== 'media' && call.op !== 'replace') return ctx.client.call(methodOf(call), payload, signal)
  const patience = AbortSignal.timeout(Math.ceil(UPLOAD_MS + uploadSize(call) / SLOWEST_UPLOAD))
  return ctx.uploads.call(mediaMethod(call), payload, AbortSignal.any([signal, patience]))
}

interface Attempted {
  readonly call: TelegramCall
  readonly variant: Variant
  readonly ctx: ExecuteContext
  readonly signal: AbortSignal
}

async function follow(verdict: Verdict, failure: Failure, tried: Attempted): Promise<Attempt> {
  const { call, variant, ctx } = tried
  const again: Attempt = { kind: 'retry', message: failureText(failure) }
  switch (verdict.kind) {
    case 'satisfied':
      return { kind: 'ok', channel: variant.channel }
    case 'rate-limited':
      ctx.counters.rateLimited++
      return { kind: 'rate-limited', ...ctx.limits.refused(variant.channel, verdict.afterMs, ctx.now()) }
    case 'without-entities':
      if (variant.plain) return { kind: 'permanent', code: 'TELEGRAM_REFUSED', message: failureText(failure) }
      ctx.counters.entityFallback++
      variant.plain = true
      return again
    case 'without-reply':
      variant.noReply = true
      return again
    case 'migrated':
      await ctx.onMigrated(variant.channel, verdict.to)
      if (!isCreate(call)) return { kind: 'ok', channel: variant.channel }
      // Message ids are not carried over, so the reply target is gone as well.
      Object.assign(variant, { channel: verdict.to, noReply: true })
      return again
    case 'not-deletable':
      return blank(tried)
    default:
      return verdict
  }
}

/** After the window for deletes the copy says that it was deleted (bridging 10.2). */
async function blank({ call, variant, ctx, signal }: Attempted): Promise<Attempt> {
  if (call.op !== 'delete') return { kind: 'ok', channel: variant.channel }
  if (call.others !== undefined) {
    // One of several cannot be deleted: each for itself.
    for (const target of [call.target, ...call.others]) {
      const step = await attempt({ op: 'delete', part: target.part, target }, variant, ctx, signal)
      if (step.kind !== 'ok') return step
    }
    return { kind: 'ok', channel: variant.channel }
  }
  const text = { text: DELETED_TEXT, entities: [], noPreview: true }
  const edit: TelegramCall = { op: 'edit', part: call.part, target: call.target, text }
  const step = await attempt(edit, variant, ctx, signal)
  if (step.kind !== 'permanent') return step
  return { kind: 'permanent', code: 'TELEGRAM_NOT_DELETABLE', message: 'the message is too old to be deleted or edited' }
}

function count(call: TelegramCall, ctx: ExecuteContext): void {
  if (call.op === 'create') ctx.counters.sent++
  else if (call.op === 'media') ctx.counters.sent += call.group.items.length
  else if (call.op === 'edit' || call.op === 'replace') ctx.counters.edited++
  else ctx.counters.deleted += 1 + (call.others?.length ?? 0)
}

function methodOf(call: TelegramCall): string {
  if (call.op === 'media' || call.op === 'replace') return mediaMethod(call)
  if (call.op === 'create') return 'sendMessage'
  if (call.op === 'delete') return call.others === undefined ? 'deleteMessage' : 'deleteMessages'
  return isCaption(call) ? 'editMessageCaption' : 'editMessageText'
}

/** The text of a message with a file is its caption. */
function isCaption(call: TelegramCall & { op: 'edit' }): boolean {
  return call.part >= FILE_PART && !call.target.carries?.lines.includes(call.part - FILE_PART)
}

function payloadOf(call: TelegramCall, variant: Variant, ctx: ExecuteContext): Record<string, unknown> {
  const chat = { chat_id: /^-?\d+$/.test(variant.channel) ? Number(variant.channel) : variant.channel }
  if (call.op === 'delete') {
    if (call.others === undefined) return { ...chat, message_id: Number(call.target.ref.id) }
    return { ...chat, message_ids: [call.target, ...call.others].map(({ ref }) => Number(ref.id)) }
  }
  if (call.op === 'edit' && isCaption(call)) {
    return { ...chat, message_id: Number(call.target.ref.id), ...captionFields(call.text, variant.plain) }
  }
  if (call.op === 'replace') {
    return { ...chat, message_id: Number(call.target.ref.id), ...replacePayload(call, variant.plain, ctx.newFile) }
  }
  const content = call.op === 'media' ? mediaPayload(call, variant.plain, ctx.newFile) : textPayload(call.text, variant)
  if (call.op === 'edit') return { ...chat, message_id: Number(call.target.ref.id), ...content, ...markupOf(call.button) }
  const { threadId, replyTo, silent, button } = call.options
  const reply = replyTo === undefined || variant.noReply ? undefined : { message_id: replyTo, allow_sending_without_reply: true }
  return {
    ...chat,
    ...content,
    ...(threadId === undefined ? {} : { message_thread_id: threadId }),
    ...(reply ? { reply_parameters: reply } : {}),
    ...(silent ? { disable_notification: true } : {}),
    ...markupOf(button),
  }
}

const markupOf = (button: CreateOptions['button']): object => (button ? { reply_markup: keyboardOf([[button]]) } : {})

function textPayload({ text, entities, noPreview }: TelegramText, variant: Variant): Record<string, unknown> {
  return {
    text,
    ...(variant.plain || entities.length === 0 ? {} : { entities }),
    ...(noPreview ? { link_preview_options: { is_disabled: true } } : {}),
  }
}
