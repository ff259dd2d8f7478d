import { type GraphParts, HAS, HAS_BITS, leafCode, WORD } from './graph-parts.ts'
import { WordBits } from './text-words.ts'

/**
 * A graph in one array of numbers, each node with everything it has in one place: looking up phrases waits for memory more than it
 * computes. A node is known by where it begins:
 *
 *     what it has (`HAS`), above it the group of words of which one must occur, −1 without any
 *     number of edges, above it the number of leaves
 *     which words it goes on with (`WordBits` in one number)
 *     edges: symbol and target, by rising symbols
 *     leaves (`leafCode`)
 *     if it has skips: their number, nodes
 *     if it has gaps: their number, then min, max, node of each and which words it goes on with (`WordBits`)
 *
 * A target is a node, or −1 − the place of a list: a number, then so many nodes.
 */
export interface GraphLayout {
  readonly data: Int32Array
  /** Targets of the edges of the root, which has none in the array. */
  readonly first: ReadonlyMap<number, number>
}

export const HAS_MASK = (1 << HAS_BITS) - 1
export const COUNT_BITS = 16
export const COUNT_MASK = (1 << COUNT_BITS) - 1
/** Numbers before the edges of a node. */
export const HEAD = 3

/** Numbers of a gap. */
export const GAP = 5

/** What each node has, as runs of `edges` and `leaves` of the parts: those of node n stand in `order` from `from[n]` to `from[n + 1]`. */
interface Runs {
  readonly from: Int32Array
  readonly order: Int32Array
}

/** `entryOf`: the entry a leaf of the parts tells of; without it the one it names. */
export function layOut(parts: GraphParts, entryOf?: readonly number[]): GraphLayout {
  const { nodes, edges, leaves, several } = parts
  const edgeRuns = bySymbol(runsOf(edges, nodes.length), edges)
  const leafRuns = runsOf(leaves, nodes.length)
  const skips = new Map(parts.skips.map((list) => [list[0] as number, list]))
  const gaps = new Map(parts.gaps.map((list) => [list[0] as number, list]))
  const sequence = byDepth(parts, edgeRuns, skips, gaps)
  const places = new Int32Array(nodes.length)
  let length = 0
  for (const node of sequence) {
    places[node] = length
    // The first number of skips and gaps is their node; their length stands in its place.
    length += HEAD + (node === 0 ? 0 : countOf(edgeRuns, node) * 2) + countOf(leafRuns, node)
    const gapped = gaps.get(node)
    length += (skips.get(node)?.length ?? 0) + (gapped === undefined ? 0 : 1 + gapsOf(gapped) * GAP)
  }
  const lists = several.map((list) => {
    const at = length
    length += 1 + list.length
    return at
  })
  const data = new Int32Array(length)
  const placeOf = (to: number): number => (to >= 0 ? (places[to] as number) : -1 - (lists[-to - 1] as number))
  for (const [k, list] of several.entries()) {
    let at = lists[k] as number
    data[at++] = list.length
    for (const node of list) data[at++] = places[node] as number
  }
  const first = new Map<number, number>()
  for (const node of sequence) {
    let at = places[node] as number
    data[at++] = nodes[node] as number
    data[at++] = (node === 0 ? 0 : countOf(edgeRuns, node)) | (countOf(leafRuns, node) << COUNT_BITS)
    const words = wordsOf(parts, edgeRuns, node)
    data[at++] = words.low | words.high
    for (let k = edgeRuns.from[node] as number; k < (edgeRuns.from[node + 1] as number); k++) {
      const edge = edgeRuns.order[k] as number
      const to = placeOf(edges[edge + 2] as number)
      if (node === 0) first.set(edges[edge + 1] as number, to)
      else {
        data[at++] = edges[edge + 1] as number
        data[at++] = to
      }
    }
    for (let k = leafRuns.from[node] as number; k < (leafRuns.from[node + 1] as number); k++) {
      const leaf = leafRuns.order[k] as number
      const entry = leaves[leaf + 1] as number
      data[at++] = leafCode(entryOf?.[entry] ?? entry, leaves[leaf + 2] as number)
    }
    const skipped = skips.get(node)
    if (skipped !== undefined) {
      data[at++] = skipped.length - 1
      for (let k = 1; k < skipped.length; k++) data[at++] = places[skipped[k] as number] as number
    }
    const gapped = gaps.get(node)
    if (gapped === undefined) continue
    data[at++] = gapsOf(gapped)
    for (let k = 1; k < gapped.length; k += 3) {
      const behind = gapped[k + 2] as number
      const { low, high } = wordsBehind(parts, edgeRuns, behind)
      data.set([gapped[k] as number, gapped[k + 1] as number, places[behind] as number, low, high], at)
      at += GAP
    }
  }
  return { data, first }
}

