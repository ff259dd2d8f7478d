import { openDatabase } from '../../../src/gateway/db/database.ts'
import { startPostgres } from '../../support/postgres.ts'
import { describeWith } from '../../support/servers.ts'
import { pacingSuite } from './pacing-suite.ts'

describeWith('postgres', 'a Postgres server', () => {
  pacingSuite('pacing on a Postgres server', async () => {
    const server = await startPostgres()
    const db = await openDatabase({ driver: 'postgres', url: server.url })
    return {
      db,
      async close() {
        await db.close()
        await server.stop()
      },
    }
  })
})
