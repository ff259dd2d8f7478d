import { utf8 } from '../../base/bytes.ts'

/** QUIC error codes are varints: 62 bits. */
const MAX_CODE = 2n ** 62n - 1n

/** Longest reason sent in a close frame; longer ones might not fit the packet (discovery 16). */
const MAX_REASON_BYTES = 512

/** Code and reason of a close as they can travel. */
export function closeFrame(code: bigint, reason: string): { code: bigint; reason: Uint8Array } {
  const fitting = code < 0n ? 0n : code > MAX_CODE ? MAX_CODE : code
  return { code: fitting, reason: utf8(reason).subarray(0, MAX_REASON_BYTES) }
}
