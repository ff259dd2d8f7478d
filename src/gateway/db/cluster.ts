import { rename, rm } from 'node:fs/promises'
import { PGlite } from '@electric-sql/pglite'
import type { EngineModule } from './engine-module.ts'

/** What a new cluster looks like; changing it does not change existing ones. */
const INITDB_ARGS = [
  // Log segments of 1 MB instead of 16 keep a new directory small and make log files reusable early.
  '--wal-segsize=1',
]

/**
 * Creates the cluster `pgData`, beside its place and then renamed: an interrupted first start leaves nothing that looks like
 * a database. Needs several hundred MB while it runs: meant for a thread that ends.
 */
export async function createCluster(pgData: string, engine: EngineModule): Promise<void> {
  const draft = `${pgData}.new`
  await rm(draft, { recursive: true, force: true })
  const db = await PGlite.create(draft, { pgliteWasmModule: engine, initDbStartParams: INITDB_ARGS })
  await db.close()
  await rename(draft, pgData)
}
