import { Api, GrammyError, HttpError } from 'grammy'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FakeTelegram, remoteControl } from './index.ts'

/** The unmodified client library against the fake: what the platform promises and refuses. */
describe('fake Telegram', () => {
  let fake: FakeTelegram
  let api: Api
  let botId: number
  let token: string
  let ada: number
  let group: number

  beforeEach(async () => {
    fake = await new FakeTelegram().start()
    ;({ id: botId, token } = fake.control.addBot())
    ada = fake.control.addUser({ firstName: 'Ada', lastName: 'L' })
    group = fake.control.addChat({ members: [botId, ada] })
    api = new Api(token, { apiRoot: fake.url })
  })
  afterEach(() => fake.stop())

  const refused = async (call: Promise<unknown>): Promise<GrammyError> => {
    const error = await call.then(
      () => undefined,
      (e: unknown) => e,
    )
    expect(error).toBeInstanceOf(GrammyError)
    return error as GrammyError
  }

  it('answers getMe with numbers beyond 32 bits and refuses wrong tokens', async () => {
    expect(await api.getMe()).toMatchObject({ id: botId, is_bot: true, can_read_all_group_messages: true })
    expect(botId).toBeGreaterThan(2 ** 32)
    expect((await refused(new Api('1:wrong', { apiRoot: fake.url }).getMe())).error_code).toBe(401)
    expect((await refused(new Api('nonsense', { apiRoot: fake.url }).getMe())).error_code).toBe(404)
  })

  it('shows what a bot sends to people, trimmed, with entities in place', async () => {
    const sent = await api.sendMessage(group, '  hi 😀 bold ', { entities: [{ type: 'bold', offset: 8, length: 4 }] })
    expect(sent).toMatchObject({ text: 'hi 😀 bold', entities: [{ type: 'bold', offset: 6, length: 4 }] })
    expect(fake.control.visible(group)).toMatchObject([{ from: 'Bridge', text: 'hi 😀 bold', edited: false }])
  })

  it('enforces text length, entity bounds, surrogate borders and empty texts', async () => {
    expect((await refused(api.sendMessage(group, ' '))).description).toContain('text is empty')
    expect((await refused(api.sendMessage(group, 'x'.repeat(4097)))).description).toContain('too long')
    await api.sendMessage(group, 'x'.repeat(4096))
    const bold = (offset: number, length: number) => ({ entities: [{ type: 'bold' as const, offset, length }] })
    expect((await refused(api.sendMessage(group, '😀', bold(1, 1)))).description).toContain('ENTITY_BOUNDS_INVALID')
    expect((await refused(api.sendMessage(group, 'abc', bold(0, 4)))).description).toContain('ENTITY_BOUNDS_INVALID')
  })

  it('remarks parse_mode, unknown fields, crossing entities and leaked tokens', async () => {
    await api.sendMessage(group, 'a', { parse_mode: 'HTML' })
    await api.raw.sendMessage({ chat_id: group, text: 'b', colour: 'red' } as never)
    await api.sendMessage(group, `see ${token}`)
    await api.sendMessage(group, 'abcdef', {
      entities: [
        { type: 'bold', offset: 0, length: 4 },
        { type: 'italic', offset: 2, length: 4 },
      ],
    })
    expect(fake.remarks.map((r) => r.what)).toEqual([
      'parse_mode instead of entities',
      'unknown field colour',
      'the token is in a message',
      'entities bold and italic cross',
    ])
  })

  it('edits and deletes with the platform’s refusals', async () => {
    const { message_id } = await api.sendMessage(group, 'one')
    await api.editMessageText(group, message_id, 'two')
    expect(fake.control.visible(group)).toMatchObject([{ text: 'two', edited: true }])
    expect((await refused(api.editMessageText(group, message_id, 'two'))).description).toContain('message is not modified')
    expect((await refused(api.editMessageText(group, 999, 'x'))).description).toContain('message to edit not found')
    const theirs = fake.control.post(group, ada, 'mine')
    expect((await refused(api.editMessageText(group, theirs, 'x'))).description).toContain("message can't be edited")
    expect((await refused(api.deleteMessage(group, theirs))).description).toContain("message can't be deleted")
    await api.deleteMessage(group, message_id)
    expect((await refused(api.deleteMessage(group, message_id))).description).toContain('message to delete not found')
  })

  it('refuses deletes after 48 hours', async () => {
    let now = 1_750_000_000_000
    await using late = await new FakeTelegram({ now: () => now }).start()
    const bot = late.control.addBot()
    const chat = late.control.addChat({ members: [bot.id] })
    const client = new Api(bot.token, { apiRoot: late.url })
    const { message_id } = await client.sendMessage(chat, 'x')
    now += 48 * 3600 * 1000 + 1000
    expect((await refused(client.deleteMessage(chat, message_id))).description).toContain("can't be deleted")
  })

  it('knows membership, rights, blocked users and unknown chats', async () => {
    expect((await refused(api.sendMessage(-1, 'x'))).description).toBe('Bad Request: chat not found')
    fake.control.setWritable(group, false)
    expect((await refused(api.sendMessage(group, 'x'))).description).toContain('not enough rights')
    fake.control.setMember(group, botId, 'kicked')
    expect((await refused(api.sendMessage(group, 'x'))).error_code).toBe(403)
    expect((await refused(api.sendMessage(ada, 'x'))).error_code).toBe(400)
    const dm = fake.control.startBot(ada, botId)
    await api.sendMessage(dm, 'hello')
  })

  it('answers replies, and sends without one when asked to', async () => {
    const target = fake.control.post(group, ada, 'question')
    const reply = await api.sendMessage(group, 'answer', { reply_parameters: { message_id: target } })
    expect(reply.reply_to_message?.text).toBe('question')
    expect((await refused(api.sendMessage(group, 'x', { reply_parameters: { message_id: 999 } }))).description).toContain(
      'message to be replied not found',
    )
    await api.sendMessage(group, 'x', { reply_parameters: { message_id: 999, allow_sending_without_reply: true } })
  })

  it('has topics: General by omission only, closed and deleted ones refused', async () => {
    const forum = fake.control.addChat({ forum: true, members: [botId, ada] })
    const topic = fake.control.createTopic(forum, ada, 'Goods')
    const sent = await api.sendMessage(forum, 'in', { message_thread_id: topic })
    expect(sent).toMatchObject({ is_topic_message: true, reply_to_message: { message_id: topic } })
    expect((await refused(api.sendMessage(forum, 'x', { message_thread_id: 1 }))).description).toContain(
      'message thread not found',
    )
    fake.control.setTopic(forum, ada, topic, 'close')
    expect((await refused(api.sendMessage(forum, 'x', { message_thread_id: topic }))).description).toContain('TOPIC_CLOSED')
  })

  it('moves a group to a supergroup', async () => {
    const old = fake.control.addChat({ type: 'group', members: [botId, ada] })
    const fresh = fake.control.migrate(old)
    const error = await refused(api.sendMessage(old, 'x'))
    expect(error.parameters.migrate_to_chat_id).toBe(fresh)
    await api.sendMessage(fresh, 'x')
    const updates = await api.getUpdates()
    expect(updates.map((u) => u.message?.migrate_to_chat_id ?? u.message?.migrate_from_chat_id)).toEqual([fresh, old])
  })

  it('delivers updates until they are confirmed by offset, at most 100', async () => {
    fake.control.postMany(
      group,
      ada,
      Array.from({ length: 150 }, (_, i) => `m${i}`),
    )
    const first = await api.getUpdates({ timeout: 0 })
    expect(first).toHaveLength(100)
    expect((await api.getUpdates({ timeout: 0 }))[0]?.update_id).toBe(first[0]?.update_id)
    const rest = await api.getUpdates({ offset: (first.at(-1)?.update_id ?? 0) + 1, timeout: 0 })
    expect(rest.map((u) => u.message?.text)).toEqual(Array.from({ length: 50 }, (_, i) => `m${100 + i}`))
    fake.control.redeliver(botId, 2)
    expect((await api.getUpdates({ offset: (rest[0]?.update_id ?? 0) + 1 })).map((u) => u.message?.text)).toEqual(['m98', 'm99'])
  })

  it('holds a long poll open and ends the older of two', async () => {
    const polling = api.getUpdates({ timeout: 30 })
    await fake.until(() => fake.world.bots.get(botId)?.updates.polling === true)
    fake.control.post(group, ada, 'now')
    expect((await polling).map((u) => u.message?.text)).toEqual(['now'])
    const offset = 700_000_002
    const older = refused(api.getUpdates({ timeout: 30, offset }))
    await fake.until(() => fake.world.bots.get(botId)?.updates.polling === true)
    const newer = api.getUpdates({ timeout: 30, offset })
    expect((await older).description).toContain('terminated by other getUpdates request')
    fake.control.post(group, ada, 'later')
    expect((await newer).map((u) => u.message?.text)).toEqual(['later'])
  })

  it('refuses polling while a webhook is set', async () => {
    fake.control.setWebhook(botId, 'https://example.org/x')
    expect((await refused(api.getUpdates())).description).toContain('webhook is active')
    await api.deleteWebhook()
    expect(await api.getUpdates()).toEqual([])
  })

  it('hides people’s messages in privacy mode, except commands, replies and service messages', async () => {
    fake.control.setPrivacy(botId, true)
    const { message_id } = await api.sendMessage(group, 'ask me')
    fake.control.post(group, ada, 'hidden')
    fake.control.post(group, ada, '/help')
    fake.control.post(group, ada, 'to you', { replyTo: message_id })
    fake.control.join(group, fake.control.addUser({ firstName: 'Bo' }))
    const texts = (await api.getUpdates()).map((u) => u.message?.text ?? 'service')
    expect(texts).toEqual(['/help', 'to you', 'service'])
    expect(await api.getMe()).toMatchObject({ can_read_all_group_messages: false })
  })

  it('hides bots from each other unless bot-to-bot is on, and reactions unless asked for', async () => {
    const other = fake.control.addBot({ username: 'other_bot' })
    fake.control.setMember(group, other.id, 'administrator')
    const watcher = new Api(other.token, { apiRoot: fake.url })
    await watcher.getUpdates()
    const { message_id } = await api.sendMessage(group, 'first')
    fake.control.react(group, message_id, ada, ['👍'])
    expect((await watcher.getUpdates()).filter((u) => u.message || u.message_reaction)).toEqual([])
    fake.control.setSeesBots(other.id, true)
    await watcher.getUpdates({ allowed_updates: ['message', 'message_reaction'] })
    await api.sendMessage(group, 'second')
    fake.control.react(group, message_id, ada, ['👍'])
    const seen = await watcher.getUpdates()
    expect(seen.map((u) => u.message?.text ?? u.message_reaction?.new_reaction.length).filter((x) => x !== undefined)).toEqual([
      'second',
      1,
    ])
  })

  it('limits like the real service and notes who ignores the wait', async () => {
    let now = 1_750_000_000_000
    await using strict = await new FakeTelegram({ limits: 'real-like', now: () => now }).start()
    const bot = strict.control.addBot()
    const chat = strict.control.addChat({ members: [bot.id] })
    const client = new Api(bot.token, { apiRoot: strict.url })
    for (let i = 0; i < 4; i++) await client.sendMessage(chat, `m${i}`)
    const error = await refused(client.sendMessage(chat, 'm3'))
    expect(error.parameters.retry_after).toBe(1)
    expect(strict.remarks).toEqual([])
    await refused(client.sendMessage(chat, 'm3'))
    expect(strict.remarks.map((r) => r.what)).toEqual(['sent although told to wait'])
    now += 1000
    await client.sendMessage(chat, 'm3')
  })

  it('breaks on command: status, lost responses, resets, half answers, corrupt JSON', async () => {
    fake.control.addFault({ method: 'sendMessage', times: 1, effect: { kind: 'status', status: 502 } })
    expect((await refused(api.sendMessage(group, 'a'))).error_code).toBe(502)
    // The library's own HTTP client notices a half answer only by its timeout.
    const hasty = new Api(token, { apiRoot: fake.url, timeoutSeconds: 1 })
    for (const kind of ['response-lost', 'reset-before', 'half-response', 'corrupt-json'] as const) {
      fake.control.addFault({ method: 'sendMessage', times: 1, effect: { kind } })
      await expect(hasty.sendMessage(group, kind)).rejects.toBeInstanceOf(HttpError)
    }
    fake.control.addFault({ method: 'sendMessage', times: 1, effect: { kind: 'rate-limit', retryAfterMs: 2000 } })
    expect((await refused(api.sendMessage(group, 'b'))).parameters.retry_after).toBe(2)
    expect(fake.control.visible(group).map((m) => m.text)).toEqual(['response-lost', 'half-response', 'corrupt-json'])
  })

  it('duplicates, drops and re-orders updates on command', async () => {
    fake.control.addFault({ on: 'event', route: 'message', nth: 1, effect: { kind: 'duplicate-event' } })
    fake.control.addFault({ on: 'event', route: 'message', nth: 2, effect: { kind: 'drop-event' } })
    fake.control.addFault({ on: 'event', route: 'message', nth: 3, effect: { kind: 'reorder-event' } })
    fake.control.postMany(group, ada, ['a', 'b', 'c', 'd'])
    const again = await api.getUpdates()
    const rest = await api.getUpdates()
    expect([...again, ...rest].map((u) => u.message?.text)).toEqual(['a', 'a', 'd', 'c'])
  })

  it('is controlled over HTTP from another process', async () => {
    const control = remoteControl(fake.url)
    const user = await control.addUser({ firstName: 'Remote' })
    await control.post(group, user, 'from afar')
    expect(await control.untilVisible({ chatId: group, text: 'afar', count: 1 })).toMatchObject([{ from: 'Remote' }])
    expect(await control.stats()).toMatchObject({ maxConcurrentPerChat: 0 })
    await expect(control.visible(12345)).rejects.toThrow('no chat 12345')
  })
})
