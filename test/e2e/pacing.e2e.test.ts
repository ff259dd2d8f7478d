import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FakeDiscord } from '../fakes/discord/server.ts'
import { FakeTelegram } from '../fakes/telegram/server.ts'
import { GatewayProcess } from '../support/gateway-process.ts'

/** A bound for hanging, not a measure of speed. */
const PATIENCE = { timeout: 120_000, interval: 50 }
const BURST = 10
const WAITING = 20
const FLOOD = 70

/** One person floods a room, another one is calm, and the gateway is killed meanwhile (bridging 16). */
describe('an author who writes much too fast', () => {
  let folder: string
  let discord: FakeDiscord
  let telegram: FakeTelegram
  let gateway: GatewayProcess
  let channel: string
  let chat: number
  let dm: number
  let tess: number
  let bea: number

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'k2gw-pacing-'))
    discord = await FakeDiscord.start({ identifyIntervalMs: 0 })
    telegram = await new FakeTelegram({ port: 0, limits: 'unlimited', seed: 1 }).start()
    const bot = telegram.control.addBot({ privacy: false })
    tess = telegram.control.addUser({ firstName: 'Tess' })
    bea = telegram.control.addUser({ firstName: 'Bea' })
    chat = telegram.control.addChat({ title: 'Room', members: [bot.id, tess, bea] })
    dm = telegram.control.startBot(tess, bot.id)
    const { guild } = discord.info
    channel = discord.control.addChannel({ guild, name: 'room' }).id
    gateway = await GatewayProcess.prepare(
      folder,
      'paced',
      {
        node: { mode: 'loopback', topics: [] },
        web: { enabled: false },
        market: { enabled: false },
        limits: { authorRate: { burst: BURST, every: '1s', waiting: WAITING } },
        accounts: {
          discord: { main: { token: '${env:PACED_DISCORD}', apiUrl: discord.info.apiUrl } },
          telegram: { main: { token: '${env:PACED_TELEGRAM}', apiUrl: telegram.url, limits: 'off' } },
        },
        routes: [{ id: 'room', members: [{ place: `telegram/main/${chat}` }, { place: `discord/main/${guild}/${channel}` }] }],
      },
      { PACED_DISCORD: discord.info.token, PACED_TELEGRAM: bot.token },
    )
    await gateway.start()
    await discord.control.waitForSession({ timeoutMs: PATIENCE.timeout })
  }, 240_000)

  afterAll(async () => {
    await gateway?.kill()
    await Promise.all([discord?.close(), telegram?.stop()])
    await rm(folder, { recursive: true, force: true })
  })

  const shown = (): string[] => discord.control.visible({ channel }).map((m) => m.content)
  const lines = (): string[] => shown().filter((text) => text.startsWith('flood-'))
  const name = (n: number): string => `flood-${String(n).padStart(2, '0')}`
  const told = (): number =>
    telegram.control.visible(dm).filter((m) => m.text.includes('faster than messages are carried')).length

  it('waits in line while others pass, is told once, and loses nothing that waited to a kill', { timeout: 300_000 }, async () => {
    const ids = Array.from({ length: FLOOD }, (_, n) => telegram.control.post(chat, tess, name(n)))
    telegram.control.post(chat, bea, 'calm')
    await expect.poll(shown, PATIENCE).toContain('calm')
    // Written after all of the flood, and through before what waits of it.
    expect(lines()).not.toContain(name(BURST + WAITING - 1))
    await expect.poll(told, PATIENCE).toBe(1)
    telegram.control.edit(chat, ids[BURST + WAITING - 2] as number, `${name(BURST + WAITING - 2)} changed`)
    await expect.poll(() => lines().length, PATIENCE).toBeGreaterThan(BURST)
    await gateway.kill()
    const before = lines().length
    expect(before).toBeLessThan(BURST + WAITING)
    await gateway.start()
    telegram.control.post(chat, bea, 'calm after it')
    await expect.poll(shown, PATIENCE).toContain('calm after it')
    await expect.poll(lines, PATIENCE).toContain(name(BURST + WAITING - 1))
    const all = lines()
    expect(all).toEqual([...all].sort())
    expect(new Set(all).size).toBe(all.length)
    const first = Array.from({ length: BURST + WAITING }, (_, n) => name(n))
    expect(all.slice(0, first.length)).toEqual(first.map((text, n) => (n === BURST + WAITING - 2 ? `${text} changed` : text)))
    expect(all.length).toBeLessThan(FLOOD)
    expect(told()).toBe(1)
    expect(telegram.remarks).toEqual([])
    expect(discord.control.violations()).toEqual([])
  })
})
