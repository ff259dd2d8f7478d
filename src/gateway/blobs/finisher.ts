import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import { errorCode, errorMessage, isK2Error } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { type BlobStore, blobBytes } from '../../core/blobs/index.ts'
import type { Hash } from '../../core/index.ts'
import { HEAD_BYTES, sniff } from '../media/sniff.ts'
import type { OwnMessages } from '../pipeline/say.ts'
import { readCollection } from './collections.ts'
import { type FileLedger, fileTag, type StoredFile, uuidOf } from './file-ledger.ts'
import type { JobLedger, OpenJob } from './job-ledger.ts'
import { OncePerId } from './once-per-id.ts'
import { checkSize, checkType } from './policy.ts'
import { failureMessage, resultMessage } from './result-message.ts'
import { type ScannerConfig, scanFile } from './scanner.ts'
import { linkExpiry } from './service.ts'

/** Tries to check or deliver a file before its job is given up, and the first pause between them, ms. */
const TRIES = 6
const RETRY_MS = 2_000
/** Files of a collection that get a name and a link of their own. */
const MAX_LISTED = 100

export interface FinisherOptions {
  readonly jobs: JobLedger
  readonly files: FileLedger
  readonly store: BlobStore
  readonly outbox: Pick<OwnMessages, 'say'>
  /** Address of a link. */
  readonly urlOf: (linkId: string, expiresAt: number) => string
  readonly shareOf: (name: string, hash: Hash, format: 'raw' | 'hash-seq') => string
  /** Largest file that is sent as a file; larger ones become links. Bytes. */
  readonly maxAttachment: number
  /** People can follow links: a public address is configured. */
  readonly reachable: boolean
  readonly keepMs: number
  readonly linkMs: number
  readonly scanner: ScannerConfig | undefined
  /** Where files lie while they are scanned. */
  readonly tempDir: string
  readonly clock: Clock
  readonly log: Logger
}

/** A file on its way out, and the link to it. */
export interface Delivered {
  readonly file: StoredFile
  readonly linkId: string
  readonly url: string
}

/** Brings a fetched blob to whoever asked: checks, names, links, says so. Every step can be done again after a crash. */
export class Finisher {
  readonly #options: FinisherOptions
  readonly #once = new OncePerId()

  constructor(options: FinisherOptions) {
    this.#options = options
  }

