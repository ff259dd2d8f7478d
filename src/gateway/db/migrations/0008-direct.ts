import type { Migration } from '../migrate.ts'

/** Routes chosen by commands, direct conversations, and people who are kept out (bridging 18, 19). */
const STATEMENTS: readonly string[] = [
  // As the configuration writes it; null: taken away.
  `create table k2.route_choice (
    route text collate "C" primary key,
    definition jsonb,
    chosen_by text not null,
    at bigint not null
  )`,

  // Whose messages are not bridged: ban and mute by moderators, optout by the author.
  `create table k2.author_bar (
    author_key text collate "C" not null,
    kind text not null,
    until_at bigint,
    reason text,
    barred_by text not null,
    at bigint not null,
    primary key (author_key, kind)
  )`,

  // A person's conversation with the bot, joined with a K2 contact (pair) or a thread of the staff (inbox).
  `create table k2.direct (
    id text collate "C" primary key,
    kind text not null,
    person_key text collate "C" not null,
    person_name text not null,
    person jsonb not null,
    person_at text collate "C" not null,
    other jsonb not null,
    other_at text collate "C" not null,
    other_name text not null,
    opened_at bigint not null,
    active_at bigint not null,
    closed_at bigint,
    closed_by text
  )`,
  'create unique index direct_person on k2.direct (person_at) where closed_at is null',
  'create unique index direct_other on k2.direct (other_at) where closed_at is null',

  // Somebody wants to talk with a K2 contact; the contact says the code, or a moderator agrees.
  `create table k2.direct_request (
    code text collate "C" primary key,
    person_key text collate "C" not null,
    person_name text not null,
    person jsonb not null,
    contact text collate "C" not null,
    tries integer not null default 0,
    asked_at bigint not null,
    expires_at bigint not null
  )`,

  `create table k2.direct_block (
    who text collate "C" not null,
    blocked text collate "C" not null,
    at bigint not null,
    primary key (who, blocked)
  )`,

  // What people wrote before their conversation was open: taken up in this order.
  `create table k2.direct_waiting (
    seq bigint generated always as identity primary key,
    event_id text collate "C" not null unique,
    person_at text collate "C" not null,
    account text not null,
    envelope jsonb not null,
    at bigint not null
  )`,
  'create index direct_waiting_place on k2.direct_waiting (person_at, seq)',
]

export const direct: Migration = { name: '0008-direct', sql: STATEMENTS.map((s) => `${s};`).join('\n') }
