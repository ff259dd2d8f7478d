import { afterEach, describe, expect, it } from 'vitest'
import { deferred } from '../../../src/base/async.ts'
import type { CommandSpec, Interaction, Notice } from '../../../src/bridges/interaction.ts'
import { plain } from '../../../src/bridges/model/rich-text.ts'
import { type Harness, type HarnessOptions, never, startHarness } from './harness.ts'

const spec = (path: CommandSpec['path'], more: Partial<CommandSpec> = {}): CommandSpec => ({
  path,
  telegram: `k2_${path.join('_')}`,
  summary: `does ${path.join(' ')}`,
  arguments: [],
  adminOnly: false,
  private: true,
  ...more,
})

const SPECS: readonly CommandSpec[] = [
  spec(['help'], { private: false }),
  spec(['file', 'get'], {
    arguments: [
      { name: 'note', summary: 'a note', type: 'string', required: false },
      { name: 'ticket', summary: 'what to fetch', type: 'string', required: true, suggests: true },
      { name: 'parts', summary: 'how many', type: 'integer', required: false },
    ],
  }),
  spec(['file', 'share'], { arguments: [{ name: 'file', summary: 'what to share', type: 'attachment', required: true }] }),
  spec(['queue', 'dead'], { adminOnly: true }),
]

const notice = (text: string, more: Partial<Notice> = {}): Notice => ({ rich: plain(text), ...more })

let h: Harness
async function start(
  handler: (i: Interaction) => Promise<void>,
  more: HarnessOptions = {},
  welcome?: Notice,
): Promise<Interaction[]> {
  const seen: Interaction[] = []
  h = await startHarness({
    ...more,
    commands: {
      specs: SPECS,
      ...(welcome && { welcome }),
      handler: async (i) => {
        seen.push(i)
        await handler(i)
      },
    },
  })
  await until(() => h.fake.control.commands({ bot: h.fake.info.bot }).length === 2)
  return seen
}

async function until(done: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !done(); i++) await new Promise((go) => setTimeout(go, 10))
  expect(done()).toBe(true)
}

const person = () => ({ user: h.fake.info.user, channel: h.fake.info.channel })

afterEach(async () => {
  expect(h.fake.control.violations()).toEqual([])
  await h.stop()
})

