import { createHash } from 'node:crypto'
import type {
  APIAttachment,
  APIEmbed,
  APIMessageReference,
  APIMessageSnapshot,
  APIPoll,
  APIReaction,
  APIStickerItem,
  APIUser,
} from 'discord.js'
import type { Clock } from '../../../src/base/clock.ts'
import type { Components } from './components.ts'
import { fail } from './errors.ts'
import { ALL_PERMISSIONS, PERMISSIONS, type Permission } from './permissions.ts'
import { Snowflakes } from './snowflake.ts'

export const CHANNEL_TYPE = { text: 0, dm: 1, announcement: 5, thread: 11, forum: 15 } as const
export type ChannelKind = keyof typeof CHANNEL_TYPE

export interface Bot {
  readonly user: APIUser
  token: string
  /** Privileged intents switched on in the developer portal. */
  privileged: number
}

export interface Member {
  readonly user: APIUser
  nick: string | null
  roles: string[]
}

export interface Guild {
  readonly id: string
  name: string
  /** Where the server greets. */
  systemChannel?: string
  readonly roles: Map<string, { id: string; name: string }>
  readonly members: Map<string, Member>
  readonly channels: Map<string, Channel>
  readonly emojis: { id: string; name: string; animated: boolean }[]
  /** Boost tier, 0 to 3. */
  tier: number
}

export interface ForumTag {
  readonly id: string
  readonly name: string
  /** Only for those who may manage threads. */
  readonly moderated: boolean
}

export interface Channel {
  readonly id: string
  readonly kind: ChannelKind
  readonly guildId?: string
  name: string
  parentId?: string
  /** Who started the thread. */
  readonly ownerId?: string
  /** Users of a DM. */
  readonly recipients: readonly APIUser[]
  archived: boolean
  locked: boolean
  /** Forums: what posts can be marked with, and whether they must be. Posts: their marks. */
  tags: readonly ForumTag[]
  needsTag: boolean
  /** What each bot may not do here. */
  readonly denied: Map<string, bigint>
  readonly messages: StoredMessage[]
  readonly byId: Map<string, StoredMessage>
  readonly pins: Set<string>
  /** Threads: who follows them. */
  readonly joined: Set<string>
  /** Times of recent edits of old messages. */
  oldEdits: number[]
}

export interface Webhook {
  readonly id: string
  readonly token: string
  readonly channelId: string
  readonly guildId: string
  name: string
  avatar: string | null
  readonly applicationId: string | null
  readonly creator: APIUser
}

export interface StoredMessage {
  readonly id: string
  readonly channelId: string
  readonly author: APIUser
  readonly type: number
  content: string
  editedAt: number | null
  attachments: APIAttachment[]
  embeds: APIEmbed[]
  flags: number
  /** Rows of buttons. */
  components?: Components
  readonly stickers: readonly APIStickerItem[]
  readonly poll?: APIPoll
  readonly webhookId?: string
  readonly applicationId?: string
  readonly nonce?: string
  readonly reference?: APIMessageReference
  readonly snapshots?: readonly APIMessageSnapshot[]
  readonly mentionedUsers: readonly string[]
  readonly mentionedRoles: readonly string[]
  readonly mentionsEveryone: boolean
  readonly reactions: Map<string, { emoji: APIReaction['emoji']; users: Set<string> }>
}

export interface StoredFile {
  readonly name: string
  readonly type: string
  readonly bytes: Uint8Array
}

/** Everything that exists on the fake server. Rules live in the routes; this only keeps and finds. */
export class World {
  readonly ids: Snowflakes
  readonly clock: Clock
  readonly bots = new Map<string, Bot>()
  readonly users = new Map<string, APIUser>()
  readonly guilds = new Map<string, Guild>()
  readonly channels = new Map<string, Channel>()
  readonly webhooks = new Map<string, Webhook>()
  readonly files = new Map<string, StoredFile>()
  /** How often each file was fetched. */
  readonly downloads = new Map<string, number>()
  /** People who take no direct messages. */
  readonly dmsClosed = new Set<string>()
  /** Called after each new message. */
  onStore: () => void = () => {}
  #secrets = 0
  readonly #seed: number

  constructor(clock: Clock, seed: number) {
    this.clock = clock
    this.#seed = seed
    this.ids = new Snowflakes(clock, seed)
  }

  /** A repeatable secret of `length` URL-safe characters. */
  secret(length: number): string {
    const digest = createHash('sha512')
      .update(`${this.#seed}:${this.#secrets++}`)
      .digest('base64url')
    return digest.slice(0, length)
  }

