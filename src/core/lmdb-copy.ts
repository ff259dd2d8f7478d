import { access, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode, errorMessage, K2Error } from '../base/errors.ts'

/**
 * Copies an LMDB folder as it was at one moment, also while another process writes to it: LMDB keeps what a reader sees.
 * Answers false when there is none. Rejects `STORE_COPY_FAILED`.
 */
export async function copyLmdb(from: string, to: string): Promise<boolean> {
  try {
    await access(join(from, 'data.mdb'))
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false
    throw failed(from, error)
  }
  try {
    const { open } = await import('lmdb')
    const root = open<Uint8Array, Uint8Array>({
      path: from,
      readOnly: true,
      maxDbs: 8,
      encoding: 'binary',
      keyEncoding: 'binary',
    })
    try {
      await mkdir(to, { recursive: true, mode: 0o700 })
      await root.backup(to, true)
      return true
    } finally {
      await root.close()
    }
  } catch (error) {
    throw failed(from, error)
  }
}

const failed = (folder: string, cause: unknown): K2Error =>
  new K2Error({
    code: 'STORE_COPY_FAILED',
    kind: 'storage',
    message: `${folder} cannot be copied: ${errorMessage(cause)}`,
    cause,
  })