/** Of the node itself and triples of min, max, node. */
const gapsOf = (gapped: readonly number[]): number => (gapped.length - 1) / 3

/** Bits of the words a node goes on with; all where it has more than words, or forms of them count. */
function wordsBehind({ nodes, edges, plurals }: GraphParts, { from, order }: Runs, node: number): WordBits {
  if (plurals || ((nodes[node] as number) & HAS_MASK) !== HAS.words) {
    const all = new WordBits()
    all.low = -1
    all.high = -1
    return all
  }
  return wordsOf({ edges }, { from, order }, node)
}

/** Bits of the words a node has edges for. */
function wordsOf({ edges }: Pick<GraphParts, 'edges'>, { from, order }: Runs, node: number): WordBits {
  const bits = new WordBits()
  for (let k = from[node] as number; k < (from[node + 1] as number); k++) {
    const symbol = edges[(order[k] as number) + 1] as number
    if (symbol % 3 === WORD) bits.add((symbol - WORD) / 3)
  }
  return bits
}

const countOf = ({ from }: Runs, node: number): number => (from[node + 1] as number) - (from[node] as number)

/** Where the triples of each node stand; the first number of a triple is its node. */
function runsOf(triples: readonly number[], nodes: number): Runs {
  const from = new Int32Array(nodes + 1)
  for (let k = 0; k < triples.length; k += 3) {
    const next = (triples[k] as number) + 1
    from[next] = (from[next] as number) + 1
  }
  for (let node = 0; node < nodes; node++) from[node + 1] = (from[node + 1] as number) + (from[node] as number)
  const at = from.slice()
  const order = new Int32Array(triples.length / 3)
  for (let k = 0; k < triples.length; k += 3) {
    const node = triples[k] as number
    const place = at[node] as number
    order[place] = k
    at[node] = place + 1
  }
  return { from, order }
}

/** By rising symbols within each node but the root. */
function bySymbol({ from, order }: Runs, edges: readonly number[]): Runs {
  for (let node = 1; node + 1 < from.length; node++) {
    const begin = from[node] as number
    const end = from[node + 1] as number
    if (end - begin > 1) order.subarray(begin, end).sort((a, b) => (edges[a + 1] as number) - (edges[b + 1] as number))
  }
  return { from, order }
}

type Lists = ReadonlyMap<number, readonly number[]>

/** The root, then what follows each of its edges as far as it goes: what one look-up visits stands together. */
function byDepth({ nodes, edges, several }: GraphParts, { from, order }: Runs, skips: Lists, gaps: Lists): number[] {
  const out: number[] = []
  const seen = new Uint8Array(nodes.length)
  const open = [0]
  while (open.length > 0) {
    const node = open.pop() as number
    if (seen[node] === 1) continue
    seen[node] = 1
    out.push(node)
    const gapped = gaps.get(node)
    if (gapped !== undefined) for (let k = gapped.length - 1; k > 0; k -= 3) open.push(gapped[k] as number)
    const skipped = skips.get(node)
    if (skipped !== undefined) for (let k = skipped.length - 1; k > 0; k--) open.push(skipped[k] as number)
    for (let k = (from[node + 1] as number) - 1; k >= (from[node] as number); k--) {
      const to = edges[(order[k] as number) + 2] as number
      if (to >= 0) open.push(to)
      else {
        const list = several[-to - 1] as readonly number[]
        for (let n = list.length - 1; n >= 0; n--) open.push(list[n] as number)
      }
    }
  }
  for (let node = 0; node < nodes.length; node++) if (seen[node] === 0) out.push(node)
  return out
}
