import { HOT, NO_KEY, type Rarity, RECORD } from './record.ts'
import type { DocumentStore } from './store.ts'

/**
 * Immutable part of the index: records of one anchor lie next to each other, eight words each (section 13.3). Built in steps, so that
 * nothing waits for it.
 */
export class PackedIndex {
  readonly words: Uint32Array
  readonly floats: Float32Array
  readonly hot: Uint8Array
  readonly #table: AnchorTable
  /** Dense ids below this are in the index or gone. */
  readonly covered: number

  constructor(words: Uint32Array, hot: Uint8Array, table: AnchorTable, covered: number) {
    this.words = words
    this.floats = new Float32Array(words.buffer)
    this.hot = hot
    this.#table = table
    this.covered = covered
  }

  static empty(): PackedIndex {
    return new PackedIndex(new Uint32Array(0), new Uint8Array(0), new AnchorTable(0), 0)
  }

  /** First record and count of an anchor; −1 when it has none. `second` is NO_KEY for single anchors. */
  find(first: number, second: number): number {
    return this.#table.find(first, second)
  }
  startOf(slot: number): number {
    return this.#table.starts[slot] as number
  }
  endOf(slot: number): number {
    return (this.#table.starts[slot] as number) + (this.#table.counts[slot] as number)
  }
  get bytes(): number {
    return this.words.byteLength + this.hot.byteLength + this.#table.bytes
  }
}

/** Open-addressing table from a pair of keys to a range of records. */
export class AnchorTable {
  #keys: Uint32Array
  starts: Uint32Array
  counts: Uint32Array
  #used = 0

  constructor(capacity: number) {
    let size = 16
    while (size * 7 < capacity * 10) size *= 2
    this.#keys = new Uint32Array(size * 2).fill(NO_KEY)
    this.starts = new Uint32Array(size)
    this.counts = new Uint32Array(size)
  }

  get bytes(): number {
    return this.#keys.byteLength + this.starts.byteLength + this.counts.byteLength
  }

