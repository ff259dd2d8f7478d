import { compose } from './compose.ts'
import { fail } from './errors.ts'
import { announce, announceDeletion, editMessage, eraseMessage, pinMessage, postMessage } from './post.ts'
import { presentMessage } from './present.ts'
import { botRoute, type Call, channelFor, fieldsOf, noContent, ok, type Route } from './routes.ts'
import { compareIds, snowflakeMs } from './snowflake.ts'
import type { Bot, Channel, StoredMessage } from './world.ts'

const BULK_MAX_AGE_MS = 14 * 86_400_000
const MAX_REACTIONS = 20
const MAX_PINS = 250

function list(call: Call, bot: Bot, channelId: string) {
  const channel = channelFor(call, bot, channelId, 'READ_MESSAGE_HISTORY')
  const limit = Number(call.query.get('limit') ?? 50)
  if (!(limit >= 1 && limit <= 100)) throw fail.form({ limit: ['NUMBER_TYPE_MAX', 'int value should be between 1 and 100.'] })
  const before = call.query.get('before')
  const after = call.query.get('after')
  const around = call.query.get('around')
  let found: StoredMessage[]
  if (after !== null) found = channel.messages.slice(firstAfter(channel, after), firstAfter(channel, after) + limit)
  else if (around !== null) {
    const middle = firstAfter(channel, around)
    found = channel.messages.slice(Math.max(0, middle - Math.ceil(limit / 2)), middle + Math.floor(limit / 2))
  } else {
    const end = before === null ? channel.messages.length : firstAfter(channel, (BigInt(before) - 1n).toString())
    found = channel.messages.slice(Math.max(0, end - limit), end)
  }
  return ok(found.toReversed().map((m) => presentMessage(call.site.world, m, bot)))
}

function firstAfter(channel: Channel, id: string): number {
  let lo = 0
  let hi = channel.messages.length
  while (lo < hi) {
    const mid = (lo + hi) >>> 1
    if (compareIds((channel.messages[mid] as StoredMessage).id, id) > 0) hi = mid
    else lo = mid + 1
  }
  return lo
}

function create(call: Call, bot: Bot, channelId: string) {
  const { site } = call
  const target = site.world.channel(channelId)
  const channel = channelFor(call, bot, channelId, target.kind === 'thread' ? 'SEND_MESSAGES_IN_THREADS' : 'SEND_MESSAGES')
  const composed = compose('bot', call.body, call.parts, site.violations)
  if (composed.files.length > 0 && !site.world.may(bot, channel, 'ATTACH_FILES')) throw fail.missingPermissions()
  const { message, fresh } = postMessage(site, channel, { author: bot.user }, composed)
  if (fresh) call.echo(() => announce(site, 'MESSAGE_CREATE', message))
  return ok(presentMessage(site.world, message, bot))
}

function edit(call: Call, bot: Bot, channelId: string, id: string) {
  const { site } = call
  const channel = channelFor(call, bot, channelId)
  const message = site.world.message(channelId, id)
  if (message.author.id !== bot.user.id) throw fail.notYours()
  editMessage(site, channel, message, compose('edit', call.body, call.parts, site.violations))
  call.echo(() => announce(site, 'MESSAGE_UPDATE', message))
  return ok(presentMessage(site.world, message, bot))
}

function remove(call: Call, bot: Bot, channelId: string, id: string) {
  const channel = channelFor(call, bot, channelId)
  const message = call.site.world.message(channelId, id)
  if (message.author.id !== bot.user.id && !call.site.world.may(bot, channel, 'MANAGE_MESSAGES')) throw fail.missingPermissions()
  eraseMessage(call.site, channel, id)
  call.echo(() => announceDeletion(call.site, channel, [id]))
  return noContent
}

function bulkDelete(call: Call, bot: Bot, channelId: string) {
  const channel = channelFor(call, bot, channelId, 'MANAGE_MESSAGES')
  const ids = fieldsOf(call.body).messages
  if (!Array.isArray(ids) || ids.length < 2 || ids.length > 100)
    throw fail.form({ messages: ['BASE_TYPE_BAD_LENGTH', 'Must be between 2 and 100 in length.'] })
  const now = call.site.world.clock.now()
  if (ids.some((id) => now - snowflakeMs(String(id)) > BULK_MAX_AGE_MS)) throw fail.badBulkDelete()
  const erased = ids.map(String).filter((id) => call.site.world.erase(channel, id))
  call.echo(() => announceDeletion(call.site, channel, erased))
  return noContent
}

