import type { Logger } from '../../base/logger.ts'
import type { Notice, NoticeTarget } from '../../bridges/interaction.ts'
import { type alert, type language, subscribe } from '../../rules/index.ts'
import { LeanIntents } from '../../rules/thread/index.ts'
import type { PgPool, Queryable } from '../db/pool.ts'
import { inTransaction, num, numOrNull, run, statement } from '../db/sql/statement.ts'
import type { Changes } from './changes.ts'
import type { MarketIntent, PersonSettings, PublishConsent, Search, Talk } from './model.ts'
import { TRACE_RINGS } from './passed-over.ts'
import { readIntentRow, readReach, readSettings } from './schema.ts'
import * as sql from './store-sql.ts'
import { type Write, writesOf } from './store-writes.ts'
import { findTalk, latestTalk, latestTalkOf, talksOf, talksWithPeers, waitingText } from './talk-store.ts'

const PAGE = 2_000
/** So many traces are written before those beyond their rings are looked for. */
const TRIM_AFTER = 2_000
const DAY_MS = 86_400_000
/** Ended intents stay in memory this long: "sold" twice, late interests, reposts. */
const ENDED_KEPT_MS = DAY_MS

/** Everything the market keeps in memory, as it was stored last. */
export interface Loaded {
  readonly intents: MarketIntent[]
  readonly searches: Search[]
  readonly alerts: alert.AlertChange[]
  readonly people: Map<string, PersonSettings>
  readonly consents: Map<string, PublishConsent>
  readonly ruleState: language.StateChange[]
  /** Rows of another version that could not be read. */
  readonly unreadable: number
}

export const consentKey = (person: string, place: string): string => `${person}\0${place}`

/** The market's tables. */
export class MarketStore {
  readonly #pool: PgPool
  readonly #log: Logger
  #untrimmed = 0
  readonly #lean = new LeanIntents()

  constructor(pool: PgPool, log: Logger) {
    this.#pool = pool
    this.#log = log
  }

  /** Writes all changes in one transaction, or in the one that is open; rejects when none of it was stored. */
  async flush(changes: Changes, now: number, tx?: Queryable): Promise<void> {
    const writes = writesOf(changes, now)
    this.#untrimmed += changes.traces.length
    if (tx !== undefined) {
      for (const [statement, values] of writes) await run(tx, statement, values)
      return
    }
    if (writes.length === 0) return
    if (writes.length === 1) {
      const [statement, values] = writes[0] as Write
      await run(this.#pool, statement, values)
      return
    }
    await inTransaction(this.#pool, async (tx) => {
      for (const [statement, values] of writes) await run(tx, statement, values)
    })
  }

