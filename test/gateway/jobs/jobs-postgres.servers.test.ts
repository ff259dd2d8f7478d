import { afterAll, beforeAll } from 'vitest'
import { startPostgres, type TestPostgres } from '../../support/postgres.ts'
import { describeWith } from '../../support/servers.ts'
import { jobsConformance } from './conformance.ts'

describeWith('postgres', 'jobs on a Postgres server', () => {
  let server: TestPostgres
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(() => server?.stop())
  jobsConformance(() => ({ kind: 'postgres', url: server.url }))
})
