import { BoundedMap } from '../../base/bounded-map.ts'
import { fromBase32, fromHex, toHex } from '../../base/bytes.ts'
import { isK2Error } from '../../base/errors.ts'
import type { PeerId } from '../ids.ts'
import { type PointFault, pointFault } from './curve-point.ts'
import { keyError } from './errors.ts'

const HEX_LENGTH = 64
const BASE32_LENGTH = 52
const SHORT_LENGTH = 10

/** Verdicts of the point check; one costs 0.2 ms, and the same ids come with every message. */
const VERDICTS = 4096

const FAULT_TEXT: Readonly<Record<PointFault, string>> = {
  length: 'has the wrong length',
  'not-canonical': 'is no valid public key',
  'small-order': 'is no valid public key',
  'not-on-curve': 'is no valid public key',
}

/**
 * Reads an id as people and peers write it: 64 hex digits or 52 base32 characters, either case, spaces around it allowed
 * (discovery 3). The result is always lower-case hex. Throws `KEY_BAD_ID`.
 */
export function parseEndpointId(text: string): PeerId {
  const trimmed = text.trim()
  const bytes = trimmed.length === BASE32_LENGTH ? decoded(fromBase32, trimmed) : hexBytes(trimmed)
  return endpointIdOf(bytes)
}

/** The id of 32 public key bytes, checked to be a usable point. Throws `KEY_BAD_ID`. */
export function endpointIdOf(bytes: Uint8Array): PeerId {
  const fault = pointFault(bytes)
  if (fault !== undefined) throw keyError('KEY_BAD_ID', `this node id ${FAULT_TEXT[fault]}`, { reason: fault })
  return toHex(bytes) as PeerId
}

function hexBytes(text: string): Uint8Array {
  if (text.length !== HEX_LENGTH) {
    throw keyError('KEY_BAD_ID', `a node id is ${HEX_LENGTH} hexadecimal or ${BASE32_LENGTH} base32 characters`, {
      reason: 'length',
      length: text.length,
    })
  }
  return decoded(fromHex, text)
}

function decoded(decode: (text: string) => Uint8Array, text: string): Uint8Array {
  try {
    return decode(text)
  } catch (error) {
    if (!isK2Error(error)) throw error
    throw keyError('KEY_BAD_ID', 'a node id contains foreign characters', { reason: 'characters' }, error)
  }
}

/** The first 10 hex digits, for logs and people. */
export const shortId = (id: string): string => id.slice(0, SHORT_LENGTH)

/** Answers whether a text is a routable id, remembering verdicts; for ids that arrive with every message. */
export function createIdCheck(max = VERDICTS): (text: string) => PeerId | undefined {
  const verdicts = new BoundedMap<string, PeerId | null>({ max })
  return (text) => {
    if (text.length !== HEX_LENGTH) return undefined
    const known = verdicts.get(text, 0)
    if (known !== undefined) return known ?? undefined
    const id = routableId(text)
    verdicts.set(text, id ?? null, 0)
    return id
  }
}

function routableId(text: string): PeerId | undefined {
  const lower = text.toLowerCase()
  if (!/^[0-9a-f]{64}$/.test(lower)) return undefined
  return pointFault(fromHex(lower)) === undefined ? (lower as PeerId) : undefined
}
