import { errorCode, errorMessage, isK2Error, type RetryAdvice } from '../../base/errors.ts'
import type { SendOutcome } from '../port.ts'

/** First and longest wait for somebody to hear a topic, in ms; a lane without listeners is asked in between only. */
const FIRST_WAIT_MS = 500
const MAX_WAIT_MS = 15_000

/** Wait after the n-th failure in a row (0 = first) because nobody is there to hear. */
export function listenerWaitMs(failures: number): number {
  return Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(failures, 10))
}

/**
 * What a failed send means for its delivery. Anything not known to have stayed here may have been heard: it is sent again,
 * which is harmless, because receivers know every attempt by its key.
 *
 * @param failures sends to this place that failed in a row for want of listeners, this one not counted.
 */
export function outcomeOf(error: unknown, failures: number): SendOutcome {
  const code = errorCode(error)
  const message = errorMessage(error)
  switch (code) {
    case 'K2_NO_NEIGHBOR':
      return { kind: 'rate-limited', afterMs: listenerWaitMs(failures), scope: 'lane' }
    case 'K2_RATE_LIMITED':
      return { kind: 'rate-limited', afterMs: afterMs(isK2Error(error) ? error.retry : 'later'), scope: 'lane' }
    case 'K2_TOO_LARGE':
    case 'K2_MALFORMED':
      return { kind: 'permanent', code, message }
    case 'K2_UNKNOWN_TOPIC':
    case 'K2_BAD_TOPIC':
    case 'KEY_BAD_ID':
      return { kind: 'lane-failed', code, message }
    // The gateway is starting: nothing was tried.
    case 'K2_NOT_RUNNING':
      return { kind: 'later', afterMs: FIRST_WAIT_MS }
    case 'K2_JOURNAL':
      return { kind: 'not-sent', code, message }
    // Other topics have other gateways.
    case 'K2_UNCONFIRMED':
      return { kind: 'ambiguous', code, message, scope: 'lane' }
    default:
      return { kind: 'ambiguous', code, message }
  }
}

const afterMs = (retry: RetryAdvice): number => (typeof retry === 'object' ? retry.afterMs : 1000)
