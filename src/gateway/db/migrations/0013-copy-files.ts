import type { Migration } from '../migrate.ts'

/** Which files each native message shows, so that an edit can replace them (bridging 10.1). */
const STATEMENTS: readonly string[] = [
  // Of messages that were sent before nobody knows it; the default fills them in without rewriting the table.
  `alter table k2.copy add column files jsonb default '["?"]'`,
  'alter table k2.copy alter column files drop default',
]

export const copyFiles: Migration = { name: '0013-copy-files', sql: STATEMENTS.map((s) => `${s};`).join('\n') }
