import { statement } from '../db/sql/statement.ts'

/** ms since the epoch by the database's clock: leases of several machines are compared with one clock. */
const NOW = '(extract(epoch from clock_timestamp()) * 1000)::bigint'

/** Channel on which a cancelled fetch is announced by its id. */
export const FETCH_CANCELLED = 'k2_fetch_cancelled'

export interface FetchRow {
  readonly id: string
  readonly hash: string
  readonly format: 'raw' | 'hash-seq'
  readonly providers: unknown
  readonly priority: number
  readonly max_bytes: string
  readonly status: string
  readonly size: string | null
  readonly bytes: string
  readonly attempts: number
  readonly fence: string
  readonly holder: unknown
}

export interface JobRow {
  readonly id: string
  readonly kind: 'fetch' | 'share'
  readonly requester: string
  readonly place: unknown
  readonly name: string
  readonly hash: string | null
  readonly format: 'raw' | 'hash-seq' | null
  readonly fetch_id: string | null
  readonly source: unknown
  readonly policy: unknown
  readonly status: 'queued' | 'ready' | 'done' | 'failed' | 'cancelled'
  readonly size: string | null
  readonly attempts: number
  readonly result: unknown
  readonly error_code: string | null
  readonly error_message: string | null
  readonly created_at: string
  readonly updated_at: string
  readonly expires_at: string
  readonly done_at: string | null
  /** Of its fetch, where there is one. */
  readonly fetch_status: string | null
  readonly fetch_size: string | null
  readonly fetch_bytes: string | null
  readonly fetch_attempts: number | null
  readonly fetch_error: string | null
  readonly fetch_priority: number | null
}

export interface FileRow {
  readonly id: string
  readonly hash: string
  readonly format: 'raw' | 'hash-seq'
  readonly name: string
  readonly mime: string
  readonly size: string
  readonly share: string
  readonly owner: string
  readonly origin: 'upload' | 'fetch' | 'attachment'
  readonly created_at: string
  readonly expires_at: string
}

const FETCH = 'id, hash, format, providers, priority, max_bytes, status, size, bytes, attempts, fence, holder'

/** $1 text: one at a time per requester and hash, until the transaction ends. */
export const LOCK = statement('blob_lock', 'select pg_advisory_xact_lock(hashtextextended($1, 0))')

// -- fetches: one for any number of jobs that want the same blob

/** $1 gateway, $2 hash, $3 format: the one under way. */
export const OPEN_FETCH = statement(
  'blob_open_fetch',
  `select ${FETCH} from k2.blob_fetch where gateway = $1 and hash = $2 and format = $3 and done_at is null for update`,
)
/** $1 id, $2 gateway, $3 hash, $4 format, $5 providers, $6 priority, $7 max bytes, $8 now */
export const ADD_FETCH = statement(
  'blob_add_fetch',
  `insert into k2.blob_fetch (id, gateway, hash, format, providers, priority, max_bytes, status, created_at, updated_at)
   values ($1, $2, $3, $4, $5::jsonb, $6, $7, 'pending', $8, $8) returning ${FETCH}`,
)
/** $1 id, $2 providers, $3 priority, $4 max bytes, $5 now: one more requester. A pause after a failure ends. */
export const JOIN_FETCH = statement(
  'blob_join_fetch',
  `update k2.blob_fetch set providers = $2::jsonb, priority = least(priority, $3), max_bytes = greatest(max_bytes, $4),
     not_before = 0, updated_at = $5 where id = $1 returning ${FETCH}`,
)
/**
 * $1 id, $2 worker, $3 lease ms, $4 ms for which the worker that has a part of the blob comes first, $5 gateway or null: takes
 * it, if it is due and nobody else holds it. Whoever held it under the same name is gone: a worker's name belongs to one data directory.
 */
