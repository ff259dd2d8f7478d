import { z } from 'zod'
import type { WebChatRecord, WebChatStore } from '../../../bridges/webchat/index.ts'
import { toJsonb } from '../../pipeline/json.ts'
import type { PgPool } from '../pool.ts'
import { num, numOrNull, run, statement } from '../sql/statement.ts'

const COLUMNS = 'room, id, author, body, reply_to, at, edited_at, deleted_at'

const LOAD = statement(
  'webchat_load',
  `select ${COLUMNS} from
     (select * from k2.webchat_message where room = $1 and deleted_at is null order by seq desc limit $2) youngest
   order by seq`,
)
const GET = statement('webchat_get', `select ${COLUMNS} from k2.webchat_message where room = $1 and id = $2`)
const SAVE = statement(
  'webchat_save',
  `insert into k2.webchat_message (${COLUMNS})
   select r.value->>'room', r.value->>'id', r.value->'author', r.value->'body', r.value->>'replyTo',
     (r.value->>'at')::bigint, (r.value->>'editedAt')::bigint, (r.value->>'deletedAt')::bigint
   from jsonb_array_elements($1::jsonb) with ordinality as r (value, position) order by r.position
   on conflict (room, id) do update set author = excluded.author, body = excluded.body, reply_to = excluded.reply_to,
     at = excluded.at, edited_at = excluded.edited_at, deleted_at = excluded.deleted_at`,
)

interface Row {
  readonly room: string
  readonly id: string
  readonly author: unknown
  readonly body: unknown
  readonly reply_to: string | null
  readonly at: string
  readonly edited_at: string | null
  readonly deleted_at: string | null
}

const author = z.object({ key: z.string(), name: z.string(), network: z.string() })
const body = z.object({ rich: z.object({ text: z.string(), spans: z.array(z.unknown()) }) })

/** The rooms of the web chat. */
export function webChatStore(pool: PgPool): WebChatStore {
  return {
    async load(room, limit) {
      return (await run<Row>(pool, LOAD, [room, limit])).flatMap(recordOf)
    },
    async get(room, id) {
      return (await run<Row>(pool, GET, [room, id])).flatMap(recordOf)[0]
    },
    async save(records) {
      // One statement may touch a row only once: of several states of one message the last counts.
      const last = new Map(records.map((r) => [`${r.room}\0${r.id}`, r]))
      await run(pool, SAVE, [toJsonb([...last.values()])])
    },
  }
}

/** Rows of an unreadable shape are left out rather than shown half. */
function recordOf(row: Row): WebChatRecord[] {
  if (!author.safeParse(row.author).success || !body.safeParse(row.body).success) return []
  const editedAt = numOrNull(row.edited_at)
  const deletedAt = numOrNull(row.deleted_at)
  return [
    {
      room: row.room,
      id: row.id,
      author: row.author as WebChatRecord['author'],
      body: row.body as WebChatRecord['body'],
      ...(row.reply_to !== null && { replyTo: row.reply_to }),
      at: num(row.at),
      ...(editedAt !== null && { editedAt }),
      ...(deletedAt !== null && { deletedAt }),
    },
  ]
}
