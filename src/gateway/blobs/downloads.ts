import type { Clock } from '../../base/clock.ts'
import type { Lifecycle } from '../../base/lifecycle.ts'
import {
  BLOBS_ALPN,
  type BlobStore,
  Downloader,
  type DownloadRequest,
  type DownloadResult,
  type ManyRequest,
  parallelFetch,
} from '../../core/blobs/index.ts'
import type { Hash } from '../../core/ids.ts'
import type { IrohReach, K2Endpoint } from '../../core/net/index.ts'

export type Download = (request: DownloadRequest) => Promise<DownloadResult>

/** Many small blobs with one request. Answers those that could not be had. */
export type DownloadMany = (request: ManyRequest) => Promise<readonly Hash[]>

export interface Downloads extends Lifecycle {
  readonly download: Download
  readonly downloadMany: DownloadMany
  /** Ends the threads. */
  stop(): Promise<void>
}

/** Downloads into a store through an endpoint of this process; large blobs in threads of their own. */
export function openDownloads(options: {
  readonly store: BlobStore
  /** Asked for with each download: an endpoint exists only while its node runs. */
  readonly endpoint: () => K2Endpoint
  readonly reach: IrohReach
  /** Threads of one download; default: by the number of cores. */
  readonly threads?: number | undefined
  readonly clock: Clock
}): Downloads {
  const { store, endpoint, reach, threads, clock } = options
  const parallel = parallelFetch({ ...reach, workers: threads, clock, known: (id) => endpoint().book.dialable(id, clock.now()) })
  const downloader = new Downloader({
    store,
    clock,
    // A connection of its own: other protocols' pings share theirs, and a stalled download closes it.
    dial: (addr, call) => endpoint().dial(addr.id, BLOBS_ALPN, { ...call, addr, exclusive: true }),
    parallel,
  })
  return {
    name: 'downloads',
    download: (request) => downloader.download(request),
    downloadMany: (request) => downloader.downloadMany(request),
    stop: () => parallel.close(),
  }
}
