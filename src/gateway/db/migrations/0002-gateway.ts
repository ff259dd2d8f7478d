import type { Migration } from '../migrate.ts'

/** What the node and the bridges remember across restarts beside messages. */
const STATEMENTS: readonly string[] = [
  // Chat lines sent to K2 and when, so that a repeated attempt carries the same time.
  `create table k2.sent_line (
    key text collate "C" primary key,
    topic text not null,
    sent_at bigint not null,
    attempts integer not null
  ) with (fillfactor = 70)`,
  'create index sent_line_age on k2.sent_line (sent_at)',

  // Gateways that confirm lines of a topic.
  `create table k2.confirmer (
    peer text not null,
    topic text not null,
    primary key (peer, topic)
  )`,

  // Offers, interests and requests of peers that are shown at the moment: one JSON list per account.
  `create table k2.peer_intents (
    account text primary key,
    intents jsonb not null,
    saved_at bigint not null
  )`,

  // Telegram groups that became supergroups: old id to new id.
  `create table k2.telegram_alias (
    account text not null,
    chat text not null,
    moved_to text not null,
    primary key (account, chat)
  )`,
]

export const gateway: Migration = { name: '0002-gateway', sql: STATEMENTS.map((s) => `${s};`).join('\n') }
