import type { K2Error } from '../../base/errors.ts'
import { type Rng, unit } from '../../base/random.ts'
import type { PeerId } from '../ids.ts'
import type { AttemptOutcome } from './download-errors.ts'

export interface PoolLimits {
  readonly failuresPerProvider: number
  readonly backoffMs: number
  readonly maxBackoffMs: number
  /** Attempts with one provider at a time. */
  readonly lanesPerProvider: number
}

/** What one download knows about one provider. */
export interface ProviderState {
  readonly id: PeerId
  active: number
  /** Failures in a row without progress. */
  failures: number
  totalFailures: number
  readyAt: number
  banned: boolean
  received: number
  /** Smoothed bytes per ms; 0 = not measured. */
  speed: number
  lastError: K2Error | undefined
}

/** Weight of the newest measurement in the smoothed speed. */
const SPEED_WEIGHT = 0.3

/** The providers of one download with what is known about them: who is asked next, after which pause, and who no more. */
export class ProviderPool {
  readonly providers: readonly ProviderState[]
  readonly #limits: PoolLimits
  readonly #rng: Rng

  constructor(ids: readonly PeerId[], limits: PoolLimits, rng: Rng) {
    this.#limits = limits
    this.#rng = rng
    this.providers = [...new Set(ids)].map((id) => ({
      id,
      active: 0,
      failures: 0,
      totalFailures: 0,
      readyAt: 0,
      banned: false,
      received: 0,
      speed: 0,
      lastError: undefined,
    }))
  }

  isUsable(provider: ProviderState): boolean {
    return !provider.banned && provider.failures < this.#limits.failuresPerProvider
  }

  /**
   * The best provider that may be asked now: least busy, then fewest failures, then unmeasured, then fastest, then by chance.
   */
  pick(now: number, admits: (provider: ProviderState) => boolean): ProviderState | undefined {
    const ready = this.providers.filter(
      (p) => this.isUsable(p) && p.readyAt <= now && p.active < this.#limits.lanesPerProvider && admits(p),
    )
    const ranked = ready.map((p) => ({ p, luck: unit(this.#rng) }))
    ranked.sort((a, b) => a.p.active - b.p.active || a.p.failures - b.p.failures || bySpeed(a.p, b.p) || a.luck - b.luck)
    return ranked[0]?.p
  }

  progressed(provider: ProviderState, bytes: number): void {
    provider.received += bytes
  }

  /** Notes the end of an attempt that brought `bytes` in `ms`. */
  ended(provider: ProviderState, outcome: AttemptOutcome, now: number, measured: { bytes: number; ms: number }): void {
    provider.active--
    if (measured.bytes > 0 && measured.ms > 0) {
      const speed = measured.bytes / measured.ms
      provider.speed = provider.speed === 0 ? speed : provider.speed + SPEED_WEIGHT * (speed - provider.speed)
    }
    if (hasProgress(outcome, measured.bytes)) provider.failures = 0
    if (outcome.kind === 'done') return
    provider.lastError = outcome.error
    provider.totalFailures++
    if (outcome.kind === 'hostile' || outcome.kind === 'refused') provider.banned = true
    if (outcome.kind !== 'cut') return
    provider.failures++
    provider.readyAt = now + this.backoff(provider.failures)
  }

  /** Exponential with full jitter on the upper half, so that many downloads do not come back at the same moment. */
  backoff(failures: number): number {
    const { backoffMs, maxBackoffMs } = this.#limits
    const full = Math.min(maxBackoffMs, backoffMs * 2 ** Math.max(0, failures - 1))
    return full * (0.5 + unit(this.#rng) / 2)
  }
}

/** Whether an attempt speaks for its provider: it brought something, and not just enough to go on dripping. */
export const hasProgress = (outcome: AttemptOutcome, bytes: number): boolean =>
  bytes > 0 && (outcome.kind === 'done' || outcome.error.code !== 'BLOB_STALLED')

/** Unmeasured ones first, to get to know them. */
const bySpeed = (a: ProviderState, b: ProviderState): number =>
  a.speed === 0 || b.speed === 0 ? a.speed - b.speed : b.speed - a.speed
