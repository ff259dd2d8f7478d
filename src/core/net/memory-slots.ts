/** Streams of one direction a peer may have open before it was told otherwise (discovery 16). */
const DEFAULT_MAX_STREAMS = 100

/** Streams opened by one end, kept at the other: silent ones wait until they, or a later one, carry something. */
export class StreamInbox<T> {
  readonly #streams: T[] = []
  readonly #waiting: { resolve(item: T): void; reject(error: unknown): void }[] = []
  readonly #ready: T[] = []
  #surfaced = 0
  #error: unknown

  add(stream: T): number {
    return this.#streams.push(stream) - 1
  }

  surface(index: number): void {
    for (; this.#surfaced <= index; this.#surfaced++) {
      const stream = this.#streams[this.#surfaced] as T
      const waiter = this.#waiting.shift()
      if (waiter) waiter.resolve(stream)
      else this.#ready.push(stream)
    }
  }

  take(): Promise<T> {
    const ready = this.#ready.shift()
    if (ready !== undefined) return Promise.resolve(ready)
    if (this.#error !== undefined) return Promise.reject(this.#error)
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  /** Streams that arrived before can still be taken, unless `drop` is set. */
  fail(error: unknown, drop: boolean): void {
    this.#error ??= error
    if (drop) this.#ready.length = 0
    for (const waiter of this.#waiting.splice(0)) waiter.reject(error)
  }
}

/** Slots for streams this end opens; the other end hands out more as streams end. */
export class StreamSlots {
  #allowed = DEFAULT_MAX_STREAMS
  #opened = 0
  readonly #waiting: { go(): void; fail(error: unknown): void }[] = []

  raise(allowed: number): void {
    this.#allowed = Math.max(this.#allowed, allowed)
    while (this.#opened < this.#allowed && this.#waiting.length > 0) {
      this.#opened++
      this.#waiting.shift()?.go()
    }
  }

  take(): Promise<void> {
    if (this.#opened < this.#allowed) {
      this.#opened++
      return Promise.resolve()
    }
    return new Promise((go, fail) => this.#waiting.push({ go, fail }))
  }

  fail(error: unknown): void {
    for (const waiter of this.#waiting.splice(0)) waiter.fail(error)
  }
}

/** What one end lets the other open, handed out as QUIC does it: in steps of more than an eighth of the limit. */
export class StreamGrant {
  #limit = DEFAULT_MAX_STREAMS
  #ended = 0
  #told = DEFAULT_MAX_STREAMS

  /** How many streams the other side may have opened in all, when it is worth telling. */
  streamEnded(): number | undefined {
    this.#ended++
    return this.#news(this.#limit / 8)
  }

  setLimit(limit: number): number | undefined {
    this.#limit = limit
    return this.#news(0)
  }

  #news(worthTelling: number): number | undefined {
    const allowed = this.#ended + this.#limit
    if (allowed - this.#told <= worthTelling) return undefined
    this.#told = allowed
    return allowed
  }
}
