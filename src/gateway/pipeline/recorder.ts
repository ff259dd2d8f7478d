import { setImmediate as nextTurn } from 'node:timers/promises'
import { sleep } from '../../base/async.ts'
import type { Clock } from '../../base/clock.ts'
import { sqlState } from '../db/errors.ts'
import type { PgPool } from '../db/pool.ts'
import { ENVELOPES } from '../db/sql/lanes.ts'
import { run } from '../db/sql/statement.ts'
import { ACQUIRE, type ClaimedRow, type ClaimRow, type CopyRow, type ResultRow, STEP, STEP_BURYING } from '../db/sql/step.ts'
import { type LaneClaim, laneClaim } from './claimed.ts'
import type { PipelineEvents } from './events.ts'
import { toJsonb } from './json.ts'
import type { NextState } from './outcomes.ts'

/** Lanes in one statement. Larger: one commit carries more, but every lane waits for the slowest plan. */
const MAX_LANES_PER_STEP = 64
const FIRST_RETRY_MS = 50
const MAX_RETRY_MS = 2_000

export interface StepRequest {
  readonly lane: string
  /** Undefined: take the lease first. Then there must be no results. */
  readonly fence: number | undefined
  readonly results: readonly ResultRow[]
  readonly copies: readonly CopyRow[]
  readonly claim: number
  /** Below this nothing of the lane is open but parked deliveries. */
  readonly head: number
}

/** A delivery's next state as `STEP` takes it. */
export function resultRow(id: string, next: NextState, more: Pick<ResultRow, 'lane' | 'fence' | 'parts'>): ResultRow {
  return {
    id,
    ...more,
    state: next.state,
    attempt: next.attempt,
    not_before: next.notBefore,
    ambiguous_since: next.ambiguousSince,
    failed_since: next.failedSince,
    parked_at: next.parkedAt,
    code: next.code ?? null,
    message: next.message ?? null,
  }
}

interface Waiting {
  readonly request: StepRequest
  resolve(claim: LaneClaim): void
  reject(error: unknown): void
}

export interface RecorderOptions {
  readonly pool: PgPool
  /** Name our leases carry. */
  readonly owner: string
  readonly leaseMs: number
  readonly clock: Clock
  readonly events: PipelineEvents
}

/**
 * Group commit for all lanes: while one statement runs, what the lanes have to record and to claim gathers for the next.
 * A lane has at most one request waiting, so the queue is as long as there are lanes at work.
 */
export class Recorder {
  readonly #options: RecorderOptions
  #queue: Waiting[] = []
  #loop: Promise<void> | undefined
  #closed = false

  constructor(options: RecorderOptions) {
    this.#options = options
  }

