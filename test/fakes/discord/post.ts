import type { APIUser } from 'discord.js'
import { maxFile, maxRequest } from './cdn.ts'
import { type Composed, mentionsOf, storeFiles } from './compose.ts'
import { fail } from './errors.ts'
import { presentMessageEvent } from './present.ts'
import type { Site } from './routes.ts'
import { snowflakeMs } from './snowflake.ts'
import type { Channel, StoredMessage } from './world.ts'

const SUPPRESS_EMBEDS = 1 << 2
const SUPPRESS_NOTIFICATIONS = 1 << 12
const SENDER_FLAGS = SUPPRESS_EMBEDS | SUPPRESS_NOTIFICATIONS

/** Things that must never be readable in a chat (bridging 1.8). */
const SECRETS = [/\/webhooks\/\d{15,20}\/[\w-]{20,}/, /\bbot\d{6,}:[\w-]{30,}/i, /\b\d{6,}:[\w-]{35}\b/]

export interface Poster {
  readonly author: APIUser
  readonly webhookId?: string
  readonly applicationId?: string
  /** The first message of a post has the id of its thread. */
  readonly id?: string
}

function checkContent(site: Site, composed: Composed, channel: Channel): void {
  const content = composed.content ?? ''
  const secrets = [...site.world.bots.values()].map((b) => b.token)
  if (SECRETS.some((s) => s.test(content)) || secrets.some((s) => content.includes(s)))
    site.violations.add('secret-in-message', `in channel ${channel.id}`)
}

/** File sizes by the server's boosts, and those of the whole request (bridging 4.1). */
function checkFiles(site: Site, composed: Composed, channel: Channel): void {
  const guild = channel.guildId === undefined ? undefined : site.world.guild(channel.guildId)
  const sizes = composed.files.map((f) => f.part.bytes.length)
  const total = sizes.reduce((sum, size) => sum + size, 0)
  if (sizes.some((size) => size > maxFile(guild)) || total > maxRequest(guild)) throw fail.tooLarge()
}

/** Stores a message a program sends, after its form was checked. Answers the stored one for a repeated nonce. */
export function postMessage(
  site: Site,
  channel: Channel,
  poster: Poster,
  composed: Composed,
): { message: StoredMessage; fresh: boolean } {
  const { world } = site
  if (channel.kind === 'forum') throw fail.forumNeedsThread()
  if (channel.kind === 'dm' && channel.recipients.some((u) => world.dmsClosed.has(u.id))) throw fail.cannotDm()
  if (channel.kind === 'thread' && channel.locked) throw fail.locked()
  if (composed.nonce !== undefined && composed.enforceNonce) {
    const same = recentWithNonce(channel, poster.author.id, composed.nonce, world.clock.now())
    if (same !== undefined) return { message: same, fresh: false }
  }
  const hasContent = (composed.content ?? '').trim() !== '' || (composed.embeds ?? []).length > 0 || composed.files.length > 0
  if (!hasContent && composed.stickerIds.length === 0 && composed.poll === undefined) {
    site.violations.add('bad-payload', 'empty message')
    throw fail.empty()
  }
  const { reference } = composed
  if (
    reference !== undefined &&
    reference.type !== 1 &&
    !channel.byId.has(reference.message_id ?? '') &&
    reference.fail_if_not_exists !== false
  )
    throw fail.form({ message_reference: ['MESSAGE_REFERENCE_UNKNOWN_MESSAGE', 'Unknown message'] })
  checkFiles(site, composed, channel)
  checkContent(site, composed, channel)
  channel.archived = false
  const found = reference !== undefined && reference.type !== 1 && channel.byId.has(reference.message_id ?? '')
  const mentions = mentionsOf(world, composed.content ?? '', composed.allowedMentions)
  const message: StoredMessage = {
    id: poster.id ?? world.ids.next(),
    channelId: channel.id,
    author: poster.author,
    type: found ? 19 : 0,
    content: (composed.content ?? '').trim(),
    editedAt: null,
    attachments: storeFiles(world, site.cdn, channel.id, composed.files),
    embeds: composed.embeds ?? [],
    ...(composed.components && { components: composed.components }),
    flags: composed.flags & SENDER_FLAGS,
    stickers: [],
    ...(composed.poll && { poll: composed.poll }),
    ...(poster.webhookId !== undefined && { webhookId: poster.webhookId }),
    ...(poster.applicationId !== undefined && { applicationId: poster.applicationId }),
    ...(composed.nonce !== undefined && { nonce: composed.nonce }),
    ...(found && reference && { reference: { type: 0, message_id: reference.message_id as string, channel_id: channel.id } }),
    mentionedUsers: mentions.users,
    mentionedRoles: mentions.roles,
    mentionsEveryone: mentions.everyone,
    reactions: new Map(),
  }
  world.store(message)
  return { message, fresh: true }
}

