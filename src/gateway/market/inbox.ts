import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../../base/clock.ts'
import { errorCode } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { Envelope } from '../../bridges/model/message.ts'
import type { PgPool } from '../db/pool.ts'
import { num, run, statement } from '../db/sql/statement.ts'

/** Events read at once; what comes meanwhile waits in the database, so nothing here grows with a flood. */
const BATCH = 200
/** Another look when no commit of this process woke the reader: events of other gateways, and what a wake-up missed. */
const POLL_MS = 2_000
const RETRY_MS = 1_000
/** Gateways that share a database take turns: who holds the reading loses it after this long without a sign. */
const LEASE_MS = 15_000
/** Positions looked at again where several gateways write, since they may commit out of order. */
const WINDOW = 1_000
/** Older ones were committed long ago: what became of them may be forgotten, and would be opened again. */
const WINDOW_MS = 600_000
/** Bridging goes first: while this many events wait to be stored, reading waits, but never longer than `MAX_YIELD_MS`. */
const BUSY = 200
const MAX_YIELD_MS = 500
const YIELD_MS = 25

const CLAIM = statement(
  'market_claim_reader',
  `insert into k2.market_reader as r (name, seq, owner, until)
   values ('inbox', (select coalesce(max(seq), 0) from k2.inbox), $1, $2::bigint)
   on conflict (name) do update set owner = excluded.owner, until = excluded.until
     where r.owner is null or r.until < $3::bigint or r.owner like $4
   returning seq`,
)
const RELEASE = statement('market_release_reader', `update k2.market_reader set owner = null, until = 0 where owner = $1`)
const READ = statement(
  'market_read_inbox',
  `select seq, event_id, envelope from k2.inbox
   where (seq > $1::bigint or (seq > $1::bigint - $2::bigint and received_at > $5::bigint and not (seq = any($3::bigint[]))))
     and status = 'routed' and envelope is not null and kind in ('message.create', 'message.edit', 'message.delete')
   order by seq limit $4::int`,
)

export interface InboxReaderOptions {
  readonly pool: PgPool
  /** Several gateways write into one database. */
  readonly shared: boolean
  /** Unique per run; begins with what stays the same over restarts. */
  readonly owner: string
  readonly instance: string
  readonly clock: Clock
  readonly log: Logger
  /** Events that wait to be stored at the moment. */
  readonly backlog: () => number
  /** Takes a batch and the position behind it; resolves when the results are stored, rejects to be given it again. */
  readonly take: (events: readonly Envelope[], seq: number) => Promise<void>
  /** Called when this gateway becomes the one that reads, before it reads anything. */
  readonly takeOver?: () => Promise<void>
}

/**
 * Reads stored events, each at least once, in batches behind the commit (rules 2; the position is stored with the results).
 * Nothing is kept in memory but the batch in work.
 */
export class InboxReader {
  readonly #options: InboxReaderOptions
  #seq: number | undefined
  #until = 0
  #seen: number[] = []
  #loop: Promise<void> | undefined
  #again = false
  #stopped = false
  #cancel = (): void => {}

  constructor(options: InboxReaderOptions) {
    this.#options = options
  }

  /** Position up to which everything was read; undefined while another gateway reads. */
  get position(): number | undefined {
    return this.#seq
  }

  start(): void {
    this.wake()
  }

  /** Something was stored. Cheap; any number of calls lead to one look. */
  wake(): void {
    if (this.#stopped) return
    this.#again = true
    this.#loop ??= this.#run()
  }

  /** Resolves when everything stored so far was read. */
  async settled(): Promise<void> {
    this.wake()
    while (this.#loop !== undefined) await this.#loop
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancel()
    await this.#loop
    if (this.#seq !== undefined)
      await run(this.#options.pool, RELEASE, [this.#options.owner]).catch((err: unknown) =>
        this.#options.log.debug({ ev: 'reader-release', code: errorCode(err) }),
      )
  }

  async #run(): Promise<void> {
    this.#cancel()
    let wait = POLL_MS
    try {
      while (this.#again && !this.#stopped) {
        this.#again = false
        await nextTurn()
        await this.#yield()
        if (await this.#claimed()) await this.#readAll()
      }
    } catch (error) {
      wait = RETRY_MS
      this.#options.log.warn(
        { ev: 'market-reading', code: errorCode(error), err: error },
        'messages could not be read; tried again',
      )
    }
    this.#loop = undefined
    if (this.#again && !this.#stopped && wait === POLL_MS) this.#loop = this.#run()
    else if (!this.#stopped) this.#cancel = this.#options.clock.after(wait, () => this.wake())
  }

  async #yield(): Promise<void> {
    const { clock, backlog } = this.#options
    const until = clock.monotonic() + MAX_YIELD_MS
    while (backlog() > BUSY && clock.monotonic() < until && !this.#stopped)
      await new Promise<void>((resolve) => clock.after(YIELD_MS, resolve))
  }

  async #claimed(): Promise<boolean> {
    const { pool, clock, owner, instance } = this.#options
    const now = clock.now()
    if (this.#seq !== undefined && this.#until - now > LEASE_MS / 2) return true
    const [row] = await run<{ seq: string }>(pool, CLAIM, [owner, now + LEASE_MS, now, `${instance}/%`])
    if (row === undefined) {
      this.#seq = undefined
      return false
    }
    if (this.#seq === undefined) await this.#options.takeOver?.()
    this.#seq ??= num(row.seq)
    this.#until = now + LEASE_MS
    return true
  }

  async #readAll(): Promise<void> {
    const { pool, shared, take, clock } = this.#options
    for (;;) {
      const from = this.#seq as number
      const rows = await run<{ seq: string; envelope: Envelope }>(pool, READ, [
        from,
        shared ? WINDOW : 0,
        this.#seen,
        BATCH,
        clock.now() - WINDOW_MS,
      ])
      if (rows.length === 0) return
      const seq = Math.max(from, num((rows.at(-1) as { seq: string }).seq))
      await take(
        rows.map((row) => row.envelope),
        seq,
      )
      this.#seq = seq
      if (shared) this.#seen = [...this.#seen, ...rows.map((row) => num(row.seq))].filter((s) => s > seq - WINDOW)
      if (rows.length < BATCH || this.#stopped) return
      if (this.#until - clock.now() < LEASE_MS / 2 && !(await this.#claimed())) return
      await nextTurn()
    }
  }
}
