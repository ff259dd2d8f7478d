import { statement } from './statement.ts'

/** Input of `AMEND_EDITS` and `AMEND_DELETES`: an edit or delete of a native message, found through any of its copies. */
export interface AmendRow {
  readonly ord: number
  readonly event_id: string
  /** `filtered` and `dropped` were decided before; `routed` may still become something else here. */
  readonly status: 'routed' | 'filtered' | 'dropped'
  readonly reason: string | null
  readonly network: string
  readonly account: string
  readonly scope: string
  readonly channel: string
  readonly native_id: string
  readonly author_key: string
  /** May act on messages of others. */
  readonly moderator: boolean
  readonly body_hash: string | null
  readonly excerpt: string | null
  readonly occurred_at: number
  readonly received_at: number
  readonly envelope: object | null
  readonly trace: object | null
  readonly hold_key: string
  readonly hold_until: number
}

/** One row per event that was new (or waited and found its message). */
export interface AmendedRow {
  readonly event_id: string
  readonly status: 'routed' | 'filtered' | 'dropped' | 'held'
  readonly reason: string | null
  readonly cid: string | null
  /** Lanes with new work. */
  readonly lanes: string[] | null
  /** Waiting deliveries that took the new text, or were cancelled. */
  readonly collapsed: number
}

/** A delivery nobody has begun to send: it can still be changed or taken back. */
const WAITING = `d.done_at is null and d.state in ('pending', 'parked') and d.sent_at is null and d.ambiguous_since is null
    and d.parts is null`

/** UUID version 7 from `$2` and the randomness of a version 4 one. */
/** Of the time $2. */
export const UUID_V7 = `(substr(lpad(to_hex($2::bigint), 12, '0'), 1, 8) || '-' || substr(lpad(to_hex($2::bigint), 12, '0'), 9) ||
    '-7' || substr(gen_random_uuid()::text, 16))::uuid`

const EVENTS = `
with e as materialized (
  select * from jsonb_to_recordset($1::jsonb) as x(
    ord int, event_id text, status text, reason text, network text, account text, scope text, channel text, native_id text,
    author_key text, moderator boolean, body_hash text, excerpt text, occurred_at bigint, received_at bigint,
    envelope jsonb, trace jsonb, hold_key text, hold_until bigint)
), target as materialized (
  select e.ord, c.cid, c.role, c.lane, m.body_hash, m.deleted_at, m.author_key, m.occurred_at as written_at,
    row_number() over (partition by c.cid order by e.ord desc) as newest
  from e cross join lateral (
    select c.cid, c.role, c.lane from k2.copy c
    where c.network = e.network and c.scope = e.scope and c.channel = e.channel and c.native_id = e.native_id
    limit 1) c
  join k2.message m on m.cid = c.cid
  where e.status = 'routed'
)`

/** A waiting event (`held`) that comes again with its message known is taken then; every other repetition is a duplicate. */
const store = (kind: 'message.edit' | 'message.delete'): string => `fresh as (
  insert into k2.inbox as i (event_id, network, account, kind, cid, status, reason, envelope, trace, occurred_at, received_at,
    hold_key, hold_until)
  select e.event_id, e.network, e.account, '${kind}', v.cid, v.status, v.reason,
    case when v.status in ('routed', 'held') then e.envelope end, e.trace, e.occurred_at, e.received_at,
    case when v.status = 'held' then e.hold_key end, case when v.status = 'held' then e.hold_until end
  from e join verdict v on v.ord = e.ord
  order by e.ord
  on conflict (event_id) do update set cid = excluded.cid, status = excluded.status, reason = excluded.reason,
    envelope = excluded.envelope, hold_key = null, hold_until = null
    where i.status = 'held' and excluded.status <> 'held'
  returning event_id
), live as materialized (
  select e.*, v.cid from verdict v join fresh f on f.event_id = v.event_id join e on e.ord = v.ord where v.status = 'routed'
)`

/**
 * $1 events, $2 now, $3 oldest age of a message whose edits count, ms. The text of waiting deliveries is replaced, further
 * edits of one message collapse to the newest, and every lane that already has a copy gets one edit (bridging 10.2).
 */
export const AMEND_EDITS = statement(
  'amend_edits',
  `${EVENTS}, verdict as materialized (
  select e.ord, e.event_id, t.cid,
    case when e.status <> 'routed' then e.status
      when t.ord is null then 'held'
      when t.deleted_at is not null or t.body_hash = e.body_hash or t.newest > 1
        or (t.role <> 'origin' and t.author_key <> e.author_key and not e.moderator)
        or e.occurred_at - t.written_at > $3::bigint then 'dropped'
      else 'routed' end as status,
    case when e.status <> 'routed' then e.reason
      when t.ord is null then 'unknown-message'
      when t.deleted_at is not null then 'already-deleted'
      when t.newest > 1 then 'superseded'
      when t.body_hash = e.body_hash then 'unchanged'
      when t.role <> 'origin' and t.author_key <> e.author_key and not e.moderator then 'not-author'
      when e.occurred_at - t.written_at > $3::bigint then 'too-old' end as reason
  from e left join target t on t.ord = e.ord
), ${store('message.edit')}, changed as (
  update k2.message m set revision = m.revision + 1, body_hash = l.body_hash, excerpt = l.excerpt, edited_at = l.occurred_at
  from live l where m.cid = l.cid
  returning m.cid, m.revision
), merged as (
  update k2.delivery d set event_id = l.event_id, revision = c.revision
  from live l join changed c on c.cid = l.cid
  where d.cid = l.cid and d.op in ('create', 'edit') and ${WAITING}
  returning d.cid, d.lane
), d as materialized (
  select d.cid, d.lane, d.route, d.render, d.occurred_at, d.expires_at - d.created_at as max_age, l.event_id, l.ord,
    c.revision, row_number() over (partition by d.lane order by l.ord) as nth
  from live l join changed c on c.cid = l.cid
  join k2.delivery d on d.cid = l.cid and d.op = 'create' and d.state not in ('cancelled', 'dead', 'expired')
  where not exists (select 1 from merged m where m.cid = d.cid and m.lane = d.lane)
), counts as materialized (
  select lane, max(nth) as added from d group by lane
), lanes as (
  update k2.lane l set next_seq = l.next_seq + c.added from counts c where l.id = c.lane returning l.id, l.next_seq
), placed as (
  insert into k2.delivery (id, cid, event_id, route, lane, lane_seq, op, revision, state, render, occurred_at, expires_at,
    created_at)
  select ${UUID_V7}, d.cid, d.event_id, d.route, d.lane, l.next_seq - c.added + d.nth, 'edit', d.revision, 'pending',
    d.render, d.occurred_at, $2::bigint + d.max_age, $2::bigint
  from d join lanes l on l.id = d.lane join counts c on c.lane = d.lane
  order by d.ord
)
select v.event_id, v.status, v.reason, v.cid,
  (select array_agg(distinct d.lane) from d where d.cid = v.cid) as lanes,
  (select count(*)::int from merged m where m.cid = v.cid) as collapsed
from verdict v join fresh f on f.event_id = v.event_id
order by v.ord`,
)

