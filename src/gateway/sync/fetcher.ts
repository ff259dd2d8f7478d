import { errorCode, errorMessage } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { BlobStore, Protection } from '../../core/blobs/index.ts'
import type { Hash, PeerId } from '../../core/index.ts'
import type { Downloads } from '../blobs/downloads.ts'

/** Files of one round: many small ones come with one request. */
const BATCH_FILES = 256
const BATCH_BYTES = 64 * 1024 * 1024
/** Larger files are asked for alone, in pieces that survive a failure, from several at a time. */
const SMALL_BYTES = 4 * 1024 * 1024
/** Providers asked for one content. */
const MAX_PROVIDERS = 8

export interface Wanted {
  readonly hash: Hash
  /** As its author claims; more is not taken. */
  readonly size: number
}

export interface FetcherParts {
  readonly blobs: Pick<BlobStore, 'status'>
  readonly downloads: Pick<Downloads, 'download' | 'downloadMany'>
  readonly protection: Protection
  readonly log: Logger
}

export interface FetchReport {
  readonly fetched: readonly Hash[]
  readonly failed: number
}

/** Brings contents into the store, small ones many at a time. */
export class ContentBatches {
  readonly #parts: FetcherParts

  constructor(parts: FetcherParts) {
    this.#parts = parts
  }

  /** Those that are not complete here, each once. */
  async missing(wanted: Iterable<Wanted>): Promise<Wanted[]> {
    const missing = new Map<Hash, Wanted>()
    for (const one of wanted) {
      if (missing.has(one.hash)) continue
      if ((await this.#parts.blobs.status(one.hash)).kind !== 'complete') missing.set(one.hash, one)
    }
    return [...missing.values()]
  }

  /** Groups of files fetched together. */
  batches(wanted: readonly Wanted[]): Wanted[][] {
    const batches: Wanted[][] = []
    let batch: Wanted[] = []
    let bytes = 0
    for (const one of [...wanted].sort((a, b) => a.size - b.size)) {
      if (batch.length > 0 && (batch.length >= BATCH_FILES || bytes + one.size > BATCH_BYTES)) {
        batches.push(batch)
        batch = []
        bytes = 0
      }
      batch.push(one)
      bytes += one.size
    }
    if (batch.length > 0) batches.push(batch)
    return batches
  }

  /** Fetches one batch from the given peers. Rejects `ABORTED` only. */
  async fetch(batch: readonly Wanted[], peers: readonly PeerId[], signal: AbortSignal): Promise<FetchReport> {
    const { protection } = this.#parts
    for (const { hash } of batch) protection.add(hash)
    await this.#together(batch, peers, signal)
    const fetched: Hash[] = []
    let failed = 0
    for (const one of batch) {
      if (await this.#alone(one, peers, signal)) fetched.push(one.hash)
      else failed++
    }
    return { fetched, failed }
  }

  /** Small ones. What fails is asked for again alone. */
  async #together(batch: readonly Wanted[], peers: readonly PeerId[], signal: AbortSignal): Promise<void> {
    const small = await this.missing(batch.filter(({ size }) => size <= SMALL_BYTES))
    if (small.length < 2) return
    const blobs = small.map(({ hash, size }) => ({ hash, maxBytes: size }))
    await this.#parts.downloads
      .downloadMany({ blobs, providers: providersOf(peers), signal })
      .catch((error: unknown) => this.#note(error, signal))
  }

  async #alone({ hash, size }: Wanted, peers: readonly PeerId[], signal: AbortSignal): Promise<boolean> {
    const { blobs, downloads } = this.#parts
    if ((await blobs.status(hash)).kind === 'complete') return true
    if (peers.length === 0) return false
    return downloads
      .download({
        hash,
        providers: providersOf(peers),
        limits: { maxBytes: size, failuresPerProvider: 2 },
        signal,
      })
      .then(
        () => true,
        (error: unknown) => this.#note(error, signal),
      )
  }

  #note(error: unknown, signal: AbortSignal): false {
    if (signal.aborted) throw error
    this.#parts.log.debug(
      { ev: 'sync-fetch', code: errorCode(error), reason: errorMessage(error) },
      'contents could not be fetched',
    )
    return false
  }
}

const providersOf = (peers: readonly PeerId[]): { readonly id: PeerId; readonly direct: readonly string[] }[] =>
  peers.slice(0, MAX_PROVIDERS).map((id) => ({ id, direct: [] }))
