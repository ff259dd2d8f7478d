import type { Migration } from '../migrate.ts'

/**
 * What was said to and by other nodes directly, to read it again. `person`: who of this gateway's people wrote it or is answered by
 * it, null where nobody wrote before.
 */
const STATEMENTS: readonly string[] = [
  `create table k2.direct_line (
    seq bigserial primary key,
    peer text collate "C" not null,
    id text collate "C" not null,
    way text not null,
    person text collate "C",
    name text not null,
    text text not null,
    verified boolean not null,
    at bigint not null,
    unique (peer, id, way)
  )`,
  'create index direct_line_peer on k2.direct_line (peer, seq)',
]

export const directLines: Migration = { name: '0017-direct-lines', sql: STATEMENTS.map((s) => `${s};`).join('\n') }
