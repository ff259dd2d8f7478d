import type { Atom, Part } from './phrase.ts'
import type { VocabularyBuilder, WordInfo } from './vocabulary.ts'

/**
 * Groups of words, one per part of a phrase that cannot be left out: where none of a group's words occurs in a text, no phrase
 * with that part does. Words of talk make no groups; nearly every text has them.
 */
export class Needs {
  readonly #vocabulary: VocabularyBuilder
  readonly #common: ReadonlySet<string>
  readonly #ids = new Map<string, number>()
  readonly #sizes: number[] = []

  constructor(vocabulary: VocabularyBuilder, common: ReadonlySet<string>) {
    this.#vocabulary = vocabulary
    this.#common = common
  }

  get count(): number {
    return this.#sizes.length
  }

  /** The group of a part; −1 where an alternative is empty, common, or names a class. */
  groupOf(part: Part): number {
    const atoms: Atom[] = []
    for (const option of part) {
      const atom = option.find((a) => (a.kind === 'word' && !this.#common.has(a.text)) || a.kind === 'prefix')
      if (atom === undefined) return -1
      atoms.push(atom)
    }
    const key = atoms
      .map((a) => (a.kind === 'word' || a.kind === 'prefix' ? `${a.kind} ${a.text}` : ''))
      .sort()
      .join('|')
    const known = this.#ids.get(key)
    if (known !== undefined) return known
    const id = this.#sizes.length
    this.#ids.set(key, id)
    this.#sizes.push(atoms.length)
    for (const atom of atoms) {
      if (atom.kind === 'word') this.#vocabulary.wordGroup(atom.text, id)
      else if (atom.kind === 'prefix') this.#vocabulary.prefixGroup(atom.text, id)
    }
    return id
  }

  /** The most telling of several groups; −1 without any. */
  narrowest(groups: readonly number[]): number {
    let best = -1
    for (const g of groups) if (best < 0 || (this.#sizes[g] as number) < (this.#sizes[best] as number)) best = g
    return best
  }
}

const LAST_MARK = 0x7fffffff

/** Which groups a text has: one array for all texts, its marks told apart by a number that goes up. */
export class PresentGroups {
  readonly marks: Int32Array
  #mark = 0

  constructor(groups: number) {
    this.marks = new Int32Array(groups)
  }

  /** Marks the groups of a text's words; they stand until the next call. */
  take(infos: readonly WordInfo[]): number {
    if (this.#mark === LAST_MARK) {
      this.marks.fill(0)
      this.#mark = 0
    }
    const mark = ++this.#mark
    for (let i = 0; i < infos.length; i++) {
      const { groups } = infos[i] as WordInfo
      for (let k = 0; k < groups.length; k++) this.marks[groups[k] as number] = mark
    }
    return mark
  }
}
