import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { below, seededRng } from '../../src/base/random.ts'
import { createKeyFile, identityOfSeed } from '../../src/core/index.ts'
import { FakeDiscord } from '../fakes/discord/server.ts'
import { FakeTelegram } from '../fakes/telegram/server.ts'
import { freeUdpPort } from '../support/free-port.ts'
import { GatewayProcess } from '../support/gateway-process.ts'

const ROUTES = 5
const MESSAGES = 1000
const KILLS = 10
/** All messages must be everywhere within this after the last one was written, ms. */
const SETTLE_MS = 180_000

/** The numbered lines of one source, as they appear in a chat, in order; foreign lines are left out. */
const linesOf = (texts: readonly string[], source: string): string[] =>
  texts.flatMap((text) => new RegExp(`${source}-\\d{3}`).exec(text)?.[0] ?? [])

/** Removes repeats; answers how many there were. */
function dedupe(lines: readonly string[]): { once: string[]; repeats: number } {
  const seen = [...new Set(lines)]
  return { once: seen, repeats: lines.length - seen.length }
}

describe(`kill -9 of a gateway, ${KILLS} times, while ${MESSAGES} messages cross ${ROUTES} routes (bridging 22.A)`, () => {
  let folder: string
  let discord: FakeDiscord
  let telegram: FakeTelegram
  let near: GatewayProcess
  let far: GatewayProcess
  let rooms: { topic: string; near: string; far: string; chat: number }[]
  let users: { ann: string; tess: number }

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'k2gw-kill-'))
    // Kills come faster than the 5 s between identifies that Discord asks of one bot.
    discord = await FakeDiscord.start({ identifyIntervalMs: 0 })
    telegram = await new FakeTelegram({ port: 0, limits: 'unlimited', seed: 1 }).start()
    const guild = discord.info.guild
    const farBot = discord.control.addBot({ name: 'Far', guilds: [guild] })
    const bot = telegram.control.addBot({ privacy: false })
    const tess = telegram.control.addUser({ firstName: 'Tess' })
    users = { ann: discord.info.user, tess }
    rooms = Array.from({ length: ROUTES }, (_, i) => ({
      topic: `Room ${i}`,
      near: discord.control.addChannel({ guild, name: `near-${i}` }).id,
      far: discord.control.addChannel({ guild, name: `far-${i}` }).id,
      chat: telegram.control.addChat({ title: `Chat ${i}`, members: [bot.id, tess] }),
    }))

    const [nearPort, farPort] = [await freeUdpPort(), await freeUdpPort()]
    const [nearKey, farKey] = [identityOfSeed(new Uint8Array(32).fill(11)), identityOfSeed(new Uint8Array(32).fill(12))]
    const node = (port: number, peer: string) => ({
      mode: 'loopback',
      bind: `127.0.0.1:${port}`,
      topics: rooms.map((r) => r.topic),
      peers: [peer],
      // Where a start takes ten seconds, one that is killed every two confirms nothing for minutes.
      peerPatience: '5m',
    })
    near = await GatewayProcess.prepare(
      folder,
      'near',
      {
        node: node(nearPort, `${farKey.id}@127.0.0.1:${farPort}`),
        accounts: {
          discord: { main: { token: '${env:NEAR_DISCORD}', apiUrl: discord.info.apiUrl } },
          telegram: { main: { token: '${env:NEAR_TELEGRAM}', apiUrl: telegram.url, limits: 'off' } },
        },
        web: { enabled: false },
        // One person writes faster than people do.
        limits: { authorRate: 'off' },
        routes: rooms.map((r, i) => ({
          id: `room-${i}`,
          members: [
            { place: `p2p/self/${r.topic}` },
            { place: `discord/main/${guild}/${r.near}` },
            { place: `telegram/main/${r.chat}` },
          ],
        })),
      },
      { NEAR_DISCORD: discord.info.token, NEAR_TELEGRAM: bot.token },
    )
    far = await GatewayProcess.prepare(
      folder,
      'far',
      {
        node: node(farPort, `${nearKey.id}@127.0.0.1:${nearPort}`),
        accounts: { discord: { main: { token: '${env:FAR_DISCORD}', apiUrl: discord.info.apiUrl } } },
        web: { enabled: false },
        // One person writes faster than people do.
        limits: { authorRate: 'off' },
        routes: rooms.map((r, i) => ({
          id: `room-${i}`,
          members: [{ place: `p2p/self/${r.topic}` }, { place: `discord/main/${guild}/${r.far}` }],
        })),
      },
      { FAR_DISCORD: farBot.token },
    )
    await createKeyFile(join(near.dataDir, 'identity.json'), nearKey)
    await createKeyFile(join(far.dataDir, 'identity.json'), farKey)
    await Promise.all([near.start(), far.start()])
  }, 180_000)

  afterEach(async () => {
    await Promise.all([near?.kill(), far?.kill()])
    await Promise.all([discord?.close(), telegram?.stop()])
    await rm(folder, { recursive: true, force: true })
  })

  it('every message is on every other side, in order, and exactly once', async () => {
    const written = new Map<string, string[]>()
    const note = (source: string): string => {
      const list = written.get(source) ?? []
      const line = `${source}-${String(list.length).padStart(3, '0')}`
      written.set(source, [...list, line])
      return line
    }
    let writing = true
    const write = async (): Promise<void> => {
      for (let n = 0; n < MESSAGES; n++) {
        const i = n % ROUTES
        const room = rooms[i] as (typeof rooms)[number]
        const source = ['near', 'far', 'chat'][Math.floor(n / ROUTES) % 3] as 'near' | 'far' | 'chat'
        const text = note(`${source}${i}`)
        if (source === 'chat') telegram.control.post(room.chat, users.tess, { text })
        else discord.control.say({ channel: room[source], user: users.ann, content: text })
        await pause(25)
      }
      writing = false
    }
    const killing = async (): Promise<void> => {
      const rng = seededRng(7)
      for (let round = 0; round < KILLS; round++) {
        await pause(1000 + below(rng, 1500))
        await near.kill()
        await near.start()
      }
    }
    await Promise.all([write(), killing()])
    expect(writing).toBe(false)

    const seen = (): Record<string, { near: string[]; far: string[]; chat: string[] }> =>
      Object.fromEntries(
        rooms.map((r, i) => [
          i,
          {
            near: discord.control.visible({ channel: r.near }).map((m) => m.content),
            far: discord.control.visible({ channel: r.far }).map((m) => m.content),
            chat: telegram.control.visible(r.chat).map((m) => m.text),
          },
        ]),
      )
    const missing = (): number => {
      const chats = seen()
      let count = 0
      for (const [source, lines] of written) {
        for (const place of ['near', 'far', 'chat'] as const) {
          count += lines.length - new Set(linesOf(chats[source.at(-1) as string]?.[place] ?? [], source)).size
        }
      }
      return count
    }
    const deadline = Date.now() + SETTLE_MS
    while (missing() > 0 && Date.now() < deadline) await pause(250)
    // A second copy, if one is still under way, would show up now.
    await pause(3000)

    const chats = seen()
    let telegramRepeats = 0
    for (const [source, lines] of written) {
      for (const place of ['near', 'far', 'chat'] as const) {
        const { once, repeats } = dedupe(linesOf(chats[source.at(-1) as string]?.[place] ?? [], source))
        expect(once, `${source} as seen in ${place}\n${near.log}\n${far.log}`).toEqual(lines)
        if (place === 'chat') telegramRepeats += repeats
        else expect(repeats, `repeats of ${source} in ${place}`).toBe(0)
      }
    }
    // Telegram gives no way to find out whether a message arrived: a kill may repeat what each lane had in flight.
    expect(telegramRepeats).toBeLessThanOrEqual(KILLS * ROUTES)
    expect(discord.control.violations()).toEqual([])
  }, 420_000)
})
