import { GrowingU32 } from './growing.ts'
import type { IntentTerms } from './term-numbers.ts'

/** Words a record begins with: how many entries it has, and the weighed length of its intent. */
const HEAD = 2
/** Records are multiples of so many words long, so that one fits where another was. */
const STEP = 4

/**
 * Words of open intents by row, in one array of numbers: half of what lists of their own take, and nothing that the collector of
 * garbage has to look at. A record that is given back is used by the next one of its size.
 */
export class TermPool {
  readonly #words = new GrowingU32()
  /** Places plus one; 0 where a row has none. */
  readonly #starts = new GrowingU32()
  /** Records that are free, by size. */
  readonly #free: (number[] | undefined)[] = []

  has(row: number): boolean {
    return (this.#starts.data[row] ?? 0) !== 0
  }

  /** Valid until the next `set`. */
  get(row: number): IntentTerms {
    const at = (this.#starts.data[row] as number) - 1 + HEAD
    const words = this.#words.data
    return { words, from: at, to: at + (words[at - HEAD] as number), length: words[at - 1] as number, unknown: 0 }
  }

  /** The row must have none. */
  set(row: number, { words, from, to, length }: IntentTerms): void {
    const size = sizeOf(to - from)
    const at = this.#free[size]?.pop() ?? this.#words.length
    this.#words.ensure(at + size * STEP)
    this.#words.length = Math.max(this.#words.length, at + size * STEP)
    const { data } = this.#words
    data[at] = to - from
    data[at + 1] = length
    for (let i = from; i < to; i++) data[at + HEAD + i - from] = words[i] as number
    this.#starts.ensure(row + 1)
    this.#starts.data[row] = at + 1
  }

  clear(row: number): void {
    if (!this.has(row)) return
    const at = (this.#starts.data[row] as number) - 1
    const size = sizeOf(this.#words.data[at] as number)
    const free = this.#free[size]
    if (free === undefined) this.#free[size] = [at]
    else free.push(at)
    this.#starts.data[row] = 0
  }
}

const sizeOf = (entries: number): number => Math.ceil((HEAD + entries) / STEP)
