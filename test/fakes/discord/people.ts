import type { APIUser } from 'discord.js'
import { z } from 'zod'
import { signedUrl } from './cdn.ts'
import { mentionsOf } from './compose.ts'
import { announceReaction, react } from './message-routes.ts'
import { bitsOf, PERMISSIONS, type Permission } from './permissions.ts'
import { announce, announceDeletion, pinMessage } from './post.ts'
import { presentChannel, presentGuild, presentMember } from './present.ts'
import type { Site } from './routes.ts'
import { createThread } from './thread-routes.ts'
import type { Channel, StoredMessage } from './world.ts'

const id = z.string().regex(/^\d{15,20}$/)
const permission = z.enum(Object.keys(PERMISSIONS) as [Permission, ...Permission[]])

const Say = z.strictObject({
  channel: id,
  user: id,
  content: z.string().default(''),
  replyTo: id.optional(),
  files: z
    .array(
      z.strictObject({
        name: z.string(),
        type: z.string().optional(),
        size: z.number().optional(),
        width: z.number().optional(),
        height: z.number().optional(),
        description: z.string().optional(),
        voiceSeconds: z.number().optional(),
        /** Its content, base64; default: the name over and over. */
        content: z.string().optional(),
      }),
    )
    .default([]),
  embeds: z.array(z.record(z.string(), z.unknown())).default([]),
  /** `content` is the picture, base64. */
  sticker: z.strictObject({ name: z.string(), format: z.number().default(1), content: z.string().optional() }).optional(),
  poll: z.strictObject({ question: z.string(), answers: z.array(z.string()), multiple: z.boolean().default(false) }).optional(),
  /** Another message type, e.g. 7 (join), 6 (pin). */
  type: z.number().int().default(0),
  flags: z.number().int().default(0),
  /** Forwards this message. */
  forward: z.strictObject({ channel: id, message: id }).optional(),
})

/** What a person (or another program) does on the fake server; every method takes and gives JSON. */
export class People {
  readonly #site: Site

  constructor(site: Site) {
    this.#site = site
  }

  addGuild(input: { name: string }): { id: string } {
    const guild = this.#site.world.addGuild(input.name)
    return { id: guild.id }
  }

  /** A user; with `guild` also a member there. */
  addUser(input: {
    name: string
    globalName?: string
    guild?: string
    nick?: string
    roles?: string[]
    bot?: boolean
    avatar?: string
  }): APIUser {
    const { world, gateway } = this.#site
    const user = world.addUser(input)
    if (input.guild !== undefined) {
      const guild = world.guild(input.guild)
      const member = { user, nick: input.nick ?? null, roles: input.roles ?? [] }
      guild.members.set(user.id, member)
      gateway.dispatch('GUILD_MEMBER_ADD', { guild_id: guild.id, ...presentMember(guild, member) }, { guildId: guild.id })
    }
    return user
  }

  addRole(input: { guild: string; name: string }): { id: string } {
    const { world, gateway } = this.#site
    const guild = world.guild(input.guild)
    const role = { id: world.ids.next(), name: input.name }
    guild.roles.set(role.id, role)
    const shown = (presentGuild(guild).roles as { id: string }[]).find((r) => r.id === role.id)
    gateway.dispatch('GUILD_ROLE_CREATE', { guild_id: guild.id, role: shown }, { guildId: guild.id })
    return { id: role.id }
  }

  addChannel(input: { guild: string; name: string; kind?: 'text' | 'announcement' | 'forum' }): { id: string } {
    const { world, gateway } = this.#site
    const channel = world.addChannel({ kind: input.kind ?? 'text', name: input.name, guild: world.guild(input.guild) })
    gateway.dispatch('CHANNEL_CREATE', presentChannel(channel), { channel })
    return { id: channel.id }
  }

  /** What posts of a forum can be marked with, and whether they must be. `silently`: programs are not told. */
  setForumTags(input: {
    channel: string
    tags: { name: string; moderated?: boolean }[]
    required?: boolean
    silently?: boolean
  }): { ids: string[] } {
    const { world, gateway } = this.#site
    const forum = world.channel(input.channel)
    forum.tags = input.tags.map(({ name, moderated }) => ({ id: world.ids.next(), name, moderated: moderated ?? false }))
    forum.needsTag = input.required ?? true
    if (input.silently !== true) gateway.dispatch('CHANNEL_UPDATE', presentChannel(forum), { channel: forum })
    return { ids: forum.tags.map((tag) => tag.id) }
  }

  /** The server is boosted: larger files (bridging 4.1). */
  setTier(input: { guild: string; tier: number }): void {
    const { world, gateway } = this.#site
    const guild = world.guild(input.guild)
    guild.tier = input.tier
    gateway.dispatch('GUILD_UPDATE', presentGuild(guild), { guildId: guild.id })
  }

  /** Addresses of a channel's attachments given out so far stop working. */
  expireFiles(input: { channel: string }): void {
    for (const message of this.#site.world.channel(input.channel).messages) {
      message.attachments = message.attachments.map((a) => {
        const url = a.url.replace(/ex=[0-9a-f]+/, 'ex=1')
        return { ...a, url, proxy_url: url }
      })
    }
  }

