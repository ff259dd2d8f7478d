import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { nullLogger } from '../../src/base/logger.ts'
import { createKeyFile, identityOfSeed } from '../../src/core/index.ts'
import { startGateway } from '../../src/gateway/compose.ts'
import { configSchema } from '../../src/gateway/config/schema.ts'
import type { Gateway } from '../../src/gateway/gateway.ts'
import { createLogger } from '../../src/gateway/observe/logger.ts'
import { FakeDiscord } from '../fakes/discord/server.ts'
import { embeddedDir } from '../support/embedded.ts'
import { startTestNode, type TestNode } from '../support/k2-nodes.ts'
import { until } from './stage.ts'

const LINES = 20
const SIZE = 3

/**
 * Scenario K of bridging 22, third part: three gateways with databases of their own, each between two of three topics and one
 * Discord channel, so that every message can go round in both directions. Nothing tells a gateway that it is part of a ring.
 */
describe('bridging 22.K: a ring of three bridges over K2 topics', () => {
  const topics = Array.from({ length: SIZE }, (_, n) => `Ring ${n}`)
  const gateways: Gateway[] = []
  const folders: string[] = []
  const channels: string[] = []
  let discord: FakeDiscord
  let peer: TestNode

  beforeAll(async () => {
    discord = await FakeDiscord.start({ identifyIntervalMs: 0 })
    const { guild } = discord.info
    const keys = topics.map((_, n) => identityOfSeed(new Uint8Array(32).fill(40 + n)))
    peer = await startTestNode({ topics, peers: keys.map((key) => key.id) })
    const log = process.env.K2_TEST_LOG ? createLogger({ level: 'debug', pretty: 'never', instance: 'ring' }) : nullLogger
    const tickets = [peer.ticket]
    for (const [n, key] of keys.entries()) {
      const dataDir = await mkdtemp(join(tmpdir(), 'k2gw-ring-'))
      folders.push(dataDir)
      const database = await embeddedDir()
      await mkdir(dataDir, { recursive: true })
      await rename(database.dir, join(dataDir, 'database'))
      await database.remove()
      await createKeyFile(join(dataDir, 'identity.json'), key)
      const channel = discord.control.addChannel({ guild, name: `ring-${n}` }).id
      channels.push(channel)
      const bot = n === 0 ? discord.info : discord.control.addBot({ name: `ring ${n}`, guilds: [guild], privileged: true })
      const own = [topics[n] as string, topics[(n + 1) % SIZE] as string]
      const config = configSchema.parse({
        dataDir,
        http: { port: 0 },
        node: { mode: 'loopback', topics: own, peers: tickets },
        web: { enabled: false },
        // One person writes faster than people do.
        limits: { authorRate: 'off' },
        market: { enabled: false },
        accounts: { discord: { main: { token: bot.token, apiUrl: discord.info.apiUrl } } },
        routes: [
          {
            id: 'ring',
            members: [{ place: `discord/main/${guild}/${channel}` }, ...own.map((topic) => ({ place: `p2p/self/${topic}` }))],
          },
        ],
      })
      const gateway = await startGateway({ config, log }, new AbortController().signal)
      gateways.push(gateway)
      tickets.push(gateway.node.ticket())
      for (const topic of own) await peer.neighbor(topic, gateway.node.id)
    }
    await until(() => gateways.every((g) => g.pipeline.health().status === 'ok'))
  }, 300_000)
  afterAll(async () => {
    await Promise.all(gateways.map((g) => g.stop()))
    await Promise.all([peer?.stop(), discord?.close()])
    for (const folder of folders) await rm(folder, { recursive: true, force: true })
  })

  /** How often a text is read in each channel and on each topic, whoever wrote it. */
  const counts = (text: string): number[] => [
    ...channels.map((channel) => discord.control.visible({ channel }).filter((m) => m.content === text).length),
    ...topics.map((name) => peer.chats().filter((c) => c.topic.name === name && c.text === text).length),
  ]
  const idle = async (): Promise<boolean> => {
    const lanes = await Promise.all(gateways.map((g) => g.pipeline.admin.lanes()))
    return lanes.flat().every((lane) => lane.depth === 0)
  }

  let tries = 0

  it('each message of a person appears once in each channel and on each topic', { timeout: 240_000 }, async () => {
    // A second try counts its own messages.
    const mark = ++tries
    // Everybody speaks once on both of their topics, so that the gateways know of each other: until then they cannot take turns.
    for (const [n, channel] of channels.entries())
      discord.control.say({ channel, user: discord.info.user, content: `hello from ${n}, ${mark}` })
    await until(() => channels.every((_, n) => counts(`hello from ${n}, ${mark}`).every((count) => count >= 1)))
    // A node does not hear itself: where the peer spoke it must hear nothing.
    const wanted = ({ topic }: { topic?: number }): number[] => [1, 1, 1, ...topics.map((_, n) => (n === topic ? 0 : 1))]
    const written: { text: string; topic?: number }[] = []
    for (let n = 0; n < LINES; n++) {
      const topic = n % SIZE
      const text = `said by a peer ${n}, ${mark}`
      written.push({ text, topic })
      await peer.node.sendText(topics[topic] as string, { text, senderName: 'Pia', key: text })
      const onDiscord = `said by a person on Discord ${n}, ${mark}`
      written.push({ text: onDiscord })
      discord.control.say({ channel: channels[topic] as string, user: discord.info.user, content: onDiscord })
    }
    await until(() => written.every((one) => counts(one.text).every((count, i) => count >= (wanted(one)[i] as number))))
    // What would come once more has been decided upon when nothing waits any longer.
    await until(idle)
    expect(
      written.filter((one) => counts(one.text).join() !== wanted(one).join()).map((one) => [one.text, counts(one.text)]),
    ).toEqual([])
    const repeats = gateways.reduce(
      (sum, g) => sum + g.pipeline.counters.total('bridge_filtered_total', { rule: 'loop:repeat' }),
      0,
    )
    expect(repeats).toBeGreaterThan(0)
    expect(discord.control.violations()).toEqual([])
  })
})
