import type { Token } from '../text/model.ts'
import type { Needs } from './needs.ts'
import type { Leaf, PhraseTrie, TrieNode } from './trie.ts'
import type { WordInfo } from './vocabulary.ts'

/** A class hit: its class and exclusive end token. */
export interface ClassHit {
  readonly cls: number
  readonly end: number
}

/** What a look-up runs over: tokens, what is known of their forms, and the class hits that begin at each. */
export interface Field {
  readonly tokens: readonly Token[]
  readonly infos: readonly WordInfo[]
  classesAt(i: number): readonly ClassHit[]
}

/** Steps a message may cost in all look-ups together; dense adversarial text ends here. */
export class Budget {
  left: number
  constructor(steps: number) {
    this.left = steps
  }
}

/** Is told of every phrase found. */
export interface Sink {
  found(leaf: Leaf, start: number, end: number): void
}

const WORD = 0
const PREFIX = 1
const CLASS = 2
/** What a node has: kinds of edges, leaves, nodes reached without a token, gaps. */
const HAS = { words: 1, prefixes: 2, classes: 4, leaves: 8, skips: 16, gaps: 32 } as const
const HAS_BITS = 6
const HAS_MASK = (1 << HAS_BITS) - 1
const SLOT = 4
const NOWHERE = -0x80000000
const NO_NODES: readonly number[] = []

/** A finished trie in flat arrays: one hash table holds the edges of all nodes. Searching writes only to the given objects. */
export class PhraseGraph {
  /** Per node: what it has, and in the bits above the group of words of which one must occur; −1 without any. */
  readonly #nodes: Int32Array
  readonly #leaves: (readonly Leaf[] | undefined)[] = []
  readonly #skips: (readonly number[] | undefined)[] = []
  /** Triples of min, max, node. */
  readonly #gaps: (readonly number[] | undefined)[] = []
  /** Slots of four: node or −1, symbol, and the node led to, or −1 − index into the lists of several. */
  readonly #edges: Int32Array
  readonly #several: (readonly number[])[] = []
  readonly #mask: number
  readonly #plurals: boolean
  readonly #rootClasses: boolean

  /** `plurals`: a word of the text also matches without a final s or es. */
  constructor(trie: PhraseTrie, plurals: boolean, needs?: Needs) {
    const nodes: TrieNode[] = [trie.root]
    const numbers = new Map<TrieNode, number>([[trie.root, 0]])
    const numberOf = (node: TrieNode): number => {
      const known = numbers.get(node)
      if (known !== undefined) return known
      numbers.set(node, nodes.length)
      return nodes.push(node) - 1
    }
    let edges = 0
    const kindsOf = (node: TrieNode) => [node.words, node.prefixes, node.classes]
    for (let at = 0; at < nodes.length; at++) {
      const node = nodes[at] as TrieNode
      for (const map of kindsOf(node)) {
        edges += map.size
        for (const targets of map.values()) for (const to of targets) numberOf(to)
      }
      this.#skips.push(node.skips.length === 0 ? undefined : node.skips.map(numberOf))
      this.#gaps.push(node.gaps.length === 0 ? undefined : node.gaps.flatMap((g) => [g.min, g.max, numberOf(g.node)]))
      this.#leaves.push(node.leaves.length === 0 ? undefined : node.leaves)
    }
    this.#nodes = new Int32Array(nodes.length)
    const size = 2 ** Math.ceil(Math.log2(Math.max(2, edges * 2)))
    this.#mask = (size - 1) * SLOT
    this.#edges = new Int32Array(size * SLOT).fill(-1)
    nodes.forEach((node, at) => {
      const has =
        (node.words.size > 0 ? HAS.words : 0) |
        (node.prefixes.size > 0 ? HAS.prefixes : 0) |
        (node.classes.size > 0 ? HAS.classes : 0) |
        (node.leaves.length > 0 ? HAS.leaves : 0) |
        (node.skips.length > 0 ? HAS.skips : 0) |
        (node.gaps.length > 0 ? HAS.gaps : 0)
      this.#nodes[at] = ((needs?.narrowest(node.needs) ?? -1) << HAS_BITS) | has
      kindsOf(node).forEach((map, kind) => {
        for (const [key, targets] of map) this.#put(at, key * 3 + kind, targets.map(numberOf))
      })
    })
    this.#plurals = plurals
    this.#rootClasses = trie.root.classes.size > 0
  }

