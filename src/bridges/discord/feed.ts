import { deferred } from '../../base/async.ts'
import { BoundedMap } from '../../base/bounded-map.ts'
import type { Clock } from '../../base/clock.ts'
import { errorMessage } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { type Rng, unit } from '../../base/random.ts'
import type { Cursor } from '../cursor.ts'
import type { Envelope } from '../model/message.ts'
import type { BridgeSink } from '../port.ts'
import { compareSnowflakes } from './probe.ts'

export interface FeedItem {
  readonly envelopes: readonly Envelope[]
  /** The channel's message stream is done up to this message once the item is committed. */
  readonly done?: { readonly channel: string; readonly messageId: string }
}

export interface FeedOptions {
  readonly account: string
  readonly sink: BridgeSink
  readonly clock: Clock
  readonly rng: Rng
  readonly log: Logger
  /** Items waiting; more are refused, and the channel has to catch up later. */
  readonly capacity?: number
  /** Called when there is room again after a refusal. */
  readonly onRoom: () => void
}

const DEFAULT_CAPACITY = 20_000
/** Events in one transaction. */
const BATCH = 100
const FIRST_RETRY_MS = 100
const MAX_RETRY_MS = 5_000
/** Cursors without events wait this long for company. */
const CURSOR_FLUSH_MS = 2_000

const MAX_CHANNELS = 10_000
const STREAM_PREFIX = 'discord/'

export function cursorStream(channel: string): string {
  return STREAM_PREFIX + channel
}

/**
 * Hands events to the sink in their order, in batches, again and again until they are committed (bridging 1.1, 17). A cursor
 * never passes an event that is not committed.
 */
export class IngestFeed {
  readonly #options: FeedOptions
  readonly #capacity: number
  #queue: FeedItem[] = []
  readonly #cursors = new Map<string, string>()
  /** Cursors as far as they were committed: late events do not turn them back. */
  readonly #committed = new BoundedMap<string, string>({ max: MAX_CHANNELS })
  /** Channels whose past is still being fetched while live events go on: their cursors must not move. */
  readonly #frozen = new Map<string, string | undefined>()
  #running = false
  #stopped = false
  #wasFull = false
  #failure: string | undefined
  #cancelFlush: (() => void) | undefined
  #wake = deferred<void>()
  #idle: (() => void)[] = []

  constructor(options: FeedOptions) {
    this.#options = options
    this.#capacity = options.capacity ?? DEFAULT_CAPACITY
  }

  get size(): number {
    return this.#queue.length
  }

  /** Why nothing can be stored at the moment. */
  get failure(): string | undefined {
    return this.#failure
  }

  /** False: full, the item was not taken. */
  push(item: FeedItem): boolean {
    if (this.#stopped) return false
    if (this.#queue.length >= this.#capacity) {
      this.#wasFull = true
      return false
    }
    this.#queue.push(item)
    if (item.envelopes.length > 0) this.#start()
    else if (this.#cancelFlush === undefined) {
      this.#cancelFlush = this.#options.clock.after(CURSOR_FLUSH_MS, () => {
        this.#cancelFlush = undefined
        this.#start()
      })
    }
    return true
  }

  /** Keeps a channel's cursor where it is until `unfreeze`. */
  freeze(channel: string): void {
    if (!this.#frozen.has(channel)) this.#frozen.set(channel, undefined)
  }

  /** Lets the cursor go to the newest message committed meanwhile. */
  unfreeze(channel: string): void {
    const newest = this.#frozen.get(channel)
    this.#frozen.delete(channel)
    if (newest !== undefined) this.push({ envelopes: [], done: { channel, messageId: newest } })
  }

  /** Resolves when everything taken so far is committed, or the signal gives up. */
  async drain(signal: AbortSignal): Promise<void> {
    if (this.#queue.length === 0 && !this.#running) return
    const idle = deferred<void>()
    this.#idle.push(idle.resolve)
    const giveUp = (): void => idle.resolve()
    signal.addEventListener('abort', giveUp, { once: true })
    this.#start()
    await idle.promise
    signal.removeEventListener('abort', giveUp)
  }

  stop(): void {
    this.#stopped = true
    this.#cancelFlush?.()
    this.#wake.resolve()
  }

  #start(): void {
    if (this.#running || this.#stopped) return
    this.#running = true
    this.#run().catch((error: unknown) => this.#options.log.error({ ev: 'discord-feed', err: error }, 'the ingest loop failed'))
  }

  async #run(): Promise<void> {
    try {
      while (this.#queue.length > 0 && !this.#stopped) await this.#commit(this.#take())
    } finally {
      this.#running = false
      for (const resolve of this.#idle.splice(0)) resolve()
    }
  }

  #take(): Envelope[] {
    const envelopes: Envelope[] = []
    let taken = 0
    for (const item of this.#queue) {
      if (envelopes.length > 0 && envelopes.length + item.envelopes.length > BATCH) break
      envelopes.push(...item.envelopes)
      if (item.done) this.#moveCursor(item.done.channel, item.done.messageId)
      taken++
    }
    this.#queue = this.#queue.slice(taken)
    return envelopes
  }

  #moveCursor(channel: string, messageId: string): void {
    const target = this.#frozen.has(channel) ? this.#frozen : this.#cursors
    const before = target.get(channel) ?? this.#committed.get(channel, 0)
    if (before === undefined || compareSnowflakes(messageId, before) > 0) target.set(channel, messageId)
  }

  async #commit(envelopes: readonly Envelope[]): Promise<void> {
    const { account, sink, rng, log } = this.#options
    const cursors: Cursor[] = [...this.#cursors].map(([channel, value]) => ({ account, stream: cursorStream(channel), value }))
    this.#cursors.clear()
    for (let attempt = 0; !this.#stopped; attempt++) {
      try {
        await sink.ingest(envelopes, cursors)
        this.#failure = undefined
        for (const { stream, value } of cursors) this.#committed.set(stream.slice(STREAM_PREFIX.length), value, 0)
        break
      } catch (error) {
        this.#failure = errorMessage(error)
        if (attempt === 0)
          log.error({ ev: 'discord-ingest-failed', err: error, events: envelopes.length }, 'incoming messages cannot be stored')
        await this.#pause((0.5 + unit(rng) / 2) * Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(attempt, 10)))
      }
    }
    if (this.#wasFull && this.#queue.length < this.#capacity / 2) {
      this.#wasFull = false
      this.#options.onRoom()
    }
  }

  async #pause(ms: number): Promise<void> {
    this.#wake = deferred<void>()
    const cancel = this.#options.clock.after(ms, this.#wake.resolve)
    if (this.#stopped) this.#wake.resolve()
    await this.#wake.promise
    cancel()
  }
}
