import { type Deferred, deferred } from '../../base/async.ts'
import type { Clock } from '../../base/clock.ts'
import type { PeerId } from '../ids.ts'
import { waitFor } from './call-wait.ts'
import type { MemoryConnection } from './memory-connection.ts'
import { endpointClosed, netError } from './net-errors.ts'
import type { CallOptions, Connection, Incoming, PeerAddr, Transport } from './transport.ts'

/** Incoming attempts that may wait for `nextIncoming`; further ones are refused. */
const MAX_WAITING_INCOMING = 1024

/** How long addresses of a peer stay usable after its last connection closed (discovery 14.2). */
const PATH_MEMORY_MS = 60_000

export interface MemoryBindOptions {
  readonly id: PeerId
  readonly alpns?: readonly string[]
  /** Own direct addresses; one is made up when omitted. */
  readonly addrs?: readonly string[]
  readonly relayUrl?: string
}

/** A handshake under way; `settle` tells the dialer how it went. */
export interface Attempt {
  readonly from: MemoryTransport
  readonly wanted: PeerId
  readonly alpn: string
  /** Set when the dialer's 30 s are over or its endpoint is gone. */
  over: boolean
  fail(error: unknown): void
  succeed(connection: MemoryConnection): void
}

/** What an endpoint needs of the network it is on. */
export interface MemoryFabric {
  readonly clock: Clock
  /** Dialing by bare id works. */
  readonly resolvesIds: boolean
  /** Starts a handshake. */
  dial(from: MemoryTransport, addr: PeerAddr, alpn: string, outcome: Deferred<Connection>): void
  /** Sends an answer of `node` back to the dialer of an attempt. */
  reply(node: MemoryTransport, attempt: Attempt, deliver: () => void): void
  /** Completes a handshake; resolves at the acceptor one round trip later. */
  establish(node: MemoryTransport, attempt: Attempt): Promise<Connection>
  /** The endpoint leaves; `part` ends each of its connections. */
  forget(node: MemoryTransport, addrs: readonly string[], part: (end: MemoryConnection) => void): void
  /** The endpoint has moved. */
  readdress(node: MemoryTransport, before: readonly string[], after: readonly string[]): void
}

/** An endpoint of a `MemoryNetwork`: same port, same limits, same failures as QUIC, without sockets. */
export class MemoryTransport implements Transport {
  readonly id: PeerId
  readonly #network: MemoryFabric
  readonly #incoming: Incoming[] = []
  readonly #takers: ((incoming: Incoming | null) => void)[] = []
  readonly #paths = new Map<PeerId, { addr: PeerAddr; open: number; until: number }>()
  #addrs: readonly string[]
  #relayUrl: string | undefined
  #alpns: ReadonlySet<string>
  #closed = false

  constructor(network: MemoryFabric, options: MemoryBindOptions & { addrs: readonly string[] }) {
    this.#network = network
    this.id = options.id
    this.#addrs = options.addrs
    this.#relayUrl = options.relayUrl
    this.#alpns = new Set(options.alpns ?? [])
  }

  get isClosed(): boolean {
    return this.#closed
  }

