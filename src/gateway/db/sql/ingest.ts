import { statement } from './statement.ts'

/** Input of `INGEST_EVENTS`, one per event that starts a logical message or ends here. */
export interface EventRow {
  readonly ord: number
  readonly event_id: string
  /** Null for refused events: they leave a trace in the inbox, nothing else. */
  readonly cid: string | null
  readonly status: 'routed' | 'filtered' | 'dropped'
  readonly reason: string | null
  readonly kind: string
  readonly network: string
  readonly account: string
  readonly scope: string
  readonly space: string | null
  readonly channel: string
  readonly thread: string | null
  readonly native_id: string
  readonly lane: string
  readonly author_key: string
  readonly author_name: string
  readonly reply: object | null
  readonly body_hash: string
  readonly excerpt: string
  readonly occurred_at: number
  readonly received_at: number
  readonly envelope: object | null
  readonly trace: object | null
  /** Key under which edits and deletes wait that came first. */
  readonly hold_key: string
  /** When its author's turn is, ms; null: it does not wait for that. */
  readonly due_at: number | null
}

export interface NewDeliveryRow {
  readonly ord: number
  readonly n: number
  readonly id: string
  readonly cid: string
  readonly event_id: string
  readonly lane: string
  readonly route: string
  readonly render: object
  readonly occurred_at: number
  readonly expires_at: number
}

export interface LaneRow {
  readonly id: string
  readonly network: string
  readonly account: string
  readonly scope: string
  readonly space: string | null
  readonly channel: string
  readonly thread: string | null
}

/** One row per event that was new. */
export interface IngestedRow {
  readonly event_id: string
  /** Role of the copy the native message already was: 'origin' = seen before, others = our own echo. */
  readonly known: string | null
  readonly linked: boolean
  /** Edits and deletes that waited for this message. */
  readonly held: string[] | null
}

/**
 * $1 events, $2 deliveries, $3 lanes, $4 cursors (jsonb arrays of the rows above), $5 now. One statement, one commit: inbox
 * (an event id once), origin copies (a native message once: loop rule 3), messages, deliveries with their place in the
 * lane, cursors. Lane counters are taken in lane order, so that two gateways cannot block each other.
 */
export const INGEST_EVENTS = statement(
  'ingest_events',
  `
with e as materialized (
  select * from jsonb_to_recordset($1::jsonb) as x(
    ord int, event_id text, cid uuid, status text, reason text, kind text, network text, account text, scope text,
    space text, channel text, thread text, native_id text, lane text, author_key text, author_name text, reply jsonb,
    body_hash text, excerpt text, occurred_at bigint, received_at bigint, envelope jsonb, trace jsonb, hold_key text, due_at bigint)
), known as materialized (
  select e.ord, c.role from e cross join lateral (
    select c.role from k2.copy c
    where c.network = e.network and c.scope = e.scope and c.channel = e.channel and c.native_id = e.native_id
    limit 1) c
  where e.cid is not null
), fresh as (
  insert into k2.inbox (event_id, network, account, kind, cid, status, reason, envelope, trace, occurred_at, received_at,
    hold_until)
  select e.event_id, e.network, e.account, e.kind,
    case when k.ord is null then e.cid end,
    case when k.ord is null then e.status else 'dropped' end,
    case when k.ord is null then e.reason when k.role = 'origin' then 'known-message' else 'loop:copy' end,
    case when k.ord is null then e.envelope end, e.trace, e.occurred_at, e.received_at,
    case when k.ord is null then e.due_at end
  from e left join known k on k.ord = e.ord
  order by e.ord
  on conflict (event_id) do nothing
  returning event_id
), linked as (
  insert into k2.copy (network, scope, channel, native_id, account, thread, cid, part, role, lane, created_at)
  select e.network, e.scope, e.channel, e.native_id, e.account, e.thread, e.cid, 0, 'origin', e.lane, $5::bigint
  from e join fresh f on f.event_id = e.event_id left join known k on k.ord = e.ord
  where e.cid is not null and k.ord is null
  order by e.ord
  on conflict do nothing
  returning cid
), messages as (
  insert into k2.message (cid, network, account, scope, space, channel, thread, native_id, lane, author_key, author_name,
    reply, body_hash, excerpt, occurred_at, created_at)
  select e.cid, e.network, e.account, e.scope, e.space, e.channel, e.thread, e.native_id, e.lane, e.author_key,
    e.author_name, e.reply, e.body_hash, e.excerpt, e.occurred_at, $5::bigint
  from e join linked l on l.cid = e.cid
), d as materialized (
  select x.*, row_number() over (partition by x.lane order by x.ord, x.n) as nth
  from jsonb_to_recordset($2::jsonb) as x(
    ord int, n int, id uuid, cid uuid, event_id text, lane text, route text, render jsonb, occurred_at bigint,
    expires_at bigint)
  join linked l on l.cid = x.cid
), counts as materialized (
  select lane, max(nth) as added from d group by lane
), lanes as (
  insert into k2.lane as l (id, network, account, scope, space, channel, thread, next_seq, created_at)
  select x.id, x.network, x.account, x.scope, x.space, x.channel, x.thread, c.added, $5::bigint
  from jsonb_to_recordset($3::jsonb) as x(id text, network text, account text, scope text, space text, channel text,
    thread text)
  join counts c on c.lane = x.id
  order by x.id
  on conflict (id) do update set next_seq = l.next_seq + excluded.next_seq, space = excluded.space
  returning l.id, l.next_seq
), placed as (
  insert into k2.delivery (id, cid, event_id, route, lane, lane_seq, op, revision, state, render, occurred_at, expires_at,
    created_at)
  select d.id, d.cid, d.event_id, d.route, d.lane, l.next_seq - c.added + d.nth, 'create', 0, 'pending', d.render,
    d.occurred_at, d.expires_at, $5::bigint
  from d join lanes l on l.id = d.lane join counts c on c.lane = d.lane
  order by d.ord, d.n
), moved as (
  insert into k2.cursor (account, stream, value)
  select x.account, x.stream, x.value from jsonb_to_recordset($4::jsonb) as x(account text, stream text, value text)
  on conflict (account, stream) do update set value = excluded.value
)
select e.event_id, k.role as known, l.cid is not null as linked,
  (select array_agg(i.event_id order by i.received_at) from k2.inbox i where i.hold_key = e.hold_key) as held
from e join fresh f on f.event_id = e.event_id left join known k on k.ord = e.ord left join linked l on l.cid = e.cid
order by e.ord`,
)

/** $1 further native messages (jsonb: network, scope, channel, first, native_id), $2 now: copies of what `first` is a copy of. */
export const LINK_FURTHER = statement(
  'link_further',
  `
insert into k2.copy (network, scope, channel, native_id, account, thread, cid, part, role, lane, created_at)
select c.network, c.scope, c.channel, x.native_id, c.account, c.thread, c.cid, c.part, c.role, c.lane, $2::bigint
from jsonb_to_recordset($1::jsonb) as x(network text, scope text, channel text, first text, native_id text)
join k2.copy c on c.network = x.network and c.scope = x.scope and c.channel = x.channel and c.native_id = x.first
where c.role = 'origin'
on conflict do nothing`,
)
