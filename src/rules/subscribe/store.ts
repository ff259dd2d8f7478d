import { floatBits, GrowingF64, GrowingU32 } from '../match/growing.ts'
import { IdPool } from './id-pool.ts'
import {
  EXACT,
  FLAGS,
  ID,
  IN_POOL,
  KEY_A,
  KEY_B,
  MAX,
  MAX_RANK,
  MIN,
  NO_KEY,
  RANK_SHIFT,
  type Rarity,
  SIG_HIGH,
  SIG_LOW,
} from './record.ts'

/** Subscription flags; the low byte is also in the packed records. */
export const WANT_OFFERS = 1
export const WANT_REQUESTS = 2
export const UNPRICED = 4
export const PRICED = 8
/** Needs the check of the cold store. */
export const COLD = 16
/** The keys are alternatives of one group, each an anchor of its own. */
export const ALTERNATIVES = 32
const FLAG_BITS = 8
const FLAG_MASK = (1 << FLAG_BITS) - 1

/** Compact rows of all subscriptions by dense id: keys, price bounds in the base currency, flags. */
export class DocumentStore {
  #pool = new GrowingU32(4_096)
  readonly #keyStart = new GrowingU32()
  /** Flags in the low byte, the number of keys above it. */
  readonly #flags = new GrowingU32()
  /** One bit per row: small enough to stay in the cache of the processor. */
  readonly #alive = new GrowingU32()
  readonly min = new GrowingF64()
  readonly max = new GrowingF64()
  readonly ids = new IdPool()
  readonly #free: number[] = []
  /** Pool words of removed documents. */
  #waste = 0
  keyCount = 0

  get size(): number {
    return this.ids.length
  }
  get bytes(): number {
    return (
      this.ids.bytes +
      this.#pool.data.byteLength +
      this.#keyStart.data.byteLength * 2 +
      this.#alive.data.byteLength +
      this.min.data.byteLength * 2
    )
  }

  /** `reuse`: rows that are free may be taken; not while an index is being built over them. */
  add(id: string, keys: readonly number[], flags: number, min: number, max: number, reuse: boolean): number {
    const dense = (reuse ? this.#free.pop() : undefined) ?? this.ids.length
    this.ids.set(dense, id)
    this.#keyStart.ensure(dense + 1)
    this.#flags.ensure(dense + 1)
    this.#alive.ensure((dense >>> 5) + 1)
    this.#keyStart.data[dense] = this.#pool.length
    this.#flags.data[dense] = (flags & FLAG_MASK) | (keys.length << FLAG_BITS)
    const word = dense >>> 5
    this.#alive.data[word] = (this.#alive.data[word] as number) | (1 << (dense & 31))
    for (let i = 0; i < keys.length; i++) this.#pool.push(keys[i] as number)
    this.min.set(dense, min)
    this.max.set(dense, max)
    return dense
  }

  remove(dense: number): void {
    const word = dense >>> 5
    this.#alive.data[word] = (this.#alive.data[word] as number) & ~(1 << (dense & 31))
    this.#waste += this.#countOf(dense)
    this.#flags.data[dense] = this.flags(dense)
    this.ids.clear(dense)
  }

  /** Dense ids that no index mentions any more may be given out again. */
  free(dense: number): void {
    this.#free.push(dense)
  }

  isAlive(dense: number): boolean {
    return ((this.#alive.data[dense >>> 5] as number) & (1 << (dense & 31))) !== 0
  }
  flags(dense: number): number {
    return (this.#flags.data[dense] as number) & FLAG_MASK
  }
  #countOf(dense: number): number {
    return (this.#flags.data[dense] as number) >>> FLAG_BITS
  }
  keysOf(dense: number): Uint32Array {
    const start = this.#keyStart.data[dense] as number
    return this.#pool.data.subarray(start, start + this.#countOf(dense))
  }
  /** Number of required keys: how specific the search is. */
  specificity(dense: number): number {
    return (this.flags(dense) & ALTERNATIVES) !== 0 ? 1 : this.#countOf(dense)
  }

  /** The keys a document is filed under: its rarest and second-rarest, or each alternative. */
  forAnchors(dense: number, rarity: Rarity, visit: (first: number, second: number) => void): void {
    const start = this.#keyStart.data[dense] as number
    const end = start + this.#countOf(dense)
    const keys = this.#pool.data
    if ((this.flags(dense) & ALTERNATIVES) !== 0) {
      for (let i = start; i < end; i++) visit(keys[i] as number, NO_KEY)
      return
    }
    let first = NO_KEY
    let second = NO_KEY
    let least = Number.POSITIVE_INFINITY
    let next = Number.POSITIVE_INFINITY
    for (let i = start; i < end; i++) {
      const key = keys[i] as number
      const rank = rarity(key)
      if (rank < least || (rank === least && key < first)) {
        second = first
        next = least
        first = key
        least = rank
      } else if (rank < next || (rank === next && key < second)) {
        second = key
        next = rank
      }
    }
    if (first !== NO_KEY) visit(first, second)
  }

  /** Writes the packed record of a document filed under (first, second). */
  write(dense: number, words: Uint32Array, at: number, first: number, second: number): void {
    const keys = this.keysOf(dense)
    const flags = this.flags(dense)
    const alternatives = (flags & ALTERNATIVES) !== 0
    let low = 0
    let high = 0
    let rest = 0
    words[at + KEY_A] = NO_KEY
    words[at + KEY_B] = NO_KEY
    if (!alternatives) {
      for (let i = 0; i < keys.length; i++) {
        const key = keys[i] as number
        const bit = signatureBit(key)
        if (bit < 32) low |= 1 << bit
        else high |= 1 << (bit - 32)
        if (key === first || key === second) continue
        if (rest < 2) words[at + KEY_A + rest] = key
        rest++
      }
    }
    const min = this.min.data[dense] as number
    const max = this.max.data[dense] as number
    const exact = Math.fround(min) === min && Math.fround(max) === max
    const rank = MAX_RANK - Math.min(MAX_RANK, alternatives ? 1 : keys.length)
    words[at + ID] = dense
    words[at + SIG_LOW] = low
    words[at + SIG_HIGH] = high
    words[at + MIN] = floatBits(min, true)
    words[at + MAX] = floatBits(max, false)
    words[at + FLAGS] = (flags & 0xff) | (rest > 2 ? IN_POOL : 0) | (exact ? EXACT : 0) | (rank << RANK_SHIFT)
  }

  /** Rewrites a pool when more than half of it belongs to removed documents. */
  tidy(): void {
    this.ids.tidy()
    if (this.#waste * 2 < this.#pool.length) return
    const pool = new GrowingU32(Math.max(4_096, this.#pool.length - this.#waste))
    for (let dense = 0; dense < this.size; dense++) {
      if (!this.isAlive(dense)) continue
      const keys = this.keysOf(dense)
      this.#keyStart.data[dense] = pool.length
      for (const key of keys) pool.push(key)
    }
    this.#pool = pool
    this.#waste = 0
  }

  /** What gives back the room rows grew into but do not need, array by array. */
  trims(): (() => void)[] {
    return [
      () => this.ids.trim(),
      () => this.#pool.trim(this.#pool.length),
      () => this.#keyStart.trim(this.size),
      () => this.#flags.trim(this.size),
      () => this.min.trim(this.size),
      () => this.max.trim(this.size),
    ]
  }
}

export function signatureBit(key: number): number {
  return (Math.imul(key, 0x9e3779b1) >>> 26) & 63
}
