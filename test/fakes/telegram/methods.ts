import type { ChatMember, Message } from 'grammy/types'
import { markupOf } from './buttons.ts'
import { isAdmin } from './delivery.ts'
import { badRequest } from './errors.ts'
import { fileObject, locate } from './files.ts'
import { FURTHER_METHODS } from './further-methods.ts'
import {
  albumContents,
  captionOf,
  hasMedia,
  MEDIA_METHODS,
  recaptioned,
  replaced,
  replacedContent,
  singleContent,
} from './media-methods.ts'
import type { MethodContext } from './method-context.ts'
import type { Params } from './params.ts'
import { chatOf, type Method, mayWrite, seconds, send, textOf } from './sending.ts'
import type { FakeBot, FakeChat } from './world.ts'

/** What bots may react with, as the Bot API lists it. */
const REACTIONS: readonly string[] =
  '👍 👎 ❤ 🔥 🥰 👏 😁 🤔 🤯 😱 🤬 😢 🎉 🤩 🤮 💩 🙏 👌 🕊 🤡 🥱 🥴 😍 🐳 ❤‍🔥 🌚 🌭 💯 🤣 ⚡ 🍌 🏆 💔 🤨 😐 🍓 🍾 💋 🖕 😈 😴 😭 🤓 👻 👨‍💻 👀 🎃 🙈 😇 😨 🤝 ✍ 🤗 🫡 🎅 🎄 ☃ 💅 🤪 🗿 🆒 💘 🙉 🦄 😘 💊 🙊 😎 👾 🤷‍♂ 🤷 🤷‍♀ 😡'.split(
    ' ',
  )
const DELETE_WINDOW_SEC = 48 * 3600

const sendMessage: Method = (bot, params, ctx) => {
  const preview = params.object('link_preview_options')
  const body = () => ({ ...textOf(params, ctx), ...(preview ? { link_preview_options: preview } : {}) })
  return send(bot, params, ctx, body)
}

const sendMedia =
  (kind: string): Method =>
  async (bot, params, ctx) => {
    mayWrite(bot, chatOf(bot, params, ctx))
    const content = await singleContent(kind, params, ctx)
    return send(bot, params, ctx, () => content)
  }

const sendMediaGroup: Method = async (bot, params, ctx) => {
  mayWrite(bot, chatOf(bot, params, ctx))
  const contents = await albumContents(params, ctx)
  const album = ctx.world.newAlbumId()
  // An album is refused as a whole or not at all.
  return contents.map((content, i) => send(bot, params, ctx, () => ({ ...content, media_group_id: album }), i > 0))
}

const editMessageCaption: Method = (bot, params, ctx) => {
  const chat = chatOf(bot, params, ctx)
  const message = chat.messages.get(params.integer('message_id') ?? 0)
  if (!message) throw badRequest('message to edit not found')
  if (message.from?.id !== bot.user.id || !hasMedia(message)) throw badRequest("message can't be edited")
  const caption = captionOf(params, ctx)
  if (
    caption.caption === message.caption &&
    JSON.stringify(caption.caption_entities) === JSON.stringify(message.caption_entities)
  )
    throw badRequest('message is not modified')
  ctx.charge(bot, chat.chat.id)
  const edited = recaptioned(message, caption, seconds(ctx))
  chat.messages.set(edited.message_id, edited)
  ctx.changed(chat, edited, 'edited', bot)
  return edited
}

const editMessageMedia: Method = async (bot, params, ctx) => {
  const chat = chatOf(bot, params, ctx)
  const message = chat.messages.get(params.integer('message_id') ?? 0)
  if (!message) throw badRequest('message to edit not found')
  if (message.from?.id !== bot.user.id) throw badRequest("message can't be edited")
  const content = await replacedContent(message, params, ctx)
  ctx.charge(bot, chat.chat.id)
  const edited = replaced(message, content, seconds(ctx))
  chat.messages.set(edited.message_id, edited)
  ctx.changed(chat, edited, 'edited', bot)
  return edited
}

