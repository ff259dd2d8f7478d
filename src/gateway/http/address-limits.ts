import { isIPv6 } from 'node:net'
import { BoundedMap } from '../../base/bounded-map.ts'
import { TokenBucket } from '../../base/token-bucket.ts'
import { originOf } from '../../core/index.ts'
import type { HttpLimits } from '../config/http.ts'

/** An address that is quiet for this long is forgotten, ms. */
const FORGET_MS = 10 * 60_000

/** Whoever has a /64 has all addresses in it. `address` as a socket names it; anything else stands for itself. */
export function groupOf(address: string): string {
  const [ip = ''] = address.split('%', 1)
  return originOf(isIPv6(ip) ? `[${ip}]:0` : `${ip}:0`) ?? address
}

/** How much one address may ask for, and how often it may be wrong about the token. `now` is ms. */
export class AddressLimits {
  readonly #limits: HttpLimits
  readonly #requests: BoundedMap<string, TokenBucket>
  readonly #failures: BoundedMap<string, TokenBucket>

  constructor(limits: HttpLimits) {
    this.#limits = limits
    const bounds = { max: limits.addresses, ttlMs: FORGET_MS }
    this.#requests = new BoundedMap(bounds)
    this.#failures = new BoundedMap(bounds)
  }

  /** ms to wait; 0: it may ask now, and has. */
  request(address: string, now: number): number {
    const { perSecond, burst } = this.#limits
    return take(bucketOf(this.#requests, groupOf(address), now, perSecond, burst), now)
  }

  /** ms to wait before the address may be wrong again; 0: this was allowed. */
  badToken(address: string, now: number): number {
    const { badTokens } = this.#limits
    return take(bucketOf(this.#failures, groupOf(address), now, badTokens / 60, badTokens), now)
  }
}

function bucketOf(map: BoundedMap<string, TokenBucket>, key: string, now: number, rate: number, burst: number): TokenBucket {
  const bucket = map.get(key, now) ?? new TokenBucket(rate, burst, now)
  map.set(key, bucket, now)
  return bucket
}

const take = (bucket: TokenBucket, now: number): number => (bucket.take(now) ? 0 : Math.max(1, bucket.waitMs(now)))
