import { mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { nullLogger } from '../../src/base/logger.ts'
import type { InboundChat } from '../../src/core/index.ts'
import { createKeyFile, identityOfSeed } from '../../src/core/index.ts'
import { hostedIdentity } from '../../src/core/keys/hosted-identities.ts'
import { startGateway } from '../../src/gateway/compose.ts'
import { configSchema } from '../../src/gateway/config/schema.ts'
import type { Gateway } from '../../src/gateway/gateway.ts'
import { FakeDiscord } from '../fakes/discord/server.ts'
import { embeddedDir } from '../support/embedded.ts'
import { until } from './stage.ts'

const TOPIC = 'Goods'
const KEYS = [51, 52].map((byte) => identityOfSeed(new Uint8Array(32).fill(byte)))

/** Two gateways, each with a Discord channel, on one topic; the people of the first have ids of their own. */
describe('k2-application 2.7: people with ids of their own', () => {
  const gateways: Gateway[] = []
  const folders: string[] = []
  const channels: string[] = []
  const heard: InboundChat[] = []
  let discord: FakeDiscord

  beforeAll(async () => {
    discord = await FakeDiscord.start({ identifyIntervalMs: 0 })
    const { guild } = discord.info
    for (const [n, key] of KEYS.entries()) {
      const dataDir = await mkdtemp(join(tmpdir(), 'k2gw-hosted-'))
      folders.push(dataDir)
      const database = await embeddedDir()
      await rename(database.dir, join(dataDir, 'database'))
      await database.remove()
      await createKeyFile(join(dataDir, 'identity.json'), key)
      const channel = discord.control.addChannel({ guild, name: `hosted-${n}` }).id
      channels.push(channel)
      const bot = n === 0 ? discord.info : discord.control.addBot({ name: `gateway ${n}`, guilds: [guild], privileged: true })
      const config = configSchema.parse({
        dataDir,
        http: { port: 0 },
        node: {
          mode: 'loopback',
          topics: [TOPIC],
          peers: gateways.map((g) => g.node.ticket()),
          identities: n === 0 ? 'hosted' : 'single',
        },
        web: { enabled: false },
        market: { enabled: false },
        accounts: { discord: { main: { token: bot.token, apiUrl: discord.info.apiUrl } } },
        routes: [{ id: 'r', members: [{ place: `discord/main/${guild}/${channel}` }, { place: `p2p/self/${TOPIC}` }] }],
      })
      gateways.push(await startGateway({ config, log: nullLogger }, new AbortController().signal))
    }
    const [a, b] = gateways as [Gateway, Gateway]
    const listen = async (): Promise<void> => {
      for await (const event of b.node.subscribe({ capacity: 100, overflow: 'drop' }))
        if (event.type === 'message' && event.message.type === 'chat') heard.push(event.message)
    }
    void listen()
    await until(() => a.node.topics().some((t) => t.neighbors.includes(b.node.id)))
    await until(() => b.node.topics().some((t) => t.neighbors.includes(a.node.id)))
    await until(() => gateways.every((g) => g.pipeline.health().status === 'ok'))
  }, 300_000)
  afterAll(async () => {
    await Promise.all(gateways.map((g) => g.stop()))
    await discord?.close()
    for (const folder of folders) await rm(folder, { recursive: true, force: true })
  })

  it('the other gateway sees them as different senders, hosted, and shows under whom', { timeout: 120_000 }, async () => {
    const { guild, user: ann } = discord.info
    const ben = discord.control.addUser({ guild, name: 'ben' }).id
    const [from, to] = channels as [string, string]
    discord.control.say({ channel: from, user: ann, content: 'Ann one' })
    discord.control.say({ channel: from, user: ben, content: 'Ben one' })
    discord.control.say({ channel: from, user: ann, content: 'Ann two' })
    await until(() => ['Ann one', 'Ben one', 'Ann two'].every((text) => visible(to).some((m) => m.content === text)))
    const idOf = (user: string): string => hostedIdentity(KEYS[0]!, `discord:${user}`).id
    expect(heard.map(({ text, senderId, senderClass, hostId }) => [text, senderId, senderClass, hostId])).toEqual([
      ['Ann one', idOf(ann), 'hosted', KEYS[0]?.id],
      ['Ben one', idOf(ben), 'hosted', KEYS[0]?.id],
      ['Ann two', idOf(ann), 'hosted', KEYS[0]?.id],
    ])
    const shown = visible(to).find((m) => m.content === 'Ben one')
    expect(shown?.author).toContain(`(${idOf(ben).slice(0, 8)} via ${KEYS[0]?.id.slice(0, 8)})`)

    // The other way everybody speaks under the gateway's id, and nothing comes back.
    discord.control.say({ channel: to, user: ann, content: 'Ann in the other place' })
    await until(() => visible(from).some((m) => m.content === 'Ann in the other place'))
    expect(visible(from).map((m) => m.content)).toEqual(['Ann one', 'Ben one', 'Ann two', 'Ann in the other place'])
  })

  const visible = (channel: string) => discord.control.visible({ channel })
})
