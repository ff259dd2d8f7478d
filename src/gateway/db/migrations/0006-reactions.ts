import type { Migration } from '../migrate.ts'

/** Who reacted with what, and what our accounts show of it elsewhere (bridging 3, 10.4). */
const STATEMENTS: readonly string[] = [
  `create table k2.reaction (
    cid uuid not null,
    actor_key text collate "C" not null,
    emoji_key text collate "C" not null,
    emoji_name text not null,
    network text not null,
    channel text not null,
    at bigint not null,
    primary key (cid, actor_key, emoji_key)
  )`,

  // Messages whose copies may show something else than they should.
  `create table k2.reaction_due (
    cid uuid primary key,
    due_at bigint not null
  ) with (fillfactor = 50)`,
  'create index reaction_due_at on k2.reaction_due (due_at)',

  // What our account shows at one native message: a JSON list of emoji keys.
  `create table k2.reaction_shown (
    network text collate "C" not null,
    account text collate "C" not null,
    channel text collate "C" not null,
    native_id text collate "C" not null,
    cid uuid not null,
    shown jsonb not null,
    primary key (network, account, channel, native_id)
  )`,
  'create index reaction_shown_cid on k2.reaction_shown (cid)',
]

export const reactions: Migration = { name: '0006-reactions', sql: STATEMENTS.map((s) => `${s};`).join('\n') }
