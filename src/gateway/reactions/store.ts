import type { Emoji } from '../../bridges/model/message.ts'
import type { NativeRef, Network } from '../../bridges/model/place.ts'
import type { PgPool } from '../db/pool.ts'
import { inTransaction, run, statement } from '../db/sql/statement.ts'
import { SET_TALLY } from '../db/sql/tally.ts'
import { toJsonb } from '../pipeline/json.ts'
import { refScope } from '../pipeline/scope.ts'

/** One change of the set of reactions, as an event brought it. */
export interface ReactionEvent {
  readonly msg: NativeRef
  readonly at: number
  readonly change: /** All reactions of this actor. */
    | { readonly kind: 'set'; readonly actor: string; readonly emojis: readonly Emoji[] }
    | { readonly kind: 'delta'; readonly actor: string; readonly add: readonly Emoji[]; readonly remove: readonly Emoji[] }
    /** All reactions on this native message, or all with one emoji. */
    | { readonly kind: 'clear'; readonly emoji?: Emoji }
}

/** Network of reactions the gateway itself has to a message; they are shown at the original alone. */
export const GATEWAY = 'gateway'

export interface StoredReaction {
  readonly network: Network | typeof GATEWAY
  readonly channel: string
  readonly emoji: Emoji
  readonly at: number
}

/** A native message of a logical one, and what our account shows there. */
export interface ReactionCopy {
  readonly ref: NativeRef
  readonly isOrigin: boolean
  readonly part: number
  readonly shown: readonly string[]
  readonly lane: string
  /** It shows further messages. */
  readonly isJoined: boolean
  /** The line that counts reactions below it, and since when it says so. */
  readonly tally?: { readonly line: string; readonly at: number }
}

const FIND = statement(
  'reaction_find',
  'select cid from k2.copy where network = $1 and scope = $2 and channel = $3 and native_id = $4',
)
const FORGET_ACTOR = statement(
  'reaction_set',
  'delete from k2.reaction where cid = $1 and actor_key = $2 and not (emoji_key = any($3::text[]))',
)
const REMOVE = statement(
  'reaction_remove',
  'delete from k2.reaction where cid = $1 and actor_key = $2 and emoji_key = any($3::text[])',
)
const ADD = statement(
  'reaction_add',
  `insert into k2.reaction (cid, actor_key, emoji_key, emoji_name, network, channel, at)
   select $1, $2, x.key, x.name, $4, $5, $6::bigint from jsonb_to_recordset($3::jsonb) as x(key text, name text)
   on conflict do nothing`,
)
const CLEAR = statement(
  'reaction_clear',
  `delete from k2.reaction where cid = $1 and network = $2 and channel = $3 and ($4::text is null or emoji_key = $4)`,
)
const FORGET_SHOWN = statement(
  'reaction_forget_shown',
  'delete from k2.reaction_shown where network = $1 and channel = $2 and native_id = $3',
)
const MARK = statement(
  'reaction_mark',
  'insert into k2.reaction_due (cid, due_at) values ($1, $2) on conflict (cid) do update set due_at = excluded.due_at',
)
const DUE = statement('reaction_list_due', 'select cid from k2.reaction_due where due_at <= $1 order by due_at limit $2')
/** Only when nothing happened since it was read. */
const SETTLED = statement('reaction_settled', 'delete from k2.reaction_due where cid = $1 and due_at <= $2')
const OF_MESSAGE = statement(
  'reaction_of',
  'select network, channel, emoji_key, emoji_name, at from k2.reaction where cid = $1 order by at',
)
const COPIES = statement(
  'reaction_copies',
  `select c.network, c.account, c.channel, c.thread, c.native_id, c.role, c.part, c.lane, s.shown, t.line, t.at
   from k2.copy c left join k2.reaction_tally t on t.cid = c.cid and t.lane = c.lane and c.role <> 'origin' left join k2.reaction_shown s
     on s.network = c.network and s.account = c.account and s.channel = c.channel and s.native_id = c.native_id
   join k2.message m on m.cid = c.cid and m.deleted_at is null
   where c.cid = $1`,
)
const SHOW = statement(
  'reaction_show',
  `insert into k2.reaction_shown (network, account, channel, native_id, cid, shown) values ($1, $2, $3, $4, $5, $6::jsonb)
   on conflict (network, account, channel, native_id) do update set shown = excluded.shown`,
)
/** $1 lane, $2 cid. Whether something else waits to be sent there. */
const BUSY = statement(
  'reaction_lane_busy',
  `select 1 from k2.delivery where lane = $1 and done_at is null and parked_at is null and cid <> $2::uuid limit 1`,
)
const PRUNE = statement(
  'reaction_prune',
  `with gone as (
     delete from k2.reaction r where not exists (select 1 from k2.message m where m.cid = r.cid)
   ), uncounted as (
     delete from k2.reaction_tally t where not exists (select 1 from k2.message m where m.cid = t.cid))
   delete from k2.reaction_shown s where not exists (select 1 from k2.message m where m.cid = s.cid)`,
)

