import { createHash } from 'node:crypto'
import { createReadStream, openAsBlob } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Mutex } from '../../base/async.ts'
import { toHex } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { cryptoRng } from '../../base/random.ts'
import type { MediaFile } from '../../bridges/media.ts'
import { mediaFull, mediaTooLarge, mediaUnavailable } from './errors.ts'
import { HEAD_BYTES, sniff } from './sniff.ts'

const NAME = /^[0-9a-f]{64}$/

export interface MediaStoreOptions {
  readonly dir: string
  /** Bytes of all files together; beyond it the least recently used ones go. */
  readonly budget: number
  /** Files that were uploaded here exist nowhere else: they stay at least this long, ms. */
  readonly keepMs: number
  readonly clock: Clock
}

interface Entry {
  readonly size: number
  usedAt: number
  pins: number
  kept: boolean
}

export interface WriteLimits {
  readonly maxBytes: number
  /** Bytes that were announced; another number is an error. */
  readonly expected?: number | undefined
  /** The file is an original: see `keepMs`. */
  readonly keep?: boolean
}

/**
 * Files by the SHA-256 of their content. A file appears under its name complete and flushed or not at all; what a crash left
 * half written is removed at the next start. No index: the folders are the index.
 */
export class MediaStore {
  readonly #options: MediaStoreOptions
  readonly #entries = new Map<string, Entry>()
  readonly #eviction = new Mutex()
  #bytes = 0

  private constructor(options: MediaStoreOptions) {
    this.#options = options
  }

  static async open(options: MediaStoreOptions): Promise<MediaStore> {
    const store = new MediaStore(options)
    await rm(join(options.dir, 'partial'), { recursive: true, force: true })
    for (const folder of ['partial', 'cache', 'kept']) await mkdir(join(options.dir, folder), { recursive: true, mode: 0o700 })
    await store.#read('cache')
    await store.#read('kept')
    await store.#makeRoom(0)
    return store
  }

