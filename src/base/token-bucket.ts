/** Classic token bucket without a clock of its own. Rate in tokens per second, capacity in tokens, `now` in ms. */
export class TokenBucket {
  readonly #ratePerMs: number
  readonly #burst: number
  #tokens: number
  #at: number

  constructor(ratePerSecond: number, burst: number, now: number) {
    this.#ratePerMs = ratePerSecond / 1000
    this.#burst = burst
    this.#tokens = burst
    this.#at = now
  }

  /** Takes `cost` tokens when there are enough. */
  take(now: number, cost = 1): boolean {
    this.#refill(now)
    if (this.#tokens < cost) return false
    this.#tokens -= cost
    return true
  }

  /** ms until `cost` tokens are there; 0 = now. */
  waitMs(now: number, cost = 1): number {
    this.#refill(now)
    return this.#tokens >= cost ? 0 : Math.ceil((cost - this.#tokens) / this.#ratePerMs)
  }

  /** Empties the bucket, e.g. after the other side said "too many". */
  drain(now: number): void {
    this.#refill(now)
    this.#tokens = 0
  }

  #refill(now: number): void {
    if (now <= this.#at) return
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#at) * this.#ratePerMs)
    this.#at = now
  }
}
