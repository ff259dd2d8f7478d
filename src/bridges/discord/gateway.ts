import type { Client, ClientOptions } from 'discord.js'
import { deferred, withDeadline } from '../../base/async.ts'
import type { Clock } from '../../base/clock.ts'
import { errorMessage } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { type Rng, unit } from '../../base/random.ts'
import type { Secret } from '../../base/secret.ts'
import { type GatewayEvent, SequenceBuffer } from './sequence.ts'
import { keepSessions } from './session-keeper.ts'

export type { GatewayEvent } from './sequence.ts'

type Library = typeof import('discord.js')

export type GatewayState =
  | { readonly kind: 'connecting'; readonly reason?: string }
  | { readonly kind: 'ready' }
  | { readonly kind: 'reconnecting' }
  /** Over for good until somebody changes something. */
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'stopped' }

export interface GatewayOptions {
  readonly library: Library
  readonly token: Secret
  readonly api?: string
  readonly intents: number
  readonly clock: Clock
  readonly rng: Rng
  readonly log: Logger
  readonly onEvent: (event: GatewayEvent) => void
  readonly onState: (state: GatewayState) => void
}

const FIRST_RETRY_MS = 1_000
const MAX_RETRY_MS = 60_000
/** A connection whose peer is gone cannot be closed politely. */
const CLOSE_MS = 2_000

export const BAD_TOKEN = 'Discord refuses the bot token: create a new one in the developer portal and put it into the config'

/** Close codes that no reconnect can mend, and what a person can do (bridging 4.2). */
const FATAL: Readonly<Record<number, string>> = {
  4004: BAD_TOKEN,
  4010: 'Discord refuses the shard of this connection',
  4011: 'the bot is in too many servers for one connection: sharding is required',
  4012: 'Discord no longer speaks this gateway version: update the gateway',
  4013: 'Discord refuses the requested intents',
  4014: 'the Message Content Intent is switched off: switch it on in the developer portal under Bot, Privileged Gateway Intents',
}

interface Packet {
  readonly t: string
  readonly d: unknown
  readonly s: number
}

/**
 * The gateway connection, by discord.js's Client: identify, heartbeat, resume and reconnect are its own. This class hands on
 * raw events in their order, and starts anew what the library gives up.
 */
export class DiscordGateway {
  readonly #options: GatewayOptions
  #client: Client | undefined
  #state: GatewayState = { kind: 'connecting' }
  #cancelRetry = (): void => {}
  #attempts = 0
  readonly #waiting = new Set<() => void>()
  /** Each shard counts its own events. */
  readonly #orders = new Map<number, SequenceBuffer>()
  /** Reconnects by how they ended (20). */
  readonly counters = { identified: 0, resumed: 0, disconnected: 0 }

  constructor(options: GatewayOptions) {
    this.#options = options
  }

  get state(): GatewayState {
    return this.#state
  }