  /** Bytes and files on disk. */
  get usage(): { readonly bytes: number; readonly files: number } {
    return { bytes: this.#bytes, files: this.#entries.size }
  }

  /** Writes a stream to disk and pins it. Rejects `MEDIA_TOO_LARGE`, `MEDIA_FULL`, `MEDIA_UNAVAILABLE` (cut short). */
  async write(bytes: AsyncIterable<Uint8Array>, limits: WriteLimits): Promise<MediaFile> {
    const temp = join(this.#options.dir, 'partial', toHex(cryptoRng.bytes(12)))
    const handle = await open(temp, 'wx', 0o600)
    let done: { sha256: string; size: number; head: Uint8Array }
    try {
      done = await copy(bytes, handle, limits)
      await handle.sync()
    } catch (error) {
      await handle.close()
      await rm(temp, { force: true })
      throw error
    }
    await handle.close()
    try {
      await this.#adopt(temp, done, limits.keep === true)
    } catch (error) {
      await rm(temp, { force: true })
      throw error
    }
    return this.#file(done.sha256, this.#entries.get(done.sha256) as Entry, await sniff(done.head))
  }

  /** A pinned file; undefined when it is not here. */
  async acquire(sha256: string): Promise<MediaFile | undefined> {
    const entry = this.#entries.get(sha256)
    if (entry === undefined) return undefined
    entry.pins++
    try {
      const head = await readHead(this.#path(sha256, entry))
      // Only in memory: a changed time on disk would break reads under way (`openAsBlob` takes it for another content).
      entry.usedAt = this.#options.clock.now()
      return this.#file(sha256, entry, await sniff(head))
    } catch {
      // Somebody removed it from the folder: then it is not here.
      entry.pins--
      this.#forget(sha256, entry)
      return undefined
    }
  }

  async #adopt(temp: string, { sha256, size }: { sha256: string; size: number }, keep: boolean): Promise<void> {
    if (!this.#entries.has(sha256)) await this.#makeRoom(size)
    const known = this.#entries.get(sha256)
    if (known !== undefined) {
      known.pins++
      if (keep && !known.kept) {
        await rename(this.#path(sha256, known), this.#path(sha256, { kept: true }))
        known.kept = true
      }
      await rm(temp, { force: true })
      known.usedAt = this.#options.clock.now()
      return
    }
    const entry: Entry = { size, usedAt: this.#options.clock.now(), pins: 1, kept: keep }
    this.#entries.set(sha256, entry)
    this.#bytes += size
    await rename(temp, this.#path(sha256, entry))
  }

  /** Removes what was not used for longest until `size` more bytes fit. */
  #makeRoom(size: number): Promise<void> {
    return this.#eviction.run(async () => {
      const { budget, keepMs, clock } = this.#options
      if (this.#bytes + size <= budget) return
      const now = clock.now()
      const idle = [...this.#entries]
        .filter(([, e]) => e.pins === 0 && (!e.kept || now - e.usedAt > keepMs))
        .sort(([, a], [, b]) => a.usedAt - b.usedAt)
      for (const [sha256, entry] of idle) {
        if (this.#bytes + size <= budget) return
        if (entry.pins > 0 || !this.#forget(sha256, entry)) continue
        await rm(this.#path(sha256, entry), { force: true })
      }
      if (this.#bytes + size > budget && size > 0) throw mediaFull()
    })
  }

  #forget(sha256: string, entry: Entry): boolean {
    if (this.#entries.get(sha256) !== entry) return false
    this.#entries.delete(sha256)
    this.#bytes -= entry.size
    return true
  }

  #file(sha256: string, entry: Entry, type: { mime: string; extension: string | undefined }): MediaFile {
    const path = this.#path(sha256, entry)
    let held = true
    return {
      sha256,
      size: entry.size,
      ...type,
      stream: (range) => createReadStream(path, range),
      blob: () => openAsBlob(path, { type: type.mime }),
      release: () => {
        if (held) entry.pins--
        held = false
      },
    }
  }

  #path(sha256: string, { kept }: { kept: boolean }): string {
    return join(this.#options.dir, kept ? 'kept' : 'cache', sha256)
  }

  async #read(folder: 'cache' | 'kept'): Promise<void> {
    for (const name of await readdir(join(this.#options.dir, folder))) {
      if (!NAME.test(name)) continue
      const { size, mtimeMs } = await stat(join(this.#options.dir, folder, name))
      if (this.#entries.has(name)) {
        await rm(join(this.#options.dir, 'cache', name), { force: true })
        this.#entries.delete(name)
      } else this.#bytes += size
      this.#entries.set(name, { size, usedAt: mtimeMs, pins: 0, kept: folder === 'kept' })
    }
  }
}

async function copy(
  bytes: AsyncIterable<Uint8Array>,
  handle: FileHandle,
  { maxBytes, expected }: WriteLimits,
): Promise<{ sha256: string; size: number; head: Uint8Array }> {
  const hash = createHash('sha256')
  const head: Uint8Array[] = []
  let size = 0
  for await (const chunk of bytes) {
    if (size < HEAD_BYTES) head.push(chunk.slice(0, HEAD_BYTES - size))
    size += chunk.length
    if (size > maxBytes) throw mediaTooLarge(maxBytes)
    if (expected !== undefined && size > expected) throw mediaUnavailable('it is longer than announced')
    hash.update(chunk)
    await writeAll(handle, chunk)
  }
  if (expected !== undefined && size !== expected) throw mediaUnavailable('it ended early')
  return { sha256: hash.digest('hex'), size, head: Buffer.concat(head) }
}

async function writeAll(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length; ) at += (await handle.write(chunk, at)).bytesWritten
}

async function readHead(path: string): Promise<Uint8Array> {
  const handle = await open(path, 'r')
  try {
    const buffer = new Uint8Array(HEAD_BYTES)
    const { bytesRead } = await handle.read(buffer, 0, HEAD_BYTES, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}
