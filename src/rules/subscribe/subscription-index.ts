import { K2Error } from '../../base/errors.ts'
import type { SearchDocument } from '../match/document.ts'
import { GrowingF64, roomFor } from '../match/growing.ts'
import { type Converter, converter } from '../match/rates.ts'
import { DEFAULT_VOCABULARY, type Vocabulary } from '../match/vocabulary.ts'
import { type ColdQuery, coldQuery, isPlain } from './cold.ts'
import { Delta } from './delta.ts'
import { IdTable } from './id-table.ts'
import { SubscriptionKeys } from './keys.ts'
import { PackedIndex, Rebuild } from './packed.ts'
import type { SubscriptionQuery } from './query.ts'
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
  RECORD,
  ROW_BITS,
  ROW_MASK,
  SIG_HIGH,
  SIG_LOW,
} from './record.ts'
import { ALTERNATIVES, COLD, DocumentStore, PRICED, signatureBit, UNPRICED, WANT_OFFERS, WANT_REQUESTS } from './store.ts'

export interface SubscriptionIndexOptions {
  /** Most subscriptions held. */
  readonly max?: number
  readonly vocabulary?: Vocabulary
  /** Currency the packed price bounds are kept in. */
  readonly base?: string
}

/** Subscriptions one intent hits; handles are valid until the next change of the index. */
export interface SubscriptionHits {
  readonly handles: Uint32Array
  /** More than 10,000 hits: searches too broad, the operator is warned. */
  readonly broad: boolean
}

const MAX_SUBSCRIPTIONS = 5_000_000
const BROAD_HITS = 10_000
const DELTA_MAX = 20_000
/** Intents after which the counted frequencies are halved. */
const DECAY_EVERY = 20_000

/**
 * Reverse search: the stored queries are the documents, each new intent is the query (section 13.3). Additions are found at once;
 * `rebuildStep` moves them into the packed part bit by bit, searches going on meanwhile.
 */
export class SubscriptionIndex {
  readonly #max: number
  readonly #vocabulary: Vocabulary
  readonly #base: string
  readonly #store = new DocumentStore()
  readonly #cold = new Map<number, ColdQuery>()
  readonly #handles = new IdTable(this.#store.ids)
  readonly #keys: SubscriptionKeys
  readonly #seen = new GrowingF64()
  readonly #uses = new GrowingF64()
  #seenTotal = 0
  #packed = PackedIndex.empty()
  #packedDead: number[] = []
  #delta = new Delta()
  /** What is left to be done behind a rebuild: arrays that grew give room back, one in a step. */
  #trims: (() => void)[] = []
  #rebuild: { readonly work: Rebuild; readonly dead: number[] } | undefined
  #marks = new Uint32Array(1_024)
  #generation = 0
  #hits = new Uint32Array(1_024)
  #hitMarks = new Uint32Array(1_024)
  #present = new Uint32Array(1_024)

  constructor(options: SubscriptionIndexOptions = {}) {
    this.#max = options.max ?? MAX_SUBSCRIPTIONS
    this.#vocabulary = options.vocabulary ?? DEFAULT_VOCABULARY
    this.#keys = new SubscriptionKeys(this.#vocabulary)
    this.#base = options.base ?? 'USD'
  }

  get size(): number {
    return this.#handles.size
  }
  /** Additions not yet in the packed part; above 20,000 a rebuild is due. */
  get deltaSize(): number {
    return this.#delta.rows
  }
  get rebuildDue(): boolean {
    return this.#trims.length > 0 || this.#delta.rows > DELTA_MAX || this.#packedDead.length > Math.max(DELTA_MAX, this.size / 5)
  }
  /** Bytes of the typed arrays and tables, ids with them, without the strings of words. */
  get bytes(): number {
    return (
      this.#packed.bytes +
      this.#store.bytes +
      this.#handles.bytes +
      this.#marks.byteLength +
      this.#hitMarks.byteLength +
      this.#seen.data.byteLength * 2
    )
  }

