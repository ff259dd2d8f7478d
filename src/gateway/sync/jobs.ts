import type { Clock } from '../../base/clock.ts'
import type { Lifecycle } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/logger.ts'
import type { NamespaceId } from '../../core/docs/index.ts'
import type { JobBackend } from '../jobs/backend.ts'
import { type JobQueues, SYNC_APPLY, SYNC_FETCH, SYNC_POLL, SYNC_PUBLISH, SYNC_SCAN } from '../jobs/queues.ts'
import { type JobContext, QueueWorker } from '../jobs/workers.ts'
import type { Step, StepFlags } from './engine.ts'

const POLL_MS = 30_000
/** Folders handled at once in each step. */
const AT_ONCE = 2
/** A job of another gateway is given back this often, with this pause, ms. */
const MAX_HOPS = 240
const HOP_MS = 250

export interface SyncJobParts {
  readonly backend: JobBackend
  readonly queues: JobQueues
  /** Id of this gateway's node. */
  readonly node: string
  /** Of this run of the process: what a run that was killed had begun does not keep this one from beginning. */
  readonly session: string
  readonly run: (step: Step, folder: string, flags: StepFlags, context: JobContext) => Promise<void>
  readonly round: (signal: AbortSignal) => Promise<void>
  readonly clock: Clock
  readonly log: Logger
}

interface Own {
  readonly node: string
  readonly hops: number
}

/** The queues of folders: their workers and the schedule of the regular round. */
export class SyncJobs implements Lifecycle {
  readonly name = 'sync-jobs'
  readonly #parts: SyncJobParts
  readonly #workers: readonly Lifecycle[]

  constructor(parts: SyncJobParts) {
    this.#parts = parts
    const { backend, queues, clock, log, run } = parts
    const common = { backend, clock, log, concurrency: AT_ONCE }
    type Work = Own & StepFlags & { readonly folder: string }
    const step =
      (name: Step, again: (data: Work) => Promise<void>) =>
      (data: Work, context: JobContext): Promise<void> =>
        data.node === parts.node ? run(name, data.folder, data, context) : this.#giveBack(data, again)
    const later = { delay: HOP_MS }
    this.#workers = [
      new QueueWorker({
        ...common,
        queue: SYNC_SCAN,
        handlers: { scan: step('scan', (data) => queues.add(SYNC_SCAN, 'scan', data, later)) },
      }),
      new QueueWorker({
        ...common,
        queue: SYNC_PUBLISH,
        handlers: { publish: step('publish', (data) => queues.add(SYNC_PUBLISH, 'publish', data, later)) },
      }),
      new QueueWorker({
        ...common,
        queue: SYNC_FETCH,
        handlers: { fetch: step('fetch', (data) => queues.add(SYNC_FETCH, 'fetch', data, later)) },
      }),
      new QueueWorker({
        ...common,
        queue: SYNC_APPLY,
        handlers: { apply: step('apply', (data) => queues.add(SYNC_APPLY, 'apply', data, later)) },
      }),
      new QueueWorker({
        ...common,
        queue: SYNC_POLL,
        concurrency: 1,
        handlers: {
          round: (data, { signal }) =>
            data.node === parts.node
              ? parts.round(signal)
              : this.#giveBack(data, (next) => queues.add(SYNC_POLL, 'round', next, later)),
        },
      }),
    ]
  }

  async start(): Promise<void> {
    for (const worker of this.#workers) await worker.start?.(new AbortController().signal)
    this.#parts.backend.onReady(() => this.#schedule())
  }

  async drain(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.drain?.(signal)))
  }

  async stop(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.stop?.()))
  }

  /** Asks for a step: a further call before it has begun changes nothing, one while it runs makes it run once more. */
  async wake(step: Step, folder: NamespaceId, { force, confirmed }: StepFlags): Promise<void> {
    const { queues, node, session, log } = this.#parts
    const data = { node, hops: 0, folder, force, confirmed }
    const deduplication = { id: `${step}-${folder}-${force}-${confirmed}-${session}`, keepLastIfActive: true }
    try {
      if (step === 'scan') await queues.add(SYNC_SCAN, step, data, { deduplication })
      else if (step === 'publish') await queues.add(SYNC_PUBLISH, step, data, { deduplication })
      else if (step === 'fetch') await queues.add(SYNC_FETCH, step, data, { deduplication })
      else await queues.add(SYNC_APPLY, step, data, { deduplication })
    } catch (err) {
      log.debug({ ev: 'sync-wake', step, err }, 'a step is asked for again by the next round')
    }
  }

  async #giveBack<D extends Own>(data: D, again: (data: D) => Promise<void>): Promise<void> {
    if (data.hops < MAX_HOPS) await again({ ...data, hops: data.hops + 1 })
  }

  #schedule(): void {
    const { queues, node, log } = this.#parts
    const template = { name: 'round', data: { node, hops: 0 }, opts: SYNC_POLL.options }
    queues
      .queue(SYNC_POLL)
      .upsertJobScheduler(`round-${node.slice(0, 16)}`, { every: POLL_MS }, template)
      .catch((err: unknown) => log.debug({ ev: 'sync-schedule', err }, 'the regular round is scheduled when the store is back'))
  }
}
