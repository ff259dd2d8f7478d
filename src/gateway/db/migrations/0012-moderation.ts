import type { Migration } from '../migrate.ts'

/** Moderation (bridging 18): moderators, bars of one route, slow mode and raids, messages that wait for a decision. */
const STATEMENTS: readonly string[] = [
  'alter table k2.access_grant drop constraint access_grant_role_check',
  `alter table k2.access_grant add constraint access_grant_role_check check (role in ('trader', 'moderator', 'admin'))`,

  // An empty route: everywhere.
  `alter table k2.author_bar add column route text collate "C" not null default ''`,
  'alter table k2.author_bar drop constraint author_bar_pkey',
  'alter table k2.author_bar add primary key (author_key, kind, route)',

  // Set by moderators while running; an empty route: all routes.
  `create table k2.route_moderation (
    route text collate "C" primary key,
    slow_ms integer,
    raid_since bigint,
    raid_until bigint,
    decided_by text not null,
    at bigint not null
  )`,

  `create index inbox_quarantine on k2.inbox (received_at) where status = 'filtered' and envelope is not null`,
  // What the moderators were shown of a waiting message, so that it can be taken back.
  `create table k2.quarantine_notice (
    event_id text collate "C" primary key,
    notice jsonb not null,
    at bigint not null
  )`,
]

export const moderation: Migration = { name: '0012-moderation', sql: STATEMENTS.map((s) => `${s};`).join('\n') }
