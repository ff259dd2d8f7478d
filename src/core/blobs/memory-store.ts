import { K2Error } from '../../base/errors.ts'
import { type Hash, hashOf } from '../ids.ts'
import type { BlobReader, BlobStatus, OpenBlob } from './store.ts'
import { memorySource } from './tree/encode.ts'
import { hashBlob } from './tree/outboard.ts'

/** Complete blobs in memory, up to a bound: for small things and tests. */
export class MemoryBlobStore implements BlobReader {
  readonly #blobs = new Map<Hash, { data: Uint8Array; outboard: Uint8Array }>()
  readonly #maxBytes: number
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Rejects nothing but `BLOB_STORE_FULL`. */
  add(data: Uint8Array): Hash {
    const { hash, outboard } = hashBlob(data)
    const key = hashOf(hash)
    if (this.#blobs.has(key)) return key
    if (this.#bytes + data.length > this.#maxBytes) {
      throw new K2Error({ code: 'BLOB_STORE_FULL', kind: 'limit', message: `the store holds at most ${this.#maxBytes} bytes` })
    }
    this.#bytes += data.length
    this.#blobs.set(key, { data: data.slice(), outboard })
    return key
  }

  async status(hash: Hash): Promise<BlobStatus> {
    const blob = this.#blobs.get(hash)
    return blob ? { kind: 'complete', size: blob.data.length } : { kind: 'absent' }
  }

  async open(hash: Hash): Promise<OpenBlob | undefined> {
    const blob = this.#blobs.get(hash)
    return blob && { ...memorySource(blob.data, blob.outboard), close: async () => {} }
  }

  /** Blobs are added whole and never change. */
  watch(): () => void {
    return () => {}
  }

  reportDamage(): void {}
}
