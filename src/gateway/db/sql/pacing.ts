import { statement } from './statement.ts'

/** A message that waits for its author's turn: filtered, with its envelope kept, and when its turn is. */
export interface PacedRow {
  readonly event_id: string
  readonly cid: string
  readonly due_at: string
  readonly envelope: unknown
  /** Routes that would have taken it. */
  readonly routes: readonly string[] | null
  /** The newest text, where the author changed it meanwhile. */
  readonly edited: unknown
  /** Its author took it back. */
  readonly gone: boolean
}

const WAITS = `i.reason = 'wait:pace' and i.status = 'filtered' and i.envelope is not null`
const COLUMNS = `select i.event_id, i.cid, i.hold_until as due_at, i.envelope,
    (select jsonb_agg(t -> 'route') from jsonb_array_elements(i.trace -> 'routes') t where t ? 'to') as routes,
    (select e.envelope from k2.inbox e where e.cid = i.cid and e.kind = 'message.edit' and e.status = 'routed'
       and e.received_at >= i.received_at order by e.occurred_at desc, e.received_at desc limit 1) as edited,
    m.deleted_at is not null as gone
  from k2.inbox i join k2.message m on m.cid = i.cid`

/** $1 how many. In the order of their turns. */
export const PACED = statement('paced', `${COLUMNS} where ${WAITS} order by i.hold_until, i.seq limit $1::int`)

/** $1 now, $2 how many. Those whose turn has come, for this gateway alone. */
export const PACED_DUE = statement(
  'paced_due',
  `${COLUMNS} where ${WAITS} and i.hold_until <= $1::bigint order by i.hold_until, i.seq limit $2::int for update of i skip locked`,
)

/** $1 event ids, $2 turns. */
export const PACE_ANEW = statement(
  'pace_anew',
  `update k2.inbox i set hold_until = x.due from unnest($1::text[], $2::bigint[]) as x(id, due)
   where i.event_id = x.id and ${WAITS}`,
)

/** $1 event ids. Takes waiting messages away, so that they can come again as new ones. */
export const UNSTORE_PACED = statement(
  'paced_unstore',
  `with gone as (delete from k2.inbox i where i.event_id = any($1::text[]) and ${WAITS} returning i.cid),
    links as (delete from k2.copy c using gone g where c.cid = g.cid)
  delete from k2.message m using gone g where m.cid = g.cid`,
)

/** $1 event ids, $2 why. They wait no more. */
export const END_PACED = statement(
  'paced_end',
  `update k2.inbox i set envelope = null, reason = $2, hold_until = null where i.event_id = any($1::text[]) and ${WAITS}`,
)
