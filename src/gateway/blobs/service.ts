import type { Clock } from '../../base/clock.ts'
import { errorCode, isK2Error } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import {
  type BlobFormat,
  type BlobStore,
  blobBytes,
  type GcResult,
  type ListedBlob,
  safeFileName,
} from '../../core/blobs/index.ts'
import { type EndpointAddr, type Hash, type PeerId, parseHash, toPeerAddr } from '../../core/index.ts'
import type { BlobsConfig } from '../config/blobs.ts'
import { BLOB_FETCH, BLOB_SHARE, type JobQueues } from '../jobs/queues.ts'
import { HEAD_BYTES, sniff } from '../media/sniff.ts'
import { makeCollection } from './collections.ts'
import { fileTooLarge, noSuchFile, noSuchJob, ownTicket } from './errors.ts'
import { type FileLedger, type FileOrigin, fileTag, type StoredFile } from './file-ledger.ts'
import type { JobLedger, OpenJob } from './job-ledger.ts'
import type { LinkSigner } from './link-token.ts'
import type { BlobJob, FilePolicy, Priority, Target } from './model.ts'
import { PRIORITIES } from './model.ts'
import { nameFor, printShare, readShare } from './share-text.ts'

export interface BlobServiceParts {
  readonly config: BlobsConfig
  readonly store: BlobStore
  readonly jobs: JobLedger
  readonly files: FileLedger
  readonly queues: Pick<JobQueues, 'add' | 'queue'>
  readonly signer: LinkSigner
  /** Own address, for tickets. */
  readonly addr: () => EndpointAddr
  /** Where people reach this gateway's HTTP server, without a slash at the end. */
  readonly baseUrl: () => string
  /** Told of a fetch nobody wants any more: it may be running in this process. */
  readonly cancelled: (fetch: string) => void
  readonly clock: Clock
  readonly log: Logger
}

/** Who asks, and where the answer goes. */
export interface Asker {
  /** Stable key of the person, or `operator`. */
  readonly requester: string
  /** Operators are not counted against quotas. */
  readonly exempt: boolean
  readonly target?: Target | undefined
  readonly policy: FilePolicy
  readonly requestKey?: string | undefined
}

export interface FetchRequest {
  /** Ticket, or `name|ticket`. */
  readonly ticket: string
  /** Instead of the name in the ticket. */
  readonly name?: string | undefined
  readonly priority?: Priority | undefined
}

export interface ResultFile extends StoredFile {
  readonly url?: string
}

/** What people may do with files: bring one in, have one fetched, look, link, remove. */
export class BlobService {
  readonly #parts: BlobServiceParts

  constructor(parts: BlobServiceParts) {
    this.#parts = parts
  }

  get config(): BlobsConfig {
    return this.#parts.config
  }

  /**
   * Takes a file into the store and answers it with its ticket. Rejects `BLOB_TOO_LARGE`, `BLOB_STORE_*`, or what the stream
   * rejects with; then nothing is kept.
   */
  async upload(
    source: AsyncIterable<Uint8Array>,
    info: {
      readonly name: string
      readonly owner: string
      readonly origin?: FileOrigin
      readonly maxBytes: number
      readonly id?: string
    },
  ): Promise<StoredFile> {
    const { files, store } = this.#parts
    const id = info.id ?? files.newId()
    const seen = { head: Buffer.alloc(0), size: 0 }
    return files.making.run(id, async () => {
      const { hash, size } = await store.importStream(bounded(source, info.maxBytes, seen), { tag: fileTag(id) })
      const { mime } = await sniff(seen.head)
      return this.#record(id, { ...info, hash, format: 'raw', size, mime, origin: info.origin ?? 'upload' })
    })
  }

  /** Several files under one ticket. Rejects `BLOB_UNKNOWN`, `BLOB_BAD_COLLECTION`. */
  async collect(fileIds: readonly string[], name: string, owner: string): Promise<StoredFile> {
    const { files, store } = this.#parts
    const parts = await Promise.all(fileIds.map((id) => this.file(id)))
    const id = files.newId()
    const size = parts.reduce((sum, part) => sum + part.size, 0)
    return files.making.run(id, async () => {
      const hash = await makeCollection(store, parts, fileTag(id))
      const mime = 'application/octet-stream'
      return this.#record(id, { name, owner, hash, format: 'hash-seq', size, mime, origin: 'upload' })
    })
  }

