import type { TopicEvent } from './proto/events.ts'

/** What a subscription delivers. `lagged`: so many message events were lost because the reader was too slow. */
export type GossipEvent = TopicEvent | { readonly type: 'lagged'; readonly lost: number }

const isNeighborEvent = (event: TopicEvent): boolean => event.type === 'neighborUp' || event.type === 'neighborDown'

/**
 * Bounded queue of a subscription's events for one reader. When it is full the oldest message events go, and the reader
 * is told how many; neighbour changes stay as long as there is anything else to drop.
 */
export class EventBuffer implements AsyncIterable<GossipEvent> {
  readonly #capacity: number
  readonly #onLagged: () => void
  #events: TopicEvent[] = []
  #head = 0
  #lost = 0
  #closed = false
  #takers: ((result: IteratorResult<GossipEvent, undefined>) => void)[] = []

  constructor(capacity: number, onLagged: () => void) {
    this.#capacity = capacity
    this.#onLagged = onLagged
  }

  get size(): number {
    return this.#events.length - this.#head
  }

  push(event: TopicEvent): void {
    if (this.#closed) return
    const taker = this.#takers.shift()
    if (taker !== undefined) {
      taker({ done: false, value: event })
      return
    }
    if (this.size >= this.#capacity) this.#dropOne()
    this.#events.push(event)
  }

  /** What is buffered can still be read; then the iteration ends. */
  close(): void {
    this.#closed = true
    for (const taker of this.#takers.splice(0)) taker({ done: true, value: undefined })
  }

  /** Iterations share the buffer: an event goes to one of them. Leaving a loop loses nothing, a later one goes on. */
  [Symbol.asyncIterator](): AsyncIterator<GossipEvent, undefined, undefined> {
    return {
      next: () => this.#next(),
      return: () => Promise.resolve({ done: true, value: undefined }),
    }
  }

  #next(): Promise<IteratorResult<GossipEvent, undefined>> {
    if (this.#lost > 0) {
      const value = { type: 'lagged', lost: this.#lost } as const
      this.#lost = 0
      return Promise.resolve({ done: false, value })
    }
    const value = this.#shift()
    if (value !== undefined) return Promise.resolve({ done: false, value })
    if (this.#closed) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve) => this.#takers.push(resolve))
  }

  #shift(): TopicEvent | undefined {
    if (this.size === 0) return undefined
    const event = this.#events[this.#head] as TopicEvent
    this.#head++
    if (this.#head >= 512 && this.#head * 2 >= this.#events.length) this.#compact()
    return event
  }

  #dropOne(): void {
    this.#compact()
    const at = this.#events.findIndex((event) => !isNeighborEvent(event))
    this.#events.splice(Math.max(at, 0), 1)
    this.#lost++
    this.#onLagged()
  }

  #compact(): void {
    this.#events = this.#events.slice(this.#head)
    this.#head = 0
  }
}
