import type { K2Error } from '../../base/errors.ts'
import type { PeerId } from '../ids.ts'
import { type AttemptOutcome, noProvider, tooSlow, unavailable } from './download-errors.ts'
import { hasProgress, type ProviderPool, type ProviderState } from './provider-pool.ts'
import { CHUNK_BYTES, chunksOf, GROUP_BYTES } from './tree/blake3.ts'
import { type ChunkRanges, firstChunks, intersect, LAST_CHUNK, subtract, union } from './tree/ranges.ts'

export interface PlanLimits {
  /** Attempts at a time for this blob. With more than one the size is asked for first, then every attempt gets a piece. */
  readonly lanes: number
  /** Largest piece of one attempt while others run or could run, bytes. */
  readonly pieceBytes: number
  /** With one lane: bytes the first attempt asks for while the size is unknown, so that it decides how the rest is fetched. */
  readonly firstBytes?: number | undefined
  /** As in `DownloadLimits`. */
  readonly failuresPerProvider: number
  readonly minBytesPerSecond: number
  readonly slowWindowMs: number
  /** An attempt without progress for this long is doubled by an idle provider, ms. */
  readonly hedgeMs: number
}

export interface PlanInit {
  /** Chunks to fetch, whole groups. */
  readonly wanted: ChunkRanges
  /** Chunks that are here, whole groups; open-ended when the last is among them. */
  readonly have: ChunkRanges
  /** Proven size. */
  readonly size: number | undefined
  readonly pool: ProviderPool
  readonly limits: PlanLimits
}

export type PlanStep =
  /** Ask `provider` for `ranges`. Report with `sized`, `took` and, exactly once, `ended`. */
  | { readonly kind: 'fetch'; readonly attempt: number; readonly provider: PeerId; readonly ranges: ChunkRanges }
  /** End this attempt with `error`; `ended` must still come. */
  | { readonly kind: 'abort'; readonly attempt: number; readonly error: K2Error }
  /** Nothing to do before `atMs` unless something is reported; undefined: only a report changes anything. */
  | { readonly kind: 'wait'; readonly atMs: number | undefined }
  /** All wanted chunks are here. Attempts still running are of no use. */
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly error: K2Error }

interface Attempt {
  readonly id: number
  readonly provider: ProviderState
  readonly ranges: ChunkRanges
  readonly beganAt: number
  /** What it has to prove before the window ends. */
  windowAt: number
  windowBytes: number
  progressAt: number
  bytes: number
  hedged: boolean
  aborted: boolean
}

/** What this plan knows of a provider beyond the pool: failures that concern this blob alone. */
interface Standing {
  failures: number
  readyAt: number
  lastError: K2Error | undefined
}

const CHUNKS_PER_GROUP = BigInt(GROUP_BYTES / CHUNK_BYTES)

/** The smallest set of whole groups around `ranges`. */
export function wholeGroups(ranges: ChunkRanges): ChunkRanges {
  let out: ChunkRanges = []
  for (let i = 0; i < ranges.length; i += 2) {
    const from = (ranges[i] as bigint) - ((ranges[i] as bigint) % CHUNKS_PER_GROUP)
    const to = ranges[i + 1]
    out = union(out, to === undefined ? [from] : [from, to + ((CHUNKS_PER_GROUP - (to % CHUNKS_PER_GROUP)) % CHUNKS_PER_GROUP)])
  }
  return out
}

/**
 * Decides which provider is asked for which chunks of one blob (blobs.md 10): no I/O, no clock. The caller runs `step` after
 * every report and whenever the time of a `wait` has come, until it answers `done` or `failed`.
 */
export class DownloadPlan {
  readonly #pool: ProviderPool
  readonly #limits: PlanLimits
  #wanted: ChunkRanges
  #have: ChunkRanges
  #size: number | undefined
  readonly #attempts = new Map<number, Attempt>()
  readonly #standings = new Map<ProviderState, Standing>()
  #fatal: K2Error | undefined
  #nextId = 1

  constructor(init: PlanInit) {
    this.#pool = init.pool
    this.#limits = init.limits
    this.#wanted = init.wanted
    this.#have = init.have
    if (init.size !== undefined) this.#prove(init.size)
  }

  /** Proven size; undefined before. */
  get size(): number | undefined {
    return this.#size
  }

