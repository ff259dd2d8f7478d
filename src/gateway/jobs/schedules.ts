import { isDeepStrictEqual } from 'node:util'
import type { JobSchedulerJson } from 'bullmq'
import type { Clock } from '../../base/clock.ts'
import { systemClock } from '../../base/clock.ts'
import type { Lifecycle } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/logger.ts'
import type { JobBackend } from './backend.ts'
import { toJobError } from './errors.ts'
import { type JobData, type JobName, type JobQueues, MARKET, type QueueDefinition, UPKEEP } from './queues.ts'

/** ms between two looks whether the schedules are still there: a store may be emptied while we run. */
const RECONCILE_MS = 60_000

export type Schedule<Q extends QueueDefinition = QueueDefinition> = {
  readonly id: string
  readonly queue: Q
  readonly job: JobName<Q>
  readonly data: JobData<Q, JobName<Q>>
} & ({ readonly everyMs: number } | { readonly cron: string; readonly timezone?: string })

/** All regular jobs of the gateway. */
export const SCHEDULES: readonly Schedule[] = [
  { id: 'tidy', queue: UPKEEP, job: 'tidy', data: {}, everyMs: 3_600_000 },
  { id: 'market-round', queue: MARKET, job: 'round', data: {}, everyMs: 15_000 },
]

/** Makes the stored schedules equal to the declared ones: missing and changed ones are written, unknown ones removed. */
export async function reconcileSchedules(
  queues: JobQueues,
  definitions: readonly QueueDefinition[],
  schedules: readonly Schedule[],
): Promise<void> {
  for (const definition of definitions) {
    const queue = queues.queue(definition)
    const declared = new Map(schedules.filter((s) => s.queue.name === definition.name).map((s) => [s.id, s]))
    for (const stored of await queue.getJobSchedulers()) {
      const own = declared.get(stored.key)
      if (own === undefined) await queue.removeJobScheduler(stored.key)
      // Writing one anew would begin its interval anew.
      else if (isSame(own, stored)) declared.delete(stored.key)
    }
    for (const s of declared.values()) {
      await queue.upsertJobScheduler(s.id, repetition(s), { name: s.job, data: s.data, opts: definition.options })
    }
  }
}

function repetition(s: Schedule): { every: number } | { pattern: string; tz?: string } {
  return 'everyMs' in s ? { every: s.everyMs } : { pattern: s.cron, ...(s.timezone !== undefined && { tz: s.timezone }) }
}

function isSame(s: Schedule, stored: JobSchedulerJson<unknown>): boolean {
  const same =
    'everyMs' in s
      ? Number(stored.every) === s.everyMs
      : stored.pattern === s.cron && (stored.tz ?? undefined) === (s.timezone ?? undefined)
  return same && stored.name === s.job && isDeepStrictEqual(stored.template?.data ?? {}, s.data)
}

export interface JobSchedulesOptions {
  readonly backend: JobBackend
  readonly queues: JobQueues
  readonly definitions: readonly QueueDefinition[]
  readonly schedules: readonly Schedule[]
  readonly log: Logger
  readonly clock?: Clock
}

/** Keeps the stored schedules equal to the declared ones: when the store becomes usable, and every minute. */
export class JobSchedules implements Lifecycle {
  readonly name = 'job-schedules'
  readonly #options: JobSchedulesOptions
  #running: Promise<void> | undefined
  #stopped = false
  #cancel = (): void => {}

  constructor(options: JobSchedulesOptions) {
    this.#options = options
  }

  /** Does not wait for the store. */
  async start(): Promise<void> {
    this.#options.backend.onReady(() => this.#reconcile())
    this.#tick()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancel()
    await this.#running
  }

  #tick(): void {
    this.#cancel = (this.#options.clock ?? systemClock).after(RECONCILE_MS, () => {
      this.#reconcile()
      this.#tick()
    })
  }

  #reconcile(): void {
    if (this.#stopped || this.#running) return
    const { queues, definitions, schedules, log } = this.#options
    this.#running = reconcileSchedules(queues, definitions, schedules)
      .catch((error) => log.debug({ ev: 'job-schedules', err: toJobError(error) }, 'the schedules are looked at again later'))
      .finally(() => {
        this.#running = undefined
      })
  }
}