  addUser(init: {
    name: string
    globalName?: string | undefined
    bot?: boolean | undefined
    avatar?: string | undefined
  }): APIUser {
    const user: APIUser = {
      id: this.ids.next(),
      username: init.name,
      discriminator: '0',
      global_name: init.globalName ?? null,
      avatar: init.avatar ?? null,
      ...(init.bot && { bot: true }),
    }
    this.users.set(user.id, user)
    return user
  }

  addBot(name: string, privileged: number): Bot {
    const user = this.addUser({ name, bot: true })
    const id = Buffer.from(user.id).toString('base64url')
    const bot: Bot = { user, token: `${id}.${this.secret(6)}.${this.secret(38)}`, privileged }
    this.bots.set(user.id, bot)
    return bot
  }

  botByToken(token: string): Bot | undefined {
    for (const bot of this.bots.values()) if (bot.token === token) return bot
    return undefined
  }

  addGuild(name: string): Guild {
    const id = this.ids.next()
    const guild: Guild = {
      id,
      name,
      roles: new Map([[id, { id, name: '@everyone' }]]),
      members: new Map(),
      channels: new Map(),
      emojis: [],
      tier: 0,
    }
    this.guilds.set(id, guild)
    return guild
  }

  addChannel(init: {
    kind: ChannelKind
    name: string
    guild?: Guild
    parentId?: string
    recipients?: APIUser[]
    id?: string
    ownerId?: string
    tags?: readonly ForumTag[]
  }): Channel {
    const channel: Channel = {
      id: init.id ?? this.ids.next(),
      kind: init.kind,
      ...(init.guild && { guildId: init.guild.id }),
      name: init.name,
      ...(init.parentId && { parentId: init.parentId }),
      ...(init.ownerId && { ownerId: init.ownerId }),
      recipients: init.recipients ?? [],
      archived: false,
      locked: false,
      tags: init.tags ?? [],
      needsTag: false,
      denied: new Map(),
      messages: [],
      byId: new Map(),
      pins: new Set(),
      joined: new Set(),
      oldEdits: [],
    }
    this.channels.set(channel.id, channel)
    init.guild?.channels.set(channel.id, channel)
    return channel
  }

  addWebhook(channel: Channel, name: string, creator: APIUser, applicationId: string | null): Webhook {
    const webhook: Webhook = {
      id: this.ids.next(),
      token: this.secret(68),
      channelId: channel.id,
      guildId: channel.guildId ?? '',
      name,
      avatar: null,
      applicationId,
      creator,
    }
    this.webhooks.set(webhook.id, webhook)
    return webhook
  }

  channel(id: string): Channel {
    const channel = this.channels.get(id)
    if (channel === undefined) throw fail.unknownChannel()
    return channel
  }

  guild(id: string): Guild {
    const guild = this.guilds.get(id)
    if (guild === undefined) throw fail.unknownGuild()
    return guild
  }

  user(id: string): APIUser {
    const user = this.users.get(id)
    if (user === undefined) throw fail.unknownUser()
    return user
  }

  message(channelId: string, id: string): StoredMessage {
    const message = this.channel(channelId).byId.get(id)
    if (message === undefined) throw fail.unknownMessage()
    return message
  }

  webhook(id: string, token?: string): Webhook {
    const webhook = this.webhooks.get(id)
    if (webhook === undefined) throw fail.unknownWebhook()
    if (token !== undefined && token !== webhook.token) throw fail.invalidWebhookToken()
    return webhook
  }

  store(message: StoredMessage): void {
    const channel = this.channel(message.channelId)
    channel.messages.push(message)
    channel.byId.set(message.id, message)
    this.onStore()
  }

  erase(channel: Channel, id: string): boolean {
    if (!channel.byId.delete(id)) return false
    channel.messages.splice(
      channel.messages.findIndex((m) => m.id === id),
      1,
    )
    channel.pins.delete(id)
    return true
  }

  /** True when the bot is a member (or DM party) and may do all of this here. */
  may(bot: Bot, channel: Channel, permission: Permission): boolean {
    if (channel.guildId === undefined) return channel.recipients.some((u) => u.id === bot.user.id)
    if (!this.guild(channel.guildId).members.has(bot.user.id)) return false
    return (this.bits(bot, channel) & PERMISSIONS[permission]) !== 0n
  }

  bits(bot: Bot, channel: Channel): bigint {
    const parent = channel.kind === 'thread' && channel.parentId !== undefined ? this.channels.get(channel.parentId) : undefined
    return ALL_PERMISSIONS & ~(channel.denied.get(bot.user.id) ?? 0n) & ~(parent?.denied.get(bot.user.id) ?? 0n)
  }
}
