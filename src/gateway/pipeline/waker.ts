import type { Clock } from '../../base/clock.ts'
import type { PipelineEvents } from './events.ts'

/** How lanes are made known to other workers of this gateway, and to ourselves after a crash. Losing one is harmless. */
export interface LaneWaker {
  /** Work is waiting that this process has not got through yet. */
  announce(lane: string): void
  /** Work will be due then. */
  announceAt(lane: string, at: number): void
  close(): Promise<void>
}

/** What the job queues offer; see `JobQueues`. */
export interface WakeJobs {
  wakeLane(lane: string, delayMs?: number): Promise<void>
}

/** Jobs being added at once; more lanes than this are left to the sweeper. */
const MAX_ADDING = 256
/** Shorter waits end before a job would be of use. */
const MIN_DELAY_MS = 1_000

/** Announces lanes through the queue `deliver`. */
export class JobWaker implements LaneWaker {
  readonly #jobs: WakeJobs
  readonly #clock: Clock
  readonly #events: PipelineEvents
  readonly #adding = new Set<Promise<void>>()
  #closed = false

  constructor(options: { readonly jobs: WakeJobs; readonly clock: Clock; readonly events: PipelineEvents }) {
    this.#jobs = options.jobs
    this.#clock = options.clock
    this.#events = options.events
  }

  announce(lane: string): void {
    this.#add(lane, 0)
  }

  announceAt(lane: string, at: number): void {
    const delay = at - this.#clock.now()
    if (delay >= MIN_DELAY_MS) this.#add(lane, delay)
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all(this.#adding)
  }

  #add(lane: string, delayMs: number): void {
    if (this.#closed || this.#adding.size >= MAX_ADDING) return
    const adding = this.#jobs
      .wakeLane(lane, delayMs)
      .catch((error: unknown) => this.#events.background('wake-job', error))
      .finally(() => this.#adding.delete(adding))
    this.#adding.add(adding)
  }
}

/** Without job queues: the process itself and its sweeper are enough. */
export const noWaker: LaneWaker = { announce() {}, announceAt() {}, close: async () => {} }