  /** Connects; resolves when this attempt succeeded or failed. Later attempts happen by themselves. */
  async connect(): Promise<void> {
    if (this.#state.kind === 'stopped' || this.#state.kind === 'failed') return
    const client = this.#newClient()
    this.#client = client
    try {
      await client.login(this.#options.token.reveal())
    } catch (error) {
      this.#onLoginFailed(client, error)
    }
  }

  async stop(): Promise<void> {
    this.#cancelRetry()
    for (const order of this.#orders.values()) order.flush()
    this.#set({ kind: 'stopped' })
    const client = this.#client
    this.#client = undefined
    if (client === undefined) return
    silence(client)
    await withDeadline(client.destroy(), { ms: CLOSE_MS, what: 'closing the gateway connection' }).catch((error: unknown) =>
      this.#options.log.debug({ ev: 'discord-close', err: error }, 'the gateway connection did not close in time'),
    )
  }

  #set(state: GatewayState): void {
    if (this.#state.kind === 'stopped') return
    this.#state = state
    this.#options.onState(state)
    if (isSettled(state)) for (const resolve of this.#waiting) resolve()
  }

  #newClient(): Client {
    const { library, api, intents, log } = this.#options
    const { Events, Options } = library
    const options: ClientOptions = {
      intents,
      // As many connections as Discord asks for: one, below some thousand servers.
      shards: 'auto',
      // The link table is our cache; the library keeps what it needs to run.
      makeCache: Options.cacheWithLimits(NO_CACHES),
      rest: { version: '10', ...(api !== undefined && { api }) },
      ws: { buildStrategy: keepSessions(library, this.#options.clock) },
    }
    const client = new library.Client(options)
    client.on(Events.Raw as never, (packet: Packet, shard: number) => this.#onPacket(packet, shard))
    client.on(Events.ShardReconnecting, () => {
      this.counters.disconnected++
      this.#set({ kind: 'reconnecting' })
    })
    client.on(Events.ShardDisconnect, ({ code }) => this.#onClosed(code))
    client.on(Events.ShardError, (error) =>
      log.debug({ ev: 'discord-gateway-error', message: errorMessage(error) }, 'gateway connection failed'),
    )
    client.on(Events.Error, (error) =>
      log.warn({ ev: 'discord-client-error', message: errorMessage(error) }, 'the Discord client failed'),
    )
    client.on(Events.Invalidated, () => this.#restart('session invalidated'))
    return client
  }

  #onPacket(packet: Packet, shard: number): void {
    if (packet.t === 'READY') {
      this.counters.identified++
      this.#attempts = 0
    }
    if (packet.t === 'RESUMED') this.counters.resumed++
    let order = this.#orders.get(shard)
    if (order === undefined) {
      order = new SequenceBuffer(this.#options.clock, (event) => this.#options.onEvent(event))
      this.#orders.set(shard, order)
    }
    order.take({ name: packet.t, data: packet.d, seq: packet.s, shard })
    if (packet.t === 'READY' || packet.t === 'RESUMED') this.#set({ kind: 'ready' })
  }

  #onClosed(code: number): void {
    const reason = FATAL[code]
    if (reason === undefined) return
    this.#options.log.error({ ev: 'discord-refused', code }, reason)
    this.#set({ kind: 'failed', reason })
  }

  #onLoginFailed(client: Client, error: unknown): void {
    if (this.#client !== client || this.#state.kind === 'stopped' || this.#state.kind === 'failed') return
    if ((error as { code?: unknown } | null)?.code === this.#options.library.DiscordjsErrorCodes.TokenInvalid)
      this.#onClosed(4004)
    else this.#restart(errorMessage(error))
  }

  /** Begins again with a new client after a growing, jittered wait. */
  #restart(reason: string): void {
    const { rng, log } = this.#options
    const ceiling = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(this.#attempts++, 10))
    const ms = ceiling / 2 + unit(rng) * (ceiling / 2)
    log.warn({ ev: 'discord-connect-failed', reason, ms }, 'cannot connect to Discord, will try again')
    this.#set({ kind: 'connecting', reason })
    const old = this.#client
    this.#client = undefined
    if (old !== undefined) silence(old)
    old?.destroy().catch((error: unknown) => log.debug({ ev: 'discord-close', err: error }, 'the old client did not close'))
    this.#later(ms)
  }

  #later(ms: number): void {
    this.#cancelRetry = this.#options.clock.after(ms, () => {
      this.connect().catch((error: unknown) => this.#restart(errorMessage(error)))
    })
  }

  /** Resolves when the gateway is ready, has failed or was stopped, at most after `ms`. */
  async settled(ms: number, signal: AbortSignal): Promise<void> {
    if (isSettled(this.#state)) return
    const settled = deferred<void>()
    this.#waiting.add(settled.resolve)
    try {
      await withDeadline(settled.promise, { ms, what: 'connecting to Discord', signal, clock: this.#options.clock })
    } catch (error) {
      if (signal.aborted) throw error
      // Still connecting: the caller goes on, and health says so.
    } finally {
      this.#waiting.delete(settled.resolve)
    }
  }
}

function isSettled(state: GatewayState): boolean {
  return state.kind !== 'connecting' && state.kind !== 'reconnecting'
}

/** Listens to nothing but errors, which would otherwise be thrown. */
function silence(client: Client): void {
  client.removeAllListeners()
  client.on('error', () => {})
}

const NO_CACHES = {
  ApplicationCommandManager: 0,
  AutoModerationRuleManager: 0,
  BaseGuildEmojiManager: 0,
  GuildBanManager: 0,
  GuildEmojiManager: 0,
  GuildInviteManager: 0,
  GuildMemberManager: 0,
  GuildScheduledEventManager: 0,
  GuildStickerManager: 0,
  MessageManager: 0,
  PresenceManager: 0,
  ReactionManager: 0,
  ReactionUserManager: 0,
  StageInstanceManager: 0,
  ThreadManager: 0,
  ThreadMemberManager: 0,
  UserManager: 0,
  VoiceStateManager: 0,
} as const
