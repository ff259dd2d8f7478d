import type { APIAttachment, APIEmbed, APIMessageReference, APIPoll } from 'discord.js'
import { z } from 'zod'
import type { FormPart } from '../multipart.ts'
import { signedUrl } from './cdn.ts'
import { Components } from './components.ts'
import { fail } from './errors.ts'
import type { Violations } from './violations.ts'
import type { World } from './world.ts'

/** What may stand in the JSON of a message, by kind of request. Anything else is a violation. */
const COMMON = ['content', 'embeds', 'allowed_mentions', 'components', 'attachments', 'flags', 'files', 'poll'] as const
const FIELDS: Readonly<Record<MessageKind, ReadonlySet<string>>> = {
  bot: new Set([...COMMON, 'nonce', 'enforce_nonce', 'tts', 'message_reference', 'sticker_ids']),
  webhook: new Set([...COMMON, 'username', 'avatar_url', 'tts', 'thread_name', 'applied_tags']),
  post: new Set([...COMMON, 'sticker_ids']),
  edit: new Set(COMMON),
  interaction: new Set([...COMMON, 'tts']),
}

export type MessageKind = 'bot' | 'webhook' | 'post' | 'edit' | 'interaction'

const snowflake = z.string().regex(/^\d{15,20}$/)

const AllowedMentions = z.object({
  parse: z.array(z.enum(['users', 'roles', 'everyone'])).optional(),
  users: z.array(snowflake).max(100).optional(),
  roles: z.array(snowflake).max(100).optional(),
  replied_user: z.boolean().optional(),
})
export type AllowedMentions = z.infer<typeof AllowedMentions>

const Payload = z.object({
  content: z.string().nullish(),
  embeds: z.array(z.record(z.string(), z.unknown())).max(10).nullish(),
  allowed_mentions: AllowedMentions.nullish(),
  attachments: z
    .array(
      z.object({ id: z.union([z.string(), z.number()]), filename: z.string().optional(), description: z.string().nullish() }),
    )
    .nullish(),
  flags: z.number().int().nullish(),
  components: Components.nullish(),
  nonce: z.union([z.string().max(25), z.number()]).nullish(),
  enforce_nonce: z.boolean().nullish(),
  tts: z.boolean().nullish(),
  message_reference: z
    .object({
      type: z.number().optional(),
      message_id: snowflake,
      channel_id: snowflake.optional(),
      guild_id: snowflake.optional(),
      fail_if_not_exists: z.boolean().optional(),
    })
    .nullish(),
  sticker_ids: z.array(snowflake).max(3).nullish(),
  poll: z
    .object({
      question: z.object({ text: z.string().max(300) }),
      answers: z.array(z.unknown()).max(10),
      allow_multiselect: z.boolean().optional(),
    })
    .nullish(),
  username: z.string().nullish(),
  avatar_url: z.string().nullish(),
  thread_name: z.string().min(1).max(100).nullish(),
  applied_tags: z.array(snowflake).max(5).nullish(),
})

export interface Composed {
  readonly content?: string
  readonly embeds?: APIEmbed[]
  readonly components?: Components
  readonly allowedMentions: AllowedMentions
  readonly flags: number
  readonly nonce?: string
  readonly enforceNonce: boolean
  readonly reference?: APIMessageReference & { fail_if_not_exists?: boolean }
  readonly stickerIds: readonly string[]
  readonly poll?: APIPoll
  readonly username?: string
  readonly avatarUrl?: string
  readonly threadName?: string
  readonly appliedTags?: readonly string[]
  /** Ids of attachments an edit keeps; undefined keeps all. */
  readonly kept?: readonly string[]
  readonly files: readonly { readonly part: FormPart; readonly description?: string }[]
}

const MAX_CONTENT = 2000
const MAX_EMBED_TEXT = 6000

function embedLength(embed: Readonly<Record<string, unknown>>): number {
  let total = 0
  for (const value of Object.values(embed)) {
    if (typeof value === 'string') total += value.length
    else if (Array.isArray(value)) for (const v of value) total += embedLength(v as Record<string, unknown>)
    else if (typeof value === 'object' && value !== null) total += embedLength(value as Record<string, unknown>)
  }
  return total
}

