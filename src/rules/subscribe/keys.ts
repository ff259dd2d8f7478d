import { searchKey } from '../match/document.ts'
import { wordsOf } from '../match/terms.ts'
import type { Vocabulary } from '../match/vocabulary.ts'
import type { SubscriptionQuery } from './query.ts'

/** Terms whose keys are remembered. */
const MAX_TERMS = 100_000

/** Numbers of words, topics and countries that searches ask for. */
export class SubscriptionKeys {
  readonly #vocabulary: Vocabulary
  readonly #words = new Map<string, number>()
  readonly #countries = new Map<string, number>()
  #count = 0
  readonly #terms = new Map<string, readonly number[]>()
  readonly #topics = new Map<string, number>()

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary
  }

  get size(): number {
    return this.#count
  }

  ofWord(key: string): number | undefined {
    return this.#words.get(key)
  }
  ofTopic(slug: string): number | undefined {
    return this.#topics.get(slug)
  }
  ofCountry(code: string): number | undefined {
    return this.#countries.get(code)
  }

  /** Keys an intent must have; `single`: every term is one word. Empty when nothing is required as such. */
  required(query: SubscriptionQuery): { readonly keys: number[]; readonly single: boolean } {
    const keys: number[] = []
    let single = true
    for (let i = 0; i < query.all.length; i++) {
      const own = this.#ofTerm(query.all[i] as string)
      if (own.length !== 1) single = false
      addNew(keys, own)
    }
    for (let i = 0; i < query.any.length; i++) {
      const group = query.any[i] as readonly string[]
      if (group.length === 1) addNew(keys, this.#ofTerm(group[0] as string))
    }
    if (query.topics.length === 1) keys.push(this.#ofSlug(query.topics[0] as string))
    if (query.place?.country !== undefined) keys.push(this.#number(this.#countries, query.place.country))
    return { keys, single }
  }

  /** The smallest group of alternatives: an intent must have one of them. */
  alternatives(query: SubscriptionQuery): number[] {
    const groups = [
      ...query.any.map((g) => g.map((term) => this.#ofTerm(term)[0] ?? this.#number(this.#words, ''))),
      query.topics.map((t) => this.#ofSlug(t)),
    ].filter((g) => g.length > 0)
    return [...new Set(groups.sort((a, b) => a.length - b.length)[0] ?? [])]
  }

  #ofTerm(term: string): readonly number[] {
    const known = this.#terms.get(term)
    if (known !== undefined) return known
    if (this.#terms.size >= MAX_TERMS) this.#terms.clear()
    const keys = wordsOf(term).map((word) => this.#number(this.#words, searchKey(word, this.#vocabulary)))
    this.#terms.set(term, keys)
    return keys
  }

  #ofSlug(slug: string): number {
    return this.#number(this.#topics, slug)
  }

  #number(names: Map<string, number>, name: string): number {
    const known = names.get(name)
    if (known !== undefined) return known
    names.set(name, this.#count)
    return this.#count++
  }
}

function addNew(keys: number[], more: readonly number[]): void {
  for (let i = 0; i < more.length; i++) if (!keys.includes(more[i] as number)) keys.push(more[i] as number)
}