interface CopyRow {
  readonly network: Network
  readonly account: string
  readonly channel: string
  readonly thread: string | null
  readonly native_id: string
  readonly role: string
  readonly part: number
  readonly lane: string
  readonly shown: unknown
  readonly line: string | null
  readonly at: string | null
}

/** Sets of reactions in the database. Events are applied idempotently: what counts is the state they leave. */
export class ReactionStore {
  readonly #pool: PgPool

  constructor(pool: PgPool) {
    this.#pool = pool
  }

  /** Applies an event; answers the logical message it was about, undefined when that is unknown. */
  async apply({ msg, at, change }: ReactionEvent, dueAt: number): Promise<string | undefined> {
    return inTransaction(this.#pool, async (tx) => {
      const [row] = await run<{ cid: string }>(tx, FIND, [msg.network, refScope(msg), msg.channel, msg.id])
      if (row === undefined) return undefined
      const { cid } = row
      const keys = (emojis: readonly Emoji[]): string[] => emojis.map((e) => e.key)
      const add = (actor: string, emojis: readonly Emoji[]): Promise<unknown> =>
        run(tx, ADD, [cid, actor, toJsonb(emojis), msg.network, msg.channel, at])
      if (change.kind === 'set') {
        await run(tx, FORGET_ACTOR, [cid, change.actor, keys(change.emojis)])
        if (change.emojis.length > 0) await add(change.actor, change.emojis)
      } else if (change.kind === 'delta') {
        if (change.remove.length > 0) await run(tx, REMOVE, [cid, change.actor, keys(change.remove)])
        if (change.add.length > 0) await add(change.actor, change.add)
      } else {
        await run(tx, CLEAR, [cid, msg.network, msg.channel, change.emoji?.key ?? null])
        // Ours went with them.
        if (change.emoji === undefined) await run(tx, FORGET_SHOWN, [msg.network, msg.channel, msg.id])
      }
      await run(tx, MARK, [cid, dueAt])
      return cid
    })
  }

  async due(now: number, limit: number): Promise<readonly string[]> {
    return (await run<{ cid: string }>(this.#pool, DUE, [now, limit])).map((row) => row.cid)
  }

  async postpone(cid: string, until: number): Promise<void> {
    await run(this.#pool, MARK, [cid, until])
  }

  async settled(cid: string, readAt: number): Promise<void> {
    await run(this.#pool, SETTLED, [cid, readAt])
  }

  async reactions(cid: string): Promise<readonly StoredReaction[]> {
    const rows = await run<{
      network: StoredReaction['network']
      channel: string
      emoji_key: string
      emoji_name: string
      at: string
    }>(this.#pool, OF_MESSAGE, [cid])
    return rows.map((r) => ({
      network: r.network,
      channel: r.channel,
      emoji: { key: r.emoji_key, name: r.emoji_name },
      at: Number(r.at),
    }))
  }

  async copies(cid: string): Promise<readonly ReactionCopy[]> {
    const rows = await run<CopyRow>(this.#pool, COPIES, [cid])
    return rows.map(({ network, account, channel, thread, native_id, role, part, lane, shown, line, at }) => ({
      ref: { network, account, channel, id: native_id, ...(thread !== null && { thread }) },
      isOrigin: role === 'origin',
      part,
      lane,
      isJoined: role === 'composite',
      ...(line !== null && { tally: { line, at: Number(at) } }),
      shown: Array.isArray(shown) ? shown.map(String) : [],
    }))
  }

  async show(cid: string, { network, account, channel, id }: NativeRef, shown: readonly string[]): Promise<void> {
    await run(this.#pool, SHOW, [network, account, channel, id, cid, toJsonb(shown)])
  }

  /** Whether other messages wait in a lane: what only counts goes after them (bridging 16). */
  async isBusy(cid: string, lane: string): Promise<boolean> {
    return (await run(this.#pool, BUSY, [lane, cid])).length > 0
  }

  /** Has the copy in a lane show this line below its text; empty takes it away. */
  async count(cid: string, lane: string, line: string, now: number): Promise<void> {
    await run(this.#pool, SET_TALLY, [cid, now, lane, line])
  }

  /** Forgets what belongs to messages that are forgotten. */
  async prune(): Promise<void> {
    await run(this.#pool, PRUNE, [])
  }
}
