import { afterAll, beforeAll } from 'vitest'
import { openDatabase } from '../../../src/gateway/db/database.ts'
import { startPostgres, type TestPostgres } from '../../support/postgres.ts'
import { describeWith } from '../../support/servers.ts'
import { poolConformance } from './pool-conformance.ts'

describeWith('postgres', 'pool on a Postgres server', () => {
  let server: TestPostgres
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(() => server?.stop())
  poolConformance({ open: (options) => openDatabase({ driver: 'postgres', url: server.url }, options) })
})
