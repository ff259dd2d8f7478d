import { z } from 'zod'
import type { NativePart, SendOutcome, SendRequest } from '../port.ts'
import type { TelegramClient } from './client.ts'
import { type Failure, failureOf, failureText, judge, type Verdict } from './errors.ts'
import type { TelegramLimits } from './limits.ts'
import type { TelegramCall } from './outbound.ts'

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

interface Variant {
  channel: string
  plain: boolean
  noReply: boolean
}

type Step = { readonly kind: 'ok'; readonly id?: string; readonly channel: string } | Exclude<SendOutcome, { kind: 'done' }>

/** Runs a plan call by call. Every answer is an outcome; what was done before a failure has been reported by `onPart`. */
export async function executePlan(
  calls: readonly TelegramCall[],
  request: SendRequest,
  ctx: ExecuteContext,
  signal: AbortSignal,
): Promise<SendOutcome> {
  const parts = new Map(request.parts.map((p) => [p.part, p]))
  // The first part without a native message is the one that may have arrived.
  let doubtful = request.ambiguousSince !== undefined
  for (const [i, call] of calls.entries()) {
    const again = call.op === 'create' && doubtful
    if (again) doubtful = false
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
    const part = partOf(call, step, request)
    parts.set(call.part, part)
    // The outcome reports the last one.
    if (i < calls.length - 1) await request.onPart(part)
  }
  return { kind: 'done', parts: [...parts.values()].sort((a, b) => a.part - b.part) }
}

function partOf(call: TelegramCall, step: Step & { kind: 'ok' }, request: SendRequest): NativePart {
  if (call.op !== 'create') return call.target
  const { account, thread } = request.place
  const ref = { network: 'telegram' as const, account, channel: step.channel, id: step.id ?? '' }
  return { part: call.part, ref: thread === undefined ? ref : { ...ref, thread } }
}

async function runCall(call: TelegramCall, request: SendRequest, ctx: ExecuteContext, signal: AbortSignal): Promise<Step> {
  const old = call.op === 'create' ? request.place.channel : call.target.ref.channel
  const variant: Variant = { channel: call.op === 'create' ? ctx.currentChat(old) : old, plain: false, noReply: false }
  // Messages of a chat that became a supergroup stay behind and cannot be changed any more.
  if (call.op !== 'create' && ctx.currentChat(old) !== old) return { kind: 'ok', channel: old }
  for (let tries = 0; ; tries++) {
    const step = await attempt(call, variant, ctx, signal)
    if (step.kind !== 'retry') return step
    if (tries === MAX_VARIANTS) return { kind: 'permanent', code: 'TELEGRAM_REFUSED', message: step.message }
  }
}

type Attempt = Step | { readonly kind: 'retry'; readonly message: string }

async function attempt(call: TelegramCall, variant: Variant, ctx: ExecuteContext, signal: AbortSignal): Promise<Attempt> {
  if (signal.aborted) return { kind: 'not-sent', code: 'TELEGRAM_ABORTED', message: 'stopped before it was sent' }
  const wait = ctx.limits.reserve(variant.channel, ctx.now())
  if (wait) {
    ctx.counters.heldBack++
    return { kind: 'rate-limited', ...wait }
  }
  try {
    const result = await ctx.client.call(methodOf(call), payloadOf(call, variant), signal)
    count(call, ctx)
    if (call.op !== 'create') return { kind: 'ok', channel: variant.channel }
    return { kind: 'ok', channel: variant.channel, id: String(Sent.parse(result).message_id) }
  } catch (error) {
    if (error instanceof z.ZodError)
      return { kind: 'ambiguous', code: 'TELEGRAM_BAD_ANSWER', message: 'the answer has no message id' }
    const failure = failureOf(error)
    return follow(judge(failure, call.op), failure, { call, variant, ctx, signal })
  }
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
      if (call.op !== 'create') return { kind: 'ok', channel: variant.channel }
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
  const text = { text: DELETED_TEXT, entities: [], noPreview: true }
  const edit: TelegramCall = { op: 'edit', part: call.part, target: call.target, text }
  const step = await attempt(edit, variant, ctx, signal)
  if (step.kind !== 'permanent') return step
  return { kind: 'permanent', code: 'TELEGRAM_NOT_DELETABLE', message: 'the message is too old to be deleted or edited' }
}

function count(call: TelegramCall, ctx: ExecuteContext): void {
  if (call.op === 'create') ctx.counters.sent++
  else if (call.op === 'edit') ctx.counters.edited++
  else ctx.counters.deleted++
}

function methodOf(call: TelegramCall): string {
  return call.op === 'create' ? 'sendMessage' : call.op === 'edit' ? 'editMessageText' : 'deleteMessage'
}

function payloadOf(call: TelegramCall, variant: Variant): Record<string, unknown> {
  const chat = { chat_id: /^-?\d+$/.test(variant.channel) ? Number(variant.channel) : variant.channel }
  if (call.op === 'delete') return { ...chat, message_id: Number(call.target.ref.id) }
  const { text, entities, noPreview } = call.text
  const content = {
    text,
    ...(variant.plain || entities.length === 0 ? {} : { entities }),
    ...(noPreview ? { link_preview_options: { is_disabled: true } } : {}),
  }
  if (call.op === 'edit') return { ...chat, message_id: Number(call.target.ref.id), ...content }
  const { threadId, replyTo, silent } = call.options
  const reply = replyTo === undefined || variant.noReply ? undefined : { message_id: replyTo, allow_sending_without_reply: true }
  return {
    ...chat,
    ...content,
    ...(threadId === undefined ? {} : { message_thread_id: threadId }),
    ...(reply ? { reply_parameters: reply } : {}),
    ...(silent ? { disable_notification: true } : {}),
  }
}
