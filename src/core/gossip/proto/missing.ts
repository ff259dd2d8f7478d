import type { Hash, PeerId } from '../../ids.ts'

export interface Announcer {
  readonly peer: PeerId
  readonly round: number
}

/** Who announced which messages that have not arrived, oldest announcement first. Bounded in ids and in announcers per id. */
export class MissingIds {
  readonly #idsMax: number
  readonly #announcersMax: number
  readonly #entries = new Map<Hash, Announcer[]>()

  constructor(idsMax: number, announcersMax: number) {
    this.#idsMax = idsMax
    this.#announcersMax = announcersMax
  }

  get size(): number {
    return this.#entries.size
  }

  /** Answers the id that was forgotten to make room, if any. */
  add(id: Hash, announcer: Announcer): Hash | undefined {
    const known = this.#entries.get(id)
    if (known !== undefined) {
      if (known.length >= this.#announcersMax) known.shift()
      known.push(announcer)
      return undefined
    }
    this.#entries.set(id, [announcer])
    if (this.#entries.size <= this.#idsMax) return undefined
    const oldest = this.#entries.keys().next().value as Hash
    this.#entries.delete(oldest)
    return oldest
  }

  /** Removes and returns the oldest announcement. */
  pop(id: Hash): Announcer | undefined {
    const known = this.#entries.get(id)
    const oldest = known?.shift()
    if (known?.length === 0) this.#entries.delete(id)
    return oldest
  }

  /** Removes and returns all announcements of an id. */
  take(id: Hash): readonly Announcer[] {
    const known = this.#entries.get(id) ?? []
    this.#entries.delete(id)
    return known
  }

  /** Removes everything a peer announced. */
  forget(peer: PeerId): void {
    for (const [id, known] of this.#entries) {
      const rest = known.filter((a) => a.peer !== peer)
      if (rest.length === known.length) continue
      if (rest.length === 0) this.#entries.delete(id)
      else this.#entries.set(id, rest)
    }
  }
}
