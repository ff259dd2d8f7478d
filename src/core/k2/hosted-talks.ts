import type { Clock } from '../../base/clock.ts'
import { TokenBucket } from '../../base/token-bucket.ts'

/** Direct conversations with or of hosted people that are listened to at once; the one longest silent is left first. */
export const MAX_HOSTED_TALKS = 200
/** Listened to for so long after the last word. */
export const HOSTED_TALK_IDLE_MS = 24 * 3600_000
/** Conversations begun by senders that are only claimed: joining one dials whom the message names. */
const STRANGERS = { perSecond: 0.1, burst: 10 }

export interface HostedTalksOptions {
  readonly clock: Clock
  /** Ends listening to a topic, by its name. */
  readonly leave: (topic: string) => void
  readonly max?: number
  readonly idleMs?: number
}

/** For how long this node stays on the direct topics of hosted people (k2-application 2.7). */
export class HostedTalks {
  readonly #options: HostedTalksOptions
  readonly #max: number
  readonly #idleMs: number
  readonly #strangers: TokenBucket
  /** When each topic was last used, longest silent first. */
  readonly #usedAt = new Map<string, number>()
  #cancel: (() => void) | undefined

  constructor(options: HostedTalksOptions) {
    const { clock, max = MAX_HOSTED_TALKS, idleMs = HOSTED_TALK_IDLE_MS } = options
    this.#options = options
    this.#max = max
    this.#idleMs = idleMs
    this.#strangers = new TokenBucket(STRANGERS.perSecond, STRANGERS.burst, clock.now())
  }

  /** Whether one more conversation may begin because of a message anybody may have written. */
  mayBegin(topic: string): boolean {
    return this.#usedAt.has(topic) || this.#strangers.take(this.#options.clock.now())
  }

  /** A conversation begins, or goes on. */
  used(topic: string): void {
    this.#usedAt.delete(topic)
    this.#usedAt.set(topic, this.#options.clock.now())
    if (this.#usedAt.size > this.#max) this.#leave(this.#usedAt.keys().next().value as string)
    this.#schedule()
  }

  /** A word on a topic, if it is one of these. */
  heard(topic: string): void {
    if (this.#usedAt.has(topic)) this.used(topic)
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#usedAt.clear()
  }

  #leave(topic: string): void {
    this.#usedAt.delete(topic)
    this.#options.leave(topic)
  }

  #schedule(): void {
    const oldest = this.#usedAt.values().next().value
    if (this.#cancel !== undefined || oldest === undefined) return
    const { clock } = this.#options
    this.#cancel = clock.after(Math.max(0, oldest + this.#idleMs - clock.now()), () => {
      this.#cancel = undefined
      for (const [topic, at] of [...this.#usedAt]) if (clock.now() - at >= this.#idleMs) this.#leave(topic)
      this.#schedule()
    })
  }
}
