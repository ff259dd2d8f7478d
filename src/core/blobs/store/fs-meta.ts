import { statfs } from 'node:fs/promises'
import type { Database, RootDatabase } from 'lmdb'
import { concatBytes, fromHex, fromUtf8, toHex, utf8 } from '../../../base/bytes.ts'
import { isK2Error, type K2Error } from '../../../base/errors.ts'
import { type Hash, hashOf, idBytes } from '../../ids.ts'
import { WireReader } from '../../wire/reader.ts'
import { WireWriter } from '../../wire/writer.ts'
import { type BlobEntry, type BlobMeta, type Change, type ContentId, storedBytesOf, type TagValue } from './backend.ts'
import { createLmdb } from './create-lmdb.ts'
import { CONTENT_ID_BYTES, decodeEntry, decodeTag, encodeEntry, encodeTag } from './entry-codec.ts'
import { diskFull, storeClosed, storeFailed } from './errors.ts'

const TOTALS = utf8('totals')
/** A failed commit with less room than this is a full disk: LMDB then reports an input/output error. */
const FULL_BELOW_BYTES = 1024 * 1024

type Table = Database<Uint8Array, Uint8Array>

const ENV_OPTIONS = {
  noSubdir: false,
  maxDbs: 8,
  keyEncoding: 'binary',
  encoding: 'binary',
  compression: false,
  // A commit resolves when it is on disk, not when it can be read.
  overlappingSync: false,
  // With it a failed commit also rejects a promise that nobody holds.
  eventTurnBatching: false,
} as const

function tablesOf(env: RootDatabase<Uint8Array, Uint8Array>): Record<'blobs' | 'pages' | 'tags' | 'state', Table> {
  const table = (name: string): Table => env.openDB<Uint8Array, Uint8Array>({ name, keyEncoding: 'binary', encoding: 'binary' })
  return { blobs: table('blobs'), pages: table('pages'), tags: table('tags'), state: table('state') }
}

/** The metadata of a store in LMDB: reads are synchronous, writes are durable when they resolve. */
export class FsMeta implements BlobMeta {
  readonly #path: string
  readonly #env: RootDatabase<Uint8Array, Uint8Array>
  readonly #blobs: Table
  readonly #pages: Table
  readonly #tags: Table
  readonly #state: Table
  #stored = 0
  #count = 0
  #closed = false

  private constructor(path: string, env: RootDatabase<Uint8Array, Uint8Array>) {
    const tables = tablesOf(env)
    this.#path = path
    this.#env = env
    this.#blobs = tables.blobs
    this.#pages = tables.pages
    this.#tags = tables.tags
    this.#state = tables.state
    this.#loadTotals()
  }

  /** Opens or creates; LMDB is loaded now, not with the program. Rejects `BLOB_STORE_FAILED`. */
  static async open(path: string): Promise<FsMeta> {
    try {
      const { open } = await import('lmdb')
      await createLmdb(path, async (made) => {
        const env = open<Uint8Array, Uint8Array>({ ...ENV_OPTIONS, path: made, noSync: true })
        tablesOf(env)
        await env.close()
      })
      return new FsMeta(path, open<Uint8Array, Uint8Array>({ ...ENV_OPTIONS, path }))
    } catch (error) {
      throw isK2Error(error) && error.code.startsWith('BLOB_') ? error : storeFailed('its index cannot be opened', error)
    }
  }

  blob(hash: Hash): BlobEntry | undefined {
    const bytes = this.#read(this.#blobs, idBytes(hash))
    return bytes && decoded(bytes, decodeEntry)
  }

