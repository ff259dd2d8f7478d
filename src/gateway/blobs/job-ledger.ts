import type { Clock } from '../../base/clock.ts'
import { uuidv7 } from '../../base/ids.ts'
import type { Rng } from '../../base/random.ts'
import type { BlobFormat } from '../../core/blobs/index.ts'
import type { Hash, PeerAddr } from '../../core/index.ts'
import type { PgPool, Queryable } from '../db/pool.ts'
import { inTransaction, num, numOrNull, run } from '../db/sql/statement.ts'
import { tooManyBytes, tooManyJobs } from './errors.ts'
import { fetchOf } from './fetch-ledger.ts'
import {
  type BlobJob,
  type Fetch,
  type FilePolicy,
  filePolicySchema,
  type JobResult,
  type JobState,
  PRIORITIES,
  type Priority,
  resultSchema,
  type Target,
  targetSchema,
} from './model.ts'
import {
  ADD_FETCH,
  ADD_JOB,
  CANCEL_JOB,
  DELAY_JOB,
  DUE,
  type DueRow,
  END_JOB,
  EXPIRED_JOBS,
  type FetchRow,
  GET_JOB,
  JOIN_FETCH,
  type JobRow,
  LIST_JOBS,
  LOCK,
  OPEN_FETCH,
  SAME_REQUEST,
  USAGE,
} from './sql.ts'

/** Quotas count the last 24 hours, ms. */
const QUOTA_WINDOW_MS = 86_400_000
/** Providers of one fetch: further tickets for the same blob add theirs up to here. */
const MAX_PROVIDERS = 16
/** Work found by one sweep. */
const DUE_LIMIT = 200

export interface Quota {
  /** Jobs of one requester under way at once. */
  readonly jobs: number
  /** Bytes one requester may fetch in 24 hours. */
  readonly bytesPerDay: number
}

interface Asked {
  /** Who asks: quotas count by it, and only they may cancel. */
  readonly requester: string
  /** The same key twice is the same job, e.g. the id of an interaction. */
  readonly requestKey?: string | undefined
  readonly name: string
  readonly target?: Target | undefined
  readonly policy: FilePolicy
  /** Not counted against quotas. */
  readonly exempt?: boolean | undefined
}

export interface FetchAsked extends Asked {
  readonly hash: Hash
  readonly format: BlobFormat
  readonly providers: readonly PeerAddr[]
  readonly priority: Priority
  /** Size where the blob is here already: then nothing is fetched. */
  readonly present?: number | undefined
}

export interface ShareAsked extends Asked {
  /** What is to be shared, as JSON. */
  readonly source: unknown
}

/** A job with what the gateway needs to finish it. */
export interface OpenJob extends BlobJob {
  readonly target: Target | undefined
  readonly policy: FilePolicy
  readonly source: unknown
  readonly status: JobRow['status']
  /** Nobody could fetch the blob: `error` says why. */
  readonly fetchFailed: boolean
  /** Failed tries to finish it here. */
  readonly tries: number
}

/** The state of jobs: who asked for what, under which limits, and what became of it. */
export class JobLedger {
  readonly #pool: PgPool
  readonly #gateway: string
  readonly #quota: Quota
  readonly #lifetimeMs: number
  readonly #clock: Clock
  readonly #rng: Rng

  constructor(options: {
    readonly pool: PgPool
    /** Id of this gateway's node. */
    readonly gateway: string
    readonly quota: Quota
    /** A job that is not done after this long is given up, ms. */
    readonly lifetimeMs: number
    readonly clock: Clock
    readonly rng: Rng
  }) {
    this.#pool = options.pool
    this.#gateway = options.gateway
    this.#quota = options.quota
    this.#lifetimeMs = options.lifetimeMs
    this.#clock = options.clock
    this.#rng = options.rng
  }