  /**
   * Resolves when the results are on disk, with what was claimed. Results are tried until they are; a claim is not: when the
   * statement fails this rejects, and the lane must begin anew because its answer may be lost.
   */
  step(request: StepRequest): Promise<LaneClaim> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ request, resolve, reject })
      this.#loop ??= this.#work()
    })
  }

  /** Gives up trying to write. */
  close(): void {
    this.#closed = true
  }

  async #work(): Promise<void> {
    while (this.#queue.length > 0) {
      // Lanes that the last step set free record their next results in this turn.
      await nextTurn()
      const batch = this.#queue.splice(0, MAX_LANES_PER_STEP)
      const holding = batch.filter((w) => w.request.fence !== undefined)
      const acquiring = batch.filter((w) => w.request.fence === undefined)
      if (holding.length > 0) await this.#flush(holding)
      if (acquiring.length > 0) await this.#flush(acquiring)
    }
    // Here and not when the promise settles: a request in between would find a loop that is already over.
    this.#loop = undefined
  }

  async #flush(batch: readonly Waiting[]): Promise<void> {
    try {
      this.#answer(batch, await this.#execute(batch.map((w) => w.request)))
    } catch (error) {
      this.#options.events.recordFailed(error)
      if (isRefusal(error) && batch.length > 1) {
        for (const one of batch) await this.#flush([one])
        return
      }
      const requests = batch.map((w) => w.request)
      await this.#insist(isRefusal(error) ? requests.map(bare) : requests)
      for (const one of batch) one.reject(error)
    }
  }

  #answer(batch: readonly Waiting[], rows: readonly ClaimedRow[]): void {
    const byLane = new Map<string, ClaimedRow[]>()
    for (const row of rows) {
      const list = byLane.get(row.lane)
      if (list) list.push(row)
      else byLane.set(row.lane, [row])
    }
    for (const { request, resolve } of batch) resolve(laneClaim(byLane.get(request.lane) ?? []))
  }

  /** Results must not be lost: without them, what was sent counts as in doubt. Absolute values, so repeating is harmless. */
  async #insist(requests: readonly StepRequest[]): Promise<void> {
    const results = requests.filter((r) => r.results.length > 0).map((r) => ({ ...r, claim: 0 }))
    if (results.length === 0) return
    for (let delay = FIRST_RETRY_MS; !this.#closed; delay = Math.min(MAX_RETRY_MS, delay * 2)) {
      await sleep(delay)
      try {
        await this.#execute(results)
        return
      } catch (error) {
        this.#options.events.recordFailed(error)
        if (isRefusal(error)) return
      }
    }
  }

  /** Requests that all hold their lease, or all ask for it. */
  async #execute(requests: readonly StepRequest[]): Promise<ClaimedRow[]> {
    const rows = requests[0]?.fence === undefined ? await this.#acquire(requests) : await this.#record(requests)
    return this.#withContent(rows)
  }

  #record(requests: readonly StepRequest[]): Promise<ClaimedRow[]> {
    const results = requests.flatMap((r) => r.results)
    const copies = requests.flatMap((r) => r.copies)
    const statement = results.some((r) => r.state === 'dead') ? STEP_BURYING : STEP
    const values = [toJsonb(results), toJsonb(copies), toJsonb(claimsOf(requests)), this.#options.clock.now()]
    return run<ClaimedRow>(this.#options.pool, statement, values)
  }

  #acquire(requests: readonly StepRequest[]): Promise<ClaimedRow[]> {
    const { pool, owner, leaseMs, clock } = this.#options
    const now = clock.now()
    return run<ClaimedRow>(pool, ACQUIRE, [toJsonb(claimsOf(requests)), now, owner, now + leaseMs])
  }

  /** An edit that was stored while the statement ran changed the delivery to content the statement could not see. */
  async #withContent(rows: ClaimedRow[]): Promise<ClaimedRow[]> {
    const missing = rows.filter((row) => row.id !== null && row.op !== 'delete' && row.envelope === null)
    if (missing.length === 0) return rows
    const found = await run<{ event_id: string; envelope: unknown }>(this.#options.pool, ENVELOPES, [
      missing.map((r) => r.event_id),
    ])
    const envelopes = new Map(found.map((f) => [f.event_id, f.envelope]))
    return rows.map((row) => (missing.includes(row) ? { ...row, envelope: envelopes.get(row.event_id) ?? null } : row))
  }
}

function claimsOf(requests: readonly StepRequest[]): ClaimRow[] {
  return requests.map((r) => ({ lane: r.lane, fence: r.fence ?? null, head: r.fence === undefined ? null : r.head, n: r.claim }))
}

/** Without what a bridge or platform said: that a delivery ended must be written even if its details cannot be. */
function bare(request: StepRequest): StepRequest {
  const results = request.results.map((r) => ({
    ...r,
    parts: null,
    code: 'UNRECORDABLE',
    message: 'its details could not be stored',
  }))
  return { ...request, results, copies: [] }
}

/** The database refuses the data itself; trying again cannot help. */
function isRefusal(error: unknown): boolean {
  const state = sqlState(error) ?? sqlState((error as { cause?: unknown } | undefined)?.cause)
  return state !== undefined && /^(22|23|42)/.test(state)
}
