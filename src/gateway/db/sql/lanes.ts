import { statement } from './statement.ts'

/** $1 lease end, $2 lanes with fences and heads (jsonb). Answers the lanes that are still ours. */
export const RENEW_LEASES = statement(
  'renew_leases',
  `update k2.lane l set lease_until = $1::bigint, head_seq = greatest(l.head_seq, x.head)
  from jsonb_to_recordset($2::jsonb) as x(lane text, fence bigint, head bigint)
  where l.id = x.lane and l.fence = x.fence and l.lease_until > 0 returning l.id`,
)

/** $1 lanes with fences and heads (jsonb). Gives leases back. */
export const RELEASE_LEASES = statement(
  'release_leases',
  `update k2.lane l set lease_owner = null, lease_until = 0, head_seq = greatest(l.head_seq, x.head)
  from jsonb_to_recordset($1::jsonb) as x(lane text, fence bigint, head bigint) where l.id = x.lane and l.fence = x.fence`,
)

/** $1 prefix of lease names. Frees what an earlier run of this instance held: its data directory lock says it is gone. */
export const FREE_STALE_LEASES = statement(
  'free_stale_leases',
  `update k2.lane set lease_owner = null, lease_until = 0 where lease_owner is not null and starts_with(lease_owner, $1)`,
)

/** Ends the waits of heads that failed: whatever stood in their way may be gone. Waits a platform asked for stay. */
export const RETRY_FAILED_HEADS = statement(
  'retry_failed_heads',
  `update k2.delivery d set not_before = 0
  from k2.lane l cross join lateral (
    select h.id from k2.delivery h where h.lane = l.id and h.lane_seq >= l.head_seq and h.done_at is null and h.parked_at is null
    order by h.lane_seq limit 1) head
  where d.id = head.id and d.failed_since is not null and d.not_before > 0`,
)

/**
 * $1 lane, $2 fence, $3 deliveries that may have been sent. Takes back every other claim of this lease: those were claimed
 * by a statement whose answer was lost, so nothing of them was sent.
 */
export const UNCLAIM = statement(
  'unclaim',
  `update k2.delivery d set sent_at = null,
    state = case when d.parked_at is not null then 'parked' when d.ambiguous_since is not null then 'ambiguous' else 'pending' end
  where d.lane = $1 and d.done_at is null and d.state = 'leased' and d.id <> all($3::uuid[])
    and exists (select 1 from k2.lane l where l.id = $1 and l.fence = $2::bigint)`,
)

/**
 * $1 prefix of lease names, $2 deliveries an earlier process may have begun. What else it had claimed was certainly not sent.
 */
export const UNBEGUN = statement(
  'unbegun',
  `update k2.delivery d set sent_at = null,
    first_sent_at = case when d.attempt = 0 and d.ambiguous_since is null then null else d.first_sent_at end,
    state = case when d.parked_at is not null then 'parked' when d.ambiguous_since is not null then 'ambiguous' else 'pending' end
  from k2.lane l
  where l.lease_owner is not null and starts_with(l.lease_owner, $1) and d.lane = l.id
    and d.done_at is null and d.state = 'leased' and d.id <> all($2::uuid[])`,
)

/** $1 lane, $2 fence, $3 deliveries claimed just now. What else the last holder had begun becomes ambiguous. */
export const RECOVER = statement(
  'recover',
  `update k2.delivery d set ambiguous_since = coalesce(d.ambiguous_since, d.sent_at), sent_at = null,
    state = case when d.parked_at is not null then 'parked' else 'ambiguous' end
  where d.lane = $1 and d.done_at is null and d.state = 'leased' and d.id <> all($3::uuid[])
    and exists (select 1 from k2.lane l where l.id = $1 and l.fence = $2::bigint)
  returning d.id`,
)

export interface PartsRow {
  /** The create this edit or delete follows; null when there is none. */
  readonly create_state: string | null
  readonly create_first_sent_at: string | null
  readonly create_parked_at: string | null
  /** The line that counts reactions there; null when it has none. */
  readonly tally: string | null
  readonly parts:
    | {
        part: number
        role: string
        network: string
        account: string
        channel: string
        thread: string | null
        id: string
        files: string[] | null
      }[]
    | null
}

/** $1 cid, $2 lane. Everything that shows a message in one destination: what edits and deletes act on. */
export const PARTS = statement(
  'parts',
  `select (select t.line from k2.reaction_tally t where t.cid = $1::uuid and t.lane = $2) as tally, d.state as create_state, d.first_sent_at as create_first_sent_at, d.parked_at as create_parked_at,
    (select jsonb_agg(jsonb_build_object('part', c.part, 'role', c.role, 'network', c.network, 'account', c.account, 'channel', c.channel,
      'thread', c.thread, 'id', c.native_id, 'files', c.files) order by c.part)
      from k2.copy c where c.cid = $1::uuid and c.lane = $2) as parts
  from (select 1) one
  left join lateral (
    select d.state, d.first_sent_at, d.parked_at from k2.delivery d
    where d.cid = $1::uuid and d.lane = $2 and d.op = 'create' order by d.lane_seq desc limit 1) d on true`,
)

