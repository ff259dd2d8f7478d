import type { Deferred } from '../../base/async.ts'
import type { Clock } from '../../base/clock.ts'
import { below, type Rng } from '../../base/random.ts'
import type { PeerId } from '../ids.ts'
import { type ConnectionWorld, MemoryConnection } from './memory-connection.ts'
import { DelayLane } from './memory-lane.ts'
import type { Lane } from './memory-pipe.ts'
import { type Attempt, type MemoryBindOptions, type MemoryFabric, MemoryTransport } from './memory-transport.ts'
import { endpointClosed, netError, netTimeout } from './net-errors.ts'
import { originOf } from './origin.ts'
import type { Connection, PeerAddr } from './transport.ts'

/** Silence after which a connection counts as lost, and an unanswered handshake as failed (discovery 16). */
const IDLE_TIMEOUT_MS = 30_000

/** Deliveries without delay that run in one go before other work of the process gets a turn. */
const BURST = 256

/** One-way delay: `latencyMs` plus a random part of up to `jitterMs`. */
export interface LinkProfile {
  readonly latencyMs: number
  readonly jitterMs?: number
}

export interface MemoryNetworkOptions {
  readonly clock: Clock
  readonly rng: Rng
  /** Default of every link; 0 ms when omitted (delivery then needs no timer). */
  readonly link?: LinkProfile
  /** Cut stream data into random small pieces, to exercise framing. */
  readonly fragment?: boolean
  /** Dialing by bare id works, as with the full n0 preset. */
  readonly resolvesIds?: boolean
}

/**
 * A network of endpoints inside one process. Everything on it is in order per stream, delayed by the link, held back
 * while a link is cut, and repeatable for one seed. With a `ManualClock` time moves only when the test moves it.
 */
export class MemoryNetwork implements MemoryFabric {
  readonly clock: Clock
  readonly resolvesIds: boolean
  readonly #rng: Rng
  readonly #link: LinkProfile
  readonly #links = new Map<string, LinkProfile>()
  readonly #cut = new Set<string>()
  readonly #byAddr = new Map<string, MemoryTransport>()
  readonly #nodes = new Map<PeerId, MemoryTransport>()
  /** Living ends and the endpoint each belongs to. */
  readonly #ends = new Map<MemoryConnection, MemoryTransport>()
  readonly #attempts = new Set<Attempt>()
  readonly #stalled = new Set<DelayLane>()
  readonly #idleTimers = new Map<MemoryConnection, () => void>()
  readonly #world: ConnectionWorld
  #serial = 0
  #nextPort = 1
  #burst = 0

  constructor(options: MemoryNetworkOptions) {
    this.clock = options.clock
    this.resolvesIds = options.resolvesIds ?? false
    this.#rng = options.rng
    this.#link = options.link ?? { latencyMs: 0 }
    this.#world = {
      clock: options.clock,
      lane: (from, to) => this.#lane(from.me, to.me),
      pieceBytes: options.fragment === true ? () => 1 + below(this.#rng, 1200) : undefined,
      latencyMs: (from, to) => this.#profile(from, to).latencyMs,
      onClosed: (end) => this.#onClosed(end),
    }
  }

