import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../../base/clock.ts'
import { errorCode } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { PgPool, Queryable } from '../db/pool.ts'
import { inTransaction, num, run, statement } from '../db/sql/statement.ts'
import type { Changes } from './changes.ts'
import { intentOf, type MarketIntent } from './model.ts'
import type { MarketParts } from './parts.ts'
import { isMode } from './profiles.ts'
import type { MarketStore } from './store.ts'

/** Who waits for its turn longer than this gives up, ms. */
const TURN_MS = 10_000
/** How far behind the others a gateway's memory may be, ms; whatever changes something looks first. */
const POLL_MS = 500
/** Changes read at once. */
const PAGE = 1_000
/** Who has not looked for this long reads everything again; changes are kept for longer (`KEPT_MS`). */
const STALE_MS = 12 * 3_600_000
const KEPT_MS = 24 * 3_600_000

const READY = statement(
  'market_turn_ready',
  `insert into k2.market_reader (name, seq) values ('changes', 0) on conflict do nothing`,
)
const TURN = statement('market_turn', `select name from k2.market_reader where name = 'changes' for update`)
const LAST = statement('market_change_last', 'select coalesce(max(seq), 0) as seq from k2.market_change')
const READ = statement(
  'market_change_read',
  'select seq, source, kind, key from k2.market_change where seq > $1::bigint order by seq limit $2::int',
)
const NOTE = statement(
  'market_change_note',
  `insert into k2.market_change (source, kind, key, at)
   select $1, kind, key, $3::bigint from jsonb_to_recordset($2::jsonb) as x(kind text, key text)`,
)
const PRUNE = statement('market_change_prune', 'delete from k2.market_change where at < $1::bigint')

/** What others may have changed. */
export type ChangeKind = 'intent' | 'search' | 'person' | 'consent' | 'alert' | 'state' | 'profile' | 'forget'
interface Note {
  readonly kind: ChangeKind
  readonly key: string
}

/** What a step changed that other gateways hold in memory, too. Counters and cooldowns belong to the one that reads messages. */
export function notesOf(changes: Changes): Note[] {
  const of = (kind: ChangeKind, keys: Iterable<string>): Note[] => [...keys].map((key) => ({ kind, key }))
  return [
    ...of('intent', changes.intents.keys()),
    ...of('search', changes.searches.keys()),
    ...of('search', changes.removedSearches),
    ...of('person', changes.people.keys()),
    ...of('consent', new Set(changes.consents.map((c) => c.person))),
    ...of(
      'alert',
      changes.alerts.flatMap((a) => (a.change === undefined ? [] : [a.decision.alert_id])),
    ),
    ...of('alert', changes.takenDigests),
    ...of(
      'state',
      changes.ruleState.flatMap((s) => (s.kind === 'mute' || s.kind === 'tag' ? [JSON.stringify([s.kind, s.rule, s.key])] : [])),
    ),
  ]
}

export interface TogetherOptions {
  readonly pool: PgPool
  readonly store: MarketStore
  readonly parts: MarketParts
  /** Unique per running gateway. */
  readonly source: string
  /** An intent as another gateway left it, and as it was known here. */
  readonly onIntent: (entry: MarketIntent, before: MarketIntent | undefined) => void
  readonly clock: Clock
  readonly log: Logger
}

/**
 * Gateways that share a database hold the same market in memory: they take turns in changing it, each first reads again what
 * the others changed, and writes down what it changes itself.
 */
export class Together {
  readonly #o: TogetherOptions
  #seq = 0
  #lookedAt = 0
  #cancel = (): void => {}
  #stopped = false

  constructor(options: TogetherOptions) {
    this.#o = options
  }

  /** Before everything is loaded: what is changed from now on is read again. */
  async open(): Promise<void> {
    const { pool, clock } = this.#o
    await run(pool, READY, [])
    const [row] = await run<{ seq: string }>(pool, LAST, [])
    this.#seq = num(row?.seq ?? 0)
    this.#lookedAt = clock.now()
  }