  has(id: string): boolean {
    return this.#handles.get(id) !== undefined
  }
  /** External id of a handle. */
  id(handle: number): string {
    return this.#store.ids.get(handle)
  }
  /** Number of required keys; caps drop the least specific search first. */
  specificity(handle: number): number {
    return this.#store.specificity(handle)
  }
  /** Share of recent intents that have a word, for `acceptQuery`. */
  share(key: string): number {
    const number = this.#keys.ofWord(key)
    return number === undefined || this.#seenTotal === 0 ? 0 : (this.#seen.data[number] ?? 0) / this.#seenTotal
  }

  /** Adds or replaces a subscription; found from the next intent on. Throws K2Error SUBSCRIPTIONS_FULL. */
  add(id: string, query: SubscriptionQuery): void {
    this.remove(id)
    if (this.#handles.size >= this.#max)
      throw new K2Error({ code: 'SUBSCRIPTIONS_FULL', kind: 'limit', message: 'no room for another saved search' })
    const { keys: required, single } = this.#keys.required(query)
    const keys = required.length > 0 ? required : this.#keys.alternatives(query)
    const price = query.price
    const foreign = price !== undefined && price.currency !== this.#base
    let flags = query.want === 'both' ? WANT_OFFERS | WANT_REQUESTS : query.want === 'offers' ? WANT_OFFERS : WANT_REQUESTS
    if (query.include_unpriced) flags |= UNPRICED
    // Bounds in another currency are the cold check's: they may be comparable where the base currency is not.
    if (price !== undefined && !foreign && (price.min !== undefined || price.max !== undefined)) flags |= PRICED
    if (required.length === 0) flags |= ALTERNATIVES
    const cold = isPlain(query, this.#base, single && required.length > 0)
      ? undefined
      : coldQuery(query, this.#base, required.length, this.#vocabulary)
    if (cold !== undefined) flags |= COLD
    const min = foreign ? 0 : (price?.min ?? 0)
    const max = foreign ? Number.POSITIVE_INFINITY : (price?.max ?? Number.POSITIVE_INFINITY)
    const dense = this.#store.add(id, keys, flags, min, max, this.#rebuild === undefined)
    this.#store.keyCount = this.#keys.size
    if (cold !== undefined) this.#cold.set(dense, cold)
    this.#handles.set(id, dense)
    this.#file(dense)
    this.#grow()
  }

  remove(id: string): boolean {
    const dense = this.#handles.get(id)
    if (dense === undefined) return false
    this.#handles.delete(id)
    this.#cold.delete(dense)
    for (const key of this.#store.keysOf(dense)) this.#uses.add(key, -1)
    this.#store.remove(dense)
    ;(this.#rebuild?.dead ?? this.#packedDead).push(dense)
    return true
  }

  #file(dense: number): void {
    const keys = this.#store.keysOf(dense)
    for (let i = 0; i < keys.length; i++) this.#uses.add(keys[i] as number, 1)
    this.#refile(dense)
  }

  #refile(dense: number): void {
    this.#delta.begin(dense)
    this.#store.forAnchors(dense, this.#rarity, this.#fileUnder)
  }

  readonly #fileUnder = (first: number): void => this.#delta.file(first)

  readonly #rarity = (key: number): number => (this.#seen.data[key] ?? 0) * 1_024 + (this.#uses.data[key] ?? 0)

  /** The passes of a rebuild must agree on what is rarest, whatever is counted meanwhile. */
  #frozenRarity(): Rarity {
    const ranks = Float64Array.from({ length: this.#keys.size }, (_, key) => this.#rarity(key))
    return (key) => ranks[key] as number
  }

  #grow(): void {
    if (this.#marks.length < this.#keys.size) {
      const grown = new Uint32Array(roomFor(this.#keys.size, this.#marks.length))
      grown.set(this.#marks)
      this.#marks = grown
    }
    if (this.#hitMarks.length < this.#store.size) {
      const grown = new Uint32Array(roomFor(this.#store.size, this.#hitMarks.length))
      grown.set(this.#hitMarks)
      this.#hitMarks = grown
    }
  }

  /** Works on the packed part, at most so many rows; true while there is more to do. Begins a rebuild when none is under way. */
  rebuildStep(rows = 20_000): boolean {
    const trim = this.#trims.pop()
    if (trim !== undefined) {
      trim()
      return this.#trims.length > 0
    }
    this.#rebuild ??= { work: new Rebuild(this.#store, this.#frozenRarity()), dead: [] }
    const done = this.#rebuild.work.step(rows)
    if (done === undefined) return true
    const { dead } = this.#rebuild
    this.#store.tidy()
    this.#rebuild = undefined
    this.#packed = done
    const before = this.#delta
    this.#delta = new Delta()
    for (const dense of before.from(done.covered)) if (this.#store.isAlive(dense)) this.#refile(dense)
    for (const dense of this.#packedDead) this.#store.free(dense)
    this.#packedDead = dead
    this.#trims = this.#store.trims()
    return true
  }

  /** Counts the words of an intent, so that the rarest key of later subscriptions is known. */
  observe(document: SearchDocument): void {
    if (++this.#seenTotal > DECAY_EVERY) {
      this.#seenTotal /= 2
      for (let i = 0; i < this.#keys.size; i++) this.#seen.data[i] = (this.#seen.data[i] as number) / 2
    }
    const n = this.#mark(document)
    for (let i = 0; i < n; i++) this.#seen.add(this.#present[i] as number, 1)
  }

  /** Marks the keys of an intent that some subscription knows. */
  #mark(document: SearchDocument): number {
    if (++this.#generation >= 0xffffffff) {
      this.#generation = 1
      this.#marks.fill(0)
      this.#hitMarks.fill(0)
    }
    let n = 0
    const add = (key: number | undefined): void => {
      if (key === undefined || this.#marks[key] === this.#generation) return
      this.#marks[key] = this.#generation
      if (n >= this.#present.length) {
        const grown = new Uint32Array(this.#present.length * 2)
        grown.set(this.#present)
        this.#present = grown
      }
      this.#present[n++] = key
    }
    for (const key of document.keys) add(this.#keys.ofWord(key))
    if (document.topic !== null) add(this.#keys.ofTopic(document.topic))
    if (document.country !== null) add(this.#keys.ofCountry(document.country))
    return n
  }

  /** Handles of every subscription the intent hits, most specific first, then oldest. */
  match(document: SearchDocument, rates: Converter = converter(undefined, 0)): SubscriptionHits {
    const n = this.#mark(document)
    const search = this.#search(document, rates, n)
    for (let i = 0; i < n; i++) {
      const key = this.#present[i] as number
      const slot = this.#packed.find(key, NO_KEY)
      if (slot >= 0) this.#scan(search, slot)
      if (this.#packed.hot[key] === 1) this.#pairs(search, key, n)
      for (let entry = this.#delta.head(key); entry !== 0; entry = this.#delta.next(entry))
        this.#test(search, this.#delta.row(entry))
    }
    // Sorted as plain numbers: rank in the high bits, row in the low ones.
    const handles = this.#hits.slice(0, search.count).sort()
    for (let i = 0; i < handles.length; i++) handles[i] = (handles[i] as number) & ROW_MASK
    return { handles, broad: search.count > BROAD_HITS }
  }

  #search(document: SearchDocument, rates: Converter, n: number): Search {
    let [low, high] = [0, 0]
    for (let i = 0; i < n; i++) {
      const bit = signatureBit(this.#present[i] as number)
      if (bit < 32) low |= 1 << bit
      else high |= 1 << (bit - 32)
    }
    const price = document.price
    const factor = price === null ? undefined : price.currency === null ? undefined : rates.factor(price.currency, this.#base)
    const side = document.side === 'offer' ? WANT_OFFERS : document.side === 'want' ? WANT_REQUESTS : WANT_OFFERS | WANT_REQUESTS
    const priced = price !== null && factor !== undefined
    return {
      document,
      rates,
      low: ~low,
      high: ~high,
      side,
      priced,
      min: priced ? price.min * factor : 0,
      max: priced ? price.max * factor : Number.POSITIVE_INFINITY,
      count: 0,
    }
  }

  #pairs(search: Search, key: number, n: number): void {
    for (let k = 0; k < n; k++) {
      const slot = this.#packed.find(key, this.#present[k] as number)
      if (slot >= 0) this.#scan(search, slot)
    }
  }

  #scan(s: Search, slot: number): void {
    const { words, floats } = this.#packed
    const end = this.#packed.endOf(slot) * RECORD
    for (let at = this.#packed.startOf(slot) * RECORD; at < end; at += RECORD) {
      if (((words[at + SIG_LOW] as number) & s.low) !== 0 || ((words[at + SIG_HIGH] as number) & s.high) !== 0) continue
      const flags = words[at + FLAGS] as number
      if ((flags & s.side) === 0) continue
      if (s.priced) {
        if (s.min > (floats[at + MAX] as number) || s.max < (floats[at + MIN] as number)) continue
      } else if ((flags & (PRICED | UNPRICED)) === PRICED) continue
      if (!this.#hasKeys(flags, words, at)) continue
      this.#accept(s, words[at + ID] as number, flags)
    }
  }

  #hasKeys(flags: number, words: Uint32Array, at: number): boolean {
    const marks = this.#marks
    const generation = this.#generation
    if ((flags & IN_POOL) === 0) {
      const a = words[at + KEY_A] as number
      const b = words[at + KEY_B] as number
      return (a === NO_KEY || marks[a] === generation) && (b === NO_KEY || marks[b] === generation)
    }
    return this.#allMarked(words[at + ID] as number)
  }

  #allMarked(dense: number): boolean {
    const keys = this.#store.keysOf(dense)
    for (let i = 0; i < keys.length; i++) if (this.#marks[keys[i] as number] !== this.#generation) return false
    return true
  }

  /** A row of the delta, checked from the store. */
  #test(s: Search, dense: number): void {
    if (!this.#store.isAlive(dense)) return
    const flags = this.#store.flags(dense)
    if ((flags & s.side) === 0) return
    if (!s.priced && (flags & (PRICED | UNPRICED)) === PRICED) return
    if ((flags & ALTERNATIVES) === 0 && !this.#allMarked(dense)) return
    const rank = MAX_RANK - Math.min(MAX_RANK, this.#store.specificity(dense))
    this.#accept(s, dense, flags | (rank << RANK_SHIFT))
  }

  #accept(s: Search, dense: number, flags: number): void {
    if (!this.#store.isAlive(dense)) return
    if (s.priced && (flags & EXACT) === 0 && this.#outside(s, dense)) return
    if ((flags & ALTERNATIVES) !== 0) {
      // Filed under each alternative, and so met more than once.
      if (this.#hitMarks[dense] === this.#generation) return
      this.#hitMarks[dense] = this.#generation
    }
    if ((flags & COLD) !== 0 && this.#cold.get(dense)?.holds(s.document, s.rates) !== true) return
    if (s.count >= this.#hits.length) {
      const grown = new Uint32Array(this.#hits.length * 2)
      grown.set(this.#hits)
      this.#hits = grown
    }
    this.#hits[s.count++] = (((flags >>> RANK_SHIFT) << ROW_BITS) | dense) >>> 0
  }

  /** The bounds as they were written; float32 may round them outwards. */
  #outside(s: Search, dense: number): boolean {
    return s.min > (this.#store.max.data[dense] as number) || s.max < (this.#store.min.data[dense] as number)
  }
}

interface Search {
  readonly document: SearchDocument
  readonly rates: Converter
  /** Complement of the signature of the intent's keys. */
  readonly low: number
  readonly high: number
  readonly side: number
  readonly priced: boolean
  readonly min: number
  readonly max: number
  count: number
}
