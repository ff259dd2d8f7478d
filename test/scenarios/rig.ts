import { mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect } from 'vitest'
import { nullLogger } from '../../src/base/logger.ts'
import { createKeyFile, identityOfSeed } from '../../src/core/index.ts'
import { startGateway } from '../../src/gateway/compose.ts'
import { configSchema } from '../../src/gateway/config/schema.ts'
import type { Gateway } from '../../src/gateway/gateway.ts'
import { createLogger } from '../../src/gateway/observe/logger.ts'
import { FakeDiscord, type FakeDiscordOptions } from '../fakes/discord/server.ts'
import { FakeTelegram, type FakeTelegramOptions } from '../fakes/telegram/server.ts'
import { ShiftedClock } from '../gateway/pipeline/rig.ts'
import { embeddedDir } from '../support/embedded.ts'
import { startTestNode, type TestNode } from '../support/k2-nodes.ts'

/** All lines must have arrived within this; a bound for hanging, not a measure of speed. */
const SETTLE_MS = 150_000
const LOOK_MS = 50

export type Side = 'discord' | 'telegram' | 'p2p'

/** One route: a Discord channel, a Telegram group and, where a peer takes part, a K2 topic. */
export interface Room {
  readonly channel: string
  readonly chat: number
  readonly topic: string | undefined
}

export interface SceneOptions {
  readonly rooms: number
  /** A K2 node beside the gateway, that speaks and listens in a topic per room. */
  readonly peer?: boolean
  readonly discord?: FakeDiscordOptions
  readonly telegram?: FakeTelegramOptions
  /** Whether the gateway predicts Telegram's limits; default: there are none. */
  readonly telegramLimits?: 'default' | 'off'
  /** More of the gateway's configuration. */
  readonly config?: object
}

/** What a person sees of one message that crossed. */
interface Seen {
  readonly line: string
  readonly author: string
  readonly text: string
}

/** A gateway in this process between a fake Discord, a fake Telegram and, if wanted, a K2 peer; people write numbered lines. */
export class Scene {
  readonly discord: FakeDiscord
  readonly telegram: FakeTelegram
  readonly peer: TestNode | undefined
  readonly rooms: readonly Room[]
  /** The time of day of all three; timers are real. */
  readonly clock: ShiftedClock
  readonly #dataDir: string
  readonly #config: object
  readonly #tess: number
  readonly #written = new Map<string, { room: Room; side: Side; lines: string[] }>()
  #gateway: Gateway | undefined

  private constructor(parts: {
    discord: FakeDiscord
    telegram: FakeTelegram
    peer: TestNode | undefined
    rooms: readonly Room[]
    clock: ShiftedClock
    dataDir: string
    config: object
    tess: number
  }) {
    this.discord = parts.discord
    this.telegram = parts.telegram
    this.peer = parts.peer
    this.rooms = parts.rooms
    this.clock = parts.clock
    this.#dataDir = parts.dataDir
    this.#config = parts.config
    this.#tess = parts.tess
  }

  static async open(options: SceneOptions): Promise<Scene> {
    const clock = new ShiftedClock()
    const dataDir = await mkdtemp(join(tmpdir(), 'k2gw-scenario-'))
    // A cluster that is there already: making one costs seconds.
    const database = await embeddedDir()
    await rename(database.dir, join(dataDir, 'database'))
    await database.remove()
    const discord = await FakeDiscord.start({ identifyIntervalMs: 0, clock, ...options.discord })
    const telegram = await new FakeTelegram({ seed: 1, now: clock.now, ...options.telegram }).start()
    const bot = telegram.control.addBot({ privacy: false })
    const tess = telegram.control.addUser({ firstName: 'Tess' })
    const { guild } = discord.info
    const rooms = Array.from({ length: options.rooms }, (_, i): Room => {
      return {
        channel: discord.control.addChannel({ guild, name: `room-${i}` }).id,
        chat: telegram.control.addChat({ title: `Room ${i}`, members: [bot.id, tess] }),
        topic: options.peer ? `Room ${i}` : undefined,
      }
    })
    const topics = rooms.flatMap((r) => r.topic ?? [])
    // Known to each other, so that their pace is no stranger's.
    const key = identityOfSeed(new Uint8Array(32).fill(21))
    await createKeyFile(join(dataDir, 'identity.json'), key)
    const peer = options.peer ? await startTestNode({ topics, peers: [key.id] }) : undefined
    const config = {
      dataDir,
      instance: 'scenario',
      http: { port: 0 },
      node: { mode: 'loopback', topics, peers: peer ? [peer.ticket] : [] },
      web: { enabled: false },
      market: { enabled: false },
      // One person writes hundreds of lines at once here; pacing has a scenario of its own.
      limits: { authorRate: 'off' },
      accounts: {
        discord: { main: { token: discord.info.token, apiUrl: discord.info.apiUrl } },
        telegram: { main: { token: bot.token, apiUrl: telegram.url, limits: options.telegramLimits ?? 'off' } },
      },
      routes: rooms.map((room, i) => ({
        id: `room-${i}`,
        members: [
          { place: `discord/main/${guild}/${room.channel}` },
          { place: `telegram/main/${room.chat}` },
          ...(room.topic === undefined ? [] : [{ place: `p2p/self/${room.topic}` }]),
        ],
      })),
      ...options.config,
    }
    const scene = new Scene({ discord, telegram, peer, rooms, clock, dataDir, config, tess })
    try {
      await scene.start()
    } catch (error) {
      await scene.close()
      throw error
    }
    return scene
  }

