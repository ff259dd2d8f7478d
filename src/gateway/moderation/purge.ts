import type { PgPool } from '../db/pool.ts'
import { inTransaction, run, statement } from '../db/sql/statement.ts'

const CANCEL = statement(
  'purge_cancel',
  `update k2.delivery d set state = 'cancelled', done_at = $2, last_error = 'purged'
   from k2.message m where m.author_key = any($1::text[]) and d.cid = m.cid and d.done_at is null and d.sent_at is null
     and d.op in ('create', 'edit')`,
)
const ENVELOPES = statement(
  'purge_envelopes',
  `update k2.inbox i set envelope = null, trace = null from k2.message m
   where m.author_key = any($1::text[]) and i.cid = m.cid and i.envelope is not null`,
)
const QUOTES = statement(
  'purge_quotes',
  `update k2.message q set reply = q.reply - 'authorName' - 'excerpt'
   from k2.message m join k2.copy c on c.cid = m.cid
   where m.author_key = any($1::text[]) and q.reply ->> 'network' = c.network and q.reply ->> 'channel' = c.channel
     and q.reply ->> 'id' = c.native_id`,
)
const LETTERS = statement(
  'purge_letters',
  `update k2.dead_letter l set envelope = null, state = case when state = 'open' then 'discarded' else state end
   from k2.message m where m.author_key = any($1::text[]) and l.cid = m.cid`,
)
const MESSAGES = statement(
  'purge_messages',
  `update k2.message set author_key = 'purged', author_name = '', excerpt = '' where author_key = any($1::text[]) returning cid`,
)
/** Everything else that is theirs alone. */
const REST = [
  statement('purge_reactions', 'delete from k2.reaction where actor_key = any($1::text[])'),
  statement('purge_web', `delete from k2.webchat_message where author ->> 'key' = any($1::text[])`),
  statement('purge_waiting', `delete from k2.direct_waiting where envelope #>> '{author,key}' = any($1::text[])`),
  statement('purge_lines', 'delete from k2.direct_line where person = any($1::text[])'),
  statement('purge_requests', 'delete from k2.direct_request where person_key = any($1::text[])'),
  statement(
    'purge_talks',
    `update k2.direct set person_key = 'purged', person_name = '', person = '{}'::jsonb
     where person_key = any($1::text[]) and closed_at is not null`,
  ),
  statement('purge_audit', `update k2.command_audit set actor_key = 'purged', actor_name = '' where actor_key = any($1::text[])`),
  statement('purge_grants', 'delete from k2.access_grant where account = any($1::text[])'),
  statement('purge_links', 'delete from k2.account_link where account = any($1::text[])'),
]

/**
 * Removes what is stored of a person (bridging 18): texts, names, reactions, links, rights. What is left are numbers that keep
 * deletions possible. Answers how many messages there were. What waits to be sent is not sent any more.
 */
export function purgePerson(pool: PgPool, accounts: readonly string[], now: number): Promise<number> {
  return inTransaction(pool, async (tx) => {
    await run(tx, CANCEL, [accounts, now])
    await run(tx, ENVELOPES, [accounts])
    await run(tx, QUOTES, [accounts])
    await run(tx, LETTERS, [accounts])
    const purged = await run(tx, MESSAGES, [accounts])
    for (const query of REST) await run(tx, query, [accounts])
    return purged.length
  })
}
