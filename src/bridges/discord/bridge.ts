import { sleep as realSleep, sharedAbort, TaskGroup } from '../../base/async.ts'
import { BoundedMap } from '../../base/bounded-map.ts'
import { type Clock, systemClock } from '../../base/clock.ts'
import type { Health } from '../../base/lifecycle.ts'
import { cryptoRng } from '../../base/random.ts'
import type { CommandSpec, InteractionHandler, InteractiveBridge, Notice, NoticeTarget } from '../interaction.ts'
import type { MediaSource, RemoteContent } from '../media.ts'
import type { Attachment } from '../model/message.ts'
import type { NativeRef, Place } from '../model/place.ts'
import { type Bridge, type Capabilities, type NativePart, NOT_READY, type SendOutcome, type SendRequest } from '../port.ts'
import type { ReactionChange, ReactionOutcome, ReactiveBridge } from '../reactions.ts'
import { fileUnavailable } from '../remote-file.ts'
import type { ThreadChange, ThreadedBridge } from '../threads.ts'
import type { TypingBridge } from '../typing.ts'
import { CatchUp, DEFAULT_CATCH_UP } from './catch-up.ts'
import { Desk, type DeskCommands } from './desk.ts'
import { CDN_URL, Directory } from './directory.ts'
import { ExpectedEchoes } from './echoes.ts'
import { Executor } from './execute.ts'
import { IngestFeed } from './feed.ts'
import { ChannelGates } from './gates.ts'
import { DiscordGateway, type GatewayEvent, type GatewayState } from './gateway.ts'
import { discordHealth } from './health.ts'
import { History } from './history.ts'
import { intentsFor } from './intents.ts'
import { notConnected } from './interaction-error.ts'
import { DiscordMedia } from './media-source.ts'
import type { DiscordBridgeOptions } from './options.ts'
import { channelIdOf, MAX_CONTENT } from './outbound.ts'
import { pinOnDiscord } from './pins.ts'
import { reactOnDiscord } from './reactions.ts'
import { gapNotice, Receiver } from './receiver.ts'
import { DiscordRest } from './rest.ts'
import type { SendCounters } from './run.ts'
import { idOf, idsOf } from './schema.ts'
import { changeDiscordThread, openDiscordThread } from './threads.ts'
import { showTyping, typingOf } from './typing.ts'
import { Webhooks } from './webhooks.ts'

export interface DiscordStats extends SendCounters {
  readonly received: number
  readonly dropped: Readonly<Record<string, number>>
  /** Events waiting to be stored. */
  readonly queued: number
  readonly identified: number
  readonly resumed: number
  readonly disconnected: number
  /** Stretches of messages that were missed and could not be fetched. */
  readonly gaps: number
}

const CAPABILITIES: Capabilities = { maxText: MAX_CONTENT, edit: true, delete: true, reply: true, senderName: true }
const MAX_OWN_DELETES = 20_000
const OWN_DELETE_MS = 300_000
const DEFAULT_TIMEOUT_MS = 15_000
const DEFAULT_GLOBAL_PER_SECOND = 50
const DEFAULT_START_WAIT_MS = 5_000
const IDENTITY_RETRY_MS = 5_000

interface Parts {
  readonly rest: DiscordRest
  readonly webhooks: Webhooks
  readonly executor: Executor
  readonly feed: IngestFeed
  readonly receiver: Receiver
  readonly history: History
  readonly gateway: DiscordGateway
  readonly desk: Desk
  readonly media: DiscordMedia
}

/** One Discord bot account (bridging 4): the gateway in, webhooks and the bot's own messages out. */
export class DiscordBridge implements Bridge, InteractiveBridge, MediaSource, ReactiveBridge, ThreadedBridge, TypingBridge {
  readonly network = 'discord'
  readonly capabilities = CAPABILITIES
  readonly account: string
  readonly name: string
  readonly #options: DiscordBridgeOptions
  readonly #clock: Clock
  readonly #directory: Directory
  #parts: Parts | undefined
  #commands: DeskCommands | undefined
  readonly #tasks: TaskGroup
  readonly #stopping = sharedAbort()
  #state: GatewayState = { kind: 'connecting' }
  #gaps = 0