  /**
   * Adds a job to the fetch of its blob, which is made when nobody fetches it. `fetch` is undefined when nothing has to be
   * fetched. Rejects `BLOB_QUOTA_JOBS` or `BLOB_QUOTA_BYTES`.
   */
  async addFetch(asked: FetchAsked): Promise<{ readonly job: OpenJob; readonly fetch: Fetch | undefined }> {
    return inTransaction(this.#pool, async (tx) => {
      const known = await this.#begin(tx, asked)
      if (known) return { job: known, fetch: undefined }
      const left = asked.exempt ? Number.MAX_SAFE_INTEGER : await this.#checkQuota(tx, asked.requester)
      const maxBytes = Math.min(asked.policy.maxBytes, left)
      if (asked.present !== undefined) return { job: await this.#add(tx, asked, undefined), fetch: undefined }
      await run(tx, LOCK, [`blob ${this.#gateway} ${asked.hash}`])
      const fetch = await this.#joinOrAdd(tx, asked, maxBytes)
      return { job: await this.#add(tx, asked, fetch.id), fetch }
    })
  }

  async addShare(asked: ShareAsked): Promise<OpenJob> {
    return inTransaction(this.#pool, async (tx) => {
      const known = await this.#begin(tx, asked)
      if (known) return known
      if (!asked.exempt) await this.#checkQuota(tx, asked.requester)
      return this.#add(tx, asked, undefined)
    })
  }

