import { probeDelayMs } from './outcomes.ts'

/** Circuit of one account (bridging 16). */
export const CIRCUIT = {
  /** Attempts in a row without any answer that open it. Smaller: one bad minute stops everything. */
  failures: 10,
  firstOpenMs: 5_000,
  maxOpenMs: 60_000,
  /** While one probe is under way the other lanes look again after this. */
  probeWaitMs: 250,
} as const

export type GateState = 'ready' | 'rate-limited' | 'unreachable' | 'failed'

/** Whether an account may send at all: rate limits of the whole account, its circuit breaker, and a refused token. Pure. */
export class AccountGate {
  #limitedUntil = 0
  #failures = 0
  #openUntil = 0
  #openMs = 0
  #probing = false
  #failed: { readonly code: string; readonly message: string; readonly since: number } | undefined
  #failedUntil = 0
  #probes = 0
  /** Attempts under way. */
  inflight = 0

  /** ms until this account may send; 0 = now. */
  waitMs(now: number): number {
    const until = Math.max(this.#limitedUntil, this.#openUntil, this.#failedUntil)
    if (now < until) return until - now
    return this.#halfOpen() && this.#probing ? CIRCUIT.probeWaitMs : 0
  }

  /** An attempt begins. While the circuit or the account is on probation, no other may begin beside it. */
  begin(): void {
    if (this.#halfOpen()) this.#probing = true
  }

  /** The platform answered, if only with a refusal of this one message. True when that ends a bad time. */
  answered(): boolean {
    const recovered = this.#halfOpen()
    this.#failures = 0
    this.#openUntil = 0
    this.#openMs = 0
    this.#probing = false
    this.#failed = undefined
    this.#failedUntil = 0
    this.#probes = 0
    return recovered
  }

  /** No answer. True when that opens the circuit. */
  unreachable(now: number): boolean {
    this.#probing = false
    this.#failures++
    if (this.#failures < CIRCUIT.failures) return false
    const first = this.#openMs === 0
    this.#openMs = first ? CIRCUIT.firstOpenMs : Math.min(CIRCUIT.maxOpenMs, this.#openMs * 2)
    this.#openUntil = now + this.#openMs
    return first
  }

  limited(until: number): void {
    this.#probing = false
    this.#limitedUntil = Math.max(this.#limitedUntil, until)
  }

  /** The account itself is refused. It is tried again 5 min later, doubling to 1 h, or after `reset`. */
  failed(now: number, code: string, message: string): boolean {
    const first = this.#failed === undefined
    this.#probing = false
    this.#failed = { code, message, since: this.#failed?.since ?? now }
    this.#failedUntil = now + probeDelayMs(this.#probes++)
    return first
  }

  /** Somebody changed something (new token, reconnect): try again at once. */
  reset(): void {
    this.answered()
    this.#limitedUntil = 0
  }

  state(now: number): { readonly state: GateState; readonly until?: number; readonly reason?: string } {
    if (this.#failed)
      return { state: 'failed', until: this.#failedUntil, reason: `${this.#failed.code}: ${this.#failed.message}` }
    if (this.#openMs > 0)
      return { state: 'unreachable', until: this.#openUntil, reason: `${this.#failures} attempts without an answer` }
    if (now < this.#limitedUntil) return { state: 'rate-limited', until: this.#limitedUntil }
    return { state: 'ready' }
  }

  #halfOpen(): boolean {
    return this.#openMs > 0 || this.#failed !== undefined
  }
}
