import { Semaphore } from '../../base/async.ts'
import { BoundedMap } from '../../base/bounded-map.ts'
import type { Clock } from '../../base/clock.ts'
import { errorCode, K2Error } from '../../base/errors.ts'
import { TokenBucket } from '../../base/token-bucket.ts'
import type { PeerId } from '../ids.ts'
import type { AddressBook } from './address-book.ts'
import { waitFor } from './call-wait.ts'
import { type AddressLookup, dialRace } from './dial-race.ts'
import { endpointClosed, netError } from './net-errors.ts'
import type { CallOptions, Connection, PeerAddr, Transport } from './transport.ts'

export interface DialerLimits {
  /** ms for one dial unless the caller says otherwise; long enough for a relay, short enough for a person (discovery 14). */
  readonly deadlineMs: number
  /** Dials at a time: strangers can name peers to us (gossip 5.3). Further ones wait. */
  readonly maxDials: number
  /** Dials per second after a burst of `maxDials`. */
  readonly dialsPerSecond: number
  /** How long a silent peer is not dialed again. 0 turns that off. A peer the user chose waits a sixth of it. */
  readonly unreachableMs: number
}

const DIALER_LIMITS: DialerLimits = { deadlineMs: 10_000, maxDials: 32, dialsPerSecond: 20, unreachableMs: 30_000 }

/** A dial shorter than this says nothing about a peer that did not answer. */
const TELLING_SILENCE_MS = 5_000

/** Silent peers remembered. */
const MAX_SILENT_PEERS = 4_096

export interface DialOptions extends CallOptions {
  /** Addresses to use besides the address book, e.g. from a message just received. They are not remembered. */
  readonly addr?: PeerAddr
  /**
   * Wants a connection of its own: waits for a running dial to the same peer and protocol to end, then dials. Without it
   * callers that ask at the same time get the same connection.
   */
  readonly exclusive?: boolean
  /** The peer was heard just now: that it did not answer a dial before says nothing any more. */
  readonly heard?: boolean
}

export interface DialerStats {
  readonly running: number
  readonly started: number
  readonly succeeded: number
  readonly failed: number
  /** Refused because the peer was silent a moment ago. */
  readonly suppressed: number
}

export interface DialerInit {
  readonly transport: Transport
  readonly book: AddressBook
  readonly clock: Clock
  /** The endpoint resolves bare ids itself (full n0 preset). */
  readonly bareIds: boolean
  readonly lookup?: AddressLookup | undefined
  readonly limits?: Partial<DialerLimits> | undefined
  /** Every connection made, before any caller gets it. */
  readonly onConnection?: (connection: Connection) => void
}

interface Flight {
  readonly result: Promise<Connection>
  readonly shared: boolean
  readonly stop: AbortController
  waiters: number
}

/** Makes connections: one dial per peer and protocol at a time, with deadlines, and none to peers that just proved silent. */
export class Dialer {
  readonly #init: DialerInit
  readonly #limits: DialerLimits
  readonly #flights = new Map<string, Flight>()
  readonly #silent: BoundedMap<PeerId, number>
  readonly #slots: Semaphore
  readonly #bucket: TokenBucket
  readonly #counts = { started: 0, succeeded: 0, failed: 0, suppressed: 0 }
  #stopped = false
  #lookup: AddressLookup | undefined

  constructor(init: DialerInit) {
    this.#init = init
    this.#lookup = init.lookup
    this.#limits = { ...DIALER_LIMITS, ...init.limits }
    this.#silent = new BoundedMap({ max: MAX_SILENT_PEERS, ttlMs: this.#limits.unreachableMs })
    this.#slots = new Semaphore(this.#limits.maxDials)
    this.#bucket = new TokenBucket(this.#limits.dialsPerSecond, this.#limits.maxDials, init.clock.monotonic())
  }

