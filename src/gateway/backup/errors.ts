import { type ErrorKind, K2Error } from '../../base/errors.ts'

export type BackupErrorCode =
  | 'BACKUP_DAMAGED'
  | 'BACKUP_NEWER'
  | 'BACKUP_NOT_EMPTY'
  | 'BACKUP_PASSPHRASE'
  | 'BACKUP_RUNNING'
  | 'BACKUP_UNFINISHED'
  | 'BACKUP_FAILED'
  | 'BACKUP_NOTHING'

const KINDS: Readonly<Record<BackupErrorCode, ErrorKind>> = {
  BACKUP_DAMAGED: 'storage',
  BACKUP_NEWER: 'config',
  BACKUP_NOT_EMPTY: 'conflict',
  BACKUP_PASSPHRASE: 'input',
  BACKUP_RUNNING: 'conflict',
  BACKUP_UNFINISHED: 'storage',
  BACKUP_FAILED: 'storage',
  BACKUP_NOTHING: 'input',
}

export function backupError(code: BackupErrorCode, message: string, cause?: unknown): K2Error {
  return new K2Error({ code, kind: KINDS[code], message, ...(cause !== undefined && { cause }) })
}
