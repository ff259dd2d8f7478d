import type { Clock } from '../../base/clock.ts'
import type { Health, Lifecycle } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/logger.ts'
import type { JobBackend } from './backend.ts'
import { type JobQueues, QUEUES, type QueueDefinition, UPKEEP } from './queues.ts'
import { JobSchedules, SCHEDULES } from './schedules.ts'
import { QueueWorker } from './workers.ts'

/** How long failed jobs are kept for people to look at, ms. Retention by count works only when another job ends. */
const FAILED_KEPT_MS = 7 * 86_400_000
/** Jobs removed from one queue in one go; more wait for the next hour. */
const TIDY_LIMIT = 10_000

/** Removes failed jobs that are too old to be of interest; answers how many. */
export async function tidyQueues(
  queues: JobQueues,
  definitions: readonly QueueDefinition[],
  keepMs = FAILED_KEPT_MS,
): Promise<number> {
  let removed = 0
  for (const definition of definitions) removed += (await queues.queue(definition).clean(keepMs, TIDY_LIMIT, 'failed')).length
  return removed
}

export interface JobUpkeepOptions {
  readonly backend: JobBackend
  readonly queues: JobQueues
  readonly log: Logger
  readonly clock?: Clock
}

/** Runs the regular jobs: keeps their schedules in the store, and works on them. */
export class JobUpkeep implements Lifecycle {
  readonly name = 'job-upkeep'
  readonly #schedules: JobSchedules
  readonly #worker: QueueWorker<typeof UPKEEP>

  constructor(options: JobUpkeepOptions) {
    const { queues, log } = options
    this.#schedules = new JobSchedules({ ...options, definitions: QUEUES, schedules: SCHEDULES })
    this.#worker = new QueueWorker({
      ...options,
      queue: UPKEEP,
      concurrency: 1,
      handlers: {
        async tidy() {
          const removed = await tidyQueues(queues, QUEUES)
          if (removed > 0) log.info({ ev: 'jobs-tidied', removed }, 'old failed jobs removed')
        },
      },
    })
  }

  async start(): Promise<void> {
    await this.#worker.start()
    await this.#schedules.start()
  }

  async drain(signal: AbortSignal): Promise<void> {
    await this.#schedules.stop()
    await this.#worker.drain(signal)
  }

  async stop(): Promise<void> {
    await this.#schedules.stop()
    await this.#worker.stop()
  }

  health(): Health {
    return this.#worker.health()
  }
}
