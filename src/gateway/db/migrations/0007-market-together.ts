import type { Migration } from '../migrate.ts'

/** Several gateways on one database, conversations about offers, and rules that were gone back to. */
const STATEMENTS: readonly string[] = [
  // Digest of the rule files a version was chosen over by hand: it holds until they change.
  'alter table k2.rule_set add column chosen_over text',

  // What one gateway changed and the others read again; in the order of commits, since writers take turns.
  `create table k2.market_change (
    seq bigint generated always as identity primary key,
    source text not null,
    kind text not null,
    key text not null,
    at bigint not null
  )`,
  'create index market_change_at on k2.market_change (at)',

  // Somebody was interested in an offer: the two can write to each other. Without a way to be reached: a peer of K2.
  `create table k2.market_talk (
    id text collate "C" primary key,
    intent_id text collate "C" not null,
    about text not null,
    owner text collate "C" not null,
    owner_name text not null,
    owner_reach jsonb,
    other text collate "C" not null,
    other_name text not null,
    other_reach jsonb,
    opened_at bigint not null,
    last_at bigint not null
  ) with (fillfactor = 70)`,
  'create index market_talk_owner on k2.market_talk (owner, last_at)',
  'create index market_talk_other on k2.market_talk (other, last_at)',
]

export const marketTogether: Migration = { name: '0007-market-together', sql: STATEMENTS.map((s) => `${s};`).join('\n') }
