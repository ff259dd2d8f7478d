import { K2Error } from '../../base/errors.ts'
import type { StoredIntent } from '../model.ts'
import { DocumentTable } from './document-table.ts'
import { failedMeeting, failedTerms, offerSide } from './filters.ts'
import type { Converter } from './rates.ts'
import { freshnessOf, MATCH_LISTED, type MatchScore, type ScoreOptions, scorePair, shownParts, withFreshness } from './score.ts'
import { type IntentTerms, MAX_LENGTH, WEIGHT_BITS, WEIGHT_MASK } from './term-numbers.ts'
import { DEFAULT_VOCABULARY, type Vocabulary } from './vocabulary.ts'

export interface Match extends MatchScore {
  readonly intent: StoredIntent
}

export interface SearchOptions extends ScoreOptions {
  /** Most matches answered. */
  readonly limit?: number
  readonly minScore?: number
}

export interface OpenIntentsOptions {
  /** Most intents held; 1,000,000 unless told. */
  readonly max?: number
  readonly vocabulary?: Vocabulary
}

const MAX_INTENTS = 1_000_000
const DEFAULT_LIMIT = 20
/** Rows scored in full per level of text score. */
const MAX_SCORED = 2_000
const LEVELS = 64
/** Weights of words are below. */
const WEIGHTS = 4
const K1 = 1.2
const B = 0.3

/**
 * Open intents by their words (section 12.6): token to list of documents, accumulators in one reusable array, cheap bounds before
 * the full score. Changes are found at once; `compactStep` clears removed documents out of the lists bit by bit.
 */
export class OpenIntents {
  readonly #max: number
  readonly #table: DocumentTable
  #scores = new Float64Array(1_024)
  #touched = new Uint32Array(1_024)
  #sorted = new Uint32Array(1_024)
  readonly #starts = new Uint32Array(LEVELS + 2)
  readonly #next = new Uint32Array(LEVELS + 2)
  readonly #shares = new Float64Array((MAX_LENGTH + 1) * WEIGHTS)

  constructor(options: OpenIntentsOptions = {}) {
    this.#max = options.max ?? MAX_INTENTS
    this.#table = new DocumentTable(options.vocabulary ?? DEFAULT_VOCABULARY)
  }

  get size(): number {
    return this.#table.alive
  }
  get(id: string): StoredIntent | undefined {
    return this.#table.get(id)
  }
  /** More than a fifth of the documents in the lists are gone. */
  get compactionDue(): boolean {
    return this.#table.dead > Math.max(1_024, this.#table.alive / 5)
  }
  /** Clears at most so many lists; true while there is more to do. */
  compactStep(lists = 2_000): boolean {
    return this.#table.compactStep(lists)
  }

