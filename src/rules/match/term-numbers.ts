import type { StoredIntent } from '../model.ts'
import { expandKeys } from './document.ts'
import { wantedItem } from './filters.ts'
import { keysOf, stem, wordsOf } from './terms.ts'
import type { Vocabulary } from './vocabulary.ts'

/** Distinct words of an intent. */
export interface IntentTerms {
  /** From `from` to before `to`: numbers of the words, each with its weight in the low bits: 3 in the item, 1 elsewhere. */
  readonly words: Uint32Array
  readonly from: number
  readonly to: number
  /** Weighed words. */
  readonly length: number
  /** Words of a query no open intent has. */
  readonly unknown: number
}

/** Bits of an entry that hold its weight; rows in the lists of words stand above them too. */
export const WEIGHT_BITS = 4
export const WEIGHT_MASK = (1 << WEIGHT_BITS) - 1
const ITEM_WEIGHT = 3
/** Distinct words of one intent that are indexed. */
const MAX_TERMS = 64
/** Weighed words of an intent are never more. */
export const MAX_LENGTH = MAX_TERMS * ITEM_WEIGHT

/** Words of open intents by their number. A number, once given, stays. */
export class TermNumbers {
  readonly #vocabulary: Vocabulary
  readonly #tokens = new Map<string, number>()

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary
  }

  get size(): number {
    return this.#tokens.size
  }

  /** Words a listing answers to; `create`: words not met before get numbers. */
  listing(intent: StoredIntent, create: boolean): IntentTerms {
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
  asked(intent: StoredIntent, create: boolean): IntentTerms {
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
    const words = new Uint32Array(weights.size)
    let to = 0
    let unknown = 0
    for (const [word, weight] of weights) {
      let token = this.#tokens.get(word)
      if (token === undefined && create) {
        token = this.#tokens.size
        this.#tokens.set(word, token)
      }
      if (token === undefined) unknown++
      else words[to++] = (token << WEIGHT_BITS) | weight
    }
    return { words, from: 0, to, length, unknown }
  }
}
