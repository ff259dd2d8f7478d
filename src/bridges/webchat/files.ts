import { BoundedMap } from '../../base/bounded-map.ts'
import { toHex } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { K2Error } from '../../base/errors.ts'
import type { Rng } from '../../base/random.ts'
import { fileName } from '../format/file-name.ts'
import type { MediaFile, MediaKeeper, MediaPort } from '../media.ts'
import type { Attachment, AttachmentKind } from '../model/message.ts'
import { INLINE_TYPES, MAX_FILES, type UploadGrant } from './protocol.ts'
import type { WebChatStore } from './store.ts'

/** Uploads that were not sent yet: of one person, in all, and how long they wait. */
const MAX_WAITING_EACH = 20
const MAX_WAITING = 5_000
const WAIT_MS = 3_600_000
const MAX_TOKENS = 10_000

interface Upload {
  readonly owner: string
  readonly attachment: Attachment
}

export interface ChatFilesOptions {
  readonly media: MediaPort & MediaKeeper
  readonly store: WebChatStore
  readonly clock: Clock
  readonly rng: Rng
}

export interface OpenChatFile {
  readonly file: MediaFile
  readonly name: string
}

/** Files of the web chat: uploads of pages before they are sent, and files of messages for whoever reads them. */
export class ChatFiles {
  readonly #options: ChatFilesOptions
  /** Token of a page → the person who may upload with it. */
  readonly #tokens = new BoundedMap<string, string>({ max: MAX_TOKENS })
  readonly #pages = new WeakMap<object, string>()
  readonly #uploads = new BoundedMap<string, Upload>({ max: MAX_WAITING, ttlMs: WAIT_MS })

  constructor(options: ChatFilesOptions) {
    this.#options = options
  }

  /** Largest file, bytes. */
  get maxBytes(): number {
    return this.#options.media.maxBytes
  }

  /** What a page needs to upload until `revoke`; the same again for the same page. */
  grant(page: object, owner: string): { readonly uploads: UploadGrant } {
    const token = this.#pages.get(page) ?? toHex(this.#options.rng.bytes(24))
    this.#pages.set(page, token)
    this.#tokens.set(token, owner, 0)
    return { uploads: { token, maxBytes: this.maxBytes, maxFiles: MAX_FILES } }
  }

  revoke(page: object): void {
    const token = this.#pages.get(page)
    if (token !== undefined) this.#tokens.delete(token)
  }

  /**
   * Takes a file of a page. Rejects K2Error: `WEB_UPLOAD_DENIED` (unknown token), `WEB_UPLOAD_LIMIT`, `MEDIA_TOO_LARGE`,
   * `MEDIA_FULL`, `MEDIA_UNAVAILABLE`.
   */
  async upload(token: string, name: string, bytes: AsyncIterable<Uint8Array>, size?: number): Promise<Attachment> {
    const { media, clock, rng } = this.#options
    const owner = this.#tokens.get(token, 0)
    if (owner === undefined)
      throw new K2Error({ code: 'WEB_UPLOAD_DENIED', kind: 'denied', message: 'this page is not connected to the chat' })
    this.#uploads.sweep(clock.now())
    const waiting = [...this.#uploads.entries()].filter(([, upload]) => upload.owner === owner).length
    if (waiting >= MAX_WAITING_EACH)
      throw new K2Error({ code: 'WEB_UPLOAD_LIMIT', kind: 'limit', message: 'send the files that are ready first' })
    const file = await media.keep(bytes, size)
    file.release()
    const id = toHex(rng.bytes(16))
    const attachment: Attachment = {
      id,
      kind: kindOf(file.mime),
      name: fileName(name, file.extension),
      mime: file.mime,
      size: file.size,
      source: { kind: 'media', sha256: file.sha256 },
      sha256: file.sha256,
    }
    this.#uploads.set(id, { owner, attachment }, clock.now())
    return attachment
  }

  /** The uploads a person sends now; undefined when one of them is not theirs or not there. They stay for a resend. */
  claim(owner: string, ids: readonly string[]): readonly Attachment[] | undefined {
    const found = ids.flatMap((id) => this.#uploads.get(id, this.#options.clock.now()) ?? [])
    return found.length === ids.length && found.every((u) => u.owner === owner) ? found.map((u) => u.attachment) : undefined
  }

  /** A message has them now. */
  settle(ids: readonly string[]): void {
    for (const id of ids) this.#uploads.delete(id)
  }

  /** File number `n` of a message; undefined when there is none. Rejects as `MediaPort.fetch`. */
  async open(room: string, id: string, n: number, signal: AbortSignal): Promise<OpenChatFile | undefined> {
    const record = await this.#options.store.get(room, id)
    const attachment = record?.deletedAt === undefined ? record?.body.files?.[n] : undefined
    if (attachment === undefined) return undefined
    const file = await this.#options.media.fetch(attachment, signal)
    return { file, name: fileName(attachment.name, file.extension) }
  }
}

function kindOf(mime: string): AttachmentKind {
  if (INLINE_TYPES.has(mime)) return mime === 'image/gif' ? 'animation' : 'image'
  const family = mime.split('/', 1)[0]
  return family === 'video' || family === 'audio' ? family : 'file'
}
