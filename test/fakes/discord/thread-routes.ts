import { compose } from './compose.ts'
import { fail } from './errors.ts'
import { announce, postMessage } from './post.ts'
import { presentChannel, presentMessage } from './present.ts'
import { botRoute, type Call, channelFor, created, fieldsOf, noContent, ok, type Route } from './routes.ts'
import { compareIds } from './snowflake.ts'
import type { Bot, Channel, ForumTag } from './world.ts'

const MAX_TAGS = 5

/** The tags a post asks for, of those its forum has. `isModerator`: also those of moderators. */
function tagsFor(forum: Channel, wanted: unknown, isModerator: boolean): readonly ForumTag[] {
  const ids = Array.isArray(wanted) ? wanted.map(String) : []
  const found = ids.flatMap((id) => forum.tags.filter((tag) => tag.id === id && (isModerator || !tag.moderated)))
  if (ids.length > MAX_TAGS || found.length < ids.length)
    throw fail.form({ applied_tags: ['BASE_TYPE_CHOICES', 'These tags cannot be set here.'] })
  if (forum.needsTag && found.length === 0) throw fail.tagRequired()
  return found
}

/** Makes a thread and tells everybody. A thread from a message has the message's id. */
export function createThread(
  call: Pick<Call, 'site' | 'echo'>,
  parent: Channel,
  name: string,
  by: {
    readonly ownerId: string
    readonly fromMessage?: string | undefined
    /** Ids of tags a program asked for; absent: a person chose what is needed. */
    readonly tags?: unknown
    readonly isModerator?: boolean
  },
): Channel {
  const { world } = call.site
  if (name.trim() === '' || name.length > 100)
    throw fail.form({ name: ['BASE_TYPE_BAD_LENGTH', 'Must be between 1 and 100 in length.'] })
  const guild = world.guild(parent.guildId ?? '')
  const tags = 'tags' in by ? tagsFor(parent, by.tags, by.isModerator ?? false) : []
  const thread = world.addChannel({
    kind: 'thread',
    name,
    guild,
    parentId: parent.id,
    ownerId: by.ownerId,
    tags,
    ...(by.fromMessage !== undefined && { id: by.fromMessage }),
  })
  call.echo(() =>
    call.site.gateway.dispatch('THREAD_CREATE', { ...presentChannel(thread), newly_created: true }, { channel: thread }),
  )
  return thread
}

function start(call: Call, bot: Bot, channelId: string, messageId: string | undefined) {
  const { world, violations } = call.site
  const isForum = world.channel(channelId).kind === 'forum'
  const parent = channelFor(call, bot, channelId, isForum ? 'SEND_MESSAGES' : 'CREATE_PUBLIC_THREADS')
  if (messageId !== undefined) world.message(channelId, messageId)
  const body = fieldsOf(call.body)
  if (!isForum) {
    const thread = createThread(call, parent, String(body.name ?? ''), { ownerId: bot.user.id, fromMessage: messageId })
    return created(presentChannel(thread))
  }
  const composed = compose('post', body.message, call.parts, violations)
  if (composed.files.length > 0 && !world.may(bot, parent, 'ATTACH_FILES')) throw fail.missingPermissions()
  const isModerator = world.may(bot, parent, 'MANAGE_THREADS')
  const tags = { tags: body.applied_tags, isModerator }
  const thread = createThread(call, parent, String(body.name ?? ''), { ownerId: bot.user.id, ...tags })
  const { message } = postMessage(call.site, thread, { author: bot.user, id: thread.id }, composed)
  call.echo(() => announce(call.site, 'MESSAGE_CREATE', message))
  return created({ ...presentChannel(thread), message: presentMessage(world, message, bot) })
}

function modify(call: Call, bot: Bot, channelId: string) {
  const channel = channelFor(call, bot, channelId, 'MANAGE_CHANNELS')
  const body = fieldsOf(call.body)
  if (typeof body.name === 'string') channel.name = body.name
  if (channel.kind === 'thread') {
    if (typeof body.archived === 'boolean') channel.archived = body.archived
    if (typeof body.locked === 'boolean') channel.locked = body.locked
  }
  const event = channel.kind === 'thread' ? 'THREAD_UPDATE' : 'CHANNEL_UPDATE'
  call.echo(() => call.site.gateway.dispatch(event, presentChannel(channel), { channel }))
  return ok(presentChannel(channel))
}

