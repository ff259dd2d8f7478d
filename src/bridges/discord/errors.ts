import type { SendOutcome } from '../port.ts'

/** How one REST call failed, without URLs, bodies or tokens. */
export type Failure =
  /** Discord said no: HTTP status, its JSON error code, its message, and the names of refused fields (50035). */
  | {
      readonly kind: 'api'
      readonly status: number
      readonly code: number
      readonly message: string
      readonly fields: readonly string[]
    }
  /** Too many requests: answered 429, or known beforehand from the bucket's headers. */
  | { readonly kind: 'rate-limit'; readonly afterMs: number; readonly scope: 'user' | 'global' | 'shared' }
  | { readonly kind: 'server'; readonly status: number }
  /** Network, timeout or abort. `sent`: the request may have reached Discord. */
  | { readonly kind: 'transport'; readonly code: string; readonly sent: boolean }

export type Op = 'create' | 'edit' | 'delete'

/** What a failed call means for the delivery (bridging 4.5). */
export type Verdict =
  | Exclude<SendOutcome, { readonly kind: 'done' }>
  /** Nothing left to do: the message is gone already. */
  | { readonly kind: 'satisfied' }
  /** The webhook is gone or its token is wrong: make another one. */
  | { readonly kind: 'webhook-lost' }
  /** The form was refused: once more as simply as possible. `username`: only the sender's name was refused. */
  | { readonly kind: 'simplify'; readonly what: 'username' | 'content'; readonly message: string }
  /** The file is too large: without it. */
  | { readonly kind: 'drop-file' }
  /** The thread is archived. */
  | { readonly kind: 'unarchive' }

/** Waits where Discord gives none. */
const DEFAULT_WAIT_MS = 10_000
const MAX_MESSAGE = 300

const REMEDY = {
  missingAccess: 'the bot cannot see this channel: give its role View Channel and Send Messages there',
  missingPermissions:
    'the bot may not do this here: give its role Send Messages (in threads: Send Messages in Threads), Attach Files and Manage Webhooks',
  unknownChannel: 'the channel does not exist or the bot is not in that server: check the id in the config and invite the bot',
  forum:
    'this forum takes no posts from here: it demands a tag and has none the bot may set, or takes no messages; one of its posts can be bridged instead, as <channel>#<thread>',
  badToken: 'Discord refuses the bot token: create a new one in the developer portal and put it into the config',
} as const

type LaneCode = readonly [code: string, message: string]

/** JSON error codes that say something about the whole lane. */
const LANE: Readonly<Record<number, LaneCode>> = {
  10003: ['DISCORD_UNKNOWN_CHANNEL', REMEDY.unknownChannel],
  10004: ['DISCORD_UNKNOWN_GUILD', REMEDY.unknownChannel],
  50001: ['DISCORD_MISSING_ACCESS', REMEDY.missingAccess],
  50013: ['DISCORD_MISSING_PERMISSIONS', REMEDY.missingPermissions],
  50007: ['DISCORD_CANNOT_DM', 'this person does not take direct messages from the bot'],
  40003: ['DISCORD_DM_TOO_FAST', 'direct messages are being opened too fast'],
  160005: ['DISCORD_THREAD_LOCKED', 'the thread is locked: a moderator has to unlock it'],
  40058: ['DISCORD_FORUM', REMEDY.forum],
  40067: ['DISCORD_FORUM', REMEDY.forum],
  220001: ['DISCORD_FORUM', REMEDY.forum],
}

export const NOT_OURS = 'DISCORD_NOT_OURS'

/** Codes that are about this message only. */
const PERMANENT: Readonly<Record<number, LaneCode>> = {
  50005: [NOT_OURS, 'the message was written by somebody else and cannot be edited'],
  50006: ['DISCORD_EMPTY_MESSAGE', 'nothing was left of the message after conversion'],
  200000: ['DISCORD_AUTOMOD', "the server's AutoMod blocks this text"],
  240000: ['DISCORD_BLOCKED_LINK', 'Discord blocks a link in this text'],
}

const TOO_LARGE: ReadonlySet<number> = new Set([40005, 50045])

/** One failed call → what happens next. `nonce`: the create carried an enforced nonce. */
export function judge(failure: Failure, op: Op): Verdict {
  switch (failure.kind) {
    case 'rate-limit':
      return {
        kind: 'rate-limited',
        afterMs: failure.afterMs > 0 ? failure.afterMs : DEFAULT_WAIT_MS,
        scope: failure.scope === 'global' ? 'account' : 'lane',
      }
    case 'server':
      return { kind: 'ambiguous', code: 'DISCORD_SERVER_ERROR', message: `Discord answered ${failure.status}` }
    case 'transport': {
      const kind = failure.sent ? 'ambiguous' : 'not-sent'
      return { kind, code: `DISCORD_${failure.code}`, message: 'no answer from Discord' }
    }
    case 'api':
      return judgeAnswer(failure, op)
  }
}

function judgeAnswer(failure: Failure & { kind: 'api' }, op: Op): Verdict {
  const { status, code } = failure
  const message = failure.message.slice(0, MAX_MESSAGE)
  if (code === 10015 || code === 50027) return { kind: 'webhook-lost' }
  if (status === 401) return { kind: 'account-failed', code: 'DISCORD_BAD_TOKEN', message: REMEDY.badToken }
  if (code === 10008) return { kind: 'satisfied' }
  if (code === 50083) return { kind: 'unarchive' }
  if (status === 413 || TOO_LARGE.has(code)) return { kind: 'drop-file' }
  if (code === 20016 || code === 20028) return { kind: 'rate-limited', afterMs: DEFAULT_WAIT_MS, scope: 'lane' }
  if (code === 30046) return { kind: 'rate-limited', afterMs: 60_000, scope: 'lane' }
  const permanent = PERMANENT[code]
  if (permanent !== undefined) return { kind: 'permanent', code: permanent[0], message: permanent[1] }
  const lane = LANE[code]
  if (lane !== undefined) return { kind: 'lane-failed', code: lane[0], message: lane[1] }
  if (code === 50035 && op !== 'delete') {
    const what = failure.fields.length > 0 && failure.fields.every((f) => f === 'username') ? 'username' : 'content'
    return { kind: 'simplify', what, message }
  }
  if (status === 403)
    return { kind: 'lane-failed', code: `DISCORD_${code || 403}`, message: `${message} (${REMEDY.missingPermissions})` }
  return { kind: 'permanent', code: `DISCORD_${code || status}`, message }
}

/** Short text of a failure for logs and health. */
export function failureText(failure: Failure): string {
  switch (failure.kind) {
    case 'api':
      return `Discord answered ${failure.status} ${failure.message.slice(0, MAX_MESSAGE)} (${failure.code})`
    case 'rate-limit':
      return `rate limited for ${Math.ceil(failure.afterMs)} ms (${failure.scope})`
    case 'server':
      return `Discord answered ${failure.status}`
    case 'transport':
      return `no connection to Discord (${failure.code})`
  }
}
