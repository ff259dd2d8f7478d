import { GrowingU32 } from '../match/growing.ts'

/** Rows not yet in the packed index: one chain of entries per key, newest first. Entry 0 ends a chain. */
export class Delta {
  readonly #heads = new GrowingU32()
  readonly #next = new GrowingU32()
  readonly #row = new GrowingU32()
  readonly #order = new GrowingU32()
  #current = 0

  constructor() {
    this.#next.push(0)
    this.#row.push(0)
  }

  /** Rows filed, the removed ones included. */
  get rows(): number {
    return this.#order.length
  }
  get bytes(): number {
    return [this.#heads, this.#next, this.#row, this.#order].reduce((sum, list) => sum + list.data.byteLength, 0)
  }

  /** The row that the following calls of `file` are about. */
  begin(row: number): void {
    this.#current = row
    this.#order.push(row)
  }

  file(key: number): void {
    this.#heads.ensure(key + 1)
    const entry = this.#row.push(this.#current)
    this.#next.push(this.#heads.data[key] as number)
    this.#heads.data[key] = entry
  }

  head(key: number): number {
    return this.#heads.data[key] ?? 0
  }
  next(entry: number): number {
    return this.#next.data[entry] as number
  }
  row(entry: number): number {
    return this.#row.data[entry] as number
  }

  /** Rows from `least` on, in the order they came. */
  *from(least: number): IterableIterator<number> {
    for (let i = 0; i < this.#order.length; i++) if ((this.#order.data[i] as number) >= least) yield this.#order.data[i] as number
  }
}