  /** Connections with at least one living end. */
  get connectionCount(): number {
    let count = 0
    for (const end of this.#ends.keys()) if (end.side === 'dialer' || !this.#ends.has(end.other)) count++
    return count
  }

  /** Brings an endpoint to life. An id may come back after its earlier endpoint was closed or killed. */
  bind(options: MemoryBindOptions): MemoryTransport {
    const addrs = options.addrs ?? [`10.0.${this.#nextPort >> 8}.${this.#nextPort++ & 0xff}:4433`]
    if (this.#nodes.has(options.id)) throw netError('BIND_FAILED', 'this id is already on the network')
    for (const addr of addrs) if (this.#byAddr.has(addr)) throw netError('BIND_FAILED', `${addr} is taken`)
    const node = new MemoryTransport(this, { ...options, addrs })
    this.#nodes.set(options.id, node)
    for (const addr of addrs) this.#byAddr.set(addr, node)
    return node
  }

  /** Delay between two peers, both directions. */
  setLink(a: PeerId, b: PeerId, profile: LinkProfile): void {
    this.#links.set(`${a} ${b}`, profile)
    this.#links.set(`${b} ${a}`, profile)
  }

  /** Cuts two peers off from each other: nothing passes, and after 30 s their connections are lost. */
  cut(a: PeerId, b: PeerId): void {
    this.#cut.add(`${a} ${b}`).add(`${b} ${a}`)
    for (const end of this.#ends.keys()) this.#watchIdle(end)
  }

  /** Cuts every link between peers of different groups; peers in no group stay connected to all. */
  partition(...groups: readonly (readonly PeerId[])[]): void {
    groups.forEach((group, i) => {
      for (const other of groups.slice(i + 1)) for (const a of group) for (const b of other) this.cut(a, b)
    })
  }

  /** Repairs every cut link. What was held back arrives now, unless its connection was lost meanwhile. */
  heal(): void {
    this.#cut.clear()
    for (const [end, cancel] of [...this.#idleTimers]) {
      if (end.other.wasKilled) continue
      cancel()
      this.#idleTimers.delete(end)
    }
    for (const lane of [...this.#stalled]) lane.resume()
    this.#stalled.clear()
  }

  /** Breaks all connections between two peers at once, as a reset of the path would. */
  loseConnections(a: PeerId, b: PeerId): void {
    for (const end of [...this.#ends.keys()]) {
      if ((end.me === a && end.peer === b) || (end.me === b && end.peer === a)) {
        end.end({ by: 'lost', reason: 'connection lost' })
      }
    }
  }

  /** Ends an endpoint without a word (power loss, SIGKILL): its peers notice after 30 s. */
  kill(id: PeerId): void {
    const node = this.#nodes.get(id)
    node?.shut((end) => {
      end.kill()
      this.#watchIdle(end.other)
    })
  }

  /** Used by endpoints: starts a handshake. */
  dial(from: MemoryTransport, addr: PeerAddr, alpn: string, outcome: Deferred<Connection>): void {
    const stopTimer = this.clock.after(IDLE_TIMEOUT_MS, () =>
      end(() => outcome.reject(netTimeout('connecting', IDLE_TIMEOUT_MS))),
    )
    const end = (settle: () => void): void => {
      if (attempt.over) return
      attempt.over = true
      stopTimer()
      this.#attempts.delete(attempt)
      settle()
    }
    const attempt: Attempt = {
      from,
      wanted: addr.id,
      alpn,
      over: false,
      fail: (error) => end(() => outcome.reject(error)),
      succeed: (connection) => end(() => outcome.resolve(connection)),
    }
    this.#attempts.add(attempt)
    const target = this.#find(addr)
    if (target === undefined) return // nobody answers there: the timer ends the attempt
    this.#lane(from.id, target.id).send(() => {
      if (!attempt.over) target.offer(attempt)
    })
  }

  /** Used by endpoints: sends an answer of `node` back to the dialer of an attempt. */
  reply(node: MemoryTransport, attempt: Attempt, deliver: () => void): void {
    this.#lane(node.id, attempt.from.id).send(deliver)
  }

  /** Used by endpoints: completes a handshake; resolves at the acceptor one round trip later. */
  establish(node: MemoryTransport, attempt: Attempt): Promise<Connection> {
    const init = { alpn: attempt.alpn, world: this.#world }
    const dialerEnd = new MemoryConnection({
      ...init,
      serial: ++this.#serial,
      me: attempt.from.id,
      peer: node.id,
      side: 'dialer',
    })
    const ourEnd = new MemoryConnection({
      ...init,
      serial: ++this.#serial,
      me: node.id,
      peer: attempt.from.id,
      side: 'acceptor',
      origin: originOf(attempt.from.localAddr().direct[0]),
    })
    MemoryConnection.join(dialerEnd, ourEnd)
    return new Promise((resolve, reject) => {
      const stopTimer = this.clock.after(IDLE_TIMEOUT_MS, () => reject(netError('HANDSHAKE_FAILED', 'timed out')))
      this.reply(node, attempt, () => {
        if (attempt.over) {
          stopTimer()
          return reject(netError('HANDSHAKE_FAILED', 'the stranger has gone'))
        }
        this.#admit(dialerEnd, attempt.from, node)
        attempt.succeed(dialerEnd)
        this.#lane(attempt.from.id, node.id).send(() => {
          stopTimer()
          if (node.isClosed) return reject(endpointClosed())
          this.#admit(ourEnd, node, attempt.from)
          resolve(ourEnd)
        })
      })
    })
  }

  /** Used by endpoints: one is leaving; `part` ends each of its connections. */
  forget(node: MemoryTransport, addrs: readonly string[], part: (end: MemoryConnection) => void): void {
    if (this.#nodes.get(node.id) === node) this.#nodes.delete(node.id)
    for (const addr of addrs) if (this.#byAddr.get(addr) === node) this.#byAddr.delete(addr)
    for (const [end, owner] of [...this.#ends]) if (owner === node) part(end)
    for (const attempt of [...this.#attempts]) if (attempt.from === node) attempt.fail(endpointClosed())
  }

  /** Used by endpoints: one has moved. */
  readdress(node: MemoryTransport, before: readonly string[], after: readonly string[]): void {
    for (const addr of before) this.#byAddr.delete(addr)
    for (const addr of after) this.#byAddr.set(addr, node)
  }

  #find(addr: PeerAddr): MemoryTransport | undefined {
    // As on the real transport dead addresses cost nothing while one works, and the right peer wins over a wrong one.
    const answering = addr.direct.map((text) => this.#byAddr.get(text)).filter((node) => node !== undefined)
    const byId = this.#nodes.get(addr.id)
    const relay = addr.relayUrl !== undefined && byId?.localAddr().relayUrl === addr.relayUrl ? byId : undefined
    return answering.find((node) => node.id === addr.id) ?? relay ?? (this.resolvesIds ? byId : undefined) ?? answering[0]
  }

  #admit(end: MemoryConnection, node: MemoryTransport, other: MemoryTransport): void {
    if (end.isClosed) return
    this.#ends.set(end, node)
    node.pathOpened(end.peer, other.localAddr())
    this.#watchIdle(end)
  }

  #onClosed(end: MemoryConnection): void {
    this.#idleTimers.get(end)?.()
    this.#idleTimers.delete(end)
    this.#ends.get(end)?.pathClosed(end.peer)
    this.#ends.delete(end)
  }

  /** An end that hears nothing any more is lost after the idle timeout. */
  #watchIdle(end: MemoryConnection): void {
    if (end.isClosed || this.#idleTimers.has(end)) return
    if (!end.other.wasKilled && this.#reachable(end.me, end.peer)) return
    const cancel = this.clock.after(IDLE_TIMEOUT_MS, () => end.end({ by: 'lost', reason: 'timed out' }))
    this.#idleTimers.set(end, cancel)
  }

  #reachable(from: PeerId, to: PeerId): boolean {
    return !this.#cut.has(`${from} ${to}`)
  }

  #profile(from: PeerId, to: PeerId): LinkProfile {
    return this.#links.get(`${from} ${to}`) ?? this.#link
  }

  #lane(from: PeerId, to: PeerId): Lane {
    return new DelayLane({
      delay: (run) => {
        const { latencyMs, jitterMs = 0 } = this.#profile(from, to)
        const ms = latencyMs + (jitterMs > 0 ? below(this.#rng, jitterMs + 1) : 0)
        if (ms > 0) this.clock.after(ms, run)
        else if (++this.#burst % BURST === 0) setImmediate(run)
        else queueMicrotask(run)
      },
      passable: () => this.#reachable(from, to),
      onStall: (lane) => this.#stalled.add(lane),
    })
  }
}
