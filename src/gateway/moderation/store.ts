import type { NativeRef } from '../../bridges/model/place.ts'
import type { PgPool } from '../db/pool.ts'
import { num, run, statement } from '../db/sql/statement.ts'
import type { Bar, BarKind, ModerationState, RouteLimits, Said } from './model.ts'

/** Authors known before a raid, at most: the youngest. */
const MAX_KNOWN = 200_000
const MAX_LINKS = 200_000
/** Messages read at a start for slow mode and rates, at most: the newest. */
const MAX_SAID = 50_000

const BARS = statement(
  'bars',
  `select author_key, kind, route, until_at, reason, barred_by, at from k2.author_bar
   where until_at is null or until_at > $1 order by at, author_key`,
)
const SAVE_BAR = statement(
  'bar_save',
  `insert into k2.author_bar (author_key, kind, route, until_at, reason, barred_by, at) values ($1, $2, $3, $4, $5, $6, $7)
   on conflict (author_key, kind, route) do update set until_at = excluded.until_at, reason = excluded.reason,
     barred_by = excluded.barred_by, at = excluded.at`,
)
const LIFT = statement(
  'bar_lift',
  `delete from k2.author_bar where author_key = any($1::text[]) and kind = any($2::text[]) and ($3::text is null or route = $3)
   returning kind`,
)
const PRUNE_BARS = statement('bar_prune', 'delete from k2.author_bar where until_at <= $1')
const LIMITS = statement(
  'route_limits',
  'select route, slow_ms, raid_since, raid_until, decided_by, at from k2.route_moderation order by route',
)
const SAVE_SLOW = statement(
  'route_slow',
  `insert into k2.route_moderation (route, slow_ms, decided_by, at) values ($1, $2, $3, $4)
   on conflict (route) do update set slow_ms = excluded.slow_ms, decided_by = excluded.decided_by, at = excluded.at`,
)
const SAVE_RAID = statement(
  'route_raid',
  `insert into k2.route_moderation (route, raid_since, raid_until, decided_by, at) values ($1, $2, $3, $4, $5)
   on conflict (route) do update set raid_since = excluded.raid_since, raid_until = excluded.raid_until,
     decided_by = excluded.decided_by, at = excluded.at`,
)
const KNOWN = statement(
  'authors_known',
  `select author_key from (select author_key, max(created_at) as last from k2.message where created_at < $1 group by author_key) a
   order by last desc limit $2::int`,
)
const LINKS = statement('account_links', 'select account, person from k2.account_link order by at, account limit $1::int')
/** $1 received since, $2 routes, $3 how many: the newest messages that went on there, or wait for their turn. */
const SAID = statement(
  'moderation_said',
  `select i.event_id, i.occurred_at, m.author_key, r.route
   from k2.inbox i join k2.message m on m.cid = i.cid
   cross join lateral (
     select t ->> 'route' as route from jsonb_array_elements(i.trace -> 'routes') t where t ? 'to' and t ->> 'route' = any($2::text[])) r
   where i.received_at >= $1::bigint and i.kind = 'message.create'
     and (i.status = 'routed' or (i.status = 'filtered' and i.reason = 'wait:pace'))
   order by i.received_at desc, i.event_id limit $3::int`,
)
const NOTICE = statement(
  'quarantine_notice',
  `insert into k2.quarantine_notice (event_id, notice, at) values ($1, $2::jsonb, $3) on conflict (event_id) do nothing`,
)
const TAKE_NOTICE = statement(
  'quarantine_notice_take',
  'delete from k2.quarantine_notice where event_id = any($1::text[]) returning notice',
)
const NOTICED = statement('quarantine_noticed', 'select event_id from k2.quarantine_notice where event_id = any($1::text[])')

interface BarRow {
  readonly author_key: string
  readonly kind: BarKind
  readonly route: string
  readonly until_at: string | null
  readonly reason: string | null
  readonly barred_by: string
  readonly at: string
}

interface LimitsRow {
  readonly route: string
  readonly slow_ms: number | null
  readonly raid_since: string | null
  readonly raid_until: string | null
  readonly decided_by: string
  readonly at: string
}

/** Bars, limits and notices of moderation in the database. */
export class ModerationStore {
  readonly #pool: PgPool

