/** What the bridge remembers of servers to read their messages: names, and which threads belong to which channels. */
export interface ChannelEntry {
  readonly id: string
  readonly guildId?: string
  readonly name: string
  readonly type: number
  /** Threads: the channel they belong to. */
  readonly parentId?: string
  readonly lastMessageId?: string
  readonly archived?: boolean
  /** Forums: what their posts can be marked with, and whether they must be. */
  readonly tags?: readonly string[]
  readonly needsTag?: boolean
}

/** Where a message was written, as a place without its account. */
export interface Whereabouts {
  readonly space?: string
  readonly channel: string
  readonly thread?: string
}

const THREAD_TYPES: ReadonlySet<number> = new Set([10, 11, 12])
/** Forum and media channels. */
const FORUM_TYPES: ReadonlySet<number> = new Set([15, 16])
/** Flag of forums whose posts need a tag. */
const REQUIRE_TAG = 1 << 4
/** Threads come and go; channels of the servers stay. */
const MAX_ENTRIES = 100_000

interface ChannelJson {
  readonly id?: unknown
  readonly guild_id?: unknown
  readonly name?: unknown
  readonly type?: unknown
  readonly parent_id?: unknown
  readonly last_message_id?: unknown
  readonly thread_metadata?: { readonly archived?: unknown } | undefined
  readonly available_tags?: unknown
  readonly flags?: unknown
}

interface GuildJson {
  readonly id?: unknown
  readonly roles?: unknown
  readonly emojis?: unknown
  readonly channels?: unknown
  readonly threads?: unknown
  readonly premium_tier?: unknown
}

/** Largest file by boost tier, bytes (4.1). */
const MAX_FILE = [10, 10, 50, 100].map((mebibytes) => mebibytes * 1024 * 1024)

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)
const list = (value: unknown): readonly Record<string, unknown>[] =>
  Array.isArray(value) ? value.filter((v): v is Record<string, unknown> => typeof v === 'object' && v !== null) : []

/** Ids of tags, those of moderators last: a bot may lack their rights. */
function tagsOf(json: readonly unknown[]): string[] {
  const tags = list(json).flatMap((tag) =>
    text(tag.id) === undefined ? [] : [{ id: String(tag.id), last: tag.moderated === true }],
  )
  return [...tags.filter((tag) => !tag.last), ...tags.filter((tag) => tag.last)].map((tag) => tag.id)
}

/** Where Discord's pictures are: those of stickers, avatars and emoji have addresses of their own. */
export const CDN_URL = 'https://cdn.discordapp.com'

/** State from GUILD_*, CHANNEL_* and THREAD_* events. No I/O. */
export class Directory {
  /** Base of addresses of pictures, without a trailing slash. */
  readonly cdnUrl: string
  readonly #channels = new Map<string, ChannelEntry>()
  readonly #roles = new Map<string, string>()
  /** Emoji by id → guild. */
  readonly #emoji = new Map<string, string>()
  /** Boost tier by guild. */
  readonly #tiers = new Map<string, number>()

  constructor(cdnUrl = CDN_URL) {
    this.cdnUrl = cdnUrl
  }

  channel(id: string): ChannelEntry | undefined {
    return this.#channels.get(id)
  }

