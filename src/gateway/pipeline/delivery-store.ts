import type { Clock } from '../../base/clock.ts'
import type { Rng } from '../../base/random.ts'
import type { NativePart } from '../../bridges/port.ts'
import type { PgPool } from '../db/pool.ts'
import { CHANGE_TURN, COMPOSITE, type CompositeRow, KEEP_COMPOSITE } from '../db/sql/composite.ts'
import { EXPIRING_LANES } from '../db/sql/expire.ts'
import {
  CHANGE_FILES,
  DUE_LANES,
  FORGET_COPIES,
  FREE_STALE_LEASES,
  LANES_OF_ACCOUNT,
  PARTS,
  type PartsRow,
  RECORD_PARTS,
  RECOVER,
  RELEASE_LEASES,
  RENEW_LEASES,
  REPLY_TARGETS,
  RESUME_LANES,
  RETRY_FAILED_HEADS,
  type ReplyRow,
  SUSPEND_LANE,
  UNCLAIM,
} from '../db/sql/lanes.ts'
import { run } from '../db/sql/statement.ts'
import { type Claimed, nativeRef, type ReplyTarget } from './claimed.ts'
import type { Composite, Turn } from './composite.ts'
import type { PipelineEvents } from './events.ts'
import { expireLane } from './expiry.ts'
import { storable, toJsonb } from './json.ts'
import { copyRow } from './part-log.ts'
import type { Existing } from './request.ts'

/** A lane we may write, and where its open deliveries begin. */
export interface Lease {
  readonly lane: string
  readonly fence: number
  readonly head: number
}

/** The rarer statements of delivery: everything but the step itself. */
export class LaneStore {
  readonly #pool: PgPool
  readonly #tools: { readonly pool: PgPool; readonly clock: Clock; readonly rng: Rng; readonly events: PipelineEvents }

  constructor(tools: { readonly pool: PgPool; readonly clock: Clock; readonly rng: Rng; readonly events: PipelineEvents }) {
    this.#tools = tools
    this.#pool = tools.pool
  }