  /** Adds an intent or its new revision; one that is not open is taken out. Throws K2Error INTENTS_FULL. */
  insert(intent: StoredIntent): void {
    this.#table.remove(intent.intent_id)
    if (intent.status !== 'open') return
    if (this.#table.alive >= this.#max)
      throw new K2Error({ code: 'INTENTS_FULL', kind: 'limit', message: 'no room for another open intent' })
    this.#table.insert(intent)
    if (this.#scores.length >= this.#table.rows) return
    const size = Math.ceil(this.#table.rows * 1.5)
    this.#scores = new Float64Array(size)
    this.#touched = new Uint32Array(size)
  }

  remove(id: string): boolean {
    return this.#table.remove(id)
  }

  /** Takes out everything whose life ended; answers what it was. */
  expire(now: number): StoredIntent[] {
    return this.#table.expire(now)
  }

  /** Best matches for an intent of either side; best first, ties newer first, then by id. */
  search(query: StoredIntent, options: SearchOptions): Match[] {
    const limit = options.limit ?? DEFAULT_LIMIT
    const least = options.minScore ?? MATCH_LISTED
    // A want is scored while collecting; what an offer is worth to a want is only known from the want's own words.
    const exact = query.side === 'want'
    const terms = query.side === 'offer' ? this.#table.listingTerms(query) : this.#table.wantTerms(query)
    const own = exact ? this.#bestText(terms) : 1
    const touched = this.#collect(query, terms, options.rates)
    const best = new Best(limit, least)
    const bound = boundOf(query)
    this.#bucket(touched, own, exact)
    for (let level = LEVELS; level >= 0; level--) {
      if (bound(exact ? Math.min(1, (level + 1) / LEVELS) : 1) < best.worst) break
      const end = this.#starts[level + 1] as number
      const begin = this.#starts[level] as number
      // Of a crowded level a sample that is the same whatever order its rows came in.
      const most = end - begin > MAX_SCORED ? (MAX_SCORED / (end - begin)) * 0x1_0000_0000 : Number.POSITIVE_INFINITY
      for (let i = begin; i < end; i++) {
        const row = this.#sorted[i] as number
        if (this.#table.packed.hash(row) >= most) continue
        const text = exact ? (this.#scores[row] as number) / own : 1
        if (bound(Math.min(1, text)) >= best.worst) this.#row(query, row, text, options, best)
      }
    }
    for (let i = 0; i < touched; i++) this.#scores[this.#touched[i] as number] = 0
    return best.list.map((match) => ({ ...match, parts: shownParts(match.parts) }))
  }

  /** Compares what a row says with the query, and takes of those who say it the ones that are among the best. */
  #row(query: StoredIntent, row: number, share: number, options: SearchOptions, best: Best): void {
    const members = this.#table.members(row)
    const newest = members[members.length - 1] as StoredIntent
    const side = offerSide(query, newest)
    if (side === undefined) return
    const [offer, want] = side === 'a' ? [query, newest] : [newest, query]
    if (failedTerms(offer, want, options.rates) !== undefined) return
    const text = this.#pairText(query, newest, row, want === query, share)
    if (text <= 0) return
    const score = scorePair(offer, want, text, options)
    // An offer of the row cannot score higher than one that was touched just now.
    const most = side === 'a' ? score.score : withFreshness(score, 1).score
    for (let i = members.length - 1; i >= 0; i--) {
      const intent = members[i] as StoredIntent
      if (best.isBeyond(most, intent.created_at)) return
      if (failedMeeting(side === 'a' ? query : intent, side === 'a' ? intent : query, options) !== undefined) continue
      best.add({ intent, ...(side === 'a' ? score : withFreshness(score, freshnessOf(intent.updated_at, options.now))) })
    }
  }

  /** Share of its best text score that a pair has. */
  #pairText(query: StoredIntent, found: StoredIntent, row: number, asks: boolean, share: number): number {
    const table = this.#table
    if (query.intent === 'exchange' && found.intent === 'exchange') return this.#exchangeText(query, found)
    if (!asks) return this.#textShare(table.askedOf(row) ?? table.wantTerms(found), table.listingTerms(query))
    return query.side === 'want' ? share : this.#textShare(table.wantTerms(query), table.termsOf(row))
  }

  /** Each one's item against what the other asks for; who does not say what he asks for takes anything. */
  #exchangeText(a: StoredIntent, b: StoredIntent): number {
    const table = this.#table
    const toA = a.slots.want_item === null ? 1 : this.#textShare(table.wantTerms(a), table.listingTerms(b))
    const toB = b.slots.want_item === null ? 1 : this.#textShare(table.wantTerms(b), table.listingTerms(a))
    return a.slots.want_item === null && b.slots.want_item === null ? 0 : Math.min(toA, toB)
  }

  /** Documents that share a word, with their text score; long lists only add to documents already found by rarer words. */
  #collect(query: StoredIntent, terms: IntentTerms, rates: Converter): number {
    const table = this.#table
    const wanted = table.filterFor(query, rates)
    const order = Array.from(terms.words.subarray(terms.from, terms.to)).sort(
      (a, b) => table.frequency(a >>> WEIGHT_BITS) - table.frequency(b >>> WEIGHT_BITS),
    )
    let count = 0
    const longest = Math.max(512, table.alive / 5)
    const { packed } = table
    const scores = this.#scores
    const shares = this.#sharesByLength()
    for (const asked of order) {
      const token = asked >>> WEIGHT_BITS
      const list = table.postings(token)
      if (list === undefined) continue
      const { data, length } = list
      const weight = table.idf(token) * (asked & WEIGHT_MASK)
      const long = table.frequency(token) > longest && count > 0
      for (let k = 0; k < length; k++) {
        const entry = data[k] as number
        const row = entry >>> WEIGHT_BITS
        const before = scores[row] as number
        if (before === 0) {
          if (long || !packed.passes(row, wanted)) continue
          this.#touched[count++] = row
        }
        scores[row] = before + weight * (shares[packed.length(row) * WEIGHTS + (entry & WEIGHT_MASK)] as number)
      }
    }
    return count
  }

  /** What a word of each weight adds in a document of each length: a division for each of them, not for each document. */
  #sharesByLength(): Float64Array {
    const average = this.#table.averageLength
    for (let length = 0; length <= MAX_LENGTH; length++) {
      const ratio = average === 0 ? 1 : length / average
      for (let weight = 1; weight < WEIGHTS; weight++) this.#shares[length * WEIGHTS + weight] = saturation(weight, ratio)
    }
    return this.#shares
  }

