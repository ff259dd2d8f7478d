import type { Clock } from '../../base/clock.ts'
import type { Hash } from '../ids.ts'
import type { BlobWatcher } from './blob-download.ts'
import type { DownloadProgress } from './download-types.ts'
import { sizeRefused } from './tree/errors.ts'

/** Shortest time between two reports, ms. */
const REPORT_MS = 250

/** Counts what a download has, and holds its blobs together to the limit of bytes. */
export class DownloadProgressMeter implements BlobWatcher {
  readonly #maxBytes: number
  readonly #clock: Clock
  readonly #report: ((progress: DownloadProgress) => void) | undefined
  /** What is claimed or known of each blob's size. */
  readonly #sizes = new Map<Hash, number>()
  #total = 0
  #received = 0
  #present = 0
  #blobs = 1
  #blobsDone = 0
  #active = 0
  #reportedAt = Number.NEGATIVE_INFINITY

  constructor(init: { maxBytes: number; clock: Clock; report: ((progress: DownloadProgress) => void) | undefined }) {
    this.#maxBytes = init.maxBytes
    this.#clock = init.clock
    this.#report = init.report
  }

  get progress(): DownloadProgress {
    return {
      received: this.#received,
      present: this.#present,
      total: this.#sizes.size === 0 ? undefined : this.#total,
      blobsDone: this.#blobsDone,
      blobs: this.#blobs,
      active: this.#active,
    }
  }

  /** More blobs than the first one belong to it. */
  expect(blobs: number): void {
    this.#blobs += blobs
  }

  /** A blob is looked at: `bytes` of it are in the store. */
  found(hash: Hash, bytes: number, size: number | undefined): void {
    this.#present += bytes
    if (size !== undefined) this.sized(hash, size)
  }

  /** Throws `BLOB_TOO_LARGE` when this size, with those of the other blobs, is above the limit. */
  sized(hash: Hash, size: number): void {
    const total = this.#total - (this.#sizes.get(hash) ?? 0) + size
    if (total > this.#maxBytes) throw sizeRefused(BigInt(total), this.#maxBytes)
    this.#total = total
    this.#sizes.set(hash, size)
    this.#tell()
  }

  took(_hash: Hash, bytes: number): void {
    this.#received += bytes
    this.#present += bytes
    this.#tell()
  }

  activity(change: 1 | -1): void {
    this.#active += change
  }

  done(_hash: Hash): void {
    this.#blobsDone++
    this.#tell()
  }

  /** The last report, whatever the time. */
  finish(): void {
    this.#report?.(this.progress)
  }

  #tell(): void {
    if (this.#report === undefined) return
    const now = this.#clock.monotonic()
    if (now - this.#reportedAt < REPORT_MS) return
    this.#reportedAt = now
    this.#report(this.progress)
  }
}
