import { type Statement, statement } from './statement.ts'

/**
 * Retention, each $1 oldest time that is kept and $2 how many rows at most; answers how many went. Small batches, so that
 * deliveries never wait for tidying. Ids and `cid` are UUIDs of version 7: their order is the order of time.
 */
const gone = (name: string, text: string, before = ''): Statement =>
  statement(name, `with ${before}gone as (${text} returning 1) select count(*)::int as count from gone`)

/** Smallest version 7 UUID of a time. */
const FLOOR = `(substr(lpad(to_hex($1::bigint), 12, '0'), 1, 8) || '-' || substr(lpad(to_hex($1::bigint), 12, '0'), 9) ||
  '-0000-0000-000000000000')::uuid`

export const PRUNE_DELIVERIES = gone(
  'prune_deliveries',
  `delete from k2.delivery where id in (
    select id from k2.delivery where id < ${FLOOR} and done_at is not null order by id limit $2::int)`,
)

/** Content stays as long as an open delivery may send it. */
export const PRUNE_INBOX = gone(
  'prune_inbox',
  `delete from k2.inbox where event_id in (
    select i.event_id from k2.inbox i where i.received_at < $1::bigint
      and not exists (select 1 from k2.delivery d where d.cid = i.cid and d.done_at is null)
    order by i.received_at limit $2::int)`,
)

/** Messages with all their copies. */
export const PRUNE_MESSAGES = gone(
  'prune_messages',
  'delete from k2.message m using old where m.cid = old.cid',
  `old as materialized (
    select m.cid from k2.message m where m.cid < ${FLOOR}
      and not exists (select 1 from k2.delivery d where d.cid = m.cid and d.done_at is null)
    order by m.cid limit $2::int
  ), copies as (
    delete from k2.copy c using old where c.cid = old.cid
  ), lines as (
    delete from k2.composite c using old where c.cid = old.cid
  ), `,
)

export const PRUNE_DEAD_LETTERS = gone(
  'prune_dead_letters',
  `delete from k2.dead_letter where id in (
    select id from k2.dead_letter where state <> 'open' and settled_at < $1::bigint order by settled_at limit $2::int)`,
)
