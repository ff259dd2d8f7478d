import { compose } from './compose.ts'
import { fail } from './errors.ts'
import { announce, postMessage } from './post.ts'
import { presentChannel, presentMessage } from './present.ts'
import { botRoute, type Call, channelFor, created, fieldsOf, noContent, ok, type Route } from './routes.ts'
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

export const THREAD_ROUTES: readonly Route[] = [
  botRoute('GET', '/channels/:id', (call, bot, id) => ok(presentChannel(channelFor(call, bot, id)))),
  botRoute('PATCH', '/channels/:id', modify),
  botRoute('POST', '/channels/:id/threads', (call, bot, id) => start(call, bot, id, undefined)),
  botRoute('POST', '/channels/:id/messages/:mid/threads', (call, bot, id, messageId) => start(call, bot, id, messageId)),
  botRoute('PUT', '/channels/:id/thread-members/@me', (call, bot, id) => {
    channelFor(call, bot, id)
    return noContent
  }),
  botRoute('GET', '/channels/:id/threads/archived/public', (call, bot, id) => {
    channelFor(call, bot, id, 'READ_MESSAGE_HISTORY')
    const threads = [...call.site.world.channels.values()].filter((c) => c.parentId === id && c.kind === 'thread' && c.archived)
    return ok({ threads: threads.map((t) => presentChannel(t)), members: [], has_more: false })
  }),
  botRoute('GET', '/guilds/:id/threads/active', (call, bot, id) => {
    const guild = call.site.world.guild(id)
    const threads = [...guild.channels.values()].filter(
      (c) => c.kind === 'thread' && !c.archived && call.site.world.may(bot, c, 'VIEW_CHANNEL'),
    )
    return ok({ threads: threads.map((t) => presentChannel(t)), members: [] })
  }),
]
