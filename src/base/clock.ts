/** Time is always passed in: `now` is wall-clock ms since the epoch, `monotonic` never goes back. */
export interface Clock {
  now(): number
  monotonic(): number
  /** One-shot timer; the returned function cancels it. Does not keep the process alive by itself. */
  after(ms: number, run: () => void): () => void
}

/** Largest delay Node's timers take; longer ones would fire at once. */
const MAX_TIMER_MS = 0x7fffffff

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, Math.min(Math.max(0, ms), MAX_TIMER_MS))
    timer.unref()
    return () => clearTimeout(timer)
  },
}

/** A clock that moves only when told, for tests and simulations. Timers fire in time order, ties in creation order. */
export class ManualClock implements Clock {
  #now: number
  #seq = 0
  #timers: { at: number; seq: number; run: () => void }[] = []

  constructor(start = 1_750_464_000_000) {
    this.#now = start
  }

  now(): number {
    return this.#now
  }

  monotonic(): number {
    return this.#now
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, ms), seq: this.#seq++, run }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((t) => t !== timer)
    }
  }

  /** Moves `ms` forward and runs every timer that falls due on the way, each at its own time. */
  advance(ms: number): void {
    const end = this.#now + ms
    for (;;) {
      const due = this.#timers.filter((t) => t.at <= end).sort((a, b) => a.at - b.at || a.seq - b.seq)[0]
      if (due === undefined) break
      this.#timers = this.#timers.filter((t) => t !== due)
      this.#now = Math.max(this.#now, due.at)
      due.run()
    }
    this.#now = end
  }
}
