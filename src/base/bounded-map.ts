export interface BoundedMapOptions {
  /** Most entries kept; the least recently set or touched one goes first. */
  readonly max: number
  /** Age in ms after which an entry is gone; omitted = no age limit. */
  readonly ttlMs?: number
}

/** Map with a size and an optional age, for everything a peer or a user could grow. `now` is passed in (ms). */
export class BoundedMap<K, V> {
  readonly #max: number
  readonly #ttlMs: number
  readonly #entries = new Map<K, { value: V; at: number }>()

  constructor(options: BoundedMapOptions) {
    this.#max = options.max
    this.#ttlMs = options.ttlMs ?? Number.POSITIVE_INFINITY
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: K, now: number): V | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    if (now - entry.at > this.#ttlMs) {
      this.#entries.delete(key)
      return undefined
    }
    return entry.value
  }

  has(key: K, now: number): boolean {
    return this.get(key, now) !== undefined
  }

  /** Sets and makes the entry the youngest; answers what was pushed out, if anything. */
  set(key: K, value: V, now: number): [K, V] | undefined {
    this.#entries.delete(key)
    this.#entries.set(key, { value, at: now })
    if (this.#entries.size <= this.#max) return undefined
    const oldest = this.#entries.entries().next().value as [K, { value: V }]
    this.#entries.delete(oldest[0])
    return [oldest[0], oldest[1].value]
  }

  delete(key: K): boolean {
    return this.#entries.delete(key)
  }

  /** Drops entries older than the age limit. */
  sweep(now: number): void {
    for (const [key, entry] of this.#entries) {
      if (now - entry.at <= this.#ttlMs) break
      this.#entries.delete(key)
    }
  }

  *entries(): IterableIterator<[K, V]> {
    for (const [key, entry] of this.#entries) yield [key, entry.value]
  }
}