function emojiOf(text: string): { id: string | null; name: string } {
  const decoded = decodeURIComponent(text)
  const custom = /^(?:a:)?(\w+):(\d{15,20})$/.exec(decoded)
  return custom ? { id: custom[2] as string, name: custom[1] as string } : { id: null, name: decoded }
}

/** Adds or removes a reaction of `userId`; answers whether something changed. */
export function react(message: StoredMessage, emoji: { id: string | null; name: string }, userId: string, on: boolean): boolean {
  const key = emoji.id ?? emoji.name
  const entry = message.reactions.get(key)
  if (!on) {
    if (!entry?.users.delete(userId)) return false
    if (entry.users.size === 0) message.reactions.delete(key)
    return true
  }
  if (entry === undefined) {
    if (message.reactions.size >= MAX_REACTIONS) throw fail.reactionLimit()
    message.reactions.set(key, { emoji, users: new Set([userId]) })
    return true
  }
  if (entry.users.has(userId)) return false
  entry.users.add(userId)
  return true
}

export function announceReaction(
  call: Pick<Call, 'site'>,
  message: StoredMessage,
  emoji: { id: string | null; name: string },
  userId: string,
  on: boolean,
) {
  const channel = call.site.world.channel(message.channelId)
  const data = {
    user_id: userId,
    channel_id: channel.id,
    message_id: message.id,
    ...(channel.guildId !== undefined && { guild_id: channel.guildId }),
    emoji,
    burst: false,
    type: 0,
    ...(on && { message_author_id: message.author.id }),
  }
  call.site.gateway.dispatch(on ? 'MESSAGE_REACTION_ADD' : 'MESSAGE_REACTION_REMOVE', data, { channel })
}

function setReaction(call: Call, bot: Bot, channelId: string, id: string, emojiText: string, on: boolean) {
  channelFor(call, bot, channelId, ...(on ? (['ADD_REACTIONS'] as const) : []))
  const message = call.site.world.message(channelId, id)
  const emoji = emojiOf(emojiText)
  if (react(message, emoji, bot.user.id, on)) call.echo(() => announceReaction(call, message, emoji, bot.user.id, on))
  return noContent
}

/** Pins a message, or no more; a right of its own. */
function setPin(call: Call, bot: Bot, channelId: string, id: string, on: boolean) {
  const channel = channelFor(call, bot, channelId, 'PIN_MESSAGES')
  const message = call.site.world.message(channelId, id)
  if (!on) channel.pins.delete(message.id)
  else if (channel.pins.size >= MAX_PINS && !channel.pins.has(message.id)) throw fail.pinLimit()
  else call.echo(() => pinMessage(call.site, channel, message.id, bot.user))
  const data = { channel_id: channel.id, ...(channel.guildId !== undefined && { guild_id: channel.guildId }) }
  call.echo(() => call.site.gateway.dispatch('CHANNEL_PINS_UPDATE', data, { channel }))
  return noContent
}

const PIN_ROUTES: readonly Route[] = [
  botRoute('GET', '/channels/:id/messages/pins', (call, bot, channelId) => {
    const channel = channelFor(call, bot, channelId, 'READ_MESSAGE_HISTORY')
    const { world } = call.site
    const items = [...channel.pins].map((id) => ({
      pinned_at: new Date(world.clock.now()).toISOString(),
      message: presentMessage(world, world.message(channelId, id), bot),
    }))
    return ok({ items: items.toReversed(), has_more: false })
  }),
  botRoute('PUT', '/channels/:id/messages/pins/:mid', (call, bot, channelId, id) => setPin(call, bot, channelId, id, true)),
  botRoute('DELETE', '/channels/:id/messages/pins/:mid', (call, bot, channelId, id) => setPin(call, bot, channelId, id, false)),
  // The same under the old addresses.
  botRoute('GET', '/channels/:id/pins', (call, bot, channelId) => {
    const channel = channelFor(call, bot, channelId)
    return ok([...channel.pins].map((id) => presentMessage(call.site.world, call.site.world.message(channelId, id), bot)))
  }),
  botRoute('PUT', '/channels/:id/pins/:mid', (call, bot, channelId, id) => setPin(call, bot, channelId, id, true)),
  botRoute('DELETE', '/channels/:id/pins/:mid', (call, bot, channelId, id) => setPin(call, bot, channelId, id, false)),
]

