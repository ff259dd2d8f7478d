import { abortedError, type Deferred, deferred, sleep } from '../../base/async.ts'
import { isK2Error } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { Envelope } from '../model/message.ts'
import type { BridgeSink } from '../port.ts'

/** Events committed together; more would make one commit noticeably slow. */
const BATCH = 50
const FIRST_RETRY_MS = 200
const MAX_RETRY_MS = 5_000

interface Waiting {
  readonly envelopes: readonly Envelope[]
  readonly done: Deferred<void>
}

/**
 * Hands events to the pipeline in order, several per commit when they come fast, and tries again until they are committed: a
 * gossip message cannot be fetched a second time. The caller bounds how many wait here.
 */
export class OrderedIngest {
  readonly #sink: BridgeSink
  readonly #log: Logger
  readonly #stop = new AbortController()
  #waiting: Waiting[] = []
  #running: Promise<void> | undefined

  constructor(sink: BridgeSink, log: Logger) {
    this.#sink = sink
    this.#log = log
  }

  /** Resolves once the events are committed; rejects `ABORTED` when stopped before. */
  add(envelopes: readonly Envelope[]): Promise<void> {
    if (envelopes.length === 0) return Promise.resolve()
    const done = deferred<void>()
    this.#waiting.push({ envelopes, done })
    this.#running ??= this.#run()
    return done.promise
  }

  /** Resolves when everything added so far is committed. */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  /** Gives up waiting events; their senders' retries or the next refresh bring them again. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.settled()
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    // Events that arrive in the same turn belong into one commit.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const batch = this.#take()
      try {
        await this.#commit(batch.flatMap((one) => one.envelopes))
        for (const one of batch) one.done.resolve()
      } catch (error) {
        for (const one of [...batch, ...this.#waiting.splice(0)]) one.done.reject(error)
      }
    }
    this.#running = undefined
  }

  #take(): Waiting[] {
    let events = 0
    let count = 0
    for (const one of this.#waiting) {
      if (count > 0 && events + one.envelopes.length > BATCH) break
      events += one.envelopes.length
      count++
    }
    return this.#waiting.splice(0, count)
  }

  async #commit(envelopes: readonly Envelope[]): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      if (this.#stop.signal.aborted) throw abortedError(this.#stop.signal)
      try {
        return await this.#sink.ingest(envelopes)
      } catch (err) {
        if (this.#stop.signal.aborted) throw abortedError(this.#stop.signal)
        const level = isK2Error(err) && err.kind === 'closed' ? 'debug' : 'warn'
        this.#log[level](
          { ev: 'ingest-failed', count: envelopes.length, attempt, err },
          'peer messages are not stored yet; trying again',
        )
        await sleep(Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** attempt), this.#stop.signal)
      }
    }
  }
}
