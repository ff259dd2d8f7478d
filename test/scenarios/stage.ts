import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { vi } from 'vitest'
import { type Clock, systemClock } from '../../src/base/clock.ts'
import { type Logger, nullLogger } from '../../src/base/logger.ts'
import { readControlFile } from '../../src/gateway/cli/control-file.ts'
import { startGateway } from '../../src/gateway/compose.ts'
import { parseConfig } from '../../src/gateway/config/load.ts'
import { checkRoutes } from '../../src/gateway/config/routes.ts'
import type { Config } from '../../src/gateway/config/schema.ts'
import type { Gateway } from '../../src/gateway/gateway.ts'
import { createLogger } from '../../src/gateway/observe/logger.ts'
import { FakeDiscord, type FakeDiscordOptions } from '../fakes/discord/server.ts'
import { FakeTelegram } from '../fakes/telegram/server.ts'
import { embeddedDir } from '../support/embedded.ts'

/** A bound for hanging, not a measure of speed. */
export const PATIENCE = { timeout: 90_000, interval: 50 }

export interface StageOptions {
  /** Options beside `dataDir` and the accounts; `accounts` are those of the fakes. */
  readonly config: (stage: StageBase) => object
  readonly discord?: FakeDiscordOptions
  readonly clock?: Clock
  readonly log?: Logger
}

/** The fakes before the gateway starts. */
export interface StageBase {
  readonly discord: FakeDiscord
  readonly telegram: FakeTelegram
  /** The gateway's Telegram bot. */
  readonly bot: { readonly id: number; readonly token: string }
  /** A person on Telegram. */
  readonly tess: number
  readonly accounts: {
    readonly discord: Record<string, { token: string; apiUrl: string }>
    readonly telegram: Record<string, { token: string; apiUrl: string; limits: string }>
  }
}

/** A gateway in this process with a configuration file, between a fake Discord and a fake Telegram. */
export class Stage implements StageBase {
  readonly discord: FakeDiscord
  readonly telegram: FakeTelegram
  readonly bot: StageBase['bot']
  readonly tess: number
  readonly accounts: StageBase['accounts']
  readonly folder: string
  readonly file: string
  readonly #options: StageOptions
  #gateway: Gateway | undefined

  private constructor(parts: StageBase & { readonly folder: string }, options: StageOptions) {
    this.discord = parts.discord
    this.telegram = parts.telegram
    this.bot = parts.bot
    this.tess = parts.tess
    this.accounts = parts.accounts
    this.folder = parts.folder
    this.file = join(parts.folder, 'k2gw.yaml')
    this.#options = options
  }

  static async open(options: StageOptions): Promise<Stage> {
    const folder = await mkdtemp(join(tmpdir(), 'k2gw-stage-'))
    // A cluster that is there already: making one costs seconds.
    const database = await embeddedDir()
    await mkdir(join(folder, 'data'))
    await rename(database.dir, join(folder, 'data', 'database'))
    await database.remove()
    const discord = await FakeDiscord.start({ identifyIntervalMs: 0, ...options.discord })
    const telegram = await new FakeTelegram({ seed: 1 }).start()
    const bot = telegram.control.addBot({ privacy: false })
    const tess = telegram.control.addUser({ firstName: 'Tess' })
    const accounts: StageBase['accounts'] = {
      discord: { main: { token: discord.info.token, apiUrl: discord.info.apiUrl } },
      telegram: { main: { token: bot.token, apiUrl: telegram.url, limits: 'off' } },
    }
    const stage = new Stage({ discord, telegram, bot, tess, accounts, folder }, options)
    try {
      await stage.configure(options.config(stage))
      await stage.start()
    } catch (error) {
      await stage.close()
      throw error
    }
    return stage
  }

  get gateway(): Gateway {
    if (this.#gateway === undefined) throw new Error('the gateway is not running')
    return this.#gateway
  }

  /** Writes the configuration file, in one step as editors do. */
  async configure(config: object): Promise<void> {
    const full = {
      dataDir: join(this.folder, 'data'),
      instance: 'stage',
      http: { port: 0 },
      node: { mode: 'loopback', topics: ['Goods'] },
      web: { enabled: false },
      market: { enabled: false },
      // One person writes hundreds of lines at once in some; pacing has a scenario of its own.
      limits: { authorRate: 'off' },
      accounts: this.accounts,
      ...config,
    }
    await this.write(JSON.stringify(full, null, 1))
  }

  async write(text: string): Promise<void> {
    await writeFile(`${this.file}.new`, text)
    await rename(`${this.file}.new`, this.file)
  }

  readonly read = (): Config => {
    return parseConfig(readFileSync(this.file, 'utf8'), { file: this.file, env: {}, check: checkRoutes })
  }

  async start(): Promise<void> {
    const { clock = systemClock, log } = this.#options
    const shown = process.env.K2_TEST_LOG ? createLogger({ level: 'debug', pretty: 'never', instance: 'stage' }) : nullLogger
    const { signal } = new AbortController()
    const source = { file: this.file, read: this.read }
    this.#gateway = await startGateway({ config: this.read(), source, log: log ?? shown, clock }, signal)
    await this.discord.control.waitForSession({ timeoutMs: PATIENCE.timeout })
  }

  async stop(): Promise<void> {
    const gateway = this.#gateway
    this.#gateway = undefined
    await gateway?.stop()
  }

  async close(): Promise<void> {
    await this.stop()
    await Promise.all([this.discord.close(), this.telegram.stop()])
    await rm(this.folder, { recursive: true, force: true })
  }

  /** A call to `/api/v1` with the admin token. */
  async api<T = unknown>(method: string, path: string, body?: unknown): Promise<{ status: number; body: T }> {
    const answer = await this.fetch(`/api/v1${path}`, method, body)
    return { status: answer.status, body: (await answer.json()) as T }
  }

  async fetch(path: string, method = 'GET', body?: unknown): Promise<Response> {
    const file = await readControlFile(join(this.folder, 'data'))
    if (file === undefined) throw new Error('no control file')
    return fetch(`${file.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${file.token.reveal()}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
  }

  /** Sum of a metric over the label sets that contain `labels`. */
  metric(name: string, labels: Readonly<Record<string, string>> = {}): number {
    return this.gateway.pipeline.counters.total(name, labels)
  }

  /** Another room: a Discord channel and a Telegram group with the bot and Tess in it. */
  addRoom(name: string): { readonly channel: string; readonly chat: number } {
    const { guild } = this.discord.info
    const channel = this.discord.control.addChannel({ guild, name }).id
    return { channel, chat: this.telegram.control.addChat({ title: name, members: [this.bot.id, this.tess] }) }
  }

  /** Ann writes on Discord. */
  ann(channel: string, content: string): string {
    return this.discord.control.say({ channel, user: this.discord.info.user, content }).id
  }

  /** What a person reads in a Discord channel that came through the gateway. */
  onDiscord(channel: string): string[] {
    return this.discord.control
      .visible({ channel })
      .filter((m) => m.isBot)
      .map((m) => m.content)
  }

  /** What a person reads in a Telegram chat that the bot wrote, without the author line. */
  onTelegram(chat: number): string[] {
    return this.telegram.control
      .visible(chat)
      .filter((m) => m.from !== 'Tess')
      .map((m) => m.text)
  }
}

/** Waits for a condition. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  await vi.waitUntil(condition, PATIENCE)
}
