import { abortedError, deferred, sharedAbort, sleep, TaskGroup } from '../../base/async.ts'
import { BoundedMap } from '../../base/bounded-map.ts'
import { type Clock, systemClock } from '../../base/clock.ts'
import type { Health } from '../../base/lifecycle.ts'
import { cryptoRng } from '../../base/random.ts'
import type { CommandSpec, InteractionHandler, InteractiveBridge, Notice, NoticeTarget } from '../interaction.ts'
import type { MediaSource, RemoteContent } from '../media.ts'
import type { Attachment, Envelope } from '../model/message.ts'
import type { NativeRef, Place } from '../model/place.ts'
import { type Bridge, type Capabilities, NOT_READY, type SendOutcome, type SendRequest } from '../port.ts'
import type { PortraitSource } from '../portraits.ts'
import type { ReactionChange, ReactionOutcome, ReactiveBridge } from '../reactions.ts'
import { fileUnavailable } from '../remote-file.ts'
import type { ThreadChange, ThreadedBridge } from '../threads.ts'
import type { TypingBridge } from '../typing.ts'
import { AlbumMemory, collect, type HeldItem } from './albums.ts'
import { type OpenClients, openClients } from './client.ts'
import { Deliverer } from './deliver.ts'
import { Desk } from './desk.ts'
import { notConnected } from './desk-calls.ts'
import { failureOf, failureText, judge } from './errors.ts'
import { newSendCounters } from './execute.ts'
import { type DropReason, type Inbound, type InboundContext, inboundOf } from './inbound.ts'
import { DEFAULT_RATES, TelegramLimits, UNLIMITED_RATES } from './limits.ts'
import { TelegramMedia } from './media-source.ts'
import type { TelegramBridgeOptions, TelegramStats } from './options.ts'
import { deletesTogether, MAX_TEXT } from './outbound.ts'
import { pinOnTelegram } from './pins.ts'
import type { PollerOptions, ReceiveState } from './poller.ts'
import { portraitOf } from './portrait.ts'
import { privacyHint } from './privacy.ts'
import { TelegramReactions } from './reactions.ts'
import { receiveUpdates } from './receive.ts'
import { Me, type TgMe } from './schema.ts'
import { changeTopic, openTopic } from './topics.ts'
import { WebhookReceiver } from './webhook.ts'

const PUBLIC_API = 'https://api.telegram.org'
const CAPABILITIES: Capabilities = {
  maxText: MAX_TEXT,
  edit: true,
  delete: true,
  reply: true,
  senderName: false,
  settlesDoubt: false,
}
/** While an album is incomplete, the next look at the updates comes after this, ms. */
const ALBUM_POLL_MS = 150
/** Moves remembered; the gateway keeps them for good. */
const MAX_ALIASES = 10_000
const MAX_LOST_CHATS = 100
/** Waits between tries to reach the platform for the first time, ms. */
const CONNECT_WAIT = { first: 1_000, longest: 60_000, badToken: 60_000 }

