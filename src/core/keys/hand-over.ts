import { fromHex, toHex, utf8 } from '../../base/bytes.ts'
import type { PeerId } from '../ids.ts'
import { canonicalJson } from '../k2/json-writer.ts'
import { createVerifier } from './ed25519.ts'
import { parseEndpointId } from './endpoint-id.ts'
import { keyError } from './errors.ts'
import type { Identity } from './identity.ts'

/** Part of what is signed, so that neither signature means anything elsewhere. */
const PURPOSE = 'k2gw/hand-over/1'
const MAX_CHARS = 2048

/** "Whoever knew me as `from` finds me as `to`": signed by both keys, so that neither can claim the other. */
export interface HandOver {
  readonly from: PeerId
  readonly to: PeerId
  /** ms since the epoch, by the clock of the node that changed. */
  readonly at: number
}

/** The text to pass on to others. */
export function encodeHandOver(from: Identity, to: Identity, at: number): string {
  const statement = { purpose: PURPOSE, from: from.id, to: to.id, at }
  const bytes = utf8(canonicalJson(statement))
  return `${canonicalJson({ ...statement, signed_from: toHex(from.sign(bytes)), signed_to: toHex(to.sign(bytes)) })}\n`
}

/** Throws `KEY_BAD_HAND_OVER` for anything that both keys have not signed. */
export function decodeHandOver(text: string): HandOver {
  let fields: unknown
  try {
    fields = text.length > MAX_CHARS ? undefined : JSON.parse(text)
  } catch {
    fields = undefined
  }
  const { purpose, from, to, at, signed_from: byFrom, signed_to: byTo } = (fields ?? {}) as Record<string, unknown>
  if (purpose !== PURPOSE || typeof from !== 'string' || typeof to !== 'string' || !Number.isSafeInteger(at)) throw bad()
  const bytes = utf8(canonicalJson({ purpose, from, to, at: at as number }))
  if (!isSigned(from, bytes, byFrom) || !isSigned(to, bytes, byTo) || from === to) throw bad()
  return { from: parseEndpointId(from), to: parseEndpointId(to), at: at as number }
}

const verify = createVerifier(16)

function isSigned(id: string, bytes: Uint8Array, signature: unknown): boolean {
  if (!/^[0-9a-f]{64}$/.test(id) || typeof signature !== 'string' || !/^[0-9a-f]{128}$/.test(signature)) return false
  return verify(fromHex(id), bytes, fromHex(signature))
}

const bad = (): Error => keyError('KEY_BAD_HAND_OVER', 'this is no hand-over that both keys have signed')
