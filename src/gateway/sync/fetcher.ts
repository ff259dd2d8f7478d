import { errorCode, errorMessage } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { type BlobStore, encodeHashSeq, type Protection } from '../../core/blobs/index.ts'
import type { Hash, PeerId } from '../../core/index.ts'
import type { Download } from '../blobs/downloads.ts'

/** Files of one round: many small ones come over one connection. */
const BATCH_FILES = 256
const BATCH_BYTES = 64 * 1024 * 1024
/** Claims about sizes are taken with a grain: bytes of slack per file. */
const SLACK_BYTES = 1024
/** Providers asked for one content. */
const MAX_PROVIDERS = 8

export interface Wanted {
  readonly hash: Hash
  /** As its author claims; more is not taken. */
  readonly size: number
}

export interface FetcherParts {
  readonly blobs: Pick<BlobStore, 'status' | 'importBytes'>
  readonly download: Download
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
    if (batch.length > 1) await this.#together(batch, peers, signal)
    const fetched: Hash[] = []
    let failed = 0
    for (const one of batch) {
      if (await this.#alone(one, peers, signal)) fetched.push(one.hash)
      else failed++
    }
    return { fetched, failed }
  }

  /** As the children of a sequence made here, so that one connection serves all. What fails is asked for again alone. */
  async #together(batch: readonly Wanted[], peers: readonly PeerId[], signal: AbortSignal): Promise<void> {
    const { blobs, protection, download } = this.#parts
    const sequence = await blobs.importBytes(encodeHashSeq(batch.map(({ hash }) => hash)), { protection, format: 'hash-seq' })
    const claimed = batch.reduce((sum, { size }) => sum + size + SLACK_BYTES, sequence.size)
    await download({
      hash: sequence.hash,
      format: 'hash-seq',
      providers: providersOf(peers),
      limits: { maxBytes: claimed, failuresPerProvider: 2 },
      signal,
    }).catch((error: unknown) => this.#note(error, signal))
  }

  async #alone({ hash, size }: Wanted, peers: readonly PeerId[], signal: AbortSignal): Promise<boolean> {
    const { blobs, download } = this.#parts
    if ((await blobs.status(hash)).kind === 'complete') return true
    if (peers.length === 0) return false
    return download({
      hash,
      providers: providersOf(peers),
      limits: { maxBytes: size, failuresPerProvider: 2 },
      signal,
    }).then(
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