function threadFor(call: Call, bot: Bot, id: string | undefined): Channel {
  const thread = channelFor(call, bot, id as string)
  if (thread.kind !== 'thread') throw fail.unknownChannel()
  return thread
}

function presentThreadMember(thread: Channel, userId: string): object {
  return { id: thread.id, user_id: userId, join_timestamp: '2024-01-01T00:00:00.000000+00:00', flags: 0 }
}

function setMember(call: Call, bot: Bot, id: string, who: string, on: boolean) {
  const thread = threadFor(call, bot, id)
  if (thread.archived) throw fail.archived()
  const userId = who === '@me' ? bot.user.id : call.site.world.user(who).id
  if (!on && userId !== bot.user.id && !call.site.world.may(bot, thread, 'MANAGE_THREADS')) throw fail.missingPermissions()
  if (on) thread.joined.add(userId)
  else thread.joined.delete(userId)
  const data = {
    id: thread.id,
    guild_id: thread.guildId,
    member_count: thread.joined.size,
    added_members: on ? [presentThreadMember(thread, userId)] : [],
    removed_member_ids: on ? [] : [userId],
  }
  call.echo(() => call.site.gateway.dispatch('THREAD_MEMBERS_UPDATE', data, { channel: thread }))
  return noContent
}

const MAX_ARCHIVED = 100

/** Archived threads, the newest first, page by page with `before` (an id here: all were archived at one moment). */
function archived(call: Call, bot: Bot, id: string, isPublic: boolean) {
  channelFor(call, bot, id, 'READ_MESSAGE_HISTORY')
  const limit = Math.min(Number(call.query.get('limit') ?? 50), MAX_ARCHIVED)
  const before = call.query.get('before')
  const all = isPublic
    ? [...call.site.world.channels.values()].filter((c) => c.parentId === id && c.kind === 'thread' && c.archived)
    : []
  const found = all.toReversed().filter((t) => before === null || compareIds(t.id, before) < 0)
  return ok({ threads: found.slice(0, limit).map((t) => presentChannel(t)), members: [], has_more: found.length > limit })
}

export const THREAD_ROUTES: readonly Route[] = [
  botRoute('GET', '/channels/:id', (call, bot, id) => ok(presentChannel(channelFor(call, bot, id)))),
  botRoute('PATCH', '/channels/:id', modify),
  botRoute('POST', '/channels/:id/threads', (call, bot, id) => start(call, bot, id, undefined)),
  botRoute('POST', '/channels/:id/messages/:mid/threads', (call, bot, id, messageId) => start(call, bot, id, messageId)),
  botRoute('GET', '/channels/:id/thread-members', (call, bot, id) => {
    const thread = threadFor(call, bot, id)
    return ok([...thread.joined].map((userId) => presentThreadMember(thread, userId)))
  }),
  botRoute('GET', '/channels/:id/thread-members/:uid', (call, bot, id, userId) => {
    const thread = threadFor(call, bot, id)
    if (!thread.joined.has(userId as string)) throw fail.unknownMember()
    return ok(presentThreadMember(thread, userId as string))
  }),
  botRoute('PUT', '/channels/:id/thread-members/:uid', (call, bot, id, who) =>
    setMember(call, bot, id as string, who as string, true),
  ),
  botRoute('DELETE', '/channels/:id/thread-members/:uid', (call, bot, id, who) =>
    setMember(call, bot, id as string, who as string, false),
  ),
  botRoute('GET', '/channels/:id/threads/archived/public', (call, bot, id) => archived(call, bot, id as string, true)),
  // Nobody makes private threads here, so these lists are empty for those who may see them.
  botRoute('GET', '/channels/:id/threads/archived/private', (call, bot, id) => {
    channelFor(call, bot, id as string, 'READ_MESSAGE_HISTORY', 'MANAGE_THREADS')
    return archived(call, bot, id as string, false)
  }),
  botRoute('GET', '/channels/:id/users/@me/threads/archived/private', (call, bot, id) =>
    archived(call, bot, id as string, false),
  ),
  botRoute('GET', '/guilds/:id/threads/active', (call, bot, id) => {
    const guild = call.site.world.guild(id)
    const threads = [...guild.channels.values()].filter(
      (c) => c.kind === 'thread' && !c.archived && call.site.world.may(bot, c, 'VIEW_CHANNEL'),
    )
    return ok({ threads: threads.map((t) => presentChannel(t)), members: [] })
  }),
]