  /**
   * Connects to a peer. The deadline (default of the limits) covers all waiting. Rejects as `Transport.connect`, or with
   * `NET_UNREACHABLE` (retry `{afterMs}`) when the peer was silent a moment ago, or `ABORTED`.
   */
  dial(peer: PeerId, alpn: string, options: DialOptions = {}): Promise<Connection> {
    const refusal = this.#refusal(peer, options)
    if (refusal !== undefined) return Promise.reject(refusal)
    const caller = { gone: false, flight: undefined as Flight | undefined }
    const work = this.#enter(peer, alpn, options, caller)
    const wait = { signal: options.signal, deadlineMs: options.deadlineMs ?? this.#limits.deadlineMs }
    return waitFor(work, wait, {
      clock: this.#init.clock,
      what: 'dialing',
      onGiveUp: () => {
        caller.gone = true
        if (caller.flight !== undefined) this.#leave(caller.flight)
      },
    })
  }

  /** The peer showed signs of life, or new addresses of it: it may be dialed again at once. */
  noteAlive(peer: PeerId): void {
    this.#silent.delete(peer)
  }

  /** Asks this service from now on, or none. */
  useLookup(lookup: AddressLookup | undefined): void {
    this.#lookup = lookup
  }

  /** Ends all dials; later ones are refused. */
  stop(): void {
    this.#stopped = true
    for (const flight of this.#flights.values()) flight.stop.abort(endpointClosed())
  }

  stats(): DialerStats {
    return { ...this.#counts, running: this.#flights.size }
  }

  #refusal(peer: PeerId, options: DialOptions): K2Error | undefined {
    if (this.#stopped) return endpointClosed()
    if (peer === this.#init.transport.id) return netError('SELF')
    if (options.addr !== undefined || options.heard === true) return undefined
    const now = this.#init.clock.monotonic()
    const until = this.#silent.get(peer, now)
    if (until === undefined || until <= now) return undefined
    this.#counts.suppressed++
    return new K2Error({
      code: 'NET_UNREACHABLE',
      kind: 'network',
      retry: { afterMs: until - now },
      message: 'the peer did not answer a moment ago',
    })
  }

  async #enter(
    peer: PeerId,
    alpn: string,
    options: DialOptions,
    caller: { gone: boolean; flight: Flight | undefined },
  ): Promise<Connection> {
    const key = `${peer} ${alpn}`
    for (;;) {
      if (this.#stopped) throw endpointClosed()
      if (caller.gone) throw netError('FAILED', 'nobody waits for this dial any more')
      const running = this.#flights.get(key)
      if (running === undefined) break
      if (running.shared && options.exclusive !== true && !running.stop.signal.aborted) {
        running.waiters++
        caller.flight = running
        return await running.result
      }
      await running.result.catch(() => {}) // its own callers hear about it
    }
    caller.flight = this.#launch(key, peer, alpn, options)
    return await caller.flight.result
  }

  #launch(key: string, peer: PeerId, alpn: string, options: DialOptions): Flight {
    const stop = new AbortController()
    const result = this.#slots
      .run(() => this.#connect(peer, alpn, options, stop.signal))
      .then((connection) => {
        if (flight.waiters === 0) connection.close(0n, 'too late')
        return connection
      })
      .finally(() => this.#flights.delete(key))
    const flight: Flight = { result, shared: options.exclusive !== true, stop, waiters: 1 }
    this.#flights.set(key, flight)
    return flight
  }

  #leave(flight: Flight): void {
    flight.waiters--
    if (flight.waiters === 0) flight.stop.abort()
  }

  async #connect(peer: PeerId, alpn: string, options: DialOptions, signal: AbortSignal): Promise<Connection> {
    const { transport, book, clock } = this.#init
    await this.#paced(signal)
    this.#counts.started++
    const startedAt = clock.monotonic()
    try {
      const connection = await dialRace({
        peer,
        clock,
        signal,
        known: merge(options.addr, book.dialable(peer, clock.now())),
        // The endpoint remembers the paths of recent connections for about a minute, also in reverse (discovery 14.2).
        tryBareId: this.#init.bareIds || (await transport.knownAddr(peer)) !== undefined,
        lookup: this.#lookup,
        connect: (addr, call) => transport.connect(addr, alpn, call),
        onFound: (addr) => book.learn({ ...addr, id: peer }, 'lookup', clock.now()),
      })
      this.#counts.succeeded++
      this.noteAlive(peer)
      this.#init.onConnection?.(connection)
      return connection
    } catch (error) {
      this.#counts.failed++
      this.#noteFailure(peer, error, clock.monotonic() - startedAt)
      throw this.#stopped ? endpointClosed() : error
    }
  }

  /** Waits for a token of the dial rate. */
  async #paced(signal: AbortSignal): Promise<void> {
    const { clock } = this.#init
    for (;;) {
      signal.throwIfAborted()
      const now = clock.monotonic()
      if (this.#bucket.take(now)) return
      await new Promise<void>((resolve) => clock.after(this.#bucket.waitMs(now), resolve))
    }
  }

  #noteFailure(peer: PeerId, error: unknown, tookMs: number): void {
    const { clock, book } = this.#init
    const silent = ['NET_TIMEOUT', 'ABORTED'].includes(errorCode(error)) && tookMs >= TELLING_SILENCE_MS
    if (!silent || this.#limits.unreachableMs === 0) return
    const now = clock.monotonic()
    const pause = this.#limits.unreachableMs / (book.isChosen(peer, clock.now()) ? 6 : 1)
    this.#silent.set(peer, now + pause, now)
  }
}

function merge(extra: PeerAddr | undefined, known: PeerAddr | undefined): PeerAddr | undefined {
  if (extra === undefined || known === undefined) return extra ?? known
  return { ...known, ...extra, direct: [...new Set([...extra.direct, ...known.direct])] }
}
