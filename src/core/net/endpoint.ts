import { deferred, withDeadline } from '../../base/async.ts'
import { type Clock, systemClock } from '../../base/clock.ts'
import { errorCode } from '../../base/errors.ts'
import type { Health, Lifecycle } from '../../base/lifecycle.ts'
import { type Logger, nullLogger } from '../../base/logger.ts'
import type { PeerId } from '../ids.ts'
import { type AddrScope, LOOPBACK_ONLY, ROUTABLE } from './addr-scope.ts'
import { AddressBook, type AddressSource, SWEEP_EVERY_MS } from './address-book.ts'
import { type AlpnHandler, AlpnRouter, type RouterLimits, type RouterStats } from './alpn-router.ts'
import { waitFor } from './call-wait.ts'
import type { AddressLookup } from './dial-race.ts'
import { Dialer, type DialerLimits, type DialerStats, type DialOptions } from './dialer.ts'
import type { IrohReach } from './iroh-bind.ts'
import type { IrohLogLevel } from './iroh-binding.ts'
import { bindIrohTransport } from './iroh-transport.ts'
import { OwnAddress } from './own-address.ts'
import type { CallOptions, Connection, PeerAddr, Transport } from './transport.ts'

/** Default wait for a relay after the start; over a slow line the first contact takes some seconds. */
const RELAY_WAIT_MS = 10_000

/** Longest wait at the end for protocol handlers whose connections are closed already. */
const HANDLER_CAP_MS = 2_000

export interface HandleOptions {
  /**
   * Streams a peer may have open towards us on connections of this protocol, accepted or dialed; QUIC's 100 when omitted.
   * Gossip needs more (gossip T-12). Each unread stream may hold 1.25 MB, so raise it only where all are read.
   */
  readonly maxStreams?: { readonly uni?: number; readonly bi?: number }
}

export interface K2EndpointOptions {
  readonly transport: Transport
  readonly clock?: Clock
  readonly log?: Logger
  /** The transport resolves bare ids itself (mode `n0`). */
  readonly bareIds?: boolean
  /** Relays of one's own, as normalised URLs: believed whoever names them, and waited for after the start. */
  readonly relays?: readonly string[]
  /** Addresses that may be learned from strangers and told to others; `ROUTABLE` when omitted. */
  readonly scopes?: ReadonlySet<AddrScope>
  readonly lookup?: AddressLookup
  readonly router?: Partial<RouterLimits>
  readonly dialer?: Partial<DialerLimits>
}

export interface EndpointStats {
  readonly router: RouterStats
  readonly dialer: DialerStats
  readonly connections: number
  readonly knownAddresses: number
}

/** One endpoint as the protocols see it: they register handlers, dial peers, and ask for addresses. */
export class K2Endpoint implements Lifecycle {
  readonly name = 'endpoint'
  readonly id: PeerId
  readonly book: AddressBook
  readonly #transport: Transport
  readonly #clock: Clock
  readonly #router: AlpnRouter
  readonly #dialer: Dialer
  readonly #own: OwnAddress
  readonly #connections = new Set<Connection>()
  readonly #maxStreams = new Map<string, NonNullable<HandleOptions['maxStreams']>>()
  readonly #log: Logger
  readonly #ownRelays: boolean
  #cancelSweep = (): void => {}
  #stopping: Promise<void> | undefined

