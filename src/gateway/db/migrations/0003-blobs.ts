import type { Migration } from '../migrate.ts'

/**
 * Files for people: what was asked for, what is being fetched, what is there, and links to it. Blobs themselves are in the
 * node's store. Tickets name addresses but hold no secret; links are useless without their signature. Times are ms since the
 * epoch. `gateway` is the node a row belongs to: several may share a database.
 */
const STATEMENTS: readonly string[] = [
  // One fetch serves every job that wants the blob. The lease is `lease_until`, held by `home` under `fence`; `home` keeps the
  // first right to go on until `home_until`, because it has a part of the blob.
  `create table k2.blob_fetch (
    id uuid primary key,
    gateway text not null,
    hash text collate "C" not null,
    format text not null check (format in ('raw', 'hash-seq')),
    providers jsonb not null,
    priority integer not null,
    max_bytes bigint not null,
    status text not null check (status in ('pending', 'running', 'fetched', 'stored', 'failed', 'cancelled')),
    size bigint,
    bytes bigint not null default 0,
    attempts integer not null default 0,
    not_before bigint not null default 0,
    home text,
    home_until bigint not null default 0,
    lease_until bigint not null default 0,
    fence bigint not null default 0,
    holder jsonb,
    error_code text,
    error_message text,
    created_at bigint not null,
    updated_at bigint not null,
    done_at bigint
  ) with (fillfactor = 50)`,
  'create unique index blob_fetch_open on k2.blob_fetch (gateway, hash, format) where done_at is null',

  `create table k2.blob_job (
    id uuid primary key,
    gateway text not null,
    kind text not null check (kind in ('fetch', 'share')),
    requester text collate "C" not null,
    request_key text collate "C",
    place jsonb,
    name text not null,
    hash text,
    format text,
    fetch_id uuid,
    source jsonb,
    policy jsonb not null,
    status text not null check (status in ('queued', 'ready', 'done', 'failed', 'cancelled')),
    size bigint,
    attempts integer not null default 0,
    not_before bigint not null default 0,
    result jsonb,
    error_code text,
    error_message text,
    created_at bigint not null,
    updated_at bigint not null,
    expires_at bigint not null,
    done_at bigint
  ) with (fillfactor = 70)`,
  'create unique index blob_job_request on k2.blob_job (gateway, requester, request_key) where request_key is not null',
  'create index blob_job_open on k2.blob_job (gateway, created_at) where done_at is null',
  'create index blob_job_requester on k2.blob_job (gateway, requester, created_at)',
  'create index blob_job_fetch on k2.blob_job (fetch_id)',

  // What the store holds for people, under which name and until when; a tag of the store named after the id keeps the blob.
  // `share` is what people hand on, made once: a message that is sent again must not change with the node's addresses.
  `create table k2.blob_file (
    id uuid primary key,
    gateway text not null,
    hash text collate "C" not null,
    format text not null,
    name text not null,
    mime text not null,
    size bigint not null,
    share text not null,
    owner text not null,
    origin text not null check (origin in ('upload', 'fetch', 'attachment')),
    created_at bigint not null,
    expires_at bigint not null
  )`,
  'create index blob_file_recent on k2.blob_file (gateway, created_at)',
  'create index blob_file_expiry on k2.blob_file (gateway, expires_at)',

  // To a file above, or to one of the files of messages that are kept besides, by its SHA-256.
  `create table k2.blob_link (
    id uuid primary key,
    gateway text not null,
    file_id uuid references k2.blob_file (id) on delete cascade,
    sha256 text,
    name text,
    check ((file_id is null) = (sha256 is not null and name is not null)),
    created_at bigint not null,
    expires_at bigint not null,
    revoked_at bigint
  )`,
  'create index blob_link_file on k2.blob_link (file_id)',
]

export const blobs: Migration = { name: '0003-blobs', sql: STATEMENTS.map((s) => `${s};`).join('\n') }
