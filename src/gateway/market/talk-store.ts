import type { PgPool } from '../db/pool.ts'
import { num, run, statement } from '../db/sql/statement.ts'
import type { Talk, Talker } from './model.ts'
import { readReach } from './schema.ts'

const COLUMNS = 'id, intent_id, about, owner, owner_name, owner_reach, other, other_name, other_reach, opened_at'
export const SAVE_TALKS = statement(
  'market_save_talks',
  `insert into k2.market_talk (id, intent_id, about, owner, owner_name, owner_reach, other, other_name, other_reach, opened_at, last_at)
   select id, intent_id, about, owner, owner_name, owner_reach, other, other_name, other_reach, opened_at, opened_at
   from jsonb_to_recordset($1::jsonb) as x(id text, intent_id text, about text, owner text, owner_name text, owner_reach jsonb,
     other text, other_name text, other_reach jsonb, opened_at bigint)
   order by id
   on conflict (id) do update set last_at = excluded.last_at`,
)
export const TOUCH_TALKS = statement(
  'market_touch_talks',
  'update k2.market_talk set last_at = $2::bigint where id = any($1::text[])',
)
const TALK = statement('market_talk', `select ${COLUMNS} from k2.market_talk where id = $1`)
const LATEST = statement(
  'market_latest_talk',
  `select ${COLUMNS} from k2.market_talk where (owner = $1 or other = $1) and last_at > $2::bigint order by last_at desc, id limit 1`,
)
const LATEST_OF = statement(
  'market_latest_talk_of',
  `select ${COLUMNS} from k2.market_talk
   where ((owner = $1 and other_reach->>'authorKey' = $2) or (other = $1 and owner_reach->>'authorKey' = $2)) and last_at > $3::bigint
   order by last_at desc, id limit 1`,
)
const WITH_PEERS = statement(
  'market_talks_with_peers',
  `select ${COLUMNS} from k2.market_talk where (owner like 'p2p:%' or other like 'p2p:%') and last_at > $1::bigint
   order by last_at desc, id limit $2::int`,
)
const OF_PERSON = statement(
  'market_talks_of',
  `select ${COLUMNS} from k2.market_talk where owner = $1 or other = $1 order by last_at desc, id limit $2::int`,
)
const WAITING_TEXT = statement('market_talk_text', `select target, notice from k2.market_notice where id = $1 and kind = 'talk'`)

/** A peer's direct messages belong to a conversation for this long after its last word. */
const LIVE_MS = 30 * 86_400_000

interface Row {
  readonly id: string
  readonly intent_id: string
  readonly about: string
  readonly owner: string
  readonly owner_name: string
  readonly owner_reach: unknown
  readonly other: string
  readonly other_name: string
  readonly other_reach: unknown
  readonly opened_at: string
}

export const talkRow = ({ id, intentId, about, owner, other, openedAt }: Talk): object => ({
  id,
  intent_id: intentId,
  about,
  owner: owner.person,
  owner_name: owner.name,
  owner_reach: owner.reach,
  other: other.person,
  other_name: other.name,
  other_reach: other.reach,
  opened_at: openedAt,
})

export async function findTalk(pool: PgPool, id: string): Promise<Talk | undefined> {
  const [row] = await run<Row>(pool, TALK, [id])
  return row && talkOf(row)
}

/** The conversation somebody was last active in. */
export async function latestTalk(pool: PgPool, person: string, now: number): Promise<Talk | undefined> {
  const [row] = await run<Row>(pool, LATEST, [person, now - LIVE_MS])
  return row && talkOf(row)
}

/** The one a peer of K2 and an account here were last active in. */
export async function latestTalkOf(pool: PgPool, peer: string, account: string, now: number): Promise<Talk | undefined> {
  const [row] = await run<Row>(pool, LATEST_OF, [peer, account, now - LIVE_MS])
  return row && talkOf(row)
}

/** The latest ones of people here with peers of K2. */
export async function talksWithPeers(
  pool: PgPool,
  since: number,
  limit: number,
): Promise<{ readonly peer: string; readonly account: string }[]> {
  const talks = (await run<Row>(pool, WITH_PEERS, [since, limit])).map(talkOf)
  return talks.flatMap(({ owner, other }) => {
    const [peer, person] = owner.reach === null ? [owner, other] : [other, owner]
    return peer.reach !== null || person.reach === null
      ? []
      : [{ peer: peer.person.slice('p2p:'.length), account: person.reach.authorKey }]
  })
}

export async function talksOf(pool: PgPool, person: string, limit: number): Promise<Talk[]> {
  return (await run<Row>(pool, OF_PERSON, [person, limit])).map(talkOf)
}

/** A text that waits for one person, with where it was to go. */
export async function waitingText(
  pool: PgPool,
  id: string,
): Promise<{ readonly target: unknown; readonly notice: unknown } | undefined> {
  const [row] = await run<{ target: unknown; notice: unknown }>(pool, WAITING_TEXT, [id])
  return row
}

function talkOf(row: Row): Talk {
  return {
    id: row.id,
    intentId: row.intent_id,
    about: row.about,
    owner: talker(row.owner, row.owner_name, row.owner_reach),
    other: talker(row.other, row.other_name, row.other_reach),
    openedAt: num(row.opened_at),
  }
}

const talker = (person: string, name: string, reach: unknown): Talker => ({ person, name, reach: readReach(reach) ?? null })