/** One Telegram bot account (bridging 5): long polling in, text with entities out. */
export class TelegramBridge
  implements Bridge, InteractiveBridge, MediaSource, PortraitSource, ReactiveBridge, ThreadedBridge, TypingBridge
{
  readonly network = 'telegram'
  readonly capabilities = CAPABILITIES
  readonly deletesTogether = deletesTogether
  readonly account: string
  readonly name: string
  readonly #options: TelegramBridgeOptions
  readonly #clock: Clock
  readonly #limits: TelegramLimits
  readonly #deliverer: Deliverer
  readonly #aliases: BoundedMap<string, string>
  readonly #counters = newSendCounters()
  readonly #dropped: Partial<Record<DropReason, number>> = {}
  /** Chats we were removed from, by id. */
  readonly #lost = new BoundedMap<string, string>({ max: MAX_LOST_CHATS })
  readonly #albums = new AlbumMemory()
  /** Items of albums that are not complete, and the updates taken since the first of them. */
  #held: readonly HeldItem[] = []
  readonly #seen = new Set<number>()
  #updates = 0
  #clients: OpenClients | undefined
  #reactions: TelegramReactions | undefined
  #webhook: WebhookReceiver | undefined
  #receive: ReceiveState | { readonly kind: 'connecting' } = { kind: 'connecting' }
  #me: TgMe | undefined
  #hint: string | undefined
  readonly #desk: Desk
  readonly #tasks: TaskGroup
  #running = sharedAbort()
  #loop: Promise<void> = Promise.resolve()

  constructor(options: TelegramBridgeOptions) {
    this.#options = options
    this.account = options.account
    this.name = `telegram/${options.account}`
    this.#clock = options.clock ?? systemClock
    const rates = options.rates === 'off' ? UNLIMITED_RATES : (options.rates ?? DEFAULT_RATES)
    this.#limits = new TelegramLimits(rates, this.#clock.monotonic())
    this.#deliverer = new Deliverer(options.media, () => this.#clock.monotonic())
    this.#aliases = new BoundedMap({ max: MAX_ALIASES })
    this.#tasks = new TaskGroup((err) => options.log.error({ ev: 'telegram-task', err }, 'a task of the Telegram bridge failed'))
    this.#desk = new Desk({
      account: this.account,
      clients: () => this.#clients,
      limits: this.#limits,
      now: () => this.#clock.monotonic(),
      channelOf: (chat) => this.#namedChats().get(chat.username?.toLowerCase() ?? '') ?? String(chat.id),
      currentChat: (channel) => this.#aliases.get(channel, 0) ?? channel,
      tasks: this.#tasks,
      signal: this.#running.signal,
      clock: this.#clock,
      log: options.log,
    })
    for (const [from, to] of options.aliases ?? []) this.#aliases.set(from, to, 0)
    const id = /^(\d+):/.exec(options.token.reveal())?.[1]
    if (id) options.own.add(`telegram:${id}`)
  }

  interactions(specs: readonly CommandSpec[], handler: InteractionHandler, welcome?: Notice): void {
    this.#desk.open(specs, handler, welcome)
  }

  async post(target: NoticeTarget, notice: Notice, signal: AbortSignal): Promise<NativeRef> {
    return this.#desk.post(target, notice, signal)
  }

  async repost(ref: NativeRef, notice: Notice, signal: AbortSignal): Promise<boolean> {
    return this.#desk.repost(ref, notice, signal)
  }

  async retract(ref: NativeRef, signal: AbortSignal): Promise<void> {
    return this.#desk.retract(ref, signal)
  }

  /** Routes may name public chats by @name, updates always by number. */
  #namedChats(): Map<string, string> {
    const names = (this.#options.bridgedChats?.() ?? []).filter((c) => c.startsWith('@'))
    return new Map(names.map((c) => [c.slice(1).toLowerCase(), c]))
  }

  /** Resolves when the platform was reached or refused for the first time; trouble shows in `health` and is retried. */
  async start(signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw abortedError(signal)
    const { token, apiRoot = PUBLIC_API, callTimeoutSec = 30 } = this.#options
    const clients = await openClients({
      token,
      apiRoot: apiRoot.replace(/\/+$/, ''),
      callTimeoutSec,
      pollTimeoutSec: this.#pollTimeoutSec() + 15,
    })
    this.#clients = clients
    this.#reactions = new TelegramReactions({ client: clients.main, limits: this.#limits, now: () => this.#clock.monotonic() })
    const tried = deferred<void>()
    const running = this.#running.signal
    this.#loop = this.#receiveLoop(clients, running, tried.resolve).catch((err) => {
      this.#options.log.error({ ev: 'receive-loop', err }, 'receiving ended by a fault of ours')
      this.#setState({ kind: 'failed', reason: 'receiving ended by an internal fault, see the log' })
      tried.resolve()
    })
    const onAbort = (): void => tried.reject(abortedError(signal))
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      await tried.promise
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  #pollTimeoutSec(): number {
    return Math.min(50, Math.max(1, Math.round(this.#options.pollTimeoutSec ?? 30)))
  }

  async #receiveLoop(clients: OpenClients, signal: AbortSignal, tried: () => void): Promise<void> {
    const pause = this.#options.sleep ?? sleep
    for (let wait = CONNECT_WAIT.first; !signal.aborted; wait = Math.min(wait * 2, CONNECT_WAIT.longest)) {
      const ready = await this.#connect(clients, signal)
      tried()
      if (ready) break
      const ms = this.#receive.kind === 'failed' ? CONNECT_WAIT.badToken : wait
      // Ends early when the bridge stops; the loop looks at the signal itself.
      await pause(ms, signal).catch(() => {})
    }
    if (signal.aborted) return
    const shared: Omit<PollerOptions, 'poll' | 'timeoutSec' | 'rng'> = {
      main: clients.main,
      deliver: (updates) => this.#deliver(updates),
      onState: (state) => this.#setState(state),
      log: this.#options.log,
      now: () => this.#clock.monotonic(),
      sleep: pause,
    }
    const { webhook: settings, rng = cryptoRng } = this.#options
    this.#webhook = settings && new WebhookReceiver({ ...shared, settings })
    const options = { ...shared, poll: clients.poll, timeoutSec: this.#pollTimeoutSec(), rng }
    await receiveUpdates(options, this.#webhook, signal)
  }

  /** One request of the platform to the webhook: answers the HTTP status. */
  async takeUpdate(secret: string | undefined, update: unknown): Promise<number> {
    return this.#webhook === undefined ? 503 : this.#webhook.take(secret, update)
  }

  async #connect(clients: OpenClients, signal: AbortSignal): Promise<boolean> {
    const { log, own } = this.#options
    try {
      const me = Me.parse(await clients.main.call('getMe', {}, signal))
      own.add(`telegram:${me.id}`)
      this.#me = me
      this.#desk.connected(me)
      await this.#lookAtPrivacy(clients, signal)
      if (this.#hint) log.warn({ ev: 'privacy-mode', bot: me.username }, this.#hint)
      log.info({ ev: 'connected', bot: me.username }, 'connected to Telegram')
      this.#setState({ kind: 'ok' })
      return true
    } catch (error) {
      if (signal.aborted) return false
      const failure = failureOf(error)
      const verdict = judge(failure, 'edit')
      const bad = verdict.kind === 'account-failed'
      const reason = bad ? 'the bot token is not valid: set a new one' : `cannot reach the platform (${failureText(failure)})`
      log.warn({ ev: 'connect-failed', why: failureText(failure) }, reason)
      this.#setState({ kind: bad ? 'failed' : 'unreachable', reason })
      return false
    }
  }

  async #lookAtPrivacy(clients: OpenClients, signal: AbortSignal): Promise<void> {
    if (this.#me) this.#hint = await privacyHint(clients.main, this.#me, this.#options.bridgedChats?.() ?? [], signal)
  }

  #setState(state: ReceiveState): void {
    if (state.kind !== this.#receive.kind) {
      this.#options.log.info({ ev: 'receive-state', from: this.#receive.kind, to: state.kind }, 'receiving changed')
    }
    this.#receive = state
  }

  /** Items of albums are held back; until the album is complete neither they nor what came after them are confirmed. */
  async #deliver(updates: readonly unknown[]): Promise<{ heldFrom: number; waitMs: number } | undefined> {
    const { account, own, sink } = this.#options
    const bridged = new Set(this.#options.bridgedChats?.())
    const named = this.#namedChats()
    const context: InboundContext = {
      account,
      own,
      receivedAt: this.#clock.now(),
      isBridged: (channel) => bridged.has(channel),
      channelOf: (chat) => named.get(chat.username?.toLowerCase() ?? '') ?? String(chat.id),
    }
    const incoming: { updateId: number; envelope: Envelope }[] = []
    const dropped: DropReason[] = []
    const fresh: number[] = []
    for (const raw of updates) {
      const updateId = Number((raw as { update_id?: unknown } | null)?.update_id)
      if (this.#seen.has(updateId)) continue
      fresh.push(updateId)
      // What is meant for the bot itself is not bridged.
      if (this.#desk.take(raw)) continue
      const inbound = inboundOf(raw, context)
      if (inbound.migration) await this.#migrated(inbound.migration.from, inbound.migration.to)
      const reopened = inbound.envelope?.event
      if (reopened?.kind === 'thread.reopen') this.#options.onReopened?.(inbound.envelope?.at.channel ?? '', reopened.thread)
      if (inbound.membership) await this.#membership(inbound.membership)
      const envelope = inbound.envelope && this.#ofAlbum(inbound.envelope, inbound.albumKey)
      if (envelope) incoming.push({ updateId, envelope })
      if (inbound.dropped) dropped.push(inbound.dropped)
    }
    const now = this.#clock.monotonic()
    const collected = collect(this.#held, incoming, now)
    if (collected.ready.length > 0) await sink.ingest(collected.ready)
    this.#held = collected.held
    this.#updates += fresh.length
    for (const reason of dropped) this.#dropped[reason] = (this.#dropped[reason] ?? 0) + 1
    if (collected.dueAt === undefined) {
      this.#seen.clear()
      return undefined
    }
    for (const id of fresh) this.#seen.add(id)
    const heldFrom = Math.min(...collected.held.map((item) => item.updateId))
    return { heldFrom, waitMs: Math.min(ALBUM_POLL_MS, Math.max(1, collected.dueAt - now)) }
  }

  #ofAlbum(envelope: Envelope, albumKey: string | undefined): Envelope | undefined {
    if (albumKey !== undefined) return this.#albums.edited(envelope, albumKey)
    this.#albums.note(envelope)
    return envelope
  }

  async #membership(change: NonNullable<Inbound['membership']>): Promise<void> {
    const { channel, title, status } = change
    const gone = status === 'left' || status === 'kicked'
    this.#options.log.info({ ev: 'membership', channel, status }, gone ? 'removed from a chat' : 'standing in a chat changed')
    if (gone) this.#lost.set(channel, title, 0)
    else this.#lost.delete(channel)
    this.#options.onMembership?.(channel, status)
    // An administrator sees everything, whatever the privacy mode.
    if (this.#clients) await this.#lookAtPrivacy(this.#clients, this.#running.signal)
  }

  async #migrated(from: string, to: string): Promise<void> {
    if (this.#aliases.get(from, 0) === to) return
    await this.#options.onMigrated?.(from, to)
    this.#aliases.set(from, to, 0)
    this.#options.log.info({ ev: 'migrated', from, to }, 'a group became a supergroup')
  }

  async send(request: SendRequest, signal: AbortSignal): Promise<SendOutcome> {
    if (!this.#clients) return NOT_READY
    const outcome = await this.#deliverer.run(
      request,
      {
        client: this.#clients.main,
        uploads: this.#clients.upload,
        newFile: this.#clients.newFile,
        limits: this.#limits,
        counters: this.#counters,
        policy: this.#options.ambiguous ?? 'resend',
        now: () => this.#clock.monotonic(),
        currentChat: (channel) => this.#aliases.get(channel, 0) ?? channel,
        onMigrated: (from, to) => this.#migrated(from, to),
      },
      signal,
    )
    if (outcome.kind === 'account-failed') this.#setState({ kind: 'failed', reason: outcome.message })
    return outcome
  }

  /** Groups take few messages a minute. Names are those of groups and channels. */
  joinsTexts({ channel }: Place): boolean {
    return this.#options.rates !== 'off' && this.#options.coalesce !== false && /^[-@]/.test(channel)
  }

  async openAttachment(attachment: Attachment, signal: AbortSignal): Promise<RemoteContent> {
    const { token, apiRoot = PUBLIC_API } = this.#options
    if (!this.#clients) throw fileUnavailable('not connected yet')
    const media = new TelegramMedia({ client: this.#clients.main, token, apiRoot: apiRoot.replace(/\/+$/, '') })
    return media.openAttachment(attachment, signal)
  }

  async portraitOf(authorKey: string, signal: AbortSignal): Promise<Attachment | undefined> {
    if (!this.#clients) throw fileUnavailable('not connected yet')
    return portraitOf({ account: this.account, authorKey }, this.#clients.main, signal)
  }

  async changeThread(place: Place, change: ThreadChange, signal: AbortSignal): Promise<'done' | 'later' | 'refused'> {
    if (!this.#clients) return 'later'
    const channel = this.#aliases.get(place.channel, 0) ?? place.channel
    return changeTopic({ ...place, channel }, change, this.#clients.main, signal)
  }

  async pin(ref: NativeRef, signal: AbortSignal): Promise<'done' | 'later' | 'refused'> {
    return this.#clients ? pinOnTelegram(ref, this.#clients.main, signal) : 'later'
  }

  async showTyping({ channel, thread }: Place, signal: AbortSignal): Promise<void> {
    const chat = this.#aliases.get(channel, 0) ?? channel
    const payload = {
      chat_id: Number(chat),
      action: 'typing',
      ...(thread !== undefined && { message_thread_id: Number(thread) }),
    }
    // Whatever is wrong with the chat shows with the next message.
    await this.#clients?.main.call('sendChatAction', payload, signal).catch(() => {})
  }

  async openThread(place: Place, title: string, signal: AbortSignal): Promise<string> {
    if (!this.#clients) throw notConnected()
    const channel = this.#aliases.get(place.channel, 0) ?? place.channel
    return openTopic({ ...place, channel }, title, this.#clients.main, signal)
  }

  async react(change: ReactionChange, signal: AbortSignal): Promise<ReactionOutcome> {
    if (!this.#reactions) return { kind: 'later', afterMs: 1_000, shown: change.shown }
    return this.#reactions.react(change, signal)
  }

  health(): Health {
    const state = this.#receive
    if (state.kind === 'failed') return { status: 'failed', reason: state.reason }
    if (state.kind === 'connecting') return { status: 'degraded', reason: 'connecting' }
    if (state.kind !== 'ok') return { status: 'degraded', reason: state.reason }
    if (this.#hint !== undefined) return { status: 'degraded', reason: this.#hint }
    const lost = [...this.#lost.entries()].map(([, title]) => title)
    if (lost.length > 0) return { status: 'degraded', reason: `removed from: ${lost.slice(0, 5).join(', ')}` }
    return { status: 'ok' }
  }

  stats(): TelegramStats {
    return { ...this.#counters, updates: this.#updates, dropped: { ...this.#dropped } }
  }

  /** Stops receiving after the batch in hand was committed. Sending still works. */
  async drain(): Promise<void> {
    this.#running.abort()
    await this.#loop
  }

  async stop(): Promise<void> {
    await this.drain()
    await this.#tasks.settled()
    this.#clients?.close()
    this.#clients = undefined
  }
}
