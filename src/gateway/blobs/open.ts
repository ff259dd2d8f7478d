import { join } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import type { Lifecycle } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/logger.ts'
import { cryptoRng } from '../../base/random.ts'
import type { MediaPort, MediaSource } from '../../bridges/media.ts'
import type { ShareFile } from '../../bridges/p2p/index.ts'
import type { BlobStore } from '../../core/blobs/index.ts'
import type { Identity, K2Node } from '../../core/index.ts'
import type { CommandDefinition } from '../commands/definition.ts'
import type { Config } from '../config/schema.ts'
import type { Database } from '../db/database.ts'
import type { LinkedFiles } from '../http/routes/files.ts'
import type { JobBackend } from '../jobs/backend.ts'
import { BLOB_FETCH, BLOB_SHARE, type JobQueues } from '../jobs/queues.ts'
import { QueueWorker } from '../jobs/workers.ts'
import { mediaGone } from '../media/errors.ts'
import type { FileLinks } from '../media/links.ts'
import type { MediaStore } from '../media/store.ts'
import type { RouteDefinition } from '../pipeline/index.ts'
import { DEFAULT_LIMITS } from '../pipeline/limits.ts'
import { OwnMessages } from '../pipeline/say.ts'
import { Collector } from './collector.ts'
import { blobCommands } from './commands.ts'
import { openDownloads } from './downloads.ts'
import { FetchLedger } from './fetch-ledger.ts'
import { FetchRunner } from './fetch-runner.ts'
import { FileLedger } from './file-ledger.ts'
import { Finisher } from './finisher.ts'
import { JobLedger } from './job-ledger.ts'
import { createLinkSigner } from './link-token.ts'
import { linkedFiles } from './linked-files.ts'
import { routeShare } from './route-share.ts'
import { BlobService } from './service.ts'
import { Sharer } from './sharer.ts'
import { BlobSweep } from './sweep.ts'

/** Shares, hand-overs and deliveries at once. */
const SHARE_CONCURRENCY = 4

/** A worker that was killed is noticed after this, ms; the queue's own default is half a minute. */
export const FETCH_TUNING = { lockDuration: 15_000, stalledInterval: 5_000, maxStalledCount: 1_000 } as const

export interface BlobParts {
  readonly config: Config
  readonly db: Pick<Database<unknown>, 'pool'>
  readonly backend: JobBackend
  readonly queues: JobQueues
  readonly identity: Identity
  readonly node: K2Node
  readonly store: BlobStore
  readonly routes: () => readonly RouteDefinition[]
  /** Files of messages; asked for when needed, because they in turn need the links and blobs of this part. */
  readonly media: () => { readonly library: MediaPort; readonly store: Pick<MediaStore, 'acquire'> }
  /** Address of the HTTP server. */
  readonly baseUrl: () => string
  readonly clock: Clock
  readonly log: Logger
}

/** Files for people, ready to be started and to be put into HTTP, commands and bridges. */
export interface Blobs {
  readonly service: BlobService
  /** To be started in this order after the node and the pipeline. */
  readonly lifecycle: readonly Lifecycle[]
  readonly commands: readonly CommandDefinition[]
  /** Behind `GET /files/:token`. */
  readonly linked: LinkedFiles
  /** Signed links to files of messages, for `MediaLibrary`. */
  readonly links: FileLinks
  /** Tickets of attachments on their way to K2, for the K2 bridge. */
  readonly shareFile: ShareFile
  /** Reads attachments whose content is a blob, for `MediaLibrary.addSource('blob', '', …)`. */
  readonly source: MediaSource
}

export function openBlobs(parts: BlobParts): Blobs {
  const { config, db, backend, queues, identity, node, store, routes, media, clock } = parts
  const log = parts.log.child({ mod: 'files' })
  const rng = cryptoRng
  const own = { pool: db.pool, gateway: node.id, clock, rng }
  const { blobs } = config
  const jobs = new JobLedger({ ...own, quota: blobs.quota, lifetimeMs: blobs.jobLifetime })
  const files = new FileLedger(own)
  const fetches = new FetchLedger(db.pool, node.id)
  const signer = createLinkSigner(identity.seed())
  const service = new BlobService({
    config: blobs,
    store,
    jobs,
    files,
    queues,
    signer,
    addr: () => node.addr(),
    baseUrl: parts.baseUrl,
    cancelled: (fetch) => runner.cancelled(fetch),
    clock,
    log,
  })
  const outbox = new OwnMessages({ ...own, limits: DEFAULT_LIMITS }, (lane) => queues.wakeLane(lane))
  const downloads = openDownloads({
    store,
    endpoint: () => node.endpoint,
    reach: node.settings,
    threads: blobs.threads,
    clock,
  })
  const { download } = downloads
  const ready = async (ids: readonly string[]): Promise<void> => {
    for (const id of ids) await service.wake('finish', id)
  }
  const runner = new FetchRunner({
    fetches,
    store,
    download,
    worker: node.id,
    fetched: async (fetch, result) => ready(await fetches.stored(fetch.id, 'running', result.total)),
    failed: ready,
    attempts: blobs.attempts,
    clock,
    log,
  })
  const collector = new Collector({ fetches, store, download, spool: blobs.spool, ready, log })
  const finisher = new Finisher({
    jobs,
    files,
    store,
    outbox,
    urlOf: (id, expiresAt) => service.urlOf(id, expiresAt),
    shareOf: (name, hash, format) => service.shareOf(name, hash, format),
    maxAttachment: config.media.maxFile,
    reachable: blobs.publicUrl !== undefined,
    keepMs: blobs.keep,
    linkMs: blobs.linkLifetime,
    scanner: blobs.scanner,
    tempDir: join(config.dataDir, 'scan'),
    clock,
    log,
  })
  const sharer = new Sharer({ jobs, service, media: { fetch: (a, signal) => media().library.fetch(a, signal) }, outbox, log })
  const worker = { backend, log, clock, tuning: FETCH_TUNING }
  const fetching = new QueueWorker({
    ...worker,
    queue: BLOB_FETCH,
    concurrency: blobs.fetches,
    handlers: { fetch: ({ fetch }, context) => runner.run(fetch, context) },
  })
  const sharing = new QueueWorker({
    ...worker,
    queue: BLOB_SHARE,
    concurrency: SHARE_CONCURRENCY,
    handlers: {
      share: ({ job }, { signal }) => sharer.run(job, signal),
      collect: ({ fetch }, { signal }) => collector.run(fetch, signal),
      finish: ({ job }, { signal }) => finisher.run(job, signal),
    },
  })
  const sweep = new BlobSweep({ pool: db.pool, jobs, files, service, finisher, store, clock, log })
  return {
    service,
    lifecycle: [downloads, sharing, ...(blobs.worker === 'inside' ? [fetching] : []), sweep],
    commands: blobCommands({ service, routes, blobs, clock }),
    linked: linkedFiles({ signer, files, service, media: (sha256) => media().store.acquire(sha256), now: () => clock.now() }),
    links: {
      async linkTo(file, name, until) {
        // An address of this machine alone is of no use in a chat.
        if (blobs.publicUrl === undefined) return undefined
        return service.urlOf(await files.addMediaLink(file.sha256, name, until), until)
      },
    },
    shareFile: routeShare({ routes, blobs, files, service, media: () => media().library, gateway: node.id }),
    source: {
      async openAttachment({ source }) {
        const size = source.kind === 'blob' ? await service.sizeOf(source.hash) : undefined
        if (source.kind !== 'blob' || size === undefined) throw mediaGone()
        return { size, bytes: service.read(source.hash) }
      },
    },
  }
}