  /** Queues a fetch. Rejects `BLOB_BAD_TICKET`, `BLOB_OWN_TICKET`, `BLOB_QUOTA_*`. */
  async fetch(request: FetchRequest, asker: Asker): Promise<BlobJob> {
    const { jobs, store, addr } = this.#parts
    const { name, ticket } = readShare(request.ticket)
    const present = await this.#present(ticket.hash, ticket.format)
    const own: PeerId = addr().id
    if (present === undefined && ticket.addr.id === own) throw ownTicket()
    const { job, fetch } = await jobs.addFetch({
      ...asker,
      name: nameFor(request.name ?? name, ticket.hash),
      hash: ticket.hash,
      format: ticket.format,
      providers: ticket.addr.id === own ? [] : [toPeerAddr(ticket.addr)],
      priority: request.priority ?? 'normal',
      present,
    })
    // Garbage collection must not take it before the job is done.
    if (present !== undefined) await store.setTag({ name: jobTag(job.id), hash: ticket.hash, format: ticket.format })
    if (fetch) await this.wake('fetch', fetch.id, PRIORITIES[request.priority ?? 'normal'])
    else if (job.state === 'finishing') await this.wake('finish', job.id)
    return this.job(job.id)
  }

  /** Queues the sharing of a message's attachment. Rejects `BLOB_QUOTA_*`. */
  async share(attachment: object, name: string, asker: Asker): Promise<BlobJob> {
    const job = await this.#parts.jobs.addShare({ ...asker, name: safeFileName(name), source: attachment })
    await this.wake('share', job.id)
    return this.job(job.id)
  }

  /** Rejects `BLOB_JOB_UNKNOWN`; so for jobs of others when `requester` is given. */
  async job(id: string, requester?: string): Promise<BlobJob> {
    const job = await this.#parts.jobs.get(id)
    if (job === undefined || (requester !== undefined && job.requester !== requester)) throw noSuchJob()
    return shownJob(job)
  }

