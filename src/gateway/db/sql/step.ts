import { statement } from './statement.ts'

/** What became of one delivery; written by `STEP`. Values are absolute, so writing them twice changes nothing. */
export interface ResultRow {
  readonly id: string
  readonly lane: string
  readonly fence: number
  readonly state: 'pending' | 'ambiguous' | 'parked' | 'done' | 'cancelled' | 'dead' | 'expired'
  readonly attempt: number
  readonly not_before: number
  readonly ambiguous_since: number | null
  readonly failed_since: number | null
  readonly parked_at: number | null
  readonly parts: object | null
  readonly code: string | null
  readonly message: string | null
}

export interface CopyRow {
  readonly network: string
  readonly scope: string
  readonly channel: string
  readonly native_id: string
  readonly account: string
  readonly thread: string | null
  readonly cid: string
  readonly part: number
  readonly role: 'text' | 'file' | 'album' | 'composite'
  readonly lane: string
  /** Ids of the files it shows; null: none. */
  readonly files: readonly string[] | null
}

/** Asks for the next heads of a lane whose lease is held (`STEP`), or is to be taken (`ACQUIRE`, no fence). */
export interface ClaimRow {
  readonly lane: string
  readonly fence: number | null
  /** Below this nothing is open but parked deliveries; null: as the lane says. */
  readonly head: number | null
  readonly n: number
}

/** One row per claimed delivery, or one with `id` null for a claim that got none. */
export interface ClaimedRow {
  readonly lane: string
  /** Null: the lease is somebody else's. */
  readonly fence: string | null
  readonly head: string | null
  readonly network: string | null
  readonly account: string
  readonly space: string | null
  readonly channel: string
  readonly thread: string | null
  readonly suspended_at: string | null
  readonly probes: number
  /** When the head that keeps the lane waiting is due; null when there is none. */
  readonly next_at: string | null
  readonly id: string | null
  readonly cid: string
  readonly event_id: string
  readonly route: string
  readonly lane_seq: string
  readonly op: 'create' | 'edit' | 'delete'
  readonly revision: number
  readonly attempt: number
  readonly sent_at: string
  readonly first_sent_at: string
  readonly ambiguous_since: string | null
  readonly failed_since: string | null
  readonly parked_at: string | null
  /** True when the attempt before was cut off with its process. */
  readonly cut_off: boolean
  readonly render: unknown
  readonly parts: unknown
  readonly occurred_at: string
  readonly expires_at: string
  readonly created_at: string
  readonly envelope: unknown
  readonly reply: unknown
}

const RESULTS = `
with r as materialized (
  select * from jsonb_to_recordset($1::jsonb) as x(
    id uuid, lane text, fence bigint, state text, attempt int, not_before bigint, ambiguous_since bigint,
    failed_since bigint, parked_at bigint, parts jsonb, code text, message text)
), recorded as (
  update k2.delivery d set state = r.state, attempt = r.attempt, not_before = r.not_before, sent_at = null,
    ambiguous_since = r.ambiguous_since, failed_since = r.failed_since, parked_at = r.parked_at,
    parts = coalesce(r.parts, d.parts), last_error = coalesce(r.code || ': ' || r.message, d.last_error),
    done_at = case when r.state in ('pending', 'ambiguous', 'parked') then null else $4::bigint end
  from r
  where d.id = any(array(select r.id from r)) and d.id = r.id and coalesce(d.done_at, 0) = 0
    and (r.state = 'done' or r.fence = (select l.fence from k2.lane l where l.id = r.lane))
  returning d.id, d.cid, d.event_id, d.route, d.lane, d.op, d.revision, d.render, d.attempt, r.state, r.code, r.message
), copied as (
  insert into k2.copy (network, scope, channel, native_id, account, thread, cid, part, role, lane, created_at, files)
  select x.network, x.scope, x.channel, x.native_id, x.account, x.thread, x.cid, x.part, x.role, x.lane, $4::bigint, x.files
  from jsonb_to_recordset($2::jsonb) as x(network text, scope text, channel text, native_id text, account text, thread text,
    cid uuid, part int, role text, lane text, files jsonb)
  on conflict do nothing
)`

/** Deliveries that need a person, kept with their content. */
const BURIED = `, buried as (
  insert into k2.dead_letter (id, cid, event_id, route, lane, op, revision, render, code, message, attempt, envelope, died_at)
  select d.id, d.cid, d.event_id, d.route, d.lane, d.op, d.revision, d.render, coalesce(d.code, 'UNKNOWN'),
    coalesce(d.message, ''), d.attempt, (select i.envelope from k2.inbox i where i.event_id = d.event_id), $4::bigint
  from recorded d where d.state = 'dead'
  on conflict do nothing
)`

