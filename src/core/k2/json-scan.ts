import { k2Error } from './errors.ts'

export interface JsonLimits {
  /** Whole input, in bytes. */
  readonly maxBytes: number
  /** Objects and arrays inside each other; the outermost object counts. */
  readonly maxDepth: number
  /** Members and elements in all. */
  readonly maxValues: number
  /** One string after unescaping, in UTF-8 bytes. */
  readonly maxStringBytes: number
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const COMMA = 0x2c
const COLON = 0x3a
const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

const malformed = (reason: string, message: string): Error => k2Error('K2_MALFORMED', message, { reason })

/**
 * Walks the raw bytes once, without building anything, so that hostile input costs no more than its own length: refuses what
 * is too large, too deep, has too many values, or is not one object. Syntax in detail is the parser's business afterwards.
 * Throws `K2_TOO_LARGE` or `K2_MALFORMED`.
 */
export function scanJson(bytes: Uint8Array, limits: JsonLimits): void {
  if (bytes.length > limits.maxBytes) {
    throw k2Error('K2_TOO_LARGE', `a message has at most ${limits.maxBytes} bytes`, { size: bytes.length, max: limits.maxBytes })
  }
  let depth = 0
  let values = 0
  let started = false
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number
    if (isSpace(byte)) continue
    if (depth === 0 && (started || byte !== OPEN_OBJECT)) throw malformed('not-an-object', 'a message is one JSON object')
    started = true
    if (byte === QUOTE) i = endOfString(bytes, i)
    else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      if (++depth > limits.maxDepth) throw malformed('too-deep', `a message is nested deeper than ${limits.maxDepth}`)
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) depth--
    else if (byte === COMMA || byte === COLON) {
      if (++values > limits.maxValues) throw malformed('too-many-values', `a message has more than ${limits.maxValues} values`)
    }
  }
  if (!started || depth !== 0) throw malformed('cut', 'a message ends inside its JSON object')
}

/** Position of the closing quote of the string that opens at `start`. */
function endOfString(bytes: Uint8Array, start: number): number {
  for (let i = start + 1; i < bytes.length; i++) {
    const byte = bytes[i]
    if (byte === QUOTE) return i
    if (byte === BACKSLASH) i++
  }
  throw malformed('cut', 'a message ends inside a string')
}
