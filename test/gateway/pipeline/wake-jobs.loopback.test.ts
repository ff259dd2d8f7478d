import { afterEach, describe, expect, it } from 'vitest'
import { deferred } from '../../../src/base/async.ts'
import { nullLogger } from '../../../src/base/logger.ts'
import type { SendOutcome } from '../../../src/bridges/port.ts'
import { openDatabase } from '../../../src/gateway/db/database.ts'
import { createJobBackend } from '../../../src/gateway/jobs/backend.ts'
import { DELIVER, JobQueues } from '../../../src/gateway/jobs/queues.ts'
import { QueueWorker } from '../../../src/gateway/jobs/workers.ts'
import { embeddedDir } from '../../support/embedded.ts'
import { startRig } from './rig.ts'
import { create, discord, route, telegram } from './scripted.ts'

/** So that only jobs can wake the other worker. */
const NO_SWEEP = { sweepMs: 3_600_000 }

describe('wake-ups by jobs', () => {
  const closing: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  it('give a lane that waits for a slot to another worker', async () => {
    const { dir, remove } = await embeddedDir()
    const db = await openDatabase({ driver: 'embedded', dir })
    closing.push(remove, () => db.close())
    const backend = createJobBackend({ driver: 'database', pool: db.jobsPool })
    await backend.start(new AbortController().signal)
    const queues = new JobQueues(backend, nullLogger)
    closing.push(
      () => backend.stop(),
      () => queues.stop(),
    )
    const places = [discord('710000000000000001'), discord('710000000000000002')]
    const sources = [telegram('-71'), telegram('-72')]
    const routes = places.map((place, i) => route(`r${i}`, [sources[i] as (typeof sources)[0], place]))
    const busy = await startRig(db, { jobs: queues, routes, limits: { ...NO_SWEEP, deliveries: 1 } })
    const free = await startRig(db, { routes, limits: NO_SWEEP })
    const worker = new QueueWorker({
      backend,
      queue: DELIVER,
      handlers: { wake: ({ lane }) => free.pipeline.runLane(lane) },
      concurrency: 4,
      log: nullLogger,
    })
    closing.push(
      () => busy.stop(0),
      () => free.stop(0),
      () => worker.stop(),
    )
    await worker.start()
    const stuck = deferred<SendOutcome>()
    busy.dc.script = () => stuck.promise
    await busy.ingest([create(sources[0] as (typeof sources)[0], '1', 'never')])
    await busy.dc.until(() => busy.dc.requests.length === 1)
    await busy.ingest([create(sources[1] as (typeof sources)[0], '2', 'by job')])
    await free.dc.until(() => free.dc.total === 1)
    expect(free.dc.texts('710000000000000002')).toEqual(['by job'])
    expect(busy.dc.requests).toHaveLength(1)
    stuck.resolve({ kind: 'not-sent', code: 'X', message: 'x' })
  })
})
