import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import { errorCode, errorMessage } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { Backing } from './backing.ts'
import { startClusterThread } from './boot-thread.ts'
import { acquireDirLock } from './dir-lock.ts'
import { compileEngine } from './engine-module.ts'
import { checkEngineVersion, writeEngineVersion } from './engine-version.ts'
import { engineUnavailable } from './errors.ts'
import { Maintenance } from './maintenance.ts'
import { PgliteHost } from './pglite-host.ts'
import { RpcPool } from './pool-rpc.ts'
import { NO_CLIENT } from './wire.ts'
import type { ClusterInput } from './worker-input.ts'

export interface EmbeddedOptions {
  readonly dir: string
  readonly synchronousCommit: boolean
  readonly statementTimeoutMs: number
  readonly idleTransactionMs: number
  readonly log: Logger
  readonly clock: Clock
}

/** Names inside the folder of the embedded database. */
export const EMBEDDED_FILES = { cluster: 'pg', lock: 'lock', version: 'engine.json' } as const

/** Opens the embedded database of a folder for this process alone. */
export async function openEmbedded(options: EmbeddedOptions): Promise<Backing> {
  const { dir, clock } = options
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const pgData = join(dir, EMBEDDED_FILES.cluster)
  const versionPath = join(dir, EMBEDDED_FILES.version)
  const engine = await compileEngine()
  const lock = await acquireDirLock(join(dir, EMBEDDED_FILES.lock), clock)
  const host = new PgliteHost({ ...options, engine, pgData })
  try {
    if (existsSync(join(pgData, 'PG_VERSION'))) await checkEngineVersion(versionPath, join(pgData, 'PG_VERSION'))
    else await createClusterIn({ pgData, engine }, options.log)
    await host.start()
    await writeEngineVersion(versionPath, await banner(host))
  } catch (error) {
    await host.close()
    await lock.release()
    throw error
  }
  const pool = new RpcPool(host)
  const maintenance = new Maintenance({ ...options, pool })
  maintenance.start()
  return {
    pool,
    jobsPool: pool,
    health: () => host.health(),
    async close() {
      await maintenance.stop()
      await pool.end()
      await host.close()
      await lock.release()
    },
  }
}

/** In a thread of its own, whose memory is given back when it ends. */
async function createClusterIn(input: ClusterInput, log: Logger): Promise<void> {
  log.info({ ev: 'db-create', dir: input.pgData }, 'creating the database (first start)')
  const thread = startClusterThread(input)
  try {
    const [status] = await once(thread, 'exit')
    if (status !== 0) throw new Error(`creating it ended with status ${status}`)
  } catch (error) {
    throw engineUnavailable(errorMessage(error), errorCode(error))
  }
}

async function banner(host: PgliteHost): Promise<string> {
  const { rows } = await host.submit(NO_CLIENT, 'select version()', undefined)
  return rows[0]?.[0] ?? ''
}
