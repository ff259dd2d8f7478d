import { hash } from 'node:crypto'
import { toBase32, toHex, utf8 } from './bytes.ts'
import type { Rng } from './random.ts'

/** RFC 9562 UUID version 7: 48 bits of ms time, then randomness. Sorts by creation time. */
export function uuidv7(nowMs: number, rng: Rng): string {
  const bytes = rng.bytes(16)
  let t = Math.floor(nowMs)
  for (let i = 5; i >= 0; i--) {
    bytes[i] = t % 256
    t = Math.floor(t / 256)
  }
  bytes[6] = 0x70 | ((bytes[6] as number) & 0x0f)
  bytes[8] = 0x80 | ((bytes[8] as number) & 0x3f)
  const h = toHex(bytes)
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-${h.slice(12, 16)}-${h.slice(16, 20)}-${h.slice(20)}`
}

/** base32(sha256(parts joined by NUL)), first `length` characters: deterministic ids (bridging 2, 15.4). */
export function hashId(parts: readonly (string | number)[], length = 26): string {
  return toBase32(hash('sha256', utf8(parts.join('\0')), 'buffer')).slice(0, length)
}
