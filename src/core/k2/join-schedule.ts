import { type Rng, unit } from '../../base/random.ts'

/** A reference user is subscribed only after opening the chat, so joins are repeated (k2-application 1.3). */
const DIRECT = { firstMs: 15_000, maxMs: 300_000 }
/** A topic without any neighbour hears nothing at all and is retried sooner (gossip 7.5). */
const ISOLATED = { firstMs: 1_000, maxMs: 60_000 }
const GROWTH = 1.5
const JITTER = 0.2

export type JoinKind = 'direct' | 'isolated'

/**
 * When to ask again to be joined: after 15 s backing off to 5 min until the contact is a neighbour, or after 1 s backing off to
 * 60 s while a topic has no neighbour. Pure; jittered so that many nodes do not ask in step.
 */
export class JoinSchedule {
  readonly #rng: Rng
  readonly #limits: { readonly firstMs: number; readonly maxMs: number }
  #attempts = 0

  constructor(kind: JoinKind, rng: Rng) {
    this.#rng = rng
    this.#limits = kind === 'direct' ? DIRECT : ISOLATED
  }

  /** Delay before the next join, in ms. */
  nextMs(): number {
    const { firstMs, maxMs } = this.#limits
    const delay = Math.min(maxMs, firstMs * GROWTH ** this.#attempts++)
    return delay * (1 + JITTER * (2 * unit(this.#rng) - 1))
  }

  /** Call when the neighbour came up: the next loss starts from the shortest delay. */
  reset(): void {
    this.#attempts = 0
  }
}