  removeChannel(input: { channel: string }): void {
    const { world, gateway } = this.#site
    const channel = world.channel(input.channel)
    const shown = presentChannel(channel)
    gateway.dispatch(channel.kind === 'thread' ? 'THREAD_DELETE' : 'CHANNEL_DELETE', shown, { channel })
    world.channels.delete(channel.id)
    if (channel.guildId !== undefined) world.guild(channel.guildId).channels.delete(channel.id)
    for (const webhook of world.webhooks.values()) if (webhook.channelId === channel.id) world.webhooks.delete(webhook.id)
  }

  /** Opens the DM between a user and a bot. */
  openDm(input: { user: string; bot: string }): { id: string } {
    const { world } = this.#site
    const channel = world.addChannel({ kind: 'dm', name: '', recipients: [world.user(input.user), world.user(input.bot)] })
    return { id: channel.id }
  }

  /** A person takes no direct messages any more, or again. */
  closeDms(input: { user: string; closed?: boolean }): void {
    if (input.closed ?? true) this.#site.world.dmsClosed.add(input.user)
    else this.#site.world.dmsClosed.delete(input.user)
  }

  /** Says what a bot may not do in a channel from now on; an empty list allows everything again. */
  deny(input: { channel: string; bot: string; permissions: Permission[] }): void {
    const { world, gateway } = this.#site
    const channel = world.channel(input.channel)
    channel.denied.set(input.bot, bitsOf(z.array(permission).parse(input.permissions)))
    gateway.dispatch('CHANNEL_UPDATE', presentChannel(channel), { channel })
  }

  removeWebhook(input: { webhook: string }): void {
    const webhook = this.#site.world.webhook(input.webhook)
    this.#site.world.webhooks.delete(webhook.id)
    const channel = this.#site.world.channel(webhook.channelId)
    this.#site.gateway.dispatch('WEBHOOKS_UPDATE', { guild_id: channel.guildId, channel_id: channel.id }, { channel })
  }

