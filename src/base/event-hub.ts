import { BoundedQueue } from './queue.ts'

export interface EventStreamOptions {
  /** Events kept for a slow reader. */
  readonly capacity: number
  /** `wait`: the source waits for room, nothing is lost. `drop`: the newest is dropped and counted, the source never waits. */
  readonly overflow: 'wait' | 'drop'
}

/** Events for one reader, in order, until closed. */
export interface EventStream<T> extends AsyncIterable<T> {
  /** The next event; undefined once closed and empty. */
  next(): Promise<T | undefined>
  /** Events dropped because the reader was too slow. */
  readonly lagged: number
  close(): void
}

class Stream<T> implements EventStream<T> {
  readonly #queue: BoundedQueue<T>
  readonly #wait: boolean
  readonly #onClose: (stream: Stream<T>) => void
  #lagged = 0

  constructor(options: EventStreamOptions, onClose: (stream: Stream<T>) => void) {
    this.#queue = new BoundedQueue(options.capacity)
    this.#wait = options.overflow === 'wait'
    this.#onClose = onClose
  }

  get lagged(): number {
    return this.#lagged
  }

  /** Undefined when the event was taken at once or dropped, else a promise of room. */
  put(event: T): Promise<unknown> | undefined {
    if (this.#queue.offer(event)) return undefined
    if (this.#wait && !this.#queue.closed) return this.#queue.push(event)
    if (!this.#queue.closed) this.#lagged++
    return undefined
  }

  next(): Promise<T | undefined> {
    return this.#queue.take()
  }

  close(): void {
    this.#queue.close()
    this.#onClose(this)
  }

  [Symbol.asyncIterator](): AsyncIterator<T> {
    return this.#queue[Symbol.asyncIterator]()
  }
}

/** Fans events out to any number of readers, each with its own bounded queue. */
export class EventHub<T> {
  readonly #streams = new Set<Stream<T>>()

  subscribe(options: EventStreamOptions): EventStream<T> {
    const stream = new Stream<T>(options, (closed) => this.#streams.delete(closed))
    this.#streams.add(stream)
    return stream
  }

  /** Hands an event to every reader; resolves when those that must not lose anything have room for it. */
  async publish(event: T): Promise<void> {
    const waits: Promise<unknown>[] = []
    for (const stream of this.#streams) {
      const wait = stream.put(event)
      if (wait !== undefined) waits.push(wait)
    }
    if (waits.length > 0) await Promise.all(waits)
  }

  /** No more events; what is queued can still be read. */
  close(): void {
    for (const stream of [...this.#streams]) stream.close()
  }
}