  get gateway(): Gateway {
    if (this.#gateway === undefined) throw new Error('the gateway is not running')
    return this.#gateway
  }

  /** Resolves when the gateway listens on all sides. */
  async start(): Promise<void> {
    const log = process.env.K2_TEST_LOG ? createLogger({ level: 'debug', pretty: 'never', instance: 'test' }) : nullLogger
    const { signal } = new AbortController()
    this.#gateway = await startGateway({ config: configSchema.parse(this.#config), log, clock: this.clock }, signal)
    await this.discord.control.waitForSession({ timeoutMs: SETTLE_MS })
    const { peer } = this
    for (const { topic } of this.rooms) if (peer && topic !== undefined) await peer.neighbor(topic, this.#gateway.node.id)
  }

  async stop(): Promise<void> {
    const gateway = this.#gateway
    this.#gateway = undefined
    await gateway?.stop()
  }

  /** A person on this side writes the next line in the room. */
  async write(room: Room, side: Side): Promise<string> {
    const key = `${side}-${this.rooms.indexOf(room)}`
    const source = this.#written.get(key) ?? { room, side, lines: [] }
    this.#written.set(key, source)
    const line = `${key}-${String(source.lines.length).padStart(4, '0')}`
    source.lines.push(line)
    if (side === 'discord') this.discord.control.say({ channel: room.channel, user: this.discord.info.user, content: line })
    else if (side === 'telegram') this.telegram.control.post(room.chat, this.#tess, line)
    else await this.peer?.node.sendText(room.topic as string, { text: line, senderName: 'Pia', key: line })
    return line
  }

  /** `count` lines by turns on the given sides of all rooms, `everyMs` apart. */
  async writeMany(count: number, sides: readonly Side[], everyMs = 0): Promise<void> {
    for (let n = 0; n < count; n++) {
      const room = this.rooms[n % this.rooms.length] as Room
      await this.write(room, sides[Math.floor(n / this.rooms.length) % sides.length] as Side)
      if (everyMs > 0) await pause(everyMs)
    }
  }

  /** What was written on a side of a room so far. */
  written(side: Side, room: number): readonly string[] {
    return this.#written.get(`${side}-${room}`)?.lines ?? []
  }

  /** Lines from elsewhere as a person on this side reads them, in order. */
  seen(room: Room, side: Side): readonly Seen[] {
    if (side === 'discord') {
      const messages = this.discord.control.visible({ channel: room.channel }).filter((m) => m.isBot)
      return messages.flatMap((m) => linesIn(m.content).map((line) => ({ line, author: m.author, text: m.content })))
    }
    if (side === 'telegram') {
      const messages = this.telegram.control.visible(room.chat).filter((m) => m.from !== 'Tess')
      return messages.flatMap((m) =>
        linesIn(m.text).map((line) => ({ line, author: m.text.split(':')[0] as string, text: m.text })),
      )
    }
    const chats = this.peer?.chats().filter((c) => c.topic.name === room.topic && c.senderName !== 'Pia') ?? []
    return chats.flatMap((c) => linesIn(c.text).map((line) => ({ line, author: c.senderName ?? '', text: c.text })))
  }

  #sides(room: Room): readonly Side[] {
    return room.topic === undefined ? ['discord', 'telegram'] : ['discord', 'telegram', 'p2p']
  }

  /** Resolves when every line written so far can be seen everywhere it belongs. */
  async arrived(): Promise<void> {
    const missing = (): string[] =>
      [...this.#written.values()].flatMap(({ room, side, lines }) =>
        this.#sides(room).flatMap((other) => {
          if (other === side) return []
          const there = new Set(this.seen(room, other).map((s) => s.line))
          return lines.filter((line) => !there.has(line)).map((line) => `${line} in ${other}`)
        }),
      )
    const deadline = performance.now() + SETTLE_MS
    while (missing().length > 0 && performance.now() < deadline) await pause(LOOK_MS)
    expect(missing().slice(0, 10)).toEqual([])
  }

  /**
   * Exact in the sense of bridging 22: the same texts by the same authors in the order of their source, none missing, none
   * twice. `repeats` are allowed on Telegram; answers how many there were.
   */
  async exact(options: { readonly telegramRepeats?: number } = {}): Promise<number> {
    await this.arrived()
    let repeats = 0
    for (const [key, { room, side, lines }] of this.#written) {
      for (const other of this.#sides(room)) {
        if (other === side) continue
        const seen = this.seen(room, other).filter((s) => s.line.startsWith(`${key}-`))
        const once = [...new Set(seen.map((s) => s.line))]
        expect(once, `${key} as seen on ${other}`).toEqual(lines)
        expect(
          seen.filter((s) => !s.author.startsWith(NAMES[side]) && !s.text.includes(NAMES[side])),
          `authors of ${key} on ${other}`,
        ).toEqual([])
        if (other === 'telegram') repeats += seen.length - once.length
        else expect(seen.length - once.length, `repeats of ${key} on ${other}`).toBe(0)
      }
    }
    expect(repeats).toBeLessThanOrEqual(options.telegramRepeats ?? 0)
    expect(this.discord.control.violations()).toEqual([])
    expect(this.telegram.remarks).toEqual([])
    return repeats
  }

  async close(): Promise<void> {
    await this.stop()
    await this.peer?.stop()
    await Promise.all([this.discord.close(), this.telegram.stop()])
    await rm(this.#dataDir, { recursive: true, force: true })
  }
}

const NAMES: Readonly<Record<Side, string>> = { discord: 'Ann', telegram: 'Tess', p2p: 'Pia' }

const linesIn = (text: string): readonly string[] => text.match(/\b(?:discord|telegram|p2p)-\d+-\d{4}\b/g) ?? []
