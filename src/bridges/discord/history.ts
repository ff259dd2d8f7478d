import { sharedAbort, TaskGroup } from '../../base/async.ts'
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { DiscordApi } from './api.ts'
import type { CatchUp, KnownOfChannel } from './catch-up.ts'
import type { ChannelEntry, Directory } from './directory.ts'
import { failureText } from './errors.ts'
import type { IngestFeed } from './feed.ts'
import type { ChannelGates } from './gates.ts'
import type { Receiver } from './receiver.ts'

export interface HistoryOptions {
  readonly api: DiscordApi
  readonly catchUp: CatchUp
  readonly directory: Directory
  readonly gates: ChannelGates
  readonly receiver: Receiver
  readonly feed: IngestFeed
  /** The channels and threads that are bridged; direct ones belong to no server. */
  readonly channels: () => readonly { readonly id: string; readonly guild: string | undefined }[]
  readonly clock: Clock
  readonly log: Logger
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
}

/** Live events of a channel wait at most this long for its past (bridging 14). */
const MAX_HOLD_MS = 30_000
const LOOKUP_RETRY_MS = 1_000
const STORE_RETRY_MS = 1_000
const MAX_LOOKUPS = 5
/** Rounds over a channel that is written faster than it can be read. */
const MAX_ROUNDS = 10

/** Decides when which channel's past is fetched, and opens the channels afterwards (bridging 17). */
export class History {
  readonly #options: HistoryOptions
  readonly #tasks: TaskGroup
  readonly #stop = sharedAbort()
  /** Held since READY, waiting for their guild. */
  readonly #waiting = new Set<string>()
  readonly #overflowed = new Set<string>()
  readonly #problems = new Map<string, string>()
  #cancelWait = (): void => {}

