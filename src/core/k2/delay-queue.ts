import type { Clock } from '../../base/clock.ts'

/** Items held back for one key and in all; a sender that waits for receipts has one or two under way. */
const PER_KEY = 64
const IN_ALL = 2000

/** Holds items back, in order per key, until each may go on. */
export class DelayQueue<T> {
  readonly #clock: Clock
  readonly #release: (item: T) => void
  readonly #queues = new Map<string, { readonly items: T[]; readonly cancel: () => void }>()
  #size = 0

  /** @param release runs when the wait of an item is over; it may hold the item back again. */
  constructor(clock: Clock, release: (item: T) => void) {
    this.#clock = clock
    this.#release = release
  }

  get size(): number {
    return this.#size
  }

  /** Whether items of this key are waiting: later ones must line up behind them. */
  isWaiting(key: string): boolean {
    return this.#queues.has(key)
  }

  /** Takes an item that may go on in `ms`, or behind others of its key; false when there is no room. */
  hold(key: string, item: T, ms: number): boolean {
    const queue = this.#queues.get(key)
    if (this.#size >= IN_ALL || (queue?.items.length ?? 0) >= PER_KEY) return false
    this.#size++
    if (queue !== undefined) queue.items.push(item)
    else this.#queues.set(key, { items: [item], cancel: this.#clock.after(ms, () => this.#flush(key)) })
    return true
  }

  /** Lets everything waiting go, unreleased. */
  clear(): void {
    for (const { cancel } of this.#queues.values()) cancel()
    this.#queues.clear()
    this.#size = 0
  }

  /** Releases in order until an item is held back again; then the rest stays behind it. */
  #flush(key: string): void {
    const items = this.#queues.get(key)?.items ?? []
    this.#queues.delete(key)
    while (items.length > 0 && !this.#queues.has(key)) {
      this.#size--
      this.#release(items.shift() as T)
    }
    const behind = this.#queues.get(key)
    if (behind !== undefined) behind.items.push(...items)
  }
}
