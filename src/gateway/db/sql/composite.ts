import { statement } from './statement.ts'

export interface CompositeRow {
  /** Of `Turn`, in their order. */
  readonly turns: unknown[]
  readonly parts: { part: number; network: string; account: string; channel: string; thread: string | null; id: string }[]
}

/** $1 cid, $2 lane. The native message that shows it as one of several lines, and all of these; no row where there is none. */
export const COMPOSITE = statement(
  'composite',
  `select
    (select jsonb_agg(m.turn order by m.ord) from k2.composite m where m.lane = p.lane and m.head = p.head) as turns,
    (select jsonb_agg(jsonb_build_object('part', c.part, 'network', c.network, 'account', c.account, 'channel', c.channel,
      'thread', c.thread, 'id', c.native_id) order by c.part)
      from k2.copy c where c.cid = p.head and c.lane = p.lane and c.role <> 'origin') as parts
  from k2.composite p
  where p.lane = $2 and p.cid = $1::uuid
    and exists (select 1 from k2.copy c where c.cid = p.head and c.lane = p.lane and c.role = 'composite')`,
)

/** $1 lane, $2 cid of the first, $3 turns in order (jsonb). Takes the place of what an earlier attempt had put together. */
export const KEEP_COMPOSITE = statement(
  'keep_composite',
  `with turns as materialized (
    select (t.turn ->> 'cid')::uuid as cid, t.turn, t.ord::int from jsonb_array_elements($3::jsonb) with ordinality as t(turn, ord)
  ), gone as (
    delete from k2.composite c where c.lane = $1 and c.head = $2::uuid and c.cid not in (select cid from turns)
  )
  insert into k2.composite (lane, cid, head, ord, turn) select $1::text, t.cid, $2::uuid, t.ord, t.turn from turns t
  on conflict (lane, cid) do update set head = excluded.head, ord = excluded.ord, turn = excluded.turn`,
)

/** $1 lane, $2 cid, $3 turn (jsonb). */
export const CHANGE_TURN = statement('change_turn', 'update k2.composite set turn = $3::jsonb where lane = $1 and cid = $2::uuid')
