import type { Clock } from '../../base/clock.ts'
import type { PgPool } from '../db/pool.ts'
import { PRUNE_DEAD_LETTERS, PRUNE_DELIVERIES, PRUNE_INBOX, PRUNE_MESSAGES } from '../db/sql/prune.ts'
import { run } from '../db/sql/statement.ts'
import type { PipelineLimits } from './limits.ts'

/** Rows of one statement: a few ms, so that nothing waits noticeably. */
const BATCH = 500
/** Statements of one sweep and table; the rest waits for the next sweep. */
const MAX_BATCHES = 200

/** Removes what retention no longer keeps, in small batches. Answers how many rows went. */
export async function prune(tools: {
  readonly pool: PgPool
  readonly clock: Clock
  readonly limits: PipelineLimits
  readonly signal?: AbortSignal
}): Promise<number> {
  const now = tools.clock.now()
  const { inboxMs, retentionMs } = tools.limits
  const work = [
    [PRUNE_DELIVERIES, now - inboxMs],
    [PRUNE_INBOX, now - inboxMs],
    [PRUNE_DEAD_LETTERS, now - inboxMs],
    [PRUNE_MESSAGES, now - retentionMs],
  ] as const
  let total = 0
  for (const [statement, before] of work) {
    for (let i = 0; i < MAX_BATCHES && !tools.signal?.aborted; i++) {
      const [row] = await run<{ count: number }>(tools.pool, statement, [before, BATCH])
      total += row?.count ?? 0
      if ((row?.count ?? 0) < BATCH) break
    }
  }
  return total
}
