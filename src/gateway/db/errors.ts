import { DatabaseError } from 'pg'
import { type ErrorKind, errorMessage, isK2Error, K2Error, type RetryAdvice } from '../../base/errors.ts'
import type { WireError } from './wire.ts'

interface Mapping {
  readonly code: string
  readonly kind: ErrorKind
  readonly retry: RetryAdvice
  readonly message: string
}

const DISK_FULL: Mapping = {
  code: 'DB_DISK_FULL',
  kind: 'storage',
  retry: 'later',
  message: 'the disk of the database is full: free some space; nothing that was acknowledged is lost',
}

const UNREACHABLE: Mapping = {
  code: 'DB_UNREACHABLE',
  kind: 'network',
  retry: 'later',
  message: 'the database server does not answer',
}

/** SQLSTATE, exact or by class, to what the caller can do about it. */
const BY_SQLSTATE: Readonly<Record<string, Mapping>> = {
  '23505': { code: 'DB_CONFLICT', kind: 'conflict', retry: 'never', message: 'a row with this key exists already' },
  '23': { code: 'DB_CONSTRAINT', kind: 'conflict', retry: 'never', message: 'the row breaks a rule of the table' },
  '40': { code: 'DB_SERIALIZATION', kind: 'storage', retry: 'now', message: 'the transaction lost against another one' },
  '57014': {
    code: 'DB_STATEMENT_TIMEOUT',
    kind: 'timeout',
    retry: 'later',
    message: 'a statement took too long and was cancelled',
  },
  '25P03': {
    code: 'DB_TRANSACTION_IDLE',
    kind: 'timeout',
    retry: 'later',
    message: 'a transaction was idle for too long and was rolled back',
  },
  '25006': { code: 'DB_READ_ONLY', kind: 'storage', retry: 'later', message: 'the database accepts no writes at the moment' },
  '53100': DISK_FULL,
  '53': {
    code: 'DB_OVERLOADED',
    kind: 'limit',
    retry: 'later',
    message: 'the database has no room for another connection or statement',
  },
  '57P': UNREACHABLE,
  '08': UNREACHABLE,
  '28': { code: 'DB_DENIED', kind: 'config', retry: 'never', message: 'the database refused user or password' },
  '3D': { code: 'DB_MISSING', kind: 'config', retry: 'never', message: 'the database server has no database of this name' },
  '42501': { code: 'DB_DENIED', kind: 'config', retry: 'never', message: 'the database user may not do this' },
}

const NETWORK_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
])
/** `pg` reports a lost connection and a full pool by text only. */
const LOST =
  /^(Connection terminated|Client has encountered a connection error|timeout exceeded when trying to connect|Query read timeout)/i

/** SQLSTATE of an error the database itself reported. */
export function sqlState(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined
}

function lookUp(error: unknown): Mapping | undefined {
  const state = sqlState(error)
  if (state !== undefined) return BY_SQLSTATE[state] ?? BY_SQLSTATE[state.slice(0, 3)] ?? BY_SQLSTATE[state.slice(0, 2)]
  const code = (error as { code?: unknown } | null | undefined)?.code
  if (code === 'ENOSPC' || code === 'EDQUOT') return DISK_FULL
  if (typeof code === 'string' && NETWORK_CODES.has(code)) return UNREACHABLE
  return error instanceof Error && LOST.test(error.message) ? UNREACHABLE : undefined
}

/** True for errors that come from the database or the way to it, not from code that ran in between. */
export function isDbFailure(error: unknown): boolean {
  return isK2Error(error) ? error.code.startsWith('DB_') : lookUp(error) !== undefined || sqlState(error) !== undefined
}

/** Any error of a query as a `K2Error` with a `DB_*` code; the original stays as cause. */
export function toDbError(error: unknown): K2Error {
  if (isK2Error(error)) return error
  const found = lookUp(error)
  const state = sqlState(error)
  const data: Record<string, string> = {}
  if (state !== undefined) data.sqlState = state
  const { constraint, table } = (error ?? {}) as { constraint?: unknown; table?: unknown }
  if (typeof constraint === 'string') data.constraint = constraint
  if (typeof table === 'string') data.table = table
  return new K2Error({
    ...(found ?? {
      code: 'DB_QUERY_FAILED',
      kind: 'storage',
      retry: 'never',
      message: `the database could not run a statement: ${errorMessage(error)}`,
    }),
    data,
    cause: error,
  })
}

export interface LostCall {
  readonly why: string
  /** Code of the cause, e.g. `57014` when a statement ran endlessly. */
  readonly code: string
  /** The engine had taken the statement. */
  readonly sent: boolean
  /** It belonged to an open transaction. */
  readonly inside?: boolean
  readonly text?: string
}

const COMMIT = /^\s*(commit|end)\b/i

/** The embedded engine went away. Only a statement outside a transaction, or a commit, may have taken effect. */
export function engineLost(lost: LostCall): K2Error {
  const ambiguous = lost.sent && (lost.inside !== true || COMMIT.test(lost.text ?? ''))
  const full = lost.code === 'ENOSPC' || lost.code === '53100'
  return new K2Error({
    code: full ? 'DB_DISK_FULL' : lost.code === '57014' ? 'DB_STATEMENT_TIMEOUT' : 'DB_RESTARTED',
    kind: lost.code === '57014' ? 'timeout' : 'storage',
    retry: ambiguous ? 'ambiguous' : 'later',
    message: full ? DISK_FULL.message : `the embedded database stopped (${lost.why}) and is being started again`,
  })
}

/** The embedded engine cannot be started (now). */
export function engineUnavailable(why: string, code: string): K2Error {
  if (code === 'ENOSPC' || code === '53100') return new K2Error({ ...DISK_FULL })
  return new K2Error({
    code: 'DB_UNAVAILABLE',
    kind: 'storage',
    retry: 'later',
    message: `the embedded database does not start: ${why}`,
  })
}

export const overloadedError = (waiting: number): K2Error =>
  new K2Error({
    code: 'DB_OVERLOADED',
    kind: 'limit',
    retry: 'later',
    message: `the database is behind: ${waiting} statements are waiting`,
    data: { waiting },
  })

export const closedError = (): K2Error => new K2Error({ code: 'DB_CLOSED', kind: 'closed', message: 'the database is closed' })

/** An error of the embedded engine as the same class `pg` throws. */
export function databaseError(wire: WireError): DatabaseError {
  return Object.assign(new DatabaseError(wire.message, 0, 'error'), wire)
}
