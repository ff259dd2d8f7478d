import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { FakeDiscord } from '../../fakes/discord/server.ts'
import { FakeTelegram } from '../../fakes/telegram/server.ts'
import { put, removeDir, SyncGateway, same, tempDir, tree, until } from '../../support/sync-gateway.ts'

/** Invitations to folders, answered where people are: by buttons on Discord and Telegram (k2-application 4.2, rows 35 and 36). */
describe('invitations to folders in the chats', { timeout: 240_000 }, () => {
  let dir: string
  let a: SyncGateway
  let b: SyncGateway
  let discord: FakeDiscord
  let telegram: FakeTelegram
  let chat: number
  let people: { owner: number; guest: number }

  beforeAll(async () => {
    dir = await tempDir()
    discord = await FakeDiscord.start({ identifyIntervalMs: 0 })
    telegram = await new FakeTelegram().start()
    const { control } = telegram
    const bot = control.addBot()
    people = { owner: control.addUser({ firstName: 'Olga' }), guest: control.addUser({ firstName: 'Gerd' }) }
    chat = control.addChat({ title: 'Staff', members: [people.owner, people.guest, bot.id] })
    a = new SyncGateway(join(dir, 'a'))
    b = new SyncGateway(join(dir, 'b'), () => [a.gateway?.node.ticket() ?? ''])
    await a.start()
    const { guild, channel, token, apiUrl } = discord.info
    await b.start(
      { notices: [`discord/main/${guild}/${channel}`, `telegram/main/${chat}`] },
      {
        access: { admins: [`discord:${discord.info.user}`, `telegram:${people.owner}`] },
        accounts: {
          discord: { main: { token, apiUrl } },
          telegram: { main: { token: bot.token, apiUrl: telegram.url, limits: 'off' } },
        },
      },
    )
    a.gateway?.node.connectTo(b.gateway?.node.addr() ?? (undefined as never))
    await b.call('POST', '/sync/devices', { node: a.id, name: 'Gateway A' })
    await a.call('POST', '/sync/devices', { node: b.id, name: 'Gateway B' })
  }, 240_000)

  afterAll(async () => {
    await b?.stop()
    await a?.stop()
    await Promise.all([discord?.close(), telegram?.stop()])
    if (dir !== undefined) await removeDir(dir)
  }, 60_000)

  async function offer(name: string): Promise<void> {
    const path = join(dir, 'at-a', name)
    await put(path, 'hello.txt', `hello from ${name}`)
    await a.call('POST', '/sync/folders', { name, path, devices: 'Gateway B' })
  }
  /** The notice of the folder that was offered last. */
  const onDiscord = () =>
    vi.waitUntil(
      () => discord.control.visible({ channel: discord.info.channel }).findLast(({ buttons }) => buttons.includes('Accept')),
      { timeout: 60_000 },
    )
  it('an administrator accepts on Discord, and the files arrive', async () => {
    await offer('Plans')
    const { id: message } = await onDiscord()
    expect(await b.call('GET', '/sync/folders')).toMatchObject({ folders: [], invitations: [{ name: 'Plans', peer: a.id }] })
    await discord.control.answer({
      ...discord.control.pressButton({ user: discord.info.user, message, label: 'Accept' }),
      timeoutMs: 60_000,
    })
    await until('the files', async () =>
      same(await tree(join(dir, 'b', 'folders', 'Plans')), { 'hello.txt': 'hello from Plans' }),
    )
    const after = () => discord.control.visible({ channel: discord.info.channel }).find((m) => m.id === message)
    await vi.waitUntil(() => after()?.buttons.length === 0, { timeout: 30_000 })
  })

  it('an administrator rejects on Telegram, nobody else can; then the button on Discord does nothing', async () => {
    await offer('Letters')
    const [told] = await telegram.control.untilVisible({ chatId: chat, count: 1, text: 'Letters', timeoutMs: 60_000 })
    telegram.control.press(chat, people.guest, told?.id ?? 0, 'Reject')
    await vi.waitUntil(() => JSON.stringify(telegram.control.alerts().alerts).includes('Only administrators'), {
      timeout: 30_000,
    })
    telegram.control.press(chat, people.owner, told?.id ?? 0, 'Reject')
    await until('the rejection', async () => (await b.call<unknown[]>('GET', '/sync/invitations')).length === 0)
    // The same invitation on Discord is answered: its button does nothing any more.
    const { id: message } = await onDiscord()
    const late = await discord.control.answer({
      ...discord.control.pressButton({ user: discord.info.user, message, label: 'Accept' }),
      timeoutMs: 60_000,
    })
    expect(JSON.stringify(late.messages)).toMatch(/no .*invitation/i)
  })
})
