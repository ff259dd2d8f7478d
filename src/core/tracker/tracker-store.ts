import { type Rng, shuffled } from '../../base/random.ts'
import type { Hash, PeerId } from '../ids.ts'
import type { Verify } from '../keys/ed25519.ts'
import { trackerError } from './errors.ts'
import { isGenuine, MAX_ROWS, type SignedAnnounce, type TrackerQuery } from './messages.ts'
import { ANNOUNCE_LIFE_MS, isTimely } from './rows.ts'

export interface TrackerLimits {
  readonly perHost: number
  readonly perContent: number
  readonly total: number
}

/** Of discovery 9. */
export const TRACKER_LIMITS: TrackerLimits = { perHost: 1_000, perContent: 5_000, total: 200_000 }

export interface TrackerStoreOptions {
  readonly verify: Verify
  readonly rng: Rng
  readonly limits?: Partial<TrackerLimits>
}

type Rows = Map<string, SignedAnnounce>

/**
 * What a tracker knows: who announced what, and when. Only genuine and timely announcements come in; the oldest go when a limit
 * is reached. Pure apart from its own memory; `now` in ms.
 */
export class TrackerStore {
  readonly #options: TrackerStoreOptions
  readonly #limits: TrackerLimits
  /** All rows by key, the longest unchanged first. */
  readonly #rows: Rows = new Map()
  readonly #byContent = new Map<Hash, Rows>()
  readonly #byHost = new Map<PeerId, Rows>()

  constructor(options: TrackerStoreOptions) {
    this.#options = options
    this.#limits = { ...TRACKER_LIMITS, ...options.limits }
  }

  get size(): number {
    return this.#rows.size
  }

  get contents(): number {
    return this.#byContent.size
  }

  get hosts(): number {
    return this.#byHost.size
  }

  /** True when it was new or newer. Throws `TRACKER_BAD_TIME` or `TRACKER_BAD_SIGNATURE`. */
  announce(row: SignedAnnounce, now: number): boolean {
    if (!isTimely(row.timestamp, now)) throw trackerError('TRACKER_BAD_TIME', 'the time of an announcement is too far from ours')
    if (!isGenuine(row, this.#options.verify)) {
      throw trackerError('TRACKER_BAD_SIGNATURE', 'an announcement was not signed by its host')
    }
    return this.restore(row, now)
  }

  /** Takes a row back that was checked before it was written down. */
  restore(row: SignedAnnounce, now: number): boolean {
    if (!isTimely(row.timestamp, now)) return false
    const key = keyOf(row)
    const known = this.#rows.get(key)
    if (known !== undefined && known.timestamp >= row.timestamp) return false
    this.#remove(key)
    this.#makeRoom(this.#byHost.get(row.host), this.#limits.perHost)
    this.#makeRoom(this.#byContent.get(row.content.hash), this.#limits.perContent)
    this.#makeRoom(this.#rows, this.#limits.total)
    this.#rows.set(key, row)
    group(this.#byContent, row.content.hash).set(key, row)
    group(this.#byHost, row.host).set(key, row)
    return true
  }

  /**
   * At most 118 rows, so that Rust clients can read them; a random choice, or all but the first would starve. We probe nobody, so
   * `verified` finds nothing, as with the reference for topics. The format is not looked at, as there.
   */
  query({ content, complete, verified }: TrackerQuery, now: number): SignedAnnounce[] {
    if (verified) return []
    const rows = [...(this.#byContent.get(content.hash)?.values() ?? [])]
    const eligible = rows.filter((row) => (!complete || row.kind === 'complete') && isTimely(row.timestamp, now))
    return shuffled(this.#options.rng, eligible).slice(0, MAX_ROWS)
  }

  /** Drops what no query would return any more; answers how many. */
  sweep(now: number): number {
    const before = this.#rows.size
    const limit = BigInt(Math.floor(now - ANNOUNCE_LIFE_MS)) * 1000n
    for (const [key, row] of this.#rows) if (row.timestamp < limit) this.#remove(key)
    return before - this.#rows.size
  }

  rows(): IterableIterator<SignedAnnounce> {
    return this.#rows.values()
  }

  #makeRoom(rows: Rows | undefined, max: number): void {
    if (rows === undefined || rows.size < max) return
    const oldest = rows.keys().next().value as string
    this.#remove(oldest)
  }

  #remove(key: string): void {
    const row = this.#rows.get(key)
    if (row === undefined) return
    this.#rows.delete(key)
    ungroup(this.#byContent, row.content.hash, key)
    ungroup(this.#byHost, row.host, key)
  }
}

const keyOf = ({ host, content, kind }: SignedAnnounce): string => `${content.hash}/${content.format}/${kind}/${host}`

function group<K>(groups: Map<K, Rows>, name: K): Rows {
  const known = groups.get(name)
  if (known !== undefined) return known
  const fresh: Rows = new Map()
  groups.set(name, fresh)
  return fresh
}

function ungroup<K>(groups: Map<K, Rows>, name: K, key: string): void {
  const rows = groups.get(name)
  rows?.delete(key)
  if (rows?.size === 0) groups.delete(name)
}
