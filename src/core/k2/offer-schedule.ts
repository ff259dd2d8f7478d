import { type Rng, unit } from '../../base/random.ts'
import { TokenBucket } from '../../base/token-bucket.ts'

/** A reference buyer listens for 300 s and takes the first copy, so new offers are repeated often at first (k2-application 2.7). */
const FAST_MS = 60_000
const FAST_EVERY_MS = 5_000
const FAST_JITTER = 0.1
const SLOW_MIN_MS = 15_000
const SLOW_MAX_MS = 30_000
/** Messages per second one topic gets from us in repeats; more offers share it by turns. */
const TOPIC_BUDGET = { perSecond: 2, burst: 4 }
/** More active intents of one node would only wait for each other. */
export const MAX_ACTIVE_OFFERS = 500

/** Time to the next copy of an offer that has been active for `activeMs`. */
function repeatDelayMs(activeMs: number, rng: Rng): number {
  if (activeMs < FAST_MS) return FAST_EVERY_MS * (1 + FAST_JITTER * (2 * unit(rng) - 1))
  return SLOW_MIN_MS + (SLOW_MAX_MS - SLOW_MIN_MS) * unit(rng)
}

interface Entry {
  readonly topic: string
  readonly since: number
  dueAt: number
}

/**
 * Decides which offers are sent when: at once, every 5 s for a minute, then every 15 to 30 s, at most 2 messages per second and
 * topic; whoever waited longest goes first, so many offers rotate. Pure; `now` in ms.
 */
export class OfferSchedule {
  readonly #rng: Rng
  readonly #entries = new Map<string, Entry>()
  readonly #budgets = new Map<string, TokenBucket>()

  constructor(rng: Rng) {
    this.#rng = rng
  }

  get size(): number {
    return this.#entries.size
  }

  /** Starts or restarts the repeats of an offer; false when there are too many already. */
  add(id: string, topic: string, now: number): boolean {
    if (!this.#entries.has(id) && this.#entries.size >= MAX_ACTIVE_OFFERS) return false
    this.#entries.set(id, { topic, since: now, dueAt: now })
    return true
  }

  remove(id: string): void {
    const topic = this.#entries.get(id)?.topic
    this.#entries.delete(id)
    if (topic !== undefined && ![...this.#entries.values()].some((entry) => entry.topic === topic)) this.#budgets.delete(topic)
  }

  /** Offers to send now, longest overdue first, and in how many ms to ask again (undefined: nothing to repeat). */
  due(now: number): { readonly send: readonly string[]; readonly nextMs: number | undefined } {
    const send: string[] = []
    let nextAt = Number.POSITIVE_INFINITY
    for (const [id, entry] of [...this.#entries].sort((a, b) => a[1].dueAt - b[1].dueAt)) {
      const budget = this.#budget(entry.topic, now)
      if (entry.dueAt <= now && budget.take(now)) {
        send.push(id)
        entry.dueAt = now + repeatDelayMs(now - entry.since, this.#rng)
        nextAt = Math.min(nextAt, entry.dueAt)
      } else nextAt = Math.min(nextAt, Math.max(entry.dueAt, now + budget.waitMs(now)))
    }
    return { send, nextMs: nextAt === Number.POSITIVE_INFINITY ? undefined : Math.max(0, nextAt - now) }
  }

  #budget(topic: string, now: number): TokenBucket {
    const known = this.#budgets.get(topic)
    if (known !== undefined) return known
    const budget = new TokenBucket(TOPIC_BUDGET.perSecond, TOPIC_BUDGET.burst, now)
    this.#budgets.set(topic, budget)
    return budget
  }
}
