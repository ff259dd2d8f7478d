import { sha256 } from '@noble/hashes/sha2.js'

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567'

/** SHA-256 of a text in lower-case hex. */
export function sha256Hex(text: string): string {
  let out = ''
  for (const byte of sha256(new TextEncoder().encode(text))) out += byte.toString(16).padStart(2, '0')
  return out
}

const ID_BYTES = 17

/** Leading bytes of SHA-256 over the parts; the parts cannot run into each other. */
export function digestOf(...parts: readonly (string | number)[]): Uint8Array {
  return sha256(new TextEncoder().encode(parts.map((p) => `${String(p).length}:${p}`).join(''))).subarray(0, ID_BYTES)
}

/** First 26 base32 characters (130 bits) of SHA-256 over the parts. */
export function stableId(...parts: readonly (string | number)[]): string {
  return base32(digestOf(...parts))
}

/** An id of two digests that belong together, without hashing again. */
export function pairedId(a: Uint8Array, b: Uint8Array): string {
  const mixed = new Uint8Array(ID_BYTES)
  for (let i = 0; i < ID_BYTES; i++) mixed[i] = (a[i] as number) ^ (b[i] as number)
  return base32(mixed)
}

function base32(bytes: Uint8Array): string {
  let [out, bits, held] = ['', 0, 0]
  for (const byte of bytes) {
    held = (held << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      out += BASE32[(held >> bits) & 31]
      held &= (1 << bits) - 1
    }
  }
  return out.slice(0, 26)
}

/** JSON with sorted keys: the same data always gives the same text. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, v]) => v !== undefined)
    entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    return `{${entries.map(([k, v]) => `${JSON.stringify(k)}:${canonicalJson(v)}`).join(',')}}`
  }
  return JSON.stringify(value) ?? 'null'
}
