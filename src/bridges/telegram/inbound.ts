import { unsupportedLine } from '../format/fallbacks.ts'
import { excerptOf } from '../format/plain.ts'
import { concatRich, styled } from '../format/rich-text-ops.ts'
import { bodyHash, editDiscriminator, eventIdOf, reactionDiscriminator } from '../model/event-id.ts'
import type { Author, Body, BridgeEvent, Emoji, Envelope, ReplyTo } from '../model/message.ts'
import type { NativeRef } from '../model/place.ts'
import { plain } from '../model/rich-text.ts'
import { authorOf, chatTitle, originOf, userAuthor } from './author.ts'
import { bodyOf, contentKey } from './content.ts'
import {
  Message,
  MessageFrame,
  MessageReaction,
  MyChatMember,
  type TgChat,
  type TgMessage,
  type TgMessageReaction,
  Update,
} from './schema.ts'
import { serviceEvent } from './service.ts'

export interface InboundContext {
  readonly account: string
  /** Author keys of all our accounts, also those of other bots of ours (bridging 12.1). */
  readonly own: { has(key: string): boolean }
  /** Our clock, ms. */
  readonly receivedAt: number
  /** True when posts of this channel reach the bridge directly: their automatic copies in the discussion group are skipped. */
  readonly isBridged?: (channel: string) => boolean
  /** Channel id of a chat as routes name it; default its number. */
  readonly channelOf?: (chat: { readonly id: number; readonly username?: string | undefined }) => string
}

export type DropReason = 'own' | 'automatic-forward' | 'live-location' | 'malformed' | 'unhandled'

/** What one update means. At most one envelope; a dropped update names its reason. */
export interface Inbound {
  readonly updateId?: number
  readonly envelope?: Envelope
  /** Of edits: the album the edited message is part of. */
  readonly albumKey?: string
  readonly dropped?: DropReason
  /** A basic group became a supergroup; ids are chat ids. */
  readonly migration?: { readonly from: string; readonly to: string }
  /** Our own standing in a chat changed, e.g. `kicked`. */
  readonly membership?: { readonly channel: string; readonly title: string; readonly status: string }
}

/**
 * Normalises one update (bridging 5.2, 5.3, 10). Pure, never throws: what cannot be read becomes a line that says so, or a
 * counted drop when not even its place is known. Telegram never tells about deleted messages, so there is no delete event.
 */
export function inboundOf(raw: unknown, ctx: InboundContext): Inbound {
  const update = Update.safeParse(raw)
  if (!update.success) return { dropped: 'malformed' }
  const { update_id: updateId, ...payload } = update.data
  const [kind, value] = Object.entries(payload).find(([, v]) => typeof v === 'object' && v !== null) ?? []
  switch (kind) {
    case 'message':
    case 'channel_post':
      return { updateId, ...messageInbound(value, false, ctx) }
    case 'edited_message':
    case 'edited_channel_post':
      return { updateId, ...messageInbound(value, true, ctx) }
    case 'message_reaction':
      return { updateId, ...reactionInbound(value, updateId, ctx) }
    case 'my_chat_member':
      return { updateId, ...membershipInbound(value) }
    default:
      return { updateId, dropped: 'unhandled' }
  }
}

type Outcome = Omit<Inbound, 'updateId'>

function messageInbound(raw: unknown, edited: boolean, ctx: InboundContext): Outcome {
  const parsed = Message.safeParse(raw)
  if (!parsed.success) return unreadable(raw, edited, ctx)
  const m = parsed.data
  const dropped = dropReason(m, edited, ctx)
  const migration = migrationOf(m)
  if (dropped) return migration ? { dropped, migration } : { dropped }
  const service = edited ? undefined : withTarget(serviceEvent(m), m, ctx)
  const event: BridgeEvent = service ?? (edited ? editEvent(m, ctx) : createEvent(m, ctx))
  const discriminator = event.kind === 'message.edit' ? event.revisionKey : ''
  // Threads are named by their event; the place stays the chat.
  const thread = event.kind.startsWith('thread.') ? undefined : threadOf(m)
  const occurredAt = (edited ? (m.edit_date ?? m.date) : m.date) * 1000
  const envelope = envelopeOf(
    { chat: m.chat, id: m.message_id, thread, author: authorOf(m), occurredAt, event, discriminator },
    ctx,
  )
  const albumKey = edited ? albumKeyOf(m) : undefined
  // Every message of a topic points at the one that began it, unless it answers another.
  const title = thread === undefined ? undefined : m.reply_to_message?.forum_topic_created?.name
  if (title !== undefined) return { envelope: { ...envelope, threadTitle: title }, ...(albumKey !== undefined && { albumKey }) }
  return { envelope, ...(migration && { migration }), ...(albumKey !== undefined && { albumKey }) }
}

