import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { ZodError, z } from 'zod'
import { type ErrorKind, errorMessage, isK2Error } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { scrub } from '../observe/logger.ts'

const STATUS: Readonly<Record<ErrorKind, ContentfulStatusCode>> = {
  config: 500,
  input: 400,
  protocol: 502,
  network: 502,
  platform: 502,
  storage: 503,
  limit: 429,
  conflict: 409,
  denied: 403,
  closed: 503,
  aborted: 503,
  timeout: 504,
  bug: 500,
}

export interface ErrorBody {
  readonly error: { readonly code: string; readonly message: string }
}

/** The one place where errors become HTTP answers. What is not ours shows no detail. */
export function errorResponse(error: unknown, c: Context, log: Logger): Response {
  if (error instanceof ZodError) return c.json(errorBody('HTTP_BAD_REQUEST', z.prettifyError(error)), 400)
  if (isK2Error(error)) {
    const status = STATUS[error.kind]
    if (status >= 500) log.warn({ ev: 'http-error', path: c.req.path, err: error }, 'a request failed')
    return c.json(errorBody(error.code, scrub(errorMessage(error))), error.code === 'HTTP_UNAUTHORIZED' ? 401 : status)
  }
  log.error({ ev: 'http-bug', path: c.req.path, err: error }, 'a request failed unexpectedly')
  return c.json(errorBody('HTTP_INTERNAL', 'internal error: see the log'), 500)
}

export function errorBody(code: string, message: string): ErrorBody {
  return { error: { code, message } }
}
