/** `unlimited` answers everything at once; `real-like` models the observed limits (bridging 5.1, 16). */
export type LimitProfile = 'unlimited' | 'real-like'

interface Bucket {
  tokens: number
  at: number
}

/**
 * One message more of burst than a client is told to expect: the real service is not exact to the millisecond either, and
 * a client that keeps its pace must not be refused because one request travelled longer than the next.
 */
const PER_CHAT = { rate: 1, burst: 4 }
const PER_GROUP = { rate: 20 / 60, burst: 21 }
const PER_BOT = { rate: 30, burst: 40 }

/** Token buckets of the server's side. A refused call costs nothing and tells the seconds to wait. */
export class ServerLimits {
  profile: LimitProfile
  readonly #buckets = new Map<string, Bucket>()
  /** Until when the server told a client to be quiet, by bucket key. */
  readonly #told = new Map<string, number>()

  constructor(profile: LimitProfile) {
    this.profile = profile
  }

  /** Seconds to wait (0 = go ahead), and whether the client had been told so before. */
  take(botId: number, chatId: number, now: number): { wait: number; ignoredWait: boolean } {
    if (this.profile === 'unlimited') return { wait: 0, ignoredWait: false }
    const wanted: [string, { rate: number; burst: number }][] = [
      [`bot ${botId}`, PER_BOT],
      [`chat ${botId} ${chatId}`, PER_CHAT],
    ]
    if (chatId < 0) wanted.push([`group ${botId} ${chatId}`, PER_GROUP])
    const buckets = wanted.map(([key, limit]) => ({ key, limit, bucket: this.#refill(key, limit, now) }))
    let wait = 0
    let ignoredWait = false
    for (const { key, limit, bucket } of buckets) {
      if (bucket.tokens >= 1) continue
      const seconds = Math.max(1, Math.ceil((1 - bucket.tokens) / limit.rate))
      ignoredWait ||= (this.#told.get(key) ?? 0) > now
      this.#told.set(key, now + seconds * 1000)
      wait = Math.max(wait, seconds)
    }
    if (wait === 0) for (const { bucket } of buckets) bucket.tokens -= 1
    return { wait, ignoredWait }
  }

  #refill(key: string, limit: { rate: number; burst: number }, now: number): Bucket {
    let bucket = this.#buckets.get(key)
    if (!bucket) {
      bucket = { tokens: limit.burst, at: now }
      this.#buckets.set(key, bucket)
    }
    bucket.tokens = Math.min(limit.burst, bucket.tokens + ((now - bucket.at) / 1000) * limit.rate)
    bucket.at = now
    return bucket
  }
}
