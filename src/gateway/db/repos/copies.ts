import type { KnownCopies } from '../../../bridges/discord/index.ts'
import type { PgPool } from '../pool.ts'
import { run, statement } from '../sql/statement.ts'

const KNOWN = statement(
  'copies_known',
  `select native_id from k2.copy where network = $1 and channel = $2 and native_id = any($3::text[])`,
)

/** Which messages of a Discord channel belong to deliveries already: a doubtful send must not take one of them for its own. */
export function knownCopies(pool: PgPool): KnownCopies {
  return async (channel, ids) => {
    const rows = await run<{ native_id: string }>(pool, KNOWN, ['discord', channel, [...ids]])
    return new Set(rows.map((row) => row.native_id))
  }
}
