import { deferred } from './async.ts'

/**
 * Bounded FIFO between one producer side and one consumer. `offer` never waits (false = full or closed), `push` waits
 * for room, `take` waits for an item and answers undefined once the queue is closed and empty.
 */
export class BoundedQueue<T> {
  readonly capacity: number
  #items: T[] = []
  #head = 0
  #closed = false
  #takers: ((item: T | undefined) => void)[] = []
  #pushers: (() => void)[] = []

  constructor(capacity: number) {
    this.capacity = capacity
  }

  get size(): number {
    return this.#items.length - this.#head
  }

  get closed(): boolean {
    return this.#closed
  }

  offer(item: T): boolean {
    if (this.#closed) return false
    const taker = this.#takers.shift()
    if (taker) {
      taker(item)
      return true
    }
    if (this.size >= this.capacity) return false
    this.#items.push(item)
    return true
  }

  /** Waits until there is room; false when the queue was closed meanwhile. */
  async push(item: T): Promise<boolean> {
    while (!this.offer(item)) {
      if (this.#closed) return false
      const room = deferred<void>()
      this.#pushers.push(room.resolve)
      await room.promise
    }
    return true
  }

  /** Removes the oldest item without waiting. */
  poll(): T | undefined {
    if (this.size === 0) return undefined
    const item = this.#items[this.#head] as T
    this.#items[this.#head++] = undefined as T
    if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    this.#pushers.shift()?.()
    return item
  }

  take(): Promise<T | undefined> {
    if (this.size > 0) return Promise.resolve(this.poll())
    if (this.#closed) return Promise.resolve(undefined)
    const next = deferred<T | undefined>()
    this.#takers.push(next.resolve)
    return next.promise
  }

  /** No more items; what is queued can still be taken. */
  close(): void {
    this.#closed = true
    for (const taker of this.#takers.splice(0)) taker(undefined)
    for (const pusher of this.#pushers.splice(0)) pusher()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      const item = await this.take()
      if (item === undefined) return
      yield item
    }
  }
}
