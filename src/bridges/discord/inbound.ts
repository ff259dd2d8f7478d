import { excerptOf } from '../format/plain.ts'
import { sanitizeName } from '../format/sanitize.ts'
import { editDiscriminator, eventIdOf, reactionDiscriminator } from '../model/event-id.ts'
import type { Author, BridgeEvent, Emoji, Envelope, ReplyTo } from '../model/message.ts'
import type { NativeRef, Place } from '../model/place.ts'
import type { OwnIdentities } from '../own-identities.ts'
import type { Directory, Whereabouts } from './directory.ts'
import { bodyOf, isEmptyBody } from './inbound-body.ts'
import { snowflakeMs } from './probe.ts'
import {
  DiscordBulkDelete,
  DiscordDelete,
  DiscordMessage,
  DiscordReaction,
  DiscordReactionClear,
  DiscordThread,
  type DiscordUser,
} from './schema.ts'
import { noticeOf } from './system-messages.ts'

export interface InboundContext {
  readonly account: string
  readonly directory: Directory
  readonly own: OwnIdentities
  /** True for deletions we asked for ourselves. */
  readonly isOwnDelete: (channelId: string, messageId: string) => boolean
  /** Gateway session and sequence number of the event. */
  readonly sequence: string
  readonly now: number
}

export type DropReason =
  | 'own-account'
  | 'own-webhook'
  | 'own-delete'
  | 'ephemeral'
  | 'thread-starter'
  | 'not-an-edit'
  | 'unknown-channel'
  | 'malformed'
  | 'irrelevant'

export type Inbound =
  | { readonly kind: 'events'; readonly envelopes: readonly Envelope[] }
  | { readonly kind: 'dropped'; readonly reason: DropReason }

const EPHEMERAL = 1 << 6
const THREAD_STARTER = 21
/** Message types that carry somebody's words (4.3). */
const CONTENT_TYPES: ReadonlySet<number> = new Set([0, 19, 20, 23])
const FORWARD = 1
const SOMEBODY: Author = { key: 'discord:unknown', displayName: '', isBot: false, kind: 'user' }

const dropped = (reason: DropReason): Inbound => ({ kind: 'dropped', reason })

/** One gateway event → what the pipeline gets (bridging 2, 4.3, 12). Pure; garbage is dropped, never thrown. */
export function inboundOf(event: string, d: unknown, context: InboundContext): Inbound {
  switch (event) {
    case 'MESSAGE_CREATE':
      return messageCreated(d, context)
    case 'MESSAGE_UPDATE':
      return messageEdited(d, context)
    case 'MESSAGE_DELETE': {
      const parsed = DiscordDelete.safeParse(d)
      return parsed.success ? deleted([parsed.data.id], parsed.data, context) : dropped('malformed')
    }
    case 'MESSAGE_DELETE_BULK': {
      const parsed = DiscordBulkDelete.safeParse(d)
      return parsed.success ? deleted(parsed.data.ids, parsed.data, context) : dropped('malformed')
    }
    case 'MESSAGE_REACTION_ADD':
    case 'MESSAGE_REACTION_REMOVE':
      return reacted(d, event === 'MESSAGE_REACTION_ADD', context)
    case 'MESSAGE_REACTION_REMOVE_ALL':
    case 'MESSAGE_REACTION_REMOVE_EMOJI':
      return reactionsCleared(d, context)
    case 'THREAD_CREATE':
      return threadCreated(d, context)
    default:
      return dropped('irrelevant')
  }
}

function placeOf(where: Whereabouts, context: InboundContext): Place {
  return { network: 'discord', account: context.account, ...where }
}

function refOf(where: Whereabouts, id: string, context: InboundContext): NativeRef {
  const { channel, thread } = where
  return { network: 'discord', account: context.account, channel, id, ...(thread !== undefined && { thread }) }
}

interface EnvelopeInit {
  readonly where: Whereabouts
  readonly id: string
  readonly author: Author
  readonly occurredAt: number
  readonly event: BridgeEvent
  readonly discriminator?: string
}

