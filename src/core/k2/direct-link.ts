import { withDeadline } from '../../base/async.ts'
import { BoundedMap } from '../../base/bounded-map.ts'
import type { Clock } from '../../base/clock.ts'
import { errorCode, errorMessage } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { PeerId } from '../ids.ts'
import type { Connection, K2Endpoint } from '../net/index.ts'
import { DIRECT_ALPN, type DirectMessage, exchangeDirect, serveDirect } from './direct-stream.ts'

/** Gateways written to at once over connections that stay open. */
const MAX_OPEN = 256
const DIAL_MS = 10_000
/** A sender is told sooner that nobody answers; the dial goes on, and the next attempt finds what came of it. */
const DIAL_PATIENCE_MS = 2_500
/** A gateway answers once it has stored the message; it may be busy. */
const GATEWAY_RECEIPT_MS = 10_000
/** An idle connection is given back after this, before the other side does so. */
const IDLE_MS = 45_000
/** Peers whose way of taking messages is remembered, and for how long: programs are updated. */
const MEMORY_PEERS = 4096
const MEMORY_MS = 3_600_000
/** Streams a peer may have open: one message at a time. */
const MAX_STREAMS = 4

/**
 * How a peer takes direct messages: `receipts` (a gateway, over this protocol), `silent` (it takes them without a word; whether
 * anybody reads them is unknown), `refused` (it does not speak the protocol: K2 desktops).
 */
export type DirectHabit = 'receipts' | 'silent' | 'refused'

/**
 * What became of one attempt. `delivered`: confirmed. `accepted`: taken without a word. `refused`, `unreachable`: not sent.
 * `unknown`: it may have arrived.
 */
export type DirectAttempt = 'delivered' | 'accepted' | 'refused' | 'unreachable' | 'unknown'

export interface DirectLinkOptions {
  readonly endpoint: Pick<K2Endpoint, 'dial' | 'handle'>
  readonly clock: Clock
  readonly log: Logger
  /** Resolves when the message is stored; a rejection means that its sender may try again. */
  readonly onMessage: (message: DirectMessage) => Promise<void>
}

export interface DirectLinkStats {
  readonly delivered: number
  readonly accepted: number
  readonly failed: number
  readonly received: number
  readonly refused: number
}

interface Open {
  readonly connection: Connection
  cancelIdle: () => void
}

interface Dialing {
  readonly result: Promise<Connection>
  readonly stop: AbortController
  waiters: number
}

/** Direct messages over connections of their own, `k2/direct-message/1` (k2-application 6.2), in both directions. */
export class DirectLink {
  readonly #options: DirectLinkOptions
  readonly #habits = new BoundedMap<PeerId, DirectHabit>({ max: MEMORY_PEERS, ttlMs: MEMORY_MS })
  readonly #open = new Map<PeerId, Open>()
  readonly #dialing = new Map<PeerId, Dialing>()
  readonly #counts = { delivered: 0, accepted: 0, failed: 0, received: 0, refused: 0 }
  #unhandle: (() => void) | undefined

  constructor(options: DirectLinkOptions) {
    this.#options = options
  }

  start(): void {
    this.#unhandle = this.#options.endpoint.handle(DIRECT_ALPN, (connection) => this.#serve(connection))
  }