  say(input: z.input<typeof Say>): { id: string } {
    const message = this.#store(Say.parse(input))
    announce(this.#site, 'MESSAGE_CREATE', message)
    return { id: message.id }
  }

  /** Many messages at once, `<prefix><number>` from 1, for measurements. */
  burst(input: { channel: string; user: string; count: number; prefix?: string }): { ids: string[] } {
    const ids: string[] = []
    for (let n = 1; n <= input.count; n++)
      ids.push(this.say({ channel: input.channel, user: input.user, content: `${input.prefix ?? 'message '}${n}` }).id)
    return { ids }
  }

  /** A message by somebody else's webhook. */
  foreignWebhookSay(input: { channel: string; name: string; content: string }): { id: string } {
    const { world } = this.#site
    const channel = world.channel(input.channel)
    const webhook = world.addWebhook(channel, input.name, world.addUser({ name: 'webhook maker' }), null)
    const author: APIUser = {
      id: webhook.id,
      username: input.name,
      discriminator: '0000',
      global_name: null,
      avatar: null,
      bot: true,
    }
    const message = this.#plain(channel, author, input.content, { webhookId: webhook.id })
    announce(this.#site, 'MESSAGE_CREATE', message)
    return { id: message.id }
  }

  /** Changes the text, takes files away by name, and adds others. */
  edit(input: {
    channel: string
    message: string
    content?: string
    without?: readonly string[]
    files?: z.output<typeof Say>['files']
  }): void {
    const message = this.#site.world.message(input.channel, input.message)
    const { content = message.content, without = [], files = [] } = input
    const left = message.attachments.filter((a) => !without.includes(a.filename))
    const attachments = [...left, ...this.#uploads(input.channel, files)]
    Object.assign(message, { content, attachments, editedAt: this.#site.world.clock.now() })
    announce(this.#site, 'MESSAGE_UPDATE', message)
  }

  /** An update without an edit: a link preview appears. */
  unfurl(input: { channel: string; message: string; title: string; url: string }): void {
    const message = this.#site.world.message(input.channel, input.message)
    message.embeds = [{ title: input.title, url: input.url, type: 'link' as never }]
    announce(this.#site, 'MESSAGE_UPDATE', message)
  }

  remove(input: { channel: string; messages: string[] }): void {
    const channel = this.#site.world.channel(input.channel)
    const erased = input.messages.filter((m) => this.#site.world.erase(channel, m))
    if (erased.length > 0) announceDeletion(this.#site, channel, erased)
  }

  react(input: { channel: string; message: string; user: string; emoji: string; on?: boolean }): void {
    const message = this.#site.world.message(input.channel, input.message)
    const on = input.on ?? true
    const emoji = { id: null, name: input.emoji }
    if (react(message, emoji, input.user, on)) announceReaction({ site: this.#site }, message, emoji, input.user, on)
  }

  /** Pins a message, which the channel is told. */
  pin(input: { channel: string; message: string; user: string }): void {
    const { world } = this.#site
    pinMessage(this.#site, world.channel(input.channel), world.message(input.channel, input.message).id, world.user(input.user))
  }

  startThread(input: { channel: string; name: string; user?: string; message?: string }): { id: string } {
    const echoes: (() => void)[] = []
    const call = { site: this.#site, echo: (run: () => void) => echoes.push(run) }
    const thread = createThread(call, this.#site.world.channel(input.channel), input.name, {
      ownerId: input.user ?? '0',
      fromMessage: input.message,
    })
    for (const echo of echoes) echo()
    return { id: thread.id }
  }

  /** Threads of a channel, the oldest first. */
  threads(input: { channel: string }): { id: string; name: string; archived: boolean; tags: string[] }[] {
    const threads = [...this.#site.world.channels.values()].filter((c) => c.kind === 'thread' && c.parentId === input.channel)
    return threads.map(({ id, name, archived, tags }) => ({ id, name, archived, tags: tags.map((tag) => tag.name) }))
  }

  changeThread(input: { thread: string; name?: string; archived?: boolean; locked?: boolean }): void {
    const { thread: threadId, ...changes } = input
    const thread = this.#site.world.channel(threadId)
    Object.assign(thread, changes)
    this.#site.gateway.dispatch('THREAD_UPDATE', presentChannel(thread), { channel: thread })
  }

  #plain(channel: Channel, author: APIUser, content: string, extra: Partial<StoredMessage> = {}): StoredMessage {
    const { world } = this.#site
    const mentions = mentionsOf(world, content, 'all')
    const message: StoredMessage = {
      id: world.ids.next(),
      channelId: channel.id,
      author,
      type: 0,
      content,
      editedAt: null,
      attachments: [],
      embeds: [],
      flags: 0,
      stickers: [],
      mentionedUsers: mentions.users,
      mentionedRoles: mentions.roles,
      mentionsEveryone: mentions.everyone,
      reactions: new Map(),
      ...extra,
    }
    world.store(message)
    return message
  }

  #uploads(channelId: string, files: z.output<typeof Say>['files']): StoredMessage['attachments'] {
    const { world, cdn } = this.#site
    return files.map((file) => {
      const fileId = world.ids.next()
      const path = `/attachments/${channelId}/${fileId}/${file.name}`
      const size = Math.min(file.size ?? 4, 128 * 1024 * 1024)
      const bytes = file.content === undefined ? Buffer.alloc(size, file.name) : Buffer.from(file.content, 'base64')
      world.files.set(path, { name: file.name, type: file.type ?? 'application/octet-stream', bytes })
      const url = signedUrl(cdn, path, world.clock.now())
      const media = {
        ...(file.width !== undefined && { width: file.width }),
        ...(file.height !== undefined && { height: file.height }),
      }
      const voice = file.voiceSeconds === undefined ? {} : { duration_secs: file.voiceSeconds, waveform: 'AAAA' }
      return {
        id: fileId,
        filename: file.name,
        size: bytes.length,
        url,
        proxy_url: url,
        ...(file.type !== undefined && { content_type: file.type }),
        ...(file.description !== undefined && { description: file.description }),
        ...media,
        ...voice,
      }
    })
  }

  #store(input: z.output<typeof Say>): StoredMessage {
    const { world } = this.#site
    const channel = world.channel(input.channel)
    const attachments = this.#uploads(input.channel, input.files)
    const stickerId = world.ids.next()
    if (input.sticker?.content !== undefined) {
      const extension = input.sticker.format === 4 ? 'gif' : 'png'
      const bytes = Buffer.from(input.sticker.content, 'base64')
      world.files.set(`/stickers/${stickerId}.${extension}`, {
        name: `${stickerId}.${extension}`,
        type: `image/${extension}`,
        bytes,
      })
    }
    const forwarded = input.forward && world.message(input.forward.channel, input.forward.message)
    return this.#plain(channel, world.user(input.user), input.content, {
      type: input.replyTo === undefined ? input.type : 19,
      attachments,
      embeds: input.embeds as StoredMessage['embeds'],
      flags: input.flags,
      ...(input.sticker && { stickers: [{ id: stickerId, name: input.sticker.name, format_type: input.sticker.format }] }),
      ...(input.poll && {
        poll: {
          question: { text: input.poll.question },
          answers: input.poll.answers.map((text, i) => ({ answer_id: i + 1, poll_media: { text } })),
          expiry: new Date(world.clock.now() + 86_400_000).toISOString(),
          allow_multiselect: input.poll.multiple,
          layout_type: 1,
        } as unknown as NonNullable<StoredMessage['poll']>,
      }),
      ...(input.replyTo !== undefined && { reference: { type: 0, message_id: input.replyTo, channel_id: channel.id } }),
      ...(forwarded &&
        input.forward && {
          reference: { type: 1, message_id: input.forward.message, channel_id: input.forward.channel },
          snapshots: [
            {
              message: {
                type: 0,
                content: forwarded.content,
                embeds: forwarded.embeds,
                attachments: forwarded.attachments,
                timestamp: new Date(world.clock.now()).toISOString(),
                edited_timestamp: null,
                mentions: [],
                mention_roles: [],
              },
            } as NonNullable<StoredMessage['snapshots']>[number],
          ],
        }),
    })
  }
}