  channelsOf(guildId: string): readonly ChannelEntry[] {
    return [...this.#channels.values()].filter((c) => c.guildId === guildId)
  }

  roleName(id: string): string | undefined {
    return this.#roles.get(id)
  }

  hasEmoji(id: string): boolean {
    return this.#emoji.has(id)
  }

  /** Bytes of the largest file that may be sent to a server, or to a person. */
  maxFile(guildId: string | undefined): number {
    const tier = guildId === undefined ? 0 : (this.#tiers.get(guildId) ?? 0)
    return MAX_FILE[tier] ?? (MAX_FILE[0] as number)
  }

  /** Takes posts only. */
  isForum(channelId: string): boolean {
    return FORUM_TYPES.has(this.#channels.get(channelId)?.type ?? -1)
  }

  /** What a post of a forum is marked with: the first tag anybody may set, where posts need one or Discord `demands` it. */
  forumTag(channelId: string, demands = false): string | undefined {
    const forum = this.#channels.get(channelId)
    return forum?.needsTag || demands ? forum?.tags?.[0] : undefined
  }

  /** The place of a channel id; undefined when the channel is unknown and may be a thread. */
  whereabouts(channelId: string, guildId: string | undefined): Whereabouts | undefined {
    if (guildId === undefined) return { channel: channelId }
    const entry = this.#channels.get(channelId)
    if (entry === undefined) return undefined
    if (entry.parentId === undefined || !THREAD_TYPES.has(entry.type)) return { space: guildId, channel: channelId }
    return { space: guildId, channel: entry.parentId, thread: channelId }
  }

  setGuild(guild: GuildJson): void {
    const guildId = text(guild.id)
    if (guildId === undefined) return
    this.setRoles(guild.roles)
    this.setEmojis(guildId, guild.emojis)
    if (typeof guild.premium_tier === 'number') this.#tiers.set(guildId, guild.premium_tier)
    for (const channel of [...list(guild.channels), ...list(guild.threads)]) this.setChannel({ ...channel, guild_id: guildId })
  }

  setRoles(roles: unknown): void {
    for (const role of list(roles)) {
      const id = text(role.id)
      if (id !== undefined) this.#roles.set(id, text(role.name) ?? 'role')
    }
  }

  setEmojis(guildId: string, emojis: unknown): void {
    for (const [id, owner] of this.#emoji) if (owner === guildId) this.#emoji.delete(id)
    for (const emoji of list(emojis)) {
      const id = text(emoji.id)
      if (id !== undefined && emoji.available !== false) this.#emoji.set(id, guildId)
    }
  }

  /** Adds or changes a channel or thread; answers what was known before. */
  setChannel(json: ChannelJson): ChannelEntry | undefined {
    const id = text(json.id)
    if (id === undefined) return undefined
    const before = this.#channels.get(id)
    const guildId = text(json.guild_id) ?? before?.guildId
    const parentId = text(json.parent_id)
    const lastMessageId = text(json.last_message_id)
    const archived = json.thread_metadata?.archived
    const tags = Array.isArray(json.available_tags) ? tagsOf(json.available_tags) : before?.tags
    const needsTag = typeof json.flags === 'number' ? (json.flags & REQUIRE_TAG) !== 0 : before?.needsTag
    this.#channels.delete(id)
    this.#channels.set(id, {
      id,
      name: text(json.name) ?? before?.name ?? 'channel',
      type: typeof json.type === 'number' ? json.type : (before?.type ?? 0),
      ...(guildId !== undefined && { guildId }),
      ...(parentId !== undefined && { parentId }),
      ...(lastMessageId !== undefined && { lastMessageId }),
      ...(typeof archived === 'boolean' && { archived }),
      ...(tags !== undefined && tags.length > 0 && { tags }),
      ...(needsTag && { needsTag }),
    })
    if (this.#channels.size > MAX_ENTRIES) this.#channels.delete(this.#channels.keys().next().value as string)
    return before
  }

  removeChannel(id: string): void {
    this.#channels.delete(id)
  }

  isThread(id: string): boolean {
    return THREAD_TYPES.has(this.#channels.get(id)?.type ?? -1)
  }

  /** Keeps names and threads current. Other events change nothing. */
  apply(event: string, d: Readonly<Record<string, unknown>>): void {
    switch (event) {
      case 'GUILD_CREATE':
      case 'GUILD_UPDATE':
        this.setGuild(d)
        return
      case 'GUILD_ROLE_CREATE':
      case 'GUILD_ROLE_UPDATE':
        this.setRoles([d.role])
        return
      case 'GUILD_EMOJIS_UPDATE':
        this.setEmojis(String(d.guild_id), d.emojis)
        return
      case 'CHANNEL_CREATE':
      case 'CHANNEL_UPDATE':
      case 'THREAD_CREATE':
      case 'THREAD_UPDATE':
        this.setChannel(d)
        return
      case 'THREAD_LIST_SYNC':
        for (const thread of list(d.threads)) this.setChannel({ ...thread, guild_id: d.guild_id })
        return
      case 'CHANNEL_DELETE':
      case 'THREAD_DELETE':
        this.removeChannel(String(d.id))
    }
  }
}
