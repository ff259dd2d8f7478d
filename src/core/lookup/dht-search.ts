import { toHex } from '../../base/bytes.ts'
import type { DhtNode } from './dht-messages.ts'

/** Kademlia's bucket: the nodes an item is kept at. */
export const CLOSEST = 8
/** Questions under way at a time. */
const PARALLEL = 4
/** Candidates remembered, and nodes asked in all: strangers name them. */
const MAX_CANDIDATES = 200
const MAX_ASKED = 80

interface Candidate {
  readonly node: DhtNode
  readonly distance: string
  state: 'new' | 'asked' | 'answered' | 'silent'
  token: Uint8Array | undefined
}

/** One walk through the DHT to the nodes nearest to a target: whom to ask next, and when that is all. Pure. */
export class DhtSearch {
  readonly #target: Uint8Array
  readonly #candidates = new Map<string, Candidate>()
  #asked = 0

  constructor(target: Uint8Array, start: readonly DhtNode[]) {
    this.#target = target
    this.add(start)
  }

  /** Nodes to ask now; they count as asked. */
  next(): DhtNode[] {
    const nearest = this.#nearest()
    const underWay = [...this.#candidates.values()].filter(({ state }) => state === 'asked').length
    // Beyond the nearest ones that have answered nothing is worth asking.
    const answered = nearest.filter(({ state }) => state === 'answered').slice(0, CLOSEST)
    const horizon = answered.length < CLOSEST ? undefined : (answered.at(-1) as Candidate).distance
    const open = nearest.filter(({ state, distance }) => state === 'new' && (horizon === undefined || distance < horizon))
    const free = Math.max(0, Math.min(PARALLEL - underWay, MAX_ASKED - this.#asked))
    const now = open.slice(0, free)
    for (const candidate of now) candidate.state = 'asked'
    this.#asked += now.length
    return now.map(({ node }) => node)
  }

  add(nodes: readonly DhtNode[]): void {
    for (const node of nodes) {
      if (this.#candidates.size >= MAX_CANDIDATES || this.#candidates.has(node.addr)) continue
      this.#candidates.set(node.addr, { node, distance: this.#distance(node.id), state: 'new', token: undefined })
    }
  }

  /** `addr` answered, as the node `id`. */
  answered(addr: string, id: Uint8Array, token: Uint8Array | undefined, nodes: readonly DhtNode[]): void {
    const known = this.#candidates.get(addr)
    if (known === undefined) return
    this.#candidates.set(addr, { node: { id, addr }, distance: this.#distance(id), state: 'answered', token })
    this.add(nodes)
  }

  failed(addr: string): void {
    const known = this.#candidates.get(addr)
    if (known?.state === 'asked') known.state = 'silent'
  }

  /** The nearest nodes that answered; `token` allows writing to them. */
  found(): readonly { readonly node: DhtNode; readonly token: Uint8Array | undefined }[] {
    return this.#nearest()
      .filter(({ state }) => state === 'answered')
      .slice(0, CLOSEST)
      .map(({ node, token }) => ({ node, token }))
  }

  #nearest(): Candidate[] {
    return [...this.#candidates.values()].sort((a, b) => (a.distance < b.distance ? -1 : a.distance > b.distance ? 1 : 0))
  }

  /** Distances compare as texts. */
  #distance(id: Uint8Array): string {
    return toHex(id.map((byte, i) => byte ^ (this.#target[i] as number)))
  }
}
