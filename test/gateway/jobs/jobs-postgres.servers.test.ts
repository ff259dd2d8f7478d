import { afterAll, beforeAll, describe } from 'vitest'
import { startPostgres, type TestPostgres } from '../../support/postgres.ts'
import { describeWith } from '../../support/servers.ts'
import { jobsConformance } from './conformance.ts'
import { queuesConformance } from './queues-conformance.ts'
import type { Target } from './target.ts'

describeWith('postgres', 'jobs on a Postgres server', () => {
  let server: TestPostgres
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(() => server?.stop())
  const target = (): Target => ({ kind: 'postgres', url: server.url })
  describe('BullMQ', () => jobsConformance(target))
  describe('of the gateway', () => queuesConformance(target))
})