  get active(): number {
    return this.#attempts.size
  }

  /** What is neither here nor asked for. */
  get missing(): ChunkRanges {
    return subtract(this.#wanted, this.#have)
  }

  step(now: number): PlanStep {
    if (this.#fatal !== undefined) return { kind: 'failed', error: this.#fatal }
    const missing = this.missing
    // An open end is done only once the size is proven, which the arrival of the last chunk does.
    if (missing.length === 0) return { kind: 'done' }
    const slow = this.#tooSlow(now)
    if (slow !== undefined) {
      slow.aborted = true
      return { kind: 'abort', attempt: slow.id, error: tooSlow(this.#limits.minBytesPerSecond) }
    }
    return this.#fetch(now, missing) ?? this.#rest(now)
  }

  /**
   * Verified content came in, one or several groups. Answers how many bytes of it were missing: probes and doubled attempts
   * bring more than was asked for.
   */
  took(attempt: number, offset: number, length: number, now: number): number {
    const entry = this.#attempts.get(attempt)
    const covers = offset % GROUP_BYTES === 0 && (length % GROUP_BYTES === 0 || this.#isEnd(offset + length))
    const isNew = covers ? this.#take(offset, length) : 0
    if (entry === undefined) return isNew
    entry.bytes += length
    entry.windowBytes += length
    entry.progressAt = now
    this.#pool.progressed(entry.provider, length)
    return isNew
  }

  #take(offset: number, length: number): number {
    const first = BigInt(offset / CHUNK_BYTES)
    const taken: ChunkRanges = [first, first + BigInt(chunksOf(length))]
    const fresh = subtract(taken, this.#have)
    if (fresh.length === 0) return 0
    this.#have = union(this.#have, fresh)
    let bytes = 0
    for (let i = 0; i < fresh.length; i += 2)
      bytes += Math.min(offset + length, Number(fresh[i + 1]) * CHUNK_BYTES) - Number(fresh[i]) * CHUNK_BYTES
    return bytes
  }

  /** The size is proven: the last chunk of a blob of `size` bytes was verified. Comes before `took` of that chunk. */
  proved(size: number): void {
    this.#prove(size)
  }

  ended(attempt: number, outcome: AttemptOutcome, now: number): void {
    const entry = this.#attempts.get(attempt)
    if (entry === undefined) return
    this.#attempts.delete(attempt)
    const measured = { bytes: entry.bytes, ms: now - entry.beganAt }
    // A response that ended well without bringing anything would be asked for again for ever.
    const empty = outcome.kind === 'done' && entry.bytes === 0
    this.#pool.ended(entry.provider, outcome, now, measured)
    if (outcome.kind === 'fatal') this.#fatal ??= outcome.error
    const standing = this.#standing(entry.provider)
    if (hasProgress(outcome, entry.bytes)) standing.failures = 0
    if (outcome.kind !== 'missing' && outcome.kind !== 'cut' && !empty) return
    standing.failures++
    standing.readyAt = now + this.#pool.backoff(standing.failures)
    if (outcome.kind !== 'done') standing.lastError = outcome.error
  }

  #fetch(now: number, missing: ChunkRanges): PlanStep | undefined {
    if (this.#attempts.size >= this.#limits.lanes) return undefined
    const probing = this.#limits.lanes > 1 && this.#size === undefined
    if (probing && this.#attempts.size > 0) return this.#hedge(now, missing)
    let running: ChunkRanges = []
    for (const { ranges } of this.#attempts.values()) running = union(running, ranges)
    const open = subtract(missing, running)
    if (open.length === 0) return this.#hedge(now, missing)
    const provider = this.#pool.pick(now, (p) => this.#admits(p, now))
    if (provider === undefined) return undefined
    return this.#begin(provider, probing ? LAST_CHUNK : this.#piece(open), now)
  }

  /** A slow attempt's rest goes to an idle provider as well: whoever is first wins. */
  #hedge(now: number, missing: ChunkRanges): PlanStep | undefined {
    for (const attempt of this.#attempts.values()) {
      if (attempt.hedged || attempt.progressAt + this.#limits.hedgeMs > now) continue
      const rest = attempt.ranges === LAST_CHUNK ? LAST_CHUNK : intersect(missing, attempt.ranges)
      if (rest.length === 0 || (rest === LAST_CHUNK && this.#size !== undefined)) continue
      const provider = this.#pool.pick(now, (p) => p !== attempt.provider && this.#admits(p, now))
      if (provider === undefined) return undefined
      attempt.hedged = true
      return this.#begin(provider, rest, now)
    }
    return undefined
  }

  #begin(provider: ProviderState, ranges: ChunkRanges, now: number): PlanStep {
    const id = this.#nextId++
    const times = { beganAt: now, windowAt: now, progressAt: now }
    this.#attempts.set(id, { id, provider, ranges, ...times, windowBytes: 0, bytes: 0, hedged: false, aborted: false })
    provider.active++
    return { kind: 'fetch', attempt: id, provider: provider.id, ranges }
  }

  #piece(open: ChunkRanges): ChunkRanges {
    const { lanes, pieceBytes, firstBytes } = this.#limits
    const isFirst = this.#nextId === 1 && this.#size === undefined
    const bytes = lanes > 1 && this.#size !== undefined ? pieceBytes : isFirst ? firstBytes : undefined
    return bytes === undefined ? open : firstChunks(open, BigInt(Math.ceil(bytes / GROUP_BYTES)) * CHUNKS_PER_GROUP)
  }

  /** Waits, or gives up when there is nothing left to wait for. */
  #rest(now: number): PlanStep {
    const times: number[] = []
    for (const attempt of this.#attempts.values()) {
      if (!attempt.aborted) times.push(attempt.windowAt + this.#limits.slowWindowMs)
      if (!attempt.hedged && this.#attempts.size < this.#limits.lanes) times.push(attempt.progressAt + this.#limits.hedgeMs)
    }
    let usable = 0
    for (const provider of this.#pool.providers) {
      if (!this.#isUsable(provider)) continue
      usable++
      times.push(Math.max(provider.readyAt, this.#standings.get(provider)?.readyAt ?? 0))
    }
    if (this.#attempts.size === 0 && usable === 0) return { kind: 'failed', error: this.#giveUp() }
    const future = times.filter((t) => t > now)
    return { kind: 'wait', atMs: future.length === 0 ? undefined : Math.min(...future) }
  }

  #giveUp(): K2Error {
    const { providers } = this.#pool
    if (providers.length === 0) return noProvider()
    return unavailable(providers.flatMap((p) => this.#standings.get(p)?.lastError ?? p.lastError ?? []))
  }

  #tooSlow(now: number): Attempt | undefined {
    const { slowWindowMs, minBytesPerSecond } = this.#limits
    for (const attempt of this.#attempts.values()) {
      if (attempt.aborted || now < attempt.windowAt + slowWindowMs) continue
      // Content counts in whole leaves, so one of them may still be on its way.
      const enough = (minBytesPerSecond * slowWindowMs) / 1000 - GROUP_BYTES
      if (attempt.windowBytes < enough || attempt.windowBytes === 0) return attempt
      attempt.windowAt = now
      attempt.windowBytes = 0
    }
    return undefined
  }

  #admits(provider: ProviderState, now: number): boolean {
    return this.#isUsable(provider) && (this.#standings.get(provider)?.readyAt ?? 0) <= now
  }

  #isUsable(provider: ProviderState): boolean {
    const failures = this.#standings.get(provider)?.failures ?? 0
    return this.#pool.isUsable(provider) && failures < this.#limits.failuresPerProvider
  }

  #standing(provider: ProviderState): Standing {
    const known = this.#standings.get(provider)
    if (known !== undefined) return known
    const made: Standing = { failures: 0, readyAt: 0, lastError: undefined }
    this.#standings.set(provider, made)
    return made
  }

  #isEnd(end: number): boolean {
    return this.#size !== undefined && end === this.#size
  }

  #prove(size: number): void {
    if (this.#size !== undefined) return
    this.#size = size
    const all: ChunkRanges = [0n, BigInt(chunksOf(size))]
    this.#have = intersect(this.#have, all)
    const wanted = intersect(this.#wanted, all)
    // Whatever lies past the end selects the last chunk (blobs.md 4.3), here with its group.
    const lastGroup = BigInt(Math.floor(Math.max(0, size - 1) / GROUP_BYTES)) * CHUNKS_PER_GROUP
    this.#wanted = wanted.length === 0 && this.#wanted.length > 0 ? [lastGroup, all[1] as bigint] : wanted
  }
}
