import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FakeDiscord } from '../fakes/discord/server.ts'
import { FakeTelegram } from '../fakes/telegram/server.ts'
import { healthOf } from '../support/gateway-api.ts'
import { GatewayProcess } from '../support/gateway-process.ts'

/** A message, or news of an outage, must be there within this, ms. */
const ARRIVES = { timeout: 60_000, interval: 100 }

/** Two channels and two groups: one route crosses, one stays on either side. */
interface Scene {
  readonly folder: string
  readonly discord: FakeDiscord
  readonly telegram: FakeTelegram
  readonly bot: { readonly id: number; readonly token: string }
  readonly tess: number
  readonly channels: readonly [string, string, string]
  readonly chats: readonly [number, number, number]
  close(): Promise<void>
}

async function openScene(): Promise<Scene> {
  const folder = await mkdtemp(join(tmpdir(), 'k2gw-outages-'))
  const discord = await FakeDiscord.start()
  const telegram = await new FakeTelegram({ port: 0, limits: 'unlimited', seed: 1 }).start()
  const bot = telegram.control.addBot({ privacy: false })
  const tess = telegram.control.addUser({ firstName: 'Tess' })
  const channel = (name: string): string => discord.control.addChannel({ guild: discord.info.guild, name }).id
  const chat = (title: string): number => telegram.control.addChat({ title, members: [bot.id, tess] })
  return {
    folder,
    discord,
    telegram,
    bot,
    tess,
    channels: [channel('crossing'), channel('left'), channel('right')],
    chats: [chat('Crossing'), chat('Left'), chat('Right')],
    async close() {
      await Promise.all([discord.close(), telegram.stop()])
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** With the tokens that are valid now; the same name has the same data directory. */
function prepare(scene: Scene, discordToken: string): Promise<GatewayProcess> {
  const { discord, telegram, channels, chats } = scene
  const onDiscord = (i: 0 | 1 | 2) => ({ place: `discord/main/${discord.info.guild}/${channels[i]}` })
  const onTelegram = (i: 0 | 1 | 2) => ({ place: `telegram/main/${chats[i]}` })
  return GatewayProcess.prepare(
    scene.folder,
    'outages',
    {
      node: { mode: 'loopback', topics: [] },
      web: { enabled: false },
      accounts: {
        discord: { main: { token: '${env:OUTAGE_DISCORD}', apiUrl: discord.info.apiUrl } },
        telegram: { main: { token: '${env:OUTAGE_TELEGRAM}', apiUrl: telegram.url, limits: 'off' } },
      },
      routes: [
        { id: 'crossing', members: [onDiscord(0), onTelegram(0)] },
        { id: 'discord', members: [onDiscord(1), onDiscord(2)] },
        { id: 'telegram', members: [onTelegram(1), onTelegram(2)] },
      ],
    },
    { OUTAGE_DISCORD: discordToken, OUTAGE_TELEGRAM: scene.bot.token },
  )
}

let said = 0
const nextText = (): string => `message ${said++}`

function say(scene: Scene, i: 0 | 1 | 2, side: 'discord' | 'telegram'): string {
  const text = nextText()
  if (side === 'telegram') scene.telegram.control.post(scene.chats[i], scene.tess, { text })
  else scene.discord.control.say({ channel: scene.channels[i], user: scene.discord.info.user, content: text })
  return text
}

async function seen(scene: Scene, i: 0 | 1 | 2, side: 'discord' | 'telegram', text: string): Promise<void> {
  const shown = (): string[] =>
    side === 'telegram'
      ? scene.telegram.control.visible(scene.chats[i]).map((m) => m.text)
      : scene.discord.control.visible({ channel: scene.channels[i] }).map((m) => m.content)
  await expect.poll(shown, ARRIVES).toContainEqual(expect.stringContaining(text))
}

async function crosses(scene: Scene): Promise<void> {
  await seen(scene, 0, 'discord', say(scene, 0, 'telegram'))
  await seen(scene, 0, 'telegram', say(scene, 0, 'discord'))
}

describe('a gateway whose tokens are taken away', () => {
  let scene: Scene
  let gateway: GatewayProcess
  let url: string

  beforeAll(async () => {
    scene = await openScene()
    gateway = await prepare(scene, scene.discord.info.token)
    url = (await gateway.start()).url
  }, 120_000)

  afterAll(async () => {
    await gateway?.kill()
    await scene?.close()
  })

  it('goes on elsewhere without Telegram, says what to do, and delivers what waited once the token works again', async () => {
    await crosses(scene)
    scene.telegram.control.revoke(scene.bot.id)
    const waiting = say(scene, 0, 'discord')
    await expect.poll(() => healthOf(url, 'telegram/main'), ARRIVES).toMatch(/^failed: .*token is not valid/)
    await seen(scene, 2, 'discord', say(scene, 1, 'discord'))
    scene.telegram.control.revoke(scene.bot.id, false)
    expect(await gateway.stop()).toBe(0)
    url = (await gateway.start()).url
    await seen(scene, 0, 'telegram', waiting)
    await crosses(scene)
  })

  it('goes on elsewhere without Discord, says what to do, and delivers what waited with a new token', async () => {
    const { token } = scene.discord.control.revokeToken({ bot: scene.discord.info.bot })
    const waiting = say(scene, 0, 'telegram')
    await expect
      .poll(() => healthOf(url, 'discord-main'), ARRIVES)
      .toMatch(/^failed: Discord refuses the bot token.*create a new one/)
    await seen(scene, 2, 'telegram', say(scene, 1, 'telegram'))
    expect(await gateway.stop()).toBe(0)
    expect(gateway.log).not.toMatch(/APP_UNHANDLED|unexpected error/)
    expect(gateway.log).not.toContain(token.split('.')[0] as string)
    gateway = await prepare(scene, token)
    url = (await gateway.start()).url
    await seen(scene, 0, 'discord', waiting)
    await crosses(scene)
  })
})
