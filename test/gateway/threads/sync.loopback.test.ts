import { afterEach, beforeEach, expect, test } from 'vitest'
import { nullLogger } from '../../../src/base/logger.ts'
import type { Bridge } from '../../../src/bridges/port.ts'
import { BridgeSet } from '../../../src/gateway/pipeline/bridge-set.ts'
import type { RouteDefinition } from '../../../src/gateway/pipeline/route-definition.ts'
import { ThreadSync } from '../../../src/gateway/threads/sync.ts'
import { type Harness, startHarness } from '../../bridges/discord/harness.ts'
import { MemorySink, newBridge } from '../../bridges/telegram/support.ts'
import { FakeTelegram } from '../../fakes/telegram/index.ts'

let discord: Harness
let telegram: FakeTelegram
let bridge: Bridge
let sync: ThreadSync
let pair: { thread: string; chat: number; topic: number; tess: number }

beforeEach(async () => {
  const bridges = new BridgeSet()
  const routes: RouteDefinition[] = []
  sync = new ThreadSync({ bridges, routes: () => routes, log: nullLogger, sleep: async () => {} })
  telegram = await new FakeTelegram({ seed: 1 }).start()
  const bot = telegram.control.addBot({ privacy: false })
  const tess = telegram.control.addUser({ firstName: 'Tess' })
  const chat = telegram.control.addChat({ title: 'Forum', forum: true, admins: [bot.id, tess] })
  const topic = telegram.control.createTopic(chat, tess, 'talk')
  discord = await startHarness()
  const { channel, guild } = discord.fake.info
  const thread = discord.fake.control.startThread({ channel, name: 'talk' }).id
  const member = { direction: 'both', identity: 'webhook' } as const
  routes.push({
    id: 'pair',
    members: [
      { ...member, place: { network: 'discord', account: 'main', space: guild, channel, thread } },
      { ...member, place: { network: 'telegram', account: 'main', channel: String(chat), thread: String(topic) } },
    ],
    bots: 'none',
    maxAge: 1000,
    p2pEdits: 'ignore',
    allowChain: false,
  })
  const here = await discord.restart({ sink: sync.sink(discord.sink) })
  await discord.bridge.stop()
  bridge = newBridge({ fake: telegram, token: bot.token }, sync.sink(new MemorySink()))
  await bridge.start?.(new AbortController().signal)
  bridges.add(here)
  bridges.add(bridge)
  pair = { thread, chat, topic, tess }
})
afterEach(async () => {
  await sync.stop()
  await bridge.stop?.()
  await discord.stop()
  await telegram.stop()
})

const topicNow = () => telegram.world.chats.get(pair.chat)?.topics.get(pair.topic)
const patches = () => discord.fake.control.requests({ method: 'PATCH', path: `/channels/${pair.thread}` }).map((r) => r.body)

test('names and states of a paired thread and topic are kept in step, without an end in circles', async () => {
  discord.fake.control.changeThread({ thread: pair.thread, name: 'better talk' })
  await expect.poll(() => topicNow()?.name).toBe('better talk')
  telegram.control.setTopic(pair.chat, pair.tess, pair.topic, 'close')
  await expect.poll(patches).toContainEqual({ archived: true })
  telegram.control.setTopic(pair.chat, pair.tess, pair.topic, { rename: 'best talk' })
  await expect.poll(patches).toContainEqual({ name: 'best talk' })
  telegram.control.setTopic(pair.chat, pair.tess, pair.topic, 'reopen')
  await expect.poll(patches).toContainEqual({ archived: false })
  expect(patches().length).toBeLessThanOrEqual(6)
})
