import type { Message, MessageEntity, ReactionType, User } from 'grammy/types'
import { dataOf, labelsOf } from './buttons.ts'
import { recipients, updateKindOf } from './delivery.ts'
import { fileObject, storeFile } from './files.ts'
import { asReply, displayName, type FakeBot, type FakeChat, type World } from './world.ts'

/** Anything a message can hold besides its frame, in the Bot API's own words. */
export type Content = string | Record<string, unknown>

export interface PostOptions {
  readonly replyTo?: number
  /** The part of the target that is quoted. */
  readonly quote?: string
  /** Topic to write into. */
  readonly threadId?: number
  /** Speaks as this chat: the group itself for an anonymous administrator, a channel otherwise. */
  readonly asChat?: number
  /** Seconds; default now. */
  readonly date?: number
}

/** What a person reads in a chat. */
export interface VisibleMessage {
  readonly id: number
  readonly from: string
  readonly text: string
  /** First content key, `text` for text. */
  readonly kind: string
  readonly entities: readonly MessageEntity[]
  readonly replyTo?: number
  readonly threadId?: number
  readonly edited: boolean
  /** Labels of its buttons. */
  readonly buttons: readonly string[]
  /** It asks for a reply. */
  readonly asks: boolean
  /** Size of its file in bytes, and the album it belongs to. */
  readonly size?: number
  readonly album?: string
  /** What bots reacted with. */
  readonly reactions?: readonly string[]
  readonly pinned?: true
}

const ANONYMOUS_BOT: User = { id: 1087968824, is_bot: true, first_name: 'Group', username: 'GroupAnonymousBot' }
const CHANNEL_BOT: User = { id: 136817688, is_bot: true, first_name: 'Channel', username: 'Channel_Bot' }
const FRAME = new Set([
  'message_id',
  'message_thread_id',
  'from',
  'sender_chat',
  'chat',
  'date',
  'edit_date',
  'is_topic_message',
  'reply_to_message',
  'quote',
  'entities',
  'link_preview_options',
  'media_group_id',
  'author_signature',
  'forward_origin',
  'caption_entities',
  'reply_markup',
  'caption',
  'has_media_spoiler',
])

function reactionsOf(chat: FakeChat, id: number): { reactions?: readonly string[] } {
  const reactions = [...(chat.reactions.get(id)?.values() ?? [])]
  return reactions.length === 0 ? {} : { reactions }
}

function fileSizeOf(m: Message): number | undefined {
  for (const kind of ['document', 'video', 'animation', 'audio', 'voice', 'video_note', 'sticker'] as const) {
    const file = m[kind] as { file_size?: number } | undefined
    if (file) return file.file_size
  }
  return m.photo?.at(-1)?.file_size
}

export interface PeopleContext {
  readonly world: World
  readonly now: () => number
  emit(bot: FakeBot, kind: string, payload: unknown): void
  /** The chat's content changed. */
  changed(chat: FakeChat, message: Message): void
}

/** What people do in chats: every act ends up in the bots' update queues as the real service would put it. */
export class People {
  readonly #ctx: PeopleContext

  constructor(ctx: PeopleContext) {
    this.#ctx = ctx
  }

