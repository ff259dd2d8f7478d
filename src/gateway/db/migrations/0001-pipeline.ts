import type { Migration } from '../migrate.ts'

/**
 * Tables of the message pipeline (bridging 3 and 15.1). Times are ms since the epoch, native ids text in byte order.
 * Open work is found by `done_at is null` alone, and `state` is in no index: a delivery that is taken and sent changes no
 * index until it ends. Tables that are updated often leave room in their pages for the next version of a row.
 */
const STATEMENTS: readonly string[] = [
  // Every event ever taken, so that it is taken once. `envelope` is the content deliveries send; none for refused events.
  `create table k2.inbox (
    event_id text collate "C" primary key,
    network text not null,
    account text not null,
    kind text not null,
    cid uuid,
    status text not null check (status in ('routed', 'filtered', 'dropped', 'held')),
    reason text,
    envelope jsonb,
    trace jsonb,
    occurred_at bigint not null,
    received_at bigint not null,
    hold_key text,
    hold_until bigint
  )`,
  'create index inbox_received on k2.inbox (received_at)',
  // Edits and deletes that came before their message.
  `create index inbox_held on k2.inbox (hold_key) where hold_key is not null`,

  // One logical message. Its origin is the copy with role 'origin'.
  `create table k2.message (
    cid uuid primary key,
    network text not null,
    account text not null,
    scope text not null,
    space text,
    channel text not null,
    thread text,
    native_id text not null,
    lane text collate "C" not null,
    author_key text not null,
    author_name text not null,
    reply jsonb,
    revision integer not null default 0,
    body_hash text not null,
    excerpt text not null,
    occurred_at bigint not null,
    created_at bigint not null,
    edited_at bigint,
    deleted_at bigint
  )`,

  // Every native message that shows all or part of a logical one. 'scope' is the account where ids belong to it alone.
  `create table k2.copy (
    network text collate "C" not null,
    scope text collate "C" not null,
    channel text collate "C" not null,
    native_id text collate "C" not null,
    account text not null,
    thread text,
    cid uuid not null,
    part integer not null,
    role text not null check (role in ('origin', 'text', 'file', 'album', 'composite')),
    lane text collate "C" not null,
    created_at bigint not null,
    primary key (network, scope, channel, native_id)
  )`,
  'create index copy_cid on k2.copy (cid)',

  // A destination: order counter, lease, and why it stands still if it does. Below 'head_seq' nothing is open but parked
  // deliveries: without it every search for the head would pass all index entries of finished ones that no vacuum removed.
  `create table k2.lane (
    id text collate "C" primary key,
    network text not null,
    account text not null,
    scope text not null,
    space text,
    channel text not null,
    thread text,
    next_seq bigint not null default 0,
    head_seq bigint not null default 0,
    lease_owner text,
    lease_until bigint not null default 0,
    fence bigint not null default 0,
    suspended_at bigint,
    suspended_code text,
    suspended_reason text,
    probe_at bigint,
    probes integer not null default 0,
    notice_id uuid,
    notice_count integer not null default 0,
    notice_from bigint,
    notice_to bigint,
    created_at bigint not null
  ) with (fillfactor = 50)`,

  `create table k2.delivery (
    id uuid primary key,
    cid uuid not null,
    event_id text collate "C" not null,
    route text not null,
    lane text collate "C" not null,
    lane_seq bigint not null,
    op text not null check (op in ('create', 'edit', 'delete')),
    revision integer not null,
    state text not null check (state in
      ('pending', 'leased', 'ambiguous', 'parked', 'done', 'cancelled', 'dead', 'expired')),
    attempt integer not null default 0,
    not_before bigint not null default 0,
    sent_at bigint,
    first_sent_at bigint,
    ambiguous_since bigint,
    failed_since bigint,
    parked_at bigint,
    render jsonb not null,
    parts jsonb,
    last_error text,
    occurred_at bigint not null,
    expires_at bigint not null,
    created_at bigint not null,
    done_at bigint
  ) with (fillfactor = 70)`,
  'create unique index delivery_order on k2.delivery (lane, lane_seq)',
  'create index delivery_open on k2.delivery (lane, lane_seq) where done_at is null',
  'create index delivery_parked on k2.delivery (lane) where parked_at is not null and done_at is null',
  'create index delivery_cid on k2.delivery (cid)',

  `create table k2.dead_letter (
    id uuid primary key,
    cid uuid not null,
    event_id text not null,
    route text not null,
    lane text not null,
    op text not null,
    revision integer not null,
    render jsonb not null,
    code text not null,
    message text not null,
    attempt integer not null,
    envelope jsonb,
    died_at bigint not null,
    state text not null default 'open' check (state in ('open', 'replayed', 'discarded')),
    settled_at bigint,
    replay_id uuid
  )`,
  `create index dead_letter_open on k2.dead_letter (died_at) where state = 'open'`,

  // How far each source stream was ingested; moves in the transaction that stores its events.
  `create table k2.cursor (
    account text not null,
    stream text not null,
    value text not null,
    primary key (account, stream)
  ) with (fillfactor = 50)`,

  // Our webhooks, known before anything connects, so that their echoes are recognised. The token is sealed.
  `create table k2.webhook (
    account text not null,
    channel text not null,
    id text not null,
    token text not null,
    created_at bigint not null,
    primary key (account, channel)
  )`,

  `create table k2.webchat_message (
    room text collate "C" not null,
    seq bigint generated always as identity,
    id text collate "C" not null,
    author jsonb not null,
    body jsonb not null,
    reply_to text,
    at bigint not null,
    edited_at bigint,
    deleted_at bigint,
    primary key (room, id)
  )`,
  'create index webchat_history on k2.webchat_message (room, seq)',

  // Set by administrators while running; configuration decides the rest.
  `create table k2.route_state (
    route text primary key,
    paused boolean not null default false,
    changed_at bigint not null
  )`,
]

export const pipeline: Migration = { name: '0001-pipeline', sql: STATEMENTS.map((s) => `${s};`).join('\n') }