/**
 * $1 events, $2 now. Waiting deliveries are cancelled; every other lane with a copy, or with a create under way, gets a
 * delete. Deleting a copy takes the original along where the policy of its route allows it (bridging 10.2).
 */
export const AMEND_DELETES = statement(
  'amend_deletes',
  `${EVENTS}, verdict as materialized (
  select e.ord, e.event_id, t.cid,
    case when e.status <> 'routed' then e.status
      when t.ord is null then 'held'
      when t.deleted_at is not null or t.newest > 1 then 'dropped'
      when t.role <> 'origin' and (p.policy = 'local' or (p.policy <> 'mirror' and not e.moderator)) then 'filtered'
      else 'routed' end as status,
    case when e.status <> 'routed' then e.reason
      when t.ord is null then 'unknown-message'
      when t.deleted_at is not null then 'already-deleted'
      when t.newest > 1 then 'superseded'
      when t.role <> 'origin' and (p.policy = 'local' or (p.policy <> 'mirror' and not e.moderator)) then 'local-delete'
      end as reason
  from e left join target t on t.ord = e.ord
  left join lateral (
    select coalesce(max(d.render ->> 'copyDeletes'), 'moderators') as policy from k2.delivery d
    where t.role <> 'origin' and d.cid = t.cid and d.lane = t.lane and d.op = 'create') p on true
), ${store('message.delete')}, changed as (
  update k2.message m set deleted_at = $2::bigint from live l where m.cid = l.cid
  returning m.cid, m.network, m.account, m.scope, m.space, m.channel, m.thread, m.lane, m.occurred_at
), cancelled as (
  update k2.delivery d set state = 'cancelled', done_at = $2::bigint, last_error = 'deleted before it was sent'
  from live l where d.cid = l.cid and d.op in ('create', 'edit') and ${WAITING}
  returning d.id, d.cid, d.lane
), reached as (
  select l.cid, c.lane from live l join k2.copy c on c.cid = l.cid where c.role <> 'origin'
  union
  select l.cid, p.lane from live l join k2.composite p on p.cid = l.cid
  union
  select l.cid, d.lane from live l join k2.delivery d on d.cid = l.cid and d.op = 'create' and d.done_at is null
    where not exists (select 1 from cancelled x where x.id = d.id)
  union
  select l.cid, m.lane from live l join target t on t.ord = l.ord join changed m on m.cid = l.cid where t.role <> 'origin'
), d as materialized (
  select r.cid, r.lane, l.event_id, l.ord, m.occurred_at, c.route, c.render,
    row_number() over (partition by r.lane order by l.ord) as nth
  from reached r join live l on l.cid = r.cid join changed m on m.cid = r.cid
  join target t on t.ord = l.ord
  left join lateral (
    select x.route, x.render from k2.delivery x where x.cid = r.cid and x.lane = r.lane and x.op = 'create' limit 1) c on true
  where not (t.role <> 'origin' and r.lane = t.lane)
), counts as materialized (
  select lane, max(nth) as added, min(cid::text)::uuid as cid from d group by lane
), lanes as (
  insert into k2.lane as l (id, network, account, scope, space, channel, thread, next_seq, created_at)
  select c.lane, m.network, m.account, m.scope, m.space, m.channel, m.thread, c.added, $2::bigint
  from counts c join changed m on m.cid = c.cid
  order by c.lane
  on conflict (id) do update set next_seq = l.next_seq + excluded.next_seq
  returning l.id, l.next_seq
), placed as (
  insert into k2.delivery (id, cid, event_id, route, lane, lane_seq, op, revision, state, render, occurred_at, expires_at,
    created_at)
  select ${UUID_V7}, d.cid, d.event_id, coalesce(d.route, ''), d.lane, l.next_seq - c.added + d.nth, 'delete', 0, 'pending',
    coalesce(d.render, '{"identity":"bot"}'::jsonb), d.occurred_at, $2::bigint + 604800000, $2::bigint
  from d join lanes l on l.id = d.lane join counts c on c.lane = d.lane
  order by d.ord
)
select v.event_id, v.status, v.reason, v.cid,
  (select array_agg(distinct d.lane) from d where d.cid = v.cid) as lanes,
  (select count(*)::int from cancelled x where x.cid = v.cid) as collapsed
from verdict v join fresh f on f.event_id = v.event_id
order by v.ord`,
)
