import type { Migration } from '../migrate.ts'

/** What administrators decided about other nodes: blocked, or trusted, for good or until some time (ms). */
const STATEMENTS: readonly string[] = [
  `create table k2.peer_trust (
    peer text collate "C" primary key,
    level text not null check (level in ('blocked', 'trusted')),
    until_at bigint,
    reason text,
    decided_by text not null,
    at bigint not null
  )`,
]

export const trust: Migration = { name: '0010-trust', sql: STATEMENTS.map((s) => `${s};`).join('\n') }