  stop(): void {
    this.#unhandle?.()
    for (const { stop } of this.#dialing.values()) stop.abort()
    for (const peer of [...this.#open.keys()]) this.forget(peer)
  }

  stats(): DirectLinkStats {
    return { ...this.#counts }
  }

  habitOf(peer: PeerId): DirectHabit | undefined {
    return this.#habits.get(peer, this.#options.clock.now())
  }

  /** The peer showed that it is a gateway. One that refused this protocol a while ago is an older one. */
  noteGateway(peer: PeerId): void {
    const now = this.#options.clock.now()
    if (this.#habits.get(peer, now) === 'refused') return
    this.#habits.set(peer, 'receipts', now)
  }

  /** The peer is there by gossip: whoever still dials it for a message need not wait. */
  notePresent(peer: PeerId): void {
    this.#dialing.get(peer)?.stop.abort()
  }

  /** Closes what is open to a peer, e.g. because it said goodbye. */
  forget(peer: PeerId): void {
    const open = this.#open.get(peer)
    if (open === undefined) return
    this.#open.delete(peer)
    open.cancelIdle()
    open.connection.close(0n, '')
  }

  /** One attempt to hand over a message. Never rejects. */
  async send(peer: PeerId, payload: Uint8Array, signal?: AbortSignal): Promise<DirectAttempt> {
    const open = this.#open.get(peer)
    const first = open === undefined ? 'unknown' : await this.#exchange(peer, open.connection, payload, signal)
    // A connection that stayed open may be that of a process that is gone: the peer knows repeated messages by their mark.
    const result = first === 'unknown' && !signal?.aborted ? await this.#afresh(peer, payload, signal) : first
    const settled = open !== undefined && (result === 'unreachable' || result === 'refused') ? 'unknown' : result
    if (settled === 'delivered' || settled === 'accepted') this.#counts[settled]++
    else this.#counts.failed++
    return settled
  }

  async #afresh(peer: PeerId, payload: Uint8Array, signal: AbortSignal | undefined): Promise<DirectAttempt> {
    let connection: Connection
    try {
      connection = await this.#dial(peer, signal)
    } catch (error) {
      const code = errorCode(error)
      if (code === 'NET_ALPN') this.#habits.set(peer, 'refused', this.#options.clock.now())
      this.#options.log.debug({ ev: 'direct-not-dialed', peer, code }, 'no connection for a direct message')
      return code === 'NET_ALPN' ? 'refused' : 'unreachable'
    }
    return this.#exchange(peer, connection, payload, signal)
  }

  async #dial(peer: PeerId, signal: AbortSignal | undefined): Promise<Connection> {
    const dialing = this.#dialing.get(peer) ?? this.#startDial(peer)
    dialing.waiters++
    const wait = { ms: DIAL_PATIENCE_MS, what: 'reaching a contact', signal, clock: this.#options.clock }
    try {
      return await withDeadline(dialing.result, wait)
    } finally {
      dialing.waiters--
    }
  }

  #startDial(peer: PeerId): Dialing {
    const stop = new AbortController()
    const result = this.#options.endpoint.dial(peer, DIRECT_ALPN, { deadlineMs: DIAL_MS, exclusive: true, signal: stop.signal })
    const dialing = { result, stop, waiters: 0 }
    this.#dialing.set(peer, dialing)
    result
      .then((connection) => dialing.waiters === 0 && this.#keep(peer, connection))
      .catch(() => {}) // whoever waits gets the error
      .finally(() => this.#dialing.delete(peer))
    return dialing
  }

  async #exchange(
    peer: PeerId,
    connection: Connection,
    payload: Uint8Array,
    signal: AbortSignal | undefined,
  ): Promise<DirectAttempt> {
    const isGateway = this.habitOf(peer) === 'receipts'
    try {
      const outcome = await exchangeDirect(connection, payload, {
        signal,
        clock: this.#options.clock,
        ...(isGateway && { receiptMs: GATEWAY_RECEIPT_MS }),
      })
      const gateway = outcome === 'delivered'
      this.#habits.set(peer, gateway ? 'receipts' : 'silent', this.#options.clock.now())
      if (gateway) this.#keep(peer, connection)
      else this.#drop(peer, connection)
      return outcome
    } catch (error) {
      const fields = { ev: 'direct-in-doubt', peer, code: errorCode(error), reason: errorMessage(error) }
      this.#options.log.debug(fields, 'a direct message was sent and not confirmed')
      this.#drop(peer, connection)
      return 'unknown'
    }
  }

  #keep(peer: PeerId, connection: Connection): void {
    const known = this.#open.get(peer)
    if (known !== undefined && known.connection !== connection) this.forget(peer)
    if (this.#open.size >= MAX_OPEN && !this.#open.has(peer)) {
      connection.close(0n, '')
      return
    }
    known?.cancelIdle()
    const cancelIdle = this.#options.clock.after(IDLE_MS, () => this.forget(peer))
    this.#open.set(peer, { connection, cancelIdle })
    if (known?.connection === connection) return
    void connection.closed.then(() => this.#drop(peer, connection))
  }

  #drop(peer: PeerId, connection: Connection): void {
    if (this.#open.get(peer)?.connection === connection) this.forget(peer)
    connection.close(0n, '')
  }

  async #serve(connection: Connection): Promise<void> {
    connection.setMaxStreams({ uni: 0, bi: MAX_STREAMS })
    const { log, onMessage, clock } = this.#options
    try {
      await serveDirect(connection, async (message) => {
        await onMessage(message)
        this.#counts.received++
        if (message.mark !== undefined) this.#habits.set(message.from, 'receipts', clock.now())
      })
    } catch (error) {
      this.#counts.refused++
      const fields = { ev: 'direct-refused', peer: connection.peer, code: errorCode(error), reason: errorMessage(error) }
      log.debug(fields, 'a direct message was not taken')
    }
  }
}
