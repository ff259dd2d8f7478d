import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { nullLogger } from '../../src/base/logger.ts'
import { startGateway } from '../../src/gateway/compose.ts'
import { configSchema } from '../../src/gateway/config/schema.ts'
import type { Gateway } from '../../src/gateway/gateway.ts'
import { FakeDiscord } from '../fakes/discord/server.ts'
import { FakeTelegram } from '../fakes/telegram/server.ts'
import { startPostgres, type TestPostgres } from '../support/postgres.ts'
import { describeWith } from '../support/servers.ts'
import { until } from './stage.ts'

const LINES = 40

/** Scenario K of bridging 22, second part: two gateways with bots of their own in the same channels share one database. */
describeWith('postgres', 'bridging 22.K: two gateways on the same channels', () => {
  let postgres: TestPostgres
  let discord: FakeDiscord
  let telegram: FakeTelegram
  const gateways: Gateway[] = []
  const folders: string[] = []
  let channel: string
  let chat: number
  let tess: number

  beforeAll(async () => {
    postgres = await startPostgres()
    discord = await FakeDiscord.start({ identifyIntervalMs: 0 })
    telegram = await new FakeTelegram({ seed: 1 }).start()
    const { guild } = discord.info
    const second = discord.control.addBot({ name: 'second', guilds: [guild], privileged: true })
    const bots = [telegram.control.addBot({ privacy: false }), telegram.control.addBot({ privacy: false })]
    tess = telegram.control.addUser({ firstName: 'Tess' })
    channel = discord.control.addChannel({ guild, name: 'shared' }).id
    chat = telegram.control.addChat({ title: 'Shared', members: [...bots.map((b) => b.id), tess] })
    // Bots of both may see each other: nothing may rely on the platform to hide them.
    for (const bot of bots) telegram.control.setSeesBots(bot.id, true)
    for (const [n, account] of ['one', 'two'].entries()) {
      const dataDir = await mkdtemp(join(tmpdir(), 'k2gw-loops-'))
      folders.push(dataDir)
      const config = configSchema.parse({
        dataDir,
        instance: account,
        http: { port: 0 },
        database: { driver: 'postgres', url: postgres.url },
        node: { mode: 'loopback', topics: [] },
        web: { enabled: false },
        // One person writes faster than people do.
        limits: { authorRate: 'off' },
        market: { enabled: false },
        accounts: {
          discord: { [account]: { token: n === 0 ? discord.info.token : second.token, apiUrl: discord.info.apiUrl } },
          telegram: { [account]: { token: bots[n]?.token, apiUrl: telegram.url, limits: 'off' } },
        },
        routes: [
          {
            id: 'shared',
            members: [{ place: `discord/${account}/${guild}/${channel}` }, { place: `telegram/${account}/${chat}` }],
          },
        ],
      })
      gateways.push(await startGateway({ config, log: nullLogger }, new AbortController().signal))
    }
    await until(() => gateways.every((g) => g.pipeline.health().status === 'ok'))
  }, 300_000)
  afterAll(async () => {
    await Promise.all(gateways.map((g) => g.stop()))
    await Promise.all([discord?.close(), telegram?.stop()])
    await postgres?.stop()
    for (const folder of folders) await rm(folder, { recursive: true, force: true })
  })

  it('each message of a person appears once on the other side', { timeout: 200_000 }, async () => {
    const onTelegram = (): string[] =>
      telegram.control
        .visible(chat)
        .filter((m) => m.from !== 'Tess')
        .map((m) => m.text)
    const onDiscord = (): string[] =>
      discord.control
        .visible({ channel })
        .filter((m) => m.isBot)
        .map((m) => m.content)
    for (let n = 0; n < LINES; n++) {
      discord.control.say({ channel, user: discord.info.user, content: `from discord ${n}` })
      telegram.control.post(chat, tess, `from telegram ${n}`)
    }
    await until(() => onTelegram().length >= LINES && onDiscord().length >= LINES)
    // What would come twice, or back, comes now at the latest: a last line of each side after everything else was dealt with.
    discord.control.say({ channel, user: discord.info.user, content: 'the last one' })
    telegram.control.post(chat, tess, 'the very last one')
    await until(() => onTelegram().some((t) => t.includes('the last one')) && onDiscord().some((t) => t.includes('very last')))
    const numbered = (side: string): string[] => Array.from({ length: LINES }, (_, n) => `from ${side} ${n}`)
    expect(onTelegram().sort()).toEqual([...numbered('discord'), 'the last one'].map((t) => `Ann: ${t}`).sort())
    expect(onDiscord().sort()).toEqual([...numbered('telegram'), 'the very last one'].sort())
    const duplicates = gateways.reduce((sum, g) => sum + g.pipeline.counters.total('bridge_events_deduplicated_total'), 0)
    expect(duplicates).toBeGreaterThanOrEqual(2 * LINES)
    expect(discord.control.violations()).toEqual([])
  })
})
