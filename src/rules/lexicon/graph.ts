import { COUNT_BITS, COUNT_MASK, GAP, HAS_MASK, HEAD, layOut } from './graph-layout.ts'
import { CLASS, type GraphParts, HAS, HAS_BITS, PREFIX, WORD } from './graph-parts.ts'
import type { TextWords } from './text-words.ts'
import type { WordInfo } from './vocabulary.ts'

/** A class hit: its class and exclusive end token. */
export interface ClassHit {
  readonly cls: number
  readonly end: number
}

/** What tells of the class hits that begin at each token. */
export interface Field {
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

// An imported number is looked up at every use, one of the file's own is part of the code.
const WORDS = HAS.words
const PREFIXES = HAS.prefixes
const CLASSES = HAS.classes
const LEAVES = HAS.leaves
const SKIPS = HAS.skips
const GAPS = HAS.gaps
const NEED_BITS = HAS_BITS
const KINDS = HAS_MASK
const EDGE_BITS = COUNT_BITS
const EDGES = COUNT_MASK
const FIRST = HEAD
const NEXT_GAP = GAP
const OF_WORD = WORD
const OF_PREFIX = PREFIX
const OF_CLASS = CLASS

const NOWHERE = -0x80000000
/** No place of a list: the root stands there. */
export const NO_ROOTS = 0

/** Edges of a node up to which they are looked through one by one. */
const FEW = 8

/** In a list of roots, in place of a group: nodes that have words alone, as one table of what follows them. */
const TABLE = -2
/** Numbers a root takes in such a list: group needed or −1, node, what it has; or `TABLE`, the table's place, its nodes. */
const ROOT = 3

/** A finished trie in one flat array (`GraphLayout`). Searching writes only to the given objects. */
export class PhraseGraph {
  /** The nodes; behind them lists of roots, tables, and lists of nodes, each made when a written form is first met. */
  #data: Int32Array
  /** How much of it is in use. */
  #used: number
  readonly #first: ReadonlyMap<number, number>
  readonly #plurals: boolean
  /** Where classes lead to from the root, by class. */
  readonly #rootClasses: Int32Array | undefined
  /** Places of lists of roots, by the symbols they were asked for. */
  readonly #rootsOf = new Map<number, number>()
  readonly #mixedRoots = new Map<string, number>()

  /** `entryOf`: the entry a leaf of the parts tells of; without it the one it names. */
  constructor(parts: GraphParts, entryOf?: readonly number[]) {
    const { data, first } = layOut(parts, entryOf)
    this.#data = data
    this.#used = data.length
    this.#first = first
    this.#plurals = parts.plurals
    this.#rootClasses = ((parts.nodes[0] ?? 0) & CLASSES) === 0 ? undefined : classesOf(first)
  }

  /** Where an edge leads: a node, −1 − place of a list, or `NOWHERE`. */
  #edge(node: number, symbol: number): number {
    const data = this.#data
    let low = node + FIRST
    let high = low + ((data[node + 1] as number) & EDGES) * 2
    while (high - low > FEW * 2) {
      const middle = low + (((high - low) >> 2) << 1)
      if ((data[middle] as number) > symbol) high = middle
      else low = middle
    }
    for (; low < high; low += 2) {
      const known = data[low] as number
      if (known >= symbol) return known === symbol ? (data[low + 1] as number) : NOWHERE
    }
    return NOWHERE
  }

  #targets(to: number): readonly number[] {
    if (to >= 0) return [to]
    const at = -1 - to
    return [...this.#data.subarray(at + 1, at + 1 + (this.#data[at] as number))]
  }