  constructor(options: DiscordBridgeOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#directory = new Directory(options.apiUrl === undefined ? CDN_URL : `${new URL(options.apiUrl).origin}/cdn`)
    this.account = options.account
    this.name = `discord-${options.account}`
    this.#tasks = new TaskGroup((err) => {
      if (!this.#stopping.signal.aborted) options.log.error({ ev: 'discord-task', err }, 'a task of the Discord bridge failed')
    })
  }

  /** Connects. Does not fail for reasons of the platform: it goes on trying, and `health` tells what is wrong. */
  async start(signal: AbortSignal): Promise<void> {
    const library = await import('discord.js')
    const parts = this.#assemble(library)
    this.#parts = parts
    await parts.webhooks.load()
    this.#tasks.add(this.#learnIdentity(parts))
    this.#tasks.add(parts.gateway.connect())
    await parts.gateway.settled(this.#options.startWaitMs ?? DEFAULT_START_WAIT_MS, signal)
  }

  async send(request: SendRequest, signal: AbortSignal): Promise<SendOutcome> {
    const parts = this.#parts
    if (parts === undefined) return NOT_READY
    if (this.#state.kind === 'failed') return { kind: 'account-failed', code: 'DISCORD_REFUSED', message: this.#state.reason }
    return parts.executor.run(request, signal)
  }

  deletesTogether(place: Place, parts: readonly NativePart[]): boolean {
    return this.#parts?.executor.deletesTogether(place, parts) ?? false
  }

  async openAttachment(attachment: Attachment, signal: AbortSignal): Promise<RemoteContent> {
    if (this.#parts === undefined) throw fileUnavailable('not connected yet')
    return this.#parts.media.openAttachment(attachment, signal)
  }

  interactions(specs: readonly CommandSpec[], handler: InteractionHandler, welcome?: Notice): void {
    this.#commands = { specs, handler, ...(welcome && { welcome }) }
  }

  async post(target: NoticeTarget, notice: Notice, signal: AbortSignal): Promise<NativeRef> {
    return this.#desk().post(target, notice, signal)
  }

  async repost(ref: NativeRef, notice: Notice, signal: AbortSignal): Promise<boolean> {
    return this.#desk().repost(ref, notice, signal)
  }

  async retract(ref: NativeRef, signal: AbortSignal): Promise<void> {
    return this.#desk().retract(ref, signal)
  }

  #desk(): Desk {
    if (this.#parts !== undefined) return this.#parts.desk
    throw notConnected()
  }

  async changeThread(place: Place, change: ThreadChange, signal: AbortSignal): Promise<'done' | 'later' | 'refused'> {
    return this.#parts === undefined ? 'later' : changeDiscordThread(place, change, this.#parts.rest, signal)
  }

  async pin(ref: NativeRef, signal: AbortSignal): Promise<'done' | 'later' | 'refused'> {
    return this.#parts === undefined ? 'later' : pinOnDiscord(ref, this.#parts.rest, signal)
  }

  async showTyping(place: Place, signal: AbortSignal): Promise<void> {
    if (this.#parts !== undefined) await showTyping(place, this.#parts.rest, signal)
  }

  async openThread(place: Place, title: string, signal: AbortSignal): Promise<string> {
    if (this.#parts === undefined) throw notConnected()
    return openDiscordThread(place, title, this.#directory, this.#parts.rest, signal)
  }

  async react(change: ReactionChange, signal: AbortSignal): Promise<ReactionOutcome> {
    if (this.#parts === undefined) return { kind: 'later', afterMs: 1_000, shown: change.shown }
    return reactOnDiscord(change, this.#parts.rest, (id) => this.#directory.hasEmoji(id), signal)
  }

  health(): Health {
    return discordHealth({
      state: this.#state,
      tokenRefused: this.#parts?.rest.tokenRefused ?? false,
      lacksContent: this.#parts?.receiver.lacksContent ?? false,
      storeFailure: this.#parts?.feed.failure,
      invalidRequests: this.#parts?.rest.invalidRequests() ?? 0,
      withoutWebhook: this.#parts?.webhooks.refusals() ?? [],
      unreadable: [...(this.#parts?.history.problems ?? [])],
      channelName: (id) => this.#directory.channel(id)?.name ?? id,
    })
  }

  stats(): DiscordStats {
    const parts = this.#parts
    const none = { adoptedByEcho: 0, adoptedByProbe: 0, resent: 0, simplified: 0, botFallbacks: 0 }
    return {
      ...(parts?.executor.counters ?? none),
      ...(parts?.receiver.stats ?? { received: 0, dropped: {} }),
      ...(parts?.gateway.counters ?? { identified: 0, resumed: 0, disconnected: 0 }),
      queued: parts?.feed.size ?? 0,
      gaps: this.#gaps,
    }
  }

  /** Stops receiving and waits until everything received is stored. */
  async drain(signal: AbortSignal): Promise<void> {
    await this.#parts?.gateway.stop()
    await this.#parts?.history.stop()
    await this.#parts?.feed.drain(signal)
  }

  async stop(): Promise<void> {
    const parts = this.#parts
    this.#stopping.abort()
    await parts?.gateway.stop()
    await parts?.history.stop()
    await this.#tasks.settled()
    parts?.feed.stop()
    parts?.rest.close()
  }

  #assemble(library: typeof import('discord.js')): Parts {
    const { account, token, sink, own, log, apiUrl } = this.#options
    const clock = this.#clock
    const rng = this.#options.rng ?? cryptoRng
    const api = apiUrl === undefined ? {} : { api: apiUrl }
    const rest = new DiscordRest(library, {
      token,
      ...api,
      timeoutMs: this.#options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      globalPerSecond: this.#options.globalPerSecond ?? DEFAULT_GLOBAL_PER_SECOND,
      clock,
    })
    const directory = this.#directory
    const echoes = new ExpectedEchoes(clock)
    const ownDeletes = new BoundedMap<string, true>({ max: MAX_OWN_DELETES, ttlMs: OWN_DELETE_MS })
    const webhooks = new Webhooks({ account, api: rest, registry: this.#options.webhooks, own, clock, log })
    const executor = new Executor({
      account,
      api: rest,
      webhooks,
      echoes,
      ownDeletes,
      canUseEmoji: (id) => directory.hasEmoji(id),
      knownCopies: this.#options.knownCopies,
      useWebhooks: this.#options.useWebhooks ?? true,
      hearsEchoes: () => this.#state.kind === 'ready',
      media: this.#options.media,
      maxFile: (place) => directory.maxFile(place.space),
      isForum: (channel) => directory.isForum(channel),
      forumTag: (channel, demands) => directory.forumTag(channel, demands),
      clock,
    })
    const feed = new IngestFeed({ account, sink, clock, rng, log, onRoom: () => history.onRoom() })
    const gates = new ChannelGates()
    const wanted = this.#options.wanted ?? (() => true)
    const isOwnDelete = (channel: string, id: string): boolean => ownDeletes.has(`${channel}/${id}`, clock.now())
    const receiver = new Receiver({ account, directory, own, feed, gates, echoes, isOwnDelete, wanted, clock, log })
    const catchUp = new CatchUp({
      account,
      api: rest,
      cursors: this.#options.cursors,
      limits: { ...DEFAULT_CATCH_UP, ...this.#options.catchUp },
      clock,
      log,
      sleep: realSleep,
      onMessage: (name, message) => receiver.process({ name, data: this.#inGuild(message), seq: 0 }),
      onGap: (channel, after, count) => this.#tellGap(feed, channel, after, count),
    })
    const channels = () => (this.#options.places?.() ?? []).map((p) => ({ id: channelIdOf(p), guild: p.space }))
    const history = new History({ api: rest, catchUp, directory, gates, receiver, feed, channels, clock, log, sleep: realSleep })
    const gateway = new DiscordGateway({
      library,
      token,
      ...api,
      intents: intentsFor(library.GatewayIntentBits, this.#options.typing?.wanted() ?? false),
      clock,
      rng,
      log,
      onEvent: (event) => this.#onEvent(event),
      onState: (state) => {
        this.#state = state
      },
    })
    const media = new DiscordMedia({ api: rest, apiUrl, now: () => clock.now() })
    const desk = new Desk({
      account,
      api: rest,
      commands: this.#commands,
      maxFile: (guildId) => directory.maxFile(guildId),
      tasks: this.#tasks,
      signal: this.#stopping.signal,
      clock,
      rng,
      log,
    })
    return { rest, webhooks, executor, feed, receiver, history, desk, gateway, media }
  }

  #onEvent(event: GatewayEvent): void {
    const parts = this.#parts
    if (parts === undefined) return
    const d = (event.data ?? {}) as Readonly<Record<string, unknown>>
    // Not a message: it needs no order, and is answered within seconds or not at all.
    if (event.name === 'INTERACTION_CREATE') {
      parts.desk.take(event.data)
      return
    }
    if (event.name === 'TYPING_START') {
      const typing = typingOf(event.data, this.account, this.#directory, this.#options.own)
      if (typing !== undefined) this.#options.typing?.heard(typing.place, typing.author)
      return
    }
    if (event.name === 'READY') this.#onReady(parts, d, event.shard ?? 0)
    parts.receiver.receive(event)
    switch (event.name) {
      case 'READY':
        parts.desk.knowGuilds(d.guilds)
        return
      case 'GUILD_CREATE':
        parts.desk.joined(d, this.#options.places?.() ?? [])
        parts.history.onGuild(String(d.id))
        this.#options.onRights?.({ space: String(d.id) })
        return
      case 'WEBHOOKS_UPDATE':
        parts.webhooks.reconsider(String(d.channel_id))
        return
      case 'CHANNEL_CREATE':
      case 'CHANNEL_UPDATE':
        parts.webhooks.reconsider(String(d.id))
        this.#options.onRights?.({ channel: String(d.id) })
        return
      case 'THREAD_UPDATE':
        this.#options.onRights?.({ thread: String(d.id) })
        return
      case 'GUILD_ROLE_UPDATE':
        for (const [channel] of parts.webhooks.refusals()) parts.webhooks.reconsider(channel)
        this.#options.onRights?.({ space: String(d.guild_id) })
    }
  }

  /** Who we are, from the REST API: messages can be sent before the gateway is there, and need it to be recognised. */
  async #learnIdentity(parts: Parts): Promise<void> {
    const { signal } = this.#stopping
    for (;;) {
      const user = await parts.rest.call({ method: 'GET', path: '/users/@me', auth: 'bot' }, signal)
      const application = user.ok
        ? await parts.rest.call({ method: 'GET', path: '/applications/@me', auth: 'bot' }, signal)
        : user
      if (user.ok && application.ok) return this.#setIdentity(parts, idOf(user.body), idOf(application.body))
      // The gateway says the same at READY; a refused token is final.
      if (signal.aborted || this.#state.kind === 'ready' || parts.rest.tokenRefused) return
      await realSleep(IDENTITY_RETRY_MS, signal)
    }
  }

  #setIdentity(parts: Parts, userId: string | undefined, applicationId = userId): void {
    if (userId === undefined || applicationId === undefined) return
    this.#options.own.add(`discord:${userId}`)
    this.#options.own.add(`discord-application:${applicationId}`)
    parts.executor.botId = userId
    parts.webhooks.applicationId = applicationId
    parts.desk.register(applicationId)
  }

  #onReady(parts: Parts, d: Readonly<Record<string, unknown>>, shard: number): void {
    this.#setIdentity(parts, idOf(d.user), idOf(d.application))
    parts.receiver.beginSession(shard, String(d.session_id ?? ''))
    parts.history.onReady(idsOf(d.guilds), shard === 0)
    this.#options.log.info({ ev: 'discord-ready', account: this.account, user: idOf(d.user) }, 'connected to Discord')
  }

  /** Messages of the history do not say which server they are from. */
  #inGuild(message: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
    const guildId = this.#directory.channel(String(message.channel_id))?.guildId
    return guildId === undefined ? message : { ...message, guild_id: guildId }
  }

  #tellGap(feed: IngestFeed, channel: string, after: string, count: number): void {
    this.#gaps++
    this.#options.log.warn({ ev: 'discord-gap', account: this.account, channel, count }, 'messages of an absence are not fetched')
    const where = this.#directory.whereabouts(channel, this.#directory.channel(channel)?.guildId)
    if (where === undefined) return
    feed.push({
      envelopes: [gapNotice({ network: 'discord', account: this.account, ...where }, after, count, this.#clock.now())],
    })
  }
}
