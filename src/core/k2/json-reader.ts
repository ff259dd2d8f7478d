import { fromUtf8, utf8 } from '../../base/bytes.ts'
import { k2Error } from './errors.ts'
import { type JsonLimits, scanJson } from './json-scan.ts'

/** What a reader hands out: plain data, members looked up as own properties only. */
export type JsonObject = { readonly [member: string]: JsonValue }
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject

/**
 * Limits for gossip content (k2-application 2.7): 4,058 bytes is what the reading side of gossip lets through. A chat message
 * has 5 values, the largest form about 40.
 */
const GOSSIP_JSON_LIMITS: JsonLimits = { maxBytes: 4058, maxDepth: 8, maxValues: 1000, maxStringBytes: 4000 }

/** Names that mean something to JavaScript objects; nobody needs them and careless readers break on them. */
const FORBIDDEN: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])
const LONE_SURROGATE = /\p{Surrogate}/u

/** Reads one JSON object from bytes, strictly and within limits. Throws `K2_TOO_LARGE` or `K2_MALFORMED`. */
export function readJsonObject(bytes: Uint8Array, limits: JsonLimits = GOSSIP_JSON_LIMITS): JsonObject {
  scanJson(bytes, limits)
  const text = fromUtf8(bytes)
  if (text === undefined) throw k2Error('K2_MALFORMED', 'a message is not UTF-8', { reason: 'utf8' })
  const value = parse(text)
  check(value, limits)
  return value as JsonObject
}

function parse(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue
  } catch {
    // The parser's message quotes the input, which is somebody's message: it must not reach the logs.
    throw k2Error('K2_MALFORMED', 'a message is not JSON', { reason: 'syntax' })
  }
}

/** Recursion is safe here: the scan has bounded the depth. */
function check(value: JsonValue, limits: JsonLimits): void {
  if (typeof value === 'string') {
    checkString(value, limits)
    return
  }
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw k2Error('K2_MALFORMED', 'a message contains a number out of range', { reason: 'number' })
  }
  if (typeof value !== 'object' || value === null) return
  if (Array.isArray(value)) {
    for (const item of value) check(item, limits)
    return
  }
  for (const [name, member] of Object.entries(value)) {
    if (FORBIDDEN.has(name)) throw k2Error('K2_MALFORMED', 'a message has a forbidden member', { reason: 'forbidden-member' })
    checkString(name, limits)
    check(member, limits)
  }
}

function checkString(text: string, limits: JsonLimits): void {
  // Rust refuses lone surrogates as well; text with them could not be sent on.
  if (LONE_SURROGATE.test(text)) throw k2Error('K2_MALFORMED', 'a message contains half a character', { reason: 'surrogate' })
  if (text.length * 3 > limits.maxStringBytes && utf8(text).length > limits.maxStringBytes) {
    throw k2Error('K2_MALFORMED', `a text has more than ${limits.maxStringBytes} bytes`, { reason: 'long-string' })
  }
}

/** An own member, or undefined; never something inherited. */
export function member(object: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined
}

export function stringMember(object: JsonObject, name: string): string | undefined {
  const value = member(object, name)
  return typeof value === 'string' ? value : undefined
}

export function objectMember(object: JsonObject, name: string): JsonObject | undefined {
  const value = member(object, name)
  return isJsonObject(value) ? value : undefined
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