  async load(now: number, db: Queryable = this.#pool): Promise<Loaded> {
    let unreadable = 0
    const intents: MarketIntent[] = []
    await pages<{ record: { intent: { intent_id: string } } }>(
      (after) => run(db, sql.LOAD_INTENTS, [after, now - ENDED_KEPT_MS, PAGE]),
      (row) => row.record.intent.intent_id,
      (row) => {
        const entry = readIntentRow(row, this.#lean)
        if (entry === undefined) unreadable++
        else intents.push(entry)
      },
    )
    const searches: Search[] = []
    await pages<SearchRow>(
      (after) => run(db, sql.LOAD_SEARCHES, [after, PAGE]),
      (row) => row.id,
      (row) => {
        const search = searchOf(row)
        if (search === undefined) unreadable++
        else searches.push(search)
      },
    )
    const alerts = await loadAlerts(db, now)
    const people = new Map<string, PersonSettings>()
    for (const row of await run<{ person: string; settings: unknown }>(db, sql.LOAD_PEOPLE, [])) {
      const settings = readSettings(row.settings)
      if (settings !== undefined) people.set(row.person, settings)
    }
    const consents = new Map<string, PublishConsent>()
    for (const row of await run<ConsentRow>(db, sql.LOAD_CONSENTS, []))
      consents.set(consentKey(row.person, row.place), consentOf(row))
    const ruleState = await loadRuleState(db, now)
    if (unreadable > 0)
      this.#log.warn({ ev: 'market-unreadable', rows: unreadable }, 'stored rows of another version are left out')
    return {
      intents,
      searches,
      alerts,
      people,
      consents,
      ruleState,
      unreadable,
    }
  }

  /** What was decided about telling people, and what rules remember. */
  async decided(now: number): Promise<Pick<Loaded, 'alerts' | 'ruleState'>> {
    return { alerts: await loadAlerts(this.#pool, now), ruleState: await loadRuleState(this.#pool, now) }
  }

  /** Rows another gateway changed, by their keys. */
  async intentsOf(ids: readonly string[], db: Queryable): Promise<MarketIntent[]> {
    if (ids.length === 0) return []
    return (await run<unknown>(db, sql.INTENTS_OF, [ids])).flatMap((row) => readIntentRow(row, this.#lean) ?? [])
  }

  async searchesOf(ids: readonly string[], db: Queryable): Promise<Search[]> {
    if (ids.length === 0) return []
    return (await run<SearchRow>(db, sql.SEARCHES_OF, [ids])).flatMap((row) => searchOf(row) ?? [])
  }

  async peopleOf(people: readonly string[], db: Queryable): Promise<[string, PersonSettings][]> {
    if (people.length === 0) return []
    const rows = await run<{ person: string; settings: unknown }>(db, sql.PEOPLE_OF, [people])
    return rows.flatMap(({ person, settings }) => {
      const read = readSettings(settings)
      return read === undefined ? [] : [[person, read] as [string, PersonSettings]]
    })
  }

  async consentsOf(people: readonly string[], db: Queryable): Promise<[string, PublishConsent][]> {
    if (people.length === 0) return []
    const rows = await run<ConsentRow>(db, sql.CONSENTS_OF, [people])
    return rows.map((row) => [consentKey(row.person, row.place), consentOf(row)])
  }

  async alertsOf(
    ids: readonly string[],
    db: Queryable,
  ): Promise<{ readonly change: alert.AlertChange; readonly taken: boolean }[]> {
    if (ids.length === 0) return []
    const rows = await run<{ record: alert.AlertRecord; digest: alert.DigestEntry | null; taken: boolean }>(db, sql.ALERTS_OF, [
      ids,
    ])
    return rows.map(({ record, digest, taken }) => ({
      change: digest === null || taken ? { record } : { record, digest },
      taken,
    }))
  }

  /** Keys are JSON: `[kind, rule, key]`. */
  async stateOf(keys: readonly string[], db: Queryable): Promise<language.StateChange[]> {
    const wanted = keys.map((key) => JSON.parse(key) as [string, string, string])
    const rows = wanted.map(([kind, rule, key]) => ({ kind, rule, key }))
    const found = await run<language.StateChange & { expires_at: string }>(db, sql.STATE_OF, [JSON.stringify(rows)])
    return found.map((row) => ({ ...row, expires_at: num(row.expires_at) }))
  }

  /** Accounts of one person: account key to person. */
  async links(): Promise<Map<string, string>> {
    const rows = await run<{ account: string; person: string }>(this.#pool, sql.LOAD_LINKS, [])
    return new Map(rows.map((row) => [row.account, row.person]))
  }

  /** Accounts by role of the gateway: those granted it, and the configured administrators. */
  async roles(admins: readonly string[]): Promise<Map<string, readonly string[]>> {
    const roles = new Map<string, string[]>([['admin', [...admins]]])
    for (const { account, role } of await run<{ account: string; role: string }>(this.#pool, sql.LOAD_GRANTS, []))
      roles.set(role, [...(roles.get(role) ?? []), account])
    return roles
  }

  async profiles(db: Queryable = this.#pool): Promise<Map<string, string>> {
    const rows = await run<{ place: string; mode: string }>(db, sql.LOAD_PROFILES, [])
    return new Map(rows.map((row) => [row.place, row.mode]))
  }

  async setProfile(place: string, mode: string, by: string, now: number): Promise<void> {
    await run(this.#pool, SET_PROFILE, [place, mode, by, now])
  }

  /** What somebody says of an alert they got. */
  async feedback(alertId: string, person: string, verdict: 'not_meant' | 'spam', now: number): Promise<void> {
    await run(this.#pool, FEEDBACK, [alertId, person, now, verdict])
  }

  async intentOfAlert(alertId: string): Promise<string | undefined> {
    const [row] = await run<{ intent_id: string }>(this.#pool, ALERT_INTENT, [alertId])
    return row?.intent_id
  }

  /** Latest passes in which a rule fired or would have, newest first (rules 11.7). */
  async fires(
    rule: string,
    limit: number,
  ): Promise<{ readonly message: string; readonly at: number; readonly results: unknown }[]> {
    const rows = await run<{ message_id: string; at: string; fired: unknown }>(this.#pool, FIRES, [
      JSON.stringify([{ id: rule }]),
      limit,
    ])
    return rows.map((row) => ({ message: row.message_id, at: num(row.at), results: row.fired }))
  }

  /** Latest passes in which all conditions of a rule but one held, newest first, with what it lacked (rules 11.7). */
  async nearMisses(
    rule: string,
    limit: number,
  ): Promise<{ readonly message: string; readonly at: number; readonly lacked: language.RuleTrace }[]> {
    type Row = { message_id: string; at: string; passed: language.RuleTrace[] }
    const rows = await run<Row>(this.#pool, NEAR_MISSES, [JSON.stringify([{ id: rule, near: true }]), limit])
    return rows.flatMap((row) => {
      const lacked = row.passed.find((t) => t.id === rule)
      return lacked === undefined ? [] : [{ message: row.message_id, at: num(row.at), lacked }]
    })
  }

  /** Why a message was read and treated as it was; undefined when nothing was noted of it. */
  async traceOf(messageId: string): Promise<object | undefined> {
    const [row] = await run<{ trace: object }>(this.#pool, TRACE, [messageId])
    return row?.trace
  }

  talk(id: string): Promise<Talk | undefined> {
    return findTalk(this.#pool, id)
  }

  latestTalkOf(peer: string, account: string, now: number): Promise<Talk | undefined> {
    return latestTalkOf(this.#pool, peer, account, now)
  }

  talksWithPeers(since: number, limit: number): ReturnType<typeof talksWithPeers> {
    return talksWithPeers(this.#pool, since, limit)
  }

  latestTalk(person: string, now: number): Promise<Talk | undefined> {
    return latestTalk(this.#pool, person, now)
  }

  talksOf(person: string, limit: number): Promise<Talk[]> {
    return talksOf(this.#pool, person, limit)
  }

  /** A text of a conversation that could not be brought to its reader directly, if it is for one of these accounts. */
  async waitingText(id: string, accounts: readonly string[]): Promise<Notice | undefined> {
    const row = await waitingText(this.#pool, id)
    const target = row?.target as { to?: readonly NoticeTarget[] } | undefined
    const isTheirs = target?.to?.some((to) => to.kind === 'person' && accounts.includes(to.authorKey)) === true
    return isTheirs ? (row?.notice as Notice) : undefined
  }

  get tracesWait(): boolean {
    return this.#untrimmed >= TRIM_AFTER
  }

  /** Removes what is older than its table keeps it. */
  async prune(now: number): Promise<void> {
    for (const [table, text, days] of sql.PRUNE) await run(this.#pool, statement(`prune_${table}`, text), [now - days * DAY_MS])
    await this.trimTraces()
  }

  /** Traces beyond their rings go, the oldest first; needed when many were written. */
  async trimTraces(): Promise<void> {
    this.#untrimmed = 0
    await run(this.#pool, sql.TRIM_TRACES, [TRACE_RINGS.fired, TRACE_RINGS.near, TRACE_RINGS.dull])
  }

  async forgetPerson(person: string): Promise<void> {
    await inTransaction(this.#pool, async (tx) => {
      for (const text of FORGET) await tx.query(text, [person])
    })
  }
}

async function loadAlerts(db: Queryable, now: number): Promise<alert.AlertChange[]> {
  const rows = await run<{ record: alert.AlertRecord; digest: alert.DigestEntry | null }>(db, sql.LOAD_ALERTS, [now - 7 * DAY_MS])
  return rows.map(({ record, digest }) => (digest === null ? { record } : { record, digest }))
}

async function loadRuleState(db: Queryable, now: number): Promise<language.StateChange[]> {
  const rows = await run<language.StateChange & { expires_at: string }>(db, sql.LOAD_RULE_STATE, [now])
  return rows.map((row) => ({ ...row, expires_at: num(row.expires_at) }))
}

const SET_PROFILE = statement(
  'market_set_profile',
  `insert into k2.market_profile (place, mode, updated_by, updated_at) values ($1, $2, $3, $4::bigint)
   on conflict (place) do update set mode = excluded.mode, updated_by = excluded.updated_by, updated_at = excluded.updated_at`,
)
const FEEDBACK = statement(
  'market_feedback',
  `with told as (update k2.market_alert set feedback = $4 where alert_id = $1 and recipient = $2 returning intent_id)
   insert into k2.market_feedback (message_id, person, verdict, reading, at)
   select i.record ->> 'message_id', $2, $4, i.record -> 'intent' -> 'slots', $3::bigint
   from told join k2.market_intent i on i.intent_id = told.intent_id
   on conflict do nothing`,
)
const FIRES = statement(
  'market_fires',
  `select message_id, at, trace -> 'fired' as fired from k2.market_trace
   where class = 'fired' and trace -> 'fired' @> $1::jsonb order by at desc limit $2::int`,
)
const NEAR_MISSES = statement(
  'market_near_misses',
  `select message_id, at, trace -> 'passed' as passed from k2.market_trace
   where trace -> 'passed' @> $1::jsonb order by at desc limit $2::int`,
)
const TRACE = statement('market_trace_of', 'select trace from k2.market_trace where message_id = $1')
const ALERT_INTENT = statement('market_alert_intent', 'select intent_id from k2.market_alert where alert_id = $1')
const FORGET = [
  'delete from k2.market_search where owner = $1',
  'delete from k2.market_alert where recipient = $1',
  'delete from k2.market_person where person = $1',
  'delete from k2.market_consent where person = $1',
  'delete from k2.market_feedback where person = $1',
  'delete from k2.market_talk where owner = $1 or other = $1',
]

interface SearchRow {
  readonly id: string
  readonly owner: string
  readonly words: string
  readonly query: unknown
  readonly reach: unknown
  readonly status: 'active' | 'paused'
  readonly paused_until: string | null
  readonly hits: number
  readonly last_hit_at: string | null
  readonly created_at: string
  readonly expires_at: string
}
interface ConsentRow {
  readonly person: string
  readonly place: string
  readonly shown: string
  readonly at: string
}

function searchOf(row: SearchRow): Search | undefined {
  const query = subscribe.subscriptionQuerySchema.safeParse(row.query)
  const reach = readReach(row.reach)
  if (!query.success || reach === undefined) return undefined
  const { id, owner, words, status, hits } = row
  return {
    id,
    owner,
    words,
    query: query.data,
    reach,
    status,
    hits,
    pausedUntil: numOrNull(row.paused_until),
    lastHitAt: numOrNull(row.last_hit_at),
    createdAt: num(row.created_at),
    expiresAt: num(row.expires_at),
  }
}

const consentOf = (row: ConsentRow): PublishConsent => ({
  by: row.person,
  at: num(row.at),
  scope: 'channel',
  shown: row.shown,
  revision: 0,
})

/** Reads a table page by page, ordered by its key. */
async function pages<R>(next: (after: string) => Promise<R[]>, key: (row: R) => string, take: (row: R) => void): Promise<void> {
  for (let after = ''; ; ) {
    const rows = await next(after)
    for (const row of rows) take(row)
    const last = rows.at(-1)
    if (last === undefined || rows.length < PAGE) return
    after = key(last)
  }
}