function withTarget(event: BridgeEvent | undefined, m: TgMessage, ctx: InboundContext): BridgeEvent | undefined {
  if (event?.kind !== 'notice' || m.pinned_message === undefined) return event
  return { ...event, target: refOf(m.chat, m.pinned_message.message_id, threadOf(m), ctx) }
}

function albumKeyOf(m: TgMessage): string | undefined {
  return m.media_group_id === undefined ? undefined : `${m.chat.id}:${m.media_group_id}`
}

function dropReason(m: TgMessage, edited: boolean, ctx: InboundContext): DropReason | undefined {
  if (m.from && ctx.own.has(`telegram:${m.from.id}`)) return 'own'
  const joined = m.new_chat_members
  if (joined?.length && joined.every((u) => ctx.own.has(`telegram:${u.id}`))) return 'own'
  if (m.left_chat_member && ctx.own.has(`telegram:${m.left_chat_member.id}`)) return 'own'
  if (m.is_automatic_forward && m.sender_chat && ctx.isBridged?.(channelOf(m.sender_chat, ctx))) return 'automatic-forward'
  // A shared live position moves every few seconds; its first point was bridged.
  if (edited && m.location) return 'live-location'
  return undefined
}

function migrationOf(m: TgMessage): Inbound['migration'] {
  const here = String(m.chat.id)
  if (m.migrate_to_chat_id !== undefined) return { from: here, to: String(m.migrate_to_chat_id) }
  if (m.migrate_from_chat_id !== undefined) return { from: String(m.migrate_from_chat_id), to: here }
  return undefined
}

/** A real topic: without the flag the id only groups a reply chain (bridging 5.3). */
function threadOf(m: { is_topic_message?: boolean | undefined; message_thread_id?: number | undefined }): string | undefined {
  return m.is_topic_message === true && m.message_thread_id !== undefined ? String(m.message_thread_id) : undefined
}

function createEvent(m: TgMessage, ctx: InboundContext): BridgeEvent {
  const replyTo = replyOf(m, ctx)
  const albumKey = albumKeyOf(m)
  return {
    kind: 'message.create',
    body: withExternalQuote(m, ctx),
    ...(replyTo && { replyTo }),
    ...(albumKey !== undefined && { albumKey }),
  }
}

function editEvent(m: TgMessage, ctx: InboundContext): BridgeEvent {
  const editedAt = (m.edit_date ?? m.date) * 1000
  const body = withExternalQuote(m, ctx)
  return { kind: 'message.edit', body, editedAt, revisionKey: editDiscriminator(editedAt, body) }
}

function replyOf(m: TgMessage, ctx: InboundContext): ReplyTo | undefined {
  const target = m.reply_to_message
  if (!target) return undefined
  // In a topic every ordinary message points at the message that created the topic.
  const isTopicStart =
    target.forum_topic_created !== undefined || (m.is_topic_message === true && target.message_id === m.message_thread_id)
  if (isTopicStart) return undefined
  const excerpt = m.quote ? excerptOf(plain(m.quote.text)) : excerptOf(bodyOf(target).rich)
  return {
    ref: refOf(m.chat, target.message_id, threadOf(m), ctx),
    authorName: authorOf(target).displayName,
    ...(excerpt === '' ? {} : { excerpt }),
    ...(m.quote ? { isQuote: true } : {}),
  }
}

/** Replies to messages of other chats become a quote in front of the text (bridging 10.3). */
function withExternalQuote(m: TgMessage, ctx: InboundContext): Body {
  const body = bodyOf(m, ctx.account)
  if (!m.external_reply) return body
  const from = originOf(m.external_reply.origin).name
  const quoted = m.quote ? `${from}: ${excerptOf(plain(m.quote.text))}` : from
  return { ...body, rich: concatRich(styled(quoted, { kind: 'quote' }), '\n', body.rich) }
}

