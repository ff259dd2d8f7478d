import { Mutex, TaskGroup } from '../../base/async.ts'
import type { Clock } from '../../base/clock.ts'
import { errorCode, errorMessage, isK2Error } from '../../base/errors.ts'
import type { Health, Lifecycle } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/logger.ts'
import { TokenBucket } from '../../base/token-bucket.ts'
import type { Envelope } from '../../bridges/model/message.ts'
import type { Place } from '../../bridges/model/place.ts'
import type { BridgeSink } from '../../bridges/port.ts'
import { directKey, directPlace } from './model.ts'
import type { DirectService } from './service.ts'
import type { DirectStore, Waiting } from './store.ts'

/** Waits after a thread could not be opened, ms; doubling in between. */
const RETRY = { first: 5_000, longest: 600_000 }
const MAX_THREAD_NAME = 60

export interface InboxOptions {
  readonly store: DirectStore
  readonly service: DirectService
  /** The staff's channel; undefined: nobody reads what strangers write to the bot. */
  readonly place: () => Place | undefined
  readonly newPerMinute: () => number
  /** Begins a thread in the staff's channel. Rejects K2Error. */
  readonly openThread: (place: Place, title: string, signal: AbortSignal) => Promise<string>
  /** Where events of an account go. */
  readonly sink: (account: string) => BridgeSink
  readonly clock: Clock
  readonly log: Logger
}

/**
 * People who write to the bot without being in a conversation get a thread of the staff's channel (bridging 19). What they
 * write is stored before it is acknowledged, and delivered in order once the thread is there.
 */
export class Inbox implements Lifecycle {
  readonly name = 'inbox'
  readonly #o: InboxOptions
  readonly #turn = new Mutex()
  readonly #stop = new AbortController()
  readonly #tasks: TaskGroup
  /** Places whose events wait. */
  readonly #waiting = new Set<string>()
  #bucket: TokenBucket | undefined
  #perMinute = 0
  #problem: string | undefined
  #retryMs: number = RETRY.first
  #cancelTimer = (): void => {}
  #working = false

  constructor(options: InboxOptions) {
    this.#o = options
    this.#tasks = new TaskGroup((err) => options.log.warn({ ev: 'inbox-failed', err }, 'the inbox could not be worked off'))
  }

  async start(): Promise<void> {
    for (const { at } of await this.#o.store.waitingPlaces()) this.#waiting.add(at)
    this.#work()
  }

  /** Whether events of this place go the way through the inbox. */
  takes(place: Place): boolean {
    return this.#waiting.has(directKey(place)) || this.#o.place() !== undefined
  }

  isWaiting(place: Place): boolean {
    return this.#waiting.has(directKey(place))
  }

  /** Stores the event for the thread to come. Resolves after the commit. */
  take(account: string, envelope: Envelope): Promise<void> {
    return this.#turn.run(async () => {
      const key = directKey(envelope.at)
      await this.#o.store.wait(key, { account, envelope }, this.#o.clock.now())
      this.#waiting.add(key)
      this.#work()
    })
  }

  /** The conversation of the place began in another way: what waits there goes on. */
  opened(): void {
    this.#work()
  }

  async drain(): Promise<void> {
    this.#cancelTimer()
    this.#stop.abort()
    await this.#tasks.settled()
  }

  health(): Health {
    return this.#problem === undefined ? { status: 'ok' } : { status: 'degraded', reason: this.#problem }
  }

  #work(): void {
    if (this.#working || this.#stop.signal.aborted || this.#waiting.size === 0) return
    this.#working = true
    this.#tasks.add(
      this.#workOff().finally(() => {
        this.#working = false
      }),
    )
  }

  async #workOff(): Promise<void> {
    for (const { at } of await this.#o.store.waitingPlaces()) {
      if (this.#stop.signal.aborted) return
      this.#waiting.add(at)
      const { items } = await this.#o.store.waiting(at)
      const [first] = items
      if (first === undefined || (await this.#open(first))) await this.#handOver(at)
    }
    if (this.#waiting.size > 0 && this.#problem === undefined) this.#later(1_000)
  }

  /** True when the place is in a conversation. */
  async #open({ envelope }: Waiting): Promise<boolean> {
    const { service, place, openThread, clock, log } = this.#o
    if (service.at(envelope.at) !== undefined) return true
    const staff = place()
    const { author } = envelope
    if (staff === undefined) return true
    const now = clock.monotonic()
    const bucket = this.#rate(now)
    if (!bucket.take(now)) {
      this.#later(bucket.waitMs(now))
      return false
    }
    try {
      const title = `${author.displayName.slice(0, MAX_THREAD_NAME)} (${author.key.split(':', 1)[0]})`
      const thread = await openThread(staff, title, this.#stop.signal)
      await service.begin({
        kind: 'inbox',
        personKey: author.key,
        personName: author.displayName,
        person: directPlace(envelope.at),
        other: { ...staff, thread },
        otherName: title,
      })
      this.#problem = undefined
      this.#retryMs = RETRY.first
      return true
    } catch (error) {
      this.#problem = `no thread can be opened in the inbox: ${isK2Error(error) ? error.message : errorMessage(error)}`
      log.warn(
        { ev: 'inbox-thread-failed', code: errorCode(error), reason: this.#problem },
        'a thread of the inbox could not be opened',
      )
      this.#later(this.#retryMs)
      this.#retryMs = Math.min(RETRY.longest, this.#retryMs * 2)
      return false
    }
  }

  /** Delivers what waits, in order; only then does the place's next event go straight. */
  async #handOver(at: string): Promise<void> {
    const { store, sink } = this.#o
    for (;;) {
      const done = await this.#turn.run(async () => {
        const { items, taken } = await store.waiting(at)
        for (const { account, envelope } of items) await sink(account).ingest([envelope])
        if (items.length > 0) await store.drop(at, taken)
        else this.#waiting.delete(at)
        return items.length === 0
      })
      if (done) return
    }
  }

  #rate(now: number): TokenBucket {
    const perMinute = this.#o.newPerMinute()
    if (this.#bucket === undefined || this.#perMinute !== perMinute) {
      this.#bucket = new TokenBucket(perMinute / 60, perMinute, now)
      this.#perMinute = perMinute
    }
    return this.#bucket
  }

  #later(ms: number): void {
    this.#cancelTimer()
    this.#cancelTimer = this.#o.clock.after(Math.max(100, ms), () => this.#work())
  }
}
