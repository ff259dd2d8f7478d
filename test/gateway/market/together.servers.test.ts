import { afterAll, beforeAll } from 'vitest'
import { type Database, openDatabase } from '../../../src/gateway/db/database.ts'
import { startPostgres, type TestPostgres } from '../../support/postgres.ts'
import { describeWith } from '../../support/servers.ts'
import { describeTogether } from './together-suite.ts'

describeWith('postgres', 'two gateways on one Postgres server', () => {
  let server: TestPostgres
  let databases: readonly Database<unknown>[] = []

  beforeAll(async () => {
    server = await startPostgres()
    databases = [
      await openDatabase({ driver: 'postgres', url: server.url }),
      await openDatabase({ driver: 'postgres', url: server.url }),
    ]
  }, 120_000)
  afterAll(async () => {
    for (const db of databases) await db.close()
    await server.stop()
  })

  describeTogether(() => databases as [Database<unknown>, Database<unknown>])
})
