import { type ErrorData, type ErrorKind, K2Error } from '../../base/errors.ts'

export type DocsErrorCode =
  /** Text or bytes that are no document or author id. */
  | 'DOC_BAD_ID'
  | 'DOC_BAD_TICKET'
  | 'DOC_BAD_MESSAGE'
  | 'DOC_BAD_QUERY'
  /** The document is not in the store. */
  | 'DOC_UNKNOWN'
  /** Only the document id is known, not its secret. */
  | 'DOC_READ_ONLY'
  /** An author whose secret is not here. */
  | 'DOC_UNKNOWN_AUTHOR'
  | 'DOC_EMPTY_KEY'
  | 'DOC_KEY_TOO_LONG'
  /** Entries of length 0 are deletions and are made by deleting. */
  | 'DOC_EMPTY_ENTRY'
  /** The key, or a prefix of it, holds an equal or newer value. */
  | 'DOC_NEWER_ENTRY'
  | 'DOC_TOO_LARGE'
  | 'DOC_NOT_SYNCING'
  | 'DOC_ABORTED'
  | 'DOC_SYNC_FAILED'
  | 'DOC_CLOSED'
  | 'DOC_STORE_FAILED'

export function docsError(code: DocsErrorCode, kind: ErrorKind, message: string, cause?: unknown, data: ErrorData = {}): K2Error {
  return new K2Error({ code, kind, message, data, ...(cause !== undefined && { cause }) })
}
