import { compareBytes, utf8 } from '../../base/bytes.ts'
import { k2Error } from './errors.ts'
import type { JsonObject, JsonValue } from './json-reader.ts'

const LONE_SURROGATE = /\p{Surrogate}/gu
const REPLACEMENT = '\ufffd'

/**
 * Compact JSON exactly as the reference's serializer writes it: members sorted by their UTF-8 bytes, no white space, only
 * necessary escapes. Equal values give equal bytes. Members that are undefined are left out; lone surrogates become U+FFFD.
 * Throws `K2_MALFORMED` for numbers JSON does not have.
 */
export function canonicalJson(value: JsonValue): string {
  if (typeof value === 'string') return quote(value)
  if (typeof value === 'number') return number(value)
  if (value === null || typeof value === 'boolean') return String(value)
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  const object = value as JsonObject
  const members = Object.keys(object)
    .filter((name) => object[name] !== undefined)
    .sort(compareNames)
    .map((name) => `${quote(name)}:${canonicalJson(object[name] as JsonValue)}`)
  return `{${members.join(',')}}`
}

export const canonicalBytes = (value: JsonObject): Uint8Array => utf8(canonicalJson(value))

/** Bytes of a text inside JSON, without the quotes. */
export const escapedBytes = (text: string): number => utf8(quote(text)).length - 2

const quote = (text: string): string => JSON.stringify(text.replace(LONE_SURROGATE, REPLACEMENT))

/** serde_json writes exponents without a plus sign. */
function number(value: number): string {
  if (!Number.isFinite(value)) throw k2Error('K2_MALFORMED', 'JSON has no such number', { reason: 'number' })
  return JSON.stringify(value).replace('e+', 'e')
}

/** UTF-16 order differs from byte order only beyond the basic plane. */
function compareNames(a: string, b: string): number {
  if (/[\ud800-\uffff]/.test(a) || /[\ud800-\uffff]/.test(b)) return compareBytes(utf8(a), utf8(b))
  return a < b ? -1 : a > b ? 1 : 0
}
