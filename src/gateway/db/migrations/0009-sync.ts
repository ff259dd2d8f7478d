import type { Migration } from '../migrate.ts'

/**
 * Synchronised folders: what was agreed and seen per file, invitations, and when linked devices are asked. Which folders there are
 * stands in K2's settings document. Times are ms since the epoch, `local_mtime` ns. `gateway` is the node a row belongs to.
 */
const STATEMENTS: readonly string[] = [
  // `base` is what folder and document last agreed on, `local` what the last scan read.
  `create table k2.sync_file (
    gateway text collate "C" not null,
    folder text collate "C" not null,
    path text collate "C" not null,
    base_kind text check (base_kind in ('live', 'gone')),
    base_hash text collate "C",
    local_hash text collate "C",
    local_size bigint,
    local_mtime bigint,
    local_inode numeric(20, 0),
    primary key (gateway, folder, path)
  ) with (fillfactor = 70)`,

  // Identity of the folder on disk: another one in its place is not taken for an emptied one.
  `create table k2.sync_folder (
    gateway text collate "C" not null,
    folder text collate "C" not null,
    device text not null,
    inode text not null,
    scanned_at bigint,
    primary key (gateway, folder)
  )`,

  // Tickets hold a secret and are sealed.
  `create table k2.sync_invite (
    gateway text collate "C" not null,
    folder text collate "C" not null,
    peer text collate "C" not null,
    name text not null,
    ticket text not null,
    state text not null check (state in ('pending', 'accepted', 'rejected')),
    at bigint not null,
    primary key (gateway, folder)
  )`,

  `create table k2.sync_link (
    gateway text collate "C" not null,
    folder text collate "C" not null,
    peer text collate "C" not null,
    due_at bigint not null,
    failures integer not null,
    refused_at bigint,
    primary key (gateway, folder, peer)
  )`,
]

export const sync: Migration = { name: '0009-sync', sql: STATEMENTS.map((s) => `${s};`).join('\n') }
