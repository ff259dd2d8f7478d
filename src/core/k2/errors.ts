import { type ErrorData, type ErrorKind, K2Error, type RetryAdvice } from '../../base/errors.ts'

/** What the K2 layer refuses, reading or writing. */
export type K2ErrorCode =
  /** Content is larger than gossip carries, or a text needs too many parts. */
  | 'K2_TOO_LARGE'
  /** Not UTF-8, not one JSON object, too deep, a forbidden member, a wrong type; `reason` says which. */
  | 'K2_MALFORMED'
  /** A form that a reference reader could not survive or that lacks what every form must have; `member` says where. */
  | 'K2_BAD_FORM'
  /** The node has not joined this topic. */
  | 'K2_UNKNOWN_TOPIC'
  /** A topic name is empty, too long or reserved. */
  | 'K2_BAD_TOPIC'
  /** Nobody (or not the contact itself) is there to hear it: nothing was sent. */
  | 'K2_NO_NEIGHBOR'
  /** The own send budget is used up; nothing was sent. */
  | 'K2_RATE_LIMITED'
  /** Sent, but a gateway that confirms messages has not confirmed this one. */
  | 'K2_UNCONFIRMED'
  /** A peer ended the exchange without the byte that answers it: it did not take the request. */
  | 'K2_NO_ANSWER'
  /** The node is not running (yet, or any more). */
  | 'K2_NOT_RUNNING'

const DEFAULTS: Readonly<Record<K2ErrorCode, { readonly kind: ErrorKind; readonly retry: RetryAdvice }>> = {
  K2_TOO_LARGE: { kind: 'limit', retry: 'never' },
  K2_MALFORMED: { kind: 'protocol', retry: 'never' },
  K2_BAD_FORM: { kind: 'input', retry: 'never' },
  K2_UNKNOWN_TOPIC: { kind: 'input', retry: 'never' },
  K2_BAD_TOPIC: { kind: 'input', retry: 'never' },
  K2_NO_NEIGHBOR: { kind: 'network', retry: 'later' },
  K2_RATE_LIMITED: { kind: 'limit', retry: 'later' },
  K2_UNCONFIRMED: { kind: 'timeout', retry: 'ambiguous' },
  K2_NO_ANSWER: { kind: 'protocol', retry: 'later' },
  K2_NOT_RUNNING: { kind: 'closed', retry: 'later' },
}

export function k2Error(code: K2ErrorCode, message: string, data: ErrorData = {}, retry?: RetryAdvice): K2Error {
  return new K2Error({ code, kind: DEFAULTS[code].kind, retry: retry ?? DEFAULTS[code].retry, message, data })
}
