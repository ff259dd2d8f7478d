import type { SendOutcome } from '../port.ts'
import { TransportError } from './transport.ts'

/** What went wrong with one call, without anything secret. */
export type Failure =
  | {
      readonly kind: 'api'
      readonly code: number
      readonly description: string
      readonly retryAfterMs?: number
      readonly migrateTo?: string
    }
  | { readonly kind: 'transport'; readonly code: string; readonly maybeHandled: boolean }

/** What the executor does next. */
export type Verdict =
  | Exclude<SendOutcome, { kind: 'done' }>
  /** Nothing to do any more: already so, or the target is gone. */
  | { readonly kind: 'satisfied' }
  /** The same call at another chat id. */
  | { readonly kind: 'migrated'; readonly to: string }
  /** Once more as plain text. */
  | { readonly kind: 'without-entities' }
  | { readonly kind: 'without-reply' }
  /** The platform's window for deletes is over. */
  | { readonly kind: 'not-deletable' }

const MAX_DESCRIPTION = 200
/** `<bot id>:<35 characters>` wherever it may have slipped in. */
const TOKEN = /\d{6,}:[A-Za-z0-9_-]{20,}/g

/** Removes anything that looks like a bot token. */
export function scrub(text: string): string {
  return text.replace(TOKEN, '[token]')
}

interface GrammyErrorLike {
  readonly error_code: number
  readonly description: string
  readonly parameters?: { readonly retry_after?: number; readonly migrate_to_chat_id?: number }
}

function isApiError(error: unknown): error is GrammyErrorLike {
  const e = error as Partial<GrammyErrorLike> | null
  return typeof e === 'object' && e !== null && typeof e.error_code === 'number' && typeof e.description === 'string'
}

/** Reads a thrown error of the client library. Unknown ones count as possibly handled. */
export function failureOf(error: unknown): Failure {
  if (isApiError(error)) {
    const { retry_after, migrate_to_chat_id } = error.parameters ?? {}
    return {
      kind: 'api',
      code: error.error_code,
      description: scrub(error.description).slice(0, MAX_DESCRIPTION),
      ...(retry_after === undefined ? {} : { retryAfterMs: retry_after * 1000 }),
      ...(migrate_to_chat_id === undefined ? {} : { migrateTo: String(migrate_to_chat_id) }),
    }
  }
  const inner = (error as { error?: unknown } | null)?.error ?? error
  if (inner instanceof TransportError) return { kind: 'transport', code: inner.code, maybeHandled: inner.maybeHandled }
  const timedOut = inner instanceof Error && /timed out/.test(inner.message)
  return { kind: 'transport', code: timedOut ? 'TIMEOUT' : 'NETWORK', maybeHandled: true }
}

export function failureText(failure: Failure): string {
  return failure.kind === 'api' ? `${failure.code} ${failure.description}` : `network failure ${failure.code}`
}

type Op = 'create' | 'edit' | 'delete'

/** Descriptions (lower case) and what they mean, first match wins (bridging 5.4). */
const LANE_FAILED: readonly (readonly [string, string])[] = [
  ['bot was kicked', 'TELEGRAM_KICKED'],
  ['bot is not a member', 'TELEGRAM_NOT_A_MEMBER'],
  ['bot was blocked', 'TELEGRAM_BLOCKED'],
  ['user is deactivated', 'TELEGRAM_USER_DEACTIVATED'],
  ['group chat was deleted', 'TELEGRAM_CHAT_DELETED'],
  ["can't initiate conversation", 'TELEGRAM_NOT_STARTED'],
  ["can't send messages to bots", 'TELEGRAM_PEER_IS_BOT'],
  ['chat not found', 'TELEGRAM_CHAT_NOT_FOUND'],
  ['peer_id_invalid', 'TELEGRAM_CHAT_NOT_FOUND'],
  ['not enough rights', 'TELEGRAM_NO_RIGHTS'],
  ['have no rights', 'TELEGRAM_NO_RIGHTS'],
  ['need administrator rights', 'TELEGRAM_NO_RIGHTS'],
  ['chat_write_forbidden', 'TELEGRAM_NO_RIGHTS'],
  ['chat_restricted', 'TELEGRAM_NO_RIGHTS'],
  ['topic_closed', 'TELEGRAM_TOPIC_CLOSED'],
  ['topic_deleted', 'TELEGRAM_TOPIC_DELETED'],
  ['message thread not found', 'TELEGRAM_TOPIC_NOT_FOUND'],
]
const ENTITY = /can't parse entities|entity_\w+_invalid|entities_too_long|button_/
const GONE = /message to (edit|delete) not found|message_id_invalid|message not found/