  /** Looks now and then by itself, in turns with everything else that touches memory. */
  follow(exclusive: (work: () => Promise<void>) => Promise<void>): void {
    this.#cancel = this.#o.clock.after(POLL_MS, () => {
      exclusive(() => this.#catchUp(this.#o.pool))
        .catch((error: unknown) => this.#o.log.debug({ ev: 'market-follow', code: errorCode(error) }, 'changes of others wait'))
        .finally(() => {
          if (!this.#stopped) this.follow(exclusive)
        })
    })
  }

  stop(): void {
    this.#stopped = true
    this.#cancel()
  }

  /** Does something while no other gateway changes the market, knowing what they changed. Rejects `DB_*`: then nothing was done. */
  turn<T>(work: (tx: Queryable) => Promise<T>): Promise<T> {
    return inTransaction(this.#o.pool, async (tx) => {
      await tx.query(`set local lock_timeout = '${TURN_MS}ms'`)
      await run(tx, TURN, [])
      await this.#catchUp(tx)
      return work(tx)
    })
  }

  /** Writes down what others have to read again; inside the turn in which it was stored. */
  async note(tx: Queryable, notes: readonly Note[]): Promise<void> {
    const { source, clock } = this.#o
    if (notes.length > 0) await run(tx, NOTE, [source, JSON.stringify(notes), clock.now()])
  }

  async prune(now: number): Promise<void> {
    await run(this.#o.pool, PRUNE, [now - KEPT_MS])
  }

  async #catchUp(db: Queryable): Promise<void> {
    const { clock, source, log } = this.#o
    const now = clock.now()
    if (now - this.#lookedAt > STALE_MS) {
      log.warn({ ev: 'market-stale' }, 'this gateway was away for long: everything is read again')
      await this.#everything(db, now)
    }
    for (;;) {
      const rows = await run<{ seq: string; source: string; kind: ChangeKind; key: string }>(db, READ, [this.#seq, PAGE])
      const others = rows.filter((row) => row.source !== source)
      if (others.length > 0) await this.#apply(db, others)
      this.#seq = num(rows.at(-1)?.seq ?? this.#seq)
      if (rows.length < PAGE) break
    }
    this.#lookedAt = now
  }

  async #everything(db: Queryable, now: number): Promise<void> {
    const { parts, store } = this.#o
    const [row] = await run<{ seq: string }>(db, LAST, [])
    const loaded = await store.load(now, db)
    const searches = new Set(loaded.searches.map((s) => s.id))
    for (const id of [...parts.memory.searches.keys()]) if (!searches.has(id)) parts.memory.removeSearch(id)
    await parts.memory.restore(loaded, () => nextTurn())
    this.#seq = num(row?.seq ?? 0)
  }

  async #apply(db: Queryable, notes: readonly Note[]): Promise<void> {
    const { parts, store, onIntent } = this.#o
    const { memory } = parts
    const keys = (kind: ChangeKind): string[] => [...new Set(notes.flatMap((n) => (n.kind === kind ? [n.key] : [])))]
    for (const person of keys('forget')) memory.forget(person)
    for (const entry of await store.intentsOf(keys('intent'), db)) {
      const before = memory.get(intentOf(entry).intent_id)
      memory.put(entry)
      onIntent(entry, before)
    }
    const ids = keys('search')
    const searches = new Map((await store.searchesOf(ids, db)).map((s) => [s.id, s]))
    for (const id of ids) {
      const search = searches.get(id)
      if (search === undefined) memory.removeSearch(id)
      else memory.putSearch(search)
    }
    for (const [person, settings] of await store.peopleOf(keys('person'), db)) memory.people.set(person, settings)
    for (const [key, consent] of await store.consentsOf(keys('consent'), db)) memory.consents.set(key, consent)
    for (const { change, taken } of await store.alertsOf(keys('alert'), db)) {
      memory.alerts.apply(change)
      if (taken) memory.alerts.dropDigest(change.record.recipient, change.record.alert_id)
    }
    const states = keys('state')
    if (states.length > 0) memory.remember(await store.stateOf(states, db))
    if (keys('profile').length > 0)
      for (const [place, mode] of await store.profiles(db)) if (isMode(mode)) parts.profiles.setKey(place, mode)
  }
}
