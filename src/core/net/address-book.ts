import { BoundedMap } from '../../base/bounded-map.ts'
import type { PeerId } from '../ids.ts'
import { type AddrScope, readAddr, readRelayUrl } from './addr-scope.ts'
import type { PeerAddr } from './transport.ts'

/**
 * Where an address came from, in the order it is trusted for dialing. `incoming`: seen on a connection the peer opened.
 * `config`, `contact`, `ticket`: given by the user. `local`: heard on the local network. `recent`: where a neighbour was before
 * the restart. `lookup`: answered by a discovery service. `gossip`: told by strangers.
 */
export type AddressSource = 'incoming' | 'local' | 'config' | 'contact' | 'ticket' | 'recent' | 'lookup' | 'gossip'

interface SourceRules {
  /** Peers remembered from this source. */
  readonly maxPeers: number
  /** Age after which the knowledge is gone, counted from the last update. */
  readonly ttlMs?: number
  /** Direct addresses kept for one peer. */
  readonly maxAddrs: number
  /** A newer statement adds to the older one; else it replaces it. */
  readonly merge: boolean
  /** Anyone may have made this up. */
  readonly stranger: boolean
}

const HOUR_MS = 3_600_000

/** The library keeps at most this many direct paths of a peer (discovery 14.1). */
const MAX_DIAL_ADDRS = 30

const RULES: Record<AddressSource, SourceRules> = {
  incoming: { maxPeers: 4096, ttlMs: 24 * HOUR_MS, maxAddrs: 12, merge: true, stranger: false },
  // Its service says when it is over; the time is for one that has died.
  local: { maxPeers: 1024, ttlMs: HOUR_MS, maxAddrs: 30, merge: false, stranger: true },
  config: { maxPeers: 1024, maxAddrs: 30, merge: false, stranger: false },
  contact: { maxPeers: 4096, maxAddrs: 30, merge: false, stranger: false },
  ticket: { maxPeers: 1024, ttlMs: 24 * HOUR_MS, maxAddrs: 30, merge: true, stranger: false },
  // Some of it was told by strangers.
  recent: { maxPeers: 128, ttlMs: 24 * HOUR_MS, maxAddrs: 12, merge: false, stranger: true },
  lookup: { maxPeers: 4096, ttlMs: 300_000, maxAddrs: 12, merge: false, stranger: true },
  // Gossip 5.3: 300 s after the last update; successive updates add up.
  gossip: { maxPeers: 4096, ttlMs: 300_000, maxAddrs: 12, merge: true, stranger: true },
}

const SOURCES = Object.keys(RULES) as AddressSource[]

/** How often the owner calls `sweep` (gossip 5.3). */
export const SWEEP_EVERY_MS = 30_000

interface Known {
  readonly relayUrl: string | undefined
  readonly addrs: readonly { readonly text: string; readonly scope: AddrScope }[]
}

export interface AddressBookEntry {
  readonly peer: PeerId
  readonly source: AddressSource
  readonly relayUrl?: string
  readonly direct: readonly string[]
}

/**
 * What we know about where peers can be reached. Strangers can neither push out what the user gave us nor aim our dials at
 * addresses outside `scopes`. Nothing of it is told to others: every node speaks for itself (`shareableOf`).
 */
export class AddressBook {
  readonly #scopes: ReadonlySet<AddrScope>
  readonly #ownRelays: ReadonlySet<string>
  readonly #known = new Map(
    SOURCES.map((source) => {
      const { maxPeers, ttlMs } = RULES[source]
      return [source, new BoundedMap<PeerId, Known>({ max: maxPeers, ...(ttlMs === undefined ? {} : { ttlMs }) })]
    }),
  )

  /** `ownRelays`: normalised URLs this node uses itself; strangers may name those, too, wherever they are. */
  constructor(scopes: ReadonlySet<AddrScope>, ownRelays: readonly string[] = []) {
    this.#scopes = scopes
    this.#ownRelays = new Set(ownRelays)
  }

  /** Number of (peer, source) pairs. */
  get size(): number {
    let size = 0
    for (const map of this.#known.values()) size += map.size
    return size
  }

  /** Takes in a statement; malformed and unwanted addresses are left out. True when it told us something new. */
  learn(addr: PeerAddr, source: AddressSource, now: number): boolean {
    const rules = RULES[source]
    const map = this.#of(source)
    const before = map.get(addr.id, now)
    const usable = addr.direct
      .slice(0, 4 * rules.maxAddrs)
      .map(readAddr)
      .filter((a) => a !== undefined)
      .filter((a) => !rules.stranger || this.#scopes.has(a.scope))
    const url = this.#relayOf(addr.relayUrl, rules.stranger)
    if (usable.length === 0 && url === undefined) return false
    const old = rules.merge ? before : undefined
    const byText = new Map([...usable, ...(old?.addrs ?? [])].map((a) => [a.text, a]))
    const addrs = [...byText.values()].slice(0, rules.maxAddrs)
    const next = { relayUrl: url ?? old?.relayUrl, addrs }
    map.set(addr.id, next, now)
    return before === undefined || url !== before.relayUrl || usable.some((a) => !before.addrs.some((b) => b.text === a.text))
  }

  /** Everything worth dialing, best source first; undefined when nothing is known. */
  dialable(peer: PeerId, now: number): PeerAddr | undefined {
    let relayUrl: string | undefined
    const direct = new Set<string>()
    for (const source of SOURCES) {
      const known = this.#of(source).get(peer, now)
      relayUrl ??= known?.relayUrl
      for (const { text } of known?.addrs ?? []) if (direct.size < MAX_DIAL_ADDRS) direct.add(text)
    }
    if (direct.size === 0 && relayUrl === undefined) return undefined
    return { id: peer, direct: [...direct], ...(relayUrl === undefined ? {} : { relayUrl }) }
  }

  /** The part of an address of our own that may be told to other peers. */
  shareableOf(addr: PeerAddr): PeerAddr {
    const direct = addr.direct.flatMap((text) => {
      const read = readAddr(text)
      return read !== undefined && this.#scopes.has(read.scope) ? [read.text] : []
    })
    return { ...addr, direct }
  }

  /** True when the user gave us an address of this peer. */
  isChosen(peer: PeerId, now: number): boolean {
    return (['config', 'contact', 'ticket'] as const).some((source) => this.#of(source).has(peer, now))
  }

  forget(peer: PeerId, source?: AddressSource): void {
    for (const s of source === undefined ? SOURCES : [source]) this.#of(s).delete(peer)
  }

  sweep(now: number): void {
    for (const map of this.#known.values()) map.sweep(now)
  }

  *entries(): IterableIterator<AddressBookEntry> {
    for (const [source, map] of this.#known) {
      for (const [peer, { relayUrl, addrs }] of map.entries()) {
        yield { peer, source, direct: addrs.map((a) => a.text), ...(relayUrl === undefined ? {} : { relayUrl }) }
      }
    }
  }

  #relayOf(text: string | undefined, fromStranger: boolean): string | undefined {
    const url = text === undefined ? undefined : readRelayUrl(text, false)
    if (url === undefined || !fromStranger || this.#ownRelays.has(url)) return url
    return readRelayUrl(url, true)
  }

  #of(source: AddressSource): BoundedMap<PeerId, Known> {
    return this.#known.get(source) as BoundedMap<PeerId, Known>
  }
}