describe('slash commands on Discord', () => {
  it('are registered once, and again only when they changed', async () => {
    await start(async () => {})
    expect(h.fake.control.commands({ bot: h.fake.info.bot })).toEqual(['k2', 'k2-admin'])
    const puts = () => h.fake.control.requests({ method: 'PUT', path: '/commands' }).length
    const gets = () => h.fake.control.requests({ method: 'GET', path: '/commands' }).length
    expect(puts()).toBe(1)
    const before = gets()
    await h.restart()
    await until(() => gets() > before)
    expect(puts()).toBe(1)
  })

  it('arrive with path, arguments, place and person, and are answered for the person alone', async () => {
    const seen = await start((i) => i.answer.reply(notice('**no** markup', { title: 'Fetched' }), { private: true }))
    const { interaction } = h.fake.control.runCommand({
      ...person(),
      command: 'k2 file get',
      options: { ticket: 'blobabc', parts: 3 },
      admin: true,
    })
    const view = await h.fake.control.answer({ interaction })
    expect(view.messages).toMatchObject([{ ephemeral: true, title: 'Fetched', text: '\\*\\*no\\*\\* markup' }])
    expect(seen[0]).toMatchObject({
      network: 'discord',
      account: 'main',
      at: h.place,
      actor: { key: `discord:${h.fake.info.user}`, displayName: 'Ann', isBot: false },
      platformAdmin: true,
      direct: false,
      input: { kind: 'command', path: ['file', 'get'], args: { ticket: 'blobabc', parts: 3 } },
    })
    expect(h.fake.control.visible({ channel: h.fake.info.channel })).toEqual([])
    expect(h.sink.events).toEqual([])
  })

  it('bring files as attachments', async () => {
    const seen = await start((i) => i.answer.reply(notice('got it')))
    const { interaction } = h.fake.control.runCommand({
      ...person(),
      command: 'k2 file share',
      options: { file: { file: { name: 'a.txt', text: 'hello' } } },
    })
    await h.fake.control.answer({ interaction })
    const input = seen[0]?.input
    expect(input?.kind === 'command' && input.args.file).toMatchObject({
      name: 'a.txt',
      size: 5,
      source: { kind: 'discord-url' },
    })
  })

  it('are deferred when the answer takes longer than Discord waits, as private as the command says', async () => {
    const gate = deferred<void>()
    await start(async (i) => {
      await gate.promise
      await i.answer.reply(notice('late'), { private: true })
      await i.answer.update(notice('later'))
    })
    const { interaction } = h.fake.control.runCommand({ ...person(), command: 'k2 file get', options: { ticket: 'x' } })
    await until(() => h.fake.control.requests({ path: '/callback' }).length === 1)
    expect(h.fake.control.requests({ path: '/callback' })[0]?.body).toMatchObject({ type: 5, data: { flags: 64 } })
    gate.resolve()
    const view = await h.fake.control.answer({ interaction, text: 'later' })
    expect(view.messages).toMatchObject([{ ephemeral: true, text: 'later' }])
  })

  it('reach others although the deferral was for one person, and the other way round', async () => {
    const gate = deferred<void>()
    await start(async (i) => {
      await gate.promise
      await i.answer.reply(notice('switched'), { private: i.input.kind === 'command' && i.input.path[0] === 'help' })
    })
    const hidden = h.fake.control.runCommand({ ...person(), command: 'k2 file get', options: { ticket: 'x' } })
    const open = h.fake.control.runCommand({ ...person(), command: 'k2 help' })
    await until(() => h.fake.control.requests({ path: '/callback' }).length === 2)
    gate.resolve()
    expect((await h.fake.control.answer({ interaction: hidden.interaction })).messages).toMatchObject([{ ephemeral: false }])
    expect((await h.fake.control.answer({ interaction: open.interaction })).messages).toMatchObject([{ ephemeral: true }])
    expect(h.fake.control.visible({ channel: h.fake.info.channel }).map((m) => m.content)).toEqual(['switched'])
  })

  it('suggest values while somebody types', async () => {
    const seen = await start((i) =>
      i.answer.suggest([
        { name: 'the first', value: 'blob1' },
        { name: 'x', value: 'y'.repeat(101) },
      ]),
    )
    const choices = await h.fake.control.typeAutocomplete({ ...person(), command: 'k2 file get', option: 'ticket', typed: 'bl' })
    expect(choices).toEqual([{ name: 'the first', value: 'blob1' }])
    expect(seen[0]?.input).toEqual({ kind: 'suggest', path: ['file', 'get'], argument: 'ticket', typed: 'bl' })
  })

  it('open modals, also late, and take their values', async () => {
    const late = deferred<void>()
    const form = { id: 'form:1.sig', title: 'Sell', fields: [{ name: 'what', label: 'What', required: true, maxLength: 100 }] }
    const seen = await start(async (i) => {
      if (i.input.kind === 'form') return i.answer.reply(notice(`selling ${i.input.values.what}`))
      if (i.input.kind === 'command' && i.input.path[0] === 'help') await late.promise
      await i.answer.form(form)
    })
    const quick = h.fake.control.runCommand({ ...person(), command: 'k2 file get', options: { ticket: 'x' } })
    expect((await h.fake.control.answer(quick)).modal).toMatchObject({ title: 'Sell' })
    const sent = h.fake.control.submitModal({ interaction: quick.interaction, values: { what: 'a lamp' } })
    expect((await h.fake.control.answer(sent)).messages).toMatchObject([{ text: 'selling a lamp' }])

    const slow = h.fake.control.runCommand({ ...person(), command: 'k2 help' })
    await until(() => h.fake.control.requests({ path: '/callback' }).length === 3)
    late.resolve()
    const step = await h.fake.control.answer(slow)
    const message = step.messages[0]?.id ?? ''
    const opened = h.fake.control.pressButton({ user: h.fake.info.user, message, label: 'Sell' })
    expect((await h.fake.control.answer(opened)).modal).toMatchObject({ custom_id: 'form:1.sig' })
    expect(seen.filter((i) => i.input.kind === 'action')).toEqual([])
  })

  it('are answered in the channel when Discord has forgotten the interaction', async () => {
    await start((i) => i.answer.reply(notice('here you are')), {})
    const body = { message: 'Unknown interaction', code: 10062 }
    h.fake.control.fault({ on: 'request', route: '/callback', times: 1, effect: { kind: 'status', status: 404, body } })
    h.fake.control.runCommand({ ...person(), command: 'k2 help' })
    await h.fake.control.waitFor({ channel: h.fake.info.channel, count: 1 })
    expect(h.fake.control.visible({ channel: h.fake.info.channel })[0]?.content).toBe('here you are')
  })
})

