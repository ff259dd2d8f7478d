/** Numbers of one row stand together, so that looking at a row touches the memory of one place: eight words. */
const ROW = 8
const SIDE = 0
const SLUG = 1
const LEVEL = 2
const CURRENCY = 3
const HASH = 4
const LENGTH = 5
/** A number of eight bytes. */
const BOUND = 3
const FIRST_ROWS = 1_024

export const OFFER = 1
export const WANT = 2
/** Highest tolerance any pair of prices may have (section 12.2), with room for rounding. */
const WIDEST = 1.2001

/** What rows must be for a query. */
export interface RowFilter {
  readonly side: number
  readonly slug: number
  readonly level: number
  readonly offer: boolean
  readonly bound: number
  /** By number of the currency; 0 where nothing can be compared. */
  readonly factors: Float64Array
}

/** What the search compares of an intent, as numbers. */
export interface Row {
  /** 0 for a row that is free. */
  readonly side: number
  readonly slug: number
  readonly level: number
  readonly currency: number
  readonly hash: number
  /** Weighed words. */
  readonly length: number
  /** Lowest price of an offer, highest of a want; not a number without one. */
  readonly bound: number
}

/** Rows of open intents by their number, in one array that grows by half. */
export class Rows {
  #words = new Uint32Array(FIRST_ROWS * ROW)
  #floats = new Float64Array(this.#words.buffer)

  set(row: number, { side, slug, level, currency, hash, length, bound }: Row): void {
    if ((row + 1) * ROW > this.#words.length) this.#grow(row + 1)
    const words = this.#words
    const at = row * ROW
    words[at + SIDE] = side
    words[at + SLUG] = slug
    words[at + LEVEL] = level
    words[at + CURRENCY] = currency
    words[at + HASH] = hash
    words[at + LENGTH] = length
    this.#floats[(at >> 1) + BOUND] = bound
  }

  /** A free row passes no filter. */
  free(row: number): void {
    this.#words[row * ROW + SIDE] = 0
  }

  /** A first sieve that never drops what the hard filters let through. */
  passes(row: number, filter: RowFilter): boolean {
    const words = this.#words
    const at = row * ROW
    const side = words[at + SIDE] as number
    if ((side & filter.side) === 0) return false
    const slug = words[at + SLUG] as number
    if (slug !== filter.slug && slug !== 0 && filter.slug !== 0) {
      const level = words[at + LEVEL] as number
      if (level === 0 || level !== filter.level) return false
    }
    const factor = filter.factors[words[at + CURRENCY] as number] as number
    if (factor === 0 || Number.isNaN(filter.bound) || side === (OFFER | WANT)) return true
    const amount = (this.#floats[(at >> 1) + BOUND] as number) * factor
    // Without a price the amount is not a number and every comparison is false.
    return !(filter.offer ? filter.bound > amount * WIDEST : amount > filter.bound * WIDEST)
  }

  hash(row: number): number {
    return this.#words[row * ROW + HASH] as number
  }
  length(row: number): number {
    return this.#words[row * ROW + LENGTH] as number
  }
  #grow(rows: number): void {
    const grown = new Uint32Array(Math.max(rows, Math.ceil((this.#words.length / ROW) * 1.5)) * ROW)
    grown.set(this.#words)
    this.#words = grown
    this.#floats = new Float64Array(grown.buffer)
  }
}
