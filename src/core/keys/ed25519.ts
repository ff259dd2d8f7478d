import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { BoundedMap } from '../../base/bounded-map.ts'
import { concatBytes, toHex } from '../../base/bytes.ts'
import { pointFault } from './curve-point.ts'
import { keyError } from './errors.ts'

export const SEED_BYTES = 32
const SIGNATURE_BYTES = 64

/** DER prefixes (RFC 8410) in front of a raw seed and a raw public key. */
const PKCS8_PREFIX = Uint8Array.of(0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20)
const SPKI_PREFIX = Uint8Array.of(0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00)

/** Signs with one fixed key. */
export interface Signer {
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  /** 64 bytes, deterministic (RFC 8032). */
  sign(message: Uint8Array): Uint8Array
}

/** Checks signatures; false for anything that is not a strictly valid one. */
export type Verify = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean

/** Imports a 32-byte seed once, so that each signature costs only the signature. Throws `KEY_BAD_SEED`. */
export function signerOfSeed(seed: Uint8Array): Signer {
  if (seed.length !== SEED_BYTES) {
    throw keyError('KEY_BAD_SEED', `a secret key has ${SEED_BYTES} bytes`, { size: seed.length })
  }
  const key = createPrivateKey({ key: Buffer.from(concatBytes([PKCS8_PREFIX, seed])), format: 'der', type: 'pkcs8' })
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' })
  return {
    publicKey: new Uint8Array(spki.subarray(SPKI_PREFIX.length)),
    sign: (message) => new Uint8Array(sign(null, message, key)),
  }
}

/**
 * A strict verifier as Rust peers use: canonical points, no small order in key or commitment. It remembers the imported
 * form of the last `cacheKeys` public keys (import costs as much as half a verification) and their point verdicts.
 */
export function createVerifier(cacheKeys = 1024): Verify {
  const keys = new BoundedMap<string, KeyObject | null>({ max: cacheKeys })
  const keyOf = (publicKey: Uint8Array): KeyObject | null => {
    const hex = toHex(publicKey)
    const known = keys.get(hex, 0)
    if (known !== undefined) return known
    const key =
      pointFault(publicKey) === undefined
        ? createPublicKey({ key: Buffer.from(concatBytes([SPKI_PREFIX, publicKey])), format: 'der', type: 'spki' })
        : null
    keys.set(hex, key, 0)
    return key
  }
  return (publicKey, message, signature) => {
    if (publicKey.length !== 32 || signature.length !== SIGNATURE_BYTES) return false
    const key = keyOf(publicKey)
    if (key === null || pointFault(signature.subarray(0, 32)) === 'small-order') return false
    return verify(null, message, key, signature)
  }
}