  async existing(cid: string, lane: string): Promise<Existing> {
    const [row] = await run<PartsRow>(this.#pool, PARTS, [cid, lane])
    const time = (value: string | null | undefined): number | undefined => (value == null ? undefined : Number(value))
    const shown = row?.parts ?? []
    // A message of its own has one copy; others may be lines of a composite.
    const composite = shown.length === 0 || shown[0]?.role === 'composite' ? await this.#composite(cid, lane) : undefined
    if (composite !== undefined) {
      const createFirstSentAt = time(row?.create_first_sent_at)
      return {
        parts: composite.parts,
        composite,
        createState: row?.create_state ?? undefined,
        createFirstSentAt,
        createParkedAt: undefined,
      }
    }
    return {
      parts: shown.map((p) => ({ part: p.part, ref: nativeRef(p), ...(p.files !== null && { shows: p.files }) })),
      ...(row?.tally && { tally: row.tally }),
      createState: row?.create_state ?? undefined,
      createFirstSentAt: time(row?.create_first_sent_at),
      createParkedAt: time(row?.create_parked_at),
    }
  }

  async #composite(cid: string, lane: string): Promise<Composite | undefined> {
    const [row] = await run<CompositeRow>(this.#pool, COMPOSITE, [cid, lane])
    if (row === undefined) return undefined
    return { parts: row.parts.map((p) => ({ part: p.part, ref: nativeRef(p) })), turns: row.turns as readonly Turn[] }
  }

  /** Which messages the native message that is about to be made will show; `head` is the one it counts as a copy of. */
  async keepComposite(lane: string, head: string, turns: readonly Turn[]): Promise<void> {
    await run(this.#pool, KEEP_COMPOSITE, [lane, head, toJsonb(turns)])
  }

  /** What one line of a composite says from now on; null: it is gone. */
  async changeTurn(lane: string, cid: string, turn: Turn): Promise<void> {
    await run(this.#pool, CHANGE_TURN, [lane, cid, toJsonb(turn)])
  }

  /** Targets of replies among the items, by delivery id; those whose target is unknown are missing. */
  async replyTargets(items: readonly Claimed[], lane: string): Promise<ReadonlyMap<string, ReplyTarget>> {
    const asked = items.flatMap(({ id, reply }) =>
      reply === undefined
        ? []
        : [{ id, lane, network: reply.network, scope: reply.scope, channel: reply.channel, native_id: reply.id }],
    )
    if (asked.length === 0) return new Map()
    const rows = await run<ReplyRow>(this.#pool, REPLY_TARGETS, [toJsonb(asked)])
    return new Map(
      rows.map(({ id, ref, line, author_name: authorName, excerpt }) => {
        const shown = ref ?? line
        return [id, { ref: shown === null ? undefined : nativeRef(shown), authorName, excerpt }]
      }),
    )
  }

  async keepParts(
    id: string,
    cid: string,
    lane: string,
    all: readonly NativePart[],
    fresh: readonly NativePart[],
  ): Promise<void> {
    const copies = fresh.map((part) => copyRow(part, cid, lane))
    await run(this.#pool, RECORD_PARTS, [id, toJsonb(all), toJsonb(copies), this.#tools.clock.now()])
  }

  /** An edit gave these native messages other files. */
  async changeFiles(cid: string, lane: string, parts: readonly NativePart[]): Promise<void> {
    const rows = parts.map(({ ref, shows }) => ({ native_id: ref.id, files: shows ?? null }))
    await run(this.#pool, CHANGE_FILES, [cid, lane, toJsonb(rows)])
  }

  async forgetCopies(cid: string, lane: string, left: readonly string[]): Promise<void> {
    await run(this.#pool, FORGET_COPIES, [cid, lane, left])
  }

  async recover(lane: string, fence: number, except: readonly string[]): Promise<void> {
    await run(this.#pool, RECOVER, [lane, fence, except])
  }

  async unclaim(lane: string, fence: number, except: readonly string[]): Promise<void> {
    await run(this.#pool, UNCLAIM, [lane, fence, except])
  }

  async suspend(
    lane: string,
    fence: number,
    now: number,
    probeAt: number,
    why: { readonly code: string; readonly message: string },
  ): Promise<void> {
    await run(this.#pool, SUSPEND_LANE, [lane, fence, now, probeAt, storable(why.code), storable(why.message.slice(0, 500))])
  }

  /** Ends suspension; answers which lanes were suspended. */
  async resume(lanes: readonly string[]): Promise<readonly string[]> {
    return (await run<{ id: string }>(this.#pool, RESUME_LANES, [lanes])).map((r) => r.id)
  }

  async lanesOf(network: string, account: string): Promise<readonly string[]> {
    return (await run<{ id: string }>(this.#pool, LANES_OF_ACCOUNT, [network, account])).map((r) => r.id)
  }

  /** Answers the lanes whose leases are still ours. */
  async renew(until: number, leases: readonly Lease[]): Promise<ReadonlySet<string>> {
    const rows = await run<{ id: string }>(this.#pool, RENEW_LEASES, [until, toJsonb(leases)])
    return new Set(rows.map((r) => r.id))
  }

  async release(leases: readonly Lease[]): Promise<void> {
    if (leases.length > 0) await run(this.#pool, RELEASE_LEASES, [toJsonb(leases)])
  }

  async freeStaleLeases(ownerPrefix: string): Promise<void> {
    await run(this.#pool, FREE_STALE_LEASES, [ownerPrefix])
  }

  async retryFailedHeads(): Promise<void> {
    await run(this.#pool, RETRY_FAILED_HEADS, [])
  }

  /** Lanes with work that is due within `aheadMs`: whoever takes one then knows the exact time. */
  async dueLanes(owner: string, aheadMs: number): Promise<readonly string[]> {
    const now = this.#tools.clock.now()
    return (await run<{ id: string }>(this.#pool, DUE_LANES, [now, owner, now + aheadMs])).map((r) => r.id)
  }

  /** Ends overdue creates of one lane; answers how many. */
  expire(lane: string): Promise<number> {
    return expireLane(lane, this.#tools)
  }

  async expiringLanes(): Promise<readonly string[]> {
    return (await run<{ id: string }>(this.#pool, EXPIRING_LANES, [this.#tools.clock.now()])).map((r) => r.id)
  }
}
