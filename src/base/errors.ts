/** What went wrong, coarsely: decides HTTP status, exit code and whether a person must look. */
export type ErrorKind =
  | 'config'
  | 'input'
  | 'protocol'
  | 'network'
  | 'platform'
  | 'storage'
  | 'limit'
  | 'conflict'
  | 'denied'
  | 'closed'
  | 'aborted'
  | 'timeout'
  | 'bug'

/** What a caller may do next. `ambiguous`: the effect may or may not have happened. */
export type RetryAdvice = 'never' | 'now' | 'later' | 'ambiguous' | { readonly afterMs: number }

export type ErrorData = Readonly<Record<string, string | number | boolean>>

export interface K2ErrorInit {
  /** Stable, documented `AREA_REASON`, e.g. `GOSSIP_FRAME_TOO_LARGE`. Branch on this, never on the message. */
  readonly code: string
  readonly kind: ErrorKind
  /** For people: says what to do where that is known; no secrets, no unbounded peer input. */
  readonly message: string
  readonly retry?: RetryAdvice
  readonly data?: ErrorData
  readonly cause?: unknown
}

const BRAND = Symbol.for('k2gw.error')

/** Base class of every error this project raises on purpose. */
export class K2Error extends Error {
  override readonly name: string = 'K2Error'
  readonly code: string
  readonly kind: ErrorKind
  readonly retry: RetryAdvice
  readonly data: ErrorData
  readonly [BRAND] = true

  constructor(init: K2ErrorInit) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause })
    this.code = init.code
    this.kind = init.kind
    this.retry = init.retry ?? 'never'
    this.data = init.data ?? {}
  }
}

/** True for our errors, also across package copies. */
export function isK2Error(value: unknown): value is K2Error {
  return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[BRAND] === true
}

/** The code of any thrown value; foreign errors answer `fallback`. */
export function errorCode(value: unknown, fallback = 'UNKNOWN'): string {
  if (isK2Error(value)) return value.code
  const code = (value as { code?: unknown } | null | undefined)?.code
  return typeof code === 'string' ? code : fallback
}

/** A one-line message of any thrown value, at most `max` characters, without a stack trace. */
export function errorMessage(value: unknown, max = 300): string {
  const text = value instanceof Error ? value.message : String(value)
  const line = text.split('\n', 1)[0] ?? ''
  return line.length > max ? `${line.slice(0, max - 1)}…` : line
}

/** The error itself when it is ours, otherwise a K2Error around it. */
export function wrapError(cause: unknown, init: Omit<K2ErrorInit, 'cause'>): K2Error {
  return isK2Error(cause) ? cause : new K2Error({ ...init, cause })
}