const OPEN = "'pending', 'ambiguous'"
const DUE = (now: string): string => `d.state = 'parked' and d.not_before <= ${now}::bigint`

const claims = (param: string): string =>
  `select * from jsonb_to_recordset(${param}::jsonb) as x(lane text, fence bigint, head bigint, n int)`

/** Lanes whose lease is still ours. */
const HELD = `, q as materialized (${claims('$3')}), mine as materialized (
  select l.id, l.fence, q.head, q.n from q join k2.lane l on l.id = any(array(select q.lane from q)) and l.id = q.lane
    and l.fence = q.fence
)`

/** Takes leases that are free or ran out; a suspended lane is only taken to probe it. */
const TAKEN = `, mine as (
  update k2.lane l set lease_owner = $3, lease_until = $4::bigint, fence = l.fence + 1
  from q where l.id = any(array(select q.lane from q)) and l.id = q.lane
    and (l.lease_until <= $2::bigint or l.lease_owner = $3) and (l.suspended_at is null or l.probe_at <= $2::bigint)
  returning l.id, l.fence, l.head_seq as head, q.n
)`

/**
 * Takes the first `n` heads: parked ones that are due, and from `head` on those in one of `states`; the first one that is not
 * due ends the claim. A head that was cancelled meanwhile has another state and is left out.
 */
const claim = (states: string, parked: string, now: string): string => `, heads as materialized (
  select m.id as lane, h.id, h.not_before, h.state,
    bool_and(h.not_before <= ${now}::bigint) over (partition by m.id order by h.lane_seq) as due
  from mine m cross join lateral (
    select * from (
      (select d.id, d.lane_seq, d.not_before, d.state from k2.delivery d
        where d.lane = m.id and d.parked_at is not null and d.done_at is null and ${parked}
        order by d.lane_seq limit m.n)
      union all
      (select d.id, d.lane_seq, d.not_before, d.state from k2.delivery d
        where d.lane = m.id and d.lane_seq >= m.head and d.done_at is null and d.parked_at is null and d.state in (${states})
        order by d.lane_seq limit m.n)) both_kinds
    order by lane_seq
    limit m.n) h
), claimed as (
  update k2.delivery d set state = 'leased', sent_at = ${now}::bigint, first_sent_at = coalesce(d.first_sent_at, ${now}::bigint),
    ambiguous_since = coalesce(d.ambiguous_since, d.sent_at)
  from heads h
  where d.id = any(array(select heads.id from heads)) and d.id = h.id and h.due and d.state = h.state
    and coalesce(d.done_at, 0) = 0
  returning d.*, h.state = 'leased' as cut_off
)
select q.lane, m.fence, m.head, l.network, l.account, l.space, l.channel, l.thread, l.suspended_at, l.probes,
  (select min(h.not_before) from heads h where h.lane = q.lane and not h.due) as next_at,
  c.id, c.cid, c.event_id, c.route, c.lane_seq, c.op, c.revision, c.attempt, c.sent_at, c.first_sent_at, c.ambiguous_since,
  c.failed_since, c.parked_at, c.cut_off, c.render, c.parts, c.occurred_at, c.expires_at, c.created_at, i.envelope, g.reply
from q
left join mine m on m.id = q.lane
left join k2.lane l on l.id = q.lane
left join claimed c on c.lane = q.lane
left join k2.inbox i on i.event_id = c.event_id and c.op <> 'delete'
left join k2.message g on g.cid = c.cid and c.op <> 'delete'
order by q.lane, c.lane_seq`

/**
 * $1 results, $2 copies, $3 claims (jsonb arrays of the rows above), $4 now. Records what was sent and takes what comes next,
 * for any number of lanes, in one commit: `sent_at` of a delivery is on disk before it is sent, its result before `n` further
 * ones follow. A result of a lease that was lost counts only if it says `done`: a native message that exists is never
 * forgotten.
 */
export const STEP = statement('step', `${RESULTS}${HELD}${claim(OPEN, DUE('$4'), '$4')}`)

/** As `STEP`, when dead letters are among the results. */
export const STEP_BURYING = statement('step_burying', `${RESULTS}${BURIED}${HELD}${claim(OPEN, DUE('$4'), '$4')}`)

/**
 * $1 claims (without fences), $2 now, $3 our lease name, $4 lease end. Takes leases and the first heads. What the previous
 * holder had begun to send and not recorded becomes ambiguous.
 */
export const ACQUIRE = statement(
  'acquire',
  `with q as materialized (${claims('$1')})${TAKEN}${claim(`${OPEN}, 'leased'`, `(${DUE('$2')} or d.state = 'leased')`, '$2')}`,
)
