import { z } from 'zod'
import { K2Error } from '../../base/errors.ts'
import type { ArgumentSpec } from '../../bridges/interaction.ts'
import type { Attachment } from '../../bridges/model/message.ts'
import type { CommandDefinition } from './definition.ts'

const ATTACHMENT = 'x-k2-type'
const NAME = /^[a-z0-9-]{1,32}$/
const MAX_CHOICES = 25

/** Schema of an argument that is a file. Exists on chats only: command line and HTTP have no way to hand one over. */
export function attachment(): z.ZodType<Attachment, Attachment> {
  return z
    .custom<Attachment>((value) => typeof value === 'object' && value !== null && 'source' in value, 'attach a file')
    .meta({ [ATTACHMENT]: 'attachment' })
}

/** Whether a command cannot do without a file. */
export function needsFile({ arguments: { shape } }: CommandDefinition): boolean {
  return Object.values(shape).some((field) => field.meta()?.[ATTACHMENT] !== undefined && !field.isOptional())
}

interface Property {
  readonly type?: string
  readonly enum?: readonly (string | number)[]
  readonly const?: string | number
  readonly anyOf?: readonly Property[]
  readonly [ATTACHMENT]?: string
}

/** The arguments of a definition as surfaces ask for them, in the schema's order. Throws `COMMAND_BAD_SCHEMA`, a bug. */
export function argumentSpecs(definition: CommandDefinition): ArgumentSpec[] {
  const schema = argumentsJsonSchema(definition)
  const required = new Set(schema.required ?? [])
  const names = Object.keys(schema.properties)
  return names.map((name, index) => {
    const help = definition.argumentHelp[name]
    const shape = shapeOf(schema.properties[name] ?? {})
    if (!NAME.test(name) || help === undefined || shape === undefined || (help.rest && index !== names.length - 1)) {
      throw badSchema(definition, name)
    }
    return {
      name,
      summary: help.summary,
      required: required.has(name),
      ...shape,
      ...(help.suggest && { suggests: true }),
      ...(help.rest && { rest: true }),
    }
  })
}

/** JSON Schema of a definition's arguments as callers give them: optional where there is a default. */
export function argumentsJsonSchema(definition: CommandDefinition): {
  readonly properties: Readonly<Record<string, Property>>
  readonly required?: readonly string[]
} {
  const schema = z.toJSONSchema(definition.arguments, { io: 'input', unrepresentable: 'any' })
  return { ...schema, properties: (schema.properties ?? {}) as Record<string, Property> } as never
}

type Shape = Pick<ArgumentSpec, 'type' | 'choices'>

function shapeOf(property: Property): Shape | undefined {
  if (property[ATTACHMENT] !== undefined) return { type: 'attachment' }
  const values = property.enum ?? property.anyOf?.map((p) => p.const).filter((v) => v !== undefined)
  const type = property.type ?? property.anyOf?.[0]?.type
  if (type !== 'string' && type !== 'integer' && type !== 'number' && type !== 'boolean') return undefined
  // Longer lists cannot be shown as a closed choice; the schema still checks them.
  if (values === undefined || values.length === 0 || values.length > MAX_CHOICES) return { type }
  return { type, choices: values.map((value) => ({ name: String(value), value })) }
}

function badSchema(definition: CommandDefinition, name: string): K2Error {
  return new K2Error({
    code: 'COMMAND_BAD_SCHEMA',
    kind: 'bug',
    message: `command ${definition.path.join(' ')}: argument "${name}" cannot be shown on every surface`,
  })
}

/**
 * Checks arguments as they came from a surface. Texts are turned into numbers and booleans where the argument is one, since
 * chats, query strings and command lines only have texts. Throws `COMMAND_BAD_ARGUMENT` with a sentence for people.
 */
export function parseArguments(
  definition: CommandDefinition,
  specs: readonly ArgumentSpec[],
  given: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const unknown = Object.keys(given).find((name) => !specs.some((spec) => spec.name === name))
  if (unknown !== undefined) throw badArgument(`there is no argument "${unknown.slice(0, 40)}"`)
  const values: Record<string, unknown> = {}
  for (const spec of specs) {
    const value = given[spec.name]
    if (value === undefined || (value === '' && !spec.required)) continue
    values[spec.name] = typeof value === 'string' ? fromText(value, spec) : value
  }
  const missing = specs.find((spec) => spec.required && values[spec.name] === undefined)
  if (missing) throw badArgument(`"${missing.name}" is missing: ${missing.summary}`)
  const parsed = definition.arguments.safeParse(values)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw badArgument(`${issue?.path.join('.') || 'arguments'}: ${issue?.message ?? 'not valid'}`)
}

const TRUE = new Set(['true', 'yes', 'y', 'on', '1'])
const FALSE = new Set(['false', 'no', 'n', 'off', '0'])

function fromText(text: string, { type, name }: ArgumentSpec): string | number | boolean {
  if (type === 'boolean') {
    const word = text.trim().toLowerCase()
    if (TRUE.has(word)) return true
    if (FALSE.has(word)) return false
    throw badArgument(`${name}: say yes or no`)
  }
  if (type !== 'integer' && type !== 'number') return text
  const value = Number(text.trim())
  if (text.trim() === '' || !Number.isFinite(value)) throw badArgument(`${name}: "${text.slice(0, 40)}" is not a number`)
  return value
}

function badArgument(message: string): K2Error {
  return new K2Error({ code: 'COMMAND_BAD_ARGUMENT', kind: 'input', message })
}
