import type { StoredIntent } from '../model.ts'
import { expandKeys } from './document.ts'
import { levelOne, wantedItem } from './filters.ts'
import { GrowingU32 } from './growing.ts'
import type { Converter } from './rates.ts'
import { OFFER, type RowFilter, Rows, WANT } from './rows.ts'
import { keysOf, stem, wordsOf } from './terms.ts'
import type { Vocabulary } from './vocabulary.ts'

/** Distinct words of an intent. */
export interface IntentTerms {
  /** Numbers of the words, each with its weight in the low bits: 3 in the item, 1 elsewhere. */
  readonly entries: readonly number[]
  readonly length: number
  /** Words of a query no open intent has. */
  readonly unknown: number
}

interface Latest {
  intent: StoredIntent | undefined
  /** Words known when the terms were numbered. */
  known: number
  terms: IntentTerms
}

/** Bits of an entry that hold its weight; rows in the lists of words stand above them too. */
export const WEIGHT_BITS = 4
export const WEIGHT_MASK = (1 << WEIGHT_BITS) - 1
const NO_TERMS: IntentTerms = { entries: [], length: 0, unknown: 0 }
const ITEM_WEIGHT = 3
/** Distinct words of one intent that are indexed. */
const MAX_TERMS = 64
/** Weighed words of an intent are never more. */
export const MAX_LENGTH = MAX_TERMS * ITEM_WEIGHT