export const TAKE_FETCH = statement(
  'blob_take_fetch',
  `update k2.blob_fetch set status = 'running', home = $2, lease_until = ${NOW} + $3, home_until = ${NOW} + $3 + $4,
     fence = fence + 1, updated_at = ${NOW}
   where id = $1 and status in ('pending', 'running') and not_before <= ${NOW}
     and ($5::text is null or gateway = $5)
     and (home is null or home = $2 or (lease_until < ${NOW} and home_until < ${NOW}))
   returning ${FETCH}`,
)
/** $1 id, $2 fence, $3 lease ms, $4 home ms, $5 bytes, $6 size or null: keeps it; no row: it was cancelled or taken over. */
export const RENEW_FETCH = statement(
  'blob_renew_fetch',
  `update k2.blob_fetch set lease_until = ${NOW} + $3, home_until = ${NOW} + $3 + $4, bytes = $5, size = coalesce($6, size),
     updated_at = ${NOW}
   where id = $1 and fence = $2 and status = 'running' returning ${FETCH}`,
)
/** $1 id, $2 fence, $3 ms to wait, $4 whether it was a failure, $5 code, $6 message: gives it back for another attempt. */
export const RETURN_FETCH = statement(
  'blob_return_fetch',
  `update k2.blob_fetch set status = 'pending', lease_until = 0, not_before = ${NOW} + $3,
     attempts = attempts + case when $4::boolean then 1 else 0 end, error_code = $5, error_message = $6, updated_at = ${NOW}
   where id = $1 and fence = $2 and status = 'running' returning attempts`,
)
/** $1 id, $2 fence, $3 where it is, $4 size: fetched by a worker, to be taken over by its gateway. */
export const HOLD_FETCH = statement(
  'blob_hold_fetch',
  `update k2.blob_fetch set status = 'fetched', holder = $3::jsonb, size = $4, bytes = $4, lease_until = 0, attempts = 0,
     updated_at = ${NOW}
   where id = $1 and fence = $2 and status = 'running' returning id`,
)
/** $1 id, $2 statuses it may come from, $3 size: the gateway has it; its jobs can go on. */
export const STORE_FETCH = statement(
  'blob_store_fetch',
  `with f as (
     update k2.blob_fetch set status = 'stored', size = $3, bytes = $3, lease_until = 0, done_at = ${NOW}, updated_at = ${NOW},
       error_code = null, error_message = null
     where id = $1 and status = any($2::text[]) returning id)
   update k2.blob_job j set status = 'ready', size = $3, updated_at = ${NOW} from f
   where j.fetch_id = f.id and j.status = 'queued' returning j.id`,
)
/** $1 id, $2 statuses it may come from, $3 code, $4 message: nobody will get it. */
export const FAIL_FETCH = statement(
  'blob_fail_fetch',
  `with f as (
     update k2.blob_fetch set status = 'failed', lease_until = 0, attempts = attempts + 1, error_code = $3, error_message = $4,
       done_at = ${NOW}, updated_at = ${NOW}
     where id = $1 and status = any($2::text[]) returning id)
   update k2.blob_job j set status = 'ready', error_code = $3, error_message = $4, updated_at = ${NOW} from f
   where j.fetch_id = f.id and j.status = 'queued' returning j.id`,
)
/** $1 id: the gateway could not take it over from the worker that holds it: another worker may. */
export const REFETCH = statement(
  'blob_refetch',
  `update k2.blob_fetch set status = 'pending', holder = null, home = null, not_before = 0, error_code = $2, error_message = $3,
     updated_at = ${NOW}
   where id = $1 and status = 'fetched' returning id`,
)
/** $1 id, $2 attempts before it is given up: one more failed try of the gateway to take it over. */
export const MISSED_FETCH = statement(
  'blob_missed_fetch',
  `update k2.blob_fetch set attempts = attempts + 1, updated_at = ${NOW} where id = $1 and status = 'fetched' returning attempts`,
)
/** $1 id, $2 gateway or null */
export const GET_FETCH = statement(
  'blob_get_fetch',
  `select ${FETCH} from k2.blob_fetch where id = $1 and ($2::text is null or gateway = $2)`,
)
/** $1 worker: those whose blobs it still holds for their gateways. */
export const HELD_BY = statement('blob_held_by', 'select id from k2.blob_fetch where home = $1 and done_at is null')

export interface DueRow {
  readonly id: string
  readonly what: 'fetch' | 'collect' | 'share' | 'finish'
  readonly priority: number
}

