import type { Clock } from '../../base/clock.ts'
import type { Hash } from '../ids.ts'
import type { Connection, RecvHalf } from '../net/transport.ts'
import { ByteReader } from './byte-reader.ts'
import { tooSlow } from './download-errors.ts'
import { awaitEnd, failedGet, receiveBlob } from './getter.ts'
import { rangesSeqOf } from './proto/ranges-seq.ts'
import { encodeRequest } from './proto/requests.ts'
import type { BlobSink } from './store.ts'
import { ALL } from './tree/ranges.ts'

export interface ManyGetOptions {
  readonly blobs: readonly {
    readonly hash: Hash
    /** Largest size accepted, bytes. */
    readonly maxBytes: number
  }[]
  /** A provider that sends nothing for this long has stalled, ms. */
  readonly stallMs: number
  /** One that sends less than this many bytes per second over `slowWindowMs` is given up. */
  readonly minBytesPerSecond: number
  readonly slowWindowMs: number
  readonly clock: Clock
  readonly signal?: AbortSignal | undefined
}

/** Takes one blob after the other. */
export interface ManySink {
  /** The blob at this index begins. Waits while too many of those before are not on disk yet. */
  begin(index: number): Promise<BlobSink>
  /** It has come completely; `stored` settles when its last bytes are taken. Must not throw. */
  came(index: number, stored: Promise<void>): void
}

/**
 * Asks one provider for several whole blobs with one request (GetMany, blobs.md 7.2), which come one behind the other: for many
 * small ones nothing is waited for in between, neither the network nor the disk. Rejects as `getRanges`; what came before is good.
 */
export async function getMany(connection: Connection, options: ManyGetOptions, sink: ManySink): Promise<void> {
  const { blobs, stallMs, signal } = options
  const { send, recv } = await connection.openBi({ deadlineMs: stallMs, signal })
  const request = { kind: 'get-many', hashes: blobs.map(({ hash }) => hash), ranges: rangesSeqOf(blobs.map(() => ALL)) } as const
  await send.write(encodeRequest(request), { deadlineMs: stallMs, signal })
  await send.finish()
  const reader = new WatchedReader(recv, options)
  let at = 0
  const noticed = { started: false }
  try {
    for (; at < blobs.length; at++) {
      const { hash, maxBytes } = blobs[at] as (typeof blobs)[number]
      noticed.started = false
      // Asked for only when it is due: who waits here keeps the provider waiting, too.
      const target = await sink.begin(at)
      const last = { size: 0, stored: Promise.resolve() }
      const decoupled: BlobSink = {
        size: (size) => {
          last.size = size
          return target.size(size)
        },
        pair: (index, pair) => target.pair(index, pair),
        leaf: (offset, data) => {
          if (offset + data.length < last.size) return target.leaf(offset, data)
          // The last piece waits for the disk; the next blob does not wait for that.
          last.stored = target.leaf(offset, data.slice())
          last.stored.catch(() => {})
          return Promise.resolve()
        },
      }
      await receiveBlob(reader, { hash, ranges: ALL, maxSize: maxBytes }, decoupled, noticed)
      sink.came(at, last.stored)
    }
    reader.release()
    await awaitEnd(recv, stallMs)
  } catch (error) {
    throw failedGet(connection, recv, error, noticed.started, blobs[at]?.hash)
  }
}

/** Rejects `BLOB_STALLED` when too little comes although something does. */
class WatchedReader extends ByteReader {
  readonly #options: ManyGetOptions
  #since: number
  #bytes = 0

  constructor(recv: RecvHalf, options: ManyGetOptions) {
    super(recv, { deadlineMs: options.stallMs, signal: options.signal })
    this.#options = options
    this.#since = options.clock.monotonic()
  }

  override async some(max: number): Promise<Uint8Array | null> {
    const data = await super.some(max)
    const { clock, slowWindowMs, minBytesPerSecond } = this.#options
    this.#bytes += data?.length ?? 0
    const now = clock.monotonic()
    if (now - this.#since < slowWindowMs) return data
    if (this.#bytes < (minBytesPerSecond * slowWindowMs) / 1000) throw tooSlow(minBytesPerSecond)
    this.#since = now
    this.#bytes = 0
    return data
  }
}
