import type { Hash } from '../../ids.ts'

/** Who wants to hear of changes of a blob. */
export class Watchers {
  readonly #byHash = new Map<Hash, Set<() => void>>()

  add(hash: Hash, changed: () => void): () => void {
    const listeners = this.#byHash.get(hash) ?? new Set()
    this.#byHash.set(hash, listeners)
    // A function of its own, so that the same listener may be added twice.
    const listener = (): void => changed()
    listeners.add(listener)
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0 && this.#byHash.get(hash) === listeners) this.#byHash.delete(hash)
    }
  }

  notify(hash: Hash): void {
    for (const listener of this.#byHash.get(hash) ?? []) listener()
  }
}
