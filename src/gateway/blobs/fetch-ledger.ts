import type { PgPool } from '../db/pool.ts'
import { num, run } from '../db/sql/statement.ts'
import { type Fetch, type Holder, hashSchema, holderSchema, providersSchema } from './model.ts'
import {
  FAIL_FETCH,
  type FetchRow,
  GET_FETCH,
  HELD_BY,
  HOLD_FETCH,
  MISSED_FETCH,
  REFETCH,
  RENEW_FETCH,
  RETURN_FETCH,
  STORE_FETCH,
  TAKE_FETCH,
} from './sql.ts'

/** A worker that says nothing for this long has lost its fetch, ms. */
export const LEASE_MS = 15_000
/** How long the worker that has a part of a blob comes first, ms after its lease. */
export const HOME_MS = 120_000

export interface Failure {
  readonly code: string
  readonly message: string
}

/** The state of fetches, for whoever carries them out: the gateway itself, or a worker on another machine. */
export class FetchLedger {
  readonly #pool: PgPool
  readonly #gateway: string | null

  /** With `gateway`, other gateways' fetches are left alone: several may share a database and a queue. Workers serve all. */
  constructor(pool: PgPool, gateway: string | null = null) {
    this.#pool = pool
    this.#gateway = gateway
  }

  async get(id: string): Promise<Fetch | undefined> {
    return fetchOf((await run<FetchRow>(this.#pool, GET_FETCH, [id, this.#gateway]))[0])
  }

  /** Takes a fetch that is due; undefined when it is not, or somebody else has it. `worker` stands for one data directory. */
  async take(id: string, worker: string): Promise<Fetch | undefined> {
    return fetchOf((await run<FetchRow>(this.#pool, TAKE_FETCH, [id, worker, LEASE_MS, HOME_MS, this.#gateway]))[0])
  }

  /** Tells how far it is and keeps the lease. Undefined: it was cancelled, or the lease is lost. */
  async renew(fetch: Fetch, bytes: number, size: number | undefined): Promise<Fetch | undefined> {
    const values = [fetch.id, fetch.fence, LEASE_MS, HOME_MS, bytes, size ?? null]
    return fetchOf((await run<FetchRow>(this.#pool, RENEW_FETCH, values))[0])
  }

  /** Gives it back after a failure, to be tried again in `waitMs`. */
  async retry(fetch: Fetch, waitMs: number, why: Failure): Promise<void> {
    await run(this.#pool, RETURN_FETCH, [fetch.id, fetch.fence, waitMs, true, why.code, why.message])
  }

  /** Gives it back because this worker ends. */
  async release(fetch: Fetch): Promise<void> {
    await run(this.#pool, RETURN_FETCH, [fetch.id, fetch.fence, 0, false, null, null])
  }

  /** Fetched by a worker; false when it was cancelled or taken over meanwhile. */
  async hold(fetch: Fetch, holder: Holder, size: number): Promise<boolean> {
    const rows = await run(this.#pool, HOLD_FETCH, [fetch.id, fetch.fence, JSON.stringify(holder), size])
    return rows.length > 0
  }

  /** The gateway has the blob; answers the jobs that can go on. */
  async stored(id: string, from: 'running' | 'fetched', size: number): Promise<readonly string[]> {
    return (await run<{ id: string }>(this.#pool, STORE_FETCH, [id, [from], size])).map((row) => row.id)
  }

  /** Nobody will get it; answers the jobs that have to be told. */
  async failed(id: string, from: readonly string[], why: Failure): Promise<readonly string[]> {
    return (await run<{ id: string }>(this.#pool, FAIL_FETCH, [id, from, why.code, why.message])).map((row) => row.id)
  }

  /** The gateway could not take it over this time; answers how often now. */
  async missed(id: string): Promise<number> {
    return (await run<{ attempts: number }>(this.#pool, MISSED_FETCH, [id]))[0]?.attempts ?? 0
  }

  /** The worker that fetched it cannot be reached: another one shall. */
  async refetch(id: string, why: Failure): Promise<void> {
    await run(this.#pool, REFETCH, [id, why.code, why.message])
  }

  /** What a worker has in hand: begun, or fetched and not taken over yet. */
  heldBy(worker: string): Promise<readonly { readonly id: string }[]> {
    return run<{ id: string }>(this.#pool, HELD_BY, [worker])
  }
}

export function fetchOf(row: FetchRow | undefined): Fetch | undefined {
  if (row === undefined) return undefined
  return {
    id: row.id,
    hash: hashSchema.parse(row.hash),
    format: row.format,
    providers: providersSchema.parse(row.providers),
    maxBytes: num(row.max_bytes),
    status: row.status,
    attempts: row.attempts,
    fence: num(row.fence),
    holder: row.holder === null ? undefined : holderSchema.parse(row.holder),
  }
}
