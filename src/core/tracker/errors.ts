import { type ErrorData, type ErrorKind, K2Error } from '../../base/errors.ts'

export type TrackerErrorCode =
  /** The signature is not that of the announced node. */
  | 'TRACKER_BAD_SIGNATURE'
  /** Too old, or further ahead of our clock than clocks differ. */
  | 'TRACKER_BAD_TIME'
  /** One peer asks too often. */
  | 'TRACKER_RATE_LIMITED'

const KINDS: Readonly<Record<TrackerErrorCode, ErrorKind>> = {
  TRACKER_BAD_SIGNATURE: 'protocol',
  TRACKER_BAD_TIME: 'protocol',
  TRACKER_RATE_LIMITED: 'limit',
}

export function trackerError(code: TrackerErrorCode, message: string, data: ErrorData = {}): K2Error {
  return new K2Error({ code, kind: KINDS[code], message, data })
}
