import { K2Error } from './errors.ts'

const HEX = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'))

/** Lower-case hex. */
export function toHex(bytes: Uint8Array): string {
  let out = ''
  for (let i = 0; i < bytes.length; i++) out += HEX[bytes[i] as number]
  return out
}

/** Parses hex of either case; white space is not allowed. Throws `WIRE_BAD_HEX`. */
export function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) {
    throw new K2Error({ code: 'WIRE_BAD_HEX', kind: 'input', message: `not hexadecimal (${text.length} characters)` })
  }
  const out = new Uint8Array(text.length / 2)
  for (let i = 0; i < out.length; i++) out[i] = Number.parseInt(text.slice(i * 2, i * 2 + 2), 16)
  return out
}

const B32 = 'abcdefghijklmnopqrstuvwxyz234567'
const B32_VALUE = new Map([...B32].map((c, i) => [c, i]))

/** RFC 4648 base32, lower case, no padding (the form iroh prints). */
export function toBase32(bytes: Uint8Array): string {
  let out = ''
  let acc = 0
  let bits = 0
  for (const byte of bytes) {
    acc = (acc << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      out += B32[(acc >>> bits) & 31]
      acc &= (1 << bits) - 1
    }
  }
  if (bits > 0) out += B32[(acc << (5 - bits)) & 31]
  return out
}

/** Parses unpadded base32 of either case. Throws `WIRE_BAD_BASE32` on other characters, lengths or non-zero tail bits. */
export function fromBase32(text: string): Uint8Array {
  const bad = (why: string): K2Error =>
    new K2Error({ code: 'WIRE_BAD_BASE32', kind: 'input', message: `not base32: ${why} (${text.length} characters)` })
  const tail = text.length % 8
  if (tail === 1 || tail === 3 || tail === 6) throw bad('impossible length')
  const out = new Uint8Array(Math.floor((text.length * 5) / 8))
  let acc = 0
  let bits = 0
  let at = 0
  for (const c of text.toLowerCase()) {
    const v = B32_VALUE.get(c)
    if (v === undefined) throw bad('foreign character')
    acc = (acc << 5) | v
    bits += 5
    if (bits >= 8) {
      bits -= 8
      out[at++] = (acc >>> bits) & 0xff
      acc &= (1 << bits) - 1
    }
  }
  if (acc !== 0) throw bad('left-over bits')
  return out
}

export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  let size = 0
  for (const p of parts) size += p.length
  const out = new Uint8Array(size)
  let at = 0
  for (const p of parts) {
    out.set(p, at)
    at += p.length
  }
  return out
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** Bytewise order as Rust's `Ord` for byte arrays: negative, 0 or positive. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const n = Math.min(a.length, b.length)
  for (let i = 0; i < n; i++) {
    const d = (a[i] as number) - (b[i] as number)
    if (d !== 0) return d
  }
  return a.length - b.length
}

const encoder = new TextEncoder()
const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export function utf8(text: string): Uint8Array {
  return encoder.encode(text)
}

/** Decodes UTF-8 strictly; undefined when the bytes are not valid UTF-8. */
export function fromUtf8(bytes: Uint8Array): string | undefined {
  try {
    return strictDecoder.decode(bytes)
  } catch {
    // TextDecoder has only one failure: invalid input, which the caller sees as undefined.
    return undefined
  }
}
