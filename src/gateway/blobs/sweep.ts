import type { Clock } from '../../base/clock.ts'
import type { Lifecycle } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/logger.ts'
import type { BlobStore } from '../../core/blobs/index.ts'
import type { PgPool } from '../db/pool.ts'
import { run } from '../db/sql/statement.ts'
import { FETCH_TAGS } from './fetch-runner.ts'
import { FILE_TAGS, type FileLedger, fileTag } from './file-ledger.ts'
import type { Finisher } from './finisher.ts'
import type { JobLedger } from './job-ledger.ts'
import { type BlobService, JOB_TAGS } from './service.ts'
import { KEPT_FETCHES, KEPT_FILES, KEPT_JOBS } from './sql.ts'

/** ms between two looks for work the queue does not know of. */
const SWEEP_MS = 5_000
/** ms between two rounds of tidying and garbage collection. */
const TIDY_MS = 3_600_000
/** Rows of what has ended are kept this long for people to look at, ms. */
const KEEP_ROWS_MS = 30 * 86_400_000
const TAGS_AT_ONCE = 500

export interface BlobSweepOptions {
  readonly pool: PgPool
  readonly jobs: JobLedger
  readonly files: FileLedger
  readonly service: Pick<BlobService, 'wake' | 'gc'>
  readonly finisher: Pick<Finisher, 'fail'>
  readonly store: BlobStore
  readonly clock: Clock
  readonly log: Logger
}

/** Finds work that a queue has lost, gives up what took too long, and removes what nobody keeps. */
export class BlobSweep implements Lifecycle {
  readonly name = 'blob-sweep'
  readonly #options: BlobSweepOptions
  readonly #abort = new AbortController()
  #cancel = (): void => {}
  #running: Promise<void> = Promise.resolve()
  #tidiedAt: number

  constructor(options: BlobSweepOptions) {
    this.#options = options
    this.#tidiedAt = options.clock.monotonic()
  }

  /** Does not wait for the first look: nothing else depends on it. */
  async start(): Promise<void> {
    this.#round()
  }

  async stop(): Promise<void> {
    this.#abort.abort()
    this.#cancel()
    await this.#running
  }

  #round(): void {
    const { clock, log } = this.#options
    this.#running = this.sweep()
      .catch((err: unknown) => log.warn({ ev: 'blob-sweep', err }, 'looking for file jobs failed and is tried again'))
      .finally(() => {
        if (!this.#abort.signal.aborted) this.#cancel = clock.after(SWEEP_MS, () => this.#round())
      })
  }

  /** One look. */
  async sweep(): Promise<void> {
    const { jobs, service, finisher, clock } = this.#options
    for (const { id, what, priority } of await jobs.due()) await service.wake(what, id, priority)
    for (const id of await jobs.expired()) {
      const job = await jobs.get(id)
      if (job) await finisher.fail(job, 'BLOB_JOB_EXPIRED', 'it took too long')
      await jobs.cancel(id)
    }
    if (clock.monotonic() - this.#tidiedAt < TIDY_MS) return
    this.#tidiedAt = clock.monotonic()
    await this.tidy()
  }

  /** Forgets what has expired, then removes content that no name keeps. */
  async tidy(): Promise<void> {
    const { files, store, service, log } = this.#options
    for (const { id } of await files.expire()) await store.deleteTag(fileTag(id))
    await files.prune(KEEP_ROWS_MS)
    await files.making.during((making) => this.#dropTags(FILE_TAGS, KEPT_FILES, making))
    await this.#dropTags(FETCH_TAGS, KEPT_FETCHES)
    await this.#dropTags(JOB_TAGS, KEPT_JOBS)
    const { kept, removed, freedBytes } = await service.gc(this.#abort.signal)
    if (removed > 0) log.info({ ev: 'blob-gc', kept, removed, freedBytes }, 'blobs nobody keeps were removed')
  }

  /** Removes the tags under a prefix whose rows are over; not those whose rows are still to come. */
  async #dropTags(prefix: string, kept: typeof KEPT_FILES, coming: ReadonlySet<string> = new Set()): Promise<void> {
    const { store, pool } = this.#options
    let batch: string[] = []
    const drop = async (): Promise<void> => {
      const rows = await run<{ id: string }>(pool, kept, [batch])
      const keep = new Set(rows.map((row) => row.id))
      for (const id of batch) if (!keep.has(id) && !coming.has(id)) await store.deleteTag(`${prefix}${id}`)
      batch = []
    }
    const names: string[] = []
    for await (const tag of store.listTags(prefix)) names.push(tag.name.slice(prefix.length))
    for (const name of names) {
      batch.push(name)
      if (batch.length >= TAGS_AT_ONCE) await drop()
    }
    if (batch.length > 0) await drop()
  }
}
