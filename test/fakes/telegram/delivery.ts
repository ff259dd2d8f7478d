import type { Message } from 'grammy/types'
import type { UpdateKind } from './updates.ts'
import { type FakeBot, type FakeChat, isService, type World } from './world.ts'

function isMember(chat: FakeChat, id: number): boolean {
  const status = chat.members.get(id)
  return status !== undefined && status !== 'left' && status !== 'kicked'
}

export function isAdmin(chat: FakeChat, id: number): boolean {
  const status = chat.members.get(id)
  return status === 'administrator' || status === 'creator'
}

/** Group privacy as documented: commands, replies to the bot and service messages pass. */
function passesPrivacy(bot: FakeBot, chat: FakeChat, message: Message): boolean {
  if (!bot.privacy || isAdmin(chat, bot.user.id) || isService(message)) return true
  if (chat.chat.type === 'private' || chat.chat.type === 'channel') return true
  if (message.reply_to_message?.from?.id === bot.user.id) return true
  const command = /^\/\w+(@\w+)?/.exec(message.text ?? '')
  return command !== null && (command[1] === undefined || command[1] === `@${bot.user.username}`)
}

function seesAuthor(bot: FakeBot, world: World, message: Message): boolean {
  const from = message.from
  if (!from?.is_bot || message.sender_chat) return true
  if (from.id === bot.user.id) return false
  return bot.seesBots || world.bots.get(from.id)?.seesBots === true
}

/** The bots that are told about a message. */
export function recipients(world: World, chat: FakeChat, message: Message): FakeBot[] {
  return [...world.bots.values()].filter(
    (bot) => isMember(chat, bot.user.id) && seesAuthor(bot, world, message) && passesPrivacy(bot, chat, message),
  )
}

export function updateKindOf(chat: FakeChat, edited: boolean): UpdateKind {
  if (chat.chat.type === 'channel') return edited ? 'edited_channel_post' : 'channel_post'
  return edited ? 'edited_message' : 'message'
}
