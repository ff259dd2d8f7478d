import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CommandSpec, Interaction, Notice } from '../../../src/bridges/interaction.ts'
import { plain } from '../../../src/bridges/model/rich-text.ts'
import type { TelegramBridge } from '../../../src/bridges/telegram/index.ts'
import { FakeTelegram } from '../../fakes/telegram/index.ts'
import { MemorySink, newBridge } from './support.ts'

const spec = (telegram: string, path: CommandSpec['path'], more: Partial<CommandSpec> = {}): CommandSpec => ({
  path,
  telegram,
  summary: `does ${path.join(' ')}`,
  arguments: [],
  adminOnly: false,
  private: true,
  ...more,
})
const text = (name: string, required: boolean, rest = false) => ({
  name,
  summary: `the ${name}`,
  type: 'string' as const,
  required,
  rest,
})
const SPECS: readonly CommandSpec[] = [
  spec('k2_help', ['help']),
  spec('k2_status', ['node', 'status']),
  spec('k2_link', ['link'], { arguments: [text('code', false)] }),
  spec('k2_get', ['file', 'get'], { arguments: [text('ticket', true), text('note', false, true)] }),
  spec('k2_share', ['file', 'share'], { arguments: [{ name: 'file', summary: 'a file', type: 'attachment', required: true }] }),
  spec('k2_queue_dead', ['queue', 'dead'], { adminOnly: true }),
]
const notice = (said: string, more: Partial<Notice> = {}): Notice => ({ rich: plain(said), ...more })
const never = new AbortController().signal

let fake: FakeTelegram
let bot: { id: number; token: string }
let bridge: TelegramBridge
let sink: MemorySink
let seen: Interaction[]
let handler: (i: Interaction) => Promise<void>
let group: number
let anna: number
let bob: number

beforeEach(async () => {
  fake = await new FakeTelegram().start()
  bot = fake.control.addBot({ username: 'k2_gate_bot' })
  anna = fake.control.addUser({ firstName: 'Anna' })
  bob = fake.control.addUser({ firstName: 'Bob' })
  group = fake.control.addChat({ members: [anna, bob, bot.id], admins: [bob] })
  sink = new MemorySink()
  seen = []
  handler = async () => {}
  bridge = newBridge({ fake, token: bot.token }, sink)
  const handle = async (i: Interaction): Promise<void> => {
    seen.push(i)
    await handler(i)
  }
  bridge.interactions(SPECS, handle, notice('Hello everybody'))
  await bridge.start(never)
  await fake.until(() => fake.control.menu(bot.id, 'all_chat_administrators').length > 0)
})

afterEach(async () => {
  await bridge.stop()
  expect(fake.control.remarks()).toEqual([])
  expect(fake.control.alerts().waiting).toBe(0)
  await fake.stop()
})

const say = (content: string | Record<string, unknown>, who = anna, options: { replyTo?: number } = {}) =>
  fake.control.post(group, who, content, options)