const editMessageText: Method = (bot, params, ctx) => {
  const chat = chatOf(bot, params, ctx)
  const message = chat.messages.get(params.integer('message_id') ?? 0)
  if (!message) throw badRequest('message to edit not found')
  const own = message.from?.id === bot.user.id || (chat.chat.type === 'channel' && isAdmin(chat, bot.user.id))
  if (!own || message.text === undefined) throw badRequest("message can't be edited")
  const body = textOf(params, ctx)
  const { keyboard } = markupOf(params)
  const same =
    body.text === message.text &&
    JSON.stringify(body.entities ?? []) === JSON.stringify(message.entities ?? []) &&
    JSON.stringify(keyboard ?? {}) === JSON.stringify(message.reply_markup ?? {})
  if (same) {
    throw badRequest(
      'message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message',
    )
  }
  ctx.charge(bot, chat.chat.id)
  const { entities: _e, reply_markup: _m, ...rest } = message
  const edited = { ...rest, ...body, ...(keyboard && { reply_markup: keyboard }), edit_date: seconds(ctx) } as Message
  chat.messages.set(edited.message_id, edited)
  ctx.changed(chat, edited, 'edited', bot)
  return edited
}

function remove(bot: FakeBot, chat: FakeChat, id: number, ctx: MethodContext): void {
  const message = chat.messages.get(id)
  if (!message) throw badRequest('message to delete not found')
  const own = message.from?.id === bot.user.id
  const tooOld = seconds(ctx) - message.date > DELETE_WINDOW_SEC
  const admin = isAdmin(chat, bot.user.id) && chat.chat.type !== 'private'
  if (!admin && (!own || tooOld)) throw badRequest("message can't be deleted for everyone")
  if (admin && tooOld && chat.chat.type === 'group') throw badRequest("message can't be deleted for everyone")
  chat.messages.delete(id)
  ctx.changed(chat, message, 'deleted', bot)
}

function memberOf(chat: FakeChat, id: number, ctx: MethodContext): ChatMember {
  const user = ctx.world.users.get(id)
  if (!user) throw badRequest('invalid user_id specified')
  return { user, status: chat.members.get(id) ?? 'left' } as ChatMember
}

function topicOf(bot: FakeBot, params: Params, ctx: MethodContext): { chat: FakeChat; id: number } {
  const chat = chatOf(bot, params, ctx)
  if (!('is_forum' in chat.chat) || !chat.chat.is_forum) throw badRequest('the chat is not a forum')
  if (!isAdmin(chat, bot.user.id)) throw badRequest('not enough rights to manage topics')
  const id = params.integer('message_thread_id') ?? 0
  if (id !== 0 && !chat.topics.has(id)) throw badRequest('message thread not found')
  return { chat, id }
}

function setTopic(state: 'open' | 'closed' | 'deleted'): Method {
  return (bot, params, ctx) => {
    const { chat, id } = topicOf(bot, params, ctx)
    const topic = chat.topics.get(id)
    if (!topic) throw badRequest('message thread not found')
    topic.state = state
    return true
  }
}

const setPinned =
  (on: boolean): Method =>
  (bot, params, ctx) => {
    const chat = chatOf(bot, params, ctx)
    if (chat.chat.type !== 'private' && !isAdmin(chat, bot.user.id))
      throw badRequest('not enough rights to manage pinned messages in the chat')
    const id = params.integer('message_id') ?? 0
    if (!chat.messages.has(id)) throw badRequest(on ? 'message to pin not found' : 'message to unpin not found')
    if (on) chat.pinned.add(id)
    else chat.pinned.delete(id)
    return true
  }

