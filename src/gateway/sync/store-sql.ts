import { statement } from '../db/sql/statement.ts'

export interface FileRow {
  readonly path: string
  readonly base_kind: 'live' | 'gone' | null
  readonly base_hash: string | null
  readonly local_hash: string | null
  readonly local_size: string | null
  readonly local_mtime: string | null
  readonly local_inode: string | null
}

export interface FolderRow {
  readonly device: string
  readonly inode: string
  readonly scanned_at: string | null
}

export interface InviteRow {
  readonly folder: string
  readonly peer: string
  readonly name: string
  readonly ticket: string
  readonly state: 'pending' | 'accepted' | 'rejected'
  readonly at: string
}

export interface LinkRow {
  readonly folder: string
  readonly peer: string
  readonly due_at: string
  readonly failures: number
  readonly refused_at: string | null
}

export const FILES = statement(
  'sync_files',
  `select path, base_kind, base_hash, local_hash, local_size, local_mtime, local_inode from k2.sync_file
   where gateway = $1 and folder = $2`,
)
export const PUT_FILES = statement(
  'sync_put_files',
  `insert into k2.sync_file (gateway, folder, path, base_kind, base_hash, local_hash, local_size, local_mtime, local_inode)
   select $1, $2, x.path, x.base_kind, x.base_hash, x.local_hash, x.local_size, x.local_mtime, x.local_inode
   from jsonb_to_recordset($3::jsonb) as x(path text, base_kind text, base_hash text, local_hash text, local_size bigint,
     local_mtime bigint, local_inode numeric)
   on conflict (gateway, folder, path) do update set base_kind = excluded.base_kind, base_hash = excluded.base_hash,
     local_hash = excluded.local_hash, local_size = excluded.local_size, local_mtime = excluded.local_mtime,
     local_inode = excluded.local_inode`,
)
export const DROP_FILES = statement(
  'sync_drop_files',
  `delete from k2.sync_file where gateway = $1 and folder = $2 and path = any($3::text[])`,
)
export const DROP_ALL_FILES = statement('sync_drop_all_files', `delete from k2.sync_file where gateway = $1 and folder = $2`)

export const FOLDER = statement(
  'sync_folder',
  `select device, inode, scanned_at from k2.sync_folder where gateway = $1 and folder = $2`,
)
export const PUT_FOLDER = statement(
  'sync_put_folder',
  `insert into k2.sync_folder (gateway, folder, device, inode, scanned_at) values ($1, $2, $3, $4, $5::bigint)
   on conflict (gateway, folder) do update set device = excluded.device, inode = excluded.inode, scanned_at = excluded.scanned_at`,
)
export const DROP_FOLDER = statement('sync_drop_folder', `delete from k2.sync_folder where gateway = $1 and folder = $2`)

export const INVITES = statement(
  'sync_invites',
  `select folder, peer, name, ticket, state, at from k2.sync_invite where gateway = $1 and state = 'pending' order by at`,
)
export const INVITE = statement(
  'sync_invite',
  `select folder, peer, name, ticket, state, at from k2.sync_invite where gateway = $1 and folder = $2`,
)
/** The newest ticket wins, from whoever: a person decides. */
export const PUT_INVITE = statement(
  'sync_put_invite',
  `insert into k2.sync_invite (gateway, folder, peer, name, ticket, state, at) values ($1, $2, $3, $4, $5, 'pending', $6::bigint)
   on conflict (gateway, folder) do update set peer = excluded.peer, name = excluded.name, ticket = excluded.ticket,
     state = 'pending', at = excluded.at`,
)
export const END_INVITE = statement(
  'sync_end_invite',
  `update k2.sync_invite set state = $3, ticket = '' where gateway = $1 and folder = $2 and state = 'pending' returning folder`,
)
export const PRUNE_INVITES = statement('sync_prune_invites', `delete from k2.sync_invite where gateway = $1 and at < $2::bigint`)

export const LINKS = statement(
  'sync_links',
  `select folder, peer, due_at, failures, refused_at from k2.sync_link where gateway = $1`,
)
export const PUT_LINK = statement(
  'sync_put_link',
  `insert into k2.sync_link (gateway, folder, peer, due_at, failures, refused_at)
   values ($1, $2, $3, $4::bigint, $5, $6::bigint)
   on conflict (gateway, folder, peer) do update set due_at = excluded.due_at, failures = excluded.failures,
     refused_at = excluded.refused_at`,
)
export const DROP_LINK = statement('sync_drop_link', `delete from k2.sync_link where gateway = $1 and folder = $2 and peer = $3`)
