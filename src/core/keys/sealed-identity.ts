import { createCipheriv, createDecipheriv } from 'node:crypto'
import { concatBytes, toHex, utf8 } from '../../base/bytes.ts'
import type { Rng } from '../../base/random.ts'
import { keyError } from './errors.ts'
import { type Identity, identityOfSeed } from './identity.ts'
import { acceptedCost, isStrongEnough, MIN_PASSPHRASE, PASSPHRASE_KDF, passphraseKey, SALT_BYTES } from './passphrase-key.ts'

const NONCE_BYTES = 12
const TAG_BYTES = 16
const SEED_BYTES = 32
const VERSION = 1
const MAX_FILE_CHARS = 4096

/**
 * An identity for keeping elsewhere, readable with its passphrase alone: AES-256-GCM under an scrypt key, fresh salt and nonce
 * each time, and everything else in the file authenticated. `n` is the cost of a try, a power of two from 2^14. Rejects `KEY_BAD_PASSPHRASE` for one that is too short.
 */
export async function sealIdentity(
  identity: Identity,
  passphrase: string,
  rng: Rng,
  n: number = PASSPHRASE_KDF.n,
): Promise<string> {
  if (!isStrongEnough(passphrase)) {
    throw keyError('KEY_BAD_PASSPHRASE', `a passphrase has at least ${MIN_PASSPHRASE} characters`)
  }
  const [salt, nonce] = [rng.bytes(SALT_BYTES), rng.bytes(NONCE_BYTES)]
  const header = {
    format: 'k2gw-identity',
    version: VERSION,
    publicKey: identity.id,
    kdf: { ...PASSPHRASE_KDF, n },
    salt: toHex(salt),
  }
  const cipher = createCipheriv('aes-256-gcm', await passphraseKey(passphrase, salt, n), nonce)
  cipher.setAAD(utf8(JSON.stringify(header)))
  const sealed = concatBytes([cipher.update(identity.seed()), cipher.final(), cipher.getAuthTag()])
  return `${JSON.stringify({ ...header, nonce: toHex(nonce), sealed: toHex(sealed) }, null, 2)}\n`
}

/**
 * Rejects `KEY_BAD_PASSPHRASE` (or a changed file: the two cannot be told apart) and `KEY_FILE_DAMAGED`. Nothing of the
 * passphrase or the key is in an error.
 */
export async function openSealedIdentity(text: string, passphrase: string): Promise<Identity> {
  const { header, n, salt, nonce, sealed } = readSealed(text)
  const decipher = createDecipheriv('aes-256-gcm', await passphraseKey(passphrase, salt, n), nonce)
  decipher.setAAD(utf8(JSON.stringify(header)))
  decipher.setAuthTag(sealed.subarray(SEED_BYTES))
  let seed: Uint8Array
  try {
    seed = concatBytes([decipher.update(sealed.subarray(0, SEED_BYTES)), decipher.final()])
  } catch {
    throw keyError('KEY_BAD_PASSPHRASE', 'the passphrase is wrong, or the file was changed')
  }
  const identity = identityOfSeed(seed)
  if (identity.id !== header.publicKey) throw damaged('public and secret key do not belong together')
  return identity
}

/** The node id a sealed file is about, without its passphrase. Throws `KEY_FILE_DAMAGED`. */
export const sealedId = (text: string): string => readSealed(text).header.publicKey

interface Sealed {
  readonly header: { readonly publicKey: string }
  readonly n: number
  readonly salt: Uint8Array
  readonly nonce: Uint8Array
  readonly sealed: Uint8Array
}

function readSealed(text: string): Sealed {
  if (text.length > MAX_FILE_CHARS) throw damaged('it is too long')
  let fields: unknown
  try {
    fields = JSON.parse(text)
  } catch {
    throw damaged('it is not JSON')
  }
  const { format, version, publicKey, kdf, salt, nonce, sealed } = (fields ?? {}) as Record<string, unknown>
  if (format !== 'k2gw-identity') throw damaged('it is no backup of an identity')
  if (version !== VERSION) throw damaged('it was written by another version')
  const n = acceptedCost(kdf)
  if (n === undefined) throw damaged('its key derivation is not supported')
  if (typeof publicKey !== 'string' || !/^[0-9a-f]{64}$/.test(publicKey)) throw damaged('its node id is incomplete')
  return {
    header: { format, version, publicKey, kdf: { ...PASSPHRASE_KDF, n }, salt } as Sealed['header'],
    n,
    salt: hexOf(salt, SALT_BYTES),
    nonce: hexOf(nonce, NONCE_BYTES),
    sealed: hexOf(sealed, SEED_BYTES + TAG_BYTES),
  }
}

function hexOf(value: unknown, size: number): Uint8Array {
  if (typeof value !== 'string' || value.length !== 2 * size || !/^[0-9a-f]*$/.test(value)) throw damaged('it is incomplete')
  return new Uint8Array(Buffer.from(value, 'hex'))
}

const damaged = (why: string): Error => keyError('KEY_FILE_DAMAGED', `this is no usable backup of an identity: ${why}`)