function envelope(init: EnvelopeInit, context: InboundContext): Envelope {
  const msg = refOf(init.where, init.id, context)
  const { thread } = init.where
  const name = thread === undefined ? undefined : context.directory.channel(thread)?.name
  return {
    v: 1,
    eventId: eventIdOf(msg, init.event.kind, init.discriminator),
    account: context.account,
    at: placeOf(init.where, context),
    msg,
    author: init.author,
    occurredAt: init.occurredAt,
    receivedAt: context.now,
    event: init.event,
    ...(name !== undefined && { threadTitle: sanitizeName(name, 100) }),
    via: [],
  }
}

/**
 * Whether the message is ours (12.1, 12.2): our bots, our webhooks, our applications. Looks at the raw event, because with a
 * busy lane most messages are echoes of our own.
 */
function ownReason(d: unknown, own: OwnIdentities): DropReason | undefined {
  const message = (d ?? {}) as { webhook_id?: unknown; application_id?: unknown; author?: { id?: unknown } | null }
  const { webhook_id, application_id } = message
  if (typeof webhook_id === 'string' && own.has(`discord-webhook:${webhook_id}`)) return 'own-webhook'
  if (typeof application_id === 'string' && own.has(`discord-application:${application_id}`)) return 'own-webhook'
  return own.has(`discord:${String(message.author?.id)}`) ? 'own-account' : undefined
}

function authorOf(message: DiscordMessage): Author {
  const user = message.author
  const isWebhook = message.webhook_id !== undefined && message.application_id === undefined
  return {
    ...personOf(user, message.member?.nick),
    key: `discord:${isWebhook ? message.webhook_id : user.id}`,
    isBot: user.bot === true || isWebhook,
    kind: isWebhook ? 'webhook' : user.bot ? 'bot' : 'user',
    ...(message.member && message.member.roles.length > 0 && { roles: message.member.roles }),
  }
}

/** Server nickname > global name > username > "Deleted user" (2). */
function personOf(user: DiscordUser, nick?: string | null): Author {
  const displayName =
    [nick, user.global_name, user.username].map((n) => sanitizeName(n ?? '')).find((n) => n !== '') ?? 'Deleted user'
  return {
    key: `discord:${user.id}`,
    displayName,
    isBot: user.bot === true,
    kind: user.bot ? 'bot' : 'user',
    ...(user.username !== '' && { username: user.username }),
    ...(user.avatar && { avatar: { kind: 'discord-cdn', ref: `avatars/${user.id}/${user.avatar}`, version: user.avatar } }),
  }
}

function messageCreated(d: unknown, context: InboundContext): Inbound {
  const reason = ownReason(d, context.own)
  if (reason !== undefined) return dropped(reason)
  const parsed = DiscordMessage.safeParse(d)
  if (!parsed.success) return dropped('malformed')
  const message = parsed.data
  if ((message.flags & EPHEMERAL) !== 0) return dropped('ephemeral')
  if (message.type === THREAD_STARTER) return dropped('thread-starter')
  const where = context.directory.whereabouts(message.channel_id, message.guild_id)
  if (where === undefined) return dropped('unknown-channel')
  const author = authorOf(message)
  const base = { where, id: message.id, author, occurredAt: snowflakeMs(message.id) }
  if (!CONTENT_TYPES.has(message.type)) {
    const notice = noticeOf(message.type, author.displayName, message.content)
    const pinned = notice.notice === 'pin' ? message.message_reference?.message_id : undefined
    const event: BridgeEvent = { kind: 'notice', ...notice, ...(pinned && { target: refOf(where, pinned, context) }) }
    return { kind: 'events', envelopes: [envelope({ ...base, event }, context)] }
  }
  const event = contentOf(message, where, context)
  return { kind: 'events', envelopes: [envelope({ ...base, event }, context)] }
}

