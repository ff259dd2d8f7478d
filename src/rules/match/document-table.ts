import type { StoredIntent } from '../model.ts'
import { contentHash, sameContent } from './content.ts'
import { levelOne } from './filters.ts'
import { GrowingU32 } from './growing.ts'
import type { Converter } from './rates.ts'
import { OFFER, type RowFilter, Rows, WANT } from './rows.ts'
import { type IntentTerms, TermNumbers, WEIGHT_BITS, WEIGHT_MASK } from './term-numbers.ts'
import { TermPool } from './term-pool.ts'
import type { Vocabulary } from './vocabulary.ts'

interface Latest {
  intent: StoredIntent | undefined
  /** Words known when the terms were numbered. */
  known: number
  terms: IntentTerms
}

/** An open intent and the row of what it says. */
interface Entry {
  readonly intent: StoredIntent
  readonly row: number
}

const NO_TERMS: IntentTerms = { words: new Uint32Array(0), from: 0, to: 0, length: 0, unknown: 0 }

/**
 * What open intents say, a row for all that say the same, and the lists of rows by word. People repeat what they offer and write it in
 * many places: its words are listed once, and a search compares it once.
 */
export class DocumentTable {
  readonly #numbers: TermNumbers
  readonly #lists: (GrowingU32 | undefined)[] = []
  readonly #frequency = new GrowingU32()
  readonly #entries = new Map<string, Entry>()
  /** Rows by the hash of what they say; who meets another row there gets one of his own that nobody shares. */
  readonly #rowsByHash = new Map<number, number>()
  /** Who says what a row says, by age: the newest is the last. */
  readonly #members: (StoredIntent[] | undefined)[] = []
  readonly #terms = new TermPool()
  /** What wants and exchanges ask for. */
  readonly #askedBy = new TermPool()
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
    this.#numbers = new TermNumbers(vocabulary)
  }

  /** Open intents. */
  get alive(): number {
    return this.#entries.size
  }
  get rows(): number {
    return this.#members.length
  }
  get dead(): number {
    return this.#gone.length
  }
  get(id: string): StoredIntent | undefined {
    return this.#entries.get(id)?.intent
  }
  /** Open intents of a row, the newest last; never empty for a row that passes a filter. */
  members(row: number): readonly StoredIntent[] {
    return this.#members[row] as StoredIntent[]
  }
  postings(token: number): GrowingU32 | undefined {
    return this.#lists[token]
  }
  /** Open intents that have a word. */
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
    return this.#terms.get(row)
  }
  askedOf(row: number): IntentTerms | undefined {
    return this.#askedBy.has(row) ? this.#askedBy.get(row) : undefined
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

  #writeRow(row: number, intent: StoredIntent, hash: number, length: number): void {
    const { topic, slots, side } = intent
    const code = slots.price?.currency ?? ''
    const known = this.#currencies.indexOf(code)
    this.packed.set(row, {
      side: side === 'offer' ? OFFER : side === 'want' ? WANT : OFFER | WANT,
      slug: topic === null || topic.slug === 'goods' ? 0 : this.#number(`slug ${topic.slug}`),
      level: this.#levelOf(intent),
      currency: known >= 0 ? known : this.#currencies.push(code) - 1,
      hash,
      length,
      bound: boundOf(intent),
    })
  }

  /** Words a listing answers to: its own, their synonyms, joined spellings and wider nouns. */
  listingTerms(intent: StoredIntent): IntentTerms {
    const row = this.#rowOf(intent)
    if (row !== undefined) return this.#terms.get(row)
    return this.#latest(this.#listed, intent, () => this.#numbers.listing(intent, false))
  }

  #latest(memo: Latest, intent: StoredIntent, make: () => IntentTerms): IntentTerms {
    if (memo.intent === intent && memo.known === this.#numbers.size) return memo.terms
    memo.terms = make()
    memo.intent = intent
    memo.known = this.#numbers.size
    return memo.terms
  }

  /** Words a want asks for: those of its item; its other words only when it names none. */
  wantTerms(intent: StoredIntent): IntentTerms {
    const row = this.#rowOf(intent)
    return (
      (row === undefined ? undefined : this.askedOf(row)) ??
      this.#latest(this.#wanted, intent, () => this.#numbers.asked(intent, false))
    )
  }

  /** The row of an intent, in the table or not, that says just what the row says. */
  #rowOf(intent: StoredIntent): number | undefined {
    const own = this.#entries.get(intent.intent_id)
    return own?.intent === intent ? own.row : this.#sharedRow(intent, contentHash(intent))
  }

  #sharedRow(intent: StoredIntent, hash: number): number | undefined {
    const row = this.#rowsByHash.get(hash)
    return row !== undefined && sameContent(this.members(row)[0] as StoredIntent, intent) ? row : undefined
  }

  /** The id must not be in the table. */
  insert(intent: StoredIntent): void {
    const hash = contentHash(intent)
    const shared = this.#sharedRow(intent, hash)
    const row = shared ?? this.#newRow(intent, hash)
    if (shared !== undefined) insertByAge(this.#members[row] as StoredIntent[], intent)
    this.#entries.set(intent.intent_id, { intent, row })
    this.#count(row, 1)
  }

  #newRow(intent: StoredIntent, hash: number): number {
    const terms = this.#numbers.listing(intent, true)
    const row = (this.#sweep === undefined ? this.#free.pop() : undefined) ?? this.#members.length
    // Written as a list of one: an empty one makes room for seventeen with its first.
    this.#members[row] = [intent]
    this.#terms.set(row, terms)
    // Words asked for get numbers, so that listings outside the table can be compared with them.
    if (intent.side !== 'offer') this.#askedBy.set(row, this.#numbers.asked(intent, true))
    if (!this.#rowsByHash.has(hash)) this.#rowsByHash.set(hash, row)
    this.#writeRow(row, intent, hash, terms.length)
    for (let i = terms.from; i < terms.to; i++) {
      const entry = terms.words[i] as number
      const token = entry >>> WEIGHT_BITS
      let list = this.#lists[token]
      if (list === undefined) {
        list = new GrowingU32(2)
        this.#lists[token] = list
      }
      list.push(((row << WEIGHT_BITS) | (entry & WEIGHT_MASK)) >>> 0)
      this.#frequency.ensure(token + 1)
    }
    return row
  }

  /** One more or less that says what a row says. */
  #count(row: number, by: 1 | -1): void {
    const terms = this.#terms.get(row)
    const frequency = this.#frequency.data
    for (let i = terms.from; i < terms.to; i++) {
      const token = (terms.words[i] as number) >>> WEIGHT_BITS
      frequency[token] = (frequency[token] as number) + by
    }
    this.#totalLength += by * terms.length
  }

  remove(id: string): boolean {
    const entry = this.#entries.get(id)
    if (entry === undefined) return false
    const { intent, row } = entry
    const members = this.#members[row] as StoredIntent[]
    members.splice(members.indexOf(intent), 1)
    this.#entries.delete(id)
    this.#count(row, -1)
    if (members.length === 0) this.#freeRow(row)
    return true
  }

  #freeRow(row: number): void {
    const hash = this.packed.hash(row)
    if (this.#rowsByHash.get(hash) === row) this.#rowsByHash.delete(hash)
    this.#members[row] = undefined
    this.#terms.clear(row)
    this.#askedBy.clear(row)
    this.packed.free(row)
    this.#gone.push(row)
  }

  expire(now: number): StoredIntent[] {
    const out: StoredIntent[] = []
    for (const { intent } of this.#entries.values()) if (intent.expires_at <= now) out.push(intent)
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
        if (this.#members[entry >>> WEIGHT_BITS] !== undefined) list.data[kept++] = entry
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

function insertByAge(members: StoredIntent[], intent: StoredIntent): void {
  let at = members.length
  while (at > 0 && (members[at - 1] as StoredIntent).created_at > intent.created_at) at--
  members.splice(at, 0, intent)
}

/** Lowest price of an offer, highest of a want; not a number without one. */
function boundOf(intent: StoredIntent): number {
  const { price } = intent.slots
  if (price === null) return Number.NaN
  const text = intent.side === 'offer' ? (price.min ?? price.max) : price.max
  return text === null ? Number.NaN : Number(text)
}