  /** Where a written form leads to from the root: by its word or singulars, then by its beginnings; `NO_ROOTS` for nowhere. */
  roots(id: number, singulars: readonly number[], prefixes: readonly number[]): number {
    const symbols: number[] = []
    const put = (symbol: number): void => {
      if (this.#first.has(symbol)) symbols.push(symbol)
    }
    if (id >= 0) put(id * 3 + OF_WORD)
    if (symbols.length === 0 && this.#plurals) for (const s of singulars) put(s * 3 + OF_WORD)
    for (const p of prefixes) put(p * 3 + OF_PREFIX)
    if (symbols.length === 0) return NO_ROOTS
    const [only] = symbols
    if (symbols.length === 1) return this.#symbolRoots(only as number)
    const key = symbols.join(' ')
    const known = this.#mixedRoots.get(key)
    if (known !== undefined) return known
    const lists = symbols.map((s) => this.#symbolRoots(s))
    const all = lists.flatMap((at) => [...this.#data.subarray(at + 1, at + 1 + (this.#data[at] as number))])
    const place = this.#append([all.length, ...all])
    this.#mixedRoots.set(key, place)
    return place
  }

  #symbolRoots(symbol: number): number {
    const known = this.#rootsOf.get(symbol)
    if (known !== undefined) return known
    const out: number[] = []
    let alike: number[] = []
    const close = (): void => {
      if (alike.length === 1) out.push(-1, alike[0] as number, WORDS)
      else if (alike.length > 1) out.push(TABLE, this.#append(tableOf(this.#following(alike))), alike.length)
      alike = []
    }
    for (const node of this.#targets(this.#first.get(symbol) as number)) {
      const meta = this.#data[node] as number
      if (meta >> NEED_BITS < 0 && (meta & KINDS) === WORDS && !this.#plurals) alike.push(node)
      else {
        close()
        out.push(meta >> NEED_BITS, node, meta & KINDS)
      }
    }
    close()
    const place = this.#append([out.length, ...out])
    this.#rootsOf.set(symbol, place)
    return place
  }

  /** Symbols behind any of the nodes, each with the nodes it leads to. */
  #following(nodes: readonly number[]): ReadonlyMap<number, readonly number[]> {
    const data = this.#data
    const targets = new Map<number, number[]>()
    for (const node of nodes) {
      const end = node + FIRST + ((data[node + 1] as number) & EDGES) * 2
      for (let k = node + FIRST; k < end; k += 2) {
        const symbol = data[k] as number
        const list = targets.get(symbol) ?? []
        targets.set(symbol, list)
        list.push(...this.#targets(data[k + 1] as number))
      }
    }
    return targets
  }

  /** Places of tables are counted from where they stand. */
  #append(numbers: readonly number[]): number {
    const at = this.#used
    if (at + numbers.length > this.#data.length) {
      const longer = new Int32Array(Math.max(this.#data.length * 1.5, at + numbers.length))
      longer.set(this.#data)
      this.#data = longer
    }
    this.#data.set(numbers, at)
    this.#used += numbers.length
    return at
  }

  /** Tells the search's sink of every phrase that begins at token `start`; `roots`: what `roots` gave for its form. */
  matchAt(search: Search, start: number, roots: number): void {
    const byClass = this.#rootClasses
    if (roots === NO_ROOTS && byClass === undefined) return
    const { field, present, mark } = search
    const data = this.#data
    search.start = start
    if (roots !== NO_ROOTS) {
      const end = roots + 1 + (data[roots] as number)
      for (let k = roots + 1; k < end; k += ROOT) {
        const need = data[k] as number
        if (need === TABLE) this.#follow(search, data[k + 1] as number, data[k + 2] as number)
        else if (need < 0 || present === undefined || present[need] === mark) {
          const node = data[k + 1] as number
          const has = data[k + 2] as number
          if (has !== WORDS || this.#follows(search.words, node, start + 1)) this.#walk(search, node, has, start + 1)
        }
      }
    }
    if (byClass !== undefined) this.#rootClass(search, byClass, field.classesAt(start))
  }

  #rootClass(search: Search, byClass: Int32Array, hits: readonly ClassHit[]): void {
    for (let k = 0; k < hits.length; k++) {
      const { cls, end } = hits[k] as ClassHit
      const to = cls < byClass.length && cls >= 0 ? (byClass[cls] as number) : NOWHERE
      if (to !== NOWHERE && !repeated(hits, k)) this.#go(search, to, end)
    }
  }

  /** Goes on behind the first token at all nodes of a table at once, in their order; each costs a step. */
  #follow(search: Search, table: number, nodes: number): void {
    const { budget, words, start } = search
    if (budget.left <= 0) return
    budget.left -= nodes
    if (start + 1 >= words.count) return
    const symbol = words.symbols[start + 1] as number
    if (symbol < 0) return
    const data = this.#data
    const mask = data[table] as number
    for (let at = hashOf(symbol) & mask; ; at = (at + 1) & mask) {
      const known = data[table + 1 + at * 2]
      if (known === -1) return
      if (known !== symbol) continue
      const list = table + (data[table + 2 + at * 2] as number)
      const end = list + (data[list] as number)
      for (let k = list + 1; k <= end; k++) this.#enter(search, data[k] as number, start + 2)
      return
    }
  }

  /** Goes on at a node, unless the text lacks what every phrase through it needs: most nodes end here. */
  #enter(search: Search, node: number, i: number): void {
    const meta = this.#data[node] as number
    const need = meta >> NEED_BITS
    if (need >= 0 && search.present !== undefined && search.present[need] !== search.mark) return
    const has = meta & KINDS
    if (has !== WORDS || this.#follows(search.words, node, i)) this.#walk(search, node, has, i)
  }

  /** Whether the word at `i` may be one the node goes on with. */
  #follows(words: TextWords, node: number, i: number): boolean {
    return i < words.count && (this.#plurals || ((this.#data[node + 2] as number) & (words.bits[i] as number)) !== 0)
  }

  #walk(search: Search, node: number, has: number, i: number): void {
    const { budget, words } = search
    if (budget.left <= 0) return
    budget.left--
    const data = this.#data
    const counts = data[node + 1] as number
    let behind = node + FIRST + (counts & EDGES) * 2
    if ((has & LEAVES) !== 0) {
      const end = behind + (counts >>> EDGE_BITS)
      for (let k = behind; k < end; k++) search.sink.found(data[k] as number, search.start, i)
      if (has === LEAVES) return
      behind = end
    }
    if ((has & SKIPS) !== 0) {
      const end = behind + (data[behind] as number)
      for (let k = behind + 1; k <= end; k++) this.#enter(search, data[k] as number, i)
      behind = end + 1
    }
    if (i >= words.count) return
    if ((has & WORDS) !== 0 && this.#follows(words, node, i)) {
      const symbol = words.symbols[i] as number
      const to = symbol >= 0 ? this.#edge(node, symbol) : NOWHERE
      if (to !== NOWHERE) this.#go(search, to, i + 1)
      else if (this.#plurals) this.#goAll(search, node, (search.infos[i] as WordInfo).singulars, OF_WORD, i + 1)
    }
    if ((has & PREFIXES) !== 0) this.#goAll(search, node, (search.infos[i] as WordInfo).prefixes, OF_PREFIX, i + 1)
    if ((has & CLASSES) !== 0) this.#classes(search, node, search.field.classesAt(i))
    if ((has & GAPS) !== 0) this.#gap(search, behind, i)
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
      const to = this.#edge(node, hit.cls * 3 + OF_CLASS)
      if (to !== NOWHERE && !repeated(hits, k)) this.#go(search, to, hit.end)
    }
  }

  #go(search: Search, to: number, i: number): void {
    if (to >= 0) {
      this.#enter(search, to, i)
      return
    }
    const data = this.#data
    const list = -1 - to
    const end = list + (data[list] as number)
    for (let k = list + 1; k <= end; k++) this.#enter(search, data[k] as number, i)
  }

  /** A step at a node that has words alone. */
  #word(search: Search, node: number, i: number): void {
    const { budget, words } = search
    if (budget.left <= 0) return
    budget.left--
    const symbol = words.symbols[i] as number
    if (symbol < 0) return
    const to = this.#edge(node, symbol)
    if (to !== NOWHERE) this.#go(search, to, i + 1)
  }

  /** `gaps`: where their number stands. */
  #gap(search: Search, gaps: number, i: number): void {
    const data = this.#data
    const { words } = search
    const { lows, highs } = words
    const stop = words.stops[i] as number
    const behind = gaps + 1 + (data[gaps] as number) * NEXT_GAP
    for (let g = gaps + 1; g < behind; g += NEXT_GAP) {
      // Most texts have none of the words it goes on with, and of those that have most tokens are none.
      const low = data[g + 3] as number
      const high = data[g + 4] as number
      if ((low & words.low) === 0 && (high & words.high) === 0) continue
      const node = data[g + 2] as number
      const meta = data[node] as number
      const need = meta >> NEED_BITS
      if (need >= 0 && search.present !== undefined && search.present[need] !== search.mark) continue
      const has = meta & KINDS
      const onlyWords = has === WORDS && !this.#plurals
      const end = Math.min(stop, i + (data[g + 1] as number) + 1)
      for (let k = i + (data[g] as number); k < end; k++) {
        if (!onlyWords) this.#walk(search, node, has, k)
        else if (((low & (lows[k] as number)) | (high & (highs[k] as number))) !== 0) this.#word(search, node, k)
      }
    }
  }
}

/**
 * Symbols with the nodes they lead to: places by hash less one, then pairs of a symbol, −1 for none, and where its list stands,
 * counted from the table's beginning; then the lists, each behind its length.
 */
function tableOf(targets: ReadonlyMap<number, readonly number[]>): number[] {
  let size = 4
  while (size < targets.size * 2) size *= 2
  const out = [size - 1, ...new Array<number>(size * 2).fill(-1)]
  for (const [symbol, list] of targets) {
    let at = hashOf(symbol) & (size - 1)
    while (out[1 + at * 2] !== -1) at = (at + 1) & (size - 1)
    out[1 + at * 2] = symbol
    out[2 + at * 2] = out.length
    out.push(list.length, ...list)
  }
  return out
}

/** Targets of the root's classes, by class. */
function classesOf(first: ReadonlyMap<number, number>): Int32Array {
  const pairs = [...first].filter(([symbol]) => symbol % 3 === OF_CLASS)
  const out = new Int32Array(Math.max(0, ...pairs.map(([symbol]) => (symbol - OF_CLASS) / 3 + 1))).fill(NOWHERE)
  for (const [symbol, to] of pairs) out[(symbol - OF_CLASS) / 3] = to
  return out
}

const hashOf = (symbol: number): number => Math.imul(symbol, 0x9e3779b1) >>> 12

/** All look-ups of one text; reused from token to token. Gaps stay within a sentence. */
export interface Search {
  readonly infos: readonly WordInfo[]
  readonly words: TextWords
  readonly field: Field
  readonly budget: Budget
  readonly sink: Sink
  /** Groups of words by what mark they have, and the mark of those the text has; without marks all count as present. */
  readonly present: Int32Array | undefined
  readonly mark: number
  /** Where the look-up begins. */
  start: number
}

/** The same class over the same tokens was listed before. */
function repeated(hits: readonly ClassHit[], k: number): boolean {
  const hit = hits[k] as ClassHit
  for (let j = 0; j < k; j++) if (hits[j]?.cls === hit.cls && hits[j]?.end === hit.end) return true
  return false
}