/** Checks the form of a message as Discord does (4.1), and that the sender said who may be pinged. Throws the API's error. */
export function compose(kind: MessageKind, body: unknown, parts: readonly FormPart[], violations: Violations): Composed {
  const raw = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>
  for (const field of Object.keys(raw)) if (!FIELDS[kind].has(field)) violations.add('unknown-field', `${kind} message: ${field}`)
  const bad = (field: string, code: string, message: string): never => {
    violations.add('bad-payload', `${kind} message: ${field}: ${message}`)
    throw fail.form({ [field]: [code, message] })
  }
  const parsed = Payload.safeParse(raw)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    return bad(String(issue?.path[0] ?? '_'), 'BASE_TYPE_INVALID', issue?.message ?? 'invalid')
  }
  const p = parsed.data
  const content = p.content ?? undefined
  if (content !== undefined && [...content].length > MAX_CONTENT)
    bad('content', 'BASE_TYPE_MAX_LENGTH', 'Must be 2000 or fewer in length.')
  if ((p.embeds ?? []).reduce((sum, e) => sum + embedLength(e), 0) > MAX_EMBED_TEXT)
    bad('embeds', 'MAX_EMBED_SIZE_EXCEEDED', 'Embed size exceeds maximum size of 6000')
  if (kind === 'webhook' && p.username != null) checkUsername(p.username, bad)
  if (p.avatar_url != null && !/^https?:\/\/[^\s]+$/.test(p.avatar_url))
    bad('avatar_url', 'URL_TYPE_INVALID_URL', 'Not a well formed URL.')
  const mentions = p.allowed_mentions
  if (mentions == null) violations.add('implicit-mentions', `${kind} message without allowed_mentions`)
  else if ((mentions.parse ?? []).length > 0)
    violations.add('implicit-mentions', `${kind} message parses ${mentions.parse?.join(', ')}`)
  const files = parts.filter((part) => /^files\[\d+\]$/.test(part.name))
  if (files.length > 10) bad('files', 'BASE_TYPE_MAX_LENGTH', 'Must be 10 or fewer in length.')
  return {
    ...(content !== undefined && { content }),
    ...(p.embeds != null && { embeds: p.embeds as APIEmbed[] }),
    ...(p.components != null && { components: p.components }),
    allowedMentions: mentions ?? {},
    flags: p.flags ?? 0,
    ...(p.nonce != null && { nonce: String(p.nonce) }),
    enforceNonce: p.enforce_nonce ?? false,
    ...(p.message_reference != null && { reference: p.message_reference as APIMessageReference }),
    stickerIds: p.sticker_ids ?? [],
    ...(p.poll != null && { poll: p.poll as APIPoll }),
    ...(p.username != null && { username: p.username }),
    ...(p.avatar_url != null && { avatarUrl: p.avatar_url }),
    ...(p.thread_name != null && { threadName: p.thread_name }),
    ...(p.applied_tags != null && { appliedTags: p.applied_tags }),
    ...(p.attachments != null && { kept: p.attachments.map((a) => String(a.id)) }),
    files: files.map((part) => {
      const description = p.attachments?.find((a) => String(a.id) === /\d+/.exec(part.name)?.[0])?.description
      return { part, ...(description != null && { description }) }
    }),
  }
}

function checkUsername(name: string, bad: (field: string, code: string, message: string) => never): void {
  if (name.length < 1 || name.length > 80 || name.trim() === '')
    bad('username', 'BASE_TYPE_BAD_LENGTH', 'Must be between 1 and 80 in length.')
  const forbidden = /discord|clyde/i.exec(name)
  if (forbidden) bad('username', 'USERNAME_INVALID_CONTAINS', `Username cannot contain "${forbidden[0].toLowerCase()}"`)
  if (/^(?:everyone|here)$/i.test(name.trim())) bad('username', 'USERNAME_INVALID', 'Username is invalid')
  if (/[@#:]|```/.test(name)) bad('username', 'USERNAME_INVALID_CONTAINS', 'Username contains forbidden characters')
}

export interface Mentions {
  readonly users: string[]
  readonly roles: string[]
  readonly everyone: boolean
}

/** Who a text pings, given what the sender allowed. People's own messages allow everything. */
export function mentionsOf(world: World, content: string, allowed: AllowedMentions | 'all'): Mentions {
  const visible = content.replace(/```[\s\S]*?```|`[^`]*`/g, '')
  const ids = (pattern: RegExp): string[] => [...new Set([...visible.matchAll(pattern)].map((m) => m[1] as string))]
  const users = ids(/(?<!\\)<@!?(\d{15,20})>/g).filter((id) => world.users.has(id))
  const roles = ids(/(?<!\\)<@&(\d{15,20})>/g)
  const everyone = /(?<!\\)@(?:everyone|here)\b/.test(visible)
  if (allowed === 'all') return { users, roles, everyone }
  const parse = allowed.parse
  // Without any list the default parses everything, as the real endpoints do.
  if (parse === undefined && allowed.users === undefined && allowed.roles === undefined) return { users, roles, everyone }
  return {
    users: users.filter((id) => parse?.includes('users') || allowed.users?.includes(id)),
    roles: roles.filter((id) => parse?.includes('roles') || allowed.roles?.includes(id)),
    everyone: everyone && parse?.includes('everyone') === true,
  }
}

/** Stores uploaded files and answers their attachment objects; the URLs are signed and expire (bridging 9). */
export function storeFiles(world: World, cdn: string, channelId: string, files: Composed['files']): APIAttachment[] {
  return files.map(({ part, description }) => {
    const id = world.ids.next()
    const filename = (part.filename ?? 'file').replace(/[^\w.-]/g, '_')
    const path = `/attachments/${channelId}/${id}/${filename}`
    const type = part.type ?? 'application/octet-stream'
    world.files.set(path, { name: filename, type, bytes: part.bytes })
    const url = signedUrl(cdn, path, world.clock.now())
    return {
      id,
      filename,
      size: part.bytes.length,
      url,
      proxy_url: url,
      content_type: type,
      ...(description !== undefined && { description }),
    }
  })
}
