import { join } from 'node:path'
import { z } from 'zod'
import type { Platform } from '../../rules/model.ts'
import { PLATFORMS } from '../../rules/model.ts'
import type { Config } from '../config/schema.ts'
import { openDatabase } from '../db/database.ts'
import type { PgPool } from '../db/pool.ts'
import { num, run, statement } from '../db/sql/statement.ts'

/** One message as rules are tried on it. */
export interface StoredMessage {
  readonly id: string
  readonly platform: Platform
  readonly space?: string | undefined
  readonly channel: string
  readonly thread?: string | undefined
  readonly author: string
  readonly text: string
  /** ms since the epoch. */
  readonly at: number
  /** Rules that fired then, where that is known. */
  readonly fired?: readonly string[] | undefined
}

const PAGE = 2_000
/** More would not fit into memory beside their readings. */
const MAX_MESSAGES = 500_000

const PAGE_OF_MESSAGES = statement(
  'stored_messages',
  `select event_id, network, occurred_at, envelope #> '{at}' as place, envelope #>> '{author,key}' as author,
     envelope #>> '{event,body,rich,text}' as text
   from k2.inbox
   where kind = 'message.create' and status = 'routed' and (occurred_at, event_id) > ($1::bigint, $2) and occurred_at <= $3::bigint
   order by occurred_at, event_id limit $4::int`,
)
const place = z.object({ space: z.string().optional(), channel: z.string(), thread: z.string().optional() })

interface Row {
  readonly event_id: string
  readonly network: string
  readonly occurred_at: string
  readonly place: unknown
  readonly author: string | null
  readonly text: string | null
}

/** Messages of the inbox in the order they were written. */
export async function messagesBetween(pool: PgPool, from: number, to: number, signal: AbortSignal): Promise<StoredMessage[]> {
  const out: StoredMessage[] = []
  let after: [number, string] = [from - 1, '']
  for (;;) {
    signal.throwIfAborted()
    const rows = await run<Row>(pool, PAGE_OF_MESSAGES, [...after, Math.min(to, Number.MAX_SAFE_INTEGER), PAGE])
    for (const row of rows) {
      const at = place.safeParse(row.place)
      if (!at.success || !row.text || !PLATFORMS.includes(row.network as Platform)) continue
      const { space, channel, thread } = at.data
      out.push({
        id: row.event_id,
        platform: row.network as Platform,
        space,
        channel,
        thread,
        author: row.author ?? 'unknown',
        text: row.text,
        at: num(row.occurred_at),
      })
    }
    const last = rows.at(-1)
    if (last === undefined || rows.length < PAGE || out.length >= MAX_MESSAGES) return out
    after = [num(last.occurred_at), last.event_id]
  }
}

/** Opens the configured database for one look; `DB_LOCKED` while a gateway uses an embedded one. */
export async function storedMessages(config: Config, from: number, to: number, signal: AbortSignal): Promise<StoredMessage[]> {
  const { database, dataDir } = config
  const db = await openDatabase(
    database.driver === 'embedded'
      ? { driver: 'embedded', dir: join(dataDir, 'database') }
      : { ...database, url: database.url.reveal() },
  )
  try {
    return await messagesBetween(db.pool, from, to, signal)
  } finally {
    await db.close()
  }
}
