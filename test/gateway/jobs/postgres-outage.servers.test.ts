import { afterAll, beforeAll, expect, it } from 'vitest'
import { nullLogger } from '../../../src/base/logger.ts'
import { type Database, openDatabase } from '../../../src/gateway/db/database.ts'
import { createJobBackend, type JobBackend } from '../../../src/gateway/jobs/backend.ts'
import { DELIVER, JobQueues } from '../../../src/gateway/jobs/queues.ts'
import { QueueWorker } from '../../../src/gateway/jobs/workers.ts'
import { startPostgres, type TestPostgres } from '../../support/postgres.ts'
import { describeWith } from '../../support/servers.ts'

describeWith('postgres', 'jobs while the Postgres server goes away', () => {
  let server: TestPostgres
  let db: Database<unknown>
  let backend: JobBackend
  beforeAll(async () => {
    server = await startPostgres()
    db = await openDatabase({ driver: 'postgres', url: server.url }, { migrations: [] })
    backend = createJobBackend({ driver: 'database', pool: db.jobsPool })
    await backend.start(new AbortController().signal)
  })
  afterAll(async () => {
    await backend?.stop()
    await db?.close()
    await server?.stop()
  })

  it('fail clearly meanwhile and go on afterwards, each time', { timeout: 90_000 }, async () => {
    const queues = new JobQueues(backend, nullLogger)
    const lanes: string[] = []
    const worker = new QueueWorker({
      backend,
      queue: DELIVER,
      handlers: { wake: async ({ lane }) => void lanes.push(lane) },
      concurrency: 4,
      log: nullLogger,
    })
    await worker.start()
    await queues.wakeLane('0')
    await expect.poll(() => lanes, { timeout: 10_000 }).toEqual(['0'])
    for (const round of ['1', '2']) {
      await server.kill()
      await expect(queues.wakeLane('lost')).rejects.toMatchObject({ code: 'JOB_UNAVAILABLE', retry: 'later' })
      await server.restart()
      await expect
        .poll(
          () =>
            queues.wakeLane(round).then(
              () => 'ok',
              () => 'not yet',
            ),
          { timeout: 20_000 },
        )
        .toBe('ok')
      await expect.poll(() => lanes.at(-1), { timeout: 20_000 }).toBe(round)
    }
    // Connections ended by an administrator are replaced as well.
    await server.admin("select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'k2gw%'")
    await expect
      .poll(
        () =>
          queues.wakeLane('end').then(
            () => 'ok',
            () => 'not yet',
          ),
        { timeout: 20_000 },
      )
      .toBe('ok')
    await expect.poll(() => lanes.at(-1), { timeout: 20_000 }).toBe('end')
    await worker.stop()
    await queues.stop()
  })
})
