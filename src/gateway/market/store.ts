import type { Logger } from '../../base/logger.ts'
import type { Notice, NoticeTarget } from '../../bridges/interaction.ts'
import { emojiKey } from '../../bridges/reactions.ts'
import { type alert, language, subscribe } from '../../rules/index.ts'
import type { PgPool } from '../db/pool.ts'
import { inTransaction, num, numOrNull, run, type Statement, statement } from '../db/sql/statement.ts'
import { toJsonb } from '../pipeline/json.ts'
import { refScope } from '../pipeline/scope.ts'
import type { Changes } from './changes.ts'
import type { MarketIntent, PersonSettings, PublishConsent, Search } from './model.ts'
import { readIntentRow, readReach, readSettings } from './schema.ts'
import * as sql from './store-sql.ts'
import { findTalk, latestTalk, SAVE_TALKS, TOUCH_TALKS, talkRow, talksOf, waitingText } from './talk-store.ts'
import type { Talk } from './talks.ts'

const PAGE = 2_000
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

  constructor(pool: PgPool, log: Logger) {
    this.#pool = pool
    this.#log = log
  }

  /** Writes all changes in one transaction; rejects when none of it was stored. */
  async flush(changes: Changes, now: number): Promise<void> {
    const writes = writesOf(changes, now)
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

  async load(now: number): Promise<Loaded> {
    let unreadable = 0
    const intents: MarketIntent[] = []
    await pages<{ record: { intent: { intent_id: string } } }>(
      (after) => run(this.#pool, sql.LOAD_INTENTS, [after, now - ENDED_KEPT_MS, PAGE]),
      (row) => row.record.intent.intent_id,
      (row) => {
        const entry = readIntentRow(row)
        if (entry === undefined) unreadable++
        else intents.push(entry)
      },
    )
    const searches: Search[] = []
    await pages<SearchRow>(
      (after) => run(this.#pool, sql.LOAD_SEARCHES, [after, PAGE]),
      (row) => row.id,
      (row) => {
        const search = searchOf(row)
        if (search === undefined) unreadable++
        else searches.push(search)
      },
    )
    const alerts = await run<{ record: alert.AlertRecord; digest: alert.DigestEntry | null }>(this.#pool, sql.LOAD_ALERTS, [
      now - 7 * DAY_MS,
    ])
    const people = new Map<string, PersonSettings>()
    for (const row of await run<{ person: string; settings: unknown }>(this.#pool, sql.LOAD_PEOPLE, [])) {
      const settings = readSettings(row.settings)
      if (settings !== undefined) people.set(row.person, settings)
    }
    const consents = new Map<string, PublishConsent>()
    for (const row of await run<ConsentRow>(this.#pool, sql.LOAD_CONSENTS, []))
      consents.set(consentKey(row.person, row.place), {
        by: row.person,
        at: num(row.at),
        scope: 'channel',
        shown: row.shown,
        revision: 0,
      })
    const state = await run<language.StateChange & { expires_at: string }>(this.#pool, sql.LOAD_RULE_STATE, [now])
    if (unreadable > 0)
      this.#log.warn({ ev: 'market-unreadable', rows: unreadable }, 'stored rows of another version are left out')
    return {
      intents,
      searches,
      alerts: alerts.map(({ record, digest }) => (digest === null ? { record } : { record, digest })),
      people,
      consents,
      ruleState: state.map((row) => ({ ...row, expires_at: num(row.expires_at) })),
      unreadable,
    }
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

  async profiles(): Promise<Map<string, string>> {
    const rows = await run<{ place: string; mode: string }>(this.#pool, sql.LOAD_PROFILES, [])
    return new Map(rows.map((row) => [row.place, row.mode]))
  }

  async setProfile(place: string, mode: string, by: string, now: number): Promise<void> {
    await run(this.#pool, SET_PROFILE, [place, mode, by, now])
  }

  /** What somebody says of an alert they got. */
  async feedback(alertId: string, person: string, now: number): Promise<void> {
    await run(this.#pool, FEEDBACK, [alertId, person, now])
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

  /** Why a message was read and treated as it was; undefined when nothing was noted of it. */
  async traceOf(messageId: string): Promise<object | undefined> {
    const [row] = await run<{ trace: object }>(this.#pool, TRACE, [messageId])
    return row?.trace
  }

  talk(id: string): Promise<Talk | undefined> {
    return findTalk(this.#pool, id)
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

  /** Removes what is older than its table keeps it. */
  async prune(now: number): Promise<void> {
    for (const [table, text, days] of sql.PRUNE) await run(this.#pool, statement(`prune_${table}`, text), [now - days * DAY_MS])
  }

  async forgetPerson(person: string): Promise<void> {
    await inTransaction(this.#pool, async (tx) => {
      for (const text of FORGET) await tx.query(text, [person])
    })
  }
}

const SET_PROFILE = statement(
  'market_set_profile',
  `insert into k2.market_profile (place, mode, updated_by, updated_at) values ($1, $2, $3, $4::bigint)
   on conflict (place) do update set mode = excluded.mode, updated_by = excluded.updated_by, updated_at = excluded.updated_at`,
)
const FEEDBACK = statement(
  'market_feedback',
  `with told as (update k2.market_alert set feedback = 'not_meant' where alert_id = $1 and recipient = $2 returning intent_id)
   insert into k2.market_feedback (message_id, person, verdict, reading, at)
   select i.record ->> 'message_id', $2, 'not_meant', i.record -> 'intent' -> 'slots', $3::bigint
   from told join k2.market_intent i on i.intent_id = told.intent_id
   on conflict do nothing`,
)
const FIRES = statement(
  'market_fires',
  `select message_id, at, trace -> 'fired' as fired from k2.market_trace
   where class = 'fired' and trace -> 'fired' @> $1::jsonb order by at desc limit $2::int`,
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

type Write = readonly [Statement, readonly unknown[]]

function writesOf(c: Changes, now: number): Write[] {
  const out: Write[] = []
  const rows = (s: Statement, list: readonly object[], ...more: unknown[]): void => {
    if (list.length > 0) out.push([s, [toJsonb(list), ...more]])
  }
  rows(sql.SAVE_INTENTS, [...c.intents.values()].map(intentRowOf))
  rows(
    sql.SAVE_REVISIONS,
    c.revisions.map((r) => ({ intent_id: r.intentId, revision: r.revision, slots: r.slots, reason: r.reason, at: r.at })),
  )
  rows(sql.SAVE_SEARCHES, [...c.searches.values()].map(searchRowOf))
  if (c.removedSearches.size > 0) out.push([sql.REMOVE_SEARCHES, [[...c.removedSearches]]])
  rows(
    sql.SAVE_MATCHES,
    lastByKey(c.matches, (m) => `${m.wantId} ${m.offerId}`).map((m) => ({
      want_id: m.wantId,
      offer_id: m.offerId,
      score: m.score,
      parts: m.parts,
      at: m.at,
    })),
  )
  rows(sql.SAVE_ALERTS, c.alerts.map(alertRowOf))
  if (c.takenDigests.length > 0) out.push([sql.TAKE_DIGESTS, [c.takenDigests, now]])
  rows(
    sql.SAVE_NOTICES,
    c.notices.map((n) => ({
      id: n.id,
      kind: n.kind,
      target: {
        via: n.via,
        to: n.target,
        ...(n.author && { author: n.author }),
        ...(n.job && { job: n.job }),
        ...(n.inPublic && { inPublic: n.inPublic }),
      },
      notice: n.notice,
      intent_id: n.intentId,
      due_at: n.dueAt,
    })),
    now,
  )
  if (c.cancelled.size > 0) out.push([sql.CANCEL_NOTICES, [[...c.cancelled]]])
  rows(
    sql.SAVE_PEOPLE,
    [...c.people].map(([person, settings]) => ({ person, settings })),
    now,
  )
  rows(
    sql.SAVE_CONSENTS,
    c.consents.map(({ person, place, consent }) => ({ person, place, shown: consent.shown, at: consent.at })),
  )
  rows(
    sql.SAVE_RULE_STATE,
    lastByKey(c.ruleState, (s) => `${s.kind}\0${s.rule}\0${s.key}`).map((s) => ({ ...s })),
  )
  rows(
    sql.SAVE_TRACES,
    lastByKey(c.traces, (t) => t.messageId).map((t) => ({ message_id: t.messageId, class: t.class, trace: t.trace, at: t.at })),
  )
  rows(
    sql.SAVE_REACTIONS,
    c.reactions.map(({ ref, emoji, dueAt }) => ({
      network: ref.network,
      scope: refScope(ref),
      channel: ref.channel,
      native_id: ref.id,
      key: emojiKey(emoji),
      name: emoji,
      due_at: dueAt,
    })),
  )
  rows(SAVE_TALKS, [...c.talks.values()].map(talkRow))
  if (c.touchedTalks.size > 0) out.push([TOUCH_TALKS, [[...c.touchedTalks], now]])
  if (c.forgottenTraces.length > 0) out.push([sql.FORGET_TRACES, [c.forgottenTraces.flatMap(traceIds)]])
  if (c.cursor !== undefined) out.push([sql.SAVE_CURSOR, [c.cursor]])
  return out
}

/** A message's traces: of itself, and of what its intents went through. */
const traceIds = (message: string): string[] => [message, ...language.EVENTS.map((event) => `${message}#${event}`)]

/** One statement cannot touch a row twice: the last change of each counts. */
function lastByKey<T>(list: readonly T[], key: (value: T) => string): T[] {
  return list.length < 2 ? [...list] : [...new Map(list.map((value) => [key(value), value])).values()]
}

function intentRowOf({ record, origin, consent, published }: MarketIntent): object {
  const { intent } = record
  return {
    intent_id: intent.intent_id,
    owner: intent.owner,
    platform: intent.platform,
    channel: intent.channel,
    kind: intent.intent,
    side: intent.side,
    slug: intent.topic?.slug ?? null,
    k2_topic: intent.topic?.k2_topic ?? null,
    status: intent.status,
    confidence: intent.confidence,
    revision: intent.revision,
    record,
    origin,
    consent,
    published,
    created_at: intent.created_at,
    updated_at: intent.updated_at,
    expires_at: intent.expires_at,
  }
}

function alertRowOf(row: Changes['alerts'][number]): object {
  const { decision, change } = row
  return {
    alert_id: change === undefined ? `${decision.alert_id}.${row.at}` : decision.alert_id,
    recipient: row.recipient,
    intent_id: row.intentId,
    revision: row.revision,
    causes: row.causes,
    result: decision.result,
    step: decision.step,
    reason: decision.reason,
    record: change?.record ?? null,
    digest: change?.digest ?? null,
    created_at: row.at,
  }
}

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

function searchRowOf(search: Search): object {
  const { pausedUntil, lastHitAt, createdAt, expiresAt, ...same } = search
  return { ...same, paused_until: pausedUntil, last_hit_at: lastHitAt, created_at: createdAt, expires_at: expiresAt }
}

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
