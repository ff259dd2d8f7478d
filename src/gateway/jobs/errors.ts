import { errorCode, errorMessage, isK2Error, K2Error } from '../../base/errors.ts'
import { isDbFailure, toDbError } from '../db/errors.ts'

/** The store of the job queues cannot be used now. Callers need not wait: due work is in the database and gets swept up. */
export function unavailableError(why: string, cause?: unknown): K2Error {
  return new K2Error({
    code: 'JOB_UNAVAILABLE',
    kind: 'network',
    retry: 'later',
    message: `the job queue cannot be reached: ${why}`,
    ...(cause !== undefined && { cause }),
  })
}

const NETWORK = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
])
/** ioredis and Redis itself say these by text only. */
const BY_TEXT: readonly { readonly pattern: RegExp; readonly why: string }[] = [
  {
    pattern: /Stream isn't writeable|Connection is closed|Command timed out|max retries per request/i,
    why: 'Redis does not answer',
  },
  { pattern: /^LOADING /, why: 'Redis is still loading its data' },
  { pattern: /^(READONLY|MASTERDOWN|CLUSTERDOWN) /, why: 'Redis accepts no writes' },
  { pattern: /^OOM /, why: 'Redis has no memory left' },
  { pattern: /^MISCONF /, why: 'Redis cannot save to its disk' },
  { pattern: /^(NOAUTH|WRONGPASS|NOPERM)/, why: 'Redis refused user or password' },
]

/** Any error of a queue operation as `K2Error`: `JOB_UNAVAILABLE` when the store is the problem, `JOB_FAILED` otherwise. */
export function toJobError(error: unknown): K2Error {
  if (isK2Error(error) && error.code.startsWith('JOB_')) return error
  if (isDbFailure(error)) {
    const failure = toDbError(error)
    if (failure.retry !== 'never') return unavailableError(failure.message, error)
  }
  const text = errorMessage(error)
  const known = BY_TEXT.find((entry) => entry.pattern.test(text))
  if (known) return unavailableError(known.why, error)
  if (NETWORK.has(errorCode(error))) return unavailableError(errorCode(error), error)
  return new K2Error({ code: 'JOB_FAILED', kind: 'storage', message: `a queue operation failed: ${text}`, cause: error })
}
