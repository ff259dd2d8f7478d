import type { StoredMessage, World } from './world.ts'

/** A message as a person reads it. */
export interface VisibleMessage {
  readonly id: string
  readonly author: string
  readonly avatar: string | null
  readonly isBot: boolean
  readonly content: string
  readonly edited: boolean
  readonly files: readonly string[]
  readonly sizes: readonly number[]
  readonly descriptions: readonly string[]
  readonly embeds: readonly string[]
  /** Labels of buttons. */
  readonly buttons: readonly string[]
  /** Text of the message it answers to; null when that is gone. */
  readonly replyTo?: string | null
  readonly reactions: Readonly<Record<string, number>>
  /** Names of people it notifies. */
  readonly pings: readonly string[]
  readonly silent: boolean
  readonly pinned: boolean
}

/** The chat of one channel, oldest first. */
export function visible(world: World, channelId: string): VisibleMessage[] {
  const channel = world.channel(channelId)
  return channel.messages.map((m) => ({
    id: m.id,
    author: nameOf(world, m, channel.guildId),
    avatar: m.author.avatar,
    isBot: m.author.bot === true,
    content: m.content,
    edited: m.editedAt !== null,
    files: m.attachments.map((a) => a.filename),
    sizes: m.attachments.map((a) => a.size),
    descriptions: m.attachments.flatMap((a) => a.description ?? []),
    embeds: m.embeds.map((e) => e.title ?? e.description ?? e.url ?? ''),
    buttons: (m.components ?? []).flatMap((row) => row.components.map((b) => b.label ?? '')),
    ...(m.type === 19 && { replyTo: channel.byId.get(m.reference?.message_id ?? '')?.content ?? null }),
    reactions: Object.fromEntries([...m.reactions].map(([key, r]) => [key, r.users.size])),
    pings: [
      ...m.mentionedUsers.map((u) => world.users.get(u)?.username ?? u),
      ...m.mentionedRoles.map((r) => `@&${r}`),
      ...(m.mentionsEveryone ? ['@everyone'] : []),
    ],
    silent: (m.flags & 4096) !== 0,
    pinned: channel.pins.has(m.id),
  }))
}

function nameOf(world: World, message: StoredMessage, guildId: string | undefined): string {
  const member = guildId === undefined ? undefined : world.guilds.get(guildId)?.members.get(message.author.id)
  return member?.nick ?? message.author.global_name ?? message.author.username
}
