import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { z } from 'zod'
import { errorCode, errorMessage } from '../../base/errors.ts'
import { Secret } from '../../base/secret.ts'
import { type Keyring, systemKeyring } from './keyring.ts'

/** Longest secret file read, bytes. Tokens are short; a larger file is a mistake. */
const MAX_SECRET_FILE_BYTES = 16 * 1024

export interface SecretSources {
  readonly env: NodeJS.ProcessEnv
  /** Folder that relative `${file:…}` paths start from: that of the config file. */
  readonly baseDir: string
  /** Default: that of the operating system. */
  readonly keyring?: Keyring
}

const REFERENCE = /^\$\{(env|file|keyring):([^}]+)\}$/
/** Names of entries in the keyring, and of the files used where there is none. */
export const SECRET_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
/** Folder beside the configuration for secrets of machines without a keyring. */
export const SECRETS_FOLDER = 'secrets'

/**
 * Resolves `${env:NAME}`, `${file:path}` or `${keyring:name}`; the message says what to do and never contains a value. Where
 * the keyring cannot be used or lacks the entry, the file `secrets/<name>` beside the configuration is read.
 */
export function resolveReference(text: string, sources: SecretSources): { value: string } | { problem: string } {
  const match = REFERENCE.exec(text)
  if (!match) return { value: text }
  const [, kind, name] = match as unknown as [string, 'env' | 'file' | 'keyring', string]
  if (kind === 'env') {
    const value = sources.env[name]
    return value ? { value } : { problem: `environment variable ${name} is not set: set it, or remove this entry` }
  }
  if (kind === 'keyring') return fromKeyring(name, sources)
  return fromFile(name, sources)
}

function fromKeyring(name: string, sources: SecretSources): { value: string } | { problem: string } {
  if (!SECRET_NAME.test(name)) return { problem: 'a keyring entry is named by letters, digits, dots, - and _' }
  let missing = `the keyring has no entry ${name}: k2gw secret set ${name}`
  try {
    const value = (sources.keyring ?? systemKeyring).get(name)
    if (value) return { value }
  } catch (error) {
    missing = errorMessage(error)
  }
  const file = fromFile(`${SECRETS_FOLDER}/${name}`, sources)
  return 'value' in file ? file : { problem: missing }
}

function fromFile(name: string, sources: SecretSources): { value: string } | { problem: string } {
  try {
    const value = readFileSync(resolve(sources.baseDir, name), 'utf8').slice(0, MAX_SECRET_FILE_BYTES).trim()
    return value ? { value } : { problem: `secret file ${name} is empty` }
  } catch (error) {
    return { problem: `secret file ${name} cannot be read (${errorCode(error)})` }
  }
}

/** Config field for a token or password: text or a reference, kept as `Secret`. */
export const secret = (): z.ZodPipe<z.ZodString, z.ZodTransform<Secret, string>> =>
  z
    .string()
    .min(1)
    .meta({ description: 'a secret: ${env:NAME}, ${file:path}, ${keyring:name} or, not recommended, the text itself' })
    .transform((text) => new Secret(text))