export const MESSAGE_ROUTES: readonly Route[] = [
  botRoute('GET', '/channels/:id/messages', list),
  botRoute('POST', '/channels/:id/messages', create),
  botRoute('POST', '/channels/:id/messages/bulk-delete', bulkDelete),
  ...PIN_ROUTES,
  botRoute('GET', '/channels/:id/messages/:mid', (call, bot, channelId, id) => {
    channelFor(call, bot, channelId, 'READ_MESSAGE_HISTORY')
    return ok(presentMessage(call.site.world, call.site.world.message(channelId, id), bot))
  }),
  botRoute('PATCH', '/channels/:id/messages/:mid', edit),
  botRoute('DELETE', '/channels/:id/messages/:mid', remove),
  botRoute('PUT', '/channels/:id/messages/:mid/reactions/:emoji/@me', (call, bot, c, m, e) =>
    setReaction(call, bot, c, m, e, true),
  ),
  botRoute('DELETE', '/channels/:id/messages/:mid/reactions/:emoji/@me', (call, bot, c, m, e) =>
    setReaction(call, bot, c, m, e, false),
  ),
  botRoute('DELETE', '/channels/:id/messages/:mid/reactions/:emoji/:uid', (call, bot, channelId, id, text, userId) => {
    channelFor(call, bot, channelId, 'MANAGE_MESSAGES')
    const message = call.site.world.message(channelId, id)
    const emoji = emojiOf(text as string)
    if (react(message, emoji, userId as string, false))
      call.echo(() => announceReaction(call, message, emoji, userId as string, false))
    return noContent
  }),
  botRoute('DELETE', '/channels/:id/messages/:mid/reactions/:emoji', (call, bot, channelId, id, text) => {
    const channel = channelFor(call, bot, channelId, 'MANAGE_MESSAGES')
    const message = call.site.world.message(channelId, id)
    const emoji = emojiOf(text as string)
    if (!message.reactions.delete(emoji.id ?? emoji.name)) return noContent
    const data = { channel_id: channelId, message_id: id, guild_id: channel.guildId, emoji }
    call.echo(() => call.site.gateway.dispatch('MESSAGE_REACTION_REMOVE_EMOJI', data, { channel }))
    return noContent
  }),
  botRoute('GET', '/channels/:id/messages/:mid/reactions/:emoji', (call, bot, channelId, id, emojiText) => {
    channelFor(call, bot, channelId)
    const emoji = emojiOf(emojiText)
    const users = call.site.world.message(channelId, id).reactions.get(emoji.id ?? emoji.name)?.users ?? new Set<string>()
    const after = call.query.get('after') ?? '0'
    const page = [...users].toSorted(compareIds).filter((u) => compareIds(u, after) > 0)
    return ok(page.slice(0, Number(call.query.get('limit') ?? 25)).map((u) => call.site.world.user(u)))
  }),
  botRoute('DELETE', '/channels/:id/messages/:mid/reactions', (call, bot, channelId, id) => {
    const channel = channelFor(call, bot, channelId, 'MANAGE_MESSAGES')
    call.site.world.message(channelId, id).reactions.clear()
    call.echo(() =>
      call.site.gateway.dispatch(
        'MESSAGE_REACTION_REMOVE_ALL',
        { channel_id: channelId, message_id: id, guild_id: channel.guildId },
        { channel },
      ),
    )
    return noContent
  }),
  botRoute('POST', '/channels/:id/typing', (call, bot, channelId) => {
    const channel = channelFor(call, bot, channelId, 'SEND_MESSAGES')
    const timestamp = Math.floor(call.site.world.clock.now() / 1000)
    call.echo(() =>
      call.site.gateway.dispatch(
        'TYPING_START',
        { channel_id: channelId, guild_id: channel.guildId, user_id: bot.user.id, timestamp },
        { channel },
      ),
    )
    return noContent
  }),
]