const answers = async (count: number): Promise<void> => {
  await expect.poll(() => seen.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(count)
}
const botSaid = async (part: string, chat = group) => {
  const [found] = await fake.control.untilVisible({ chatId: chat, text: part, count: 1 })
  return found as NonNullable<typeof found>
}

describe('commands on Telegram', () => {
  it('are in the menu, the admin ones for administrators of groups', () => {
    expect(fake.control.menu(bot.id).map((c) => c.command)).toEqual(['k2_help', 'k2_status', 'k2_link', 'k2_get', 'k2_share'])
    expect(fake.control.menu(bot.id, 'all_chat_administrators').map((c) => c.command)).toContain('k2_queue_dead')
  })

  it('bring their arguments and are never bridged; those of other bots are', async () => {
    handler = (i) => i.answer.reply(notice('on its way', { title: 'File' }))
    const id = say('/k2_get@K2_Gate_Bot "blob abc" note=for later, please')
    say('/k2_get@other_bot x')
    say('/weather berlin')
    await sink.until(2)
    await answers(1)
    expect(sink.texts()).toEqual(['/k2_get@other_bot x', '/weather berlin'])
    expect(seen[0]).toMatchObject({
      at: { network: 'telegram', account: 'main', channel: String(group) },
      actor: { key: `telegram:${anna}`, displayName: 'Anna' },
      platformAdmin: false,
      direct: false,
      input: { kind: 'command', path: ['file', 'get'], args: { ticket: 'blob abc', note: 'for later, please' } },
    })
    expect(await botSaid('on its way')).toMatchObject({ text: 'File\non its way', replyTo: id })
  })

  it('know administrators of the group', async () => {
    say('/k2_help', bob)
    await answers(1)
    expect(seen[0]?.platformAdmin).toBe(true)
    say('/k2_help', 0, { asChat: group } as never)
    await answers(2)
    expect(seen[1]).toMatchObject({ platformAdmin: true, actor: { kind: 'anonymous-admin' } })
  })

  it('are handled once, also when the batch with them comes again', async () => {
    let failures = 0
    sink.before = () => {
      if (failures++ === 0) throw new Error('cannot store')
    }
    say('/k2_help')
    say('hello')
    await sink.until(1)
    await answers(1)
    fake.control.redeliver(bot.id, 2)
    say('end')
    await sink.until(2)
    expect(seen.length).toBe(1)
  })

  it('take the file they are the caption of, or reply to', async () => {
    const document = { document: { file_id: 'F1', file_unique_id: 'U1', file_name: 'a.pdf', file_size: 9 } }
    say({ ...document, caption: '/k2_share' })
    await answers(1)
    const input = seen[0]?.input
    expect(input?.kind === 'command' && input.args.file).toMatchObject({ name: 'a.pdf', size: 9, source: { fileId: 'F1' } })
    const file = say(document, bob)
    say('/k2_share', anna, { replyTo: file })
    await answers(2)
    expect(seen[1]).toMatchObject({ input: { args: { file: { name: 'a.pdf' } } }, replyTo: { id: String(file) } })
    say('/k2_share')
    await botSaid('Attach a file')
  })

  it('are known by their own names; unknown ones are not bridged', async () => {
    say('/k2_nonsense')
    await botSaid('I do not know this command')
    const chat = fake.control.startBot(anna, bot.id)
    await answers(1)
    expect(seen[0]).toMatchObject({ direct: true, input: { path: ['help'] } })
    fake.control.post(chat, anna, '/start link-ABCD2345')
    await answers(2)
    expect(seen[1]?.input).toEqual({ kind: 'command', path: ['link'], args: { code: 'ABCD2345' } })
    fake.control.post(chat, anna, '/status')
    await answers(3)
    expect(seen[2]?.input).toMatchObject({ path: ['node', 'status'] })
    expect(sink.texts()).toEqual([])
  })
})

describe('a group the bot is added to', () => {
  it('is greeted when it comes, not when its rights change', async () => {
    const chat = fake.control.addChat({ members: [anna] })
    fake.control.setMember(chat, bot.id, 'member')
    await botSaid('Hello everybody', chat)
    fake.control.setMember(chat, bot.id, 'administrator')
    fake.control.post(chat, anna, '/k2_help')
    await answers(1)
    expect(fake.control.visible(chat).filter((m) => m.text === 'Hello everybody')).toHaveLength(1)
  })
})

describe('dialogues on Telegram', () => {
  const form = {
    id: 'form:1.sig',
    title: 'Sell',
    fields: [
      { name: 'what', label: 'What do you sell?', required: true, maxLength: 10 },
      { name: 'price', label: 'For how much?', required: false, placeholder: '20 EUR' },
      { name: 'place', label: 'Where?', required: true, value: 'Berlin' },
    ],
  }

  it('ask for what is missing', async () => {
    say('/k2_get')
    const question = await botSaid('the ticket')
    expect(question).toMatchObject({ asks: true })
    say('something else meanwhile')
    say('blob123', anna, { replyTo: question.id })
    await answers(1)
    expect(seen[0]?.input).toMatchObject({ kind: 'command', path: ['file', 'get'], args: { ticket: 'blob123' } })
    expect(sink.texts()).toEqual(['something else meanwhile'])
  })

  it('go through a form step by step', async () => {
    handler = (i) => (i.input.kind === 'command' ? i.answer.form(form) : i.answer.reply(notice('done')))
    const chat = fake.control.startBot(anna, bot.id)
    await botSaid('What do you sell?', chat)
    fake.control.post(chat, anna, 'a very long description')
    await botSaid('At most 10 characters', chat)
    fake.control.post(chat, anna, 'a lamp')
    expect((await botSaid('For how much?', chat)).text).toContain('(2/3)')
    fake.control.post(chat, anna, '/skip')
    await botSaid('Now: Berlin', chat)
    fake.control.post(chat, anna, '/skip')
    await botSaid('done', chat)
    expect(seen[1]?.input).toEqual({ kind: 'form', id: 'form:1.sig', values: { what: 'a lamp', place: 'Berlin' } })
    expect(sink.texts()).toEqual([])
  })

  it('end on demand, and late answers are not bridged', async () => {
    handler = (i) => i.answer.form(form)
    say('/k2_help')
    const question = await botSaid('What do you sell?')
    say('/cancel')
    await botSaid('Cancelled')
    say('a lamp', anna, { replyTo: question.id })
    await botSaid('Nothing is being asked')
    expect(sink.texts()).toEqual([])
    expect(seen.length).toBe(1)
  })
})

describe('buttons on Telegram', () => {
  it('change their message, answer beside it, or pop up', async () => {
    handler = async (i) => {
      if (i.input.kind !== 'action') return
      if (i.input.id === 'a:1.s') await i.answer.update(notice('taken', { actions: [[{ id: 'b:1.s', label: 'Undo' }]] }))
      else if (i.input.id === 'c:1.s') await i.answer.reply(notice('only you see this'), { private: true })
      else await i.answer.reply(notice('undone'))
    }
    const place = { network: 'telegram', account: 'main', channel: String(group) } as const
    const actions = [
      [
        { id: 'a:1.s', label: 'Take' },
        { id: 'c:1.s', label: 'Ask' },
        { url: 'https://example.org/', label: 'Look' },
      ],
    ]
    const ref = await bridge.post({ kind: 'place', place }, notice('a lamp', { title: 'Offer', actions }), never)
    fake.control.press(group, anna, Number(ref.id), 'Ask')
    await fake.until(() => fake.control.alerts().alerts.length === 1)
    expect(fake.control.alerts().alerts).toEqual([{ user: anna, text: 'only you see this' }])
    fake.control.press(group, anna, Number(ref.id), 'Take')
    expect(await botSaid('taken')).toMatchObject({ id: Number(ref.id), buttons: ['Undo'] })
    fake.control.press(group, anna, Number(ref.id), 'Undo')
    await botSaid('undone')
    expect(seen[0]).toMatchObject({ actor: { key: `telegram:${anna}` }, input: { id: 'c:1.s', message: { id: ref.id } } })
  })
})

describe('notices on Telegram', () => {
  it('are posted, changed and taken back', async () => {
    const place = { network: 'telegram', account: 'main', channel: String(group) } as const
    const ref = await bridge.post({ kind: 'place', place }, notice('first'), never)
    expect(await bridge.repost(ref, notice('second'), never)).toBe(true)
    expect(await bridge.repost(ref, notice('second'), never)).toBe(true)
    await botSaid('second')
    await bridge.retract(ref, never)
    expect(await bridge.repost(ref, notice('third'), never)).toBe(false)
    await bridge.retract(ref, never)
    expect(fake.control.visible(group)).toEqual([])
  })

  it('reach people who started the bot; others are told how in the group', async () => {
    await expect(bridge.post({ kind: 'person', authorKey: `telegram:${anna}` }, notice('psst'), never)).rejects.toMatchObject({
      kind: 'denied',
    })
    handler = (i) => i.answer.reply(notice('secret code'), { secret: true })
    say('/k2_link')
    expect(await botSaid('I may not write to you yet')).toMatchObject({ buttons: ['Open the private chat'] })
    handler = async () => {}
    const chat = fake.control.startBot(anna, bot.id)
    handler = (i) => i.answer.reply(notice('secret code'), { secret: true })
    say('/k2_link')
    await botSaid('secret code', chat)
    expect(fake.control.visible(group).some((m) => m.text.includes('secret code'))).toBe(false)
  })
})
