import { type Hash, hashOf } from '../ids.ts'
import { type Change, MAX_INLINE_BYTES } from './store/backend.ts'
import { BlobEngine, type EngineOptions } from './store/engine.ts'
import { storeFull } from './store/errors.ts'
import { MemoryBackend } from './store/memory-backend.ts'
import { pageChanges, pagesOf } from './store/pages.ts'
import { hashBlob } from './tree/outboard.ts'

/** A store in memory, up to a bound: for small things and tests. */
export class MemoryBlobStore extends BlobEngine {
  readonly #backend: MemoryBackend
  readonly #maxBytes: number
  #added = 0

  constructor(maxBytes: number, options: Omit<EngineOptions, 'limits'> = {}) {
    const backend = new MemoryBackend()
    super(async () => backend, { ...options, limits: { maxBytes, minFreeBytes: 0 } })
    this.#backend = backend
    this.#maxBytes = maxBytes
  }

  /** Adds at once, under a tag `added-<hash>`. Throws nothing but `BLOB_STORE_FULL`. */
  add(data: Uint8Array): Hash {
    const { hash: bytes, outboard, size } = hashBlob(data)
    const hash = hashOf(bytes)
    const { meta, area } = this.#backend
    const known = meta.blob(hash)
    if (size === 0 || (known && known.kind !== 'partial')) return hash
    if (meta.storedBytes() + size > this.#maxBytes) throw storeFull(this.#maxBytes)
    const tag: Change = { kind: 'tag', name: `added-${hash}`, value: { hash, format: 'raw' } }
    if (size <= MAX_INLINE_BYTES) {
      meta.apply([{ kind: 'blob', hash, entry: { kind: 'inline', size, data: data.slice() } }, tag])
      return hash
    }
    // No id of the engine looks like this one.
    const content = `added${(this.#added++).toString(16).padStart(19, '0')}`
    area.put(content, data.slice())
    meta.apply([
      ...pageChanges(content, outboard, 0, pagesOf(size)),
      { kind: 'blob', hash, entry: { kind: 'file', size, content } },
      tag,
    ])
    return hash
  }
}
