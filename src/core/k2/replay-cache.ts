import { BoundedMap } from '../../base/bounded-map.ts'

/** Gossip forgets a message after 90 s; for a day nobody gets a message in twice (k2-application 7.3). */
const REPLAY_MS = 24 * 3600 * 1000
/** At the default rates one neighbour fills it in about an hour. */
const REPLAY_MESSAGES = 20_000

/** Message ids of the last day, and whether the application has finished with them. An id covers sender and content. */
export class ReplayCache {
  readonly #seen = new BoundedMap<string, 'taken' | 'done'>({ max: REPLAY_MESSAGES, ttlMs: REPLAY_MS })

  /** `new` the first time; later `taken`, or `done` once the application has committed the message. */
  take(messageId: string, now: number): 'new' | 'taken' | 'done' {
    const state = this.#seen.get(messageId, now)
    if (state !== undefined) return state
    this.#seen.set(messageId, 'taken', now)
    return 'new'
  }

  done(messageId: string, now: number): void {
    this.#seen.set(messageId, 'done', now)
  }

  /** The application could not take it after all: let it come again. */
  forget(messageId: string): void {
    this.#seen.delete(messageId)
  }
}