/** Methods by lower-case name, as the server compares them. `getUpdates` and the webhook methods live in the server. */
export const METHODS: Readonly<Record<string, Method>> = {
  getme: (bot) => ({
    ...bot.user,
    can_join_groups: true,
    can_read_all_group_messages: !bot.privacy,
    supports_inline_queries: false,
    can_connect_to_business: false,
    has_main_web_app: false,
  }),
  sendmessage: sendMessage,
  ...Object.fromEntries(Object.entries(MEDIA_METHODS).map(([name, kind]) => [name, sendMedia(kind)])),
  sendmediagroup: sendMediaGroup,
  editmessagecaption: editMessageCaption,
  editmessagemedia: editMessageMedia,
  setmessagereaction: (bot, params, ctx) => {
    const chat = chatOf(bot, params, ctx)
    const id = params.integer('message_id') ?? 0
    if (!chat.messages.has(id)) throw badRequest('message to react not found')
    const wanted = params.json('reaction')
    const list = Array.isArray(wanted) ? (wanted as { type?: string; emoji?: string }[]) : []
    if (list.length > 1) throw badRequest('REACTIONS_TOO_MANY')
    const emoji = list[0]?.emoji
    if (emoji !== undefined && !REACTIONS.includes(emoji)) throw badRequest('REACTION_INVALID')
    const own = chat.reactions.get(id) ?? new Map<number, string>()
    if (emoji === undefined) own.delete(bot.user.id)
    else own.set(bot.user.id, emoji)
    chat.reactions.set(id, own)
    return true
  },
  getuserprofilephotos: (_bot, params, ctx) => {
    const userId = params.integer('user_id') ?? 0
    if (!ctx.world.users.has(userId)) throw badRequest('invalid user_id specified')
    const photo = ctx.world.portraits.get(userId)
    const sizes = photo === undefined ? [] : [160, 640].map((side) => ({ ...fileObject(photo), width: side, height: side }))
    return { total_count: sizes.length > 0 ? 1 : 0, photos: sizes.length > 0 ? [sizes] : [] }
  },
  getfile: (_bot, params, ctx) => locate(ctx.world, params.text('file_id') ?? '', ctx.now()),
  editmessagetext: editMessageText,
  deletemessage: (bot, params, ctx) => {
    const chat = chatOf(bot, params, ctx)
    remove(bot, chat, params.integer('message_id') ?? 0, ctx)
    return true
  },
  deletemessages: (bot, params, ctx) => {
    const chat = chatOf(bot, params, ctx)
    const ids = params.json('message_ids')
    if (!Array.isArray(ids) || ids.length < 1 || ids.length > 100) throw badRequest('message identifiers are not specified')
    for (const id of ids) if (chat.messages.has(Number(id))) remove(bot, chat, Number(id), ctx)
    return true
  },
  sendchataction: (bot, params, ctx) => {
    mayWrite(bot, chatOf(bot, params, ctx))
    return true
  },
  ...FURTHER_METHODS,
  getchat: (bot, params, ctx) => ({ ...chatOf(bot, params, ctx).chat, accent_color_id: 0, max_reaction_count: 11 }),
  getchatmember: (bot, params, ctx) => memberOf(chatOf(bot, params, ctx), params.integer('user_id') ?? 0, ctx),
  getchatadministrators: (bot, params, ctx) => {
    const chat = chatOf(bot, params, ctx)
    return [...chat.members].filter(([id]) => isAdmin(chat, id)).map(([id]) => memberOf(chat, id, ctx))
  },
  getchatmembercount: (bot, params, ctx) => chatOf(bot, params, ctx).members.size,
  setmycommands: (bot, params, ctx) => ctx.world.buttons.setMenu(bot, params),
  getmycommands: (bot, params, ctx) => ctx.world.buttons.getMenu(bot, params),
  answercallbackquery: (bot, params, ctx) => ctx.world.buttons.answer(bot, params),
  pinchatmessage: setPinned(true),
  unpinchatmessage: setPinned(false),
  createforumtopic: (bot, params, ctx) => {
    const { chat } = topicOf(bot, params, ctx)
    const name = params.text('name') ?? ''
    if (name.length < 1 || name.length > 128) throw badRequest('topic name is invalid')
    const id = chat.nextMessageId++
    chat.topics.set(id, { name, state: 'open' })
    const created = { message_id: id, from: bot.user, chat: chat.chat, date: seconds(ctx), message_thread_id: id } as Message
    chat.messages.set(id, { ...created, is_topic_message: true, forum_topic_created: { name, icon_color: 7322096 } })
    return { message_thread_id: id, name, icon_color: 7322096 }
  },
  editforumtopic: (bot, params, ctx) => {
    const { chat, id } = topicOf(bot, params, ctx)
    const topic = chat.topics.get(id)
    if (topic) topic.name = params.text('name') ?? topic.name
    return true
  },
  closeforumtopic: setTopic('closed'),
  reopenforumtopic: setTopic('open'),
  deleteforumtopic: setTopic('deleted'),
  leavechat: (bot, params, ctx) => {
    chatOf(bot, params, ctx).members.set(bot.user.id, 'left')
    return true
  },
}
