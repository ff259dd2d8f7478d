import { UUID_V7 } from './amend.ts'
import { statement } from './statement.ts'

/**
 * $1 cid, $2 now, $3 lane, $4 line. Keeps the line that counts reactions, and has the copy edited to show it: what was sent
 * there last is sent again, unless a delivery waits that will show it anyway. Nothing where the content is gone.
 */
export const SET_TALLY = statement(
  'reaction_set_tally',
  `with last as materialized (
    select d.event_id, d.route, d.lane, d.render, d.revision, d.occurred_at, d.expires_at - d.created_at as max_age
    from k2.delivery d join k2.inbox i on i.event_id = d.event_id and i.envelope is not null
    where d.cid = $1::uuid and d.lane = $3 and d.op in ('create', 'edit') and d.state = 'done'
    order by d.lane_seq desc limit 1
  ), kept as (
    insert into k2.reaction_tally as t (cid, lane, line, at) select $1::uuid, $3, $4, $2::bigint from last
    on conflict (cid, lane) do update set line = excluded.line, at = excluded.at where t.line <> excluded.line
    returning t.lane
  ), l as (
    update k2.lane l set next_seq = l.next_seq + 1 from kept
    where l.id = kept.lane and not exists (
      select 1 from k2.delivery d where d.cid = $1::uuid and d.lane = $3 and d.op = 'edit' and d.state = 'pending')
    returning l.id, l.next_seq
  )
  insert into k2.delivery (id, cid, event_id, route, lane, lane_seq, op, revision, state, render, occurred_at, expires_at,
    created_at)
  select ${UUID_V7}, $1::uuid, last.event_id, last.route, last.lane, l.next_seq, 'edit', last.revision, 'pending', last.render,
    last.occurred_at, $2::bigint + last.max_age, $2::bigint
  from last join l on l.id = last.lane
  returning lane`,
)
