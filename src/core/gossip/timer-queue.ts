import type { Clock } from '../../base/clock.ts'
import { EventQueue } from './event-queue.ts'

/** Many one-shot timers behind one timer of the clock. They fire in order of (due time, insertion). */
export class TimerQueue<T> {
  readonly #clock: Clock
  readonly #fire: (value: T) => void
  readonly #queue = new EventQueue<T>()
  #cancel: (() => void) | undefined
  #armedFor = Number.POSITIVE_INFINITY
  #stopped = false

  constructor(clock: Clock, fire: (value: T) => void) {
    this.#clock = clock
    this.#fire = fire
  }

  get size(): number {
    return this.#queue.size
  }

  add(afterMs: number, value: T): void {
    if (this.#stopped) return
    const at = this.#clock.monotonic() + afterMs
    this.#queue.push(at, value)
    if (at < this.#armedFor) this.#arm(at)
  }

  stop(): void {
    this.#stopped = true
    this.#cancel?.()
  }

  #arm(at: number): void {
    this.#cancel?.()
    this.#armedFor = at
    this.#cancel = this.#clock.after(at - this.#clock.monotonic(), () => this.#run())
  }

  #run(): void {
    // While timers run, further ones must not arm the clock: that happens once, at the end.
    this.#cancel = undefined
    this.#armedFor = Number.NEGATIVE_INFINITY
    const now = this.#clock.monotonic()
    for (let next = this.#queue.nextAt; next !== undefined && next <= now; next = this.#queue.nextAt) {
      const due = this.#queue.pop()
      if (due !== undefined && !this.#stopped) this.#fire(due.value)
    }
    this.#armedFor = Number.POSITIVE_INFINITY
    const next = this.#queue.nextAt
    if (next !== undefined && !this.#stopped) this.#arm(next)
  }
}
