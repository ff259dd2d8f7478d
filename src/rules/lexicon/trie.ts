import { foldWord } from '../text/chars.ts'
import type { Token } from '../text/model.ts'
import type { Atom, Phrase } from './phrase.ts'

/** What a completed phrase stands for. */
export interface Leaf {
  readonly entry: number
  readonly anchor: 0 | 1 | 2
  readonly end: boolean
  /** Typed without marks: counts only when the text's language allows it. */
  readonly folded: boolean
}

interface PrefixEdge {
  readonly text: string
  readonly node: Node
}
interface GapEdge {
  readonly min: number
  readonly max: number
  readonly node: Node
}
interface ClassEdge {
  readonly name: number
  readonly node: Node
}
interface Node {
  words: Map<string, Node> | undefined
  prefixes: Map<string, PrefixEdge[]> | undefined
  classes: ClassEdge[] | undefined
  gaps: GapEdge[] | undefined
  leaves: Leaf[] | undefined
}

const node = (): Node => ({ words: undefined, prefixes: undefined, classes: undefined, gaps: undefined, leaves: undefined })

/** Ends (exclusive token index) of class hits that begin at a token; undefined when there are none. */
export type ClassEnds = (name: number, at: number) => readonly number[] | undefined
export type Found = (leaf: Leaf, start: number, end: number) => void

/** Steps a message may cost in all tries together; dense adversarial text ends here. */
export class Budget {
  left: number
  constructor(steps: number) {
    this.left = steps
  }
}

/** Phrases of all languages in one tree of tokens. */
export class PhraseTrie {
  readonly #root = node()
  readonly #classId: (name: string) => number
  readonly #plurals: boolean

  /** `plurals`: a word of the text also matches without a final s or es. */
  constructor(classId: (name: string) => number, plurals: boolean) {
    this.#classId = classId
    this.#plurals = plurals
  }

  add(phrase: Phrase, entry: number): void {
    this.#insert(phrase.atoms, { entry, anchor: phrase.anchor, end: phrase.end, folded: false })
    const folded = phrase.atoms.map(
      (a): Atom => (a.kind === 'word' || a.kind === 'prefix' ? { kind: a.kind, text: foldWord(a.text) } : a),
    )
    const changed = folded.some((a, i) => {
      const b = phrase.atoms[i] as Atom
      return (a.kind === 'word' || a.kind === 'prefix') && a.text !== (b as { text: string }).text
    })
    if (changed) this.#insert(folded, { entry, anchor: phrase.anchor, end: phrase.end, folded: true })
  }

  #insert(atoms: readonly Atom[], leaf: Leaf): void {
    let at = this.#root
    for (const atom of atoms) at = this.#edge(at, atom)
    at.leaves ??= []
    at.leaves.push(leaf)
  }

  #edge(from: Node, atom: Atom): Node {
    switch (atom.kind) {
      case 'word': {
        from.words ??= new Map()
        const known = from.words.get(atom.text)
        if (known !== undefined) return known
        const next = node()
        from.words.set(atom.text, next)
        return next
      }
      case 'prefix': {
        const key = atom.text.slice(0, 4)
        from.prefixes ??= new Map()
        const list = from.prefixes.get(key) ?? []
        from.prefixes.set(key, list)
        const known = list.find((e) => e.text === atom.text)
        if (known !== undefined) return known.node
        const edge = { text: atom.text, node: node() }
        list.push(edge)
        return edge.node
      }
      case 'class': {
        const name = this.#classId(atom.name)
        from.classes ??= []
        const known = from.classes.find((e) => e.name === name)
        if (known !== undefined) return known.node
        const edge = { name, node: node() }
        from.classes.push(edge)
        return edge.node
      }
      case 'gap': {
        from.gaps ??= []
        const known = from.gaps.find((e) => e.min === atom.min && e.max === atom.max)
        if (known !== undefined) return known.node
        const edge = { min: atom.min, max: atom.max, node: node() }
        from.gaps.push(edge)
        return edge.node
      }
    }
  }

  /** Reports every phrase that begins at token `start`. Gaps stay within a sentence. */
  matchAt(tokens: readonly Token[], start: number, ends: ClassEnds, budget: Budget, found: Found): void {
    this.#walk(this.#root, tokens, start, start, ends, budget, found)
  }

  #walk(at: Node, tokens: readonly Token[], start: number, i: number, ends: ClassEnds, budget: Budget, found: Found): void {
    if (budget.left <= 0) return
    budget.left--
    if (at.leaves !== undefined) for (const leaf of at.leaves) found(leaf, start, i)
    const token = tokens[i]
    if (token === undefined) return
    if (at.words !== undefined) {
      const next = at.words.get(token.text)
      if (next !== undefined) this.#walk(next, tokens, start, i + 1, ends, budget, found)
      else if (this.#plurals && token.kind === 'word' && token.text.length > 3)
        this.#singular(at.words, token.text, tokens, start, i, ends, budget, found)
    }
    if (at.prefixes !== undefined && token.text.length >= 4) {
      const list = at.prefixes.get(token.text.slice(0, 4))
      if (list !== undefined) {
        for (const edge of list)
          if (token.text.startsWith(edge.text)) this.#walk(edge.node, tokens, start, i + 1, ends, budget, found)
      }
    }
    if (at.classes !== undefined) {
      for (const edge of at.classes) {
        const list = ends(edge.name, i)
        if (list !== undefined) for (const end of list) this.#walk(edge.node, tokens, start, end, ends, budget, found)
      }
    }
    if (at.gaps !== undefined) for (const gap of at.gaps) this.#gap(gap, tokens, start, i, ends, budget, found)
  }

  #gap(gap: GapEdge, tokens: readonly Token[], start: number, i: number, ends: ClassEnds, budget: Budget, found: Found): void {
    const sentence = tokens[i]?.sentence
    for (let k = 0; k <= gap.max; k++) {
      const token = tokens[i + k]
      if (token === undefined || token.sentence !== sentence || token.kind === 'line') return
      if (k >= gap.min) this.#walk(gap.node, tokens, start, i + k, ends, budget, found)
      if (token.kind === 'op' && token.text === ',') return
    }
  }

  #singular(
    words: ReadonlyMap<string, Node>,
    text: string,
    tokens: readonly Token[],
    start: number,
    i: number,
    ends: ClassEnds,
    budget: Budget,
    found: Found,
  ): void {
    if (!text.endsWith('s')) return
    const next = words.get(text.slice(0, -1)) ?? (text.endsWith('es') ? words.get(text.slice(0, -2)) : undefined)
    const third = next ?? (text.endsWith('ies') ? words.get(`${text.slice(0, -3)}y`) : undefined)
    if (third !== undefined) this.#walk(third, tokens, start, i + 1, ends, budget, found)
  }
}
