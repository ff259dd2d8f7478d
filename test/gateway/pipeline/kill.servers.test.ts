import { it } from 'vitest'
import { startPostgres } from '../../support/postgres.ts'
import { describeWith } from '../../support/servers.ts'
import { killRounds } from './kill.ts'

describeWith('postgres', 'a Postgres server', () => {
  it('loses nothing and keeps order through kill -9 of the gateway', { timeout: 240_000 }, async () => {
    const server = await startPostgres()
    try {
      await killRounds(server.url)
    } finally {
      await server.stop()
    }
  })
})
