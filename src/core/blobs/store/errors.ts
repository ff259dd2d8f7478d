import { abortedError } from '../../../base/async.ts'
import { errorCode, K2Error, wrapError } from '../../../base/errors.ts'
import type { Hash } from '../../ids.ts'

const short = (hash: Hash): string => hash.slice(0, 10)

export const missing = (hash: Hash): K2Error =>
  new K2Error({ code: 'BLOB_MISSING', kind: 'input', message: `blob ${short(hash)} is not here, or not completely` })

export const incomplete = (hash: Hash): K2Error =>
  new K2Error({ code: 'BLOB_INCOMPLETE', kind: 'conflict', retry: 'later', message: `parts of blob ${short(hash)} are missing` })

/** Pairs come before the leaves below them, and no tree is that deep. */
export const badOrder = (): K2Error =>
  new K2Error({ code: 'BLOB_BAD_ORDER', kind: 'bug', message: 'too many pairs without a leaf below them' })

/** A file imported by reference is not what it was. */
export const changed = (what: string, cause?: unknown): K2Error =>
  new K2Error({ code: 'BLOB_CHANGED', kind: 'conflict', message: `${what} was changed or removed since it was imported`, cause })

export const badFile = (why: string, cause?: unknown): K2Error =>
  new K2Error({ code: 'BLOB_BAD_FILE', kind: 'input', message: `this file cannot be imported: ${why}`, cause })

export const exportExists = (): K2Error =>
  new K2Error({ code: 'BLOB_EXPORT_EXISTS', kind: 'conflict', message: 'there is a file at the target already' })

export const badTag = (why: string): K2Error => new K2Error({ code: 'BLOB_BAD_TAG', kind: 'input', message: why })

export const storeFull = (maxBytes: number): K2Error =>
  new K2Error({
    code: 'BLOB_STORE_FULL',
    kind: 'limit',
    retry: 'later',
    message: `the store holds at most ${maxBytes} bytes: remove blobs that are not needed, or raise the limit`,
    data: { maxBytes },
  })

export const overQuota = (prefix: string, maxBytes: number): K2Error =>
  new K2Error({
    code: 'BLOB_STORE_QUOTA',
    kind: 'limit',
    retry: 'later',
    message: `this would be more than the ${maxBytes} bytes allowed here`,
    data: { prefix, maxBytes },
  })

export const diskFull = (cause?: unknown): K2Error =>
  new K2Error({
    code: 'BLOB_STORE_DISK_FULL',
    kind: 'storage',
    retry: 'later',
    message: 'the disk is full: make room, or move the store',
    cause,
  })

export const storeClosed = (): K2Error =>
  new K2Error({ code: 'BLOB_STORE_CLOSED', kind: 'closed', message: 'the store of blobs is closed' })

export const storeFailed = (what: string, cause: unknown): K2Error =>
  new K2Error({ code: 'BLOB_STORE_FAILED', kind: 'storage', message: `the store of blobs failed: ${what}`, cause })

const FULL = new Set(['ENOSPC', 'EDQUOT', 'MDB_MAP_FULL'])

/** Failures of the file system and the database, in the terms of the port. */
export function storageError(what: string, cause: unknown): K2Error {
  const code = errorCode(cause)
  if (FULL.has(code) || (cause instanceof Error && /no space left|MDB_MAP_FULL/i.test(cause.message))) return diskFull(cause)
  return wrapError(cause, { code: 'BLOB_STORE_FAILED', kind: 'storage', message: `the store of blobs failed: ${what}` })
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortedError(signal)
}
