import type {
  APIGuildMember,
  APIMessage,
  APIUser,
  GatewayGuildCreateDispatchData,
  GatewayMessageCreateDispatchData,
} from 'discord.js'
import { fresh } from './cdn.ts'
import { ALL_PERMISSIONS } from './permissions.ts'
import {
  type Bot,
  CHANNEL_TYPE,
  type Channel,
  type Guild,
  type Member,
  type StoredMessage,
  type Webhook,
  type World,
} from './world.ts'

/** Turns what the world keeps into what the API answers. */

export function presentMember(guild: Guild, member: Member): APIGuildMember {
  return { ...presentPartialMember(member), user: member.user, roles: member.roles.filter((r) => guild.roles.has(r)) }
}

function presentPartialMember(member: Member): Omit<APIGuildMember, 'user'> {
  return {
    nick: member.nick,
    avatar: null,
    roles: member.roles,
    joined_at: '2024-01-01T00:00:00.000000+00:00',
    premium_since: null,
    deaf: false,
    mute: false,
    flags: 0,
  } as unknown as Omit<APIGuildMember, 'user'>
}

const REQUIRE_TAG = 1 << 4

/** A channel as the REST API and CHANNEL_* events show it. */
export function presentChannel(channel: Channel): Record<string, unknown> {
  const base = {
    id: channel.id,
    type: CHANNEL_TYPE[channel.kind],
    last_message_id: channel.messages.at(-1)?.id ?? null,
    flags: channel.needsTag ? REQUIRE_TAG : 0,
  }
  if (channel.kind === 'dm') return { ...base, recipients: channel.recipients }
  const common = {
    ...base,
    guild_id: channel.guildId,
    name: channel.name,
    parent_id: channel.parentId ?? null,
    rate_limit_per_user: 0,
  }
  if (channel.kind === 'thread') {
    return {
      ...common,
      owner_id: channel.ownerId ?? '0',
      message_count: channel.messages.length,
      member_count: 1,
      total_message_sent: channel.messages.length,
      thread_metadata: {
        archived: channel.archived,
        auto_archive_duration: 1440,
        archive_timestamp: '2024-01-01T00:00:00.000000+00:00',
        locked: channel.locked,
      },
      ...(channel.tags.length > 0 && { applied_tags: channel.tags.map((tag) => tag.id) }),
    }
  }
  const overwrites = [...channel.denied].map(([id, bits]) => ({ id, type: 1, allow: '0', deny: bits.toString() }))
  return {
    ...common,
    position: 0,
    nsfw: false,
    topic: null,
    permission_overwrites: overwrites,
    ...(channel.kind === 'forum' && {
      available_tags: channel.tags.map((tag) => ({ ...tag, emoji_id: null, emoji_name: null })),
    }),
  }
}

export function presentWebhook(webhook: Webhook, withToken: boolean): Record<string, unknown> {
  return {
    id: webhook.id,
    type: 1,
    guild_id: webhook.guildId,
    channel_id: webhook.channelId,
    user: webhook.creator,
    name: webhook.name,
    avatar: webhook.avatar,
    application_id: webhook.applicationId,
    ...(withToken && { token: webhook.token }),
  }
}

/** A message as the REST API shows it to `viewer`; without the content intent most of other people's words are missing. */
export function presentMessage(world: World, message: StoredMessage, viewer?: Bot, depth = 0): APIMessage {
  const channel = world.channels.get(message.channelId)
  const iso = new Date(Number(BigInt(message.id) >> 22n) + 1_420_070_400_000).toISOString()
  const blank = viewer !== undefined && depth === 0 && isBlankFor(message, channel, viewer)
  const referenced = message.type === 19 && depth === 0 ? channel?.byId.get(message.reference?.message_id ?? '') : undefined
  return {
    id: message.id,
    channel_id: message.channelId,
    author: message.author,
    content: blank ? '' : message.content,
    timestamp: iso,
    edited_timestamp: message.editedAt === null ? null : new Date(message.editedAt).toISOString(),
    tts: false,
    mention_everyone: message.mentionsEveryone,
    mentions: message.mentionedUsers.flatMap((id): APIUser[] => {
      const user = world.users.get(id)
      if (user === undefined) return []
      const member = channel?.guildId === undefined ? undefined : world.guilds.get(channel.guildId)?.members.get(id)
      return [member === undefined ? user : ({ ...user, member: presentPartialMember(member) } as APIUser)]
    }),
    mention_roles: [...message.mentionedRoles],
    attachments: blank ? [] : fresh(message.attachments, world.clock.now()),
    embeds: blank ? [] : message.embeds,
    components: blank ? [] : (message.components ?? []),
    pinned: channel?.pins.has(message.id) ?? false,
    type: message.type,
    flags: message.flags,
    ...(message.stickers.length > 0 && { sticker_items: [...message.stickers] }),
    ...(message.poll && !blank && { poll: message.poll }),
    ...(message.nonce !== undefined && { nonce: message.nonce }),
    ...(message.webhookId !== undefined && { webhook_id: message.webhookId }),
    ...(message.applicationId !== undefined && { application_id: message.applicationId }),
    ...(message.reference && { message_reference: message.reference }),
    ...(message.snapshots && { message_snapshots: [...message.snapshots] }),
    ...(message.type === 19 &&
      depth === 0 && { referenced_message: referenced === undefined ? null : presentMessage(world, referenced, undefined, 1) }),
    ...(message.reactions.size > 0 && {
      reactions: [...message.reactions.values()].map((r) => ({
        emoji: r.emoji,
        count: r.users.size,
        count_details: { burst: 0, normal: r.users.size },
        me: viewer !== undefined && r.users.has(viewer.user.id),
        me_burst: false,
        burst_colors: [],
      })),
    }),
  } as APIMessage
}

