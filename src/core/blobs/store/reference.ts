import { constants } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { errorCode } from '../../../base/errors.ts'
import type { FileStamp } from './backend.ts'
import { badFile, changed } from './errors.ts'

export async function stampOf(file: FileHandle): Promise<FileStamp> {
  const { size, mtimeNs, ino } = await file.stat({ bigint: true })
  return { size: Number(size), mtimeNs, inode: ino }
}

export const sameStamp = (a: FileStamp, b: FileStamp): boolean =>
  a.size === b.size && a.mtimeNs === b.mtimeNs && a.inode === b.inode

/** Whether a referenced file looks as it did at its import. */
export async function isUnchanged(entry: { readonly path: string; readonly stamp: FileStamp }): Promise<boolean> {
  const info = await stat(entry.path, { bigint: true }).catch(() => undefined)
  return info !== undefined && sameStamp(entry.stamp, { size: Number(info.size), mtimeNs: info.mtimeNs, inode: info.ino })
}

/** Opens a file of the user for reading. Never waits for a pipe or device. Rejects `BLOB_BAD_FILE`. */
export async function openUserFile(path: string): Promise<FileHandle> {
  let file: FileHandle
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    throw badFile(`it cannot be opened (${errorCode(error)})`, error)
  }
  const info = await file.stat()
  if (info.isFile()) return file
  await file.close()
  throw badFile('it is not a regular file')
}

/** Opens a referenced file that must be the one that was imported. Rejects `BLOB_CHANGED`. */
export async function openReference(path: string, stamp: FileStamp): Promise<FileHandle> {
  const file = await openUserFile(path).catch((error) => {
    throw changed('the file of this blob', error)
  })
  const now = await stampOf(file).catch(() => undefined)
  if (now && sameStamp(now, stamp)) return file
  await file.close()
  throw changed('the file of this blob')
}

/** Exactly `length` bytes, or fewer at the end of the file. */
export async function readAt(file: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const out = new Uint8Array(length)
  let at = 0
  while (at < length) {
    const { bytesRead } = await file.read(out, at, length - at, offset + at)
    if (bytesRead === 0) return out.subarray(0, at)
    at += bytesRead
  }
  return out
}

export async function writeAt(file: FileHandle, offset: number, data: Uint8Array): Promise<void> {
  let at = 0
  while (at < data.length) {
    const { bytesWritten } = await file.write(data, at, data.length - at, offset + at)
    at += bytesWritten
  }
}
