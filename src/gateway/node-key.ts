import { join } from 'node:path'
import { cryptoRng } from '../base/random.ts'
import { type Identity, loadKeyFile, loadOrCreateKeyFile, newIdentity, type SecretVault } from '../core/index.ts'
import { systemKeyring } from './config/keyring.ts'
import { KEY_FILE } from './config/paths.ts'

/** The key of the node in a data directory, opened with the machine's keyring where it is sealed. Rejects as `loadKeyFile`. */
export const loadNodeKey = (dataDir: string, keyring: SecretVault = systemKeyring): Promise<Identity> =>
  loadKeyFile(join(dataDir, KEY_FILE), keyring)

/** The same, or a new key where there is no file yet. Rejects as `loadOrCreateKeyFile`. */
export const loadOrCreateNodeKey = (
  dataDir: string,
  keyring: SecretVault = systemKeyring,
): Promise<{ readonly identity: Identity; readonly created: boolean }> =>
  loadOrCreateKeyFile(join(dataDir, KEY_FILE), () => newIdentity(cryptoRng), keyring)