  /** Newest first. */
  async jobs(requester: string | undefined, limit: number): Promise<readonly BlobJob[]> {
    return (await this.#parts.jobs.list(requester, limit)).map(shownJob)
  }

  /** Resolves false when it had ended. */
  async cancel(id: string, requester?: string): Promise<boolean> {
    await this.job(id, requester)
    const { cancelled, fetch } = await this.#parts.jobs.cancel(id)
    if (fetch !== undefined) await this.#forget(fetch)
    return cancelled
  }

  async file(id: string): Promise<StoredFile> {
    const file = UUID.test(id) ? await this.#parts.files.get(id) : undefined
    if (file === undefined) throw noSuchFile()
    return file
  }

  files(limit: number): Promise<readonly StoredFile[]> {
    return this.#parts.files.list(limit)
  }

  /** What the store holds, named or not. */
  async blobs(limit: number): Promise<readonly ListedBlob[]> {
    const out: ListedBlob[] = []
    for await (const blob of this.#parts.store.list()) {
      if (out.length >= limit) break
      out.push(blob)
    }
    return out
  }

  /** Forgets a file by id, or all of a hash; answers how many. Content goes with the last name and the next collection. */
  async remove(idOrHash: string): Promise<number> {
    const { files, store } = this.#parts
    const gone = await files.remove(idOrHash.toLowerCase())
    for (const { id } of gone) await store.deleteTag(fileTag(id))
    return gone.length
  }

  gc(signal?: AbortSignal): Promise<GcResult> {
    return this.#parts.store.gc({ signal })
  }

  /** A new link to a file, for `lifetimeMs` or as long as the file is kept. */
  async link(
    fileId: string,
    lifetimeMs = this.#parts.config.linkLifetime,
  ): Promise<{ url: string; id: string; expiresAt: number }> {
    const { files, clock } = this.#parts
    const file = await this.file(fileId)
    const expiresAt = Math.min(clock.now() + lifetimeMs, file.expiresAt)
    const id = await files.addLink(file.id, expiresAt)
    return { id, url: this.urlOf(id, expiresAt), expiresAt }
  }

  /** What a finished job brought, with the addresses while its links work. */
  async resultFiles(job: BlobJob): Promise<readonly ResultFile[]> {
    const { files, clock, config } = this.#parts
    const out: ResultFile[] = []
    for (const { id, linkId } of job.result?.files ?? []) {
      const file = await files.get(id)
      if (file === undefined) continue
      const expiresAt = linkExpiry(file, config)
      const works = linkId !== undefined && expiresAt > clock.now()
      out.push({ ...file, ...(works && { url: this.urlOf(linkId, expiresAt) }) })
    }
    return out
  }

  /** Ends a link, or all links of a file. */
  revoke(id: string): Promise<number> {
    return UUID.test(id) ? this.#parts.files.revoke(id) : Promise.resolve(0)
  }

  urlOf(linkId: string, expiresAt: number): string {
    const { config, baseUrl, signer } = this.#parts
    const base = (config.publicUrl ?? baseUrl()).replace(/\/+$/, '')
    return `${base}/files/${signer.sign(linkId, expiresAt)}`
  }

  shareOf(name: string, hash: Hash, format: BlobFormat): string {
    return printShare(name, { addr: this.#parts.addr(), hash, format })
  }

  /** Verified content, for links and for bridges. Rejects `BLOB_MISSING`, `BLOB_MISMATCH`. */
  read(hash: string, range?: { readonly start: number; readonly end: number }): AsyncIterable<Uint8Array> {
    return blobBytes(this.#parts.store, parseHash(hash), range)
  }

  /** Size of a complete blob. */
  async sizeOf(hash: string): Promise<number | undefined> {
    const status = await this.#parts.store.status(parseHash(hash))
    return status.kind === 'complete' ? status.size : undefined
  }

  /** Has something looked at soon. Without its store the queue learns of it from the sweep. */
  async wake(what: 'fetch' | 'collect' | 'share' | 'finish', id: string, priority = 0): Promise<void> {
    const { queues, log } = this.#parts
    try {
      if (what === 'fetch') await queues.add(BLOB_FETCH, 'fetch', { fetch: id }, { jobId: `fetch-${id}`, priority })
      else if (what === 'collect') await queues.add(BLOB_SHARE, 'collect', { fetch: id }, { jobId: `collect-${id}` })
      else await queues.add(BLOB_SHARE, what, { job: id }, { jobId: `${what}-${id}` })
    } catch (error) {
      if (!isK2Error(error) || error.code !== 'JOB_UNAVAILABLE') throw error
      log.debug({ ev: 'blob-wake', what, code: errorCode(error) }, 'the queue is away: the sweep finds the work')
    }
  }

  async #record(
    id: string,
    info: Pick<StoredFile, 'name' | 'owner' | 'hash' | 'format' | 'size' | 'mime' | 'origin'>,
  ): Promise<StoredFile> {
    const { files, clock, config } = this.#parts
    const name = safeFileName(info.name)
    return files.add({
      ...info,
      id,
      name,
      share: this.shareOf(name, info.hash, info.format),
      expiresAt: clock.now() + config.keep,
    })
  }

  /** Content bytes when everything is here. */
  async #present(hash: Hash, format: BlobFormat): Promise<number | undefined> {
    const size = await this.sizeOf(hash)
    if (size === undefined || format === 'raw') return size
    let total = size
    for (const child of new Set(await this.#parts.store.hashSeq(hash))) {
      const own = await this.sizeOf(child)
      if (own === undefined) return undefined
      total += own
    }
    return total
  }

  /** Ends a cancelled fetch where it runs here, and takes it out of the queue; workers elsewhere hear of it from the database. */
  async #forget(fetch: string): Promise<void> {
    const { queues, cancelled, log } = this.#parts
    cancelled(fetch)
    await queues
      .queue(BLOB_FETCH)
      .remove(`fetch-${fetch}`)
      .catch((err: unknown) =>
        log.debug({ ev: 'blob-forget', fetch, err }, 'a cancelled fetch stays in the queue and ends there'),
      )
  }
}

/** Without what only the gateway itself needs. */
function shownJob(job: OpenJob): BlobJob {
  const {
    target: _target,
    policy: _policy,
    source: _source,
    status: _status,
    fetchFailed: _failed,
    tries: _tries,
    ...shown
  } = job
  return shown
}

/** When the link made with a file ends. */
export const linkExpiry = (file: StoredFile, config: Pick<BlobsConfig, 'linkLifetime'>): number =>
  Math.min(file.createdAt + config.linkLifetime, file.expiresAt)

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Name of the tag that keeps a blob that was here already until its job is done. */
export const JOB_TAGS = 'jobs/'
export const jobTag = (id: string): string => `${JOB_TAGS}${id}`

/** The same bytes; rejects `BLOB_TOO_LARGE` beyond the bound. Notes size and beginning. */
async function* bounded(
  source: AsyncIterable<Uint8Array>,
  maxBytes: number,
  seen: { head: Buffer; size: number },
): AsyncGenerator<Uint8Array> {
  for await (const piece of source) {
    seen.size += piece.length
    if (seen.size > maxBytes) throw fileTooLarge(maxBytes)
    if (seen.head.length < HEAD_BYTES) seen.head = Buffer.concat([seen.head, piece.subarray(0, HEAD_BYTES - seen.head.length)])
    yield piece
  }
}
