import { K2Error } from '../../../base/errors.ts'

/** The other side sent bytes that do not belong to the hash; nothing of them was delivered. */
export function mismatch(what: 'parent' | 'leaf', offset: number, length: number): K2Error {
  return new K2Error({
    code: 'BLOB_MISMATCH',
    kind: 'protocol',
    message: `the data received for bytes ${offset} to ${offset + length} does not belong to this blob`,
    data: { what, offset, length },
  })
}

export function sizeRefused(size: bigint, max: number): K2Error {
  return new K2Error({
    code: 'BLOB_TOO_LARGE',
    kind: 'limit',
    message: `the blob is said to have ${size} bytes; at most ${max} are accepted`,
    data: { size: size.toString(), max },
  })
}