  constructor(pool: PgPool) {
    this.#pool = pool
  }

  async state(now: number): Promise<ModerationState> {
    const [bars, limits] = await Promise.all([run<BarRow>(this.#pool, BARS, [now]), run<LimitsRow>(this.#pool, LIMITS, [])])
    return { bars: bars.map(barOf), limits: limits.map((row) => limitsOf(row)) }
  }

  async bar({ account, kind, route, until, reason, by, at }: Bar): Promise<void> {
    await run(this.#pool, SAVE_BAR, [account, kind, route ?? '', until ?? null, reason ?? null, by, at])
  }

  /** Takes bars back; answers how many there were. `route` undefined: on every route. */
  async lift(accounts: readonly string[], kinds: readonly BarKind[], route?: string): Promise<number> {
    return (await run(this.#pool, LIFT, [accounts, kinds, route ?? null])).length
  }

  async slow(route: string | undefined, ms: number | undefined, by: string, at: number): Promise<void> {
    await run(this.#pool, SAVE_SLOW, [route ?? '', ms ?? null, by, at])
  }

  async raid(route: string | undefined, raid: RouteLimits['raid'], by: string, at: number): Promise<void> {
    await run(this.#pool, SAVE_RAID, [route ?? '', raid?.since ?? null, raid?.until ?? null, by, at])
  }

  async prune(now: number): Promise<void> {
    await run(this.#pool, PRUNE_BARS, [now])
  }

  /** Who wrote before a time. */
  async knownBefore(time: number): Promise<ReadonlySet<string>> {
    const rows = await run<{ author_key: string }>(this.#pool, KNOWN, [time, MAX_KNOWN])
    return new Set(rows.map((row) => row.author_key))
  }

  /** Messages that were let through on these routes since a time, oldest first. */
  async saidSince(time: number, routes: readonly string[]): Promise<readonly Said[]> {
    const rows = await run<{ event_id: string; occurred_at: string; author_key: string; route: string }>(this.#pool, SAID, [
      time,
      routes,
      MAX_SAID,
    ])
    return rows
      .map((row) => ({ account: row.author_key, route: row.route, eventId: row.event_id, at: num(row.occurred_at) }))
      .sort((a, b) => a.at - b.at)
  }

  /** Accounts that belong together, each with all of its person's. */
  async links(): Promise<ReadonlyMap<string, readonly string[]>> {
    const rows = await run<{ account: string; person: string }>(this.#pool, LINKS, [MAX_LINKS])
    const people = new Map<string, string[]>()
    for (const { account, person } of rows) {
      const list = people.get(person)
      if (list) list.push(account)
      else people.set(person, [account])
    }
    return new Map(rows.map(({ account, person }) => [account, people.get(person) ?? [account]]))
  }

  async noticed(eventIds: readonly string[]): Promise<ReadonlySet<string>> {
    const rows = await run<{ event_id: string }>(this.#pool, NOTICED, [eventIds])
    return new Set(rows.map((row) => row.event_id))
  }

  async keepNotice(eventId: string, ref: NativeRef, now: number): Promise<void> {
    await run(this.#pool, NOTICE, [eventId, JSON.stringify(ref), now])
  }

  /** Forgets what was shown of messages that are decided. */
  async takeNotices(eventIds: readonly string[]): Promise<readonly NativeRef[]> {
    const rows = await run<{ notice: NativeRef }>(this.#pool, TAKE_NOTICE, [eventIds])
    return rows.map((row) => row.notice)
  }
}

function barOf({ author_key: account, kind, route, until_at: until, reason, barred_by: by, at }: BarRow): Bar {
  return {
    account,
    kind,
    by,
    at: num(at),
    ...(route !== '' && { route }),
    ...(until !== null && { until: num(until) }),
    ...(reason !== null && { reason }),
  }
}

function limitsOf({ route, slow_ms: slowMs, raid_since: since, raid_until: until, decided_by: by, at }: LimitsRow): RouteLimits {
  return {
    by,
    at: num(at),
    ...(route !== '' && { route }),
    ...(slowMs !== null && { slowMs }),
    ...(since !== null && until !== null && { raid: { since: num(since), until: num(until) } }),
  }
}
