import type { Message } from 'grammy/types'
import { markupOf } from './buttons.ts'
import { isAdmin } from './delivery.ts'
import { checkText } from './entities.ts'
import { ApiError, badRequest, forbidden } from './errors.ts'
import type { MethodContext } from './method-context.ts'
import type { Params } from './params.ts'
import { formattedText } from './parse-mode.ts'
import { asReply, type FakeBot, type FakeChat } from './world.ts'

const MAX_TEXT = 4096

export type Method = (bot: FakeBot, params: Params, ctx: MethodContext) => unknown

export const seconds = (ctx: MethodContext): number => Math.floor(ctx.now() / 1000)

export function chatOf(bot: FakeBot, params: Params, ctx: MethodContext): FakeChat {
  const text = params.text('chat_id')
  if (text === undefined || text === '') throw badRequest('chat_id is empty')
  const byName = text.startsWith('@')
  const chat = byName
    ? [...ctx.world.chats.values()].find(
        (c) => 'username' in c.chat && c.chat.username?.toLowerCase() === text.slice(1).toLowerCase(),
      )
    : ctx.world.chats.get(Number(text))
  if (!chat) throw badRequest('chat not found')
  if (chat.migratedTo !== undefined) {
    throw new ApiError(400, 'Bad Request: group chat was upgraded to a supergroup chat', { migrate_to_chat_id: chat.migratedTo })
  }
  const status = chat.members.get(bot.user.id)
  const kind = chat.chat.type === 'supergroup' ? 'supergroup chat' : chat.chat.type === 'channel' ? 'channel chat' : 'group chat'
  if (chat.chat.type === 'private') {
    if (status === 'kicked') throw forbidden('bot was blocked by the user')
    if (status === undefined) throw forbidden("bot can't initiate conversation with a user")
  } else if (status === 'kicked') throw forbidden(`bot was kicked from the ${kind}`)
  else if (status === undefined || status === 'left') throw forbidden(`bot is not a member of the ${kind}`)
  return chat
}

export function mayWrite(bot: FakeBot, chat: FakeChat): void {
  if (chat.chat.type === 'private' || chat.membersMayWrite || isAdmin(chat, bot.user.id)) return
  if (chat.chat.type === 'channel') throw badRequest('need administrator rights in the channel chat')
  throw badRequest('not enough rights to send text messages to the chat')
}

function threadOf(params: Params, chat: FakeChat): { message_thread_id: number; is_topic_message: true } | undefined {
  const id = params.integer('message_thread_id')
  if (id === undefined) return undefined
  const topic = chat.topics.get(id)
  if (!topic) throw badRequest('message thread not found')
  if (topic.state === 'deleted') throw badRequest('TOPIC_DELETED')
  if (topic.state === 'closed') throw badRequest('TOPIC_CLOSED')
  return { message_thread_id: id, is_topic_message: true }
}

export function textOf(params: Params, ctx: MethodContext): { text: string; entities?: Message['entities'] & object } {
  if (params.text('parse_mode') !== undefined) ctx.remark('parse_mode instead of entities')
  const { text: raw, entities } = formattedText(params.text('text') ?? '', params.json('entities'), params.text('parse_mode'))
  const checked = checkText(raw, entities)
  for (const remark of checked.remarks) ctx.remark(remark)
  if (checked.text === '') throw badRequest('message text is empty')
  if (checked.text.length > MAX_TEXT) throw badRequest('message is too long')
  return checked.entities.length > 0 ? { text: checked.text, entities: checked.entities } : { text: checked.text }
}

function replyOf(params: Params, chat: FakeChat): Message | undefined {
  const reply = params.object('reply_parameters')
  if (reply === undefined) return undefined
  const target = chat.messages.get(Number(reply.message_id))
  if (target) return asReply(target)
  if (reply.allow_sending_without_reply === true) return undefined
  throw badRequest('message to be replied not found')
}

/** Puts one message into the chat a call names. */
export function send(
  bot: FakeBot,
  params: Params,
  ctx: MethodContext,
  contentOf: () => Record<string, unknown>,
  free = false,
): Message {
  const chat = chatOf(bot, params, ctx)
  mayWrite(bot, chat)
  const thread = threadOf(params, chat)
  const reply = replyOf(params, chat)
  const body = contentOf()
  if (!free) ctx.charge(bot, chat.chat.id)
  const creation = thread && !reply ? chat.messages.get(thread.message_thread_id) : undefined
  const message = {
    message_id: chat.nextMessageId++,
    ...(chat.chat.type === 'channel' ? { sender_chat: chat.chat } : { from: bot.user }),
    chat: chat.chat,
    date: seconds(ctx),
    ...thread,
    ...(reply || creation ? { reply_to_message: reply ?? asReply(creation as Message) } : {}),
    ...body,
  } as unknown as Message
  const { keyboard, forced } = markupOf(params)
  if (keyboard) Object.assign(message, { reply_markup: keyboard })
  if (forced) ctx.world.buttons.forced.add(message)
  chat.messages.set(message.message_id, message)
  ctx.changed(chat, message, 'sent', bot)
  return message
}
