import { MemoryBlobStore } from '../../../../src/core/blobs/memory-store.ts'
import { blobStoreConformance } from './conformance.ts'

blobStoreConformance('in memory', () => ({
  references: false,
  open: ({ maxBytes = 1e9 } = {}) => new MemoryBlobStore(maxBytes),
}))
