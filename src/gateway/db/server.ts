import { sleep } from '../../base/async.ts'
import type { Clock } from '../../base/clock.ts'
import { K2Error } from '../../base/errors.ts'
import type { Health } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/logger.ts'
import type { Backing } from './backing.ts'
import { toDbError } from './errors.ts'
import { PLANNER_SETTINGS } from './planner.ts'
import { type PostgresOptions, PostgresPool } from './postgres.ts'

/** Oldest server the SQL of this project runs on. */
const MINIMUM_MAJOR = 15
/** Connections for job queues: each worker and each event reader keeps one for listening, the others run statements. */
const JOB_POOL = 20
/** ms for one connection attempt. */
const CONNECT_MS = 5000
/** ms to wait at start for a server that is not up yet, as when both start together. */
const START_WAIT_MS = 10_000
/** ms between two looks at the server. */
const PROBE_MS = 5000

export interface ServerOptions {
  readonly url: string
  readonly poolSize: number
  readonly synchronousCommit: boolean
  readonly statementTimeoutMs: number
  readonly idleTransactionMs: number
  readonly log: Logger
  readonly clock: Clock
}

/** A Postgres server by URL. */
export async function openServer(options: ServerOptions): Promise<Backing> {
  const { url, synchronousCommit, statementTimeoutMs, idleTransactionMs, log, clock } = options
  const shared = {
    url,
    synchronousCommit,
    statementTimeoutMs,
    idleTransactionMs,
    connectTimeoutMs: CONNECT_MS,
    log,
  } satisfies Partial<PostgresOptions>
  const own = { searchPath: 'public', settings: PLANNER_SETTINGS, applicationName: 'k2gw' }
  const pool = new PostgresPool({ ...shared, ...own, max: options.poolSize })
  const jobsPool = new PostgresPool({ ...shared, max: JOB_POOL, searchPath: 'bullmq,public', applicationName: 'k2gw-jobs' })
  const close = async (): Promise<void> => {
    cancel()
    await Promise.all([pool.end(), jobsPool.end()])
  }
  let cancel = (): void => {}
  try {
    await waitForServer(pool, clock)
  } catch (error) {
    await close()
    throw error
  }
  let health: Health = { status: 'ok' }
  const probe = (): void => {
    cancel = clock.after(PROBE_MS, () => {
      pool
        .query('select 1')
        .then(
          () => {
            health = { status: 'ok' }
          },
          (error) => {
            health = { status: 'failed', reason: toDbError(error).message }
          },
        )
        .finally(probe)
    })
  }
  probe()
  return { pool, jobsPool, health: () => health, close }
}

async function waitForServer(pool: PostgresPool, clock: Clock): Promise<void> {
  const until = clock.monotonic() + START_WAIT_MS
  for (;;) {
    try {
      const { rows } = await pool.query<{ num: string; text: string }>(
        "select current_setting('server_version_num') as num, current_setting('server_version') as text",
      )
      return checkVersion(rows[0] as { num: string; text: string })
    } catch (error) {
      const failure = toDbError(error)
      if (failure.retry !== 'later' || clock.monotonic() >= until) throw failure
      await sleep(250)
    }
  }
}

function checkVersion(version: { num: string; text: string }): void {
  if (Number(version.num) >= MINIMUM_MAJOR * 10_000) return
  throw new K2Error({
    code: 'DB_SERVER_TOO_OLD',
    kind: 'config',
    message: `the database server is Postgres ${version.text}; version ${MINIMUM_MAJOR} or newer is needed`,
  })
}
