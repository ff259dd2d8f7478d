/**
 * Something told of each list of a lexicon, by the numbers hits have: reading an array, where a look for the list's name would wait
 * for memory. It remembers the lexicon asked last.
 */
export class ListTable<T> {
  readonly #told: (name: string) => T
  #names: readonly string[] | undefined
  #values: readonly T[] = []

  constructor(told: (name: string) => T) {
    this.#told = told
  }

  /** By list; `names`: those of the lexicon's lists, always the same array. */
  of(names: readonly string[]): readonly T[] {
    if (this.#names !== names) {
      this.#names = names
      this.#values = names.map((name) => this.#told(name))
    }
    return this.#values
  }
}
