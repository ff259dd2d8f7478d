import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { z } from 'zod'
import { errorCode } from '../../base/errors.ts'
import { Secret } from '../../base/secret.ts'

/** Longest secret file read, bytes. Tokens are short; a larger file is a mistake. */
const MAX_SECRET_FILE_BYTES = 16 * 1024

export interface SecretSources {
  readonly env: NodeJS.ProcessEnv
  /** Folder that relative `${file:…}` paths start from: that of the config file. */
  readonly baseDir: string
}

const REFERENCE = /^\$\{(env|file):([^}]+)\}$/

/** Resolves `${env:NAME}` or `${file:path}`; the message says what to do and never contains a value. */
export function resolveReference(text: string, sources: SecretSources): { value: string } | { problem: string } {
  const match = REFERENCE.exec(text)
  if (!match) return { value: text }
  const [, kind, name] = match as unknown as [string, 'env' | 'file', string]
  if (kind === 'env') {
    const value = sources.env[name]
    return value ? { value } : { problem: `environment variable ${name} is not set: set it, or remove this entry` }
  }
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
    .meta({ description: 'a secret: ${env:NAME}, ${file:path} or, not recommended, the text itself' })
    .transform((text) => new Secret(text))