  constructor(options: K2EndpointOptions) {
    const { transport, clock = systemClock, log = nullLogger } = options
    this.id = transport.id
    this.#transport = transport
    this.#clock = clock
    this.#log = log
    this.#ownRelays = (options.relays ?? []).length > 0
    this.book = new AddressBook(options.scopes ?? ROUTABLE, options.relays)
    this.#own = new OwnAddress({ read: () => transport.localAddr(), clock, log })
    this.#router = new AlpnRouter({ transport, clock, log, limits: options.router, onConnection: (c) => this.#adopt(c) })
    this.#dialer = new Dialer({
      transport,
      clock,
      book: this.book,
      bareIds: options.bareIds ?? false,
      lookup: options.lookup,
      limits: options.dialer,
      onConnection: (c) => this.#adopt(c),
    })
  }

  async start(): Promise<void> {
    this.#own.start()
    this.#sweepLater()
    await this.#router.start()
  }

  /** Takes no new connections in either direction; the open ones go on so that protocols can finish their streams. */
  async drain(): Promise<void> {
    this.#dialer.stop()
    await this.#router.drain()
  }

  /** Closes what is left with code 0, then the sockets (≤ 5 s). */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  health(): Health {
    if (this.#stopping !== undefined) return { status: 'failed', reason: 'the endpoint is closed' }
    const { direct, relayUrl } = this.addr()
    if (this.#ownRelays && relayUrl === undefined) {
      return { status: 'degraded', reason: 'none of the relays in node.relays has answered yet' }
    }
    return direct.length > 0 || relayUrl !== undefined
      ? { status: 'ok' }
      : { status: 'degraded', reason: 'no address of this node is known yet' }
  }

  /** Own addresses as last polled. */
  addr(): PeerAddr {
    return this.#own.current
  }

  /** The part of the own address that may be told to other peers, e.g. in gossip or tickets. */
  shareableAddr(): PeerAddr {
    return this.book.shareableOf(this.addr())
  }

  /**
   * Resolves true once a relay can be named in tickets and gossip, false when none came in time (default 10 s), e.g. offline.
   * The library's own wait never ends without relays (discovery 13).
   */
  async waitForRelay(options: CallOptions = {}): Promise<boolean> {
    if (this.addr().relayUrl !== undefined) return true
    const came = deferred<boolean>()
    const off = this.onAddrChange((addr) => addr.relayUrl !== undefined && came.resolve(true))
    const wait = { signal: options.signal, deadlineMs: options.deadlineMs ?? RELAY_WAIT_MS }
    return await waitFor(came.promise, wait, { clock: this.#clock, what: 'waiting for a relay' })
      .catch((error) => {
        if (errorCode(error) === 'NET_TIMEOUT') return false
        throw error
      })
      .finally(off)
  }

  /** Calls back when the own address has changed; the returned function ends that. */
  onAddrChange(listener: (addr: PeerAddr) => void): () => void {
    return this.#own.onChange(listener)
  }

  /** Answers a protocol from now on; the returned function ends that. */
  handle(alpn: string, handler: AlpnHandler, options: HandleOptions = {}): () => void {
    if (options.maxStreams !== undefined) this.#maxStreams.set(alpn, options.maxStreams)
    return this.#router.handle(alpn, handler)
  }

  /** Connects to a peer, see `Dialer.dial`. */
  dial(peer: PeerId, alpn: string, options?: DialOptions): Promise<Connection> {
    return this.#dialer.dial(peer, alpn, options)
  }

  /** Asks this service for addresses while dialing from now on, or none. */
  useLookup(lookup: AddressLookup | undefined): void {
    this.#dialer.useLookup(lookup)
  }

  /** Takes an address into the book. Something new lifts the pause of a peer that was silent. */
  learn(addr: PeerAddr, source: AddressSource): void {
    if (addr.id === this.id) return
    if (this.book.learn(addr, source, this.#clock.now())) this.#dialer.noteAlive(addr.id)
  }

  /** Live connections of both directions. */
  connections(): readonly Connection[] {
    return [...this.#connections]
  }

  stats(): EndpointStats {
    return {
      router: this.#router.stats(),
      dialer: this.#dialer.stats(),
      connections: this.#connections.size,
      knownAddresses: this.book.size,
    }
  }

  async #stop(): Promise<void> {
    this.#own.stop()
    this.#cancelSweep()
    this.#dialer.stop()
    for (const connection of this.#connections) connection.close(0n, 'shutting down')
    const stopped = this.#router.stop()
    await this.#transport.close()
    await stopped
    const wait = { ms: HANDLER_CAP_MS, what: 'waiting for protocol handlers', clock: this.#clock }
    await withDeadline(this.#router.ended(), wait).catch((err) =>
      this.#log.warn({ ev: 'handlers-left', err }, 'a protocol handler goes on after its connection was closed'),
    )
  }

  #adopt(connection: Connection): void {
    this.#connections.add(connection)
    const limits = this.#maxStreams.get(connection.alpn)
    if (limits !== undefined) connection.setMaxStreams(limits)
    void connection.closed.then(() => this.#connections.delete(connection))
    if (connection.side === 'dialer') return
    this.#dialer.noteAlive(connection.peer)
    this.#transport
      .knownAddr(connection.peer)
      .then((addr) => addr !== undefined && this.book.learn(addr, 'incoming', this.#clock.now()))
      .catch(() => {}) // a hint less: nothing depends on it
  }

  #sweepLater(): void {
    this.#cancelSweep = this.#clock.after(SWEEP_EVERY_MS, () => {
      this.book.sweep(this.#clock.now())
      this.#sweepLater()
    })
  }
}

export interface OpenEndpointOptions extends Omit<K2EndpointOptions, 'transport' | 'bareIds' | 'scopes'>, IrohReach {
  /** 32-byte ed25519 seed. */
  readonly secretKey: Uint8Array
  /** See `IrohBindOptions.bind`. */
  readonly bind?: readonly string[]
  /** See `IrohTransportOptions.nativeLogLevel`. */
  readonly nativeLogLevel?: IrohLogLevel
}

/** Binds a QUIC endpoint and composes the rest around it. Rejects `NET_BIND_FAILED`. Not started yet. */
export async function openEndpoint(options: OpenEndpointOptions): Promise<K2Endpoint> {
  const { secretKey, mode, bind, nativeLogLevel, ...rest } = options
  const { clock, log, relays } = rest
  const transport = await bindIrohTransport({
    secretKey,
    mode,
    alpns: [],
    ...(relays !== undefined && { relays }),
    ...(bind !== undefined && { bind }),
    ...(nativeLogLevel !== undefined && { nativeLogLevel }),
    ...(clock !== undefined && { clock }),
    ...(log !== undefined && { log }),
  })
  return new K2Endpoint({ ...rest, transport, bareIds: mode === 'n0', scopes: mode === 'loopback' ? LOOPBACK_ONLY : ROUTABLE })
}
