import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { openDatabase } from '../src/gateway/db/database.ts'
import { createJobBackend, type JobBackend } from '../src/gateway/jobs/backend.ts'

export interface JobFigures {
  readonly jobs: number
  readonly firstStartMs: number
  readonly reopenMs: number
  /** `add` awaited one after the other while a worker takes them, jobs per second until all ran. */
  readonly sequentialPerSecond: number
  readonly addBulkPerSecond: number
  /** Added at once and all processed. */
  readonly bulkProcessedPerSecond: number
  /** One job at a time to an idle worker. */
  readonly idleMs: { readonly p50: number; readonly p95: number; readonly max: number }
  /** Delay of the main thread's event loop while jobs run. */
  readonly loopDelayP99Ms: number
  readonly rssMiB: number
}

const CONCURRENCY = 10
const KEEP_NOTHING = { removeOnComplete: true }

const round = (value: number): number => Math.round(value * 10) / 10
const percentile = (sorted: readonly number[], part: number): number => round(sorted[Math.floor((sorted.length - 1) * part)] ?? 0)

/** Speed of the job queues on the embedded database, the default store. */
export async function benchJobs(options: { readonly quick?: boolean } = {}): Promise<JobFigures> {
  const jobs = options.quick ? 300 : 1500
  const parent = await mkdtemp(join(tmpdir(), 'k2-bench-jobs-'))
  const config = { driver: 'embedded' as const, dir: join(parent, 'db') }
  try {
    const begun = performance.now()
    await (await openDatabase<unknown>(config)).close()
    const firstStartMs = Math.round(performance.now() - begun)
    const reopened = performance.now()
    const db = await openDatabase<unknown>(config)
    const reopenMs = Math.round(performance.now() - reopened)
    const backend = createJobBackend({ driver: 'database', pool: db.jobsPool })
    await backend.start(new AbortController().signal)
    try {
      return { jobs, firstStartMs, reopenMs, ...(await measure(backend, jobs)) }
    } finally {
      await backend.stop()
      await db.close()
    }
  } finally {
    await rm(parent, { recursive: true, force: true })
  }
}

async function measure(backend: JobBackend, jobs: number): Promise<Omit<JobFigures, 'jobs' | 'firstStartMs' | 'reopenMs'>> {
  const queue = backend.createQueue<{ at: number }>('bench', { defaultJobOptions: KEEP_NOTHING })
  let done = 0
  let wake = (): void => {}
  const waits: number[] = []
  const worker = backend.createWorker<{ at: number }>(
    'bench',
    async (job) => {
      waits.push(performance.now() - job.data.at)
      done++
      wake()
    },
    { concurrency: CONCURRENCY },
  )
  worker.on('error', (error) => console.error(error))
  const until = async (count: number): Promise<void> => {
    while (done < count) await new Promise<void>((resolve) => (wake = resolve))
  }
  try {
    await worker.waitUntilReady()
    for (let i = 0; i < 50; i++) await queue.add('warm', { at: performance.now() })
    await until(50)

    const delay = monitorEventLoopDelay({ resolution: 2 })
    delay.enable()
    let from = done
    let begun = performance.now()
    for (let i = 0; i < jobs; i++) await queue.add('one', { at: performance.now() })
    await until(from + jobs)
    const sequentialPerSecond = Math.round((jobs * 1000) / (performance.now() - begun))

    from = done
    begun = performance.now()
    await queue.addBulk(Array.from({ length: jobs }, () => ({ name: 'many', data: { at: begun } })))
    const added = performance.now()
    await until(from + jobs)
    const bulkProcessedPerSecond = Math.round((jobs * 1000) / (performance.now() - begun))
    delay.disable()

    waits.length = 0
    for (let i = 0; i < 60; i++) {
      await new Promise((resolve) => setTimeout(resolve, 30))
      await queue.add('idle', { at: performance.now() })
      await until(from + jobs + i + 1)
    }
    waits.sort((a, b) => a - b)
    return {
      sequentialPerSecond,
      addBulkPerSecond: Math.round((jobs * 1000) / (added - begun)),
      bulkProcessedPerSecond,
      idleMs: { p50: percentile(waits, 0.5), p95: percentile(waits, 0.95), max: percentile(waits, 1) },
      loopDelayP99Ms: round(delay.percentile(99) / 1e6),
      rssMiB: Math.round(process.memoryUsage().rss / 1024 ** 2),
    }
  } finally {
    await worker.close()
    await queue.close()
  }
}
