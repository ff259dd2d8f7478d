import type { Migration } from '../migrate.ts'

/** Threads and topics that routes made for each other (bridging 10.5). */
const STATEMENTS: readonly string[] = [
  `create table k2.thread_pair (
    id text collate "C" primary key,
    route text not null,
    title text not null,
    places jsonb not null,
    created_at bigint not null
  )`,
]

export const threadPairs: Migration = { name: '0015-thread-pairs', sql: STATEMENTS.map((s) => `${s};`).join('\n') }
