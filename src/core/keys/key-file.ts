import { randomBytes } from 'node:crypto'
import { type FileHandle, link, mkdir, open, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fromHex, toHex } from '../../base/bytes.ts'
import { errorCode, isK2Error } from '../../base/errors.ts'
import type { PeerId } from '../ids.ts'
import { damagedKeyFile as damaged, keyError } from './errors.ts'
import { type Identity, identityOfSeed } from './identity.ts'
import { KEYRING_KDF, openWrapped, type SecretVault } from './wrapped-key.ts'

/** A key file has about 200 bytes; anything much larger is not one. */
const MAX_FILE_BYTES = 4096
const FILE_MODE = 0o600
const DIRECTORY_MODE = 0o700
const OTHERS = 0o077
const VERSION = 1

/**
 * Reads the identity a key file holds. The file must belong to its owner alone (mode 0600 or stricter; not checked on
 * Windows). `vault` opens files that `protectKeyFile` has closed. Rejects `KEY_FILE_MISSING`, `KEY_FILE_UNREADABLE`,
 * `KEY_FILE_PERMISSIONS`, `KEY_FILE_LOCKED` or `KEY_FILE_DAMAGED`, and what the vault throws; never repairs or replaces a file,
 * because a new key is a new identity.
 */
export async function loadKeyFile(path: string, vault?: SecretVault): Promise<Identity> {
  const file = await openExisting(path)
  try {
    const info = await file.stat()
    if (!info.isFile() || info.size > MAX_FILE_BYTES) throw damaged(path, 'it is no key file')
    if (process.platform !== 'win32' && (info.mode & OTHERS) !== 0) {
      const mode = (info.mode & 0o777).toString(8)
      throw keyError('KEY_FILE_PERMISSIONS', `others may read the key file ${path} (mode ${mode}): run chmod 600 on it`, {
        path,
        mode,
      })
    }
    return parseKeyFile(path, await file.readFile('utf8'), vault)
  } finally {
    await file.close()
  }
}

/**
 * Writes a new key file: complete or not at all, and never over an existing one. Rejects `KEY_FILE_EXISTS` or
 * `KEY_FILE_UNWRITABLE`.
 */
export async function createKeyFile(path: string, identity: Identity): Promise<void> {
  await createSecretFile(path, printKeyFile(identity))
}

/** Writes any secret as `createKeyFile` does: complete or not at all, for its owner alone, never over an existing file. */
export async function createSecretFile(path: string, content: string | Uint8Array): Promise<void> {
  const directory = dirname(path)
  const temporary = `${path}.${toHex(randomBytes(6))}.new`
  try {
    await mkdir(directory, { recursive: true, mode: DIRECTORY_MODE })
    await writeSynced(temporary, content)
    try {
      await linkNew(temporary, path)
    } finally {
      await unlink(temporary)
    }
    await syncDirectory(directory)
  } catch (error) {
    const reason = `cannot write the key file ${path} (${errorCode(error)})`
    throw isK2Error(error) ? error : keyError('KEY_FILE_UNWRITABLE', reason, { path }, error)
  }
}

/** Loads the identity, or stores what `create` makes when there is no file yet; of two racing processes one creates and both use it. */
export async function loadOrCreateKeyFile(
  path: string,
  create: () => Identity,
  vault?: SecretVault,
): Promise<{ readonly identity: Identity; readonly created: boolean }> {
  try {
    return { identity: await loadKeyFile(path, vault), created: false }
  } catch (error) {
    if (errorCode(error) !== 'KEY_FILE_MISSING') throw error
  }
  const identity = create()
  try {
    await createKeyFile(path, identity)
    return { identity, created: true }
  } catch (error) {
    if (errorCode(error) !== 'KEY_FILE_EXISTS') throw error
    return { identity: await loadKeyFile(path, vault), created: false }
  }
}

/**
 * Puts another form of the same key in the place of a key file, by one rename, after it was read back. Rejects as `loadKeyFile`,
 * or `KEY_FILE_UNWRITABLE`; the old file stays as it is then.
 */
export async function replaceKeyFile(path: string, id: PeerId, content: string, vault: SecretVault): Promise<void> {
  const temporary = `${path}.${toHex(randomBytes(6))}.new`
  try {
    await writeSynced(temporary, content)
    const { id: written } = await loadKeyFile(temporary, vault)
    if (written !== id) throw damaged(temporary, 'it holds another key')
    await rename(temporary, path)
    await syncDirectory(dirname(path))
  } catch (error) {
    await unlink(temporary).catch(() => {}) // it may not have been written
    const reason = `cannot replace the key file ${path} (${errorCode(error)})`
    throw isK2Error(error) ? error : keyError('KEY_FILE_UNWRITABLE', reason, { path }, error)
  }
}

async function openExisting(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') throw keyError('KEY_FILE_MISSING', `there is no key file ${path}`, { path }, error)
    throw keyError('KEY_FILE_UNREADABLE', `cannot read the key file ${path} (${errorCode(error)})`, { path }, error)
  }
}

/** The content of a key file that is protected by its mode alone. */
export function printKeyFile(identity: Identity): string {
  const fields = { version: VERSION, kdf: 'none', publicKey: identity.id, secretKey: toHex(identity.seed()) }
  return `${JSON.stringify(fields, null, 2)}\n`
}

/** The content of a key file, see `loadKeyFile`; `path` is for errors. Throws `KEY_FILE_DAMAGED` or `KEY_FILE_LOCKED`. */
export function parseKeyFile(path: string, text: string, vault?: SecretVault): Identity {
  let fields: unknown
  try {
    fields = JSON.parse(text)
  } catch {
    // The parser's message quotes the text, which holds the secret: it must not travel as a cause.
    throw damaged(path, 'it is not JSON')
  }
  const { version, kdf, publicKey, secretKey } = (fields ?? {}) as Record<string, unknown>
  if (version === VERSION && kdf === KEYRING_KDF) return openWrapped(fields as Record<string, unknown>, path, vault)
  if (version !== VERSION || kdf !== 'none') throw damaged(path, 'it was written by another version')
  if (typeof secretKey !== 'string' || !/^[0-9a-f]{64}$/.test(secretKey)) throw damaged(path, 'the secret key is incomplete')
  const identity = identityOfSeed(fromHex(secretKey))
  if (identity.id !== publicKey) throw damaged(path, 'public and secret key do not belong together')
  return identity
}

/** A hard link appears at once and complete, and unlike a rename it refuses to replace a file. */
async function linkNew(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error
    throw keyError('KEY_FILE_EXISTS', `there is a file already: ${to}; it was left alone`, { path: to }, error)
  }
}

async function writeSynced(path: string, content: string | Uint8Array): Promise<void> {
  const file = await open(path, 'wx', FILE_MODE)
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
