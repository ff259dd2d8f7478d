import { createRequire } from 'node:module'
import { errorMessage, K2Error } from '../../base/errors.ts'

/** Entries of ours in the keyring of the operating system. */
const SERVICE = 'k2gw'

/** Where the operating system keeps secrets of a person: Keychain, Credential Manager, Secret Service. */
export interface Keyring {
  /** Undefined when there is no such entry. Throws `KEYRING_UNAVAILABLE`. */
  get(name: string): string | undefined
  /** Throws `KEYRING_UNAVAILABLE`. */
  set(name: string, value: string): void
  /** False when there was none. Throws `KEYRING_UNAVAILABLE`. */
  remove(name: string): boolean
}

interface Entry {
  getPassword(): string | null
  setPassword(value: string): void
  deletePassword(): boolean
}

/** The keyring of this machine. The library is loaded at the first use: most configurations name no entry. */
export const systemKeyring: Keyring = {
  get: (name) => using(name, (entry) => entry.getPassword() ?? undefined),
  set: (name, value) => using(name, (entry) => entry.setPassword(value)),
  remove: (name) => using(name, (entry) => entry.deletePassword()),
}

function using<T>(name: string, work: (entry: Entry) => T): T {
  try {
    const library = createRequire(import.meta.url)('@napi-rs/keyring') as {
      readonly Entry: new (service: string, account: string, options?: object) => Entry
    }
    // The kernel's keyring forgets everything at a restart of the machine: not taken for one.
    return work(new library.Entry(SERVICE, name, { linux: { store: 'secret-service' } }))
  } catch (cause) {
    throw new K2Error({
      code: 'KEYRING_UNAVAILABLE',
      kind: 'config',
      message: `there is no keyring here that can be used (${errorMessage(cause, 120)}): use \${file:…} or \${env:…}`,
      cause,
    })
  }
}