describe('buttons on Discord', () => {
  it('replace the message that carries them, or are answered beside it', async () => {
    const seen = await start(async (i) => {
      if (i.input.kind !== 'action') return
      if (i.input.id === 'a:1.s') await i.answer.update(notice('replaced'))
      else await i.answer.reply(notice('beside'), { private: true })
    })
    const ref = await h.bridge.post(
      { kind: 'place', place: h.place },
      notice('an offer', {
        title: 'Lamp',
        actions: [
          [
            { id: 'a:1.s', label: 'Take', style: 'success' },
            { id: 'b:1.s', label: 'Ask' },
            { url: 'https://example.org/', label: 'Look' },
          ],
        ],
      }),
      never,
    )
    const ask = h.fake.control.pressButton({ user: h.fake.info.user, message: ref.id, label: 'Ask' })
    expect((await h.fake.control.answer(ask)).messages).toMatchObject([{ text: 'beside', ephemeral: true }])
    const take = h.fake.control.pressButton({ user: h.fake.info.user, message: ref.id, label: 'Take' })
    await h.fake.control.answer(take)
    expect(h.fake.control.visible({ channel: h.fake.info.channel })).toMatchObject([
      { content: 'replaced', buttons: [], embeds: [] },
    ])
    expect(seen[1]?.input).toMatchObject({ kind: 'action', id: 'a:1.s', message: { id: ref.id, channel: h.fake.info.channel } })
  })
})

describe('a server the bot is added to', () => {
  it('is greeted once; those it is in already are not', async () => {
    await start(async () => {}, {}, notice('hello', { title: 'Welcome' }))
    const { channel } = h.fake.control.joinGuild({ bot: h.fake.info.bot, name: 'New' })
    await h.fake.control.waitFor({ channel, count: 1 })
    expect(h.fake.control.visible({ channel })).toMatchObject([{ embeds: ['Welcome'] }])
    await h.fake.control.gateway({ action: 'reconnect' })
    await h.fake.control.waitForSession({ resumed: 1 })
    expect(h.fake.control.visible({ channel })).toHaveLength(1)
    expect(h.fake.control.visible({ channel: h.fake.info.channel })).toEqual([])
  })
})

describe('notices on Discord', () => {
  it('are posted, changed and taken back, with files', async () => {
    await start(async () => {})
    const file = {
      name: 'my qr.png',
      mime: 'image/png',
      size: 4,
      async *open() {
        yield new Uint8Array([1, 2, 3, 4])
      },
    }
    const ref = await h.bridge.post({ kind: 'place', place: h.place }, notice('scan', { title: 'QR', files: [file] }), never)
    expect(h.fake.control.visible({ channel: h.fake.info.channel })).toMatchObject([
      { files: ['my_qr.png'], sizes: [4], embeds: ['QR'] },
    ])
    expect(await h.bridge.repost(ref, notice('gone'), never)).toBe(true)
    expect(h.fake.control.visible({ channel: h.fake.info.channel })).toMatchObject([{ files: [], content: 'gone', embeds: [] }])
    await h.bridge.retract(ref, never)
    expect(h.fake.control.visible({ channel: h.fake.info.channel })).toEqual([])
    expect(await h.bridge.repost(ref, notice('again'), never)).toBe(false)
    await h.bridge.retract(ref, never)
  })

  it('reach a person directly, or say that they cannot', async () => {
    await start(async () => {})
    const { id } = h.fake.control.openDm({ user: h.fake.info.user, bot: h.fake.info.bot })
    await h.bridge.post({ kind: 'person', authorKey: `discord:${h.fake.info.user}` }, notice('psst'), never)
    expect(h.fake.control.visible({ channel: id }).map((m) => m.content)).toEqual(['psst'])
    h.fake.control.closeDms({ user: h.fake.info.user })
    await expect(
      h.bridge.post({ kind: 'person', authorKey: `discord:${h.fake.info.user}` }, notice('psst'), never),
    ).rejects.toMatchObject({ kind: 'denied' })
    await expect(h.bridge.post({ kind: 'person', authorKey: 'telegram:5' }, notice('psst'), never)).rejects.toMatchObject({
      kind: 'denied',
    })
  })

  it('put what is too long for one message into a file', async () => {
    await start(async () => {})
    await h.bridge.post({ kind: 'place', place: h.place }, notice('word '.repeat(2000)), never)
    const [message] = h.fake.control.visible({ channel: h.fake.info.channel })
    expect(message?.files).toEqual(['message.txt'])
    expect(message?.content.length).toBeLessThanOrEqual(2000)
  })
})
