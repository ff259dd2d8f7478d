import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { Backing } from './database.ts'
import { PgliteHost } from './pglite-host.ts'
import { RpcPool } from './pool-rpc.ts'

export interface EmbeddedOptions {
  readonly dir: string
  readonly synchronousCommit: boolean
  readonly statementTimeoutMs: number
  readonly idleTransactionMs: number
  readonly log: Logger
  readonly clock: Clock
}

/** The embedded database of a folder: `pg/` is the cluster. */
export async function openEmbedded(options: EmbeddedOptions): Promise<Backing> {
  await mkdir(options.dir, { recursive: true, mode: 0o700 })
  const host = new PgliteHost({ ...options, pgData: join(options.dir, 'pg') })
  await host.start()
  const pool = new RpcPool(host)
  return {
    pool,
    jobsPool: pool,
    health: () => host.health(),
    async close() {
      await pool.end()
      await host.close()
    },
  }
}
