import { z } from 'zod'
import { errorCode, errorMessage, isK2Error } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { MediaPort } from '../../bridges/media.ts'
import type { Attachment } from '../../bridges/model/message.ts'
import type { OwnMessages } from '../pipeline/say.ts'
import { uuidOf } from './file-ledger.ts'
import type { JobLedger, OpenJob } from './job-ledger.ts'
import { OncePerId } from './once-per-id.ts'
import { checkSize, checkType } from './policy.ts'
import { failureMessage, shareMessage } from './result-message.ts'
import type { BlobService } from './service.ts'

/** Tries until the job fails, and the first pause between them, ms. */
const TRIES = 4
const RETRY_MS = 2_000

/** An attachment as it was stored with the job; only its source matters here, and only bridges of ours wrote it. */
const attachmentSchema = z.looseObject({ id: z.string(), name: z.string(), source: z.looseObject({ kind: z.string() }) })

export interface SharerOptions {
  readonly jobs: JobLedger
  readonly service: Pick<BlobService, 'upload'>
  readonly media: Pick<MediaPort, 'fetch'>
  readonly outbox: Pick<OwnMessages, 'say'>
  readonly log: Logger
}

/** Makes tickets of files in messages: fetches them from their platform once, stores them as blobs, says the ticket. */
export class Sharer {
  readonly #options: SharerOptions
  readonly #once = new OncePerId()

  constructor(options: SharerOptions) {
    this.#options = options
  }

  /** Safe to call at any time with any id. */
  run(id: string, signal: AbortSignal): Promise<void> {
    return this.#once.run(id, async () => {
      const job = await this.#options.jobs.get(id)
      if (job?.status === 'queued' && job.kind === 'share') await this.#share(job, signal)
    })
  }

  async #share(job: OpenJob, signal: AbortSignal): Promise<void> {
    const { jobs, outbox, log } = this.#options
    try {
      const file = await shareAttachment(this.#options, job, signal)
      if (job.target) await outbox.say({ ...job.target, key: `blob-job-${job.id}`, rich: shareMessage(file.name, file.share) })
      await jobs.done(job.id, { delivered: job.target ? 'chat' : 'none', files: [{ id: file.id }], share: file.share }, file.size)
    } catch (error) {
      if (signal.aborted) return
      const [code, message] = [errorCode(error), isK2Error(error) ? errorMessage(error) : 'the file could not be read']
      const hopeless = isK2Error(error) && error.retry === 'never'
      log.warn({ ev: 'blob-share-failed', job: job.id, err: error }, 'an attachment could not be shared')
      const tries = hopeless ? TRIES : await jobs.delay(job.id, RETRY_MS * 2 ** job.tries, code, message)
      if (tries < TRIES) return
      if (job.target) {
        await outbox.say({ ...job.target, key: `blob-job-${job.id}`, rich: failureMessage(job.name, 'shared', message) })
      }
      await jobs.fail(job.id, code, message)
    }
  }
}

/** The attachment of a job as a stored file; the same one when it is done again. */
async function shareAttachment(
  { service, media }: SharerOptions,
  job: OpenJob,
  signal: AbortSignal,
): ReturnType<BlobService['upload']> {
  const attachment = attachmentSchema.parse(job.source) as unknown as Attachment
  const content = await media.fetch(attachment, signal)
  try {
    checkSize(job.policy, content.size)
    checkType(job.policy, content.mime)
    return await service.upload(content.stream(), {
      id: uuidOf(['blob share', job.id]),
      name: job.name,
      owner: job.requester,
      origin: 'attachment',
      maxBytes: job.policy.maxBytes,
    })
  } finally {
    content.release()
  }
}
