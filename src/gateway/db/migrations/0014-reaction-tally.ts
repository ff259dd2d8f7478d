import type { Migration } from '../migrate.ts'

/** The line below a copy that counts reactions which are not shown as such (bridging 10.4). */
const STATEMENTS: readonly string[] = [
  `create table k2.reaction_tally (
    cid uuid not null,
    lane text collate "C" not null,
    -- Empty: nobody reacts any more.
    line text not null,
    at bigint not null,
    primary key (cid, lane)
  )`,
]

export const reactionTally: Migration = { name: '0014-reaction-tally', sql: STATEMENTS.map((s) => `${s};`).join('\n') }
