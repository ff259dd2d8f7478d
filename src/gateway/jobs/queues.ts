import type { DefaultJobOptions, JobsOptions } from 'bullmq'
import { z } from 'zod'
import { K2Error } from '../../base/errors.ts'
import { hashId } from '../../base/ids.ts'
import type { Health, Lifecycle } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/logger.ts'
import type { JobBackend, JobQueue } from './backend.ts'
import { toJobError, unavailableError } from './errors.ts'

/** A queue: its job names with the shape of their data, and how long finished jobs are kept. */
export interface QueueDefinition<J extends Readonly<Record<string, z.ZodType>> = Readonly<Record<string, z.ZodType>>> {
  readonly name: string
  readonly jobs: J
  readonly options: DefaultJobOptions
}

export type JobName<Q extends QueueDefinition> = keyof Q['jobs'] & string
export type JobData<Q extends QueueDefinition, N extends JobName<Q>> = z.output<Q['jobs'][N]>

/**
 * Wake-ups of lanes. A job says "look at this lane", nothing more: what is to be sent, how often it was tried and who holds
 * the lane stands in the database (bridging 15.3), so a job is never retried and may vanish or come twice.
 */
export const DELIVER = {
  name: 'deliver',
  jobs: { wake: z.strictObject({ lane: z.string().min(1).max(500) }) },
  options: { attempts: 1, removeOnComplete: true, removeOnFail: { count: 1000, age: 7 * 86_400 } },
} satisfies QueueDefinition

const uuid = z.string().regex(/^[0-9a-f-]{36}$/)

/**
 * Fetches of blobs, taken by the gateway or by workers elsewhere. What is fetched, for whom and how often it failed stands in
 * the database under a lease; the id of a job follows from its fetch, so that adding it again changes nothing. Pauses grow
 * as the database's own do. No failed job is kept: it would stand in the way of the same fetch.
 */
export const BLOB_FETCH = {
  name: 'blob-fetch',
  jobs: { fetch: z.strictObject({ fetch: uuid }) },
  options: { attempts: 12, backoff: { type: 'exponential', delay: 2000 }, removeOnComplete: true, removeOnFail: true },
} satisfies QueueDefinition

/**
 * The gateway's own work on blobs: makes a blob of an attachment (`share`), takes one over from a worker (`collect`), and
 * brings a fetched one to whoever asked (`finish`).
 */
export const BLOB_SHARE = {
  name: 'blob-share',
  jobs: {
    share: z.strictObject({ job: uuid }),
    collect: z.strictObject({ fetch: uuid }),
    finish: z.strictObject({ job: uuid }),
  },
  options: { attempts: 3, backoff: { type: 'exponential', delay: 2000 }, removeOnComplete: true, removeOnFail: true },
} satisfies QueueDefinition

/** Regular work on the queues themselves, started by schedules. */
export const UPKEEP = {
  name: 'upkeep',
  jobs: { tidy: z.strictObject({}) },
  options: {
    attempts: 3,
    backoff: { type: 'exponential', delay: 1000 },
    removeOnComplete: { count: 20 },
    removeOnFail: { count: 100 },
  },
} satisfies QueueDefinition

/** The market's regular round: what ends, what is due. What is to be done stands in the database. */
export const MARKET = {
  name: 'market',
  jobs: { round: z.strictObject({}) },
  options: { attempts: 1, removeOnComplete: { count: 20 }, removeOnFail: { count: 100 } },
} satisfies QueueDefinition

/**
 * Work rules order: handed to the endpoint the configuration names for its queue. Finished jobs are kept for a day, so that the
 * same order is one job.
 */
export const RULE_JOB = {
  name: 'rule-job',
  jobs: {
    run: z.strictObject({
      id: z.string().min(1).max(400),
      queue: z.string().min(1).max(60),
      name: z.string().min(1).max(60),
      rule: z.string().min(1).max(63),
      data: z.record(z.string(), z.unknown()),
      message: z.string().max(400),
      intent: z.string().max(60).nullable(),
      attempts: z.int().min(1).max(100),
    }),
  },
  options: {
    attempts: 3,
    backoff: { type: 'exponential', delay: 2000 },
    removeOnComplete: { age: 86_400, count: 10_000 },
    removeOnFail: { age: 86_400, count: 10_000 },
  },
} satisfies QueueDefinition

/** Gateways may share a store of jobs: whoever gets one that is not its own gives it back, a bounded number of times. */
const ownWork = { node: z.string().max(64), hops: z.int().min(0).max(1000) }
const folderWork = z.strictObject({
  ...ownWork,
  folder: z.string().regex(/^[0-9a-f]{64}$/),
  /** Also for folders that wait to be asked. */
  force: z.boolean(),
  /** A person has agreed to deletions and held files. */
  confirmed: z.boolean(),
})
const folderQueue = <N extends string>(name: string, job: N) => ({
  name,
  jobs: { [job]: folderWork } as { readonly [K in N]: typeof folderWork },
  // What is to be done follows from folder and document: a job that failed is asked for again by the next round.
  options: { attempts: 1, removeOnComplete: { count: 20 }, removeOnFail: { count: 100 } },
})

