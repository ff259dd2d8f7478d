import { z } from 'zod'

const Name = z.string().regex(/^[-_\p{Ll}\p{Lo}\p{N}]{1,32}$/u)
const Description = z.string().min(1).max(100)
const Choice = z.strictObject({ name: z.string().min(1).max(100), value: z.union([z.string().max(100), z.number()]) })

const Value = z
  .strictObject({
    type: z.union([z.literal(3), z.literal(4), z.literal(5), z.literal(6), z.literal(7), z.literal(10), z.literal(11)]),
    name: Name,
    description: Description,
    required: z.boolean().optional(),
    autocomplete: z.boolean().optional(),
    choices: z.array(Choice).max(25).optional(),
  })
  .refine((o) => !(o.autocomplete && o.choices), 'choices and autocomplete exclude each other')
export type CommandValue = z.output<typeof Value>

const values = z
  .array(Value)
  .max(25)
  .refine(
    (list) => list.every((o, i) => !o.required || list.slice(0, i).every((p) => p.required)),
    'required options must come first',
  )

const SubCommand = z.strictObject({ type: z.literal(1), name: Name, description: Description, options: values.optional() })
const Group = z.strictObject({
  type: z.literal(2),
  name: Name,
  description: Description,
  options: z.array(SubCommand).min(1).max(25),
})

const Command = z.strictObject({
  type: z.literal(1).optional(),
  name: Name,
  description: Description,
  options: z.union([z.array(z.union([Group, SubCommand])).max(25), values]).optional(),
  default_member_permissions: z.string().nullish(),
  contexts: z.array(z.int().min(0).max(2)).optional(),
})

const MAX_TOTAL = 8000

function size(value: unknown): number {
  if (Array.isArray(value)) return value.reduce((sum: number, v) => sum + size(v), 0)
  if (typeof value !== 'object' || value === null) return 0
  return Object.entries(value).reduce((sum, [key, v]) => {
    const counts =
      (key === 'name' || key === 'description' || key === 'value') && (typeof v === 'string' || typeof v === 'number')
    return sum + (counts ? String(v).length : size(v))
  }, 0)
}

/** A list of application commands, with Discord's limits. */
export const CommandList = z
  .array(Command)
  .max(100)
  .refine((list) => new Set(list.map((c) => c.name)).size === list.length, 'names must differ')
  .refine((list) => list.every((c) => size(c) <= MAX_TOTAL), 'a command has at most 8000 characters')
export type RegisteredCommand = z.output<typeof Command> & { readonly id: string; readonly application_id: string }

/** As Discord shows it: defaults left out, members of its own added. */
export function shownCommand(command: RegisteredCommand): object {
  const bare = JSON.parse(JSON.stringify(command, (_key, v: unknown) => (v === false ? undefined : v))) as object
  return { ...bare, nsfw: false, name_localizations: null, description_localizations: null, integration_types: [0] }
}

/** The options of the command a person typed, e.g. `k2 file get`; undefined when there is no such command. */
export function findCommand(
  commands: readonly RegisteredCommand[],
  path: readonly string[],
): { command: RegisteredCommand; options: readonly CommandValue[] } | undefined {
  const [root, ...rest] = path
  const command = commands.find((c) => c.name === root)
  if (command === undefined) return undefined
  let level: readonly { type: number; name: string; options?: readonly unknown[] | undefined }[] = command.options ?? []
  for (const name of rest) {
    const next = level.find((o) => o.name === name && (o.type === 1 || o.type === 2))
    if (next === undefined) return undefined
    level = (next.options ?? []) as typeof level
  }
  if (level.some((o) => o.type === 1 || o.type === 2)) return undefined
  return { command, options: level as readonly CommandValue[] }
}
