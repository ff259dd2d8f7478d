import { BoundedMap } from '../../base/bounded-map.ts'
import type { PeerId } from '../ids.ts'

/** No connection shows the chosen path, and a dial takes long: certain after this long; before it may just be changing, ms. */
const UNSEEN_MS = 2_500
/** A path that carried nothing for this long while others did is dead: a live one is asked every 5 s, ms. */
const MUTE_MS = 8_000
/** Observations older than this are of another story, ms. */
const MEMORY_MS = 60_000
const PEERS = 1024

/** One open connection to a peer, as the library shows it. */
export interface ConnectionGlance {
  readonly serial: number
  /** It has the path the library has chosen for all connections to this peer. */
  readonly chosen: boolean
  /** Datagrams received so far. */
  readonly received: number
}

interface Observation {
  readonly at: number
  readonly received: ReadonlyMap<number, number>
  readonly unseenSince: number | undefined
}

/**
 * Finds peers the library cannot dial although they are there. It chooses one path per peer and sends the beginning of every new
 * connection over that alone; when a peer's process dies and comes back at another port while connections of the old one are
 * still open, the dead path stays chosen as long as any connection to the peer lives, and every dial ends in a timeout
 * (iroh 1.0.2, `RemoteStateActor`: nothing is chosen anew when a connection ends). Pure; `now` in ms.
 */
export class LostPaths {
  readonly #peers = new BoundedMap<PeerId, Observation>({ max: PEERS, ttlMs: MEMORY_MS })

  /** Looks at a peer while it is being dialed; true when only closing all its connections makes it reachable again. */
  look(peer: PeerId, open: readonly ConnectionGlance[], now: number): boolean {
    if (open.length === 0) {
      this.#peers.delete(peer)
      return false
    }
    const chosen = open.filter((one) => one.chosen)
    const before = this.#peers.get(peer, now)
    if (before === undefined) {
      const received = new Map(open.map((one) => [one.serial, one.received]))
      this.#peers.set(peer, { at: now, received, unseenSince: chosen.length === 0 ? now : undefined }, now)
      return false
    }
    const unseenSince = chosen.length > 0 ? undefined : (before.unseenSince ?? now)
    if (unseenSince !== before.unseenSince) this.#peers.set(peer, { ...before, unseenSince }, now)
    if (unseenSince !== undefined) return now - unseenSince >= UNSEEN_MS
    const isAlive = ({ serial, received }: ConnectionGlance): boolean => received > (before.received.get(serial) ?? 0)
    return now - before.at >= MUTE_MS && !chosen.some(isAlive) && open.some(isAlive)
  }

  /** A dial to the peer went through, or its connections were closed. */
  forget(peer: PeerId): void {
    this.#peers.delete(peer)
  }
}
