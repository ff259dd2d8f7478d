import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FaultRule } from '../faults.ts'
import { storeFile } from './files.ts'
import { readBody } from './http.ts'
import type { LimitProfile } from './limits.ts'
import type { Content, PostOptions, VisibleMessage } from './people.ts'
import type { FakeTelegram, Remark, RequestRecord } from './server.ts'
import type { FakeBot, NewBot, NewChat } from './world.ts'

export interface BotHandle {
  readonly id: number
  readonly token: string
}

export interface UntilVisible {
  readonly chatId: number
  /** Messages that contain this text count; default all. */
  readonly text?: string
  readonly count: number
  readonly timeoutMs?: number
}

function handleOf(bot: FakeBot): BotHandle {
  return { id: bot.user.id, token: bot.token }
}

/** Everything a test or a person at a shell can do with the fake: prepare chats, act as people, read, break things. */
export function createControl(fake: FakeTelegram) {
  const { world, people } = fake
  const bot = (id: number): FakeBot => {
    const found = world.bots.get(id)
    if (!found) throw new Error(`no bot ${id}`)
    return found
  }
  return {
    addBot: (init: NewBot = {}): BotHandle => handleOf(world.addBot(init)),
    addUser: (init: { firstName: string; lastName?: string; username?: string; isBot?: boolean; id?: number }): number =>
      world.addUser(init).id,
    addChat: (init: NewChat = {}): number => world.addChat(init).chat.id,
    /** Opens the private chat of a person with bots they started; answers its id. */
    startBot(userId: number, botId: number): number {
      const user = world.users.get(userId)
      if (!user) throw new Error(`no user ${userId}`)
      const chat = world.privateChat(user)
      chat.members.set(botId, 'member')
      people.post(chat.chat.id, userId, '/start')
      return chat.chat.id
    },

    post: (chatId: number, userId: number, content: Content, options?: PostOptions): number =>
      people.post(chatId, userId, content, options),
    /** Uploads a file; answers the content for `post`. `base64` is its content. */
    file: (kind: string, name: string, base64: string, more?: Record<string, unknown>): Record<string, unknown> =>
      people.file(kind, name, Buffer.from(base64, 'base64'), more),
    /** Sets the profile picture of a person; `base64` is its content, undefined removes it. */
    setPortrait(userId: number, base64: string | undefined): void {
      if (base64 === undefined) world.portraits.delete(userId)
      else world.portraits.set(userId, storeFile(world, { name: 'portrait.jpg', bytes: Buffer.from(base64, 'base64') }))
    },
    postAlbum: (chatId: number, userId: number, contents: readonly Record<string, unknown>[], options?: PostOptions): number[] =>
      people.postAlbum(chatId, userId, contents, options),
    postMany: (chatId: number, userId: number, texts: readonly string[]): number[] => people.postMany(chatId, userId, texts),
    press: (chatId: number, userId: number, messageId: number, label: string): string =>
      people.press(chatId, userId, messageId, label),
    /** Pop-ups people saw, and buttons that still spin. */
    alerts: () => ({ alerts: world.buttons.alerts, waiting: world.buttons.waiting }),
    /** The menu of commands of a bot: `default`, `all_chat_administrators`. */
    menu: (botId: number, scope = 'default') => world.buttons.menu(botId, scope),
    edit: (chatId: number, messageId: number, content: Content): void => people.edit(chatId, messageId, content),
    delete: (chatId: number, messageId: number): void => people.delete(chatId, messageId),
    react: (chatId: number, messageId: number, userId: number, emojis: readonly string[]): void =>
      people.react(chatId, messageId, userId, emojis),
    pin: (chatId: number, userId: number, messageId: number): void => people.pin(chatId, userId, messageId),
    join: (chatId: number, userId: number): void => people.join(chatId, userId),
    leave: (chatId: number, userId: number): void => people.leave(chatId, userId),
    createTopic: (chatId: number, userId: number, name: string): number => people.createTopic(chatId, userId, name),
    setTopic: (
      chatId: number,
      userId: number,
      threadId: number,
      change: 'close' | 'reopen' | 'delete' | { rename: string },
    ): void => people.setTopic(chatId, userId, threadId, change),
    setMember: (chatId: number, userId: number, status: 'administrator' | 'member' | 'left' | 'kicked'): void =>
      people.setMember(chatId, userId, status),
    setWritable: (chatId: number, writable: boolean): void => people.setWritable(chatId, writable),
    migrate: (chatId: number): number => people.migrate(chatId),

    visible: (chatId: number): VisibleMessage[] => people.visible(chatId),
    /** Waits until that many messages (with the text) can be seen, and answers them. */
    async untilVisible(want: UntilVisible): Promise<VisibleMessage[]> {
      const seen = (): VisibleMessage[] =>
        people.visible(want.chatId).filter((m) => want.text === undefined || m.text.includes(want.text))
      // Counting first keeps waiting cheap while thousands arrive.
      await fake.until(() => people.count(want.chatId) >= want.count && seen().length >= want.count, want.timeoutMs)
      return seen()
    },
    requests: (method?: string): RequestRecord[] =>
      method === undefined ? fake.requests : fake.requests.filter((r) => r.method === method),
    remarks: (): Remark[] => fake.remarks,
    stats: (): { requests: number; pendingUpdates: number; maxConcurrentPerChat: number; cpuMs: number } => ({
      requests: fake.requests.length,
      pendingUpdates: [...world.bots.values()].reduce((sum, b) => sum + b.updates.pending, 0),
      maxConcurrentPerChat: fake.maxConcurrentPerChat,
      cpuMs: Math.round((process.cpuUsage().user + process.cpuUsage().system) / 1000),
    }),

    addFault(rule: FaultRule): void {
      fake.faults.add(rule)
    },
    clearFaults: (): void => fake.faults.clear(),
    faultCounts: (): Readonly<Record<string, number>> => fake.faults.counts(),
    setLimits(profile: LimitProfile): void {
      fake.limits.profile = profile
    },
    setPrivacy(botId: number, privacy: boolean): void {
      bot(botId).privacy = privacy
    },
    setSeesBots(botId: number, seesBots: boolean): void {
      bot(botId).seesBots = seesBots
    },
    /** The token stops working, as after /revoke. */
    revoke(botId: number, revoked = true): void {
      bot(botId).revoked = revoked
    },
    /** Delivers the last n confirmed updates once more. */
    redeliver: (botId: number, n: number): void => bot(botId).updates.redeliver(n),
    jumpUpdateId: (botId: number, id: number): void => bot(botId).updates.jumpTo(id),
    holdUpdates: (botId: number, held: boolean): void => bot(botId).updates.hold(held),
    /** Updates of one answer come in the wrong order. */
    shuffle(botId: number, shuffled: boolean): void {
      bot(botId).updates.shuffled = shuffled
    },
    limitAnswers: (botId: number, n: number): void => bot(botId).updates.limitAnswers(n),
    /** Queues any payload as an update, e.g. one this fake does not model. */
    pushUpdate(botId: number, kind: string, payload: unknown): void {
      bot(botId).updates.push(kind, payload, Date.now())
    },
    setWebhook(botId: number, url: string): void {
      bot(botId).webhookUrl = url
    },
  }
}

export type TelegramControl = ReturnType<typeof createControl>

/** `POST /__fake/<call>` with a JSON array of arguments; `GET` works for calls without arguments. */
export async function handleControl(
  control: TelegramControl,
  req: IncomingMessage,
  res: ServerResponse,
  url: URL,
): Promise<void> {
  const reply = (status: number, body: unknown): void => {
    res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body ?? null))
  }
  const name = url.pathname.slice('/__fake/'.length)
  if (!Object.hasOwn(control, name)) return reply(404, { error: `no call ${name}`, calls: Object.keys(control) })
  try {
    const body = (await readBody(req)).toString('utf8')
    const args: unknown = body === '' ? [] : JSON.parse(body)
    const call = control[name as keyof TelegramControl] as (...args: unknown[]) => unknown
    reply(200, await call(...(Array.isArray(args) ? args : [args])))
  } catch (error) {
    reply(400, { error: error instanceof Error ? error.message : String(error) })
  }
}
