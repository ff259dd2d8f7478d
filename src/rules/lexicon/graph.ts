import type { Token } from '../text/model.ts'
import { CLASS, type GraphParts, HAS, HAS_BITS, leafCode, listsOf, PREFIX, WORD } from './graph-parts.ts'
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

/** Is told of every phrase found; `leaf` as `leafCode` makes it. */
export interface Sink {
  found(leaf: number, start: number, end: number): void
}

const HAS_MASK = (1 << HAS_BITS) - 1
const NOWHERE = -0x80000000
const NO_NODES: readonly number[] = []

/** Numbers of a node, and at which of them its edges and leaves begin. */
const STRIDE = 3
const EDGES = 1
const LEAVES = 2

/** Edges of a node up to which they are looked through one by one. */
const FEW = 8

/** In a list of roots, in place of a group: nodes that have words alone, as one table of what follows them. */
const TABLE = -2
/** Numbers a root takes in such a list: group needed or −1, node, what it has; or `TABLE`, the table's number, its nodes. */
const ROOT = 3

/** A finished trie in flat arrays: nodes with their edges in one run each. Searching writes only to the given objects. */
export class PhraseGraph {
  /**
   * `STRIDE` numbers per node, and as many behind the last: what it has, with the group of words of which one must occur in the
   * bits above (−1 without any), where its edges begin, and where its leaves begin.
   */
  readonly #nodes: Int32Array
  /** Leaves by node (`leafCode`). */
  readonly #leaves: Int32Array
  readonly #skips: (readonly number[] | undefined)[]
  /** Triples of min, max, node. */
  readonly #gaps: (readonly number[] | undefined)[]
  /** Pairs of a symbol and the node led to, or −1 − index into the lists of several; by rising symbols within a node. */
  readonly #edges: Int32Array
  /** The many edges of the root, which has none in the array. */
  readonly #first = new Map<number, number>()
  readonly #several: readonly (readonly number[])[]
  readonly #plurals: boolean
  readonly #rootClasses: boolean
  /** What follows the nodes of one written form that have words alone; made when the form is first met. */
  readonly #tables: FollowTable[] = []
  readonly #rootsOf = new Map<number, readonly number[]>()

  /** `entryOf`: the entry a leaf of the parts tells of; without it the one it names. */
  constructor(parts: GraphParts, entryOf?: readonly number[]) {
    const { nodes, edges } = parts
    this.#skips = listsOf(parts.skips, nodes.length)
    this.#gaps = listsOf(parts.gaps, nodes.length)
    this.#several = parts.several
    this.#plurals = parts.plurals
    this.#rootClasses = ((nodes[0] ?? 0) & HAS.classes) !== 0
    const sorted: [node: number, symbol: number, to: number][] = []
    for (let k = 0; k < edges.length; k += 3) {
      const [node, symbol, to] = [edges[k] as number, edges[k + 1] as number, edges[k + 2] as number]
      if (node === 0) this.#first.set(symbol, to)
      else sorted.push([node, symbol, to])
    }
    sorted.sort((a, b) => a[0] - b[0] || a[1] - b[1])
    this.#edges = Int32Array.from(sorted.flatMap(([, symbol, to]) => [symbol, to]))
    const leaves: [node: number, leaf: number][] = []
    for (let k = 0; k < parts.leaves.length; k += 3) {
      const [node, entry, signs] = [parts.leaves[k] as number, parts.leaves[k + 1] as number, parts.leaves[k + 2] as number]
      leaves.push([node, leafCode(entryOf?.[entry] ?? entry, signs)])
    }
    leaves.sort((a, b) => a[0] - b[0])
    this.#leaves = Int32Array.from(leaves, ([, leaf]) => leaf)
    this.#nodes = new Int32Array((nodes.length + 1) * STRIDE)
    for (let node = 0, k = 0, l = 0; node <= nodes.length; node++) {
      while (k < sorted.length && (sorted[k]?.[0] as number) < node) k++
      while (l < leaves.length && (leaves[l]?.[0] as number) < node) l++
      this.#nodes[node * STRIDE] = nodes[node] ?? 0
      this.#nodes[node * STRIDE + EDGES] = k * 2
      this.#nodes[node * STRIDE + LEAVES] = l
    }
  }

