import { BoundedMap } from '../../base/bounded-map.ts'
import type { Clock } from '../../base/clock.ts'
import { K2Error } from '../../base/errors.ts'
import { TokenBucket } from '../../base/token-bucket.ts'
import type { PeerId } from '../ids.ts'
import type { ProviderLimits } from './provider-limits.ts'

/** Peers whose budgets are remembered. */
const MAX_PEERS = 4096
/** Bytes of a request that one token pays for. */
const BYTES_PER_TOKEN = 4096
/** A bucket of bytes holds at least this much, so that one write always fits. */
const MIN_BYTE_BURST = 256 * 1024

export const limited = (): K2Error =>
  new K2Error({ code: 'BLOB_LIMITED', kind: 'limit', retry: 'later', message: 'too much is asked for at once' })

/** The right to serve one request. */
export interface Slot {
  /** Fires when the request must make room for a peer that has less. */
  readonly signal: AbortSignal
  leave(): void
}

interface Budget {
  readonly requests: TokenBucket
  readonly bytes: TokenBucket | undefined
  readonly junk: TokenBucket
  bannedUntil: number
  /** When it was first served, ms. */
  servedAt: number | undefined
}

/** What is held against one address, whoever comes from there. */
interface Repute {
  readonly junk: TokenBucket
  bannedAt: number
  bannedUntil: number
}

interface Waiter {
  readonly peer: PeerId
  readonly go: (slot: Slot) => void
}

/**
 * Shares a provider between requesters: who is over its limit waits, so an honest client is only slowed down, and a stream that
 * is not taken costs nothing. When everything is taken, the peer with the most gives way to one with less than its share.
 */
export class Admission {
  readonly #limits: ProviderLimits
  readonly #clock: Clock
  readonly #budgets = new BoundedMap<PeerId, Budget>({ max: MAX_PEERS })
  readonly #addresses = new BoundedMap<string, Repute>({ max: MAX_PEERS })
  readonly #connections = new Map<PeerId, number>()
  readonly #active = new Map<PeerId, Set<AbortController>>()
  readonly #allBytes: TokenBucket | undefined
  #waiting: Waiter[] = []
  #openConnections = 0
  #total = 0

  constructor(limits: ProviderLimits, clock: Clock) {
    this.#limits = limits
    this.#clock = clock
    this.#allBytes = byteBucket(limits.totalBytesPerSecond, clock.now())
  }

  get active(): number {
    return this.#total
  }

  get connections(): number {
    return this.#openConnections
  }

