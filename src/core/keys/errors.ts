import { type ErrorData, type ErrorKind, K2Error } from '../../base/errors.ts'

/** Everything that can be wrong with a key, an id, an address or a ticket. */
export type KeyErrorCode =
  | 'KEY_BAD_SEED'
  | 'KEY_BAD_ID'
  | 'KEY_BAD_ADDRESS'
  | 'KEY_BAD_TICKET'
  | 'KEY_FILE_MISSING'
  | 'KEY_FILE_EXISTS'
  | 'KEY_FILE_UNREADABLE'
  | 'KEY_FILE_PERMISSIONS'
  | 'KEY_FILE_DAMAGED'
  | 'KEY_FILE_LOCKED'
  | 'KEY_FILE_UNWRITABLE'
  | 'KEY_VAULT_FORGETS'
  | 'KEY_BAD_PASSPHRASE'
  | 'KEY_BAD_HAND_OVER'

const KINDS: Readonly<Record<KeyErrorCode, ErrorKind>> = {
  KEY_BAD_SEED: 'input',
  KEY_BAD_ID: 'input',
  KEY_BAD_ADDRESS: 'input',
  KEY_BAD_TICKET: 'input',
  KEY_FILE_MISSING: 'storage',
  KEY_FILE_EXISTS: 'conflict',
  KEY_FILE_UNREADABLE: 'storage',
  KEY_FILE_PERMISSIONS: 'denied',
  KEY_FILE_DAMAGED: 'storage',
  KEY_FILE_LOCKED: 'config',
  KEY_FILE_UNWRITABLE: 'storage',
  KEY_VAULT_FORGETS: 'config',
  KEY_BAD_PASSPHRASE: 'input',
  KEY_BAD_HAND_OVER: 'input',
}

/** Never carries key material: data holds reasons, sizes and file paths. */
export function keyError(code: KeyErrorCode, message: string, data: ErrorData = {}, cause?: unknown): K2Error {
  return new K2Error({ code, kind: KINDS[code], message, data, ...(cause !== undefined && { cause }) })
}

export const damagedKeyFile = (path: string, why: string): K2Error =>
  keyError('KEY_FILE_DAMAGED', `the key file ${path} is damaged: ${why}. Restore it from a backup; a new key is a new identity`, {
    path,
  })
