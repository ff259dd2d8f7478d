import type { Clock } from '../../base/clock.ts'
import { errorCode } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { PgPool, Queryable } from '../db/pool.ts'
import { run, statement } from '../db/sql/statement.ts'
import { intentOf } from './model.ts'
import { keep, type Step } from './step.ts'

/** A lease is renewed this often within its time. */
const RENEWALS = 6
/** Who could not renew it stops this early in its time: before anybody else may begin. */
const STOP_AT = 0.75

const HOLD = statement(
  'market_hold_lease',
  `insert into k2.market_reader as r (name, seq, owner, until) values ('gateway:' || $1, 0, $1, $2::bigint)
   on conflict (name) do update set until = greatest(r.until, excluded.until)
   returning (xmax = 0) as fresh`,
)
/** Gateways of which nothing is known yet get a lease's time to show themselves. */
const EXPECT = statement(
  'market_expect_gateways',
  `insert into k2.market_reader (name, seq, owner, until)
   select 'gateway:' || x, 0, x, $2::bigint from unnest($1::text[]) x on conflict (name) do nothing`,
)
/** Taking a lease away and renewing it exclude each other: its holder sees that it is gone. */
const END = statement(
  'market_end_leases',
  `delete from k2.market_reader where name like 'gateway:%' and owner <> $1 and until < $2::bigint returning owner`,
)

export interface OfferLeasesOptions {
  readonly pool: PgPool
  /** This gateway, the same over restarts. */
  readonly instance: string
  /** Time of a lease, ms: a gateway without a sign for so long is gone. */
  readonly goneAfterMs: number
  readonly clock: Clock
  readonly log: Logger
}

/** What becomes of this gateway's own offers. */
export interface LeaseHolder {
  /** Others may repeat them from now on: stop. */
  lost(): void
  /** They may be repeated again, those that nobody took over; rejects to be told again. */
  regained(): Promise<void>
}

/**
 * Where gateways share a database each repeats on K2 what was agreed to there, while it holds its lease. The offers of one that
 * is gone for the time of a lease are taken over by the one that reads, so that an offer is repeated by one node at a time.
 */
export class OfferLeases {
  readonly #o: OfferLeasesOptions
  #holder: LeaseHolder | undefined
  #isLost = false
  #stopped = false
  #cancelRenewal = (): void => {}
  #cancelStop = (): void => {}

  constructor(options: OfferLeasesOptions) {
    this.#o = options
  }

  /** Renews the lease; true when it had been taken away or was never there. Rejects `DB_*`. */
  async hold(): Promise<boolean> {
    const { pool, instance, goneAfterMs, clock } = this.#o
    const asked = clock.monotonic()
    const [row] = await run<{ fresh: boolean }>(pool, HOLD, [instance, clock.now() + goneAfterMs])
    this.#cancelStop()
    if (!this.#stopped) {
      const left = goneAfterMs * STOP_AT - (clock.monotonic() - asked)
      this.#cancelStop = clock.after(Math.max(0, left), () => this.#lose('could not be renewed'))
    }
    return row?.fresh !== false
  }

  /** Renews it from now on; before, `hold` has to have succeeded once. */
  follow(holder: LeaseHolder): void {
    this.#holder = holder
    this.#next()
  }

  stop(): void {
    this.#stopped = true
    this.#cancelRenewal()
    this.#cancelStop()
  }

  /** Takes over the offers of gateways that are gone; `tx` is the turn of this gateway. Offers taken. */
  async adopt(step: Step, tx: Queryable): Promise<number> {
    const { instance, goneAfterMs, log } = this.#o
    const others = new Set<string>()
    for (const { published } of step.parts.memory.published())
      if (published?.by !== undefined && published.by !== instance) others.add(published.by)
    if (others.size === 0) return 0
    await run(tx, EXPECT, [[...others], step.now + goneAfterMs])
    const gone = new Set((await run<{ owner: string }>(tx, END, [instance, step.now])).map((row) => row.owner))
    let taken = 0
    for (const entry of [...step.parts.memory.published()]) {
      const { published } = entry
      if (published?.by === undefined || !gone.has(published.by) || intentOf(entry).status !== 'open') continue
      keep(step, { ...entry, published: { ...published, by: instance } })
      taken++
    }
    if (taken > 0)
      log.warn({ ev: 'offers-adopted', offers: taken, from: [...gone] }, 'offers of a gateway that is gone are repeated here')
    return taken
  }

  #next(): void {
    const { clock, goneAfterMs } = this.#o
    this.#cancelRenewal = clock.after(goneAfterMs / RENEWALS, () => {
      this.#renew()
        .catch((error: unknown) => this.#o.log.debug({ ev: 'lease-not-renewed', code: errorCode(error) }))
        .finally(() => {
          if (!this.#stopped) this.#next()
        })
    })
  }

  async #renew(): Promise<void> {
    if (await this.hold()) this.#lose('was taken away')
    if (!this.#isLost) return
    await this.#holder?.regained()
    this.#isLost = false
  }

  #lose(why: string): void {
    if (this.#isLost || this.#stopped) return
    this.#isLost = true
    this.#o.log.warn({ ev: 'lease-lost' }, `the lease of this gateway ${why}: its offers are not repeated for now`)
    this.#holder?.lost()
  }
}