  /** Counts a connection in; the answer counts it out. Undefined: too many, or turned away. */
  connect(peer: PeerId, origin?: string): (() => void) | undefined {
    const { connectionsPerPeer, connections } = this.#limits
    const mine = this.#connections.get(peer) ?? 0
    if (mine >= connectionsPerPeer || this.#openConnections >= connections) return undefined
    if (this.#isBanned(peer, origin)) return undefined
    this.#connections.set(peer, mine + 1)
    this.#openConnections++
    let left = false
    return () => {
      if (left) return
      left = true
      this.#openConnections--
      const rest = (this.#connections.get(peer) ?? 1) - 1
      if (rest > 0) this.#connections.set(peer, rest)
      else this.#connections.delete(peer)
    }
  }

  /** Waits for a token and a slot. Rejects `BLOB_LIMITED` when that takes too long, or the signal's reason. */
  async enter(peer: PeerId, signal: AbortSignal): Promise<Slot> {
    const until = this.#clock.now() + this.#limits.waitMs
    await this.#tokens(peer, 1, until, signal)
    if (this.#hasRoom(peer)) return this.#take(peer)
    if ((this.#active.get(peer)?.size ?? 0) < this.#limits.perPeer) this.#makeRoomFor(peer)
    return this.#slot(peer, until, signal)
  }

  /** Has the size of a request paid for: reading a large one takes time from everybody. */
  async pay(peer: PeerId, bytes: number, signal: AbortSignal): Promise<void> {
    const cost = Math.floor(bytes / BYTES_PER_TOKEN)
    if (cost > 0)
      await this.#tokens(peer, Math.min(cost, this.#limits.burstPerPeer), this.#clock.now() + this.#limits.waitMs, signal)
  }

  /** Waits until this many bytes may be sent; answers how long that was, ms. */
  async sendable(peer: PeerId, bytes: number, signal: AbortSignal): Promise<number> {
    const began = this.#clock.now()
    for (const bucket of [this.#budget(peer).bytes, this.#allBytes]) {
      while (bucket && !bucket.take(this.#clock.now(), bytes)) await this.#pause(bucket.waitMs(this.#clock.now(), bytes), signal)
    }
    return this.#clock.now() - began
  }

  /** Notes that a request was served to its end. */
  served(peer: PeerId): void {
    const now = this.#clock.now()
    const budget = this.#budget(peer)
    budget.servedAt ??= now
    // A flood of new keys pushes out those that were used longest ago.
    this.#budgets.set(peer, budget, now)
  }

  /** Notes junk. False: that was too much, and the peer, or strangers from its address, are turned away for a while. */
  junk(peer: PeerId, origin?: string): boolean {
    const now = this.#clock.now()
    const budget = this.#budget(peer)
    const repute = origin === undefined ? undefined : this.#repute(origin)
    const within = budget.junk.take(now)
    if (!within) budget.bannedUntil = now + this.#limits.banMs
    if (repute === undefined || repute.junk.take(now)) return within
    if (repute.bannedUntil <= now) repute.bannedAt = now
    repute.bannedUntil = now + this.#limits.banMs
    return false
  }

  #isBanned(peer: PeerId, origin: string | undefined): boolean {
    const now = this.#clock.now()
    const { bannedUntil, servedAt } = this.#budget(peer)
    if (bannedUntil > now) return true
    const repute = origin === undefined ? undefined : this.#addresses.get(origin, now)
    if (repute === undefined || repute.bannedUntil <= now) return false
    return servedAt === undefined || servedAt > repute.bannedAt
  }

  #repute(origin: string): Repute {
    const now = this.#clock.now()
    const { junkPerSecondOfAddress, junkBurstOfAddress } = this.#limits
    const known = this.#addresses.get(origin, now)
    const repute = known ?? {
      junk: new TokenBucket(junkPerSecondOfAddress, junkBurstOfAddress, now),
      bannedAt: 0,
      bannedUntil: 0,
    }
    this.#addresses.set(origin, repute, now)
    return repute
  }

  async #tokens(peer: PeerId, cost: number, until: number, signal: AbortSignal): Promise<void> {
    const { requests } = this.#budget(peer)
    while (!requests.take(this.#clock.now(), cost)) {
      const wait = requests.waitMs(this.#clock.now(), cost)
      if (this.#clock.now() + wait > until) throw limited()
      await this.#pause(Math.max(1, wait), signal)
    }
  }

  #pause(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted()
      const cancel = this.#clock.after(ms, () => {
        signal.removeEventListener('abort', onAbort)
        resolve()
      })
      const onAbort = (): void => {
        cancel()
        reject(limited())
      }
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }

  #slot(peer: PeerId, until: number, signal: AbortSignal): Promise<Slot> {
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        cancel()
        signal.removeEventListener('abort', giveUp)
        this.#waiting = this.#waiting.filter((w) => w !== waiter)
        reject(limited())
      }
      const cancel = this.#clock.after(Math.max(0, until - this.#clock.now()), giveUp)
      const waiter: Waiter = {
        peer,
        go: (slot) => {
          cancel()
          signal.removeEventListener('abort', giveUp)
          resolve(slot)
        },
      }
      if (signal.aborted) return giveUp()
      signal.addEventListener('abort', giveUp, { once: true })
      this.#waiting.push(waiter)
    })
  }

  #hasRoom(peer: PeerId): boolean {
    return this.#total < this.#limits.total && (this.#active.get(peer)?.size ?? 0) < this.#limits.perPeer
  }

  #take(peer: PeerId): Slot {
    const mine = this.#active.get(peer) ?? new Set()
    this.#active.set(peer, mine)
    const controller = new AbortController()
    mine.add(controller)
    this.#total++
    return {
      signal: controller.signal,
      leave: () => {
        if (!mine.delete(controller)) return
        this.#total--
        if (mine.size === 0) this.#active.delete(peer)
        this.#wake()
      },
    }
  }

  #wake(): void {
    const next = this.#waiting.findIndex((w) => this.#hasRoom(w.peer))
    if (next < 0) return
    const [waiter] = this.#waiting.splice(next, 1)
    waiter?.go(this.#take(waiter.peer))
  }

  /** Everything is taken: ends the oldest request of the peer that has the most, if that is more than the newcomer would have. */
  #makeRoomFor(peer: PeerId): void {
    let most: Set<AbortController> | undefined
    for (const [other, set] of this.#active) if (other !== peer && set.size > (most?.size ?? 0)) most = set
    if (most === undefined || most.size <= (this.#active.get(peer)?.size ?? 0) + 1) return
    const [oldest] = most
    oldest?.abort(limited())
  }

  #budget(peer: PeerId): Budget {
    const now = this.#clock.now()
    const known = this.#budgets.get(peer, now)
    if (known) return known
    const { ratePerPeer, burstPerPeer, bytesPerSecond, junkPerSecond, junkBurst } = this.#limits
    const made: Budget = {
      requests: new TokenBucket(ratePerPeer, burstPerPeer, now),
      bytes: byteBucket(bytesPerSecond, now),
      junk: new TokenBucket(junkPerSecond, junkBurst, now),
      bannedUntil: 0,
      servedAt: undefined,
    }
    this.#budgets.set(peer, made, now)
    return made
  }
}

function byteBucket(perSecond: number, now: number): TokenBucket | undefined {
  return perSecond > 0 ? new TokenBucket(perSecond, Math.max(perSecond, MIN_BYTE_BURST), now) : undefined
}
