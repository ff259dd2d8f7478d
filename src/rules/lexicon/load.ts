import { parse } from 'yaml'
import type { z } from 'zod'
import { K2Error } from '../../base/errors.ts'

const MAX_FILE = 1_048_576

/** A lexicon file, checked: YAML, or the JSON a build makes of it. Throws K2Error LEXICON_INVALID. */
export function load<T extends z.ZodType>(name: string, text: string, schema: T): z.output<T> {
  if (text.length > MAX_FILE)
    throw new K2Error({ code: 'LEXICON_INVALID', kind: 'config', message: `${name} is larger than 1 MiB` })
  let value: unknown
  try {
    value = text.startsWith('{')
      ? JSON.parse(text)
      : parse(text, { schema: 'core', maxAliasCount: 100, merge: false, uniqueKeys: true })
  } catch (cause) {
    throw new K2Error({
      code: 'LEXICON_INVALID',
      kind: 'config',
      message: `${name}: ${cause instanceof Error ? cause.message : 'not readable'}`,
      cause,
    })
  }
  const checked = schema.safeParse(value)
  if (checked.success) return checked.data
  const issue = checked.error.issues[0]
  throw new K2Error({
    code: 'LEXICON_INVALID',
    kind: 'config',
    message: `${name}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`,
  })
}
