import type { Message } from 'grammy/types'
import { markupOf } from './buttons.ts'
import { isAdmin } from './delivery.ts'
import { ApiError, badRequest, tooManyRequests } from './errors.ts'
import { captionOf } from './media-methods.ts'
import type { MethodContext } from './method-context.ts'
import { Params } from './params.ts'
import { chatOf, type Method, seconds, send } from './sending.ts'
import { type FakeBot, type FakeChat, isService } from './world.ts'

const MAX_QUESTION = 300
const MAX_OPTION = 100
const MAX_OPTIONS = 12
const MAX_RICH_TEXT = 32_768
const MAX_RICH_BLOCKS = 500
/** `close` is refused this long after the bot began, seconds. */
const CLOSE_AFTER_SEC = 600

const sendPoll: Method = (bot, params, ctx) => {
  const question = params.text('question') ?? ''
  const raw = params.json('options')
  const options = (Array.isArray(raw) ? raw : []).map((o: unknown) =>
    typeof o === 'string' ? o : String((o as { text?: unknown }).text),
  )
  if (question.trim() === '') throw badRequest('poll question must be non-empty')
  if (question.length > MAX_QUESTION) throw badRequest(`poll question length must not exceed ${MAX_QUESTION}`)
  if (options.length < 1) throw badRequest('poll must have at least 1 option')
  if (options.length > MAX_OPTIONS) throw badRequest(`poll can't have more than ${MAX_OPTIONS} options`)
  if (options.some((o) => o.trim() === '')) throw badRequest('poll options must be non-empty')
  if (options.some((o) => o.length > MAX_OPTION)) throw badRequest(`poll options length must not exceed ${MAX_OPTION}`)
  const poll = {
    id: ctx.world.newAlbumId(),
    question,
    options: options.map((text, i) => ({ persistent_id: String(i), text, voter_count: 0 })),
    total_voter_count: 0,
    is_closed: params.flag('is_closed'),
    is_anonymous: params.text('is_anonymous')?.toLowerCase() !== 'false',
    type: params.text('type') ?? 'regular',
    allows_multiple_answers: params.flag('allows_multiple_answers'),
    allows_revoting: true,
    members_only: false,
  }
  return send(bot, params, ctx, () => ({ poll }))
}

const sendLocation: Method = (bot, params, ctx) => {
  const number = (name: string, most: number): number => {
    const value = Number(params.text(name) ?? Number.NaN)
    if (!Number.isFinite(value) || Math.abs(value) > most) throw badRequest(`${name} is invalid`)
    return value
  }
  const location = { latitude: number('latitude', 90), longitude: number('longitude', 180) }
  return send(bot, params, ctx, () => ({ location }))
}

/** Blocks are kept as they came; text in HTML or Markdown becomes one paragraph. */
const sendRichMessage: Method = (bot, params, ctx) => {
  const rich = params.object('rich_message') ?? {}
  const { html, markdown } = rich
  const blocks = Array.isArray(rich.blocks)
    ? (rich.blocks as unknown[])
    : [{ type: 'paragraph', text: String(html ?? markdown ?? '') }]
  if ([rich.blocks, html, markdown].filter((v) => v !== undefined).length !== 1)
    throw badRequest('exactly one of the fields blocks, html and markdown must be used')
  if (blocks.length === 0 || JSON.stringify(blocks) === '[{"type":"paragraph","text":""}]')
    throw badRequest('message text is empty')
  if (blocks.length > MAX_RICH_BLOCKS || lengthOf(blocks) > MAX_RICH_TEXT) throw badRequest('message is too long')
  return send(bot, params, ctx, () => ({ rich_message: { blocks, ...(rich.is_rtl === true && { is_rtl: true }) } }))
}

/** Characters of all texts in a tree of blocks. */
function lengthOf(value: unknown): number {
  if (Array.isArray(value)) return value.reduce((sum: number, v) => sum + lengthOf(v), 0)
  if (typeof value !== 'object' || value === null) return 0
  return Object.entries(value).reduce(
    (sum, [key, v]) => sum + (key === 'text' && typeof v === 'string' ? v.length : lengthOf(v)),
    0,
  )
}