  /** Where an edge leads: a node, −1 − index of several, or `NOWHERE`. */
  #edge(node: number, symbol: number): number {
    if (node === 0) return this.#first.get(symbol) ?? NOWHERE
    const edges = this.#edges
    let low = this.#nodes[node * STRIDE + EDGES] as number
    let high = this.#nodes[(node + 1) * STRIDE + EDGES] as number
    while (high - low > FEW * 2) {
      const middle = low + (((high - low) >> 2) << 1)
      if ((edges[middle] as number) > symbol) high = middle
      else low = middle
    }
    for (; low < high; low += 2) if (edges[low] === symbol) return edges[low + 1] as number
    return NOWHERE
  }

  #targets(node: number, symbol: number): readonly number[] {
    const to = this.#edge(node, symbol)
    if (to === NOWHERE) return NO_NODES
    return to >= 0 ? [to] : (this.#several[-to - 1] as readonly number[])
  }

  /** Where a written form leads to from the root: by its word or singulars, then by its beginnings. */
  roots(id: number, singulars: readonly number[], prefixes: readonly number[]): readonly number[] {
    const out = id >= 0 ? [...this.#symbolRoots(id * 3 + WORD)] : []
    if (out.length === 0 && this.#plurals) for (const s of singulars) out.push(...this.#symbolRoots(s * 3 + WORD))
    for (const p of prefixes) out.push(...this.#symbolRoots(p * 3 + PREFIX))
    return out.length === 0 ? NO_NODES : out
  }

  #symbolRoots(symbol: number): readonly number[] {
    const known = this.#rootsOf.get(symbol)
    if (known !== undefined) return known
    const out: number[] = []
    let alike: number[] = []
    const close = (): void => {
      if (alike.length === 1) out.push(-1, alike[0] as number, HAS.words)
      else if (alike.length > 1) out.push(TABLE, this.#tables.push(this.#following(alike)) - 1, alike.length)
      alike = []
    }
    for (const node of this.#targets(0, symbol)) {
      const meta = this.#nodes[node * STRIDE] as number
      if (meta >> HAS_BITS < 0 && (meta & HAS_MASK) === HAS.words && !this.#plurals) alike.push(node)
      else {
        close()
        out.push(meta >> HAS_BITS, node, meta & HAS_MASK)
      }
    }
    close()
    this.#rootsOf.set(symbol, out)
    return out
  }

  #following(nodes: readonly number[]): FollowTable {
    const targets = new Map<number, number[]>()
    for (const node of nodes) {
      const end = this.#nodes[(node + 1) * STRIDE + EDGES] as number
      for (let k = this.#nodes[node * STRIDE + EDGES] as number; k < end; k += 2) {
        const [symbol, to] = [this.#edges[k] as number, this.#edges[k + 1] as number]
        const list = targets.get(symbol) ?? []
        targets.set(symbol, list)
        if (to >= 0) list.push(to)
        else list.push(...(this.#several[-to - 1] as readonly number[]))
      }
    }
    return new FollowTable(targets)
  }

  /** Tells the search's sink of every phrase that begins at token `start`; `roots`: what `roots` gave for its form. */
  matchAt(search: Search, start: number, roots: readonly number[]): void {
    if (roots.length === 0 && !this.#rootClasses) return
    const { field, present, mark } = search
    const classes = this.#rootClasses ? field.classesAt(start) : NO_CLASSES
    search.start = start
    for (let k = 0; k < roots.length; k += ROOT) {
      const need = roots[k] as number
      if (need === TABLE) this.#follow(search, roots[k + 1] as number, roots[k + 2] as number)
      else if (need < 0 || present === undefined || present[need] === mark)
        this.#walk(search, roots[k + 1] as number, roots[k + 2] as number, start + 1)
    }
    if (classes.length > 0) this.#classes(search, 0, classes)
  }

  /** Goes on behind the first token at all nodes of a table at once, in their order; each costs a step. */
  #follow(search: Search, table: number, nodes: number): void {
    const { budget, field, start } = search
    if (budget.left <= 0) return
    budget.left -= nodes
    if (start + 1 >= field.infos.length) return
    const { id } = field.infos[start + 1] as WordInfo
    if (id < 0) return
    const targets = (this.#tables[table] as FollowTable).after(id * 3 + WORD)
    for (let k = 0; k < targets.length; k++) this.#enter(search, targets[k] as number, start + 2)
  }

  /** Goes on at a node, unless the text lacks what every phrase through it needs: most nodes end here. */
  #enter(search: Search, node: number, i: number): void {
    const meta = this.#nodes[node * STRIDE] as number
    const need = meta >> HAS_BITS
    if (need >= 0 && search.present !== undefined && search.present[need] !== search.mark) return
    this.#walk(search, node, meta & HAS_MASK, i)
  }

  #walk(search: Search, node: number, has: number, i: number): void {
    const { budget, field } = search
    if (budget.left <= 0) return
    budget.left--
    if ((has & HAS.leaves) !== 0) {
      const end = this.#nodes[(node + 1) * STRIDE + LEAVES] as number
      for (let k = this.#nodes[node * STRIDE + LEAVES] as number; k < end; k++)
        search.sink.found(this.#leaves[k] as number, search.start, i)
      if (has === HAS.leaves) return
    }
    if ((has & HAS.skips) !== 0) {
      const skips = this.#skips[node] as readonly number[]
      for (let k = 0; k < skips.length; k++) this.#enter(search, skips[k] as number, i)
    }
    if (i >= field.infos.length) return
    const info = field.infos[i] as WordInfo
    if ((has & HAS.words) !== 0) {
      const to = info.id >= 0 ? this.#edge(node, info.id * 3 + WORD) : NOWHERE
      if (to !== NOWHERE) this.#go(search, to, i + 1)
      else if (this.#plurals) this.#goAll(search, node, info.singulars, WORD, i + 1)
    }
    if ((has & HAS.prefixes) !== 0) this.#goAll(search, node, info.prefixes, PREFIX, i + 1)
    if ((has & HAS.classes) !== 0) this.#classes(search, node, field.classesAt(i))
    if ((has & HAS.gaps) !== 0) this.#gap(search, this.#gaps[node] as readonly number[], i)
  }

  #goAll(search: Search, node: number, ids: readonly number[], kind: number, i: number): void {
    for (let k = 0; k < ids.length; k++) {
      const to = this.#edge(node, (ids[k] as number) * 3 + kind)
      if (to !== NOWHERE) this.#go(search, to, i)
    }
  }

  #classes(search: Search, node: number, hits: readonly ClassHit[]): void {
    for (let k = 0; k < hits.length; k++) {
      const hit = hits[k] as ClassHit
      const to = this.#edge(node, hit.cls * 3 + CLASS)
      if (to !== NOWHERE && !repeated(hits, k)) this.#go(search, to, hit.end)
    }
  }

  #go(search: Search, to: number, i: number): void {
    if (to >= 0) {
      this.#enter(search, to, i)
      return
    }
    const several = this.#several[-to - 1] as readonly number[]
    for (let k = 0; k < several.length; k++) this.#enter(search, several[k] as number, i)
  }

  /** A step at a node that has words alone. */
  #word(search: Search, node: number, i: number): void {
    const { budget, field } = search
    if (budget.left <= 0) return
    budget.left--
    const { id } = field.infos[i] as WordInfo
    if (id < 0) return
    const to = this.#edge(node, id * 3 + WORD)
    if (to !== NOWHERE) this.#go(search, to, i + 1)
  }

  #gap(search: Search, gaps: readonly number[], i: number): void {
    const { tokens } = search.field
    const sentence = tokens[i]?.sentence
    for (let g = 0; g < gaps.length; g += 3) {
      const node = gaps[g + 2] as number
      const meta = this.#nodes[node * STRIDE] as number
      const need = meta >> HAS_BITS
      if (need >= 0 && search.present !== undefined && search.present[need] !== search.mark) continue
      const has = meta & HAS_MASK
      const [min, max] = [gaps[g] as number, gaps[g + 1] as number]
      const onlyWords = has === HAS.words && !this.#plurals
      for (let k = 0; k <= max && i + k < tokens.length; k++) {
        const token = tokens[i + k] as Token
        if (token.sentence !== sentence || token.kind === 'line') break
        if (k >= min) {
          if (onlyWords) this.#word(search, node, i + k)
          else this.#walk(search, node, has, i + k)
        }
        if (token.kind === 'op' && token.text === ',') break
      }
    }
  }
}

/** Symbols with the nodes they lead to: places by hash in one array, each symbol with the index of its list. */
class FollowTable {
  readonly #places: Int32Array
  readonly #mask: number
  readonly #lists: (readonly number[])[] = []

  constructor(targets: ReadonlyMap<number, readonly number[]>) {
    let size = 4
    while (size < targets.size * 2) size *= 2
    this.#mask = size - 1
    this.#places = new Int32Array(size * 2).fill(-1)
    for (const [symbol, list] of targets) {
      let at = hashOf(symbol) & this.#mask
      while (this.#places[at * 2] !== -1) at = (at + 1) & this.#mask
      this.#places[at * 2] = symbol
      this.#places[at * 2 + 1] = this.#lists.push(list) - 1
    }
  }

  after(symbol: number): readonly number[] {
    const places = this.#places
    for (let at = hashOf(symbol) & this.#mask; ; at = (at + 1) & this.#mask) {
      const known = places[at * 2]
      if (known === symbol) return this.#lists[places[at * 2 + 1] as number] as readonly number[]
      if (known === -1) return NO_NODES
    }
  }
}

const hashOf = (symbol: number): number => Math.imul(symbol, 0x9e3779b1) >>> 12

/** All look-ups of one text; reused from token to token. Gaps stay within a sentence. */
export interface Search {
  readonly field: Field
  readonly budget: Budget
  readonly sink: Sink
  /** Groups of words by what mark they have, and the mark of those the text has; without marks all count as present. */
  readonly present: Int32Array | undefined
  readonly mark: number
  /** Where the look-up begins. */
  start: number
}

const NO_CLASSES: readonly ClassHit[] = []

/** The same class over the same tokens was listed before. */
function repeated(hits: readonly ClassHit[], k: number): boolean {
  const hit = hits[k] as ClassHit
  for (let j = 0; j < k; j++) if (hits[j]?.cls === hit.cls && hits[j]?.end === hit.end) return true
  return false
}
