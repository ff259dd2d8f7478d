import { z } from 'zod'

/**
 * What the bridge reads of Discord's objects. Lenient about everything it does not need, strict about what it uses; bounded,
 * because the other side decides how much arrives.
 */
const snowflake = z.string().regex(/^\d{1,20}$/)
const MAX_TEXT = 20_000

export const DiscordUser = z.object({
  id: snowflake,
  username: z.string().max(200).default(''),
  global_name: z.string().max(200).nullish(),
  avatar: z.string().max(200).nullish(),
  bot: z.boolean().optional(),
})
export type DiscordUser = z.infer<typeof DiscordUser>

const member = z.object({ nick: z.string().max(200).nullish(), roles: z.array(z.string()).max(500).default([]) })

export const attachment = z.object({
  id: snowflake,
  filename: z.string().max(1000).default('file'),
  content_type: z.string().max(200).optional(),
  size: z.number().nonnegative().optional(),
  url: z.string().max(4000),
  width: z.number().nullish(),
  height: z.number().nullish(),
  duration_secs: z.number().nonnegative().optional(),
  description: z.string().max(2000).nullish(),
})
export type DiscordAttachment = z.infer<typeof attachment>

const embed = z.object({
  type: z.string().optional(),
  title: z.string().max(MAX_TEXT).optional(),
  description: z.string().max(MAX_TEXT).optional(),
  url: z.string().max(4000).optional(),
  author: z.object({ name: z.string().max(1000).optional() }).optional(),
  footer: z.object({ text: z.string().max(4000).optional() }).optional(),
  fields: z
    .array(z.object({ name: z.string().max(1000), value: z.string().max(4000) }))
    .max(25)
    .optional(),
})
export type DiscordEmbed = z.infer<typeof embed>

const sticker = z.object({ id: snowflake, name: z.string().max(200), format_type: z.number().optional() })
export type DiscordSticker = z.infer<typeof sticker>

const poll = z.object({
  question: z.object({ text: z.string().max(1000).optional() }),
  answers: z
    .array(z.object({ poll_media: z.object({ text: z.string().max(500).optional() }) }))
    .max(50)
    .default([]),
  allow_multiselect: z.boolean().default(false),
})

/** The parts of a message that make its body; forwards carry the same in `message_snapshots`. */
const content = {
  content: z.string().max(MAX_TEXT).default(''),
  attachments: z.array(attachment).max(50).default([]),
  embeds: z.array(embed).max(20).default([]),
  sticker_items: z.array(sticker).max(10).default([]),
  poll: poll.optional().catch(undefined),
  components: z.unknown().optional(),
  mentions: z
    .array(DiscordUser.extend({ member: member.nullish() }))
    .max(200)
    .default([]),
  flags: z.number().default(0),
}
const DiscordContent = z.object(content)
export type DiscordContent = z.infer<typeof DiscordContent>

const referenced = z.object({
  id: snowflake,
  author: DiscordUser.optional(),
  webhook_id: snowflake.optional(),
  content: z.string().max(MAX_TEXT).default(''),
})

export const DiscordMessage = z.object({
  ...content,
  id: snowflake,
  channel_id: snowflake,
  guild_id: snowflake.optional(),
  author: DiscordUser,
  member: member.nullish(),
  type: z.number().default(0),
  edited_timestamp: z.string().max(100).nullish(),
  webhook_id: snowflake.optional(),
  application_id: snowflake.optional(),
  nonce: z.union([z.string(), z.number()]).optional(),
  message_reference: z
    .object({
      type: z.number().default(0),
      message_id: snowflake.optional(),
      channel_id: snowflake.optional(),
      guild_id: snowflake.optional(),
    })
    .nullish(),
  referenced_message: referenced.nullish().catch(undefined),
  message_snapshots: z
    .array(z.object({ message: DiscordContent }))
    .max(10)
    .optional(),
})
export type DiscordMessage = z.infer<typeof DiscordMessage>

export const DiscordDelete = z.object({ id: snowflake, channel_id: snowflake, guild_id: snowflake.optional() })
export const DiscordBulkDelete = z.object({
  ids: z.array(snowflake).max(1000),
  channel_id: snowflake,
  guild_id: snowflake.optional(),
})

export const DiscordReaction = z.object({
  user_id: snowflake,
  channel_id: snowflake,
  message_id: snowflake,
  guild_id: snowflake.optional(),
  emoji: z.object({ id: snowflake.nullish(), name: z.string().max(100).nullish() }),
  member: z
    .object({ user: DiscordUser, nick: z.string().max(200).nullish() })
    .optional()
    .catch(undefined),
})

/** All reactions of a message, or all with one emoji, were removed. */
export const DiscordReactionClear = z.object({
  channel_id: snowflake,
  message_id: snowflake,
  guild_id: snowflake.optional(),
  emoji: z.object({ id: snowflake.nullish(), name: z.string().max(100).nullish() }).optional(),
})

export const DiscordThread = z.object({
  id: snowflake,
  guild_id: snowflake.optional(),
  parent_id: snowflake.nullish(),
  owner_id: snowflake.nullish(),
  name: z.string().max(200).default(''),
  newly_created: z.boolean().optional(),
  thread_metadata: z.object({ archived: z.boolean().default(false) }).optional(),
})
export type DiscordThread = z.infer<typeof DiscordThread>

/** Ids of a list of entities. */
export function idsOf(list: unknown): ReadonlySet<string> {
  return new Set(Array.isArray(list) ? list.flatMap((entry) => idOf(entry) ?? []) : [])
}

/** Id of an entity of any kind. */
export function idOf(value: unknown): string | undefined {
  const id = (value as { id?: unknown } | null | undefined)?.id
  return typeof id === 'string' && id !== '' ? id : undefined
}
