import type { Chat, Message, User } from 'grammy/types'
import { Buttons } from './buttons.ts'
import { UpdateQueue } from './updates.ts'

export type MemberStatus = 'creator' | 'administrator' | 'member' | 'left' | 'kicked'

export interface Topic {
  name: string
  state: 'open' | 'closed' | 'deleted'
}

export interface FakeChat {
  chat: Chat
  members: Map<number, MemberStatus>
  /** In order of ids, without deleted ones. */
  messages: Map<number, Message>
  nextMessageId: number
  topics: Map<number, Topic>
  /** What bots reacted with, by message id and bot id. */
  reactions: Map<number, Map<number, string>>
  /** Ids of pinned messages. */
  pinned: Set<number>
  migratedTo?: number
  /** False: nobody but administrators may write. */
  membersMayWrite: boolean
}

export interface StoredFile {
  readonly id: string
  readonly uniqueId: string
  readonly name: string
  readonly bytes: Uint8Array
  readonly mime: string
  /** How often it was fetched. */
  downloads: number
  /** When its path was asked for last, ms; 0 = never. */
  located: number
}

export interface FakeBot {
  user: User
  token: string
  /** Group privacy: only commands, replies to the bot and service messages reach it. */
  privacy: boolean
  /** Bot-to-bot communication: sees other bots' messages. */
  seesBots: boolean
  updates: UpdateQueue
  webhookUrl: string
  revoked: boolean
  /** Left for a server of its own (`logOut`). */
  loggedOut: boolean
  /** Its first call, seconds. */
  since: number
}

export interface NewChat {
  readonly type?: 'group' | 'supergroup' | 'channel' | 'private'
  readonly title?: string
  readonly forum?: boolean
  readonly id?: number
  readonly username?: string
  /** People and bots in it; bots that are not named are not members. */
  readonly members?: readonly number[]
  readonly admins?: readonly number[]
}

export interface NewBot {
  readonly name?: string
  readonly username?: string
  readonly token?: string
  /** False: privacy mode is off, as `can_read_all_group_messages` then says. Default false. */
  readonly privacy?: boolean
  readonly seesBots?: boolean
}

/** Users, bots, chats and messages. Ids are large on purpose: 32-bit handling would break. */
export class World {
  readonly buttons = new Buttons()
  readonly users = new Map<number, User>()
  readonly bots = new Map<number, FakeBot>()
  readonly chats = new Map<number, FakeChat>()
  readonly files = new Map<string, StoredFile>()
  /** Profile pictures by user id. */
  readonly portraits = new Map<number, StoredFile>()
  #nextAlbum = 13_000_000_001
  #nextUser = 5_000_000_001
  #nextBot = 6_100_000_001
  #nextGroup = 4_000_000_001
  #nextSupergroup = 1_002_000_000_001

  newAlbumId(): string {
    return String(this.#nextAlbum++)
  }

  addUser(init: { firstName: string; lastName?: string; username?: string; id?: number; isBot?: boolean }): User {
    const user: User = {
      id: init.id ?? this.#nextUser++,
      is_bot: init.isBot ?? false,
      first_name: init.firstName,
      ...(init.lastName === undefined ? {} : { last_name: init.lastName }),
      ...(init.username === undefined ? {} : { username: init.username }),
    }
    this.users.set(user.id, user)
    return user
  }

  addBot(init: NewBot): FakeBot {
    const fromToken = Number(/^(\d+):/.exec(init.token ?? '')?.[1])
    const id = fromToken || this.#nextBot++
    const username = init.username ?? `bridge_${id}_bot`
    const user = this.addUser({ id, firstName: init.name ?? 'Bridge', username, isBot: true })
    const bot: FakeBot = {
      user,
      token: init.token ?? `${id}:AAF${'k2FakeTokenForTestsOnly'.padEnd(32, 'x')}`,
      privacy: init.privacy ?? false,
      seesBots: init.seesBots ?? false,
      updates: new UpdateQueue(700_000_001),
      webhookUrl: '',
      revoked: false,
      loggedOut: false,
      since: Number.POSITIVE_INFINITY,
    }
    this.bots.set(id, bot)
    return bot
  }

  botByToken(token: string): FakeBot | undefined {
    for (const bot of this.bots.values()) if (bot.token === token && !bot.revoked) return bot
    return undefined
  }

  addChat(init: NewChat): FakeChat {
    const type = init.type ?? 'supergroup'
    const title = init.title ?? 'Chat'
    const id = init.id ?? this.#newChatId(type)
    const username = init.username === undefined ? {} : { username: init.username }
    const chat = (
      type === 'supergroup'
        ? { id, type, title, ...username, ...(init.forum ? { is_forum: true } : {}) }
        : type === 'channel'
          ? { id, type, title, ...username }
          : { id, type, title }
    ) as Chat
    return this.#store(chat, init)
  }

  /** The private chat of a person; its id is the person's id. */
  privateChat(user: User): FakeChat {
    const existing = this.chats.get(user.id)
    if (existing) return existing
    const { id, first_name, last_name, username } = user
    const names = { ...(last_name === undefined ? {} : { last_name }), ...(username === undefined ? {} : { username }) }
    return this.#store({ id, type: 'private', first_name, ...names }, { members: [id] })
  }

  #store(chat: Chat, init: NewChat): FakeChat {
    const members = new Map<number, MemberStatus>()
    for (const member of init.members ?? []) members.set(member, 'member')
    for (const admin of init.admins ?? []) members.set(admin, 'administrator')
    const stored: FakeChat = {
      chat,
      members,
      messages: new Map(),
      // 1 is the message about the creation of the chat, and the id of a forum’s General topic.
      nextMessageId: 2,
      topics: new Map(),
      reactions: new Map(),
      pinned: new Set(),
      membersMayWrite: chat.type !== 'channel',
    }
    this.chats.set(chat.id, stored)
    return stored
  }

  #newChatId(type: string): number {
    if (type === 'group') return -this.#nextGroup++
    if (type === 'private') return this.#nextUser++
    return -this.#nextSupergroup++
  }
}

export function displayName(message: Message): string {
  if (message.sender_chat) return 'title' in message.sender_chat ? (message.sender_chat.title ?? '') : ''
  const { first_name = '', last_name } = message.from ?? {}
  return last_name ? `${first_name} ${last_name}` : first_name
}

/** A message as it appears inside another one: without its own reply. */
export function asReply(message: Message): Message {
  const { reply_to_message: _r, ...rest } = message
  return rest as Message
}

const SERVICE =
  /^(new_chat_|left_chat_|forum_topic_|general_forum_|pinned_message|migrate_|video_chat_|group_chat_created|supergroup_chat_created|channel_chat_created|boost_added|message_auto_delete|delete_chat_photo)/

export function isService(message: Message): boolean {
  return Object.keys(message).some((key) => SERVICE.test(key))
}
