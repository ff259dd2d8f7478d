/** What a snapshot of neighbourhoods can be taken from. */
export interface NeighborSource {
  nodes(): readonly number[]
  neighbors(node: number): readonly number[]
}

/** Links that both ends held at the snapshot and that have not gone since. */
export class LastingLinks {
  readonly #links = new Map<number, Set<number>>()

  static of(source: NeighborSource): LastingLinks {
    const lasting = new LastingLinks()
    for (const node of source.nodes()) {
      const mutual = source.neighbors(node).filter((other) => source.neighbors(other).includes(node))
      lasting.#links.set(node, new Set(mutual))
    }
    return lasting
  }

  remove(a: number, b: number): void {
    this.#links.get(a)?.delete(b)
    this.#links.get(b)?.delete(a)
  }

  removeNode(node: number): void {
    for (const other of this.#links.get(node) ?? []) this.#links.get(other)?.delete(node)
    this.#links.delete(node)
  }

  /** All nodes connected to this one, itself included. */
  reachableFrom(node: number): ReadonlySet<number> {
    const seen = new Set([node])
    for (const at of seen) for (const next of this.#links.get(at) ?? []) seen.add(next)
    return seen
  }
}
