import type { Hash } from '../../ids.ts'
import {
  type BlobEntry,
  type BlobMeta,
  type Change,
  type Content,
  type ContentArea,
  type ContentId,
  type StoreBackend,
  storedBytesOf,
  type TagValue,
} from './backend.ts'
import { badFile } from './errors.ts'

const FIRST_CAPACITY = 64 * 1024

/** The metadata of a store in memory. */
class MemoryMeta implements BlobMeta {
  readonly #blobs = new Map<Hash, BlobEntry>()
  readonly #pages = new Map<ContentId, Map<number, Uint8Array>>()
  readonly #tags = new Map<string, TagValue>()
  #stored = 0

  blob(hash: Hash): BlobEntry | undefined {
    return this.#blobs.get(hash)
  }

  blobs(after: Hash | undefined, limit: number): readonly (readonly [Hash, BlobEntry])[] {
    return [...this.#blobs]
      .filter(([hash]) => after === undefined || hash > after)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .slice(0, limit)
  }

  page(content: ContentId, page: number): Uint8Array | undefined {
    return this.#pages.get(content)?.get(page)
  }

  pagesOf(content: ContentId, limit: number): readonly number[] {
    return [...(this.#pages.get(content)?.keys() ?? [])].slice(0, limit)
  }

  nextPaged(after: ContentId | undefined): ContentId | undefined {
    return [...this.#pages.keys()].filter((id) => after === undefined || id > after).sort()[0]
  }

  tag(name: string): TagValue | undefined {
    return this.#tags.get(name)
  }

  tags(prefix: string, after: string | undefined, limit: number): readonly (readonly [string, TagValue])[] {
    return [...this.#tags]
      .filter(([name]) => name.startsWith(prefix) && (after === undefined || order(name, after) > 0))
      .sort(([a], [b]) => order(a, b))
      .slice(0, limit)
  }

  blobCount(): number {
    return this.#blobs.size
  }

  storedBytes(): number {
    return this.#stored
  }

  async commit(changes: readonly Change[]): Promise<void> {
    this.apply(changes)
  }

  /** `commit` at once. */
  apply(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.kind === 'blob') this.#setBlob(change.hash, change.entry)
      else if (change.kind === 'tag') {
        if (change.value) this.#tags.set(change.name, change.value)
        else this.#tags.delete(change.name)
      } else this.#setPage(change.content, change.page, change.bytes)
    }
  }

  #setBlob(hash: Hash, entry: BlobEntry | undefined): void {
    const before = this.#blobs.get(hash)
    this.#stored += (entry ? storedBytesOf(entry) : 0) - (before ? storedBytesOf(before) : 0)
    if (entry) this.#blobs.set(hash, entry)
    else this.#blobs.delete(hash)
  }

  #setPage(content: ContentId, page: number, bytes: Uint8Array | undefined): void {
    const pages = this.#pages.get(content) ?? new Map<number, Uint8Array>()
    if (bytes) pages.set(page, bytes)
    else pages.delete(page)
    if (pages.size > 0) this.#pages.set(content, pages)
    else this.#pages.delete(content)
  }

  async close(): Promise<void> {}
}

/** Names compare as their UTF-8 bytes do. */
function order(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

interface Held {
  bytes: Uint8Array
  size: number
}

class MemoryArea implements ContentArea {
  readonly #held = new Map<ContentId, Held>()

  async create(id: ContentId): Promise<Content> {
    const held: Held = { bytes: new Uint8Array(FIRST_CAPACITY), size: 0 }
    this.#held.set(id, held)
    return contentOf(held)
  }

  /** Content that is there at once. `bytes` is kept. */
  put(id: ContentId, bytes: Uint8Array): void {
    this.#held.set(id, { bytes, size: bytes.length })
  }

  async open(id: ContentId): Promise<Content> {
    const held = this.#held.get(id)
    if (held === undefined) throw badFile('there is none')
    return contentOf(held)
  }

  async remove(id: ContentId): Promise<void> {
    this.#held.delete(id)
  }

  async list(): Promise<readonly ContentId[]> {
    return [...this.#held.keys()]
  }

  async freeBytes(): Promise<number | undefined> {
    return undefined
  }

  pathOf(): string | undefined {
    return undefined
  }
}

function contentOf(held: Held): Content {
  return {
    async read(offset, length) {
      if (offset + length > held.size) throw badFile('it is too short')
      return held.bytes.slice(offset, offset + length)
    },
    async write(offset, data) {
      const end = offset + data.length
      if (end > held.bytes.length) {
        const grown = new Uint8Array(Math.max(end, held.bytes.length * 2))
        grown.set(held.bytes)
        held.bytes = grown
      }
      held.bytes.set(data, offset)
      held.size = Math.max(held.size, end)
    },
    async sync() {},
    async close() {},
  }
}

/** Everything in memory; ends with the process. */
export class MemoryBackend implements StoreBackend {
  readonly meta = new MemoryMeta()
  readonly area = new MemoryArea()
  readonly references = false

  async close(): Promise<void> {}
}
