import { type ErrorData, K2Error } from '../../base/errors.ts'

/** Everything a decoder or frame reader can object to. */
export type WireErrorCode =
  | 'WIRE_TRUNCATED'
  | 'WIRE_BAD_BOOL'
  | 'WIRE_BAD_OPTION'
  | 'WIRE_BAD_UTF8'
  | 'WIRE_BAD_VARINT'
  | 'WIRE_BAD_POINT'
  | 'WIRE_OUT_OF_RANGE'
  | 'WIRE_TOO_LONG'
  | 'WIRE_TRAILING_BYTES'
  | 'WIRE_UNKNOWN_VARIANT'
  | 'WIRE_FRAME_TOO_LONG'
  | 'WIRE_FRAME_TRUNCATED'

/** A decode error; the data carries offsets and sizes, never the peer's bytes. */
export function wireError(code: WireErrorCode, message: string, data: ErrorData = {}): K2Error {
  return new K2Error({ code, kind: 'protocol', message, data })
}
