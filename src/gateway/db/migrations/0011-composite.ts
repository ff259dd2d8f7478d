import type { Migration } from '../migrate.ts'

/** Logical messages that share one native message of a lane: it is a copy of `head`, and shows all of them in order. */
const STATEMENTS: readonly string[] = [
  `create table k2.composite (
    lane text collate "C" not null,
    cid uuid not null,
    head uuid not null,
    ord integer not null,
    turn jsonb not null,
    primary key (lane, cid)
  )`,
  'create index composite_head on k2.composite (head, lane)',
  'create index composite_cid on k2.composite (cid)',
]

export const composite: Migration = { name: '0011-composite', sql: STATEMENTS.map((s) => `${s};`).join('\n') }
