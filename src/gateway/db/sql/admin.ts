import { statement } from './statement.ts'

export interface LaneStateRow {
  readonly id: string
  readonly network: string
  readonly account: string
  readonly depth: number
  readonly parked: number
  readonly oldest_at: string | null
  readonly next_at: string | null
  readonly last_error: string | null
  readonly lease_owner: string | null
  readonly lease_until: string
  readonly suspended_at: string | null
  readonly suspended_code: string | null
  readonly suspended_reason: string | null
  readonly probe_at: string | null
}

/** All lanes with what waits in them, the deepest first. */
export const LANE_STATES = statement(
  'lane_states',
  `select l.id, l.network, l.account, l.lease_owner, l.lease_until, l.suspended_at, l.suspended_code, l.suspended_reason,
    l.probe_at, coalesce(o.depth, 0) as depth, coalesce(o.parked, 0) as parked, o.oldest_at, h.not_before as next_at,
    h.last_error
  from k2.lane l
  left join (
    select lane, count(*)::int as depth, (count(*) filter (where state = 'parked'))::int as parked, min(created_at) as oldest_at
    from k2.delivery where done_at is null group by lane) o on o.lane = l.id
  left join lateral (
    select d.not_before, d.last_error from k2.delivery d
    where o.depth > 0 and d.lane = l.id and d.lane_seq >= l.head_seq and d.done_at is null and d.parked_at is null
    order by d.lane_seq limit 1) h on true
  order by depth desc, l.id`,
)

export interface DeadLetterRow {
  readonly id: string
  readonly cid: string
  readonly event_id: string
  readonly route: string
  readonly lane: string
  readonly op: string
  readonly code: string
  readonly message: string
  readonly attempt: number
  readonly died_at: string
  readonly envelope: unknown
}

/** $1 how many. Open dead letters, newest first. */
export const DEAD_LETTERS = statement(
  'dead_letters',
  `select id, cid, event_id, route, lane, op, code, message, attempt, died_at, envelope
  from k2.dead_letter where state = 'open' order by died_at desc, id desc limit $1::int`,
)

export const COUNT_DEAD_LETTERS = statement(
  'count_dead_letters',
  `select count(*)::int as count from k2.dead_letter where state = 'open'`,
)

/**
 * $1 dead letter, $2 new delivery, $3 now, $4 its life in ms. Puts it at the end of its lane, with its content if retention
 * took that away; answers the lane.
 */
export const REPLAY_DEAD_LETTER = statement(
  'replay_dead_letter',
  `with letter as (
    update k2.dead_letter set state = 'replayed', settled_at = $3::bigint, replay_id = $2::uuid
    where id = $1::uuid and state = 'open' returning *
  ), restored as (
    insert into k2.inbox (event_id, network, account, kind, cid, status, envelope, occurred_at, received_at)
    select x.event_id, x.envelope -> 'at' ->> 'network', x.envelope ->> 'account', x.envelope -> 'event' ->> 'kind', x.cid,
      'routed', x.envelope, (x.envelope ->> 'occurredAt')::bigint, $3::bigint
    from letter x where x.envelope is not null
    on conflict (event_id) do nothing
  ), l as (
    update k2.lane l set next_seq = l.next_seq + 1 from letter x where l.id = x.lane returning l.id, l.next_seq
  )
  insert into k2.delivery (id, cid, event_id, route, lane, lane_seq, op, revision, state, render, parts, occurred_at,
    expires_at, created_at)
  select $2::uuid, x.cid, x.event_id, x.route, l.id, l.next_seq, x.op, x.revision, 'pending', x.render, o.parts,
    coalesce(o.occurred_at, $3::bigint), $3::bigint + $4::bigint, $3::bigint
  from letter x join l on l.id = x.lane left join k2.delivery o on o.id = x.id
  returning lane`,
)

/** $1 dead letter, $2 now. */
export const DISCARD_DEAD_LETTER = statement(
  'discard_dead_letter',
  `update k2.dead_letter set state = 'discarded', settled_at = $2::bigint where id = $1::uuid and state = 'open' returning id`,
)

export interface EventTraceRow {
  readonly event_id: string
  readonly network: string
  readonly account: string
  readonly kind: string
  readonly cid: string | null
  readonly status: string
  readonly reason: string | null
  readonly trace: unknown
  readonly occurred_at: string
  readonly received_at: string
}

const EVENT_COLUMNS = 'event_id, network, account, kind, cid, status, reason, trace, occurred_at, received_at'

/** $1 event id. */
export const EVENT_TRACE = statement('event_trace', `select ${EVENT_COLUMNS} from k2.inbox where event_id = $1`)

/** $1 cid. All events of one message; none is much older than the message itself. */
export const EVENTS_OF_MESSAGE = statement(
  'events_of_message',
  `select ${EVENT_COLUMNS} from k2.inbox
  where received_at >= (select m.created_at - 86400000 from k2.message m where m.cid = $1::uuid) and cid = $1::uuid
  order by received_at, event_id`,
)

/** $1 to $4 native message. */
export const MESSAGE_OF_COPY = statement(
  'message_of_copy',
  'select cid from k2.copy where network = $1 and scope = $2 and channel = $3 and native_id = $4',
)

export interface MessageTraceRow {
  readonly message: Record<string, unknown> | null
  readonly copies: Record<string, unknown>[] | null
  readonly deliveries: Record<string, unknown>[] | null
}

/** $1 cid. The message, everything that shows it, and everything that was to be sent for it. */
export const MESSAGE_TRACE = statement(
  'message_trace',
  `select
    (select to_jsonb(m) from k2.message m where m.cid = $1::uuid) as message,
    (select jsonb_agg(to_jsonb(c) order by c.role, c.lane, c.part) from k2.copy c where c.cid = $1::uuid) as copies,
    (select jsonb_agg(jsonb_build_object('id', d.id, 'route', d.route, 'lane', d.lane, 'seq', d.lane_seq, 'op', d.op,
      'revision', d.revision, 'state', d.state, 'attempt', d.attempt, 'notBefore', d.not_before, 'error', d.last_error,
      'createdAt', d.created_at, 'doneAt', d.done_at) order by d.lane, d.lane_seq)
      from k2.delivery d where d.cid = $1::uuid) as deliveries`,
)

/** $1 route, $2 paused, $3 now. */
export const PAUSE_ROUTE = statement(
  'pause_route',
  `insert into k2.route_state (route, paused, changed_at) values ($1, $2::boolean, $3::bigint)
  on conflict (route) do update set paused = excluded.paused, changed_at = excluded.changed_at`,
)

export const PAUSED_ROUTES = statement('paused_routes', 'select route from k2.route_state where paused')
