import { createCipheriv, createDecipheriv } from 'node:crypto'
import { concatBytes, fromHex, toHex, utf8 } from '../../base/bytes.ts'
import type { Rng } from '../../base/random.ts'
import { damagedKeyFile, keyError } from './errors.ts'
import { type Identity, identityOfSeed } from './identity.ts'

/** Where a machine keeps secrets of its user: the keyring of the operating system. Its methods throw what is wrong with it. */
export interface SecretVault {
  /** Undefined when there is no such entry. */
  get(name: string): string | undefined
  set(name: string, value: string): void
  /** False when there was none. */
  remove(name: string): boolean
}

/** Marks key files whose key is sealed under one in the keyring (discovery 15.4, keyring mode). */
export const KEYRING_KDF = 'keyring'
const VERSION = 1
const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16
const SEED_BYTES = 32

/** The entry of the keyring that opens the key file of a node. */
export const vaultEntry = (id: string): string => `identity-${id.slice(0, 16)}`

/**
 * The wrapping key of a node, made where there is none. A keyring that does not give back what was put into it is refused
 * (`KEY_VAULT_FORGETS`): the node's key would be lost with it.
 */
export function wrappingKey(vault: SecretVault, id: string, rng: Rng): Uint8Array {
  const entry = vaultEntry(id)
  const known = readKey(vault.get(entry))
  if (known !== undefined) return known
  const made = rng.bytes(KEY_BYTES)
  vault.set(entry, toHex(made))
  if (vault.get(entry) !== toHex(made)) {
    throw keyError(
      'KEY_VAULT_FORGETS',
      'the keyring of this machine does not keep what is put into it; the key file is as it was',
    )
  }
  return made
}

/** The content of a key file that nobody can read without the wrapping key: AES-256-GCM, fresh nonce, everything authenticated. */
export function printWrapped(identity: Identity, key: Uint8Array, rng: Rng): string {
  const header = headerOf(identity.id)
  const nonce = rng.bytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  cipher.setAAD(utf8(JSON.stringify(header)))
  const sealed = concatBytes([cipher.update(identity.seed()), cipher.final(), cipher.getAuthTag()])
  return `${JSON.stringify({ ...header, nonce: toHex(nonce), sealed: toHex(sealed) }, null, 2)}\n`
}

/** Throws `KEY_FILE_LOCKED` where its key is not to be had, `KEY_FILE_DAMAGED`, and what the vault throws. */
export function openWrapped(fields: Readonly<Record<string, unknown>>, path: string, vault: SecretVault | undefined): Identity {
  const { publicKey, nonce, sealed } = fields
  if (typeof publicKey !== 'string' || !/^[0-9a-f]{64}$/.test(publicKey)) throw damagedKeyFile(path, 'its node id is incomplete')
  if (!isHex(nonce, NONCE_BYTES) || !isHex(sealed, SEED_BYTES + TAG_BYTES)) throw damagedKeyFile(path, 'its key is incomplete')
  const key = readKey(vault?.get(vaultEntry(publicKey)))
  if (key === undefined) {
    const why = `the key file ${path} is sealed, and the keyring has no entry ${vaultEntry(publicKey)} for it`
    throw keyError('KEY_FILE_LOCKED', `${why}: start as the user who protected it, or restore the key from a backup`, { path })
  }
  const bytes = fromHex(sealed)
  const decipher = createDecipheriv('aes-256-gcm', key, fromHex(nonce))
  decipher.setAAD(utf8(JSON.stringify(headerOf(publicKey))))
  decipher.setAuthTag(bytes.subarray(SEED_BYTES))
  let identity: Identity
  try {
    identity = identityOfSeed(concatBytes([decipher.update(bytes.subarray(0, SEED_BYTES)), decipher.final()]))
  } catch {
    throw damagedKeyFile(path, 'it was changed, or its entry in the keyring is of another key')
  }
  if (identity.id !== publicKey) throw damagedKeyFile(path, 'public and secret key do not belong together')
  return identity
}

const headerOf = (id: string): object => ({ version: VERSION, kdf: KEYRING_KDF, entry: vaultEntry(id), publicKey: id })

const isHex = (value: unknown, bytes: number): value is string =>
  typeof value === 'string' && value.length === 2 * bytes && /^[0-9a-f]*$/.test(value)

const readKey = (text: string | undefined): Uint8Array | undefined => (isHex(text, KEY_BYTES) ? fromHex(text) : undefined)
