import { K2Error } from '../../base/errors.ts'
import type { Failure } from './errors.ts'

/** Discord does not know the interaction (any more): not answered within 3 s, or its 15 minutes are over. */
const UNKNOWN_INTERACTION = 10062
const UNKNOWN_WEBHOOK = 10015
const BAD_WEBHOOK_TOKEN = 50027
const ALREADY_ACKNOWLEDGED = 40060
const CANNOT_DM = 50007
const UNKNOWN_MESSAGE = 10008

/** The interaction can no longer be answered as one. */
export function isTooOld(failure: Failure): boolean {
  return failure.kind === 'api' && [UNKNOWN_INTERACTION, UNKNOWN_WEBHOOK, BAD_WEBHOOK_TOKEN].includes(failure.code)
}

/** Somebody answered already: another process with the same token, or a lost answer of ours. */
export function isAnswered(failure: Failure): boolean {
  return failure.kind === 'api' && failure.code === ALREADY_ACKNOWLEDGED
}

export function isGone(failure: Failure): boolean {
  return failure.kind === 'api' && failure.code === UNKNOWN_MESSAGE
}

/** A failed call about a notice as an error for its sender. */
export function noticeError(failure: Failure): K2Error {
  switch (failure.kind) {
    case 'rate-limit':
      return new K2Error({
        code: 'DISCORD_RATE_LIMITED',
        kind: 'limit',
        retry: { afterMs: failure.afterMs },
        message: 'Discord asks to wait',
      })
    case 'server':
      return new K2Error({
        code: 'DISCORD_UNAVAILABLE',
        kind: 'network',
        retry: 'later',
        message: `Discord answered ${failure.status}`,
      })
    case 'transport':
      return new K2Error({
        code: `DISCORD_${failure.code}`,
        kind: 'network',
        retry: failure.sent ? 'ambiguous' : 'later',
        message: 'Discord cannot be reached',
      })
    case 'api': {
      const isDenied = failure.status === 403 || failure.code === CANNOT_DM
      return new K2Error({
        code: isDenied ? 'DISCORD_DENIED' : 'DISCORD_REFUSED',
        kind: isDenied ? 'denied' : 'platform',
        message: `Discord refused it: ${failure.message} (${failure.code})`,
        data: { status: failure.status, code: failure.code },
      })
    }
  }
}

export function notConnected(): K2Error {
  return new K2Error({
    code: 'DISCORD_NOT_CONNECTED',
    kind: 'network',
    retry: 'later',
    message: 'the bot is not connected to Discord yet',
  })
}
