import { withDeadline } from '../../base/async.ts'
import type { Clock } from '../../base/clock.ts'
import { errorCode } from '../../base/errors.ts'
import { netTimeout } from './net-errors.ts'
import type { CallOptions } from './transport.ts'

/** Stands for "no deadline" where only a signal was given (ms, far beyond any process life). */
const NO_DEADLINE_MS = 2 ** 31 - 1

export interface CallWait {
  readonly clock: Clock
  /** Named in the `NET_TIMEOUT` error. */
  readonly what: string
  /** Runs once when the caller's deadline or signal ends the wait before the work ended. */
  readonly onGiveUp?: (error: unknown) => void
}

/** Applies a caller's deadline (`NET_TIMEOUT`) and signal (`ABORTED`) to work that cannot be cancelled itself. */
export function waitFor<T>(work: Promise<T>, options: CallOptions | undefined, wait: CallWait): Promise<T> {
  const signal = options?.signal
  const ms = options?.deadlineMs
  if (signal === undefined && ms === undefined) return work
  let gaveUp = false
  return withDeadline(work, {
    ms: ms ?? NO_DEADLINE_MS,
    what: wait.what,
    signal,
    clock: wait.clock,
    onGiveUp: () => {
      gaveUp = true
    },
  }).catch((error) => {
    if (!gaveUp) throw error
    const reported = errorCode(error) === 'TIMEOUT' ? netTimeout(wait.what, ms ?? NO_DEADLINE_MS) : error
    wait.onGiveUp?.(reported)
    throw reported
  })
}

/**
 * Shares a source that hands out one item per call and cannot be cancelled (`acceptUni`, `acceptBi`): a caller that gives
 * up leaves the running pull to the next caller, so no item is lost. At most one pull runs, and only while someone waits.
 */
export class SharedPull<T> {
  readonly #pull: () => Promise<T>
  readonly #waiting = new Set<{ resolve(item: T): void; reject(error: unknown): void }>()
  readonly #unclaimed: T[] = []
  #running = false

  constructor(pull: () => Promise<T>) {
    this.#pull = pull
  }

  next(options: CallOptions | undefined, wait: Omit<CallWait, 'onGiveUp'>): Promise<T> {
    const ready = this.#unclaimed.shift()
    if (ready !== undefined) return Promise.resolve(ready)
    let leave = (): void => {}
    const turn = new Promise<T>((resolve, reject) => {
      const waiter = { resolve, reject }
      this.#waiting.add(waiter)
      leave = () => this.#waiting.delete(waiter)
    })
    this.#run()
    return waitFor(turn, options, { ...wait, onGiveUp: leave })
  }

  #run(): void {
    if (this.#running) return
    this.#running = true
    this.#pull().then(
      (item) => {
        this.#running = false
        const [first] = this.#waiting
        if (first === undefined) {
          this.#unclaimed.push(item)
          return
        }
        this.#waiting.delete(first)
        first.resolve(item)
        if (this.#waiting.size > 0) this.#run()
      },
      (error) => {
        this.#running = false
        const failed = [...this.#waiting]
        this.#waiting.clear()
        for (const waiter of failed) waiter.reject(error)
      },
    )
  }
}
