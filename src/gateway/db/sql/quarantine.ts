import { statement } from './statement.ts'

/** A message that waits for a moderator: filtered, with its envelope kept. */
export interface QuarantineRow {
  readonly event_id: string
  readonly cid: string
  readonly reason: string
  readonly received_at: string
  readonly envelope: unknown
  /** The newest text, where the author changed it meanwhile. */
  readonly edited: unknown
}

const WAITS = `i.status = 'filtered' and i.envelope is not null and i.reason <> 'wait:pace'`
const COLUMNS = `select i.event_id, i.cid, i.reason, i.received_at, i.envelope,
    (select e.envelope from k2.inbox e where e.cid = i.cid and e.kind = 'message.edit' and e.status = 'routed'
       order by e.occurred_at desc, e.received_at desc limit 1) as edited
  from k2.inbox i join k2.message m on m.cid = i.cid`

/** $1 how many. Oldest first; what the author deleted meanwhile is no question any more. */
export const QUARANTINE = statement(
  'quarantine',
  `${COLUMNS} where ${WAITS} and m.deleted_at is null order by i.received_at, i.event_id limit $1::int`,
)

/** $1 event id. */
export const QUARANTINED = statement(
  'quarantined',
  `${COLUMNS} where i.event_id = $1 and ${WAITS} and m.deleted_at is null for update of i`,
)

export const COUNT_QUARANTINE = statement('quarantine_count', `select count(*)::int as count from k2.inbox i where ${WAITS}`)

/** $1 event id. Takes a waiting message away, so that it can come again as a new one. */
export const UNSTORE_EVENT = statement(
  'quarantine_unstore',
  `with gone as (delete from k2.inbox i where i.event_id = $1 and ${WAITS} returning i.cid),
    links as (delete from k2.copy c using gone g where c.cid = g.cid)
  delete from k2.message m using gone g where m.cid = g.cid`,
)

/** $1 event id, $2 reason. */
export const REJECT_QUARANTINED = statement(
  'quarantine_reject',
  `update k2.inbox i set envelope = null, reason = $2 where i.event_id = $1 and ${WAITS} returning i.event_id`,
)

/** $1 received before. What nobody decided about, or its author took back, does not wait for ever. */
export const EXPIRE_QUARANTINE = statement(
  'quarantine_expire',
  `update k2.inbox i set envelope = null, reason = 'hold-expired' where ${WAITS}
     and (i.received_at < $1::bigint or exists (select 1 from k2.message m where m.cid = i.cid and m.deleted_at is not null))
   returning i.event_id`,
)
