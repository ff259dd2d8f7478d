import { z } from 'zod'
import { sanitizeName } from '../format/sanitize.ts'
import { type ArgumentValue, DISCORD_ADMIN_ROOT, DISCORD_ROOT, type InteractionInput } from '../interaction.ts'
import type { Attachment, Author } from '../model/message.ts'
import type { NativeRef, Place } from '../model/place.ts'
import { attachmentOf } from './inbound-body.ts'
import { attachment as AttachmentJson } from './schema.ts'

const Snowflake = z.string().regex(/^\d{1,20}$/)

const User = z.looseObject({
  id: Snowflake,
  username: z.string(),
  global_name: z.string().nullish(),
  bot: z.boolean().optional(),
})

interface OptionJson {
  readonly type: number
  readonly name: string
  readonly value?: string | number | boolean | undefined
  readonly focused?: boolean | undefined
  readonly options?: readonly OptionJson[] | undefined
}

const Option: z.ZodType<OptionJson> = z.lazy(() =>
  z.looseObject({
    type: z.int(),
    name: z.string().max(32),
    value: z.union([z.string().max(6000), z.number(), z.boolean()]).optional(),
    focused: z.boolean().optional(),
    options: z.array(Option).max(25).optional(),
  }),
)

const TextInput = z.looseObject({ custom_id: z.string().max(100), value: z.string().max(4000).optional() })

export const InteractionJson = z.looseObject({
  id: Snowflake,
  application_id: Snowflake,
  token: z.string().min(1).max(1000),
  type: z.int(),
  guild_id: Snowflake.optional(),
  channel_id: Snowflake.optional(),
  channel: z.looseObject({ id: Snowflake, type: z.int(), parent_id: Snowflake.nullish() }).optional(),
  member: z
    .looseObject({
      user: User,
      nick: z.string().nullish(),
      roles: z.array(Snowflake).default([]),
      permissions: z
        .string()
        .regex(/^\d{1,40}$/)
        .default('0'),
    })
    .optional(),
  user: User.optional(),
  locale: z.string().max(20).optional(),
  attachment_size_limit: z.number().optional(),
  message: z.looseObject({ id: Snowflake, channel_id: Snowflake.optional(), flags: z.int().default(0) }).optional(),
  data: z
    .looseObject({
      name: z.string().optional(),
      options: z.array(Option).max(25).default([]),
      resolved: z.looseObject({ attachments: z.record(z.string(), AttachmentJson).default({}) }).optional(),
      custom_id: z.string().max(100).optional(),
      components: z.array(z.looseObject({ components: z.array(z.looseObject({})).default([]) })).default([]),
    })
    .default({ options: [], components: [] }),
})
export type InteractionJson = z.output<typeof InteractionJson>

export const TYPE = { ping: 1, command: 2, component: 3, autocomplete: 4, modal: 5 } as const
const SUB_COMMAND = 1
const SUB_COMMAND_GROUP = 2
const ATTACHMENT = 11
const THREADS: ReadonlySet<number> = new Set([10, 11, 12])
const ADMINISTRATOR = 1n << 3n
const MANAGE_GUILD = 1n << 5n
const MANAGE_MESSAGES = 1n << 13n
const MAX_NAME = 64

export function placeOf(json: InteractionJson, account: string): Place {
  const { guild_id: space, channel } = json
  const here = json.channel_id ?? channel?.id ?? ''
  if (space === undefined) return { network: 'discord', account, channel: here }
  const parent = channel !== undefined && THREADS.has(channel.type) ? channel.parent_id : undefined
  if (parent == null) return { network: 'discord', account, space, channel: here }
  return { network: 'discord', account, space, channel: parent, thread: here }
}

/** Undefined for an interaction without a person, which Discord does not send. */
export function actorOf({
  member,
  user,
}: InteractionJson): { actor: Author; platformAdmin: boolean; platformModerator: boolean } | undefined {
  const person = member?.user ?? user
  if (person === undefined) return undefined
  const bits = BigInt(member?.permissions ?? '0')
  const name = member?.nick || person.global_name || person.username
  return {
    actor: {
      key: `discord:${person.id}`,
      displayName: sanitizeName(name, MAX_NAME) || 'Unknown user',
      username: person.username,
      isBot: person.bot ?? false,
      kind: person.bot ? 'bot' : 'user',
      ...(member && { roles: member.roles }),
    },
    platformAdmin: (bits & (ADMINISTRATOR | MANAGE_GUILD)) !== 0n,
    platformModerator: (bits & MANAGE_MESSAGES) !== 0n,
  }
}

/** What was asked; undefined for what is none of our commands. */
export function inputOf(json: InteractionJson, at: Place): InteractionInput | undefined {
  const { data } = json
  const ref: NativeRef = refAt(at, json.message?.id ?? json.id)
  switch (json.type) {
    case TYPE.command:
    case TYPE.autocomplete: {
      if (data.name !== DISCORD_ROOT && data.name !== DISCORD_ADMIN_ROOT) return undefined
      const { path, options } = pathOf(data.options)
      const focused = options.find((o) => o.focused)
      if (json.type === TYPE.autocomplete) {
        return focused && { kind: 'suggest', path, argument: focused.name, typed: String(focused.value ?? '') }
      }
      return { kind: 'command', path, args: argumentsOf(options, data.resolved?.attachments ?? {}, ref) }
    }
    case TYPE.component:
      return data.custom_id === undefined ? undefined : { kind: 'action', id: data.custom_id, message: ref }
    case TYPE.modal:
      return data.custom_id === undefined ? undefined : { kind: 'form', id: data.custom_id, values: valuesOf(data.components) }
    default:
      return undefined
  }
}

export function refAt({ account, channel, thread }: Place, id: string): NativeRef {
  return { network: 'discord', account, channel, ...(thread !== undefined && { thread }), id }
}

function pathOf(options: readonly OptionJson[]): { path: string[]; options: readonly OptionJson[] } {
  const path: string[] = []
  let level = options
  for (let depth = 0; depth < 2; depth++) {
    const [only] = level
    if (only?.type !== SUB_COMMAND && only?.type !== SUB_COMMAND_GROUP) break
    path.push(only.name)
    level = only.options ?? []
  }
  return { path, options: level }
}

type AttachmentRecord = Readonly<Record<string, z.output<typeof AttachmentJson>>>

function argumentsOf(options: readonly OptionJson[], files: AttachmentRecord, ref: NativeRef): Record<string, ArgumentValue> {
  const args: Record<string, ArgumentValue> = {}
  for (const { name, type, value } of options) {
    if (value === undefined) continue
    const file = type === ATTACHMENT ? files[String(value)] : undefined
    const given: ArgumentValue | Attachment = file ? attachmentOf(file, 0, ref) : value
    args[name] = given
  }
  return args
}

function valuesOf(rows: InteractionJson['data']['components']): Record<string, string> {
  const values: Record<string, string> = {}
  for (const component of rows.flatMap((row) => row.components)) {
    const input = TextInput.safeParse(component)
    if (input.success) values[input.data.custom_id] = input.data.value ?? ''
  }
  return values
}
