import type { PeerId } from '../ids.ts'

/** Sessions that peers open with us at once: all together, and of one peer. */
const MAX_ALL = 64
const MAX_OF_ONE = 8

/** Counts sessions under way, so that strangers cannot open any number of them. */
export class SessionGate {
  readonly #open = new Map<PeerId, number>()
  #all = 0

  /** Answers how to leave again; undefined when there is no room. */
  enter(peer: PeerId): (() => void) | undefined {
    const own = this.#open.get(peer) ?? 0
    if (own >= MAX_OF_ONE || this.#all >= MAX_ALL) return undefined
    this.#open.set(peer, own + 1)
    this.#all++
    return () => {
      this.#all--
      const left = (this.#open.get(peer) ?? 1) - 1
      if (left > 0) this.#open.set(peer, left)
      else this.#open.delete(peer)
    }
  }
}
