import { BoundedMap } from '../../base/bounded-map.ts'
import { TokenBucket } from '../../base/token-bucket.ts'
import type { FailureKind, OpinionAnswer, OpinionFailure } from './model.ts'

/** Limits of section 15.3; times in ms. */
export interface OpinionLimits {
  readonly concurrency: number
  readonly queue: number
  readonly perMinute: number
  readonly tokensPerDay: number
  /** Money per day and per million tokens, when prices are configured. */
  readonly moneyPerDay?: number
  readonly moneyPerMillionTokens?: number
}

export const DEFAULT_LIMITS: OpinionLimits = { concurrency: 4, queue: 100, perMinute: 60, tokensPerDay: 500_000 }
export const CONNECT_TIMEOUT_MS = 1_000
export const TOTAL_TIMEOUT_MS = 4_000
/** An answer later than this after its message is dropped. */
export const ANSWER_WITHIN_MS = 10_000

const DAY_MS = 86_400_000
const BREAKER_FAILURES = 5
const BREAKER_WINDOW_MS = 30_000
const BREAKER_OPEN_MS = 60_000
const CACHE_SIZE = 50_000
const CACHE_MS = 7 * DAY_MS
const NEGATIVE_MS = 600_000
/** Tokens a request takes at most, until its answer says how many. */
const RESERVED_TOKENS = 1_500
/** Failures of the endpoint itself; a bad answer of a working one opens no circuit. */
const ENDPOINT_FAILURES = new Set<FailureKind>(['timeout', 'http', 'rate_limited'])

export type OpinionResult = { readonly answer: OpinionAnswer } | { readonly failure: OpinionFailure }

export type Admission =
  | { readonly result: 'cached'; readonly cached: OpinionResult }
  /** Ask now, and settle it. */
  | { readonly result: 'start' }
  /** `settle` of another request starts it. */
  | { readonly result: 'wait' }
  /** The same question is already under way. */
  | { readonly result: 'joined' }
  | { readonly result: 'refused'; readonly failure: OpinionFailure }

/**
 * Which questions may be asked and when: cache, budgets, concurrency, queue and circuit breaker. No I/O and no clock: `now` is passed in.
 * A refusal is final for that message; the rules' reading stands.
 */
export class OpinionGate {
  readonly #limits: OpinionLimits
  readonly #answers = new BoundedMap<string, OpinionResult>({ max: CACHE_SIZE, ttlMs: CACHE_MS })
  readonly #failures = new BoundedMap<string, OpinionResult>({ max: CACHE_SIZE, ttlMs: NEGATIVE_MS })
  readonly #running = new Set<string>()
  readonly #waiting = new Map<string, number>()
  readonly #bucket: TokenBucket
  #failedAt: number[] = []
  #openUntil = 0
  #probing = false
  #day = 0
  #tokens = 0

  constructor(limits: OpinionLimits = DEFAULT_LIMITS, now = 0) {
    this.#limits = limits
    this.#bucket = new TokenBucket(limits.perMinute / 60, limits.perMinute, now)
  }

  get running(): number {
    return this.#running.size
  }
  get waiting(): number {
    return this.#waiting.size
  }
  circuit(now: number): 'closed' | 'open' | 'half_open' {
    if (this.#openUntil === 0) return 'closed'
    return now < this.#openUntil ? 'open' : 'half_open'
  }

  /** Answers kept from before a restart. */
  remember(key: string, result: OpinionResult, at: number): void {
    ;('answer' in result ? this.#answers : this.#failures).set(key, result, at)
  }

  admit(key: string, now: number): Admission {
    const cached = this.#answers.get(key, now) ?? this.#failures.get(key, now)
    if (cached !== undefined) return { result: 'cached', cached }
    if (this.#running.has(key) || this.#waiting.has(key)) return { result: 'joined' }
    const full = this.#running.size >= this.#limits.concurrency
    if (full && this.#waiting.size >= this.#limits.queue) return refused('budget', 'too many questions wait')
    const failure = this.#blocked(now)
    if (failure !== undefined) return { result: 'refused', failure }
    if (full) {
      this.#waiting.set(key, now)
      return { result: 'wait' }
    }
    return this.#start(key, now)
  }

  /** A request ended; answers the questions to be asked next and those that waited too long. */
  settle(
    key: string,
    result: OpinionResult,
    tokens: number | undefined,
    now: number,
  ): { readonly start: readonly string[]; readonly dropped: readonly string[] } {
    if (!this.#running.delete(key)) return { start: [], dropped: [] }
    this.#spend(tokens ?? RESERVED_TOKENS, now)
    const failure = 'failure' in result ? result.failure : undefined
    this.remember(key, result, now)
    if (failure !== undefined && ENDPOINT_FAILURES.has(failure.kind)) this.#countFailure(now)
    else {
      this.#failedAt = []
      this.#openUntil = 0
    }
    this.#probing = false
    return this.#next(now)
  }

  #next(now: number): { start: string[]; dropped: string[] } {
    const start: string[] = []
    const dropped: string[] = []
    for (const [key, since] of this.#waiting) {
      if (this.#running.size >= this.#limits.concurrency) break
      this.#waiting.delete(key)
      const late = now - since > ANSWER_WITHIN_MS - TOTAL_TIMEOUT_MS
      if (late || this.#blocked(now) !== undefined || this.#start(key, now).result !== 'start') dropped.push(key)
      else start.push(key)
    }
    return { start, dropped }
  }

  #start(key: string, now: number): Admission {
    if (!this.#bucket.take(now)) return refused('budget', 'questions of this minute used up')
    if (this.circuit(now) === 'half_open') this.#probing = true
    this.#running.add(key)
    return { result: 'start' }
  }

  #blocked(now: number): OpinionFailure | undefined {
    const circuit = this.circuit(now)
    if (circuit === 'open' || (circuit === 'half_open' && this.#probing))
      return { kind: 'open_circuit', detail: 'the endpoint failed too often' }
    this.#spend(0, now)
    const { tokensPerDay, moneyPerDay, moneyPerMillionTokens } = this.#limits
    const next = this.#tokens + (this.#running.size + 1) * RESERVED_TOKENS
    if (next > tokensPerDay) return { kind: 'budget', detail: 'tokens of this day used up' }
    if (moneyPerDay !== undefined && moneyPerMillionTokens !== undefined && (next / 1e6) * moneyPerMillionTokens > moneyPerDay)
      return { kind: 'budget', detail: 'money of this day used up' }
    return undefined
  }

  /** Days are UTC. */
  #spend(tokens: number, now: number): void {
    const day = Math.floor(now / DAY_MS)
    if (day !== this.#day) [this.#day, this.#tokens] = [day, 0]
    this.#tokens += tokens
  }

  #countFailure(now: number): void {
    this.#failedAt = [...this.#failedAt, now].filter((at) => now - at <= BREAKER_WINDOW_MS).slice(-BREAKER_FAILURES)
    if (!this.#probing && this.#failedAt.length < BREAKER_FAILURES) return
    this.#openUntil = now + BREAKER_OPEN_MS
    this.#failedAt = []
  }
}

function refused(kind: FailureKind, detail: string): Admission {
  return { result: 'refused', failure: { kind, detail } }
}