  #put(node: number, symbol: number, targets: readonly number[]): void {
    const edges = this.#edges
    let slot = this.#slot(node, symbol)
    while (edges[slot] !== -1) slot = (slot + SLOT) & this.#mask
    edges[slot] = node
    edges[slot + 1] = symbol
    edges[slot + 2] = targets.length === 1 ? (targets[0] as number) : -this.#several.push(targets)
  }

  #slot(node: number, symbol: number): number {
    const h = Math.imul(node, 0x9e3779b1) ^ Math.imul(symbol, 0x85ebca6b)
    return ((h ^ (h >>> 15)) << 2) & this.#mask
  }

  /** Where an edge leads: a node, −1 − index of several, or `NOWHERE`. */
  #edge(node: number, symbol: number): number {
    const edges = this.#edges
    let slot = this.#slot(node, symbol)
    for (;;) {
      const at = edges[slot] as number
      if (at === -1) return NOWHERE
      if (at === node && edges[slot + 1] === symbol) return edges[slot + 2] as number
      slot = (slot + SLOT) & this.#mask
    }
  }

  #targets(node: number, symbol: number): readonly number[] {
    const to = this.#edge(node, symbol)
    if (to === NOWHERE) return NO_NODES
    return to >= 0 ? [to] : (this.#several[-to - 1] as readonly number[])
  }

  /** Nodes reached from the root by a written form: its word or singulars, then its beginnings. */
  roots(id: number, singulars: readonly number[], prefixes: readonly number[]): readonly number[] {
    const out = id >= 0 ? [...this.#targets(0, id * 3 + WORD)] : []
    if (out.length === 0 && this.#plurals) for (const s of singulars) out.push(...this.#targets(0, s * 3 + WORD))
    for (const p of prefixes) out.push(...this.#targets(0, p * 3 + PREFIX))
    return out.length === 0 ? NO_NODES : out
  }

  /**
   * Tells `sink` of every phrase that begins at token `start`; `roots` are the nodes its form leads to. Gaps stay within a
   * sentence. `present` says which groups of words the text has: those whose mark is `mark`.
   */
  matchAt(
    field: Field,
    start: number,
    roots: readonly number[],
    budget: Budget,
    sink: Sink,
    present?: Int32Array,
    mark = 0,
  ): void {
    if (roots.length === 0 && !this.#rootClasses) return
    const classes = this.#rootClasses ? field.classesAt(start) : NO_CLASSES
    if (roots.length === 0 && classes.length === 0) return
    const search = new Search(this, field, start, budget, sink, present, mark)
    for (let k = 0; k < roots.length; k++) this.walk(search, roots[k] as number, start + 1)
    if (classes.length > 0) this.#classes(search, 0, classes)
  }

  walk(search: Search, node: number, i: number): void {
    const { present, budget, field } = search
    const meta = this.#nodes[node] as number
    const need = meta >> HAS_BITS
    if (need >= 0 && present !== undefined && present[need] !== search.mark) return
    if (budget.left <= 0) return
    budget.left--
    const has = meta & HAS_MASK
    if ((has & HAS.leaves) !== 0) {
      const leaves = this.#leaves[node] as readonly Leaf[]
      for (let k = 0; k < leaves.length; k++) search.sink.found(leaves[k] as Leaf, search.start, i)
      if (has === HAS.leaves) return
    }
    if ((has & HAS.skips) !== 0) for (const next of this.#skips[node] as readonly number[]) this.walk(search, next, i)
    const info = field.infos[i]
    if (info === undefined) return
    if ((has & HAS.words) !== 0) {
      const to = info.id >= 0 ? this.#edge(node, info.id * 3 + WORD) : NOWHERE
      if (to !== NOWHERE) this.#go(search, to, i + 1)
      else if (this.#plurals) {
        for (const id of info.singulars) {
          const other = this.#edge(node, id * 3 + WORD)
          if (other !== NOWHERE) this.#go(search, other, i + 1)
        }
      }
    }
    if ((has & HAS.prefixes) !== 0) {
      for (const id of info.prefixes) {
        const to = this.#edge(node, id * 3 + PREFIX)
        if (to !== NOWHERE) this.#go(search, to, i + 1)
      }
    }
    if ((has & HAS.classes) !== 0) this.#classes(search, node, field.classesAt(i))
    if ((has & HAS.gaps) !== 0) this.#gap(search, this.#gaps[node] as readonly number[], i)
  }

  #classes(search: Search, node: number, hits: readonly ClassHit[]): void {
    for (let k = 0; k < hits.length; k++) {
      const hit = hits[k] as ClassHit
      const to = this.#edge(node, hit.cls * 3 + CLASS)
      if (to !== NOWHERE && !repeated(hits, k)) this.#go(search, to, hit.end)
    }
  }

  #go(search: Search, to: number, i: number): void {
    if (to >= 0) this.walk(search, to, i)
    else for (const next of this.#several[-to - 1] as readonly number[]) this.walk(search, next, i)
  }

  #gap(search: Search, gaps: readonly number[], i: number): void {
    const { tokens } = search.field
    const sentence = tokens[i]?.sentence
    for (let g = 0; g < gaps.length; g += 3) {
      const node = gaps[g + 2] as number
      const need = (this.#nodes[node] as number) >> HAS_BITS
      if (need >= 0 && search.present !== undefined && search.present[need] !== search.mark) continue
      for (let k = 0; k <= (gaps[g + 1] as number); k++) {
        const token = tokens[i + k]
        if (token === undefined || token.sentence !== sentence || token.kind === 'line') break
        if (k >= (gaps[g] as number)) this.walk(search, node, i + k)
        if (token.kind === 'op' && token.text === ',') break
      }
    }
  }
}

/** One look-up from one token. */
class Search {
  readonly graph: PhraseGraph
  readonly field: Field
  readonly start: number
  readonly budget: Budget
  readonly sink: Sink
  readonly present: Int32Array | undefined
  readonly mark: number

  constructor(
    graph: PhraseGraph,
    field: Field,
    start: number,
    budget: Budget,
    sink: Sink,
    present: Int32Array | undefined,
    mark: number,
  ) {
    this.graph = graph
    this.field = field
    this.start = start
    this.budget = budget
    this.sink = sink
    this.present = present
    this.mark = mark
  }
}

const NO_CLASSES: readonly ClassHit[] = []

/** The same class over the same tokens was listed before. */
function repeated(hits: readonly ClassHit[], k: number): boolean {
  const hit = hits[k] as ClassHit
  for (let j = 0; j < k; j++) if (hits[j]?.cls === hit.cls && hits[j]?.end === hit.end) return true
  return false
}
