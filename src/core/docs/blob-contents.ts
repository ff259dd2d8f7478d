import { concatBytes } from '../../base/bytes.ts'
import { K2Error } from '../../base/errors.ts'
import { verifiedBytes } from '../blobs/blob-bytes.ts'
import type { BlobStore, Downloader } from '../blobs/index.ts'
import type { Hash } from '../ids.ts'
import type { ContentStore } from './content.ts'
import type { ContentStatus } from './proto/message.ts'

/** Longest wait for one content of a document, ms. */
const DOWNLOAD_MS = 3_600_000

/**
 * Contents of documents in a store of blobs. What comes is protected until its entry is stored; a store that collects garbage has
 * to ask the documents what they name (`Docs.contents`, `FsStoreOptions.named`).
 */
export function blobContents(store: BlobStore, downloader: Pick<Downloader, 'download'>, maxBytes: number): ContentStore {
  return {
    async status(hash): Promise<ContentStatus> {
      const { kind } = await store.status(hash)
      return kind === 'complete' ? 'complete' : kind === 'partial' ? 'incomplete' : 'missing'
    },
    async add(bytes) {
      const protection = store.protect()
      try {
        const { hash, size } = await store.importBytes(bytes, { protection })
        return { hash, size, release: () => protection.release() }
      } catch (error) {
        protection.release()
        throw error
      }
    },
    async read(hash, max) {
      const status = await store.status(hash)
      if (status.kind !== 'complete') return undefined
      if (status.size > max) {
        throw new K2Error({
          code: 'DOC_TOO_LARGE',
          kind: 'limit',
          message: `this value has ${status.size} bytes, ${max} are read`,
        })
      }
      const blob = await store.open(hash)
      if (blob === undefined) return undefined
      try {
        const pieces: Uint8Array[] = []
        for await (const piece of verifiedBytes(blob, hash, 0, blob.size)) pieces.push(piece.slice())
        return concatBytes(pieces)
      } finally {
        await blob.close()
      }
    },
    async download(hash: Hash, peers, signal) {
      await downloader.download({
        hash,
        providers: peers.map((id) => ({ id, direct: [] })),
        limits: { maxBytes, deadlineMs: DOWNLOAD_MS },
        signal,
      })
    },
  }
}
