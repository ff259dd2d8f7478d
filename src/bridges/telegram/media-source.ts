import { z } from 'zod'
import type { Secret } from '../../base/secret.ts'
import type { MediaSource, RemoteContent } from '../media.ts'
import type { Attachment } from '../model/message.ts'
import { fileGone, fileTooLarge, fileUnavailable, openRemote } from '../remote-file.ts'
import type { TelegramClient } from './client.ts'
import { failureOf } from './errors.ts'

const MEBIBYTE = 1024 * 1024
/** The public Bot API hands out files up to this size; a self-hosted server says itself what it refuses (bridging 5.1). */
const MAX_DOWNLOAD = 20 * MEBIBYTE
const PUBLIC_HOST = 'api.telegram.org'

const Located = z.looseObject({ file_path: z.string().max(1000).optional(), file_size: z.number().optional() })

export interface TelegramMediaOptions {
  readonly client: TelegramClient
  readonly token: Secret
  /** Without a trailing slash. */
  readonly apiRoot: string
}

/** Reads files through `getFile`. Their addresses hold the bot token, so they never leave this class. */
export class TelegramMedia implements MediaSource {
  readonly #options: TelegramMediaOptions
  readonly #root: URL

  constructor(options: TelegramMediaOptions) {
    this.#options = options
    this.#root = new URL(options.apiRoot)
  }

  async openAttachment({ source, size }: Attachment, signal: AbortSignal): Promise<RemoteContent> {
    if (source.kind !== 'telegram-file') throw fileGone()
    if (size !== undefined && size > MAX_DOWNLOAD && this.#root.hostname === PUBLIC_HOST) throw fileTooLarge()
    const { file_path: path, file_size: located } = await this.#locate(source.fileId, signal)
    // A server in local mode names a path of its own disk.
    if (path === undefined || path.startsWith('/')) throw fileUnavailable('the server does not hand it out')
    const address = `${this.#options.apiRoot}/file/bot${this.#options.token.reveal()}/${path.split('/').map(encodeURIComponent).join('/')}`
    const content = await openRemote(address, (url) => url.origin === this.#root.origin, signal)
    if (content === 'gone') throw fileUnavailable('the server has no such file')
    return { ...content, ...(located !== undefined && { size: located }) }
  }

  async #locate(fileId: string, signal: AbortSignal): Promise<z.output<typeof Located>> {
    try {
      return Located.parse(await this.#options.client.call('getFile', { file_id: fileId }, signal))
    } catch (error) {
      const failure = failureOf(error)
      if (failure.kind !== 'api' || failure.code === 429 || failure.code >= 500) throw fileUnavailable('no connection')
      if (/file is too big/i.test(failure.description)) throw fileTooLarge()
      throw fileGone()
    }
  }
}
