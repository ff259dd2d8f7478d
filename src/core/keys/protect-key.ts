import { readFile } from 'node:fs/promises'
import type { Rng } from '../../base/random.ts'
import type { Identity } from './identity.ts'
import { loadKeyFile, printKeyFile, replaceKeyFile } from './key-file.ts'
import { KEYRING_KDF, printWrapped, type SecretVault, vaultEntry, wrappingKey } from './wrapped-key.ts'

/** Seals a key file under a key in the keyring; a file that is sealed already is sealed anew. Rejects as `loadKeyFile` and the vault. */
export async function protectKeyFile(path: string, vault: SecretVault, rng: Rng): Promise<Identity> {
  const identity = await loadKeyFile(path, vault)
  const key = wrappingKey(vault, identity.id, rng)
  await replaceKeyFile(path, identity.id, printWrapped(identity, key, rng), vault)
  return identity
}

/** The reverse; the entry of the keyring goes when the file is in place. */
export async function unprotectKeyFile(path: string, vault: SecretVault): Promise<Identity> {
  const identity = await loadKeyFile(path, vault)
  await replaceKeyFile(path, identity.id, printKeyFile(identity), vault)
  vault.remove(vaultEntry(identity.id))
  return identity
}

/** Whether the keyring is needed to open a key file. Rejects when it cannot be read. */
export async function isProtectedKeyFile(path: string): Promise<boolean> {
  const fields: unknown = JSON.parse(await readFile(path, 'utf8'))
  return (fields as { kdf?: unknown } | null)?.kdf === KEYRING_KDF
}