/** $1 delivery, $2 parts so far, $3 copies (jsonb). Keeps what an attempt has created before it goes on. */
export const RECORD_PARTS = statement(
  'record_parts',
  `with kept as (
    update k2.delivery set parts = $2::jsonb where id = $1::uuid and done_at is null
  )
  insert into k2.copy (network, scope, channel, native_id, account, thread, cid, part, role, lane, created_at, files)
  select x.network, x.scope, x.channel, x.native_id, x.account, x.thread, x.cid, x.part, x.role, x.lane, $4::bigint, x.files
  from jsonb_to_recordset($3::jsonb) as x(network text, scope text, channel text, native_id text, account text, thread text,
    cid uuid, part int, role text, lane text, files jsonb)
  on conflict do nothing`,
)

/** $1 cid, $2 lane, $3 native messages and the ids of the files they show now (jsonb). An edit replaced files. */
export const CHANGE_FILES = statement(
  'change_files',
  `update k2.copy c set files = x.files from jsonb_to_recordset($3::jsonb) as x(native_id text, files jsonb)
  where c.cid = $1::uuid and c.lane = $2 and c.native_id = x.native_id and c.role <> 'origin'`,
)

/** $1 cid, $2 lane, $3 native ids that are left. An edit made the message shorter: its other copies are gone. */
export const FORGET_COPIES = statement(
  'forget_copies',
  `delete from k2.copy where cid = $1::uuid and lane = $2 and role <> 'origin' and native_id <> all($3::text[])`,
)

interface NativeJson {
  network: string
  account: string
  channel: string
  thread: string | null
  id: string
}

export interface ReplyRow {
  readonly id: string
  readonly ref: NativeJson | null
  /** The message that shows the target among others, where it has no copy of its own. */
  readonly line: NativeJson | null
  readonly author_name: string
  readonly excerpt: string
}

/**
 * $1 replies (jsonb: id of the delivery, its lane, native message replied to). The copy of each target in the place of the
 * lane, and what to quote without one.
 */
export const REPLY_TARGETS = statement(
  'reply_targets',
  `select x.id, o.author_name, o.excerpt, (
    select jsonb_build_object('network', t.network, 'account', t.account, 'channel', t.channel, 'thread', t.thread,
      'id', t.native_id)
    from k2.copy t join k2.lane l on l.id = x.lane
    where t.cid = s.cid and t.network = l.network and t.scope = l.scope and t.channel = l.channel
      -- In a forum the copy is in a post, where its answers go, too.
      and (t.thread is not distinct from l.thread or (l.network = 'discord' and l.thread is null))
    order by (t.thread is distinct from l.thread), t.part limit 1) as ref, (
    select jsonb_build_object('network', t.network, 'account', t.account, 'channel', t.channel, 'thread', t.thread,
      'id', t.native_id)
    from k2.composite p join k2.copy t on t.cid = p.head and t.lane = p.lane and t.role = 'composite'
    where p.lane = x.lane and p.cid = s.cid limit 1) as line
  from jsonb_to_recordset($1::jsonb) as x(id uuid, lane text, network text, scope text, channel text, native_id text)
  cross join lateral (
    select c.cid from k2.copy c
    where c.network = x.network and c.scope = x.scope and c.channel = x.channel and c.native_id = x.native_id limit 1) s
  cross join lateral (select m.author_name, m.excerpt from k2.message m where m.cid = s.cid limit 1) o`,
)

/** $1 event ids. The stored content of events. */
export const ENVELOPES = statement('envelopes', `select event_id, envelope from k2.inbox where event_id = any($1::text[])`)

/** $1 lane, $2 fence, $3 now, $4 next probe, $5 code, $6 reason. */
export const SUSPEND_LANE = statement(
  'suspend_lane',
  `update k2.lane set suspended_at = coalesce(suspended_at, $3::bigint), probe_at = $4::bigint, probes = probes + 1,
    suspended_code = $5, suspended_reason = $6 where id = $1 and fence = $2::bigint`,
)

/** $1 lanes. Ends suspension; answers the lanes that were suspended. */
export const RESUME_LANES = statement(
  'resume_lanes',
  `update k2.lane set suspended_at = null, probe_at = null, probes = 0, suspended_code = null, suspended_reason = null
    where id = any($1::text[]) and suspended_at is not null returning id`,
)

/** $1 network, $2 account. */
export const LANES_OF_ACCOUNT = statement('lanes_of_account', `select id from k2.lane where network = $1 and account = $2`)

/**
 * $1 now, $2 our lease name, $3 until when. Lanes with work that is due by then and held by nobody, or whose lease ran out.
 */
export const DUE_LANES = statement(
  'due_lanes',
  `select l.id from k2.lane l
  where (l.suspended_at is null or l.probe_at <= $1::bigint) and (l.lease_until <= $1::bigint or l.lease_owner = $2)
    and (coalesce((select d.not_before from k2.delivery d
        where d.lane = l.id and d.lane_seq >= l.head_seq and d.done_at is null and d.parked_at is null
        order by d.lane_seq limit 1) <= $3::bigint, false)
      or exists (select 1 from k2.delivery d
        where d.lane = l.id and d.parked_at is not null and d.done_at is null and d.not_before <= $1::bigint))
  order by l.id`,
)
