import { type ErrorKind, K2Error } from '../../base/errors.ts'

export type SyncErrorCode =
  | 'SYNC_UNKNOWN_FOLDER'
  | 'SYNC_UNKNOWN_DEVICE'
  | 'SYNC_UNKNOWN_INVITATION'
  | 'SYNC_BAD_PATH'
  | 'SYNC_BAD_INVITATION'
  /** The folder is gone, or another one lies in its place: nothing is done, so that nothing is deleted elsewhere. */
  | 'SYNC_ROOT_CHANGED'
  | 'SYNC_TRASH_FAILED'
  | 'SYNC_FETCH_FAILED'
  | 'SYNC_NOT_ANSWERED'
  | 'SYNC_NOT_STORED'
  /** A file is not what was planned with: it is looked at again. */
  | 'SYNC_STALE'
  | 'SYNC_OFF'

export function syncError(code: SyncErrorCode, kind: ErrorKind, message: string, cause?: unknown): K2Error {
  return new K2Error({ code, kind, message, ...(cause !== undefined && { cause }) })
}

export const noSuchFolder = (): K2Error =>
  syncError('SYNC_UNKNOWN_FOLDER', 'input', 'there is no such folder: the list of folders shows names and ids')
export const noSuchInvitation = (): K2Error =>
  syncError('SYNC_UNKNOWN_INVITATION', 'input', 'there is no such invitation: it may have been answered already')