  find(first: number, second: number): number {
    const mask = this.starts.length - 1
    for (let slot = hash(first, second) & mask; ; slot = (slot + 1) & mask) {
      const key = this.#keys[slot * 2] as number
      if (key === NO_KEY) return -1
      if (key === first && this.#keys[slot * 2 + 1] === second) return slot
    }
  }

  insert(first: number, second: number): number {
    if ((this.#used + 1) * 10 > this.starts.length * 7) this.#grow()
    const mask = this.starts.length - 1
    for (let slot = hash(first, second) & mask; ; slot = (slot + 1) & mask) {
      const key = this.#keys[slot * 2] as number
      if (key === first && this.#keys[slot * 2 + 1] === second) return slot
      if (key !== NO_KEY) continue
      this.#keys[slot * 2] = first
      this.#keys[slot * 2 + 1] = second
      this.#used++
      return slot
    }
  }

  #grow(): void {
    const [keys, starts, counts] = [this.#keys, this.starts, this.counts]
    this.#keys = new Uint32Array(keys.length * 2).fill(NO_KEY)
    this.starts = new Uint32Array(starts.length * 2)
    this.counts = new Uint32Array(counts.length * 2)
    this.#used = 0
    for (let i = 0; i < starts.length; i++) {
      if (keys[i * 2] === NO_KEY) continue
      const slot = this.insert(keys[i * 2] as number, keys[i * 2 + 1] as number)
      this.starts[slot] = starts[i] as number
      this.counts[slot] = counts[i] as number
    }
  }

  /** Turns counts into starts. */
  layOut(): number {
    let next = 0
    for (let slot = 0; slot < this.starts.length; slot++) {
      this.starts[slot] = next
      next += this.counts[slot] as number
    }
    return next
  }
}

function hash(first: number, second: number): number {
  let h = Math.imul(first ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(second + 0x7f4a7c15, 0xc2b2ae35)
  h ^= h >>> 15
  h = Math.imul(h, 0x2c1b3c6d)
  return (h ^ (h >>> 13)) >>> 0
}

/** Bits the anchors of a rebuild are counted by. */
const ESTIMATE_BITS = 1 << 22

/** Number of different things that set these bits, each one of them (linear counting). */
function estimated(bits: Uint32Array): number {
  let set = 0
  for (let i = 0; i < bits.length; i++) {
    let word = bits[i] as number
    for (; word !== 0; word &= word - 1) set++
  }
  const zero = Math.max(1, ESTIMATE_BITS - set)
  return Math.min(ESTIMATE_BITS * 16, Math.round(-ESTIMATE_BITS * Math.log(zero / ESTIMATE_BITS)))
}

/** Builds a packed index over the living documents of a store in passes of small steps. */
export class Rebuild {
  readonly #store: DocumentStore
  readonly #rarity: Rarity
  readonly #covered: number
  #stage: 'single' | 'estimate' | 'pair' | 'fill' = 'single'
  #at = 0
  readonly #single: Uint32Array
  readonly #hot: Uint8Array
  #table = new AnchorTable(0)
  /** One bit per hash of an anchor; how many stay unset tells how many anchors there are. */
  #bits = new Uint32Array(0)
  #fills = new Uint32Array(0)
  #words = new Uint32Array(0)

  constructor(store: DocumentStore, rarity: Rarity) {
    this.#store = store
    this.#rarity = rarity
    this.#covered = store.size
    this.#single = new Uint32Array(store.keyCount)
    this.#hot = new Uint8Array(store.keyCount)
  }

  /** Works on at most so many documents; the finished index, or undefined when there is more to do. */
  step(documents: number): PackedIndex | undefined {
    const end = Math.min(this.#covered, this.#at + documents)
    for (; this.#at < end; this.#at++) {
      if (!this.#store.isAlive(this.#at)) continue
      this.#store.forAnchors(this.#at, this.#rarity, (first, second) => this.#visit(first, second))
    }
    if (this.#at < this.#covered) return undefined
    return this.#next()
  }

  #next(): PackedIndex | undefined {
    this.#at = 0
    if (this.#stage === 'single') {
      for (let key = 0; key < this.#single.length; key++) this.#hot[key] = (this.#single[key] as number) > HOT ? 1 : 0
      this.#bits = new Uint32Array(ESTIMATE_BITS / 32)
      this.#stage = 'estimate'
      return undefined
    }
    if (this.#stage === 'estimate') {
      // Made in its final size: growing it would be the longest pause of all.
      this.#table = new AnchorTable(Math.ceil(estimated(this.#bits) * 1.05))
      this.#bits = new Uint32Array(0)
      this.#stage = 'pair'
      return undefined
    }
    if (this.#stage === 'pair') {
      const records = this.#table.layOut()
      this.#fills = this.#table.starts.slice()
      this.#words = new Uint32Array(records * RECORD)
      this.#stage = 'fill'
      return undefined
    }
    return new PackedIndex(this.#words, this.#hot, this.#table, this.#covered)
  }

  #visit(first: number, second: number): void {
    if (this.#stage === 'single') {
      this.#single[first] = (this.#single[first] as number) + 1
      return
    }
    const pair = this.#hot[first] === 1 ? second : NO_KEY
    if (this.#stage === 'estimate') {
      const bit = hash(first, pair) & (ESTIMATE_BITS - 1)
      this.#bits[bit >>> 5] = (this.#bits[bit >>> 5] as number) | (1 << (bit & 31))
      return
    }
    if (this.#stage === 'pair') {
      const slot = this.#table.insert(first, pair)
      this.#table.counts[slot] = (this.#table.counts[slot] as number) + 1
      return
    }
    const slot = this.#table.find(first, pair)
    const record = this.#fills[slot] as number
    // A document that died since it was counted leaves its place unused at the end.
    this.#fills[slot] = record + 1
    this.#store.write(this.#at, this.#words, record * RECORD, first, pair)
  }
}
