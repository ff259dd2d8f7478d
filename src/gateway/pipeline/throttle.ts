import type { Clock } from '../../base/clock.ts'

/** Calls at once after a quiet time, otherwise at most every `everyMs`: any number of asks meanwhile are one call at its end. */
export class Throttle {
  readonly #everyMs: number
  readonly #clock: Clock
  readonly #call: () => void
  #last = Number.NEGATIVE_INFINITY
  #cancel: (() => void) | undefined

  constructor(everyMs: number, clock: Clock, call: () => void) {
    this.#everyMs = everyMs
    this.#clock = clock
    this.#call = call
  }

  ask(): void {
    if (this.#cancel !== undefined) return
    const waitMs = this.#last + this.#everyMs - this.#clock.monotonic()
    if (waitMs <= 0) this.#now()
    else
      this.#cancel = this.#clock.after(waitMs, () => {
        this.#cancel = undefined
        this.#now()
      })
  }

  /** What is waiting is not called any more. */
  stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  #now(): void {
    this.#last = this.#clock.monotonic()
    this.#call()
  }
}
