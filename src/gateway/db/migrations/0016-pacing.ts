import type { Migration } from '../migrate.ts'

/** Messages that wait for their author's turn (bridging 16); when it is stands in `hold_until`. */
const STATEMENTS: readonly string[] = [
  `create index inbox_paced on k2.inbox (hold_until) where reason = 'wait:pace' and status = 'filtered' and envelope is not null`,
]

export const pacing: Migration = { name: '0016-pacing', sql: STATEMENTS.map((s) => `${s};`).join('\n') }
