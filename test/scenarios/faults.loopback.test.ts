import { afterEach, describe, expect, it } from 'vitest'
import type { TelegramBridge } from '../../src/bridges/telegram/index.ts'
import { Scene, type SceneOptions } from './rig.ts'

let scene: Scene
afterEach(() => scene?.close())

const open = async (options: SceneOptions): Promise<Scene> => {
  scene = await Scene.open(options)
  return scene
}

const LIMIT = { timeout: 240_000 }
const ALL = ['discord', 'telegram', 'p2p'] as const

describe('bridging 22.E: an answer lost on every tenth send', () => {
  it('is exact on Discord and K2, and counted on Telegram', LIMIT, async () => {
    const { discord, telegram, gateway } = await open({ rooms: 3, peer: true })
    // The webhooks are made before, as in a gateway that has run for a while.
    await scene.writeMany(9, ALL)
    await scene.arrived()
    discord.control.fault({ method: 'POST', route: 'webhooks', every: 10, effect: { kind: 'response-lost' } })
    telegram.control.addFault({ method: 'sendMessage', every: 10, effect: { kind: 'response-lost' } })
    await scene.writeMany(108, ALL)
    const lost = (): number => telegram.control.faultCounts()['response-lost'] ?? 0
    await scene.exact({ telegramRepeats: Number.POSITIVE_INFINITY })
    expect(discord.control.faultCounts()['response-lost']).toBeGreaterThanOrEqual(6)
    expect(lost()).toBeGreaterThanOrEqual(6)
    // Every lost answer is a message seen once more, none goes unnoticed, nothing else is repeated. A line whose answer was
    // lost is there before it is sent again, so the last repeat may be still to come.
    const bridge = gateway.bridges.find((b) => b.network === 'telegram') as TelegramBridge
    const unexplained = async (): Promise<number[]> => {
      const repeats = await scene.exact({ telegramRepeats: Number.POSITIVE_INFINITY })
      return [repeats - lost(), bridge.stats().ambiguousResent - lost()]
    }
    await expect.poll(unexplained, { timeout: 60_000, interval: 200 }).toEqual([0, 0])
  })
})

describe('bridging 22.H: events doubled, swapped, delayed and delivered again', () => {
  it('is exact', LIMIT, async () => {
    const { discord, telegram, peer } = await open({ rooms: 3, peer: true })
    const bot = [...telegram.world.bots.keys()][0] as number
    await scene.writeMany(9, ALL)
    await scene.arrived()
    const event = { on: 'event', route: 'MESSAGE_CREATE' } as const
    discord.control.fault({ ...event, every: 3, effect: { kind: 'duplicate-event' } })
    discord.control.fault({ ...event, every: 7, effect: { kind: 'reorder-event' } })
    discord.control.fault({ ...event, every: 5, effect: { kind: 'delay-event', ms: 20 } })
    telegram.control.addFault({ on: 'event', route: 'message', every: 4, effect: { kind: 'duplicate-event' } })
    telegram.control.shuffle(bot, true)
    for (let round = 0; round < 6; round++) {
      await scene.writeMany(27, ALL)
      // What was confirmed long ago comes again, and a neighbour says again what it has said.
      telegram.control.redeliver(bot, 50)
      for (const line of scene.written('p2p', 0).slice(-3)) {
        await peer?.node.sendText('Room 0', { text: line, senderName: 'Pia', key: line })
      }
    }
    // The last event may still be held by its fault: the next one frees it.
    discord.control.clearFaults()
    await scene.writeMany(9, ALL)
    await scene.exact()
    const counts = { ...discord.control.faultCounts(), telegram: telegram.control.faultCounts()['duplicate-event'] ?? 0 }
    for (const kind of ['duplicate-event', 'reorder-event', 'delay-event', 'telegram']) {
      expect(counts[kind as keyof typeof counts], kind).toBeGreaterThanOrEqual(5)
    }
  })
})
