import { statement } from './statement.ts'

export interface HeldRow {
  readonly event_id: string
  readonly envelope: unknown
}

/** $1 event ids. Waiting edits and deletes among them, oldest first. */
export const HELD_EVENTS = statement(
  'held_events',
  `select event_id, envelope from k2.inbox where event_id = any($1::text[]) and status = 'held' order by received_at, event_id`,
)

/** $1 now, $2 how many. Edits and deletes that waited long enough. */
export const HELD_TOO_LONG = statement(
  'held_too_long',
  `select event_id, envelope from k2.inbox where hold_key is not null and hold_until <= $1::bigint
  order by received_at, event_id limit $2::int`,
)

/** $1 event ids. Their message never came. */
export const DROP_HELD = statement(
  'drop_held',
  `update k2.inbox set status = 'dropped', envelope = null, hold_key = null, hold_until = null
  where event_id = any($1::text[]) and status = 'held'`,
)

/** $1 event id. Makes room for the same event as a new message. */
export const REMOVE_HELD = statement(
  'remove_held',
  `delete from k2.inbox where event_id = $1 and status = 'held' returning event_id`,
)
