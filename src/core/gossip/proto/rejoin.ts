import { type Rng, unit } from '../../../base/random.ts'
import type { PeerId } from '../../ids.ts'

/** First wait before a Join is repeated, ms. Shorter: needless Joins while the first handshakes are under way. */
export const REJOIN_FIRST_MS = 1_000
/** Longest wait between two Joins of an isolated topic, ms. */
export const REJOIN_MAX_MS = 60_000
/** Each wait is drawn from ±25 % of its length, so that nodes that lost the same peer do not come back at once. */
const JITTER = 0.25
/** Former neighbours that are asked besides the bootstrap peers. */
const SEEN_MAX = 16
/** Bootstrap peers remembered, newest kept. */
const BOOTSTRAP_MAX = 64

/**
 * Repeats the Join of a topic without neighbours (gossip 7.5, 9): upstream has no retry, and a Join that reaches a peer
 * before it subscribed is lost. Exponential back-off with jitter; pure.
 */
export class Rejoin {
  readonly #rng: Rng
  readonly #bootstrap = new Set<PeerId>()
  readonly #seen = new Set<PeerId>()
  readonly #neighbors = new Set<PeerId>()
  #waitMs = REJOIN_FIRST_MS
  #dueAt: number | undefined

  constructor(rng: Rng) {
    this.#rng = rng
  }

  /** When `due` should be asked next; undefined while there are neighbours or nobody to ask. */
  get dueAt(): number | undefined {
    return this.#dueAt
  }

  /** The application joined these peers; a first Join has been sent. */
  joined(peers: readonly PeerId[], now: number): void {
    for (const peer of peers) {
      this.#bootstrap.delete(peer)
      this.#bootstrap.add(peer)
    }
    trim(this.#bootstrap, BOOTSTRAP_MAX)
    if (peers.length > 0) this.#restart(now)
  }

  neighborUp(peer: PeerId): void {
    this.#neighbors.add(peer)
    this.#seen.delete(peer)
    this.#seen.add(peer)
    trim(this.#seen, SEEN_MAX)
    this.#dueAt = undefined
  }

  neighborDown(peer: PeerId, now: number): void {
    this.#neighbors.delete(peer)
    if (this.#neighbors.size === 0) this.#restart(now)
  }

  /** The peers to send a Join to now, if the time has come; sets the next time. */
  due(now: number): PeerId[] {
    if (this.#dueAt === undefined || now < this.#dueAt) return []
    this.#waitMs = Math.min(this.#waitMs * 2, REJOIN_MAX_MS)
    this.#dueAt = now + this.#jittered()
    return [...new Set([...this.#bootstrap, ...this.#seen])]
  }

  #restart(now: number): void {
    if (this.#neighbors.size > 0 || (this.#bootstrap.size === 0 && this.#seen.size === 0)) return
    this.#waitMs = REJOIN_FIRST_MS
    this.#dueAt = now + this.#jittered()
  }

  #jittered(): number {
    return this.#waitMs * (1 - JITTER + 2 * JITTER * unit(this.#rng))
  }
}

function trim(set: Set<PeerId>, max: number): void {
  for (const oldest of set) {
    if (set.size <= max) return
    set.delete(oldest)
  }
}
