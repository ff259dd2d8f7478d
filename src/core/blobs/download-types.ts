import type { Hash } from '../ids.ts'
import type { PeerAddr } from '../net/transport.ts'
import type { BlobFormat } from './proto/blob-ticket.ts'
import type { OwnerQuota } from './store.ts'
import type { ChunkRanges } from './tree/ranges.ts'

export interface DownloadLimits {
  /** Most bytes of content accepted, children of a hash sequence included. */
  readonly maxBytes: number
  /** Most children of a hash sequence. */
  readonly maxChildren: number
  /** ms for the whole download. */
  readonly deadlineMs: number
  /** ms until a provider must be connected, lookups included. */
  readonly connectMs: number
  /** A provider that sends nothing for this long has stalled, ms. */
  readonly stallMs: number
  /** A provider below this rate over `slowWindowMs` is cut off, bytes per second. */
  readonly minBytesPerSecond: number
  readonly slowWindowMs: number
  /** Failures of one provider in a row, without progress, until it is given up. */
  readonly failuresPerProvider: number
  /** First and longest pause before a provider is asked again after a failure, ms. Doubles each time, with jitter. */
  readonly backoffMs: number
  readonly maxBackoffMs: number
}

export const DEFAULT_DOWNLOAD_LIMITS: DownloadLimits = {
  maxBytes: 2 ** 32,
  maxChildren: 10_000,
  deadlineMs: 6 * 3_600_000,
  connectMs: 15_000,
  stallMs: 30_000,
  minBytesPerSecond: 1024,
  slowWindowMs: 60_000,
  failuresPerProvider: 4,
  backoffMs: 500,
  maxBackoffMs: 30_000,
}

export interface DownloadProgress {
  /** Content bytes verified and stored in this call. */
  readonly received: number
  /** Content bytes that are here: received now or already stored before. */
  readonly present: number
  /**
   * Content bytes of the whole download as far as known: a claim of the provider until the last chunk is verified, and without
   * children that were not looked at yet. Undefined before the first answer.
   */
  readonly total: number | undefined
  /** Blobs complete and in all; more than one only for hash sequences. */
  readonly blobsDone: number
  readonly blobs: number
  /** Providers asked at this moment. */
  readonly active: number
}

export interface DownloadRequest {
  readonly hash: Hash
  /** `hash-seq`: the sequence and all blobs it lists. Default `raw`. */
  readonly format?: BlobFormat
  /** Who may have it. Addresses are used besides what the endpoint knows; an id alone is looked up. */
  readonly providers: readonly PeerAddr[]
  /** Chunks wanted of a raw blob, widened to whole groups of 16; everything when omitted. */
  readonly ranges?: ChunkRanges
  readonly limits?: Partial<DownloadLimits>
  /** Account that pays for what is stored. */
  readonly quota?: OwnerQuota | undefined
  readonly signal?: AbortSignal | undefined
  /** Called synchronously, at most a few times per second and once at the end; must not throw. */
  readonly onProgress?: (progress: DownloadProgress) => void
}

export interface DownloadResult {
  readonly hash: Hash
  readonly format: BlobFormat
  /** Bytes of the blob itself; for a hash sequence 32 per child. Verified unless only `ranges` were asked for. */
  readonly size: number
  /** Content bytes of everything, and how many came over the network in this call. */
  readonly total: number
  readonly received: number
  /** Children of a hash sequence in order, duplicates included; empty for a raw blob. */
  readonly children: readonly Hash[]
  readonly providers: readonly ProviderOutcome[]
}

/** What became of one provider in one download. */
export interface ProviderOutcome {
  readonly id: PeerAddr['id']
  readonly received: number
  readonly failures: number
  /** Sent wrong data, lied about the size or refused us: not asked again in this download. */
  readonly banned: boolean
  /** Code of its last failure. */
  readonly lastError: string | undefined
}
