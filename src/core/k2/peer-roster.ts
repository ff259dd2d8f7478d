import { BoundedMap } from '../../base/bounded-map.ts'
import type { Contact } from '../config.ts'
import type { PeerId } from '../ids.ts'

/** Senders that proved themselves lately: topics are joined through them, and their gateways get receipts. */
const PROVEN_SENDERS = 500
const PROVEN_MS = 10 * 60_000

/** Whom this node knows: configured peers, contacts, and senders that were their own neighbours. */
export class PeerRoster {
  readonly #me: PeerId
  readonly #peers: ReadonlySet<PeerId>
  readonly #contacts = new Map<PeerId, Contact>()
  readonly #blocked = new Set<PeerId>()
  readonly #trusted = new Set<PeerId>()
  readonly #proven = new BoundedMap<PeerId, true>({ max: PROVEN_SENDERS, ttlMs: PROVEN_MS })

  constructor(me: PeerId, peers: readonly PeerId[], contacts: readonly Contact[]) {
    this.#me = me
    this.#peers = new Set(peers.filter((peer) => peer !== me))
    for (const contact of contacts) this.addContact(contact)
  }

  get contacts(): readonly Contact[] {
    return [...this.#contacts.values()]
  }

  isContact(peer: PeerId): boolean {
    return this.#contacts.has(peer)
  }

  /** Adds or renames a contact; this node itself is none. */
  addContact(contact: Contact): void {
    if (contact.addr.id !== this.#me) this.#contacts.set(contact.addr.id, contact)
  }

  /** False when it was none. */
  removeContact(peer: PeerId): boolean {
    return this.#contacts.delete(peer)
  }

  /** The operator named this peer. */
  isTrusted(peer: PeerId): boolean {
    return (this.#contacts.has(peer) || this.#peers.has(peer) || this.#trusted.has(peer)) && !this.#blocked.has(peer)
  }

  /** Nothing is taken from a blocked peer, nor in its name; it is never dialed for its own sake. Replaces the list. */
  setBlocked(peers: Iterable<PeerId>): void {
    this.#blocked.clear()
    for (const peer of peers) this.#blocked.add(peer)
  }

  /** Trusted as configured peers are; topics are not joined through them for that. Replaces the list. */
  setTrusted(peers: Iterable<PeerId>): void {
    this.#trusted.clear()
    for (const peer of peers) this.#trusted.add(peer)
  }

  isBlocked(peer: PeerId): boolean {
    return this.#blocked.has(peer)
  }

  /** A message came straight from this sender. */
  proved(peer: PeerId, now: number): void {
    this.#proven.set(peer, true, now)
  }

  /** Worth dialing for its sake: nobody else could have made us believe in it. */
  isKnown(peer: PeerId, now: number): boolean {
    return this.isTrusted(peer) || this.#proven.has(peer, now)
  }

  /** Peers to join topics through: configured ones, then contacts, then the latest proven senders (k2-application 1.3). */
  bootstrap(): readonly PeerId[] {
    const proven = [...this.#proven.entries()].map(([peer]) => peer).reverse()
    return [...new Set([...this.#peers, ...this.#contacts.keys(), ...proven])].filter((peer) => !this.#blocked.has(peer))
  }
}