/** Rows of open intents and the lists of rows by word. */
export class DocumentTable {
  readonly #vocabulary: Vocabulary
  readonly #tokens = new Map<string, number>()
  readonly #lists: (GrowingU32 | undefined)[] = []
  readonly #frequency = new GrowingU32()
  readonly #rows = new Map<string, number>()
  readonly intents: (StoredIntent | undefined)[] = []
  readonly #terms: (IntentTerms | undefined)[] = []
  /** What wants and exchanges ask for. */
  readonly #askedBy: (IntentTerms | undefined)[] = []
  /** Terms of the latest intents outside the table: one search asks for them with every pair. */
  readonly #listed: Latest = { intent: undefined, known: 0, terms: NO_TERMS }
  readonly #wanted: Latest = { intent: undefined, known: 0, terms: NO_TERMS }
  readonly packed = new Rows()
  readonly #currencies: string[] = ['']
  readonly #names = new Map<string, number>()
  #free: number[] = []
  #gone: number[] = []
  #sweep: { at: number; readonly gone: readonly number[] } | undefined
  #totalLength = 0

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary
  }

  get alive(): number {
    return this.#rows.size
  }
  get rows(): number {
    return this.intents.length
  }
  get dead(): number {
    return this.#gone.length
  }
  get(id: string): StoredIntent | undefined {
    const row = this.#rows.get(id)
    return row === undefined ? undefined : this.intents[row]
  }
  postings(token: number): GrowingU32 | undefined {
    return this.#lists[token]
  }
  frequency(token: number): number {
    return this.#frequency.data[token] ?? 0
  }
  get maxIdf(): number {
    return Math.log(1 + (this.alive + 0.5) / 0.5)
  }
  idf(token: number): number {
    const df = this.frequency(token)
    return Math.log(1 + (this.alive - df + 0.5) / (df + 0.5))
  }
  ratioOf(length: number): number {
    return this.alive === 0 || this.#totalLength === 0 ? 1 : length / (this.#totalLength / this.alive)
  }
  /** Weighed words of an intent on average; 0 where there are none. */
  get averageLength(): number {
    return this.alive === 0 ? 0 : this.#totalLength / this.alive
  }
  /** Words a row answers to, and those it asks for if it is no offer. */
  termsOf(row: number): IntentTerms {
    return this.#terms[row] as IntentTerms
  }
  askedOf(row: number): IntentTerms | undefined {
    return this.#askedBy[row]
  }
  /** What a row must be for a query, as numbers. */
  filterFor(query: StoredIntent, rates: Converter): RowFilter {
    const { topic } = query
    const { price } = query.slots
    const factors = new Float64Array(this.#currencies.length)
    for (const [i, code] of this.#currencies.entries())
      factors[i] = price?.currency == null ? 0 : (rates.factor(code, price.currency) ?? 0)
    const side = query.side === 'exchange' ? OFFER | WANT : query.side === 'offer' ? WANT : OFFER
    const slug = topic === null || topic.slug === 'goods' ? 0 : this.#number(`slug ${topic.slug}`)
    return {
      side,
      slug,
      level: this.#levelOf(query),
      offer: query.side === 'offer',
      bound: query.side === 'exchange' ? Number.NaN : boundOf(query),
      factors,
    }
  }

  #number(name: string): number {
    const known = this.#names.get(name) ?? this.#names.size + 1
    this.#names.set(name, known)
    return known
  }

  #levelOf(intent: StoredIntent): number {
    const level = levelOne(intent)
    return level === undefined || level === 'Other' || intent.topic === null
      ? 0
      : this.#number(`level ${intent.topic.k2_topic}/${level}`)
  }

  #writeRow(row: number, intent: StoredIntent, length: number): void {
    const { topic, slots, side } = intent
    const code = slots.price?.currency ?? ''
    const known = this.#currencies.indexOf(code)
    this.packed.set(row, {
      side: side === 'offer' ? OFFER : side === 'want' ? WANT : OFFER | WANT,
      slug: topic === null || topic.slug === 'goods' ? 0 : this.#number(`slug ${topic.slug}`),
      level: this.#levelOf(intent),
      currency: known >= 0 ? known : this.#currencies.push(code) - 1,
      hash: hashOf(intent.intent_id),
      length,
      bound: boundOf(intent),
    })
  }

  /** Words a listing answers to: its own, their synonyms, joined spellings and wider nouns. */
  listingTerms(intent: StoredIntent): IntentTerms {
    const row = this.#rows.get(intent.intent_id)
    if (row !== undefined && this.intents[row] === intent) return this.#terms[row] as IntentTerms
    return this.#latest(this.#listed, intent, () => this.#listing(intent, false))
  }

  #latest(memo: Latest, intent: StoredIntent, make: () => IntentTerms): IntentTerms {
    if (memo.intent === intent && memo.known === this.#tokens.size) return memo.terms
    memo.terms = make()
    memo.intent = intent
    memo.known = this.#tokens.size
    return memo.terms
  }

  #listing(intent: StoredIntent, create: boolean): IntentTerms {
    const weights = new Map<string, number>()
    const { item } = intent.slots
    let length = 0
    for (const [text, weight] of [
      [item === null ? '' : `${item.text} / ${item.brand ?? ''}`, ITEM_WEIGHT],
      [intent.text, 1],
    ] as const) {
      const words = wordsOf(text)
      for (const word of words)
        if (!weights.has(this.#vocabulary.canonical(stem(word)))) length += this.#add(weights, stem(word), weight)
      for (const key of expandKeys(keysOf(words), this.#vocabulary)) this.#add(weights, key, weight)
    }
    return this.#numbered(weights, length, create)
  }

  /** Words a want asks for: those of its item; its other words only when it names none. */
  wantTerms(intent: StoredIntent): IntentTerms {
    const row = this.#rows.get(intent.intent_id)
    const own = row !== undefined && this.intents[row] === intent ? this.#askedBy[row] : undefined
    return own ?? this.#latest(this.#wanted, intent, () => this.#asked(intent, false))
  }

  #asked(intent: StoredIntent, create: boolean): IntentTerms {
    const weights = new Map<string, number>()
    const item = wantedItem(intent)
    let length = 0
    for (const text of [item === null ? '' : `${item.text} / ${item.brand ?? ''}`, intent.text]) {
      if (weights.size > 0) break
      const weight = text === intent.text && item === null ? 1 : ITEM_WEIGHT
      for (const word of wordsOf(text)) length += this.#add(weights, stem(word), weight)
    }
    return this.#numbered(weights, length, create)
  }

  /** Adds a word under the name all its synonyms share; its weight when it is new. */
  #add(weights: Map<string, number>, key: string, weight: number): number {
    const name = this.#vocabulary.canonical(key)
    if (weights.size >= MAX_TERMS || weights.has(name) || this.#vocabulary.isStopWord(key)) return 0
    weights.set(name, weight)
    return weight
  }

  #numbered(weights: ReadonlyMap<string, number>, length: number, create: boolean): IntentTerms {
    const entries: number[] = []
    let unknown = 0
    for (const [word, weight] of weights) {
      let token = this.#tokens.get(word)
      if (token === undefined && create) {
        token = this.#tokens.size
        this.#tokens.set(word, token)
      }
      if (token === undefined) unknown++
      else entries.push((token << WEIGHT_BITS) | weight)
    }
    return { entries, length, unknown }
  }

  insert(intent: StoredIntent): void {
    const terms = this.#listing(intent, true)
    // Words asked for get numbers, so that listings outside the table can be compared with them.
    const asked = intent.side === 'offer' ? undefined : this.#asked(intent, true)
    const row = (this.#sweep === undefined ? this.#free.pop() : undefined) ?? this.intents.length
    this.intents[row] = intent
    this.#terms[row] = terms
    this.#askedBy[row] = asked
    this.#rows.set(intent.intent_id, row)
    this.#writeRow(row, intent, terms.length)
    this.#totalLength += terms.length
    for (const entry of terms.entries) {
      const token = entry >>> WEIGHT_BITS
      let list = this.#lists[token]
      if (list === undefined) {
        list = new GrowingU32(2)
        this.#lists[token] = list
      }
      list.push(((row << WEIGHT_BITS) | (entry & WEIGHT_MASK)) >>> 0)
      this.#frequency.ensure(token + 1)
      this.#frequency.data[token] = (this.#frequency.data[token] as number) + 1
    }
  }

  remove(id: string): boolean {
    const row = this.#rows.get(id)
    if (row === undefined) return false
    const terms = this.#terms[row] as IntentTerms
    for (const entry of terms.entries) {
      const token = entry >>> WEIGHT_BITS
      this.#frequency.data[token] = (this.#frequency.data[token] as number) - 1
    }
    this.#totalLength -= terms.length
    this.#rows.delete(id)
    this.intents[row] = undefined
    this.#terms[row] = undefined
    this.#askedBy[row] = undefined
    this.packed.free(row)
    this.#gone.push(row)
    return true
  }

  expire(now: number): StoredIntent[] {
    const out: StoredIntent[] = []
    for (const intent of this.intents) if (intent !== undefined && intent.expires_at <= now) out.push(intent)
    for (const intent of out) this.remove(intent.intent_id)
    return out
  }

  /** Takes removed rows out of the lists; rows are given out again once no list mentions them. */
  compactStep(lists: number): boolean {
    if (this.#sweep === undefined) {
      this.#sweep = { at: 0, gone: this.#gone }
      this.#gone = []
    }
    const end = Math.min(this.#lists.length, this.#sweep.at + lists)
    for (; this.#sweep.at < end; this.#sweep.at++) {
      const list = this.#lists[this.#sweep.at]
      if (list === undefined) continue
      let kept = 0
      for (let k = 0; k < list.length; k++) {
        const entry = list.data[k] as number
        if (this.intents[entry >>> WEIGHT_BITS] !== undefined) list.data[kept++] = entry
      }
      list.length = kept
      if (kept === 0) this.#lists[this.#sweep.at] = undefined
    }
    if (this.#sweep.at < this.#lists.length) return true
    this.#free = [...this.#free, ...this.#sweep.gone]
    this.#sweep = undefined
    return false
  }
}

function hashOf(id: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193)
  hash ^= hash >>> 15
  return Math.imul(hash, 0x2c1b3c6d) >>> 0
}

/** Lowest price of an offer, highest of a want; not a number without one. */
function boundOf(intent: StoredIntent): number {
  const { price } = intent.slots
  if (price === null) return Number.NaN
  const text = intent.side === 'offer' ? (price.min ?? price.max) : price.max
  return text === null ? Number.NaN : Number(text)
}
