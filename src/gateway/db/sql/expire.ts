import { statement } from './statement.ts'

/** Creates that were not begun: only those may expire, everything else may have arrived in part. */
const EXPIRABLE = `d.done_at is null and d.op = 'create' and d.state in ('pending', 'parked') and d.sent_at is null
  and d.ambiguous_since is null and d.parts is null`

export interface ExpiredRow {
  readonly count: number
  readonly first_at: string | null
  readonly last_at: string | null
  /** How many of each route. */
  readonly routes: Readonly<Record<string, number>> | null
}

/** $1 lane, $2 now. Ends what is too old to be delivered; answers how many and from when to when. */
export const EXPIRE_LANE = statement(
  'expire_lane',
  `with gone as (
    update k2.delivery d set state = 'expired', done_at = $2::bigint, last_error = 'EXPIRED: too old to be delivered'
    where d.lane = $1 and ${EXPIRABLE} and d.expires_at <= $2::bigint
      and not exists (select 1 from k2.message m where m.cid = d.cid and m.author_key = 'system:k2gw')
    returning d.occurred_at, d.route
  )
  select count(*)::int as count, min(occurred_at) as first_at, max(occurred_at) as last_at,
    (select jsonb_object_agg(r.route, r.n) from (select route, count(*)::int as n from gone group by route) r) as routes
  from gone`,
)

/** $1 now. Lanes whose first waiting create is too old, also those that stand still. */
export const EXPIRING_LANES = statement(
  'expiring_lanes',
  `select l.id from k2.lane l cross join lateral (
    select d.expires_at from k2.delivery d where d.lane = l.id and d.lane_seq >= l.head_seq and ${EXPIRABLE}
    order by d.lane_seq limit 1) h
  where h.expires_at <= $1::bigint
  union
  select d.lane from k2.delivery d where d.parked_at is not null and ${EXPIRABLE} and d.expires_at <= $1::bigint`,
)

export interface NoticeLaneRow {
  readonly network: string
  readonly account: string
  readonly scope: string
  readonly space: string | null
  readonly channel: string
  readonly thread: string | null
  readonly notice_count: number
  readonly notice_from: string | null
  readonly notice_to: string | null
  /** Event of a notice that still waits: it takes the new numbers. */
  readonly event_id: string | null
}

/** $1 lane. Its row, locked, with the notice that waits in it. */
export const NOTICE_OF_LANE = statement(
  'notice_of_lane',
  `select l.network, l.account, l.scope, l.space, l.channel, l.thread, l.notice_count, l.notice_from, l.notice_to,
    (select d.event_id from k2.delivery d where d.id = l.notice_id and d.done_at is null and d.sent_at is null
      and d.ambiguous_since is null and d.parts is null) as event_id
  from k2.lane l where l.id = $1 for update of l`,
)

/** $1 event id, $2 envelope. */
export const REWRITE_NOTICE = statement('rewrite_notice', `update k2.inbox set envelope = $2::jsonb where event_id = $1`)

/** $1 lane, $2 count, $3 from, $4 to, $5 delivery of the notice; null keeps the one there is. */
export const COUNT_NOTICE = statement(
  'count_notice',
  `update k2.lane set notice_count = $2::int, notice_from = $3::bigint, notice_to = $4::bigint,
    notice_id = coalesce($5::uuid, notice_id) where id = $1`,
)

/** $1 lane, $2 delivery, $3 cid, $4 event id, $5 envelope, $6 excerpt, $7 now, $8 expiry, $9 native id. Appends a notice. */
export const APPEND_NOTICE = statement(
  'append_notice',
  `with l as (
    update k2.lane set next_seq = next_seq + 1 where id = $1 returning *
  ), stored as (
    insert into k2.inbox (event_id, network, account, kind, cid, status, envelope, occurred_at, received_at)
    select $4, l.network, l.account, 'notice', $3::uuid, 'routed', $5::jsonb, $7::bigint, $7::bigint from l
  ), message as (
    insert into k2.message (cid, network, account, scope, space, channel, thread, native_id, lane, author_key, author_name,
      body_hash, excerpt, occurred_at, created_at)
    select $3::uuid, l.network, l.account, l.scope, l.space, l.channel, l.thread, $9, l.id, 'system:k2gw', 'K2 gateway', $4,
      $6, $7::bigint, $7::bigint from l
  )
  insert into k2.delivery (id, cid, event_id, route, lane, lane_seq, op, revision, state, render, occurred_at, expires_at,
    created_at)
  select $2::uuid, $3::uuid, $4, '', l.id, l.next_seq, 'create', 0, 'pending', '{"identity":"bot"}'::jsonb, $7::bigint,
    $8::bigint, $7::bigint from l`,
)