/**
 * Synchronised folders, each queue one step: look at the disk, write what changed into the document, fetch what others changed,
 * bring it into the folder. A job names a folder, no more; it may come twice or vanish.
 */
export const SYNC_SCAN = folderQueue('sync-scan', 'scan') satisfies QueueDefinition
export const SYNC_PUBLISH = folderQueue('sync-publish', 'publish') satisfies QueueDefinition
export const SYNC_FETCH = folderQueue('sync-fetch', 'fetch') satisfies QueueDefinition
export const SYNC_APPLY = folderQueue('sync-apply', 'apply') satisfies QueueDefinition
/** The regular round: due folders, and linked devices that are to be invited or asked. */
export const SYNC_POLL = {
  name: 'sync-poll',
  jobs: { round: z.strictObject(ownWork) },
  options: { attempts: 1, removeOnComplete: { count: 20 }, removeOnFail: { count: 100 } },
} satisfies QueueDefinition

/** Those every gateway has; the queues of folders begin with the first folder and keep few failed jobs by themselves. */
export const QUEUES = [DELIVER, UPKEEP, BLOB_FETCH, BLOB_SHARE, MARKET, RULE_JOB] as const satisfies readonly QueueDefinition[]

/** The data of a job, checked: nobody else writes these queues, but a store outlives versions of this program. */
export function parseJob<Q extends QueueDefinition, N extends JobName<Q>>(queue: Q, name: N, data: unknown): JobData<Q, N> {
  const schema = Object.hasOwn(queue.jobs, name) ? queue.jobs[name] : undefined
  const parsed = schema?.safeParse(data)
  if (parsed?.success) return parsed.data as JobData<Q, N>
  throw new K2Error({
    code: 'JOB_BAD_DATA',
    kind: 'input',
    message: schema
      ? `job ${name} of queue ${queue.name} carries unexpected data`
      : `queue ${queue.name} has no job called ${name.slice(0, 40)}`,
    cause: parsed?.error,
  })
}

/** The producer side of all queues. Adding fails fast with `JOB_UNAVAILABLE` while the store is away. */
export class JobQueues implements Lifecycle {
  readonly name = 'job-queues'
  readonly #backend: JobBackend
  readonly #log: Logger
  readonly #open = new Map<string, JobQueue<unknown>>()
  #stopped = false

  constructor(backend: JobBackend, log: Logger) {
    this.#backend = backend
    this.#log = log
  }

  async add<Q extends QueueDefinition, N extends JobName<Q>>(
    queue: Q,
    name: N,
    data: JobData<Q, N>,
    options: JobsOptions = {},
  ): Promise<void> {
    const checked = parseJob(queue, name, data)
    // A store that is known to be away is not waited for.
    if (!this.#backend.ready) throw unavailableError(reasonOf(this.#backend.health()))
    try {
      await this.queue(queue).add(name, checked, options)
    } catch (error) {
      throw toJobError(error)
    }
  }

  /**
   * Has a lane looked at, once: further calls before the job starts change nothing, and a call while it runs makes it run
   * once more. With `delayMs`, not before that has passed; a later call moves the time.
   */
  wakeLane(lane: string, delayMs = 0): Promise<void> {
    const id = hashId([lane])
    return delayMs > 0
      ? this.add(DELIVER, 'wake', { lane }, { delay: delayMs, deduplication: { id: `later-${id}`, replace: true } })
      : this.add(DELIVER, 'wake', { lane }, { deduplication: { id: `lane-${id}`, keepLastIfActive: true } })
  }

  /** BullMQ's own object, for dashboards and schedules. */
  queue(definition: QueueDefinition): JobQueue<unknown> {
    if (this.#stopped) throw unavailableError('it is being closed')
    let queue = this.#open.get(definition.name)
    if (!queue) {
      queue = this.#backend.createQueue<unknown>(definition.name, { defaultJobOptions: definition.options })
      queue.on('error', (error) => this.#log.debug({ ev: 'job-queue', queue: definition.name, err: toJobError(error) }))
      this.#open.set(definition.name, queue)
    }
    return queue
  }

  health(): Health {
    return this.#backend.health()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    const queues = [...this.#open.values()]
    this.#open.clear()
    await Promise.all(
      queues.map((queue) => queue.close().catch((err) => this.#log.debug({ ev: 'job-queue-close', queue: queue.name, err }))),
    )
  }
}

const reasonOf = (health: Health): string => (health.status === 'ok' ? 'it is not ready' : health.reason)