function contentOf(
  message: DiscordMessage,
  where: Whereabouts,
  context: InboundContext,
): BridgeEvent & { kind: 'message.create' } {
  const ref = refOf(where, message.id, context)
  const reference = message.message_reference
  const snapshot = reference?.type === FORWARD ? message.message_snapshots?.[0]?.message : undefined
  const body = bodyOf(snapshot ?? message, ref, context.directory)
  const shown = isEmptyBody(body) ? { ...body, rich: { text: '[empty message]', spans: [] } } : body
  if (snapshot !== undefined) {
    const channel = context.directory.channel(reference?.channel_id ?? '')
    return {
      kind: 'message.create',
      body: { ...shown, forwardedFrom: { name: channel === undefined ? 'Discord' : `#${channel.name}` } },
    }
  }
  const replyTo = replyOf(message, where, context)
  return { kind: 'message.create', body: shown, ...(replyTo && { replyTo }) }
}

function replyOf(message: DiscordMessage, where: Whereabouts, context: InboundContext): ReplyTo | undefined {
  const reference = message.message_reference
  if (message.type !== 19 || reference?.message_id === undefined) return undefined
  const isHere = reference.channel_id === undefined || reference.channel_id === message.channel_id
  const target = isHere ? where : context.directory.whereabouts(reference.channel_id as string, message.guild_id)
  if (target === undefined) return undefined
  const original = message.referenced_message
  const excerpt =
    original &&
    excerptOf(
      bodyOf(
        { ...EMPTY, content: original.content, mentions: message.mentions },
        refOf(target, original.id, context),
        context.directory,
      ).rich,
    )
  return {
    ref: refOf(target, reference.message_id, context),
    ...(original?.author && { authorName: personOf(original.author).displayName }),
    ...(excerpt !== undefined && excerpt !== null && excerpt !== '' && { excerpt }),
  }
}

const EMPTY = { content: '', attachments: [], embeds: [], sticker_items: [], mentions: [], flags: 0 }

/** An update is an edit only with an edit time; link previews, pins and flags change messages too (4.3). */
function messageEdited(d: unknown, context: InboundContext): Inbound {
  const reason = ownReason(d, context.own)
  if (reason !== undefined) return dropped(reason)
  const parsed = DiscordMessage.safeParse(d)
  if (!parsed.success) return dropped('not-an-edit')
  const message = parsed.data
  if ((message.flags & EPHEMERAL) !== 0) return dropped('ephemeral')
  const editedAt = message.edited_timestamp == null ? Number.NaN : Date.parse(message.edited_timestamp)
  if (Number.isNaN(editedAt) || !CONTENT_TYPES.has(message.type)) return dropped('not-an-edit')
  const where = context.directory.whereabouts(message.channel_id, message.guild_id)
  if (where === undefined) return dropped('unknown-channel')
  const { body } = contentOf(message, where, context)
  const discriminator = editDiscriminator(editedAt, body)
  const event: BridgeEvent = { kind: 'message.edit', body, editedAt, revisionKey: discriminator }
  const init = { where, id: message.id, author: authorOf(message), occurredAt: editedAt, event, discriminator }
  return { kind: 'events', envelopes: [envelope(init, context)] }
}

function deleted(
  ids: readonly string[],
  at: { readonly channel_id: string; readonly guild_id?: string | undefined },
  context: InboundContext,
): Inbound {
  const where = context.directory.whereabouts(at.channel_id, at.guild_id)
  if (where === undefined) return dropped('unknown-channel')
  const foreign = ids.filter((id) => !context.isOwnDelete(at.channel_id, id))
  if (foreign.length === 0) return dropped('own-delete')
  const event: BridgeEvent = {
    kind: 'message.delete',
    ...(ids.length > 1 && { bulkKey: `${at.channel_id}:${ids[0]}:${ids.length}` }),
  }
  const envelopes = foreign.map((id) => envelope({ where, id, author: SOMEBODY, occurredAt: context.now, event }, context))
  return { kind: 'events', envelopes }
}