/** Content that does not fit our schema still has a place and a name. */
function unreadable(raw: unknown, edited: boolean, ctx: InboundContext): Outcome {
  const parsed = MessageFrame.safeParse(raw)
  if (!parsed.success) return { dropped: 'malformed' }
  const m = parsed.data
  if (m.from && ctx.own.has(`telegram:${m.from.id}`)) return { dropped: 'own' }
  const body: Body = { rich: plain(unsupportedLine(contentKey(m) ?? 'message')), attachments: [] }
  const occurredAt = m.date * 1000
  const revisionKey = `${occurredAt}:${bodyHash(body)}`
  const event: BridgeEvent = edited
    ? { kind: 'message.edit', body, editedAt: occurredAt, revisionKey }
    : { kind: 'message.create', body }
  const frame = { chat: m.chat, id: m.message_id, thread: threadOf(m), author: authorOf(m), occurredAt, event }
  return { envelope: envelopeOf({ ...frame, discriminator: edited ? revisionKey : '' }, ctx) }
}

function reactionInbound(raw: unknown, updateId: number, ctx: InboundContext): Outcome {
  const parsed = MessageReaction.safeParse(raw)
  if (!parsed.success) return { dropped: 'malformed' }
  const r = parsed.data
  const actor = r.user ? userAuthor(r.user) : r.actor_chat ? authorOf({ chat: r.chat, sender_chat: r.actor_chat }) : undefined
  if (!actor) return { dropped: 'malformed' }
  if (ctx.own.has(actor.key)) return { dropped: 'own' }
  const emojis = emojisOf(r)
  const emojiKey = emojis.map((e) => e.key).join(',')
  const discriminator = reactionDiscriminator({ actorKey: actor.key, emojiKey, operation: 'set', sequence: String(updateId) })
  const event: BridgeEvent = { kind: 'reaction.set', actor, emojis }
  const occurredAt = r.date * 1000
  return {
    envelope: envelopeOf(
      { chat: r.chat, id: r.message_id, thread: undefined, author: actor, occurredAt, event, discriminator },
      ctx,
    ),
  }
}

const VARIATION_OR_SKIN = /\ufe0f|[\u{1f3fb}-\u{1f3ff}]/gu

/** Emoji keys without variation selector and skin tone (bridging 10.4); paid reactions have no emoji. */
function emojisOf(r: TgMessageReaction): Emoji[] {
  return r.new_reaction.flatMap((x) => {
    if (x.type === 'emoji' && x.emoji !== undefined) return [{ key: x.emoji.replace(VARIATION_OR_SKIN, ''), name: x.emoji }]
    if (x.type === 'custom_emoji' && x.custom_emoji_id !== undefined) {
      return [{ key: `custom:${x.custom_emoji_id}`, name: 'custom emoji' }]
    }
    return []
  })
}

function membershipInbound(raw: unknown): Outcome {
  const parsed = MyChatMember.safeParse(raw)
  if (!parsed.success) return { dropped: 'malformed' }
  const { chat, new_chat_member } = parsed.data
  return { membership: { channel: String(chat.id), title: chatTitle(chat), status: new_chat_member.status } }
}

function channelOf(chat: TgChat, ctx: InboundContext): string {
  return ctx.channelOf?.(chat) ?? String(chat.id)
}

function refOf(chat: TgChat, id: number, thread: string | undefined, ctx: InboundContext): NativeRef {
  const at = { network: 'telegram' as const, account: ctx.account, channel: channelOf(chat, ctx), id: String(id) }
  return thread === undefined ? at : { ...at, thread }
}

interface EnvelopeParts {
  readonly chat: TgChat
  readonly id: number
  readonly thread: string | undefined
  readonly author: Author
  readonly occurredAt: number
  readonly event: BridgeEvent
  readonly discriminator: string
}

function envelopeOf(parts: EnvelopeParts, ctx: InboundContext): Envelope {
  const { chat, id, thread, author, occurredAt, event, discriminator } = parts
  const msg = refOf(chat, id, thread, ctx)
  const channel = channelOf(chat, ctx)
  return {
    v: 1,
    eventId: eventIdOf(msg, event.kind, discriminator),
    account: ctx.account,
    at: { network: 'telegram', account: ctx.account, space: channel, channel, ...(thread === undefined ? {} : { thread }) },
    msg,
    author,
    occurredAt,
    receivedAt: ctx.receivedAt,
    event,
    via: [],
  }
}
