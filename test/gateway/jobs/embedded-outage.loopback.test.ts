import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { deferred } from '../../../src/base/async.ts'
import { nullLogger } from '../../../src/base/logger.ts'
import { type Database, openDatabase } from '../../../src/gateway/db/database.ts'
import { createJobBackend, type JobBackend } from '../../../src/gateway/jobs/backend.ts'
import { DELIVER, JobQueues } from '../../../src/gateway/jobs/queues.ts'
import { QueueWorker } from '../../../src/gateway/jobs/workers.ts'
import { embeddedDir, type TestDir } from '../../support/embedded.ts'

describe('jobs while the embedded engine crashes', () => {
  let made: TestDir
  let db: Database<unknown>
  let backend: JobBackend
  beforeAll(async () => {
    made = await embeddedDir()
    db = await openDatabase({ driver: 'embedded', dir: made.dir }, { migrations: [] })
    backend = createJobBackend({ driver: 'database', pool: db.jobsPool })
    await backend.start(new AbortController().signal)
  })
  afterAll(async () => {
    await backend?.stop()
    await db?.close()
    await made?.remove()
  })

  it('idle workers wake again afterwards, and the job that was running ends', { timeout: 90_000 }, async () => {
    const queues = new JobQueues(backend, nullLogger)
    const lanes: string[] = []
    const gate = deferred<void>()
    const worker = new QueueWorker({
      backend,
      queue: DELIVER,
      handlers: {
        wake: async ({ lane }) => {
          if (lane === 'long') await gate.promise
          lanes.push(lane)
        },
      },
      concurrency: 4,
      log: nullLogger,
    })
    await worker.start()
    await queues.wakeLane('first')
    await expect.poll(() => lanes, { timeout: 10_000 }).toEqual(['first'])
    await queues.wakeLane('long')
    await expect.poll(() => worker.stats.active, { timeout: 10_000 }).toBe(1)
    // Breaks the engine in the middle of a statement; see the tests of the database.
    await expect(db.pool.query("copy (select 1) to program 'true'")).rejects.toMatchObject({ code: 'DB_RESTARTED' })
    gate.resolve()
    await expect
      .poll(
        () =>
          queues.wakeLane('second').then(
            () => 'ok',
            () => 'not yet',
          ),
        { timeout: 20_000 },
      )
      .toBe('ok')
    // Less than the time after which an idle worker looks by itself: the notification reaches it.
    await expect.poll(() => [...lanes].sort(), { timeout: 20_000 }).toEqual(['first', 'long', 'second'])
    await expect
      .poll(() => queues.queue(DELIVER).getJobCounts('active', 'waiting'), { timeout: 20_000 })
      .toEqual({ active: 0, waiting: 0 })
    expect(worker.stats.failed).toBe(0)
    await worker.drain(AbortSignal.timeout(5000))
    await worker.stop()
    await queues.stop()
  })
})
