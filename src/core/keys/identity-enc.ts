import { createCipheriv, createDecipheriv } from 'node:crypto'
import { concatBytes, utf8 } from '../../base/bytes.ts'
import { keyError } from './errors.ts'
import { type Identity, identityOfSeed } from './identity.ts'

/**
 * The reference's `identity.enc`: AES-256-GCM under a key and nonce that are constants of its public source (discovery 15.1).
 * That is an encoding, not a protection: whoever reads the file has the key.
 */
const KEY = utf8('k2-network-identity-storage-key!')
const NONCE = utf8('k2-id-nonce!')
const SEED_BYTES = 32
const TAG_BYTES = 16

/** Reads the 48 bytes of `identity.enc`. Throws `KEY_FILE_DAMAGED`. */
export function decodeIdentityEnc(bytes: Uint8Array): Identity {
  if (bytes.length !== SEED_BYTES + TAG_BYTES) {
    throw keyError('KEY_FILE_DAMAGED', 'identity.enc has 48 bytes; this file is something else', { size: bytes.length })
  }
  const decipher = createDecipheriv('aes-256-gcm', KEY, NONCE)
  decipher.setAuthTag(bytes.subarray(SEED_BYTES))
  try {
    const seed = concatBytes([decipher.update(bytes.subarray(0, SEED_BYTES)), decipher.final()])
    return identityOfSeed(seed)
  } catch (error) {
    throw keyError('KEY_FILE_DAMAGED', 'identity.enc is damaged: its check value is wrong', {}, error)
  }
}

/** The 48 bytes a K2 application reads. Treat them as the secret key itself. */
export function encodeIdentityEnc(identity: Identity): Uint8Array {
  const cipher = createCipheriv('aes-256-gcm', KEY, NONCE)
  return concatBytes([cipher.update(identity.seed()), cipher.final(), cipher.getAuthTag()])
}