const MESSAGE_CONTENT = 1 << 15

function isBlankFor(message: StoredMessage, channel: Channel | undefined, viewer: Bot): boolean {
  if (channel?.guildId === undefined || (viewer.privileged & MESSAGE_CONTENT) !== 0) return false
  return (
    message.author.id !== viewer.user.id &&
    message.applicationId !== viewer.user.id &&
    !message.mentionedUsers.includes(viewer.user.id)
  )
}

/** A message as MESSAGE_CREATE and MESSAGE_UPDATE carry it. */
export function presentMessageEvent(world: World, message: StoredMessage): GatewayMessageCreateDispatchData {
  const channel = world.channel(message.channelId)
  const shown = presentMessage(world, message)
  if (channel.guildId === undefined) return { ...shown, mentions: [] } as GatewayMessageCreateDispatchData
  const member = world.guilds.get(channel.guildId)?.members.get(message.author.id)
  return {
    ...shown,
    guild_id: channel.guildId,
    ...(member && message.webhookId === undefined && { member: presentPartialMember(member) }),
  } as GatewayMessageCreateDispatchData
}

export function presentGuildCreate(world: World, guild: Guild, bot: Bot): GatewayGuildCreateDispatchData {
  const channels = [...guild.channels.values()].filter((c) => world.may(bot, c, 'VIEW_CHANNEL'))
  const member = guild.members.get(bot.user.id)
  return {
    ...presentGuild(guild),
    joined_at: '2024-01-01T00:00:00.000000+00:00',
    large: false,
    unavailable: false,
    member_count: guild.members.size,
    members: member === undefined ? [] : [presentMember(guild, member)],
    channels: channels.filter((c) => c.kind !== 'thread').map((c) => presentChannel(c)),
    threads: channels.filter((c) => c.kind === 'thread' && !c.archived).map((c) => presentChannel(c)),
    presences: [],
    voice_states: [],
    stage_instances: [],
    guild_scheduled_events: [],
    soundboard_sounds: [],
  } as unknown as GatewayGuildCreateDispatchData
}

export function presentGuild(guild: Guild): Record<string, unknown> {
  return {
    id: guild.id,
    name: guild.name,
    icon: null,
    splash: null,
    discovery_splash: null,
    owner_id: [...guild.members.keys()][0] ?? guild.id,
    afk_channel_id: null,
    afk_timeout: 300,
    verification_level: 0,
    default_message_notifications: 0,
    explicit_content_filter: 0,
    roles: [...guild.roles.values()].map((role, position) => ({
      ...role,
      color: 0,
      colors: { primary_color: 0, secondary_color: null, tertiary_color: null },
      hoist: false,
      position,
      permissions: ALL_PERMISSIONS.toString(),
      managed: false,
      mentionable: true,
      flags: 0,
    })),
    emojis: guild.emojis.map((e) => ({ ...e, roles: [], require_colons: true, managed: false, available: true })),
    stickers: [],
    features: [],
    mfa_level: 0,
    application_id: null,
    system_channel_id: guild.systemChannel ?? null,
    system_channel_flags: 0,
    rules_channel_id: null,
    vanity_url_code: null,
    description: null,
    banner: null,
    premium_tier: guild.tier,
    preferred_locale: 'en-US',
    public_updates_channel_id: null,
    nsfw_level: 0,
    premium_progress_bar_enabled: false,
    safety_alerts_channel_id: null,
  }
}