/** $1 gateway, $2 limit: everything that has to go on, in the order of its making. */
export const DUE = statement(
  'blob_due',
  `select id, what, priority from (
     select id, case status when 'fetched' then 'collect' else 'fetch' end as what, priority, created_at from k2.blob_fetch
     where gateway = $1 and done_at is null and not_before <= ${NOW} and lease_until < ${NOW}
     union all
     select id, case status when 'ready' then 'finish' else 'share' end, 0, created_at from k2.blob_job
     where gateway = $1 and done_at is null and not_before <= ${NOW} and (status = 'ready' or kind = 'share')
   ) due order by created_at limit $2`,
)

// -- jobs: what one person asked for

const JOB = `j.id, j.kind, j.requester, j.place, j.name, j.hash, j.format, j.fetch_id, j.source, j.policy, j.status, j.size,
  j.attempts, j.result, j.error_code, j.error_message, j.created_at, j.updated_at, j.expires_at, j.done_at,
  f.status as fetch_status, f.size as fetch_size, f.bytes as fetch_bytes, f.attempts as fetch_attempts,
  f.error_code as fetch_error, f.priority as fetch_priority`
const JOBS = `select ${JOB} from k2.blob_job j left join k2.blob_fetch f on f.id = j.fetch_id`

/** $1 gateway, $2 requester, $3 since: what counts against quotas. Bytes of jobs under way count as they come. */
export const USAGE = statement(
  'blob_usage',
  `select count(*) filter (where j.done_at is null)::int as open,
     coalesce(sum(coalesce(j.size, f.bytes, 0)) filter (where j.kind = 'fetch'), 0) as bytes
   from k2.blob_job j left join k2.blob_fetch f on f.id = j.fetch_id
   where j.gateway = $1 and j.requester = $2 and (j.created_at > $3 or j.done_at is null)`,
)
/** $1 gateway, $2 requester, $3 request key */
export const SAME_REQUEST = statement(
  'blob_same_request',
  `${JOBS} where j.gateway = $1 and j.requester = $2 and j.request_key = $3`,
)
export const ADD_JOB = statement(
  'blob_add_job',
  `insert into k2.blob_job (id, gateway, kind, requester, request_key, place, name, hash, format, fetch_id, source, policy,
     status, size, created_at, updated_at, expires_at)
   values ($1, $2, $3, $4, $5, $6::jsonb, $7, $8, $9, $10, $11::jsonb, $12::jsonb, $13, $14, $15, $15, $16)`,
)
/** $1 gateway, $2 id */
export const GET_JOB = statement('blob_get_job', `${JOBS} where j.gateway = $1 and j.id = $2`)
/** $1 gateway, $2 requester or null for all, $3 limit */
export const LIST_JOBS = statement(
  'blob_list_jobs',
  `${JOBS} where j.gateway = $1 and ($2::text is null or j.requester = $2) order by j.created_at desc, j.id desc limit $3`,
)
/** $1 gateway, $2 id, $3 now: ends a job, and its fetch when nobody else waits for it. */
export const CANCEL_JOB = statement(
  'blob_cancel_job',
  `with j as (
     update k2.blob_job set status = 'cancelled', done_at = $3, updated_at = $3
     where gateway = $1 and id = $2 and done_at is null returning id, fetch_id),
   f as (
     update k2.blob_fetch set status = 'cancelled', done_at = $3, updated_at = $3 from j
     where k2.blob_fetch.id = j.fetch_id and k2.blob_fetch.done_at is null and not exists (
       select 1 from k2.blob_job o where o.fetch_id = j.fetch_id and o.done_at is null and o.id <> j.id)
     returning k2.blob_fetch.id)
   select j.id, f.id as fetch_id, case when f.id is not null then pg_notify('${FETCH_CANCELLED}', f.id::text) end as told
   from j left join f on true`,
)
/** $1 id, $2 status, $3 result, $4 code, $5 message, $6 size, $7 now */
export const END_JOB = statement(
  'blob_end_job',
  `update k2.blob_job set status = $2, result = $3::jsonb, error_code = $4, error_message = $5, size = coalesce($6, size),
     done_at = $7, updated_at = $7
   where id = $1 and done_at is null returning id`,
)
/** $1 id, $2 ms to wait, $3 code, $4 message */
export const DELAY_JOB = statement(
  'blob_delay_job',
  `update k2.blob_job set attempts = attempts + 1, not_before = ${NOW} + $2, error_code = $3, error_message = $4,
     updated_at = ${NOW}
   where id = $1 and done_at is null returning attempts`,
)
/** $1 gateway, $2 now: jobs nobody has finished in time. */
export const EXPIRED_JOBS = statement(
  'blob_expired_jobs',
  'select id from k2.blob_job where gateway = $1 and done_at is null and expires_at <= $2 limit 100',
)

