import { foldWord } from '../text/chars.ts'
import type { Atom, Part, Phrase } from './phrase.ts'
import type { VocabularyBuilder } from './vocabulary.ts'

/** Classes that cannot stand without a digit or a sign of money: their presence shows anyway. */
const NUMERIC = new Set(['num', 'money', 'model'])
const CLASS_COST = 200
const COMMON_COST = 1000

/**
 * Marks the words without which a phrase cannot stand: those of its most telling part. A text without a marked word, a
 * number or a sign of structure has no such phrase and need not be looked at further.
 */
export class KeyWords {
  readonly #vocabulary: VocabularyBuilder
  readonly #common: ReadonlySet<string>
  readonly #phrasesOf: (cls: string) => readonly Phrase[]
  readonly #classes = new Set<string>()

  constructor(vocabulary: VocabularyBuilder, common: ReadonlySet<string>, phrasesOf: (cls: string) => readonly Phrase[]) {
    this.#vocabulary = vocabulary
    this.#common = common
    this.#phrasesOf = phrasesOf
  }

  mark(phrase: Phrase): void {
    let best: Part | undefined
    let least = Number.POSITIVE_INFINITY
    for (const part of phrase.parts) {
      const cost = costOf(part, this.#common)
      if (cost < least) [best, least] = [part, cost]
    }
    for (const option of best ?? []) {
      const atom = telling(option, this.#common)
      if (atom?.kind === 'word') {
        this.#vocabulary.keyWord(atom.text)
        this.#vocabulary.keyWord(foldWord(atom.text))
      } else if (atom?.kind === 'prefix') {
        this.#vocabulary.keyPrefix(atom.text)
        this.#vocabulary.keyPrefix(foldWord(atom.text))
      } else if (atom?.kind === 'class' && !NUMERIC.has(atom.name)) this.markClass(atom.name)
    }
  }

  /** Every phrase of a word list. */
  markClass(name: string): void {
    if (this.#classes.has(name)) return
    this.#classes.add(name)
    for (const term of this.#phrasesOf(name)) this.mark(term)
  }
}

/** Infinite for a part that may be left out. */
function costOf(part: Part, common: ReadonlySet<string>): number {
  let cost = part.length / 100
  for (const option of part) {
    const atom = telling(option, common)
    if (atom === undefined) return Number.POSITIVE_INFINITY
    cost = Math.max(cost, costOfAtom(atom, common) + part.length / 100)
  }
  return cost
}

/** The least common atom of an option. */
function telling(option: readonly Atom[], common: ReadonlySet<string>): Atom | undefined {
  let best: Atom | undefined
  for (const atom of option) {
    if (atom.kind === 'gap') continue
    if (best === undefined || costOfAtom(atom, common) < costOfAtom(best, common)) best = atom
  }
  return best
}

function costOfAtom(atom: Atom, common: ReadonlySet<string>): number {
  if (atom.kind === 'class') return NUMERIC.has(atom.name) ? 0 : CLASS_COST
  if (atom.kind === 'word') return common.has(atom.text) ? COMMON_COST : 1
  return 1
}