  constructor(options: HistoryOptions) {
    this.#options = options
    this.#tasks = new TaskGroup((error) => {
      if (!this.#stop.signal.aborted)
        options.log.warn({ ev: 'discord-history', err: error }, 'reading the past of a channel failed')
    })
    options.receiver.onHeld = (channel, why) => {
      if (why === 'unknown') this.#tasks.add(this.#lookUp(channel))
      else this.#overflowed.add(channel)
    }
  }

  /** Channels whose past cannot be read, and why. */
  get problems(): ReadonlyMap<string, string> {
    return this.#problems
  }

  get busy(): number {
    return this.#tasks.size
  }

  /**
   * A new session of one shard begins: everything since the cursors may be missing in its servers, and in direct
   * conversations, which the first shard carries.
   */
  onReady(guilds: ReadonlySet<string>, carriesDirect: boolean): void {
    const { gates, channels, clock } = this.#options
    for (const { id, guild } of channels()) {
      if (guild === undefined ? !carriesDirect : !guilds.has(guild)) continue
      if (!gates.hold(id)) continue
      if (guild === undefined) this.#tasks.add(this.#fetch(id, {}))
      else this.#waiting.add(id)
    }
    this.#cancelWait()
    this.#cancelWait = clock.after(MAX_HOLD_MS, () => {
      for (const channel of this.#waiting) this.#options.receiver.release(channel, undefined)
      this.#waiting.clear()
    })
  }

  /** A server's channels are known: their past can be fetched, and that of the threads people write in. */
  onGuild(guildId: string): void {
    const { directory, gates } = this.#options
    const channels = [...this.#waiting].flatMap((id) => {
      const entry = directory.channel(id)
      return entry?.guildId === guildId ? [entry] : []
    })
    for (const { id } of channels) this.#waiting.delete(id)
    const bridged = new Set(channels.map((c) => c.id))
    const threads = directory
      .channelsOf(guildId)
      .filter((c) => directory.isThread(c.id) && c.archived !== true && bridged.has(c.parentId ?? '') && !bridged.has(c.id))
      .filter((c) => gates.hold(c.id))
    if (channels.length > 0) this.#tasks.add(this.#fetchAll(channels, threads))
  }

  async #fetchAll(channels: readonly ChannelEntry[], threads: readonly ChannelEntry[]): Promise<void> {
    // Before any of them moves: a thread without a cursor was last heard of when its channel was.
    const parents = [...new Set(threads.flatMap((t) => t.parentId ?? []))]
    const read = (id: string): Promise<readonly [string, string | undefined]> =>
      this.#options.catchUp.cursorOf(id).then((cursor) => [id, cursor] as const)
    const cursors = new Map(await this.#patiently(() => Promise.all(parents.map(read))))
    for (const { id, lastMessageId: latest = '0' } of channels) this.#tasks.add(this.#fetch(id, { latest }))
    // Without a newest message it is empty.
    for (const { id, parentId = '', lastMessageId: latest = '0' } of threads)
      this.#tasks.add(this.#fetch(id, { latest, since: cursors.get(parentId) }))
  }

  /** There is room again for channels that had too many events at once. */
  onRoom(): void {
    for (const channel of this.#overflowed) this.#tasks.add(this.#fetch(channel, {}))
    this.#overflowed.clear()
  }

  async stop(): Promise<void> {
    this.#cancelWait()
    this.#stop.abort()
    await this.#tasks.settled()
  }

  async #fetch(channel: string, known: KnownOfChannel): Promise<void> {
    const { catchUp, receiver, gates, feed, clock, log } = this.#options
    let isLate = false
    const cancel = clock.after(MAX_HOLD_MS, () => {
      isLate = true
      feed.freeze(channel)
      receiver.release(channel, undefined)
      log.warn({ ev: 'discord-catch-up-late', channel }, 'catching up takes long: new messages go first')
    })
    try {
      let last: string | undefined
      for (let round = 0; round < MAX_ROUNDS; round++) {
        const result = await this.#patiently(() => catchUp.run(channel, round === 0 ? known : {}, this.#stop.signal))
        if (result.kind === 'unreadable') {
          this.#problems.set(channel, result.reason)
          log.warn(
            { ev: 'discord-unreadable', channel, reason: result.reason },
            "a channel's past cannot be read: give the bot Read Message History",
          )
          break
        }
        this.#problems.delete(channel)
        last = result.last ?? last
        if (isLate || !gates.takeOverflow(channel)) break
      }
      if (!isLate) receiver.release(channel, last)
    } finally {
      cancel()
      if (isLate) feed.unfreeze(channel)
    }
  }

  /** Again and again while the store is away; ends by stopping. */
  async #patiently<T>(work: () => Promise<T>): Promise<T> {
    const { sleep, log } = this.#options
    for (;;) {
      try {
        return await work()
      } catch (err) {
        if (this.#stop.signal.aborted) throw err
        log.warn({ ev: 'discord-catch-up-failed', err }, 'catching up failed, will try again')
        await sleep(STORE_RETRY_MS, this.#stop.signal)
      }
    }
  }

  /** Finds out what an unknown channel is: threads are addressed by the channel they belong to. */
  async #lookUp(channel: string): Promise<void> {
    const { api, directory, receiver, sleep, log } = this.#options
    for (let attempt = 0; attempt < MAX_LOOKUPS; attempt++) {
      const answer = await api.call({ method: 'GET', path: `/channels/${channel}`, auth: 'bot' }, this.#stop.signal)
      if (answer.ok) {
        directory.setChannel(answer.body as Record<string, unknown>)
        break
      }
      if (answer.failure.kind === 'api' || this.#stop.signal.aborted) {
        log.debug(
          { ev: 'discord-unknown-channel', channel, reason: failureText(answer.failure) },
          'a channel cannot be looked up',
        )
        break
      }
      await sleep(answer.failure.kind === 'rate-limit' ? answer.failure.afterMs : LOOKUP_RETRY_MS, this.#stop.signal)
    }
    // Still unknown: an ordinary channel, as far as anybody can tell.
    if (directory.channel(channel) === undefined) directory.setChannel({ id: channel, type: 0 })
    receiver.release(channel, undefined)
  }
}