  blobs(after: Hash | undefined, limit: number): readonly (readonly [Hash, BlobEntry])[] {
    return this.#range(this.#blobs, after && idBytes(after), limit).map(
      ([key, value]) => [hashOf(key), decoded(value, decodeEntry)] as const,
    )
  }

  page(content: ContentId, page: number): Uint8Array | undefined {
    return this.#read(this.#pages, pageKey(content, page))
  }

  pagesOf(content: ContentId, limit: number): readonly number[] {
    const id = fromHex(content)
    return this.#keys(this.#pages, { start: id, limit })
      .filter((key) => startsWith(key, id))
      .map((key) => new DataView(key.buffer, key.byteOffset + CONTENT_ID_BYTES, 4).getUint32(0))
  }

  nextPaged(after: ContentId | undefined): ContentId | undefined {
    const start = after === undefined ? undefined : pageKey(after, 0xffff_ffff)
    const [key] = this.#keys(this.#pages, { limit: 1, ...(start && { start, exclusiveStart: true }) })
    return key && toHex(key.subarray(0, CONTENT_ID_BYTES))
  }

  tag(name: string): TagValue | undefined {
    const bytes = this.#read(this.#tags, utf8(name))
    return bytes && decoded(bytes, decodeTag)
  }

  tags(prefix: string, after: string | undefined, limit: number): readonly (readonly [string, TagValue])[] {
    const begin = utf8(prefix)
    const found: [string, TagValue][] = []
    const start = after === undefined ? begin : utf8(after)
    for (const [key, value] of this.#range(this.#tags, start, limit, after !== undefined)) {
      if (!startsWith(key, begin)) break
      found.push([fromUtf8(key) ?? '', decoded(value, decodeTag)])
    }
    return found
  }

  blobCount(): number {
    return this.#count
  }

  storedBytes(): number {
    return this.#stored
  }

  async commit(changes: readonly Change[]): Promise<void> {
    this.#check()
    // Everything that can fail happens before the transaction: one that throws is not undone.
    const writes = changes.map((change) => this.#write(change))
    if (writes.length === 0) return
    try {
      await this.#env.transaction(() => {
        // Transactions that wait together become one, so the totals are those of the ones before.
        this.#loadTotals()
        for (const write of writes) write()
        this.#state.putSync(TOTALS, new WireWriter().u64(this.#stored).u64(this.#count).finish())
      })
    } catch (error) {
      if (!this.#closed) this.#loadTotals()
      throw await this.#failure(error)
    }
  }

  #loadTotals(): void {
    const totals = this.#state.get(TOTALS)
    const r = totals && new WireReader(totals)
    this.#stored = r?.safeU64() ?? 0
    this.#count = r?.safeU64() ?? 0
  }

  /** The reason of a failed commit comes in a promise of its own. */
  async #failure(error: unknown): Promise<K2Error> {
    const commitError = (error as { commitError?: unknown } | null)?.commitError
    const cause = commitError instanceof Promise ? await commitError.catch((reason: unknown) => reason) : error
    const { bavail, bsize } = await statfs(this.#path).catch(() => ({ bavail: Number.POSITIVE_INFINITY, bsize: 1 }))
    return bavail * bsize < FULL_BELOW_BYTES ? diskFull(cause) : storeFailed('its index cannot be written', cause)
  }

  #write(change: Change): () => void {
    if (change.kind === 'tag') {
      const key = utf8(change.name)
      return put(this.#tags, key, change.value && encodeTag(change.value))
    }
    if (change.kind === 'page') return put(this.#pages, pageKey(change.content, change.page), change.bytes)
    const key = idBytes(change.hash)
    const value = change.entry && encodeEntry(change.entry)
    const bytes = change.entry ? storedBytesOf(change.entry) : 0
    const write = put(this.#blobs, key, value)
    return () => {
      const before = this.#blobs.get(key)
      this.#stored = Math.max(0, this.#stored + bytes - (before ? storedBytesIn(before) : 0))
      this.#count += (value ? 1 : 0) - (before ? 1 : 0)
      write()
    }
  }

  #read(table: Table, key: Uint8Array): Uint8Array | undefined {
    this.#check()
    return table.get(key)
  }

  #range(table: Table, start: Uint8Array | undefined, limit: number, exclusiveStart = true): [Uint8Array, Uint8Array][] {
    this.#check()
    const range = table.getRange({ limit, snapshot: false, ...(start && start.length > 0 ? { start, exclusiveStart } : {}) })
    return Array.from(range, ({ key, value }) => [key, value])
  }

  #keys(table: Table, options: { limit: number; start?: Uint8Array; exclusiveStart?: boolean }): Uint8Array[] {
    this.#check()
    return Array.from(table.getKeys({ snapshot: false, ...options }))
  }

  /** Reading a closed environment would end the process. */
  #check(): void {
    if (this.#closed) throw storeClosed()
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#env.close()
  }
}

function put(table: Table, key: Uint8Array, value: Uint8Array | undefined): () => void {
  return () => {
    // Inside a transaction nothing is pending behind these calls.
    if (value) table.putSync(key, value)
    else table.removeSync(key)
  }
}

function pageKey(content: ContentId, page: number): Uint8Array {
  const number = new Uint8Array(4)
  new DataView(number.buffer).setUint32(0, page)
  return concatBytes([fromHex(content), number])
}

function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  return Buffer.compare(bytes.subarray(0, prefix.length), prefix) === 0
}

function decoded<T>(bytes: Uint8Array, decode: (bytes: Uint8Array) => T): T {
  try {
    return decode(bytes)
  } catch (error) {
    throw storeFailed('an entry of its index cannot be read', error)
  }
}

/** What a replaced entry counted for; one that cannot be read counted for nothing. */
function storedBytesIn(bytes: Uint8Array): number {
  try {
    return storedBytesOf(decodeEntry(bytes))
  } catch {
    return 0
  }
}
