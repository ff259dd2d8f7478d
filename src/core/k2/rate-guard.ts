import { BoundedMap } from '../../base/bounded-map.ts'
import { TokenBucket } from '../../base/token-bucket.ts'
import type { PeerId } from '../ids.ts'

export interface Rate {
  /** Messages per second in the long run. */
  readonly perSecond: number
  /** Messages at once after silence. */
  readonly burst: number
}

export interface RateLimits {
  /** What one neighbour hands over, separately for its own chat lines, its own market messages, and what it passes on. */
  readonly neighbor: Rate
  /** What arrives in the name of one sender that did not hand it over itself. */
  readonly claimedSender: Rate
  /** Instead of `neighbor` for peers the operator configured. */
  readonly trusted: Rate
}

/** Defaults of k2-application 7.3; trusted peers are limited only against accidents. */
export const RATE_LIMITS: RateLimits = {
  neighbor: { perSecond: 5, burst: 20 },
  claimedSender: { perSecond: 1, burst: 20 },
  trusted: { perSecond: 500, burst: 5000 },
}

/** The outer limit of one neighbour, over all kinds together, in multiples of its rate. */
const TOTAL_FACTOR = 4
/** What a malformed or forged message costs its neighbour, in ordinary messages of the outer limit. */
const PENALTY = 5
/** Buckets kept: four per neighbour, one per sender; more neighbours or senders than this share nothing but memory. */
const NEIGHBORS = 4000
const SENDERS = 10_000

export type TrafficKind = 'chat' | 'market' | 'forwarded'

/**
 * Token buckets against floods. The neighbour pays for what it hands over, and several times for rubbish; a claimed sender is
 * limited but never punished, since others can write in its name. Pure; `now` in ms.
 */
export class RateGuard {
  readonly #limits: RateLimits
  readonly #isTrusted: (peer: PeerId) => boolean
  readonly #neighbors = new BoundedMap<string, TokenBucket>({ max: NEIGHBORS })
  readonly #senders = new BoundedMap<string, TokenBucket>({ max: SENDERS })

  constructor(limits: RateLimits, isTrusted: (peer: PeerId) => boolean) {
    this.#limits = limits
    this.#isTrusted = isTrusted
  }

  /** The operator named this peer. */
  isTrusted(peer: PeerId): boolean {
    return this.#isTrusted(peer)
  }

  /** Whether this neighbour may hand over anything more; asked before the content is read, so that floods stay cheap. */
  admit(peer: PeerId, now: number): boolean {
    return this.#total(peer, now).take(now)
  }

  /** Whether this neighbour may hand over one more message of this kind. */
  neighbor(peer: PeerId, kind: TrafficKind, now: number): boolean {
    return this.#bucket(this.#neighbors, `${kind}/${peer}`, this.#rate(peer), now).take(now)
  }

  /** ms until this neighbour may hand over one more message of this kind. */
  neighborWaitMs(peer: PeerId, kind: TrafficKind, now: number): number {
    return this.#bucket(this.#neighbors, `${kind}/${peer}`, this.#rate(peer), now).waitMs(now)
  }

  /** Whether one more message in this sender's name is taken. */
  claimedSender(senderId: string, now: number): boolean {
    return this.#bucket(this.#senders, senderId, this.#limits.claimedSender, now).take(now)
  }

  /** A malformed or forged message: costs the neighbour part of all it may hand over. */
  penalize(peer: PeerId, now: number): void {
    const total = this.#total(peer, now)
    if (!total.take(now, PENALTY)) total.drain(now)
  }

  #total(peer: PeerId, now: number): TokenBucket {
    const rate = this.#rate(peer)
    const total = { perSecond: rate.perSecond * TOTAL_FACTOR, burst: rate.burst * TOTAL_FACTOR }
    return this.#bucket(this.#neighbors, `all/${peer}`, total, now)
  }

  #rate(peer: PeerId): Rate {
    return this.#isTrusted(peer) ? this.#limits.trusted : this.#limits.neighbor
  }

  #bucket(map: BoundedMap<string, TokenBucket>, key: string, rate: Rate, now: number): TokenBucket {
    const bucket = map.get(key, now) ?? new TokenBucket(rate.perSecond, rate.burst, now)
    map.set(key, bucket, now)
    return bucket
  }
}
