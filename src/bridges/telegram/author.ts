import { sanitizeName } from '../format/sanitize.ts'
import type { Author } from '../model/message.ts'
import type { TgChat, TgOrigin, TgUser } from './schema.ts'

const MAX_NAME = 64

export function chatTitle(chat: TgChat): string {
  const name = chat.title ?? [chat.first_name, chat.last_name].filter((p) => p !== undefined).join(' ')
  return sanitizeName(name, MAX_NAME) || 'Chat'
}

function userName(user: TgUser): string {
  const name = user.last_name === undefined ? user.first_name : `${user.first_name} ${user.last_name}`
  return sanitizeName(name, MAX_NAME) || (user.username ? sanitizeName(user.username, MAX_NAME) : 'Deleted account')
}

export function userAuthor(user: TgUser): Author {
  return {
    key: `telegram:${user.id}`,
    displayName: userName(user),
    ...(user.username === undefined ? {} : { username: user.username }),
    isBot: user.is_bot,
    kind: user.is_bot ? 'bot' : 'user',
  }
}

/** A chat that speaks: the group itself for anonymous administrators, otherwise a channel (bridging 5.2). */
function chatAuthor(sender: TgChat, chat: TgChat, signature: string | undefined): Author {
  const anonymous = sender.id === chat.id && chat.type !== 'channel'
  const title = chatTitle(sender)
  const signed = signature ? sanitizeName(signature, MAX_NAME) : ''
  return {
    key: `telegram:${sender.id}`,
    displayName: signed === '' ? title : anonymous ? signed : `${title} (${signed})`,
    ...(sender.username === undefined ? {} : { username: sender.username }),
    isBot: false,
    kind: anonymous ? 'anonymous-admin' : 'channel',
  }
}

export function authorOf(message: {
  readonly from?: TgUser | undefined
  readonly sender_chat?: TgChat | undefined
  readonly chat: TgChat
  readonly author_signature?: string | undefined
}): Author {
  if (message.sender_chat) return chatAuthor(message.sender_chat, message.chat, message.author_signature)
  if (message.from) return userAuthor(message.from)
  return chatAuthor(message.chat, message.chat, message.author_signature)
}

/** Who a forwarded or quoted message came from, with a link where the original is public. */
export function originOf(origin: TgOrigin): { name: string; at?: number; link?: string } {
  const chat = origin.chat ?? origin.sender_chat
  const name = origin.sender_user
    ? userName(origin.sender_user)
    : chat
      ? chatTitle(chat)
      : sanitizeName(origin.sender_user_name ?? '', MAX_NAME) || 'somebody'
  const link =
    chat?.username !== undefined && origin.message_id !== undefined
      ? `https://t.me/${encodeURIComponent(chat.username)}/${origin.message_id}`
      : undefined
  return {
    name,
    ...(origin.date === undefined ? {} : { at: origin.date * 1000 }),
    ...(link === undefined ? {} : { link }),
  }
}
