import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import { K2Error } from '../../base/errors.ts'
import { type Lifecycle, LifecycleGroup } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/logger.ts'
import { cryptoRng } from '../../base/random.ts'
import { BLOBS_ALPN, BlobProvider, type BlobStore, encodeBlobTicket, FsBlobStore } from '../../core/blobs/index.ts'
import { loadOrCreateKeyFile, newIdentity, ofPeerAddr, type PeerId } from '../../core/index.ts'
import { hasRelays, type K2Endpoint, openEndpoint } from '../../core/net/index.ts'
import { KEY_FILE } from '../config/paths.ts'
import type { Config } from '../config/schema.ts'
import { openDatabase } from '../db/database.ts'
import { acquireDirLock } from '../db/dir-lock.ts'
import { createJobBackend } from '../jobs/backend.ts'
import { BLOB_FETCH, BLOB_SHARE, JobQueues } from '../jobs/queues.ts'
import { QueueWorker } from '../jobs/workers.ts'
import { reachOf } from '../node-config.ts'
import { openDownloads } from './downloads.ts'
import { FetchLedger } from './fetch-ledger.ts'
import { FETCH_TAGS, FetchRunner, fetchTag } from './fetch-runner.ts'
import type { Fetch, Holder } from './model.ts'
import { FETCH_TUNING } from './open.ts'
import { providerLimits } from './policy.ts'
import { FETCH_CANCELLED } from './sql.ts'

/** ms between two looks at what gateways have taken over. */
const TIDY_MS = 30_000
/** ms a fresh endpoint has to learn a relay, so that gateways elsewhere can reach it. */
const RELAY_MS = 5_000

export interface WorkerOptions {
  readonly config: Config
  /** Data directory of this worker alone. */
  readonly dir: string
  /** `ip:port` to bind; default: any port. */
  readonly bind?: string | undefined
  readonly log: Logger
  readonly clock: Clock
}

export interface BlobWorker {
  /** Id of its endpoint. */
  readonly id: PeerId
  stop(): Promise<void>
}

/** Throws `CONFIG_WORKER` where a second process cannot reach the database. */
export function checkWorkerConfig({ database }: Config): void {
  if (database.driver === 'postgres') return
  throw new K2Error({
    code: 'CONFIG_WORKER',
    kind: 'config',
    message:
      'the embedded database belongs to one process, so the gateway fetches files itself: for workers set database.driver to postgres',
  })
}

/**
 * Fetches blobs for gateways from a process of its own, here or on another machine: the same database and queue, but its own
 * data directory, key, endpoint and store. What it fetched stays in its store until the gateway has it.
 */
