import { createCipheriv, createDecipheriv, scrypt } from 'node:crypto'
import { concatBytes, toHex, utf8 } from '../../base/bytes.ts'
import type { Rng } from '../../base/random.ts'
import { keyError } from './errors.ts'
import { type Identity, identityOfSeed } from './identity.ts'

/** scrypt with about 128 MiB and half a second per try (discovery 15.4). */
const KDF = { name: 'scrypt', n: 131_072, r: 8, p: 1 } as const
/** What a file may ask of us: as much again, so that stronger files of later versions still open. */
const MAX_N = 524_288
const SALT_BYTES = 16
const NONCE_BYTES = 12
const TAG_BYTES = 16
const SEED_BYTES = 32
const VERSION = 1
const MAX_FILE_CHARS = 4096
/** Shorter ones are tried through in no time by whoever has the file. */
export const MIN_PASSPHRASE = 10

/**
 * An identity for keeping elsewhere, readable with its passphrase alone: AES-256-GCM under an scrypt key, fresh salt and nonce
 * each time, and everything else in the file authenticated. `n` is the cost of a try, a power of two from 2^14. Rejects `KEY_BAD_PASSPHRASE` for one that is too short.
 */
export async function sealIdentity(identity: Identity, passphrase: string, rng: Rng, n: number = KDF.n): Promise<string> {
  if ([...passphrase].length < MIN_PASSPHRASE) {
    throw keyError('KEY_BAD_PASSPHRASE', `a passphrase has at least ${MIN_PASSPHRASE} characters`)
  }
  const [salt, nonce] = [rng.bytes(SALT_BYTES), rng.bytes(NONCE_BYTES)]
  const header = { format: 'k2gw-identity', version: VERSION, publicKey: identity.id, kdf: { ...KDF, n }, salt: toHex(salt) }
  const cipher = createCipheriv('aes-256-gcm', await keyOf(passphrase, salt, n), nonce)
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
  const decipher = createDecipheriv('aes-256-gcm', await keyOf(passphrase, salt, n), nonce)
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
  const { name, n, r, p } = (kdf ?? {}) as Record<string, unknown>
  const isCost = typeof n === 'number' && n >= 2 ** 14 && n <= MAX_N && Number.isInteger(Math.log2(n))
  if (name !== KDF.name || r !== KDF.r || p !== KDF.p || !isCost) throw damaged('its key derivation is not supported')
  if (typeof publicKey !== 'string' || !/^[0-9a-f]{64}$/.test(publicKey)) throw damaged('its node id is incomplete')
  return {
    header: { format, version, publicKey, kdf: { name, n, r, p }, salt } as Sealed['header'],
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

/** The same characters typed on another system may be composed differently. */
function keyOf(passphrase: string, salt: Uint8Array, n: number): Promise<Buffer> {
  const cost = { N: n, r: KDF.r, p: KDF.p, maxmem: 128 * n * KDF.r + 32 * 1024 * 1024 }
  return new Promise((resolve, reject) => {
    scrypt(passphrase.normalize('NFC'), salt, 32, cost, (error, key) => (error === null ? resolve(key) : reject(error)))
  })
}

const damaged = (why: string): Error => keyError('KEY_FILE_DAMAGED', `this is no usable backup of an identity: ${why}`)