function reacted(d: unknown, isAdded: boolean, context: InboundContext): Inbound {
  const parsed = DiscordReaction.safeParse(d)
  if (!parsed.success) return dropped('malformed')
  const { user_id, channel_id, message_id, guild_id, emoji, member } = parsed.data
  if (context.own.has(`discord:${user_id}`)) return dropped('own-account')
  const where = context.directory.whereabouts(channel_id, guild_id)
  if (where === undefined) return dropped('unknown-channel')
  const key = emojiOf(emoji)
  const actor =
    member === undefined
      ? { ...SOMEBODY, key: `discord:${user_id}`, displayName: 'Somebody' }
      : personOf(member.user, member.nick)
  const operation = isAdded ? 'add' : 'remove'
  const discriminator = reactionDiscriminator({ actorKey: actor.key, emojiKey: key.key, operation, sequence: context.sequence })
  const event: BridgeEvent = { kind: 'reaction.delta', actor, add: isAdded ? [key] : [], remove: isAdded ? [] : [key] }
  const init = { where, id: message_id, author: actor, occurredAt: context.now, event, discriminator }
  return { kind: 'events', envelopes: [envelope(init, context)] }
}

function reactionsCleared(d: unknown, context: InboundContext): Inbound {
  const parsed = DiscordReactionClear.safeParse(d)
  if (!parsed.success) return dropped('malformed')
  const { channel_id, message_id, guild_id, emoji } = parsed.data
  const where = context.directory.whereabouts(channel_id, guild_id)
  if (where === undefined) return dropped('unknown-channel')
  const cleared = emoji && emojiOf(emoji)
  const operation = { actorKey: '', emojiKey: cleared?.key ?? '', operation: 'clear', sequence: context.sequence } as const
  const event: BridgeEvent = { kind: 'reaction.clear', ...(cleared && { emoji: cleared }) }
  const discriminator = reactionDiscriminator(operation)
  const init = { where, id: message_id, author: SOMEBODY, occurredAt: context.now, event, discriminator }
  return { kind: 'events', envelopes: [envelope(init, context)] }
}

function emojiOf({ id, name }: { readonly id?: string | null | undefined; readonly name?: string | null | undefined }): Emoji {
  const shown = name ?? 'emoji'
  return id ? { key: `custom:${id}`, name: shown } : { key: shown.replace(/\ufe0f/g, ''), name: shown }
}

function threadCreated(d: unknown, context: InboundContext): Inbound {
  const parsed = DiscordThread.safeParse(d)
  if (!parsed.success) return dropped('malformed')
  const thread = parsed.data
  const isOwn = context.own.has(`discord:${thread.owner_id}`) || context.own.has(`discord-webhook:${thread.owner_id}`)
  if (!thread.newly_created || !thread.parent_id || isOwn) return dropped('irrelevant')
  return threadEvent('thread.create', thread, context)
}

/** A rename, close or reopening, as the difference to what was known of the thread. */
export function threadChanged(
  d: unknown,
  before: { readonly name: string; readonly archived?: boolean },
  context: InboundContext,
): Inbound {
  const parsed = DiscordThread.safeParse(d)
  if (!parsed.success) return dropped('malformed')
  const thread = parsed.data
  const archived = thread.thread_metadata?.archived ?? false
  if (thread.name !== before.name) return threadEvent('thread.rename', thread, context)
  if (archived !== (before.archived ?? false)) return threadEvent(archived ? 'thread.close' : 'thread.reopen', thread, context)
  return dropped('irrelevant')
}

type ThreadEventKind = 'thread.create' | 'thread.rename' | 'thread.close' | 'thread.reopen'

function threadEvent(kind: ThreadEventKind, thread: DiscordThread, context: InboundContext): Inbound {
  if (thread.guild_id === undefined || !thread.parent_id) return dropped('unknown-channel')
  const where = { space: thread.guild_id, channel: thread.parent_id, thread: thread.id }
  const event: BridgeEvent = { kind, thread: thread.id, title: sanitizeName(thread.name, 100) }
  const discriminator = kind === 'thread.create' ? '' : context.sequence
  const init = { where, id: thread.id, author: SOMEBODY, occurredAt: context.now, event, discriminator }
  return { kind: 'events', envelopes: [envelope(init, context)] }
}
