import { pick, type Rng, shuffled } from '../../../base/random.ts'

/** Insertion-ordered set with uniform random choice. Meant for views of a few dozen members. */
export class IndexSet<T> {
  readonly #items: T[] = []

  get size(): number {
    return this.#items.length
  }

  has(item: T): boolean {
    return this.#items.includes(item)
  }

  /** False when it was there already. */
  add(item: T): boolean {
    if (this.has(item)) return false
    this.#items.push(item)
    return true
  }

  delete(item: T): boolean {
    const at = this.#items.indexOf(item)
    if (at < 0) return false
    this.#items.splice(at, 1)
    return true
  }

  /** A copy in insertion order. */
  values(): T[] {
    return this.#items.slice()
  }

  /** A uniformly chosen member for which `skip` does not hold. */
  pick(rng: Rng, skip: (item: T) => boolean = () => false): T | undefined {
    return pick(
      rng,
      this.#items.filter((item) => !skip(item)),
    )
  }

  /** `count` members in random order (fewer when there are fewer), without `exclude`. */
  sample(rng: Rng, count: number, exclude?: T): T[] {
    return shuffled(
      rng,
      this.#items.filter((item) => item !== exclude),
    ).slice(0, count)
  }
}

/** Set that forgets its oldest member when it grows past `max`. */
export class CappedSet<T> {
  readonly #max: number
  readonly #items = new Set<T>()

  constructor(max: number) {
    this.#max = max
  }

  has(item: T): boolean {
    return this.#items.has(item)
  }

  add(item: T): void {
    this.#items.add(item)
    if (this.#items.size > this.#max) this.#items.delete(this.#items.values().next().value as T)
  }

  delete(item: T): boolean {
    return this.#items.delete(item)
  }
}

/** Set of strings whose members are visited in ascending order (gossip 8.1); few members, so order is kept on insertion. */
export class SortedSet<T extends string> {
  readonly #items: T[] = []

  get size(): number {
    return this.#items.length
  }

  has(item: T): boolean {
    return this.#items.includes(item)
  }

  add(item: T): void {
    if (this.has(item)) return
    const at = this.#items.findIndex((other) => other > item)
    this.#items.splice(at < 0 ? this.#items.length : at, 0, item)
  }

  delete(item: T): boolean {
    const at = this.#items.indexOf(item)
    if (at < 0) return false
    this.#items.splice(at, 1)
    return true
  }

  /** The live list, ascending. Not to be changed or kept. */
  values(): readonly T[] {
    return this.#items
  }
}

/** Map whose entries expire a fixed time after they were last set; also bounded by a total cost, oldest dropped first. */
export class TimeBoundCache<K, V> {
  readonly #retentionMs: number
  readonly #maxCost: number
  readonly #costOf: (value: V) => number
  readonly #entries = new Map<K, { value: V; expires: number }>()
  #cost = 0

  /** @param costOf what an entry counts towards `maxCost`; 1 by default, so that `maxCost` is a number of entries. */
  constructor(retentionMs: number, maxCost: number, costOf: (value: V) => number = () => 1) {
    this.#retentionMs = retentionMs
    this.#maxCost = maxCost
    this.#costOf = costOf
  }

  get size(): number {
    return this.#entries.size
  }

  get cost(): number {
    return this.#cost
  }

  has(key: K): boolean {
    return this.#entries.has(key)
  }

  get(key: K): V | undefined {
    return this.#entries.get(key)?.value
  }

  /** Sets the entry; an old one with this key is replaced and its expiry moved. */
  set(key: K, value: V, now: number): void {
    this.#drop(key)
    this.#entries.set(key, { value, expires: now + this.#retentionMs })
    this.#cost += this.#costOf(value)
    for (const oldest of this.#entries.keys()) {
      if (this.#cost <= this.#maxCost || oldest === key) break
      this.#drop(oldest)
    }
  }

  delete(key: K): boolean {
    const had = this.#entries.has(key)
    this.#drop(key)
    return had
  }

  /** Removes what expired at or before `now`. Entries are in order of expiry because the retention is fixed. */
  sweep(now: number): void {
    for (const [key, entry] of this.#entries) {
      if (entry.expires > now) break
      this.#drop(key)
    }
  }

  #drop(key: K): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    this.#entries.delete(key)
    this.#cost -= this.#costOf(entry.value)
  }
}
