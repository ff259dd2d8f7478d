import { Semaphore, sharedAbort, sleep, withDeadline } from '../../base/async.ts'
import { BoundedMap } from '../../base/bounded-map.ts'
import type { Clock } from '../../base/clock.ts'
import { errorCode, isK2Error } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { MediaFile, MediaKeeper, MediaPort, MediaSource, RemoteContent } from '../../bridges/media.ts'
import type { Attachment } from '../../bridges/model/message.ts'
import { mediaGone, mediaTooLarge, mediaUnavailable } from './errors.ts'
import type { FileLinks } from './links.ts'
import type { MediaStore } from './store.ts'

/** Downloads at once. */
const DOWNLOADS = 6
/** Tries of one download before whoever asked hears of it, and the wait between them. */
const TRIES = 3
const RETRY_MS = 500
/** Nothing for this long ends a try; all tries together may take this long, ms. */
const STALL_MS = 20_000
const DEADLINE_MS = 600_000
/** Files whose content hash is remembered, so that a file that is still here is not downloaded again. */
const MAX_KNOWN = 20_000

export interface MediaLibraryOptions {
  readonly store: MediaStore
  /** Largest file that is taken, bytes. */
  readonly maxBytes: number
  readonly clock: Clock
  readonly log: Logger
  readonly sleep?: (ms: number) => Promise<void>
}

/** Files of messages, downloaded once and kept as long as there is room (bridging 9). */
export class MediaLibrary implements MediaPort, MediaKeeper {
  readonly #options: MediaLibraryOptions
  readonly #sources = new Map<string, MediaSource>()
  readonly #known = new BoundedMap<string, string>({ max: MAX_KNOWN })
  readonly #running = new Map<string, Promise<string>>()
  readonly #slots = new Semaphore(DOWNLOADS)
  readonly #stop = sharedAbort()
  #links: FileLinks | undefined
  #downloads = 0
  #fetched = 0

  constructor(options: MediaLibraryOptions) {
    this.#options = options
  }

  /** Downloads that were begun, bytes they brought, and what is on disk. */
  stats(): { readonly downloads: number; readonly fetched: number; readonly bytes: number; readonly files: number } {
    return { downloads: this.#downloads, fetched: this.#fetched, ...this.#options.store.usage }
  }

  /** Registers who reads files of an account; `blob` for content of the node's own store. */
  addSource(network: 'discord' | 'telegram' | 'blob', account: string, source: MediaSource): void {
    this.#sources.set(`${network}/${account}`, source)
  }

  /** Largest file that is taken, bytes. */
  get maxBytes(): number {
    return this.#options.maxBytes
  }

  /** Who serves files to people; without, there are no links. */
  setLinks(links: FileLinks): void {
    this.#links = links
  }

  /** A file of the store by its hash; undefined when it is not here. */
  acquire(sha256: string): Promise<MediaFile | undefined> {
    return this.#options.store.acquire(sha256)
  }

  async keep(bytes: AsyncIterable<Uint8Array>, size?: number): Promise<MediaFile> {
    const { store, maxBytes, clock } = this.#options
    try {
      return await store.write(steady(bytes, clock), { maxBytes, expected: size, keep: true })
    } catch (error) {
      throw isK2Error(error) ? error : mediaUnavailable(`it broke off (${errorCode(error)})`, error)
    }
  }

  /** Ends downloads under way. */
  close(): void {
    this.#stop.abort()
  }

  async fetch(attachment: Attachment, signal: AbortSignal): Promise<MediaFile> {
    const { store, maxBytes, clock } = this.#options
    const { source } = attachment
    if (source.kind === 'media') {
      const file = await store.acquire(source.sha256)
      if (file === undefined) throw mediaGone()
      return file
    }
    if (attachment.size !== undefined && attachment.size > maxBytes) throw mediaTooLarge(maxBytes)
    const key = keyOf(attachment)
    const sha256 = this.#known.get(key, clock.now())
    const here = sha256 === undefined ? undefined : await store.acquire(sha256)
    if (here !== undefined) return here
    const running = this.#running.get(key) ?? this.#begin(key, attachment)
    const name = await withDeadline(running, { ms: DEADLINE_MS, what: 'a download', signal, clock })
    const file = await store.acquire(name)
    // It can only be missing when the disk budget is smaller than the file.
    if (file === undefined) throw mediaUnavailable('there is no room for it')
    return file
  }

  async link(file: MediaFile, name: string, until: number): Promise<string | undefined> {
    return this.#links?.linkTo(file, name, until)
  }

  #begin(key: string, attachment: Attachment): Promise<string> {
    const work = this.#slots.run(() => this.#download(attachment)).finally(() => this.#running.delete(key))
    this.#running.set(key, work)
    // Everybody who asked may have given up meanwhile.
    work.then(
      (sha256) => this.#known.set(key, sha256, this.#options.clock.now()),
      (error: unknown) => {
        const { id, kind, size = -1 } = attachment
        this.#options.log.warn({ ev: 'media-failed', id, kind, size, code: errorCode(error) }, 'a file could not be downloaded')
      },
    )
    return work
  }

  async #download(attachment: Attachment): Promise<string> {
    const source = this.#sources.get(sourceOf(attachment))
    if (source === undefined) throw mediaUnavailable('its account is not connected')
    const pause = this.#options.sleep ?? ((ms: number) => sleep(ms, this.#stop.signal))
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#once(source, attachment)
      } catch (error) {
        const hopeless = isK2Error(error) && error.retry === 'never'
        if (hopeless || attempt === TRIES || this.#stop.signal.aborted) throw error
        await pause(RETRY_MS * 2 ** (attempt - 1))
      }
    }
  }

  async #once(source: MediaSource, attachment: Attachment): Promise<string> {
    const { store, maxBytes, clock } = this.#options
    this.#downloads++
    const abort = new AbortController()
    const onStop = (): void => abort.abort()
    this.#stop.signal.addEventListener('abort', onStop, { once: true })
    try {
      const opening = source.openAttachment(attachment, abort.signal)
      const remote: RemoteContent = await withDeadline(opening, { ms: STALL_MS, what: 'opening a file', clock })
      const expected = remote.size ?? attachment.size
      if (expected !== undefined && expected > maxBytes) throw mediaTooLarge(maxBytes)
      const file = await store.write(steady(remote.bytes, clock), { maxBytes, expected })
      this.#fetched += file.size
      file.release()
      return file.sha256
    } catch (error) {
      throw isK2Error(error) ? error : mediaUnavailable(`it broke off (${errorCode(error)})`, error)
    } finally {
      this.#stop.signal.removeEventListener('abort', onStop)
      abort.abort()
    }
  }
}

/** The same bytes; rejects when none come for too long. */
async function* steady(bytes: AsyncIterable<Uint8Array>, clock: Clock): AsyncGenerator<Uint8Array> {
  const iterator = bytes[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await withDeadline(iterator.next(), { ms: STALL_MS, what: 'a part of a file', clock })
      if (next.done === true) return
      yield next.value
    }
  } finally {
    iterator.return?.()?.then(undefined, () => {})
  }
}

function keyOf({ id, source }: Attachment): string {
  if (source.kind === 'discord-url') return `discord/${id}`
  return source.kind === 'telegram-file' ? `telegram/${source.fileUniqueId}` : `${source.kind}/${id}`
}

function sourceOf({ source }: Attachment): string {
  if (source.kind === 'discord-url') return `discord/${source.ref.account}`
  return source.kind === 'telegram-file' ? `telegram/${source.account ?? ''}` : 'blob/'
}