  /** Sorts the rows found into levels of their text score, without comparing them. */
  #bucket(count: number, own: number, exact: boolean): void {
    let top = own
    if (!exact) for (let i = 0; i < count; i++) top = Math.max(top, this.#scores[this.#touched[i] as number] as number)
    this.#starts.fill(0)
    if (this.#sorted.length < count) this.#sorted = new Uint32Array(this.#touched.length)
    const scores = this.#scores
    const levelOf = (row: number): number => Math.min(LEVELS, Math.floor(((scores[row] as number) / top) * LEVELS))
    for (let i = 0; i < count; i++) {
      const level = levelOf(this.#touched[i] as number)
      this.#starts[level + 1] = (this.#starts[level + 1] as number) + 1
    }
    for (let level = 0; level <= LEVELS; level++)
      this.#starts[level + 1] = (this.#starts[level + 1] as number) + (this.#starts[level] as number)
    const next = this.#next
    next.set(this.#starts)
    for (let i = 0; i < count; i++) {
      const row = this.#touched[i] as number
      const level = levelOf(row)
      const at = next[level] as number
      this.#sorted[at] = row
      next[level] = at + 1
    }
  }

  /** BM25 of a query against itself: what a perfect listing would score. */
  #bestText(terms: IntentTerms): number {
    let sum = 0
    const ratio = this.#table.ratioOf(terms.length)
    for (let i = terms.from; i < terms.to; i++) {
      const entry = terms.words[i] as number
      const weight = entry & WEIGHT_MASK
      sum += this.#table.idf(entry >>> WEIGHT_BITS) * weight * saturation(weight, ratio)
    }
    return sum + terms.unknown * this.#table.maxIdf * 3 * saturation(3, ratio) || 1
  }

  #textShare(asked: IntentTerms, offered: IntentTerms): number {
    const ratio = this.#table.ratioOf(offered.length)
    let sum = 0
    for (let i = asked.from; i < asked.to; i++) {
      const entry = asked.words[i] as number
      const weight = weightIn(offered, entry >>> WEIGHT_BITS)
      if (weight > 0) sum += this.#table.idf(entry >>> WEIGHT_BITS) * (entry & WEIGHT_MASK) * saturation(weight, ratio)
    }
    return sum / this.#bestText(asked)
  }
}

/** Weight of a word among an intent's; 0 where it has it not. */
function weightIn({ words, from, to }: IntentTerms, token: number): number {
  for (let i = from; i < to; i++) {
    const entry = words[i] as number
    if (entry >>> WEIGHT_BITS === token) return entry & WEIGHT_MASK
  }
  return 0
}

const saturation = (tf: number, ratio: number): number => (tf * (K1 + 1)) / (tf + K1 * (1 - B + B * ratio))

/** Highest score a document with this text share can still reach. */
function boundOf(query: StoredIntent): (text: number) => number {
  const price = query.slots.price !== null
  const place = query.slots.place !== null
  const other = 0.15 + (price ? 0.2 : 0) + (place ? 0.1 : 0) + 0.1
  const factor = (price ? 1 : 0.9) * (place ? 1 : 0.9)
  // Rounding to four decimals may lift a score by half a unit.
  return (text) => ((0.45 * text + other) / (0.45 + other)) * factor + 0.00006
}

/** The best matches so far, sorted: score, then newer, then id. */
class Best {
  readonly list: Match[] = []
  readonly #limit: number
  readonly #least: number

  constructor(limit: number, least: number) {
    this.#limit = limit
    this.#least = least
  }

  /** A lower score is not listed. */
  get worst(): number {
    return this.list.length < this.#limit ? this.#least : Math.max(this.#least, (this.list.at(-1) as Match).score)
  }

  /** Nothing with at most this score and age is listed. */
  isBeyond(score: number, createdAt: number): boolean {
    if (score < this.worst) return true
    const last = this.list.length < this.#limit ? undefined : this.list.at(-1)
    return last !== undefined && score === last.score && createdAt < last.intent.created_at
  }

  add(match: Match): void {
    if (match.score < this.worst) return
    const { list } = this
    let at = list.length
    while (at > 0 && before(match, list[at - 1] as Match)) at--
    if (at >= this.#limit) return
    list.splice(at, 0, match)
    if (list.length > this.#limit) list.pop()
  }
}

function before(a: Match, b: Match): boolean {
  if (a.score !== b.score) return a.score > b.score
  if (a.intent.created_at !== b.intent.created_at) return a.intent.created_at > b.intent.created_at
  return a.intent.intent_id < b.intent.intent_id
}