/** Answer to outcome (bridging 5.4, 15.4). Pure. */
export function judge(failure: Failure, op: Op): Verdict {
  if (failure.kind === 'transport') return judgeTransport(failure, op)
  const { code, description } = failure
  if (code === 429) return { kind: 'rate-limited', afterMs: failure.retryAfterMs ?? 5000, scope: 'lane' }
  if (code === 401) {
    return { kind: 'account-failed', code: 'TELEGRAM_BAD_TOKEN', message: 'the bot token is not valid (any more)' }
  }
  if (code === 404) {
    return { kind: 'account-failed', code: 'TELEGRAM_BAD_TOKEN', message: 'the server does not know this token or method' }
  }
  if (code >= 500) return uncertain(op, `TELEGRAM_${code}`, failureText(failure))
  if (failure.migrateTo !== undefined) return { kind: 'migrated', to: failure.migrateTo }
  return judgeDescription(code, description, op)
}

function judgeTransport(failure: Failure & { kind: 'transport' }, op: Op): Verdict {
  const message = failureText(failure)
  if (!failure.maybeHandled) return { kind: 'not-sent', code: `TELEGRAM_${failure.code}`, message }
  return uncertain(op, `TELEGRAM_${failure.code}`, message)
}

/** Edits and deletes can simply be repeated; only a create may have happened twice. */
function uncertain(op: Op, code: string, message: string): Verdict {
  return op === 'create' ? { kind: 'ambiguous', code, message } : { kind: 'not-sent', code, message }
}

function judgeDescription(code: number, description: string, op: Op): Verdict {
  const text = description.toLowerCase()
  const permanent = (reason: string): Verdict => ({ kind: 'permanent', code: reason, message: description })
  if (text.includes('message is not modified')) return { kind: 'satisfied' }
  if (op !== 'create' && GONE.test(text)) return { kind: 'satisfied' }
  if (op === 'edit' && text.includes("message can't be edited")) return { kind: 'satisfied' }
  if (op === 'delete' && text.includes("message can't be deleted")) return { kind: 'not-deletable' }
  if (/message to be replied not found|replied message not found/.test(text)) return { kind: 'without-reply' }
  if (ENTITY.test(text)) return { kind: 'without-entities' }
  const lane = LANE_FAILED.find(([part]) => text.includes(part))
  if (lane) return { kind: 'lane-failed', code: lane[1], message: description }
  if (code === 403) return { kind: 'lane-failed', code: 'TELEGRAM_FORBIDDEN', message: description }
  if (text.includes('is too long')) return permanent('TELEGRAM_TOO_LONG')
  if (text.includes('text is empty')) return permanent('TELEGRAM_EMPTY')
  if (code === 409) return { kind: 'not-sent', code: 'TELEGRAM_CONFLICT', message: description }
  return permanent('TELEGRAM_REFUSED')
}

const GONE_OR_SAME =
  /message to edit not found|message_id_invalid|message is not modified|can't parse entities|entity_\w+_invalid/

/** Whether a message cannot be given this file: its kind, its album or the file forbid it. Then it is sent anew. Pure. */
export function isUnreplaceable(failure: Failure): boolean {
  if (failure.kind !== 'api') return false
  const text = failure.description.toLowerCase()
  if (mediaRefusal(failure) !== undefined && !GONE_OR_SAME.test(text)) return true
  return failure.code === 400 && /message can't be edited|caption is too long/.test(text)
}

const TOO_LARGE = /file is too big|request entity too large|entity too large/
/** About rights, chats and limits, not about the file. */
const NOT_THE_FILE = /not enough rights|have no rights|chat|topic|thread|reply|replied|entit|caption is too long|administrator/

/** Whether a refused upload was refused because of its files; undefined when it was something else. Pure. */
export function mediaRefusal(failure: Failure): 'too-large' | 'form' | undefined {
  if (failure.kind !== 'api' || (failure.code !== 400 && failure.code !== 413 && failure.code !== 403)) return undefined
  const text = failure.description.toLowerCase()
  if (failure.code === 413 || TOO_LARGE.test(text)) return 'too-large'
  if (/voice_messages_forbidden|voice messages are forbidden/.test(text)) return 'form'
  if (failure.code === 403 || failure.migrateTo !== undefined || NOT_THE_FILE.test(text)) return undefined
  return 'form'
}