/** The message another one is made of, where this bot may read it. */
function originOf(bot: FakeBot, params: Params, ctx: MethodContext, how: 'forward' | 'copy'): Message {
  const from = chatOf(bot, new Params({ ...params.values, chat_id: params.values.from_chat_id }), ctx)
  const message = from.messages.get(params.integer('message_id') ?? 0)
  if (!message) throw badRequest(`message to ${how} not found`)
  if (isService(message) || message.has_protected_content)
    throw badRequest(`message can't be ${how === 'copy' ? 'copied' : 'forwarded'}`)
  return message
}

const FRAME = [
  'message_id',
  'message_thread_id',
  'is_topic_message',
  'from',
  'sender_chat',
  'chat',
  'date',
  'edit_date',
  'reply_to_message',
  'quote',
  'reply_markup',
  'media_group_id',
  'author_signature',
] as const

function contentOf(message: Message): Record<string, unknown> {
  const content: Record<string, unknown> = { ...message }
  for (const field of FRAME) delete content[field]
  return content
}

const forwardMessage: Method = (bot, params, ctx) => {
  const message = originOf(bot, params, ctx, 'forward')
  const { sender_chat, from, date } = message
  const origin = sender_chat
    ? {
        type: sender_chat.type === 'channel' ? 'channel' : 'chat',
        date,
        chat: sender_chat,
        sender_chat,
        message_id: message.message_id,
      }
    : { type: 'user', date, sender_user: from }
  return send(bot, params, ctx, () => ({ ...contentOf(message), forward_origin: message.forward_origin ?? origin }))
}

const copyMessage: Method = (bot, params, ctx) => {
  const { forward_origin: _origin, ...content } = contentOf(originOf(bot, params, ctx, 'copy'))
  const caption = captionOf(params, ctx)
  const made = send(bot, params, ctx, () => ({ ...content, ...caption }))
  return { message_id: made.message_id }
}

const editMessageReplyMarkup: Method = (bot, params, ctx) => {
  const chat = chatOf(bot, params, ctx)
  const message = chat.messages.get(params.integer('message_id') ?? 0)
  if (!message) throw badRequest('message to edit not found')
  if (message.from?.id !== bot.user.id) throw badRequest("message can't be edited")
  const { keyboard } = markupOf(params)
  if (JSON.stringify(keyboard ?? {}) === JSON.stringify(message.reply_markup ?? {})) throw badRequest('message is not modified')
  ctx.charge(bot, chat.chat.id)
  const { reply_markup: _old, ...rest } = message
  const edited = { ...rest, ...(keyboard && { reply_markup: keyboard }) } as Message
  chat.messages.set(edited.message_id, edited)
  ctx.changed(chat, edited, 'edited', bot)
  return edited
}

function moderated(bot: FakeBot, params: Params, ctx: MethodContext): { chat: FakeChat; user: number } {
  const chat = chatOf(bot, params, ctx)
  const user = params.integer('user_id') ?? 0
  if (chat.chat.type === 'private') throw badRequest("can't ban members in private chats")
  if (!isAdmin(chat, bot.user.id)) throw badRequest('not enough rights to restrict/unrestrict chat member')
  if (!ctx.world.users.has(user)) throw badRequest('invalid user_id specified')
  if (chat.members.get(user) === 'creator') throw badRequest("can't remove chat owner")
  if (chat.members.get(user) === 'administrator') throw badRequest('user is an administrator of the chat')
  return { chat, user }
}

/** What the spec lists beside sending, changing and topics (bridging 21.4). Names in lower case. */
export const FURTHER_METHODS: Readonly<Record<string, Method>> = {
  sendpoll: sendPoll,
  sendlocation: sendLocation,
  sendrichmessage: sendRichMessage,
  forwardmessage: forwardMessage,
  copymessage: copyMessage,
  editmessagereplymarkup: editMessageReplyMarkup,
  banchatmember: (bot, params, ctx) => {
    const { chat, user } = moderated(bot, params, ctx)
    ctx.ban(chat, user, bot)
    return true
  },
  unbanchatmember: (bot, params, ctx) => {
    const { chat, user } = moderated(bot, params, ctx)
    if (chat.members.get(user) === 'kicked') chat.members.set(user, 'left')
    return true
  },
  logout: (bot) => {
    bot.loggedOut = true
    return true
  },
  close: (bot, _params, ctx) => {
    const wait = CLOSE_AFTER_SEC - (seconds(ctx) - bot.since)
    if (wait > 0) throw tooManyRequests(wait)
    if (bot.webhookUrl !== '') throw new ApiError(400, 'Bad Request: delete the webhook first')
    return true
  },
}
