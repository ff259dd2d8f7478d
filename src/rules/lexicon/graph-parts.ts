import type { Needs } from './needs.ts'
import type { PhraseTrie, TrieNode } from './trie.ts'

/** Kinds of edges: a symbol is three times the number of a word, word beginning or class, plus its kind. */
export const WORD = 0
export const PREFIX = 1
export const CLASS = 2
/** What a node has: kinds of edges, leaves, nodes reached without a token, gaps. */
export const HAS = { words: 1, prefixes: 2, classes: 4, leaves: 8, skips: 16, gaps: 32 } as const
export const HAS_BITS = 6

/** A finished trie as plain numbers, so that it can be kept as JSON. Node 0 is the root. */
export interface GraphParts {
  /** A word of the text also matches without a final s or es. */
  readonly plurals: boolean
  /** Per node: what it has (`HAS`), and in the bits above the group of words of which one must occur; −1 without any. */
  readonly nodes: readonly number[]
  /** Triples of node, symbol, and the node led to, or −1 − index into `several`. */
  readonly edges: readonly number[]
  readonly several: readonly (readonly number[])[]
  /** Triples of node, entry, and anchor + 4 × end + 8 × folded. */
  readonly leaves: readonly number[]
  /** Pairs of node and node reached without a token. */
  readonly skips: readonly (readonly number[])[]
  /** Node, then triples of min, max, node. */
  readonly gaps: readonly (readonly number[])[]
}

const ANCHOR = 3
const END = 4
const FOLDED = 8
const SIGN_BITS = 4

/** Numbers the nodes of a trie in the order they are reached. */
export function graphParts(trie: PhraseTrie, plurals: boolean, needs?: Needs): GraphParts {
  const order: TrieNode[] = [trie.root]
  const numbers = new Map<TrieNode, number>([[trie.root, 0]])
  const numberOf = (node: TrieNode): number => {
    const known = numbers.get(node)
    if (known !== undefined) return known
    numbers.set(node, order.length)
    return order.push(node) - 1
  }
  const nodes: number[] = []
  const edges: number[] = []
  const several: number[][] = []
  const leaves: number[] = []
  const skips: number[][] = []
  const gaps: number[][] = []
  const put = (at: number, kind: number, map: ReadonlyMap<number, readonly TrieNode[]>): void => {
    for (const [key, targets] of map) {
      const to = targets.length === 1 ? numberOf(targets[0] as TrieNode) : -several.push(targets.map(numberOf))
      edges.push(at, key * 3 + kind, to)
    }
  }
  for (let at = 0; at < order.length; at++) {
    const node = order[at] as TrieNode
    put(at, WORD, node.words)
    put(at, PREFIX, node.prefixes)
    put(at, CLASS, node.classes)
    for (const leaf of node.leaves) leaves.push(at, leaf.entry, leaf.anchor + (leaf.end ? END : 0) + (leaf.folded ? FOLDED : 0))
    if (node.skips.length > 0) skips.push([at, ...node.skips.map(numberOf)])
    if (node.gaps.length > 0) gaps.push([at, ...node.gaps.flatMap((g) => [g.min, g.max, numberOf(g.node)])])
    nodes.push(((needs?.narrowest(node.needs) ?? -1) << HAS_BITS) | kindsOf(node))
  }
  return { plurals, nodes, edges, several, leaves, skips, gaps }
}

const kindsOf = (node: TrieNode): number =>
  (node.words.size > 0 ? HAS.words : 0) |
  (node.prefixes.size > 0 ? HAS.prefixes : 0) |
  (node.classes.size > 0 ? HAS.classes : 0) |
  (node.leaves.length > 0 ? HAS.leaves : 0) |
  (node.skips.length > 0 ? HAS.skips : 0) |
  (node.gaps.length > 0 ? HAS.gaps : 0)

/**
 * A leaf as a number: its entry, where it may stand, and whether it is typed without marks. Numbers, because objects would cost a
 * walk through memory for every word found.
 */
export const leafCode = (entry: number, signs: number): number => (entry << SIGN_BITS) | signs
export const leafEntry = (leaf: number): number => leaf >> SIGN_BITS
export const leafAnchor = (leaf: number): 0 | 1 | 2 => (leaf & ANCHOR) as 0 | 1 | 2
export const leafEnds = (leaf: number): boolean => (leaf & END) !== 0
export const leafFolded = (leaf: number): boolean => (leaf & FOLDED) !== 0