export async function startBlobWorker(options: WorkerOptions, signal: AbortSignal): Promise<BlobWorker> {
  const { config, dir, bind, log, clock } = options
  checkWorkerConfig(config)
  const group = new LifecycleGroup({ log, drainMs: config.shutdownTimeout * 0.7, stopMs: config.shutdownTimeout * 0.3 })
  const use = async <T extends Lifecycle>(part: T): Promise<T> => {
    await group.start(part, signal)
    signal.throwIfAborted()
    return part
  }
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 })
    const lock = await acquireDirLock(join(dir, 'worker.lock'), clock)
    await use({ name: 'lock', stop: () => lock.release() })
    const { identity } = await loadOrCreateKeyFile(join(dir, KEY_FILE), () => newIdentity(cryptoRng))
    const { database, queue, blobs } = config
    if (database.driver !== 'postgres') throw new TypeError('checked above')
    const db = await use(
      await openDatabase({ ...database, url: database.url.reveal() }, { log: log.child({ mod: 'db' }), clock }),
    )
    const jobLog = log.child({ mod: 'jobs' })
    const backend = await use(
      createJobBackend(
        queue.driver === 'redis'
          ? { driver: 'redis', url: queue.url.reveal(), allowEviction: queue.allowEviction }
          : { driver: 'database', pool: db.jobsPool },
        { log: jobLog },
      ),
    )
    const queues = await use(new JobQueues(backend, jobLog))
    const store = new FsBlobStore({ dir: join(dir, 'blobs'), maxBytes: blobs.storeSize, clock, log: log.child({ mod: 'blobs' }) })
    await use({ name: 'blob-store', stop: () => store.close() })
    const reach = reachOf(config)
    const endpoint = await openEndpoint({
      secretKey: identity.seed(),
      ...reach,
      clock,
      log: log.child({ mod: 'net' }),
      ...(bind !== undefined && { bind: [bind] }),
    })
    const provider = new BlobProvider({ store, clock, limits: providerLimits(blobs), log: log.child({ mod: 'blobs' }) })
    endpoint.handle(BLOBS_ALPN, (connection) => provider.serve(connection))
    await use(endpoint)
    if (hasRelays(reach)) await endpoint.waitForRelay({ deadlineMs: RELAY_MS, signal })
    const fetches = new FetchLedger(db.pool)
    const downloads = await use(openDownloads({ store, endpoint: () => endpoint, reach, threads: blobs.threads, clock }))
    const runner = new FetchRunner({
      fetches,
      store,
      download: downloads.download,
      worker: identity.id,
      async fetched(fetch, result) {
        const holder = await handOver(fetch, { store, endpoint, spool: blobs.spool })
        if (await fetches.hold(fetch, holder, result.total)) {
          // Without the queue the gateway's own sweep finds it.
          await queues
            .add(BLOB_SHARE, 'collect', { fetch: fetch.id }, { jobId: `collect-${fetch.id}` })
            .catch((err) => log.debug({ ev: 'blob-collect-wake', err }, 'the gateway finds the blob by itself'))
        }
      },
      failed: async (jobs) => {
        for (const job of jobs) {
          await queues
            .add(BLOB_SHARE, 'finish', { job }, { jobId: `finish-${job}` })
            .catch((err) => log.debug({ ev: 'blob-finish-wake', err }, 'the gateway finds the job by itself'))
        }
      },
      attempts: blobs.attempts,
      clock,
      log,
    })
    const stopListening = await db.listen(FETCH_CANCELLED, (fetch) => runner.cancelled(fetch === '' ? undefined : fetch))
    await use({ name: 'cancellations', stop: stopListening })
    await use(
      new QueueWorker({
        backend,
        queue: BLOB_FETCH,
        concurrency: blobs.fetches,
        tuning: FETCH_TUNING,
        log: jobLog,
        clock,
        handlers: { fetch: ({ fetch }, context) => runner.run(fetch, context) },
      }),
    )
    await use(new WorkerTidy({ fetches, store, worker: identity.id, clock, log }))
    return { id: identity.id, stop: () => group.stop() }
  } catch (error) {
    await group.stop()
    throw error
  }
}

/** Where the gateway gets what was fetched: from the shared folder, or from this worker's endpoint. */
async function handOver(
  fetch: Fetch,
  { store, endpoint, spool }: { store: BlobStore; endpoint: K2Endpoint; spool: string | undefined },
): Promise<Holder> {
  if (spool !== undefined && fetch.format === 'raw') {
    const file = `${fetch.id}.blob`
    await mkdir(spool, { recursive: true, mode: 0o700 })
    await store.export(fetch.hash, join(spool, file), { overwrite: true })
    return { kind: 'spool', file }
  }
  const { hash, format } = fetch
  return { kind: 'ticket', ticket: encodeBlobTicket({ addr: ofPeerAddr(endpoint.shareableAddr()), hash, format }) }
}

/** Forgets what gateways have taken over, or nobody wants any more. */
class WorkerTidy implements Lifecycle {
  readonly name = 'worker-tidy'
  readonly #options: {
    readonly fetches: FetchLedger
    readonly store: BlobStore
    readonly worker: string
    readonly clock: Clock
    readonly log: Logger
  }
  #cancel = (): void => {}
  #stopped = false
  #running: Promise<void> = Promise.resolve()

  constructor(options: {
    readonly fetches: FetchLedger
    readonly store: BlobStore
    readonly worker: string
    readonly clock: Clock
    readonly log: Logger
  }) {
    this.#options = options
  }

  async start(): Promise<void> {
    this.#later()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancel()
    await this.#running
  }

  #later(): void {
    if (this.#stopped) return
    this.#cancel = this.#options.clock.after(TIDY_MS, () => {
      this.#running = this.#tidy()
        .catch((err: unknown) => this.#options.log.warn({ ev: 'worker-tidy', err }, 'tidying is tried again'))
        .finally(() => this.#later())
    })
  }

  async #tidy(): Promise<void> {
    const { fetches, store, worker } = this.#options
    const wanted = new Set((await fetches.heldBy(worker)).map(({ id }) => fetchTag(id)))
    let dropped = 0
    for await (const tag of store.listTags(FETCH_TAGS)) {
      if (wanted.has(tag.name)) continue
      await store.deleteTag(tag.name)
      dropped++
    }
    if (dropped > 0) await store.gc()
  }
}
