import type { PeerId } from '../../ids.ts'
import type { PeerData, PeerInfo } from './messages.ts'

/** Last data seen of each peer. Peers outside the views are limited in number, oldest forgotten first (gossip 13-D11). */
export class PeerDataBook {
  readonly #strangersMax: number
  readonly #isMember: (peer: PeerId) => boolean
  readonly #entries = new Map<PeerId, PeerData>()
  #sweepAt: number

  constructor(strangersMax: number, isMember: (peer: PeerId) => boolean) {
    this.#strangersMax = strangersMax
    this.#isMember = isMember
    this.#sweepAt = strangersMax * 2
  }

  get size(): number {
    return this.#entries.size
  }

  get(peer: PeerId): PeerData | undefined {
    return this.#entries.get(peer)
  }

  info(peer: PeerId): PeerInfo {
    return { id: peer, data: this.#entries.get(peer) }
  }

  /** Stores a copy: received data is a view into a whole frame. */
  set(peer: PeerId, data: PeerData): void {
    this.#entries.delete(peer)
    this.#entries.set(peer, data.slice())
    if (this.#entries.size > this.#sweepAt) this.#sweep()
  }

  take(peer: PeerId): PeerData | undefined {
    const data = this.#entries.get(peer)
    this.#entries.delete(peer)
    return data
  }

  delete(peer: PeerId): void {
    this.#entries.delete(peer)
  }

  #sweep(): void {
    const strangers = [...this.#entries.keys()].filter((peer) => !this.#isMember(peer))
    for (const peer of strangers.slice(0, -this.#strangersMax)) this.#entries.delete(peer)
    this.#sweepAt = this.#entries.size + this.#strangersMax
  }
}
