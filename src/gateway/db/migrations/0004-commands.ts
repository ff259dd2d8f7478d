import type { Migration } from '../migrate.ts'

/** Commands: who did what, who may, whose accounts belong together, and what was handled already. Times are ms. */
const STATEMENTS: readonly string[] = [
  `create table k2.command_audit (
    id bigint generated always as identity primary key,
    at bigint not null,
    surface text not null,
    place text,
    actor_key text not null,
    actor_name text not null,
    role text not null,
    command text not null,
    args jsonb not null,
    outcome text not null check (outcome in ('done', 'refused', 'failed')),
    code text,
    ms integer not null
  )`,
  'create index command_audit_at on k2.command_audit (at)',

  // Interactions that came already: platforms may deliver one twice.
  `create table k2.interaction_handled (
    id text collate "C" primary key,
    at bigint not null
  )`,
  'create index interaction_handled_at on k2.interaction_handled (at)',

  `create table k2.access_grant (
    account text collate "C" not null,
    role text not null check (role in ('trader', 'admin')),
    granted_by text not null,
    at bigint not null,
    primary key (account, role)
  )`,

  // Accounts of one person on several networks. A person is named by the account they linked first.
  `create table k2.account_link (
    account text collate "C" primary key,
    person text collate "C" not null,
    at bigint not null
  )`,
  'create index account_link_person on k2.account_link (person)',

  // Topics joined or left by command; configuration decides about all others.
  `create table k2.topic_choice (
    name text primary key,
    joined boolean not null,
    at bigint not null
  )`,
]

export const commands: Migration = { name: '0004-commands', sql: STATEMENTS.map((s) => `${s};`).join('\n') }
