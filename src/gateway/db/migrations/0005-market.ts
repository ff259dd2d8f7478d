import type { Migration } from '../migrate.ts'

/**
 * The market (rules 17.1): what messages want, who hears of it, and what was said. Times are ms since the epoch; people and
 * accounts are author keys such as `telegram:12345`. `record`, `query` and `notice` are checked when they are read.
 */
const STATEMENTS: readonly string[] = [
  // Order in which events were stored: how far messages were read is one number.
  'alter table k2.inbox add column seq bigint generated always as identity',
  'create index inbox_seq on k2.inbox (seq)',

  // How far the inbox was read, and by whom: one gateway reads at a time.
  `create table k2.market_reader (
    name text primary key,
    seq bigint not null,
    owner text,
    until bigint not null default 0
  ) with (fillfactor = 50)`,

  // Intents of all sources with their life; `record` holds slots and thread state, `origin` where to answer.
  `create table k2.market_intent (
    intent_id text collate "C" primary key,
    owner text collate "C" not null,
    platform text not null,
    channel text not null,
    kind text not null,
    side text not null check (side in ('offer', 'want', 'exchange')),
    slug text,
    k2_topic text,
    status text not null check (status in ('draft', 'open', 'paused', 'closed', 'expired', 'withdrawn')),
    confidence real not null,
    revision integer not null,
    record jsonb not null,
    origin jsonb not null,
    consent jsonb,
    published jsonb,
    created_at bigint not null,
    updated_at bigint not null,
    expires_at bigint not null
  ) with (fillfactor = 70)`,
  `create index market_intent_live on k2.market_intent (intent_id) where status in ('draft', 'open', 'paused')`,
  'create index market_intent_recent on k2.market_intent (updated_at)',
  'create index market_intent_owner on k2.market_intent (owner, updated_at)',

  `create table k2.market_revision (
    intent_id text collate "C" not null,
    revision integer not null,
    slots jsonb not null,
    reason text not null,
    at bigint not null,
    primary key (intent_id, revision)
  )`,
  'create index market_revision_at on k2.market_revision (at)',

  // Who agreed once to have what they offer in a place published.
  `create table k2.market_consent (
    person text collate "C" not null,
    place text collate "C" not null,
    shown text not null,
    at bigint not null,
    primary key (person, place)
  )`,

  `create table k2.market_search (
    id text collate "C" primary key,
    owner text collate "C" not null,
    words text not null,
    query jsonb not null,
    reach jsonb not null,
    status text not null check (status in ('active', 'paused')),
    paused_until bigint,
    hits integer not null default 0,
    last_hit_at bigint,
    created_at bigint not null,
    expires_at bigint not null
  ) with (fillfactor = 70)`,
  'create index market_search_owner on k2.market_search (owner)',

  `create table k2.market_match (
    want_id text collate "C" not null,
    offer_id text collate "C" not null,
    score real not null,
    parts jsonb not null,
    at bigint not null,
    primary key (want_id, offer_id)
  )`,
  'create index market_match_offer on k2.market_match (offer_id)',
  'create index market_match_at on k2.market_match (at)',

  // Every decision about telling somebody of an intent; fingerprints and digests are made of these rows.
  `create table k2.market_alert (
    alert_id text collate "C" primary key,
    recipient text collate "C" not null,
    intent_id text collate "C" not null,
    revision integer not null,
    causes jsonb not null,
    result text not null check (result in ('send', 'digest', 'drop')),
    step text not null,
    reason text not null,
    record jsonb,
    digest jsonb,
    feedback text,
    created_at bigint not null,
    taken_at bigint
  ) with (fillfactor = 80)`,
  'create index market_alert_at on k2.market_alert (created_at)',
  'create index market_alert_recipient on k2.market_alert (recipient, created_at)',
  `create index market_alert_digest on k2.market_alert (alert_id) where digest is not null and taken_at is null`,

  // What the gateway itself has to say to people: cards, alerts, answers. Sent at least once, tried again while it makes sense.
  `create table k2.market_notice (
    id text collate "C" primary key,
    kind text not null,
    target jsonb not null,
    notice jsonb not null,
    intent_id text collate "C",
    state text not null check (state in ('waiting', 'sent', 'failed', 'cancelled')),
    attempts integer not null default 0,
    due_at bigint not null,
    ref jsonb,
    error text,
    created_at bigint not null,
    sent_at bigint
  ) with (fillfactor = 50)`,
  `create index market_notice_waiting on k2.market_notice (due_at) where state = 'waiting'`,
  'create index market_notice_intent on k2.market_notice (intent_id)',
  'create index market_notice_at on k2.market_notice (created_at)',

  // Settings people made: time zone, quiet hours, caps, mutes.
  `create table k2.market_person (
    person text collate "C" primary key,
    settings jsonb not null,
    updated_at bigint not null
  )`,

  // Modes of channels set by administrators; configuration decides about all others.
  `create table k2.market_profile (
    place text collate "C" primary key,
    mode text not null check (mode in ('off', 'observe', 'assist', 'auto')),
    updated_by text not null,
    updated_at bigint not null
  )`,

  `create table k2.rule_set (
    version text collate "C" not null,
    loaded_at bigint not null,
    author text not null,
    files jsonb not null,
    difference jsonb not null,
    primary key (loaded_at, version)
  )`,

  `create table k2.rule_state (
    kind text not null,
    rule text not null,
    key text not null,
    value jsonb not null,
    expires_at bigint not null,
    primary key (kind, rule, key)
  ) with (fillfactor = 50)`,

  `create table k2.market_trace (
    message_id text collate "C" primary key,
    class text not null check (class in ('fired', 'near', 'dull')),
    trace jsonb not null,
    at bigint not null
  )`,
  'create index market_trace_at on k2.market_trace (at)',

  `create table k2.market_feedback (
    message_id text collate "C" not null,
    person text collate "C" not null,
    verdict text not null,
    reading jsonb not null,
    at bigint not null,
    primary key (message_id, person)
  )`,

  `create table k2.model_answer (
    key text collate "C" primary key,
    answer jsonb not null,
    at bigint not null
  )`,
  'create index model_answer_at on k2.model_answer (at)',
]

export const market: Migration = { name: '0005-market', sql: STATEMENTS.map((s) => `${s};`).join('\n') }
