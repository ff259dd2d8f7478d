import type { OwnerQuota } from '../store.ts'
import { overQuota, storeFull } from './errors.ts'

/** Room promised to one piece of work. */
export interface Reservation {
  /** Asks for more. Throws `BLOB_STORE_FULL` or `BLOB_STORE_QUOTA` and then promises nothing more. */
  grow(bytes: number): void
  /** Gives back a part that is not needed. */
  shrink(bytes: number): void
  /** This many of the promised bytes are now counted by the store itself. */
  stored(bytes: number): void
  /** Gives back what was not stored. Idempotent. */
  release(): void
}

/** Keeps several writers at once from promising the same room twice. Limits are checked before anything is written. */
export class QuotaBook {
  readonly #maxBytes: number
  readonly #storedBytes: () => number
  readonly #owners = new Map<string, number>()
  #reserved = 0

  constructor(options: { maxBytes: number; storedBytes: () => number }) {
    this.#maxBytes = options.maxBytes
    this.#storedBytes = options.storedBytes
  }

  /**
   * `owned` bytes count for the owner, who already has `used`; more than `bytes` when they lie elsewhere. Throws as `grow`.
   */
  reserve(bytes: number, owner?: { readonly quota: OwnerQuota; readonly used: number }, owned = bytes): Reservation {
    let total = 0
    let mine = 0
    let released = false
    const own = (delta: number): void => {
      if (owner === undefined) return
      mine += delta
      const all = (this.#owners.get(owner.quota.prefix) ?? 0) + delta
      if (all > 0) this.#owners.set(owner.quota.prefix, all)
      else this.#owners.delete(owner.quota.prefix)
    }
    const take = (more: number, moreOwned: number): void => {
      // Nothing more is always possible: the limit may have been lowered since.
      if (more > 0 && this.#storedBytes() + this.#reserved + more > this.#maxBytes) throw storeFull(this.#maxBytes)
      if (owner !== undefined && moreOwned > 0) {
        const { prefix, maxBytes } = owner.quota
        if (owner.used + (this.#owners.get(prefix) ?? 0) + moreOwned > maxBytes) throw overQuota(prefix, maxBytes)
      }
      total += more
      this.#reserved += more
      own(moreOwned)
    }
    take(bytes, owned)
    return {
      grow: (more) => take(more, more),
      shrink: (bytes) => {
        const part = Math.min(bytes, total)
        total -= part
        this.#reserved -= part
        own(-Math.min(bytes, mine))
      },
      // The owner's share stays until the end: only tags count there, and a partial blob may have none yet.
      stored: (bytes) => {
        const part = Math.min(bytes, total)
        total -= part
        this.#reserved -= part
      },
      release: () => {
        if (released) return
        released = true
        this.#reserved -= total
        total = 0
        own(-mine)
      },
    }
  }
}
