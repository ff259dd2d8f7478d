import type { Clock } from '../../base/clock.ts'
import type { PipelineEvents } from './events.ts'

export interface Chore {
  readonly name: string
  readonly everyMs: number
  run(): Promise<void>
}

/** Runs chores at their intervals, one after the other, never two at once. A failing chore is told and comes again. */
export class Sweeper {
  readonly #chores: readonly Chore[]
  readonly #clock: Clock
  readonly #events: PipelineEvents
  readonly #due = new Map<Chore, number>()
  readonly #tickMs: number
  #cancel = (): void => {}
  #stopped = true
  #busy: Promise<void> = Promise.resolve()

  constructor(options: { readonly chores: readonly Chore[]; readonly clock: Clock; readonly events: PipelineEvents }) {
    this.#chores = options.chores
    this.#clock = options.clock
    this.#events = options.events
    this.#tickMs = Math.min(...options.chores.map((c) => c.everyMs))
  }

  /** Every chore runs at once, then at its interval. */
  start(): void {
    this.#stopped = false
    this.#tick()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancel()
    await this.#busy
  }

  #tick(): void {
    this.#busy = this.#round().finally(() => {
      if (!this.#stopped) this.#cancel = this.#clock.after(this.#tickMs, () => this.#tick())
    })
  }

  async #round(): Promise<void> {
    for (const chore of this.#chores) {
      if (this.#stopped) return
      const now = this.#clock.now()
      if (now < (this.#due.get(chore) ?? 0)) continue
      this.#due.set(chore, now + chore.everyMs)
      await chore.run().catch((error: unknown) => this.#events.background(chore.name, error))
    }
  }
}
