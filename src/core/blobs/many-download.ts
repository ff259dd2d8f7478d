import { abortedError } from '../../base/async.ts'
import type { Clock } from '../../base/clock.ts'
import { errorCode, K2Error } from '../../base/errors.ts'
import type { Hash } from '../ids.ts'
import type { Connection, PeerAddr } from '../net/transport.ts'
import { outcomeOf } from './download-errors.ts'
import { DEFAULT_DOWNLOAD_LIMITS, type DownloadLimits } from './download-types.ts'
import { getMany, type ManySink } from './many-getter.ts'
import { EMPTY_BLOB } from './provider.ts'
import type { DialBlobs } from './range-fetcher.ts'
import type { BlobStore, PartialBlob } from './store.ts'

/** Most blobs of one request. */
export const MAX_MANY_BLOBS = 1_024
/** Blobs that have come and are not on disk yet. */
const STORING_AT_ONCE = 32
/** Requests to one provider: what it does not have is found by halves. */
const MAX_REQUESTS = 64

export interface WantedBlob {
  readonly hash: Hash
  /** Larger ones are refused. */
  readonly maxBytes: number
}

export interface ManyRequest {
  /** At most `MAX_MANY_BLOBS`, whole, small, and none that is here already: each is asked for from its beginning. */
  readonly blobs: readonly WantedBlob[]
  readonly providers: readonly PeerAddr[]
  readonly limits?: Partial<Pick<DownloadLimits, 'connectMs' | 'stallMs' | 'minBytesPerSecond' | 'slowWindowMs'>>
  readonly signal?: AbortSignal | undefined
}

export interface ManyParts {
  readonly store: Pick<BlobStore, 'resume'>
  readonly dial: DialBlobs
  readonly clock: Clock
}

/**
 * Fetches many small blobs with a request for all of them, from one provider after the other. Answers those that could not be had;
 * nothing keeps the others from garbage collection but their tags and protections. Rejects `BLOB_STORE_*` or `ABORTED`.
 */
export async function downloadMany(parts: ManyParts, request: ManyRequest): Promise<readonly Hash[]> {
  const { signal } = request
  if (request.blobs.length > MAX_MANY_BLOBS)
    throw new K2Error({ code: 'BLOB_TOO_MANY', kind: 'bug', message: `at most ${MAX_MANY_BLOBS} blobs are asked for together` })
  const left = new Map<Hash, WantedBlob>()
  for (const blob of request.blobs) if (blob.hash !== EMPTY_BLOB) left.set(blob.hash, blob)
  for (const provider of request.providers) {
    if (left.size === 0) break
    if (signal?.aborted) throw abortedError(signal)
    await askProvider(parts, provider, request, left)
  }
  return [...left.keys()]
}

/** Takes what comes out of `left`. */
async function askProvider(
  parts: ManyParts,
  provider: PeerAddr,
  request: ManyRequest,
  left: Map<Hash, WantedBlob>,
): Promise<void> {
  const limits = { ...DEFAULT_DOWNLOAD_LIMITS, ...request.limits }
  const { signal } = request
  let connection: Connection | undefined
  try {
    const dialed = await parts.dial(provider, { deadlineMs: limits.connectMs, signal })
    connection = dialed
    const lists = [[...left.values()]]
    for (let asked = 0; asked < MAX_REQUESTS; asked++) {
      const blobs = lists.pop()?.filter(({ hash }) => left.has(hash))
      if (blobs === undefined) return
      if (blobs.length === 0) continue
      const intake = new Intake(parts.store, blobs, left)
      const failed = await getMany(dialed, { ...limits, blobs, clock: parts.clock, signal }, intake).then(
        () => undefined,
        (error: unknown) => ({ error }),
      )
      await intake.close()
      // What went wrong on our own disk would go wrong again.
      if (intake.failure !== undefined) throw intake.failure
      if (failed === undefined) continue
      if (errorCode(failed.error) === 'BLOB_TOO_LARGE') lists.push(blobs.filter(({ hash }) => hash !== intake.reached))
      else if (!isGap(failed.error)) throw failed.error
      // The reset that says so takes what was not read yet with it, so it is not known which one is missing.
      else if (blobs.length > 1) lists.push(blobs.slice(blobs.length >> 1), blobs.slice(0, blobs.length >> 1))
    }
  } catch (error) {
    if (signal?.aborted) throw abortedError(signal)
    // Whatever is wrong with this one, the next may be well.
    if (outcomeOf(error).kind === 'fatal') throw error
  } finally {
    connection?.close(0n, 'idle')
  }
}

/** It does not have one of them: others may still come from there. */
function isGap(error: unknown): boolean {
  const code = errorCode(error)
  return code === 'BLOB_NOT_FOUND' || code === 'BLOB_CUT_OFF' || code === 'NET_STREAM_RESET'
}

/** Puts the blobs of one response into the store, several at a time. */
class Intake implements ManySink {
  readonly #store: ManyParts['store']
  readonly #blobs: readonly WantedBlob[]
  readonly #left: Map<Hash, WantedBlob>
  readonly #storing = new Set<Promise<void>>()
  #open: PartialBlob | undefined
  /** The blob that was being waited for last. */
  reached: Hash | undefined
  failure: unknown

  constructor(store: ManyParts['store'], blobs: readonly WantedBlob[], left: Map<Hash, WantedBlob>) {
    this.#store = store
    this.#blobs = blobs
    this.#left = left
  }

  async begin(index: number): ReturnType<ManySink['begin']> {
    const { hash } = this.#blobs[index] as WantedBlob
    this.reached = hash
    while (this.#storing.size >= STORING_AT_ONCE) await Promise.race(this.#storing)
    if (this.failure !== undefined) throw this.failure
    this.#open = await this.#store.resume(hash)
    return this.#open.sink()
  }

  came(index: number, stored: Promise<void>): void {
    const { hash } = this.#blobs[index] as WantedBlob
    const partial = this.#open as PartialBlob
    this.#open = undefined
    const storing: Promise<void> = stored
      .then(() => partial.complete())
      .then(
        () => void this.#left.delete(hash),
        (error: unknown) => {
          this.failure ??= error
        },
      )
      .then(() => partial.close())
      .finally(() => this.#storing.delete(storing))
    this.#storing.add(storing)
  }

  /** Waits until everything that came is on disk. Never rejects. */
  async close(): Promise<void> {
    await this.#open?.close()
    await Promise.all(this.#storing)
  }
}
