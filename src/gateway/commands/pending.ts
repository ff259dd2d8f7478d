import { BoundedMap } from '../../base/bounded-map.ts'
import { toHex } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import type { Rng } from '../../base/random.ts'

/** Open questions at once; the oldest goes first. */
const MAX_PENDING = 5_000
/** How long a question can be answered, ms: the life of a Discord interaction. */
export const PENDING_MS = 15 * 60_000
const KEY_BYTES = 12

/** Questions waiting for a person's answer, each under an unguessable key and only for whoever was asked. */
export class Pending<T> {
  readonly #open = new BoundedMap<string, { readonly actor: string; readonly value: T }>({ max: MAX_PENDING, ttlMs: PENDING_MS })
  readonly #clock: Clock
  readonly #rng: Rng

  constructor(clock: Clock, rng: Rng) {
    this.#clock = clock
    this.#rng = rng
  }

  add(actor: string, value: T): string {
    const key = toHex(this.#rng.bytes(KEY_BYTES))
    this.#open.set(key, { actor, value }, this.#clock.monotonic())
    return key
  }

  /** What was asked; `foreign` when it was somebody else, undefined when it is too old or answered. */
  peek(key: string, actor: string): { readonly value: T } | 'foreign' | undefined {
    const found = this.#open.get(key, this.#clock.monotonic())
    if (found === undefined) return undefined
    return found.actor === actor ? { value: found.value } : 'foreign'
  }

  drop(key: string): void {
    this.#open.delete(key)
  }
}
