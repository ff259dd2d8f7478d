import { type Rng, unit } from '../../base/random.ts'

/** A reference user is subscribed only after opening the chat, so joins are repeated (k2-application 1.3). */
const FIRST_MS = 15_000
const MAX_MS = 300_000
const GROWTH = 1.5
const JITTER = 0.2

/**
 * When to ask again to be joined: after 15 s, backing off to 5 min, until the contact or enough others are neighbours. Gossip
 * itself asks more often while a topic has no neighbour at all. Pure; jittered so that many nodes do not ask in step.
 */
export class JoinSchedule {
  readonly #rng: Rng
  #attempts = 0

  constructor(rng: Rng) {
    this.#rng = rng
  }

  /** Delay before the next join, in ms. */
  nextMs(): number {
    const delay = Math.min(MAX_MS, FIRST_MS * GROWTH ** this.#attempts++)
    return delay * (1 + JITTER * (2 * unit(this.#rng) - 1))
  }

  /** Call when the goal was reached: the next loss starts from the shortest delay. */
  reset(): void {
    this.#attempts = 0
  }
}
