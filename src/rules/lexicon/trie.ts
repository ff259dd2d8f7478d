import { foldWord } from '../text/chars.ts'
import type { Needs } from './needs.ts'
import { type Atom, mapWords, type Part, type Phrase } from './phrase.ts'
import type { VocabularyBuilder } from './vocabulary.ts'

/** What a completed phrase stands for. */
export interface Leaf {
  readonly entry: number
  readonly anchor: 0 | 1 | 2
  readonly end: boolean
  /** Typed without marks: counts only when the text's language allows it. */
  readonly folded: boolean
}

export interface Gap {
  readonly min: number
  readonly max: number
  readonly node: TrieNode
}

/** One place of the trie as it is built; `PhraseGraph` is the form that is searched. */
export interface TrieNode {
  readonly words: Map<number, TrieNode[]>
  readonly prefixes: Map<number, TrieNode[]>
  readonly classes: Map<number, TrieNode[]>
  readonly gaps: Gap[]
  /** Reached without a token: an alternative left out. */
  readonly skips: TrieNode[]
  readonly leaves: Leaf[]
  /** Groups of words of which one must occur in a text for any phrase that leads through here. */
  needs: readonly number[]
  /** Parts already wired from here, by their writing. */
  readonly shared: Map<string, TrieNode>
}

const node = (needs: readonly number[]): TrieNode => ({
  words: new Map(),
  prefixes: new Map(),
  classes: new Map(),
  gaps: [],
  skips: [],
  leaves: [],
  needs,
  shared: new Map(),
})

/** Phrases of all languages in one graph of tokens; alternatives lead to a common continuation. */
export class PhraseTrie {
  readonly root = node([])
  readonly #vocabulary: VocabularyBuilder
  readonly #classId: (name: string) => number
  readonly #needs: Needs | undefined

  /** `needs` spares looking for phrases whose telling words a text has not. */
  constructor(vocabulary: VocabularyBuilder, classId: (name: string) => number, needs?: Needs) {
    this.#vocabulary = vocabulary
    this.#classId = classId
    this.#needs = needs
  }

  add(phrase: Phrase, entry: number): void {
    this.#insert(phrase.parts, { entry, anchor: phrase.anchor, end: phrase.end, folded: false })
    let changed = false
    const folded = mapWords(phrase, (text) => {
      const fold = foldWord(text)
      changed ||= fold !== text
      return fold
    })
    if (changed) this.#insert(folded.parts, { entry, anchor: phrase.anchor, end: phrase.end, folded: true })
  }

  #insert(parts: readonly Part[], leaf: Leaf): void {
    const first = parts[0] as Part
    const kept = first.filter((option) => option.length > 0)
    if (kept.length < first.length && parts.length > 1) {
      // A first part that may be left out: the phrase with it and the phrase without it.
      if (kept.length > 0) this.#chain([kept, ...parts.slice(1)], leaf)
      this.#insert(parts.slice(1), leaf)
    } else this.#chain(parts, leaf)
  }

  #chain(parts: readonly Part[], leaf: Leaf): void {
    const groups = parts.map((part) => this.#needs?.groupOf(part) ?? -1)
    let at = this.root
    parts.forEach((part, i) => {
      at = this.#part(
        at,
        part,
        groups.slice(i + 1).filter((g) => g >= 0),
      )
    })
    at.leaves.push(leaf)
  }

  #part(from: TrieNode, part: Part, needs: readonly number[]): TrieNode {
    const key = keyOf(part)
    const known = from.shared.get(key)
    if (known !== undefined) {
      if (known.needs.length > 0) known.needs = known.needs.filter((g) => needs.includes(g))
      return known
    }
    const next = node(needs)
    from.shared.set(key, next)
    for (const option of part) {
      let at = from
      option.forEach((atom, i) => {
        const to = i === option.length - 1 ? next : node([])
        this.#wire(at, atom, to)
        at = to
      })
      if (option.length === 0) from.skips.push(next)
    }
    return next
  }

  #wire(from: TrieNode, atom: Atom, to: TrieNode): void {
    switch (atom.kind) {
      case 'word':
        put(from.words, this.#vocabulary.word(atom.text), to)
        return
      case 'prefix':
        put(from.prefixes, this.#vocabulary.prefix(atom.text), to)
        return
      case 'class':
        put(from.classes, this.#classId(atom.name), to)
        return
      case 'gap':
        from.gaps.push({ min: atom.min, max: atom.max, node: to })
    }
  }
}

function put(into: Map<number, TrieNode[]>, key: number, to: TrieNode): void {
  const known = into.get(key)
  if (known === undefined) into.set(key, [to])
  else known.push(to)
}

const keyOf = (part: Part): string =>
  part
    .map((o) =>
      o
        .map((a) => (a.kind === 'gap' ? `{${a.min},${a.max}}` : a.kind === 'class' ? `<${a.name}>` : `${a.kind[0]}${a.text}`))
        .join(' '),
    )
    .join('|')
