import type { Message } from 'grammy/types'
import type { FakeBot, FakeChat, World } from './world.ts'

/** What methods work on. */
export interface MethodContext {
  readonly world: World
  readonly now: () => number
  /** Something a careful client would not do. */
  remark(what: string): void
  /** A message appeared, changed or went. */
  changed(chat: FakeChat, message: Message, how: 'sent' | 'edited' | 'deleted', by: FakeBot): void
  /** Removes a person for good; everybody who may know is told. */
  ban(chat: FakeChat, userId: number, by: FakeBot): void
  /** Charges the limits of a chat. Throws ApiError 429. */
  charge(bot: FakeBot, chatId: number): void
}