  /** Safe to call at any time with any id. Never rejects for the file's sake: its job is tried again or fails. */
  run(id: string, signal: AbortSignal): Promise<void> {
    return this.#once.run(id, async () => {
      const job = await this.#options.jobs.get(id)
      if (job?.status !== 'ready') return
      if (job.fetchFailed) await this.fail(job, job.error?.code ?? 'BLOB_UNAVAILABLE', job.error?.message ?? 'nobody has it')
      else await this.#finish(job, signal)
    })
  }

  /** Ends a job that will not be done, and says so where it was asked for. */
  async fail(job: OpenJob, code: string, message: string): Promise<void> {
    const { jobs, outbox, log } = this.#options
    log.info({ ev: 'blob-job-failed', job: job.id, code }, 'a file job failed')
    if (job.target) {
      await outbox.say({ ...job.target, key: `blob-job-${job.id}`, rich: failureMessage(job.name, 'fetched', message) })
    }
    await jobs.fail(job.id, code, message)
  }

  async #finish(job: OpenJob, signal: AbortSignal): Promise<void> {
    const { jobs, log } = this.#options
    try {
      await this.#deliver(job, signal)
    } catch (error) {
      if (signal.aborted) return
      const [code, message] = [errorCode(error), isK2Error(error) ? errorMessage(error) : 'the file could not be delivered']
      const hopeless = isK2Error(error) && error.retry === 'never' && (error.kind === 'denied' || error.kind === 'limit')
      if (hopeless) return this.fail(job, code, message)
      log.warn({ ev: 'blob-finish-failed', job: job.id, err: error }, 'a fetched file could not be delivered yet')
      const tries = await jobs.delay(job.id, RETRY_MS * 2 ** job.tries, code, message)
      if (tries >= TRIES) await this.fail(job, code, message)
    }
  }

  async #deliver(job: OpenJob, signal: AbortSignal): Promise<void> {
    const { jobs, store, outbox, maxAttachment, reachable, log } = this.#options
    const hash = job.hash as Hash
    const parts = job.format === 'hash-seq' ? (await readCollection(store, hash)).slice(0, MAX_LISTED) : []
    const total = job.size ?? 0
    checkSize(job.policy, total)
    const checked: { name: string; hash: Hash; size: number; mime: string }[] = []
    for (const part of parts.length > 0 ? parts : [{ name: job.name, hash, size: total }]) {
      const mime = await this.#typeOf(part.hash)
      checkType(job.policy, mime)
      await this.#scan(part.hash, `${job.id}.scan`, signal)
      checked.push({ ...part, mime })
    }
    const delivered: Delivered[] = []
    for (const [n, part] of checked.entries()) delivered.push(await this.#keep(job, part, n))
    const [first] = delivered
    if (first === undefined) return
    let way: 'chat' | 'link' | 'none' = 'none'
    if (job.target) {
      const asFile = delivered.length === 1 && first.file.size <= maxAttachment
      way = asFile ? 'chat' : 'link'
      await outbox.say({
        ...job.target,
        key: `blob-job-${job.id}`,
        rich: resultMessage(delivered, asFile ? 'file' : reachable ? 'link' : 'ticket'),
        ...(asFile && { attachments: [attachmentOf(first.file)] }),
      })
    }
    const files = delivered.map(({ file, linkId }) => ({ id: file.id, linkId }))
    const done = await jobs.done(job.id, { delivered: way, files, share: first.file.share }, total)
    if (done) log.info({ ev: 'blob-job-done', job: job.id, hash: job.hash, size: total, way }, 'a file job is done')
  }

  async #typeOf(hash: Hash): Promise<string> {
    const head: Uint8Array[] = []
    for await (const piece of blobBytes(this.#options.store, hash, { end: HEAD_BYTES })) head.push(piece.slice())
    return (await sniff(Buffer.concat(head))).mime
  }

  async #scan(hash: Hash, name: string, signal: AbortSignal): Promise<void> {
    const { scanner, store, tempDir } = this.#options
    if (scanner === undefined) return
    await mkdir(tempDir, { recursive: true, mode: 0o700 })
    const path = join(tempDir, name)
    try {
      await store.export(hash, path, { overwrite: true, signal })
      await scanFile(scanner, path, signal)
    } finally {
      await rm(path, { force: true })
    }
  }

  /** A name, a tag and a link for a blob; the same ones when it is done again. */
  async #keep(job: OpenJob, part: { name: string; hash: Hash; size: number; mime: string }, n: number): Promise<Delivered> {
    const { files, store, shareOf, urlOf, keepMs, linkMs, clock } = this.#options
    const id = uuidOf(['blob file', job.id, n])
    const file = await files.making.run(id, async () => {
      // The tag first: a row without its blob would be a promise nobody keeps.
      await store.setTag({ name: fileTag(id), hash: part.hash, format: 'raw' })
      return files.add({
        id,
        ...part,
        format: 'raw',
        share: shareOf(part.name, part.hash, 'raw'),
        owner: job.requester,
        origin: 'fetch',
        expiresAt: clock.now() + keepMs,
      })
    })
    const expiresAt = linkExpiry(file, { linkLifetime: linkMs })
    const linkId = await files.addLink(id, expiresAt, uuidOf(['blob link', id]))
    return { file, linkId, url: urlOf(linkId, expiresAt) }
  }
}

/** The file as an attachment whose bytes come from the node's store. */
export function attachmentOf(file: Pick<StoredFile, 'id' | 'hash' | 'name' | 'mime' | 'size'>): {
  id: string
  kind: 'image' | 'video' | 'audio' | 'file'
  name: string
  mime: string
  size: number
  source: { kind: 'blob'; hash: string }
} {
  const { id, hash, name, mime, size } = file
  const family = mime.split('/', 1)[0]
  const kind = family === 'image' || family === 'video' || family === 'audio' ? family : 'file'
  return { id, kind, name, mime, size, source: { kind: 'blob', hash } }
}
