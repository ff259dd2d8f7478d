import { TaskGroup } from '../../base/async.ts'
import type { Clock } from '../../base/clock.ts'
import { errorCode, errorMessage } from '../../base/errors.ts'
import type { Lifecycle } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/logger.ts'
import type { PeerId } from '../ids.ts'
import type { Connection, Incoming, Transport } from './transport.ts'

/**
 * Owns one accepted connection. May return at once or when it is done with the connection; a rejection is logged and closes
 * the connection. The router keeps a reference until the connection ends.
 */
export type AlpnHandler = (connection: Connection) => void | Promise<void>

export interface RouterLimits {
  /** Handshakes under way; further strangers are refused. Each holds memory of the native library until its deadline. */
  readonly maxHandshakes: number
  /** ms a stranger has to complete the handshake. */
  readonly handshakeMs: number
  /** Accepted connections alive; further strangers are refused. Keep-alives cost CPU: hundreds, not thousands (discovery 17.1). */
  readonly maxConnections: number
  /** Accepted connections of one peer. A restarted peer leaves dead ones behind for 30 s, so this is well above one. */
  readonly maxPerPeer: number
}

const ROUTER_LIMITS: RouterLimits = { maxHandshakes: 64, handshakeMs: 10_000, maxConnections: 512, maxPerPeer: 16 }

/** Pause after an unexpected failure of the accept call, so that a lasting one does not spin. */
const ACCEPT_PAUSE_MS = 100

/** Close codes; peers do not branch on them. */
const CODE_LEAVING = 0n
const CODE_HANDLER_FAILED = 1n
const CODE_TOO_MANY = 2n

export interface RouterStats {
  readonly handshakes: number
  readonly connections: number
  readonly accepted: number
  /** Attempts turned away before the handshake. */
  readonly refused: number
  /** Wrong protocol, wrong key, given up or too slow. */
  readonly failedHandshakes: number
  /** Closed after the handshake because the peer had too many. */
  readonly overPeerLimit: number
  readonly failedHandlers: number
}

export interface RouterInit {
  readonly transport: Transport
  readonly clock: Clock
  readonly log: Logger
  readonly limits?: Partial<RouterLimits> | undefined
  /** Every accepted connection, before its handler gets it. */
  readonly onConnection?: (connection: Connection) => void
}

/** The accept loop: hands connections to the handler of their protocol. Nothing a stranger does ends it or makes it wait. */
export class AlpnRouter implements Lifecycle {
  readonly name = 'alpn-router'
  readonly #init: RouterInit
  readonly #limits: RouterLimits
  readonly #handlers = new Map<string, AlpnHandler>()
  readonly #connections = new Set<Connection>()
  readonly #perPeer = new Map<PeerId, number>()
  readonly #handshakes: TaskGroup
  readonly #serving: TaskGroup
  readonly #counts = { accepted: 0, refused: 0, failedHandshakes: 0, overPeerLimit: 0, failedHandlers: 0 }
  #loop: Promise<void> | undefined
  #accepting = false
  /** Counted apart from the task group, so that a new connection is never counted twice. */
  #underWay = 0

  constructor(init: RouterInit) {
    this.#init = init
    this.#limits = { ...ROUTER_LIMITS, ...init.limits }
    const unexpected = (err: unknown): void => init.log.error({ ev: 'router-bug', err }, 'unexpected failure while accepting')
    this.#handshakes = new TaskGroup(unexpected)
    this.#serving = new TaskGroup(unexpected)
  }

  /** Answers a protocol from now on; the returned function stops that (connections stay). */
  handle(alpn: string, handler: AlpnHandler): () => void {
    this.#handlers.set(alpn, handler)
    this.#advertise()
    return () => {
      if (this.#handlers.get(alpn) !== handler) return
      this.#handlers.delete(alpn)
      this.#advertise()
    }
  }

  async start(): Promise<void> {
    if (this.#loop !== undefined) return
    this.#accepting = true
    this.#advertise()
    this.#loop = this.#run()
  }

  /** Refuses newcomers and waits for handshakes under way. Connections go on. */
  async drain(): Promise<void> {
    this.#accepting = false
    await this.#handshakes.settled()
  }

  /** Closes what was accepted. The loop itself ends with the transport, see `ended`. */
  async stop(): Promise<void> {
    this.#accepting = false
    for (const connection of this.#connections) connection.close(CODE_LEAVING, 'shutting down')
    await this.#handshakes.settled()
  }

  /** Resolves once the transport is closed and every handler has returned. */
  async ended(): Promise<void> {
    await this.#loop
    await this.#serving.settled()
  }

  stats(): RouterStats {
    return { ...this.#counts, handshakes: this.#underWay, connections: this.#connections.size }
  }

  #advertise(): void {
    this.#init.transport.setAlpns([...this.#handlers.keys()])
  }

  async #run(): Promise<void> {
    const { transport, clock, log } = this.#init
    for (;;) {
      try {
        const incoming = await transport.nextIncoming()
        if (incoming === null) return
        this.#admit(incoming)
      } catch (err) {
        log.error({ ev: 'accept-failed', err }, 'waiting for connections failed; going on')
        await new Promise<void>((resolve) => clock.after(ACCEPT_PAUSE_MS, resolve))
      }
    }
  }

  #admit(incoming: Incoming): void {
    const { maxHandshakes, maxConnections } = this.#limits
    const full = this.#underWay >= maxHandshakes || this.#connections.size + this.#underWay >= maxConnections
    if (!this.#accepting || full) {
      this.#counts.refused++
      this.#serving.add(incoming.refuse())
      return
    }
    this.#handshakes.add(this.#handshake(incoming))
  }

  async #handshake(incoming: Incoming): Promise<void> {
    let connection: Connection
    this.#underWay++
    try {
      connection = await incoming.accept({ deadlineMs: this.#limits.handshakeMs }).finally(() => this.#underWay--)
    } catch (error) {
      this.#counts.failedHandshakes++
      const fields = { ev: 'handshake-failed', code: errorCode(error), reason: errorMessage(error) }
      this.#init.log.debug(fields, 'a stranger did not get through the handshake')
      return
    }
    const handler = this.#handlers.get(connection.alpn)
    const ofPeer = this.#perPeer.get(connection.peer) ?? 0
    if (handler === undefined || !this.#accepting) return connection.close(CODE_LEAVING, 'not served any more')
    if (ofPeer >= this.#limits.maxPerPeer) {
      this.#counts.overPeerLimit++
      return connection.close(CODE_TOO_MANY, 'too many connections')
    }
    this.#counts.accepted++
    this.#keep(connection, ofPeer + 1)
    this.#serving.add(this.#serve(connection, handler))
  }

  async #serve(connection: Connection, handler: AlpnHandler): Promise<void> {
    try {
      this.#init.onConnection?.(connection)
      await handler(connection)
    } catch (err) {
      this.#counts.failedHandlers++
      const fields = { ev: 'handler-failed', alpn: connection.alpn, peer: connection.peer, err }
      this.#init.log.warn(fields, 'a protocol failed on a connection')
      connection.close(CODE_HANDLER_FAILED, 'failed')
    }
  }

  #keep(connection: Connection, ofPeer: number): void {
    this.#connections.add(connection)
    this.#perPeer.set(connection.peer, ofPeer)
    void connection.closed.then(() => {
      this.#connections.delete(connection)
      const left = (this.#perPeer.get(connection.peer) ?? 1) - 1
      if (left === 0) this.#perPeer.delete(connection.peer)
      else this.#perPeer.set(connection.peer, left)
    })
  }
}