// -- files: what the gateway has and under which name

const FILE = 'id, hash, format, name, mime, size, share, owner, origin, created_at, expires_at'
export const ADD_FILE = statement(
  'blob_add_file',
  `insert into k2.blob_file (id, gateway, hash, format, name, mime, size, share, owner, origin, created_at, expires_at)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) on conflict (id) do nothing`,
)
export const GET_FILE = statement('blob_get_file', `select ${FILE} from k2.blob_file where gateway = $1 and id = $2`)
/** $1 gateway, $2 limit */
export const LIST_FILES = statement(
  'blob_list_files',
  `select ${FILE} from k2.blob_file where gateway = $1 order by created_at desc, id desc limit $2`,
)
/** $1 gateway, $2 id or hash: all of a hash. */
export const DELETE_FILES = statement(
  'blob_delete_files',
  'delete from k2.blob_file where gateway = $1 and (id::text = $2 or hash = $2) returning id, hash',
)
/** $1 gateway, $2 now */
export const EXPIRE_FILES = statement(
  'blob_expire_files',
  'delete from k2.blob_file where gateway = $1 and expires_at <= $2 returning id, hash',
)

// -- links: who holds one may download

export interface LinkRow {
  readonly hash: string | null
  readonly sha256: string | null
  readonly name: string
  readonly mime: string | null
}
/** $1 id, $2 gateway, $3 file or null, $4 SHA-256 or null, $5 name or null, $6 now, $7 expiry */
export const ADD_LINK = statement(
  'blob_add_link',
  `insert into k2.blob_link (id, gateway, file_id, sha256, name, created_at, expires_at) values ($1, $2, $3, $4, $5, $6, $7)
   on conflict (id) do nothing`,
)
/** $1 gateway, $2 id, $3 now */
export const GET_LINK = statement(
  'blob_get_link',
  `select f.hash, l.sha256, coalesce(f.name, l.name) as name, f.mime from k2.blob_link l
   left join k2.blob_file f on f.id = l.file_id
   where l.gateway = $1 and l.id = $2 and l.revoked_at is null and l.expires_at > $3`,
)
/** $1 gateway, $2 id of a link or a file, $3 now */
export const REVOKE_LINKS = statement(
  'blob_revoke_links',
  `update k2.blob_link set revoked_at = $3 where gateway = $1 and (id = $2 or file_id = $2) and revoked_at is null returning id`,
)

// -- $1 ids of tags in the store: those that still have a reason
export const KEPT_FILES = statement('blob_kept_files', 'select id::text from k2.blob_file where id::text = any($1::text[])')
export const KEPT_JOBS = statement(
  'blob_kept_jobs',
  'select id::text from k2.blob_job where id::text = any($1::text[]) and done_at is null',
)
export const KEPT_FETCHES = statement(
  'blob_kept_fetches',
  `select f.id::text from k2.blob_fetch f where f.id::text = any($1::text[]) and (f.done_at is null or exists (
     select 1 from k2.blob_job j where j.fetch_id = f.id and j.done_at is null))`,
)

/** $1 before: what is of no interest any more. */
export const PRUNE: readonly ReturnType<typeof statement>[] = [
  statement('blob_prune_jobs', 'delete from k2.blob_job where done_at < $1'),
  statement(
    'blob_prune_fetches',
    `delete from k2.blob_fetch f where done_at < $1 and not exists (select 1 from k2.blob_job j where j.fetch_id = f.id)`,
  ),
  statement('blob_prune_links', 'delete from k2.blob_link where expires_at < $1'),
]
