import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { FsBlobStore } from '../../../../src/core/blobs/fs-store.ts'
import { blobStoreConformance } from './conformance.ts'

const root = mkdtempSync(join(tmpdir(), 'k2gw-fs-store-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
let made = 0

blobStoreConformance('on disk', () => {
  const dir = join(root, String(made++))
  return { references: true, open: ({ maxBytes = 1e9 } = {}) => new FsBlobStore({ dir, maxBytes }) }
})