  async get(id: string): Promise<OpenJob | undefined> {
    if (!UUID.test(id)) return undefined
    return jobOf((await run<JobRow>(this.#pool, GET_JOB, [this.#gateway, id]))[0])
  }

  /** Newest first; of everybody when `requester` is undefined. */
  async list(requester: string | undefined, limit: number): Promise<readonly OpenJob[]> {
    const rows = await run<JobRow>(this.#pool, LIST_JOBS, [this.#gateway, requester ?? null, limit])
    return rows.map((row) => jobOf(row) as OpenJob)
  }

  /** False when it had ended. `fetch` is the fetch that ends with it, if nobody else waits for the blob. */
  async cancel(id: string): Promise<{ readonly cancelled: boolean; readonly fetch: string | undefined }> {
    const [row] = await run<{ fetch_id: string | null }>(this.#pool, CANCEL_JOB, [this.#gateway, id, this.#clock.now()])
    return { cancelled: row !== undefined, fetch: row?.fetch_id ?? undefined }
  }

  /** False when it had ended, e.g. was cancelled. */
  async done(id: string, result: JobResult, size: number): Promise<boolean> {
    const values = [id, 'done', JSON.stringify(result), null, null, size, this.#clock.now()]
    return (await run(this.#pool, END_JOB, values)).length > 0
  }

  async fail(id: string, code: string, message: string): Promise<boolean> {
    const values = [id, 'failed', null, code, message, null, this.#clock.now()]
    return (await run(this.#pool, END_JOB, values)).length > 0
  }

  /** To be tried again in `waitMs`; answers how often it has failed now. */
  async delay(id: string, waitMs: number, code: string, message: string): Promise<number> {
    return (await run<{ attempts: number }>(this.#pool, DELAY_JOB, [id, waitMs, code, message]))[0]?.attempts ?? 0
  }

  /** What should be under way and may have been forgotten by the queue. */
  due(): Promise<DueRow[]> {
    return run<DueRow>(this.#pool, DUE, [this.#gateway, DUE_LIMIT])
  }

  async expired(): Promise<readonly string[]> {
    const rows = await run<{ id: string }>(this.#pool, EXPIRED_JOBS, [this.#gateway, this.#clock.now()])
    return rows.map((row) => row.id)
  }

  /** Takes the requester's lock; answers the job of the same request, if it was made before. */
  async #begin(tx: Queryable, asked: Asked): Promise<OpenJob | undefined> {
    await run(tx, LOCK, [`requester ${this.#gateway} ${asked.requester}`])
    if (asked.requestKey === undefined) return undefined
    return jobOf((await run<JobRow>(tx, SAME_REQUEST, [this.#gateway, asked.requester, asked.requestKey]))[0])
  }

  /** Answers the bytes left. */
  async #checkQuota(tx: Queryable, requester: string): Promise<number> {
    const since = this.#clock.now() - QUOTA_WINDOW_MS
    const [row] = await run<{ open: number; bytes: string }>(tx, USAGE, [this.#gateway, requester, since])
    const open = row?.open ?? 0
    const used = num(row?.bytes ?? 0)
    if (open >= this.#quota.jobs) throw tooManyJobs(open, this.#quota.jobs)
    if (used >= this.#quota.bytesPerDay) throw tooManyBytes(used, this.#quota.bytesPerDay)
    return this.#quota.bytesPerDay - used
  }

  async #joinOrAdd(tx: Queryable, asked: FetchAsked, maxBytes: number): Promise<Fetch> {
    const now = this.#clock.now()
    const priority = PRIORITIES[asked.priority]
    const open = fetchOf((await run<FetchRow>(tx, OPEN_FETCH, [this.#gateway, asked.hash, asked.format]))[0])
    const providers = JSON.stringify(mergeProviders(open?.providers ?? [], asked.providers))
    const rows = open
      ? await run<FetchRow>(tx, JOIN_FETCH, [open.id, providers, priority, maxBytes, now])
      : await run<FetchRow>(tx, ADD_FETCH, [
          uuidv7(now, this.#rng),
          this.#gateway,
          asked.hash,
          asked.format,
          providers,
          priority,
          maxBytes,
          now,
        ])
    return fetchOf(rows[0]) as Fetch
  }

  async #add(tx: Queryable, asked: FetchAsked | ShareAsked, fetchId: string | undefined): Promise<OpenJob> {
    const now = this.#clock.now()
    const id = uuidv7(now, this.#rng)
    const isFetch = 'hash' in asked
    await run(tx, ADD_JOB, [
      id,
      this.#gateway,
      isFetch ? 'fetch' : 'share',
      asked.requester,
      asked.requestKey ?? null,
      asked.target === undefined ? null : JSON.stringify(asked.target),
      asked.name,
      isFetch ? asked.hash : null,
      isFetch ? asked.format : null,
      fetchId ?? null,
      isFetch ? null : JSON.stringify(asked.source),
      JSON.stringify(asked.policy),
      isFetch && fetchId === undefined ? 'ready' : 'queued',
      isFetch ? (asked.present ?? null) : null,
      now,
      now + this.#lifetimeMs,
    ])
    return jobOf((await run<JobRow>(tx, GET_JOB, [this.#gateway, id]))[0]) as OpenJob
  }
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** The newest address of each provider, the newest providers first. */
export function mergeProviders(known: readonly PeerAddr[], added: readonly PeerAddr[]): readonly PeerAddr[] {
  const fresh = new Set(added.map((addr) => addr.id))
  return [...added, ...known.filter((addr) => !fresh.has(addr.id))].slice(0, MAX_PROVIDERS)
}

function stateOf(row: JobRow): JobState {
  if (row.status === 'ready') return 'finishing'
  if (row.status !== 'queued') return row.status
  return row.fetch_status === 'running' || row.fetch_status === 'fetched' ? 'fetching' : 'queued'
}

function jobOf(row: JobRow | undefined): OpenJob | undefined {
  if (row === undefined) return undefined
  const code = row.error_code ?? row.fetch_error
  const size = numOrNull(row.size) ?? numOrNull(row.fetch_size)
  const isHere = row.status === 'done' || row.status === 'ready'
  return {
    id: row.id,
    kind: row.kind,
    requester: row.requester,
    name: row.name,
    hash: row.hash ?? undefined,
    format: row.format ?? undefined,
    state: stateOf(row),
    status: row.status,
    fetchFailed: row.fetch_status === 'failed',
    tries: row.attempts,
    size: size ?? undefined,
    bytes: isHere && code === null ? (size ?? 0) : (numOrNull(row.fetch_bytes) ?? 0),
    attempts: Math.max(row.attempts, row.fetch_attempts ?? 0),
    error: code === null ? undefined : { code, message: row.error_message ?? '' },
    result: row.result === null ? undefined : resultSchema.parse(row.result),
    target: row.place === null ? undefined : (targetSchema.parse(row.place) as Target),
    policy: filePolicySchema.parse(row.policy),
    source: row.source,
    createdAt: num(row.created_at),
    updatedAt: num(row.updated_at),
    expiresAt: num(row.expires_at),
  }
}
