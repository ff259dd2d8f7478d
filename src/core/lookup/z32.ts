import { idBytes, type PeerId } from '../ids.ts'
import { endpointIdOf } from '../keys/endpoint-id.ts'
import { lookupError } from './errors.ts'

/** The alphabet of z-base-32, in the order of the values. */
const ALPHABET = 'ybndrfg8ejkmcpqxot1uwisza345h769'
const VALUES = new Map([...ALPHABET].map((c, i) => [c, i]))
/** Characters of 32 bytes; the last one carries a single bit. */
const ID_LENGTH = 52

/** An id as names in DNS and pkarr spell it (discovery 3). */
export function z32OfId(id: PeerId): string {
  let out = ''
  let acc = 0
  let bits = 0
  for (const byte of idBytes(id)) {
    acc = (acc << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      out += ALPHABET[(acc >>> bits) & 31]
      acc &= (1 << bits) - 1
    }
  }
  return out + ALPHABET[(acc << (5 - bits)) & 31]
}

/** Throws `LOOKUP_BAD_RECORD`, or `KEY_BAD_ID` for bytes nobody can own. */
export function idOfZ32(text: string): PeerId {
  if (text.length !== ID_LENGTH) throw lookupError('LOOKUP_BAD_RECORD', `a z-base-32 id has ${ID_LENGTH} characters`)
  const bytes = new Uint8Array(32)
  let acc = 0
  let bits = 0
  let at = 0
  for (const c of text.toLowerCase()) {
    const value = VALUES.get(c)
    if (value === undefined) throw lookupError('LOOKUP_BAD_RECORD', 'a z-base-32 id has a foreign character')
    acc = (acc << 5) | value
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes[at++] = (acc >>> bits) & 0xff
    acc &= (1 << bits) - 1
  }
  if (acc !== 0) throw lookupError('LOOKUP_BAD_RECORD', 'a z-base-32 id has left-over bits')
  return endpointIdOf(bytes)
}