  #chat(id: number): FakeChat {
    const chat = this.#ctx.world.chats.get(id)
    if (!chat) throw new Error(`no chat ${id}`)
    return chat
  }

  #tell(chat: FakeChat, message: Message, edited: boolean): void {
    for (const bot of recipients(this.#ctx.world, chat, message)) {
      this.#ctx.emit(bot, updateKindOf(chat, edited), message)
    }
    this.#ctx.changed(chat, message)
  }

  #author(chat: FakeChat, userId: number, asChat: number | undefined): Partial<Message> {
    const user = this.#ctx.world.users.get(userId)
    if (asChat !== undefined) {
      const from = asChat === chat.chat.id ? ANONYMOUS_BOT : CHANNEL_BOT
      return { from, sender_chat: this.#chat(asChat).chat }
    }
    if (chat.chat.type === 'channel') return { sender_chat: chat.chat, ...(user ? { author_signature: user.first_name } : {}) }
    if (!user) throw new Error(`no user ${userId}`)
    return { from: user }
  }

  /** Writes a message; answers its id. */
  post(chatId: number, userId: number, content: Content, options: PostOptions = {}): number {
    const chat = this.#chat(chatId)
    const target = options.replyTo === undefined ? undefined : chat.messages.get(options.replyTo)
    const thread = options.threadId
    const creation = thread === undefined || target ? undefined : chat.messages.get(thread)
    const reply = target ?? creation
    const message = {
      message_id: chat.nextMessageId++,
      ...this.#author(chat, userId, options.asChat),
      chat: chat.chat,
      date: options.date ?? Math.floor(this.#ctx.now() / 1000),
      ...(thread === undefined ? {} : { message_thread_id: thread, is_topic_message: true as const }),
      ...(reply ? { reply_to_message: asReply(reply) } : {}),
      ...(options.quote === undefined ? {} : { quote: { text: options.quote, position: 0, is_manual: true as const } }),
      ...(typeof content === 'string' ? { text: content } : content),
    } as Message
    chat.messages.set(message.message_id, message)
    this.#tell(chat, message, false)
    return message.message_id
  }

  /** Uploads a file as a person; answers the content for `post`. `kind` as in messages: `photo`, `document`, `voice` … */
  file(kind: string, name: string, bytes: Uint8Array, more: Record<string, unknown> = {}): Record<string, unknown> {
    const object = fileObject(storeFile(this.#ctx.world, { name, bytes, mime: more.mime_type as string | undefined }))
    if (kind === 'photo') return { photo: [{ ...object, width: 90, height: 90, ...more }] }
    const named = kind === 'document' || kind === 'video' || kind === 'audio' || kind === 'animation' ? { file_name: name } : {}
    return { [kind]: { ...object, ...named, ...more } }
  }

  /** An album: messages of one group; the first may have a caption. */
  postAlbum(chatId: number, userId: number, contents: readonly Record<string, unknown>[], options: PostOptions = {}): number[] {
    const album = this.#ctx.world.newAlbumId()
    return contents.map((content) => this.post(chatId, userId, { ...content, media_group_id: album }, options))
  }

  /** Many messages in one go, for load. */
  postMany(chatId: number, userId: number, texts: readonly string[]): number[] {
    return texts.map((text) => this.post(chatId, userId, text))
  }

  edit(chatId: number, messageId: number, content: Content): void {
    const chat = this.#chat(chatId)
    const old = chat.messages.get(messageId)
    if (!old) throw new Error(`no message ${messageId}`)
    const { entities: _e, caption_entities: _c, ...kept } = old
    const edited = {
      ...kept,
      ...(typeof content === 'string' ? { text: content } : content),
      edit_date: Math.floor(this.#ctx.now() / 1000),
    } as Message
    chat.messages.set(messageId, edited)
    this.#tell(chat, edited, true)
  }

  /** Nobody is told about a deletion. */
  delete(chatId: number, messageId: number): void {
    const chat = this.#chat(chatId)
    const message = chat.messages.get(messageId)
    if (!message) throw new Error(`no message ${messageId}`)
    chat.messages.delete(messageId)
    this.#ctx.changed(chat, message)
  }

  react(chatId: number, messageId: number, userId: number, emojis: readonly string[]): void {
    const chat = this.#chat(chatId)
    const user = this.#ctx.world.users.get(userId)
    const reaction = emojis.map((emoji) => ({ type: 'emoji', emoji })) as ReactionType[]
    const payload = {
      chat: chat.chat,
      message_id: messageId,
      user,
      date: Math.floor(this.#ctx.now() / 1000),
      old_reaction: [],
      new_reaction: reaction,
    }
    for (const bot of this.#ctx.world.bots.values()) {
      const status = chat.members.get(bot.user.id)
      if (status === 'administrator' || status === 'creator') this.#ctx.emit(bot, 'message_reaction', payload)
    }
  }

  join(chatId: number, userId: number): void {
    const user = this.#ctx.world.users.get(userId)
    this.#chat(chatId).members.set(userId, 'member')
    this.post(chatId, userId, { new_chat_members: [user] })
  }

  leave(chatId: number, userId: number): void {
    const user = this.#ctx.world.users.get(userId)
    this.post(chatId, userId, { left_chat_member: user })
    this.#chat(chatId).members.set(userId, 'left')
  }

  /** An administrator removes a person for good; bots that are administrators are told. */
  ban(chatId: number, userId: number, byId: number): void {
    const { world } = this.#ctx
    const chat = this.#chat(chatId)
    const user = world.users.get(userId)
    const update = {
      chat: chat.chat,
      from: world.users.get(byId),
      date: Math.floor(this.#ctx.now() / 1000),
      old_chat_member: { user, status: chat.members.get(userId) ?? 'left' },
      new_chat_member: { user, status: 'kicked', until_date: 0 },
    }
    chat.members.set(userId, 'kicked')
    for (const bot of world.bots.values()) {
      const status = chat.members.get(bot.user.id)
      if (bot.user.id === userId) this.#ctx.emit(bot, 'my_chat_member', update)
      else if (status === 'administrator' || status === 'creator') this.#ctx.emit(bot, 'chat_member', update)
    }
  }

  createTopic(chatId: number, userId: number, name: string): number {
    const chat = this.#chat(chatId)
    const id = chat.nextMessageId
    chat.topics.set(id, { name, state: 'open' })
    return this.post(chatId, userId, {
      message_thread_id: id,
      is_topic_message: true,
      forum_topic_created: { name, icon_color: 7322096 },
    })
  }

  setTopic(chatId: number, userId: number, threadId: number, change: 'close' | 'reopen' | 'delete' | { rename: string }): void {
    const topic = this.#chat(chatId).topics.get(threadId)
    if (!topic) throw new Error(`no topic ${threadId}`)
    const say = (content: Record<string, unknown>): number => this.post(chatId, userId, content, { threadId })
    if (typeof change === 'object') {
      topic.name = change.rename
      say({ forum_topic_edited: { name: change.rename } })
    } else if (change === 'delete') topic.state = 'deleted'
    else {
      topic.state = change === 'close' ? 'closed' : 'open'
      say(change === 'close' ? { forum_topic_closed: {} } : { forum_topic_reopened: {} })
    }
  }

  /** Pins a message, which the chat is told. */
  pin(chatId: number, userId: number, messageId: number): void {
    const chat = this.#chat(chatId)
    const message = chat.messages.get(messageId)
    if (!message) throw new Error(`no message ${messageId}`)
    chat.pinned.add(messageId)
    this.post(chatId, userId, { pinned_message: asReply(message) })
  }

  /** Changes a member's (usually a bot's) status and tells it. */
  setMember(chatId: number, userId: number, status: 'administrator' | 'member' | 'left' | 'kicked'): void {
    const chat = this.#chat(chatId)
    const old = chat.members.get(userId) ?? 'left'
    chat.members.set(userId, status)
    const bot = this.#ctx.world.bots.get(userId)
    if (!bot) return
    this.#ctx.emit(bot, 'my_chat_member', {
      chat: chat.chat,
      from: bot.user,
      date: Math.floor(this.#ctx.now() / 1000),
      old_chat_member: { user: bot.user, status: old },
      new_chat_member: { user: bot.user, status },
    })
  }

  /** Whether ordinary members, bots included, may write. */
  setWritable(chatId: number, writable: boolean): void {
    this.#chat(chatId).membersMayWrite = writable
  }

  /** Turns a basic group into a supergroup; answers the new chat id. Old messages stay behind. */
  migrate(chatId: number): number {
    const { world } = this.#ctx
    const old = this.#chat(chatId)
    const title = 'title' in old.chat ? (old.chat.title ?? '') : ''
    const fresh = world.addChat({ type: 'supergroup', title })
    fresh.members = new Map(old.members)
    const owner = [...old.members.keys()].find((id) => !world.bots.has(id)) ?? ANONYMOUS_BOT.id
    this.post(chatId, owner, { migrate_to_chat_id: fresh.chat.id })
    old.migratedTo = fresh.chat.id
    this.post(fresh.chat.id, owner, { migrate_from_chat_id: chatId }, { asChat: fresh.chat.id })
    return fresh.chat.id
  }

  /** Presses an inline button of a bot's message; answers the query's id. */
  press(chatId: number, userId: number, messageId: number, label: string): string {
    const { world } = this.#ctx
    const message = this.#chat(chatId).messages.get(messageId)
    const bot = world.bots.get(message?.from?.id ?? 0)
    const from = world.users.get(userId)
    if (!message || !bot || !from) throw new Error('no such message of a bot')
    const data = dataOf(message, label)
    const id = world.buttons.newQuery(bot, userId)
    this.#ctx.emit(bot, 'callback_query', { id, from, message, chat_instance: String(chatId), data })
    return id
  }

  count(chatId: number): number {
    return this.#chat(chatId).messages.size
  }

  visible(chatId: number): VisibleMessage[] {
    return [...this.#chat(chatId).messages.values()].map((m) => ({
      id: m.message_id,
      from: displayName(m),
      ...(this.#chat(chatId).pinned.has(m.message_id) ? { pinned: true as const } : {}),
      text: m.text ?? m.caption ?? '',
      kind: Object.keys(m).find((key) => !FRAME.has(key)) ?? 'text',
      entities: m.entities ?? m.caption_entities ?? [],
      ...(m.reply_to_message ? { replyTo: m.reply_to_message.message_id } : {}),
      ...(m.is_topic_message && m.message_thread_id !== undefined ? { threadId: m.message_thread_id } : {}),
      edited: m.edit_date !== undefined,
      ...reactionsOf(this.#chat(chatId), m.message_id),
      buttons: labelsOf(m),
      asks: this.#ctx.world.buttons.forced.has(m),
      ...(fileSizeOf(m) === undefined ? {} : { size: fileSizeOf(m) as number }),
      ...(m.media_group_id === undefined ? {} : { album: m.media_group_id }),
    }))
  }
}
