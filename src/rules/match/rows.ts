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

  side(row: number): number {
    return this.#words[row * ROW + SIDE] as number
  }
  slug(row: number): number {
    return this.#words[row * ROW + SLUG] as number
  }
  level(row: number): number {
    return this.#words[row * ROW + LEVEL] as number
  }
  currency(row: number): number {
    return this.#words[row * ROW + CURRENCY] as number
  }
  hash(row: number): number {
    return this.#words[row * ROW + HASH] as number
  }
  length(row: number): number {
    return this.#words[row * ROW + LENGTH] as number
  }
  bound(row: number): number {
    return this.#floats[((row * ROW) >> 1) + BOUND] as number
  }

  #grow(rows: number): void {
    const grown = new Uint32Array(Math.max(rows, Math.ceil((this.#words.length / ROW) * 1.5)) * ROW)
    grown.set(this.#words)
    this.#words = grown
    this.#floats = new Float64Array(grown.buffer)
  }
}
