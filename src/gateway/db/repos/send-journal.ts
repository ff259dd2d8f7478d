import { K2Error } from '../../../base/errors.ts'
import type { PeerId, TopicId } from '../../../core/ids.ts'
import { type ExpectedConfirmer, MemoryJournal, type SendJournal, type SentRecord } from '../../../core/k2/send-journal.ts'
import type { PgPool } from '../pool.ts'
import { inTransaction, num, run, statement } from '../sql/statement.ts'

/** An outbox gives up after 7 days at most: older lines are not asked for again, ms. */
const KEEP_MS = 8 * 86_400_000
const MAX_LINES = 5000

const LINES = statement(
  'sent_lines',
  `select key, topic, sent_at, attempts from
     (select * from k2.sent_line where sent_at > $1 order by sent_at desc limit ${MAX_LINES}) latest order by sent_at`,
)
const CONFIRMERS = statement('confirmers', 'select peer, topic from k2.confirmer')
const RECORD = statement(
  'sent_line_record',
  `insert into k2.sent_line (key, topic, sent_at, attempts) values ($1, $2, $3, $4)
   on conflict (key) do update set sent_at = excluded.sent_at, attempts = excluded.attempts`,
)
const FORGET = statement('sent_lines_forget', 'delete from k2.sent_line where sent_at <= $1')
const CLEAR = statement('confirmers_clear', 'delete from k2.confirmer where peer is not null')
const NOTE = statement(
  'confirmers_note',
  'insert into k2.confirmer (peer, topic) select p, t from unnest($1::text[], $2::text[]) as n (p, t) on conflict do nothing',
)

interface LineRow {
  readonly key: string
  readonly topic: string
  readonly sent_at: string
  readonly attempts: number
}

/** Opens the journal of lines sent to K2: what an earlier run sent is known again (`SendJournal`). */
export async function openSendJournal(pool: PgPool, now: () => number): Promise<SendJournal> {
  const since = now() - KEEP_MS
  await run(pool, FORGET, [since])
  const lines = (await run<LineRow>(pool, LINES, [since])).map(
    (row): SentRecord => ({ key: row.key, topic: row.topic as TopicId, sentAt: num(row.sent_at), attempts: row.attempts }),
  )
  const confirmers = (await run<{ peer: string; topic: string }>(pool, CONFIRMERS, [])).map(
    (row): ExpectedConfirmer => ({ peer: row.peer as PeerId, topic: row.topic as TopicId }),
  )
  const memory = new MemoryJournal(lines, confirmers)
  return {
    find: (key) => memory.find(key),
    async record(sent) {
      try {
        await run(pool, RECORD, [sent.key, sent.topic, sent.sentAt, sent.attempts])
      } catch (cause) {
        throw new K2Error({
          code: 'K2_JOURNAL',
          kind: 'storage',
          retry: 'later',
          message: 'a line cannot be remembered, so it is not sent',
          cause,
        })
      }
      await memory.record(sent)
    },
    async noteConfirmers(current) {
      await inTransaction(pool, async (tx) => {
        await run(tx, CLEAR, [])
        await run(tx, NOTE, [current.map((c) => c.peer), current.map((c) => c.topic)])
      })
    },
    restored: () => memory.restored(),
    close: () => memory.close(),
  }
}