const NONCE_WINDOW_MS = 300_000

function recentWithNonce(channel: Channel, authorId: string, nonce: string, now: number): StoredMessage | undefined {
  const since = BigInt(Math.max(0, now - NONCE_WINDOW_MS - 1_420_070_400_000)) << 22n
  for (let i = channel.messages.length - 1; i >= 0; i--) {
    const message = channel.messages[i] as StoredMessage
    if (BigInt(message.id) < since) return undefined
    if (message.author.id === authorId && message.nonce === nonce) return message
  }
  return undefined
}

const OLD_MS = 3_600_000
const OLD_EDITS_PER_MINUTE = 5

/** Editing messages older than an hour has a limit of its own. */
function limitOldEdits(site: Site, channel: Channel, message: StoredMessage): void {
  const now = site.world.clock.now()
  if (now - snowflakeMs(message.id) < OLD_MS) return
  channel.oldEdits = [...channel.oldEdits.filter((at) => now - at < 60_000), now]
  if (channel.oldEdits.length > OLD_EDITS_PER_MINUTE) throw fail.oldEdits()
}

/** Applies an edit of the message's own author. */
export function editMessage(site: Site, channel: Channel, message: StoredMessage, composed: Composed): void {
  if (channel.kind === 'thread' && channel.locked) throw fail.locked()
  if (channel.kind === 'thread' && channel.archived) throw fail.archived()
  limitOldEdits(site, channel, message)
  const content = composed.content ?? message.content
  const kept =
    composed.kept === undefined ? message.attachments : message.attachments.filter((a) => composed.kept?.includes(a.id))
  const attachments = [...kept, ...storeFiles(site.world, site.cdn, channel.id, composed.files)]
  const embeds = composed.embeds ?? message.embeds
  if (content.trim() === '' && attachments.length === 0 && embeds.length === 0) {
    site.violations.add('bad-payload', 'edit to an empty message')
    throw fail.empty()
  }
  checkFiles(site, composed, channel)
  checkContent(site, composed, channel)
  Object.assign(message, {
    content: content.trim(),
    attachments,
    embeds,
    ...(composed.components && { components: composed.components }),
    editedAt: site.world.clock.now(),
  })
}

export function eraseMessage(site: Site, channel: Channel, id: string): void {
  if (!site.world.erase(channel, id)) throw fail.unknownMessage()
}

/** Dispatches what happened to a message to everybody who may see it. */
export function announce(site: Site, event: 'MESSAGE_CREATE' | 'MESSAGE_UPDATE', message: StoredMessage): void {
  const channel = site.world.channel(message.channelId)
  site.gateway.dispatch(event, presentMessageEvent(site.world, message) as unknown as Record<string, unknown>, { channel })
}

export function announceDeletion(site: Site, channel: Channel, ids: readonly string[]): void {
  const where = { channel_id: channel.id, ...(channel.guildId !== undefined && { guild_id: channel.guildId }) }
  if (ids.length === 1) site.gateway.dispatch('MESSAGE_DELETE', { id: ids[0] as string, ...where }, { channel })
  else site.gateway.dispatch('MESSAGE_DELETE_BULK', { ids, ...where }, { channel })
}

/** Pins a message; the channel gets a system message about it (type 6). */
export function pinMessage(site: Site, channel: Channel, id: string, author: StoredMessage['author']): void {
  if (channel.pins.has(id)) return
  channel.pins.add(id)
  const message: StoredMessage = {
    id: site.world.ids.next(),
    channelId: channel.id,
    author,
    type: 6,
    content: '',
    editedAt: null,
    attachments: [],
    embeds: [],
    flags: 0,
    stickers: [],
    reference: { type: 0, message_id: id, channel_id: channel.id },
    mentionedUsers: [],
    mentionedRoles: [],
    mentionsEveryone: false,
    reactions: new Map(),
  }
  site.world.store(message)
  announce(site, 'MESSAGE_CREATE', message)
}