  localAddr(): PeerAddr {
    return { id: this.id, direct: this.#addrs, ...(this.#relayUrl === undefined ? {} : { relayUrl: this.#relayUrl }) }
  }

  /** Moves the endpoint to other addresses, as a change of network would; connections survive. */
  moveTo(addrs: readonly string[], relayUrl?: string): void {
    this.#network.readdress(this, this.#addrs, addrs)
    this.#addrs = addrs
    this.#relayUrl = relayUrl
  }

  setAlpns(alpns: readonly string[]): void {
    this.#alpns = new Set(alpns)
  }

  nextIncoming(): Promise<Incoming | null> {
    if (this.#closed) return Promise.resolve(null)
    const waiting = this.#incoming.shift()
    if (waiting) return Promise.resolve(waiting)
    return new Promise((resolve) => this.#takers.push(resolve))
  }

  connect(addr: PeerAddr, alpn: string, options?: CallOptions): Promise<Connection> {
    if (this.#closed) return Promise.reject(endpointClosed())
    if (addr.id === this.id) return Promise.reject(netError('SELF'))
    if (alpn.length === 0 || alpn.length > 255) return Promise.reject(netError('ALPN', 'a name has 1 to 255 bytes'))
    const known = this.#path(addr.id)
    const paths: PeerAddr = { ...known, ...addr, direct: [...new Set([...addr.direct, ...(known?.direct ?? [])])] }
    if (paths.direct.length === 0 && paths.relayUrl === undefined && !this.#network.resolvesIds) {
      return Promise.reject(netError('NO_ADDRESS'))
    }
    const outcome = deferred<Connection>()
    this.#network.dial(this, paths, alpn, outcome)
    return waitFor(outcome.promise, options, {
      clock: this.#network.clock,
      what: 'connecting',
      onGiveUp: () => outcome.promise.then((late) => late.close(0n, 'too late')).catch(() => {}),
    })
  }

  knownAddr(peer: PeerId): Promise<PeerAddr | undefined> {
    return Promise.resolve(this.#closed ? undefined : this.#path(peer))
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.shut((end) => end.close(0n, ''))
  }

  /** Ends the endpoint; `part` ends each of its connections. */
  shut(part: (end: MemoryConnection) => void): void {
    this.#closed = true
    this.#network.forget(this, this.#addrs, part)
    for (const incoming of this.#incoming.splice(0)) incoming.refuse().catch(() => {})
    for (const taker of this.#takers.splice(0)) taker(null)
  }

  /** A stranger's attempt reached this endpoint. */
  offer(attempt: Attempt): void {
    if (this.#closed) return
    const incoming = this.#incomingOf(attempt)
    const taker = this.#takers.shift()
    if (taker) taker(incoming)
    else if (this.#incoming.length < MAX_WAITING_INCOMING) this.#incoming.push(incoming)
    else void incoming.refuse()
  }

  pathOpened(peer: PeerId, addr: PeerAddr): void {
    const open = (this.#paths.get(peer)?.open ?? 0) + 1
    this.#paths.set(peer, { addr, open, until: Number.POSITIVE_INFINITY })
  }

  pathClosed(peer: PeerId): void {
    const path = this.#paths.get(peer)
    if (path === undefined) return
    path.open--
    if (path.open === 0) path.until = this.#network.clock.monotonic() + PATH_MEMORY_MS
  }

  #path(peer: PeerId): PeerAddr | undefined {
    const path = this.#paths.get(peer)
    if (path === undefined) return undefined
    if (path.until > this.#network.clock.monotonic()) return path.addr
    this.#paths.delete(peer)
    return undefined
  }

  #incomingOf(attempt: Attempt): Incoming {
    let answered = false
    const answer = (): void => {
      if (answered || attempt.over || this.#closed) throw netError('HANDSHAKE_FAILED', 'the attempt is over')
      answered = true
    }
    return {
      accept: async (options) => {
        answer()
        if (attempt.wanted !== this.id) {
          this.#network.reply(this, attempt, () => attempt.fail(netError('WRONG_PEER')))
          throw netError('HANDSHAKE_FAILED', 'the stranger looks for another peer')
        }
        if (!this.#alpns.has(attempt.alpn)) {
          this.#network.reply(this, attempt, () => attempt.fail(netError('ALPN')))
          throw netError('HANDSHAKE_FAILED', 'the stranger speaks none of our protocols')
        }
        const established = this.#network.establish(this, attempt)
        return await waitFor(established, options, {
          clock: this.#network.clock,
          what: 'accepting a connection',
          onGiveUp: () => established.then((late) => late.close(0n, 'too late')).catch(() => {}),
        })
      },
      refuse: async () => {
        if (answered || attempt.over) return
        answered = true
        this.#network.reply(this, attempt, () => attempt.fail(netError('REFUSED')))
      },
    }
  }
}
