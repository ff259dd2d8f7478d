import { withDeadline } from '../base/async.ts'
import { errorCode, isK2Error } from '../base/errors.ts'
import { fileChange } from './file-change.ts'
import { attachmentLine } from './format/fallbacks.ts'
import { fileName } from './format/file-name.ts'
import type { MediaFile, MediaPort } from './media.ts'
import { bodyFiles } from './media.ts'
import type { Attachment } from './model/message.ts'
import type { SendOutcome, SendRequest } from './port.ts'

/** A file that can be uploaded. */
export interface SendableFile {
  /** Its number among the body's files. */
  readonly index: number
  readonly attachment: Attachment
  readonly file: MediaFile
  /** Safe name with the extension of its content. */
  readonly name: string
}

/** What becomes of the files of a message on the way to one place. */
export interface OutgoingFiles {
  /** To be uploaded, in order. */
  readonly sendable: readonly SendableFile[]
  /** Files that people only read about, and what they read. */
  readonly lines: ReadonlyMap<number, string>
}

export interface FileRules {
  readonly media: MediaPort
  /** The platform's name in notices. */
  readonly platform: string
  /** Largest upload of such a file there, bytes. */
  readonly maxBytes: (attachment: Attachment) => number
  /** Files the platform refused already. */
  readonly refused: ReadonlySet<number>
  /** Files that need no more attention: earlier attempts sent them. */
  readonly done: ReadonlySet<number>
}

export const NO_FILES: OutgoingFiles = { sendable: [], lines: new Map() }

/** A download may hold up a message this long; it goes on meanwhile and the next attempt finds it, ms. */
const WAIT_MS = 40_000
/** Attempts that wait for a file that cannot be had at the moment, before the message goes without it. */
const PATIENCE = 2
/** As long as a message may have arrived already, its form must not change: only after this many attempts. */
const PATIENCE_IN_DOUBT = 8
/** Links stay valid this long after the message was written, ms. */
const LINK_MS = 7 * 86_400_000

/**
 * Gets the files of a message and decides for each whether it is uploaded or becomes a line: a link where the gateway serves
 * files, a notice otherwise (bridging 9). Answers an outcome when the message has to wait for a file. `files` of the answer
 * are held until `release`.
 */
export async function gatherFiles(
  request: SendRequest,
  rules: FileRules,
  signal: AbortSignal,
): Promise<{ readonly files: OutgoingFiles; release(): void } | { readonly wait: SendOutcome }> {
  const held: MediaFile[] = []
  const sendable: SendableFile[] = []
  const lines = new Map<number, string>()
  const change = fileChange(request)
  const release = (): void => {
    for (const file of held) file.release()
  }
  try {
    for (const [index, attachment] of bodyFiles(request.body).entries()) {
      if (rules.done.has(index) || change?.added.has(index) === false) continue
      const limit = rules.maxBytes(attachment)
      const isTooLarge = rules.refused.has(index) || (attachment.size !== undefined && attachment.size > limit)
      // Where nobody knows what is shown, an edit only has to say the same about the files that were left out.
      if (request.op === 'edit' && change === undefined && !isTooLarge) continue
      const got = await get(attachment, request, rules.media, signal)
      if ('wait' in got) {
        release()
        return got
      }
      if ('file' in got) held.push(got.file)
      if ('file' in got && !isTooLarge && got.file.size <= limit) sendable.push(sendableOf(index, attachment, got.file))
      else lines.set(index, await lineFor(attachment, got, request, rules))
    }
  } catch (error) {
    release()
    throw error
  }
  return { files: { sendable, lines }, release }
}

type Got = { readonly file: MediaFile } | { readonly why: string } | { readonly wait: SendOutcome }

async function get(attachment: Attachment, request: SendRequest, media: MediaPort, signal: AbortSignal): Promise<Got> {
  try {
    return { file: await withDeadline(media.fetch(attachment, signal), { ms: WAIT_MS, what: 'a file', signal }) }
  } catch (error) {
    const code = errorCode(error)
    if (code === 'MEDIA_TOO_LARGE') return { why: 'too large' }
    const patience = request.ambiguousSince === undefined ? PATIENCE : PATIENCE_IN_DOUBT
    const mayComeBack = !isK2Error(error) || error.retry !== 'never' || code === 'ABORTED'
    if (signal.aborted || (mayComeBack && request.attempt < patience)) {
      return { wait: { kind: 'not-sent', code, message: 'a file of the message cannot be had at the moment' } }
    }
    return { why: code === 'MEDIA_GONE' ? 'no longer available' : 'could not be fetched' }
  }
}

function sendableOf(index: number, attachment: Attachment, file: MediaFile): SendableFile {
  return { index, attachment, file, name: fileName(attachment.name, file.extension) }
}

async function lineFor(
  attachment: Attachment,
  got: { readonly file: MediaFile } | { readonly why: string },
  request: SendRequest,
  { media, platform }: FileRules,
): Promise<string> {
  const about = attachmentLine('file' in got ? { ...attachment, size: got.file.size } : attachment)
  if (!('file' in got)) return `${about} – ${got.why === 'too large' ? `too large for ${platform}` : got.why}`
  const link = await media.link(got.file, fileName(attachment.name, got.file.extension), request.occurredAt + LINK_MS)
  return link === undefined ? `${about} – too large for ${platform}` : `${about}: ${link}`
}
