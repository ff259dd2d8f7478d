import type { Clock } from '../../../src/base/clock.ts'
import type { Violations } from './violations.ts'

export type LimitProfile = 'unlimited' | 'real-like'

interface Bucket {
  readonly limit: number
  readonly windowMs: number
  remaining: number
  resetAt: number
  /** When the client was told to wait: 429, or an answer with nothing remaining. */
  toldAt: number
}

export interface LimitAnswer {
  readonly headers: Readonly<Record<string, string>>
  /** Set when the request may not pass. */
  readonly blocked?: { readonly retryAfterMs: number; readonly scope: 'user' | 'global' | 'shared' }
}

const GLOBAL_PER_SECOND = 50
/** A client that sends before this has not seen the answer yet. */
const GRACE_MS = 25
const INVALID_WINDOW_MS = 600_000
const INVALID_LIMIT = 10_000

/** Limits by route, as observed (bridging 16): requests per window. */
function sizeOf(method: string, route: string): { limit: number; windowMs: number } {
  if (route === '/webhooks/:id/:token' && method === 'POST') return { limit: 5, windowMs: 2000 }
  if (route.startsWith('/webhooks/:id/:token/messages')) return { limit: 5, windowMs: 2000 }
  if (route === '/channels/:id/messages' && method === 'POST') return { limit: 5, windowMs: 5000 }
  if (route.includes('/reactions/')) return { limit: 1, windowMs: 250 }
  return { limit: 50, windowMs: 1000 }
}

export class RateLimits {
  profile: LimitProfile
  readonly #clock: Clock
  readonly #violations: Violations
  readonly #buckets = new Map<string, Bucket>()
  readonly #global = new Map<string, { second: number; used: number }>()
  #invalid = 0
  #invalidSince = 0

  constructor(profile: LimitProfile, clock: Clock, violations: Violations) {
    this.profile = profile
    this.#clock = clock
    this.#violations = violations
  }

  get invalidRequests(): number {
    return this.#invalid
  }

  /** `route` has its ids replaced, `major` is the channel, guild or webhook, `who` the bot or the address. */
  take(who: string, method: string, route: string, major: string): LimitAnswer {
    if (this.profile === 'unlimited') return { headers: {} }
    const now = this.#clock.now()
    const second = Math.floor(now / 1000)
    const global = this.#global.get(who)
    if (global?.second === second) {
      if (++global.used > GLOBAL_PER_SECOND)
        return { headers: {}, blocked: { retryAfterMs: (second + 1) * 1000 - now, scope: 'global' } }
    } else this.#global.set(who, { second, used: 1 })
    const key = `${method} ${route} ${major}`
    let bucket = this.#buckets.get(key)
    if (bucket === undefined || now >= bucket.resetAt) {
      const size = sizeOf(method, route)
      bucket = { ...size, remaining: size.limit, resetAt: now + size.windowMs, toldAt: Number.POSITIVE_INFINITY }
      this.#buckets.set(key, bucket)
    }
    if (bucket.remaining === 0) {
      if (now > bucket.toldAt + GRACE_MS)
        this.#violations.add('rate-limit-ignored', `${method} ${route} sent ${bucket.resetAt - now} ms early`)
      bucket.toldAt = Math.min(bucket.toldAt, now)
      return { headers: this.#headers(key, bucket, now), blocked: { retryAfterMs: bucket.resetAt - now, scope: 'user' } }
    }
    if (--bucket.remaining === 0) bucket.toldAt = now
    return { headers: this.#headers(key, bucket, now) }
  }

  #headers(key: string, bucket: Bucket, now: number): Record<string, string> {
    const [method, route] = key.split(' ') as [string, string]
    return {
      'x-ratelimit-limit': String(bucket.limit),
      'x-ratelimit-remaining': String(bucket.remaining),
      'x-ratelimit-reset': (bucket.resetAt / 1000).toFixed(3),
      'x-ratelimit-reset-after': ((bucket.resetAt - now) / 1000).toFixed(3),
      'x-ratelimit-bucket': Buffer.from(`${method}${route}`).toString('hex').slice(0, 32),
    }
  }

  /** Counts a 401, 403 or unshared 429; true when the address is banned. */
  countInvalid(): boolean {
    const now = this.#clock.now()
    if (now - this.#invalidSince > INVALID_WINDOW_MS) {
      this.#invalidSince = now
      this.#invalid = 0
    }
    return ++this.#invalid > INVALID_LIMIT
  }

  get banned(): boolean {
    return this.#invalid > INVALID_LIMIT && this.#clock.now() - this.#invalidSince <= INVALID_WINDOW_MS
  }
}

/** Replaces ids as Discord's buckets do, and finds the major parameter. */
export function bucketOf(path: string): { route: string; major: string } {
  const webhook = /^\/webhooks\/(\d+)\/([^/]+)/.exec(path)
  const major = webhook ? `${webhook[1]}/${webhook[2]}` : (/^\/(?:channels|guilds|webhooks)\/(\d+)/.exec(path)?.[1] ?? 'global')
  const route = path
    .replace(/^\/webhooks\/(\d+)\/[^/]+/, '/webhooks/:id/:token')
    .replace(/\/reactions\/.*/, '/reactions/:emoji')
    .replace(/\d{15,20}/g, ':id')
  return { route, major }
}
