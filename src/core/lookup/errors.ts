import { type ErrorData, type ErrorKind, K2Error } from '../../base/errors.ts'

export type LookupErrorCode =
  /** Not a DNS message, or one beyond our limits. */
  | 'LOOKUP_BAD_DNS'
  /** A DNS message that is no endpoint record. */
  | 'LOOKUP_BAD_RECORD'
  /** A signed packet that its owner did not sign. */
  | 'LOOKUP_BAD_SIGNATURE'
  | 'LOOKUP_BAD_BENCODE'
  /** Bencode that is no message of the DHT. */
  | 'LOOKUP_BAD_RPC'
  /** More addresses than fit what is to be sent. */
  | 'LOOKUP_TOO_LONG'
  /** The socket cannot be opened, or not be told what multicast needs. */
  | 'LOOKUP_NO_SOCKET'

const KINDS: Readonly<Record<LookupErrorCode, ErrorKind>> = {
  LOOKUP_BAD_DNS: 'protocol',
  LOOKUP_BAD_RECORD: 'protocol',
  LOOKUP_BAD_SIGNATURE: 'protocol',
  LOOKUP_BAD_BENCODE: 'protocol',
  LOOKUP_BAD_RPC: 'protocol',
  LOOKUP_TOO_LONG: 'limit',
  LOOKUP_NO_SOCKET: 'network',
}

export function lookupError(code: LookupErrorCode, message: string, data: ErrorData = {}, cause?: unknown): K2Error {
  return new K2Error({ code, kind: KINDS[code], message, data, ...(cause !== undefined && { cause }) })
}
