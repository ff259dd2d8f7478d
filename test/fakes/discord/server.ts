import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Clock, systemClock } from '../../../src/base/clock.ts'
import { FaultPlan } from '../faults.ts'
import { serveFile } from './cdn.ts'
import { FakeControl } from './control.ts'
import { ApiFailure } from './errors.ts'
import { FakeGateway } from './gateway.ts'
import { FakeRest, readBody } from './http.ts'
import { Interactions } from './interactions.ts'
import { type LimitProfile, RateLimits } from './limits.ts'
import { Violations } from './violations.ts'
import { World } from './world.ts'

export interface FakeDiscordOptions {
  /** REST port on 127.0.0.1; 0 = any. */
  readonly port?: number
  readonly seed?: number
  readonly clock?: Clock
  readonly profile?: LimitProfile
  readonly heartbeatMs?: number
  readonly identifyIntervalMs?: number
  /** Connections bots need; default 1. */
  readonly shards?: number
}

/** Where to connect and what is there at the start. */
export interface FakeDiscordInfo {
  /** For `rest.api` and `accounts.discord.<name>.apiUrl`: the address without `/v10`. */
  readonly apiUrl: string
  readonly controlUrl: string
  readonly bot: string
  readonly token: string
  readonly guild: string
  readonly channel: string
  /** A person in the guild. */
  readonly user: string
}

/** A small Discord on loopback: REST v10, gateway v10, attachments, and a control interface (bridging 21). */
export class FakeDiscord {
  readonly info: FakeDiscordInfo
  readonly control: FakeControl
  readonly #server: Server
  readonly #gateway: FakeGateway

  private constructor(server: Server, gateway: FakeGateway, control: FakeControl, info: FakeDiscordInfo) {
    this.#server = server
    this.#gateway = gateway
    this.control = control
    this.info = info
  }

  static async start(options: FakeDiscordOptions = {}): Promise<FakeDiscord> {
    const clock = options.clock ?? systemClock
    const seed = options.seed ?? 1
    const world = new World(clock, seed)
    const violations = new Violations()
    const faults = new FaultPlan(seed, () => clock.now())
    const limits = new RateLimits(options.profile ?? 'unlimited', clock, violations)
    const gateway = new FakeGateway(world, violations, faults, {
      heartbeatMs: options.heartbeatMs ?? 41_250,
      identifyIntervalMs: options.identifyIntervalMs ?? 4_900,
      shards: options.shards ?? 1,
    })
    const server = createServer()
    server.keepAliveTimeout = 60_000
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(options.port ?? 0, '127.0.0.1', resolve)
    })
    await gateway.listener.listen()
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const site = { world, gateway, violations, interactions: new Interactions(), cdn: `${base}/cdn` }
    const rest = new FakeRest(site, limits, faults)
    const control = new FakeControl({ site, rest, gateway, limits, faults })
    const guild = control.addGuild({ name: 'K2 test' }).id
    const channel = control.addChannel({ guild, name: 'general' }).id
    const bot = control.addBot({ name: 'k2-bridge', guilds: [guild] })
    const user = control.addUser({ name: 'ann', globalName: 'Ann', guild }).id
    server.on('request', (request, response) => {
      answer(world, faults, rest, control, request, response).catch((error) => {
        if (!response.headersSent) response.writeHead(500, { 'content-type': 'application/json' })
        response.end(JSON.stringify({ message: String(error), code: 0 }))
      })
    })
    return new FakeDiscord(server, gateway, control, {
      apiUrl: `${base}/api`,
      controlUrl: `${base}/__fake`,
      bot: bot.id,
      token: bot.token,
      guild,
      channel,
      user,
    })
  }

  async close(): Promise<void> {
    await this.#gateway.close()
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await closed
  }
}

async function answer(
  world: World,
  faults: FaultPlan,
  rest: FakeRest,
  control: FakeControl,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = request.url ?? '/'
  if (path.startsWith('/__fake')) return serveControl(control, path, request, response)
  if (path.startsWith('/cdn/')) return serveFile(world, faults, path, response)
  await rest.handle(request, response)
}

/** `POST /__fake/<method>` with one JSON object; `GET /__fake` lists the methods. */
async function serveControl(
  control: FakeControl,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const name = path.slice('/__fake'.length).replace(/^\//, '')
  const send = (status: number, body: unknown): void => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body ?? null))
  }
  const body = await readBody(request)
  if (name === '') return send(200, { methods: CONTROL_METHODS })
  if (!CONTROL_METHODS.includes(name)) return send(404, { error: `no such method: ${name}`, methods: CONTROL_METHODS })
  try {
    const input: unknown = body === undefined || body.length === 0 ? {} : JSON.parse(body.toString('utf8'))
    const method = (control as unknown as Record<string, (input: unknown) => unknown>)[name] as (input: unknown) => unknown
    send(200, await method.call(control, input))
  } catch (error) {
    send(400, { error: error instanceof ApiFailure ? error.body : error instanceof Error ? error.message : String(error) })
  }
}

function prototypesOf(start: object): object[] {
  const found: object[] = []
  for (let at = start; at !== Object.prototype; at = Object.getPrototypeOf(at) as object) found.push(at)
  return found
}

const CONTROL_METHODS: readonly string[] = prototypesOf(FakeControl.prototype)
  .flatMap((prototype) => Object.getOwnPropertyNames(prototype))
  .filter((name) => name !== 'constructor')
  .sort()
