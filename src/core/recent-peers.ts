import { BoundedMap } from '../base/bounded-map.ts'
import type { PeerId } from './ids.ts'
import type { PeerAddr } from './net/index.ts'

/** Neighbours remembered, and for how long after they were last seen. */
export const RECENT_PEERS = 100
const RECENT_MS = 7 * 24 * 3600_000
/** Addresses are worth a dial this long (discovery 14). */
const ADDRESS_MS = 24 * 3600_000
/** Clocks that went back in between; further ahead is no time. */
const MAX_AHEAD_MS = 60_000
const MAX_ADDRS = 12

/** A node that was a neighbour on a topic, and where it was found. */
export interface RecentPeer {
  readonly id: PeerId
  /** ms since the epoch. */
  readonly seenAt: number
  readonly relayUrl?: string
  readonly direct: readonly string[]
}

/**
 * Whom this node was together with lately, so that it finds back after a restart without anybody's help. Contacts are not
 * noted for being that: only members of topics. Pure; `now` in ms.
 */
export class RecentPeers {
  readonly #peers = new BoundedMap<PeerId, RecentPeer>({ max: RECENT_PEERS, ttlMs: RECENT_MS })

  /** `known`: as `list` answered in an earlier run; entries of the future are left out. */
  constructor(known: readonly RecentPeer[], now: number) {
    const usable = known.filter((peer) => peer.seenAt <= now + MAX_AHEAD_MS && now - peer.seenAt <= RECENT_MS)
    for (const peer of usable.sort((a, b) => a.seenAt - b.seenAt)) this.#peers.set(peer.id, peer, peer.seenAt)
  }

  /** It is a neighbour now. Without an address of its own the one known before stays. */
  note(id: PeerId, addr: PeerAddr | undefined, now: number): void {
    const { relayUrl, direct = [] } = addr ?? this.#peers.get(id, now) ?? {}
    const peer = { id, seenAt: now, direct: direct.slice(0, MAX_ADDRS), ...(relayUrl !== undefined && { relayUrl }) }
    this.#peers.set(id, peer, now)
  }

  forget(id: PeerId): void {
    this.#peers.delete(id)
  }

  /** Latest first. */
  list(now: number): readonly RecentPeer[] {
    this.#peers.sweep(now)
    return [...this.#peers.entries()].map(([, peer]) => peer).reverse()
  }

  /** Those whose addresses are still worth a dial. */
  dialable(now: number): readonly RecentPeer[] {
    return this.list(now).filter(
      (peer) => now - peer.seenAt <= ADDRESS_MS && (peer.direct.length > 0 || peer.relayUrl !== undefined),
    )
  }
}
