// A look at a folder of many small files: the scanner of the gateway with its store of blobs on disk, without document or network.
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../src/base/clock.ts'
import { FsBlobStore } from '../src/core/blobs/fs-store.ts'
import { parseNamespaceId } from '../src/core/docs/index.ts'
import { FolderState } from '../src/gateway/sync/folder-state.ts'
import { Scanner } from '../src/gateway/sync/scanner.ts'
import type { SyncStore } from '../src/gateway/sync/store.ts'

const FILE_BYTES = 4_096
const FILES_PER_FOLDER = 100
const FOLDER = parseNamespaceId('ed4928c628d1c2c6eae90338905995612959273a5c63f93636c14614ac8737d1')

/** What the scanner remembers between looks; in a gateway it is in the database, and kept in memory too. */
const memory: Pick<SyncStore, 'files' | 'putFiles' | 'root' | 'putRoot'> = {
  files: async () => new Map(),
  putFiles: async () => {},
  root: async () => undefined,
  putRoot: async () => {},
}

export async function scanFilesPerSecond(files: number): Promise<{ readonly first: number; readonly again: number }> {
  const dir = await mkdtemp(join(tmpdir(), 'k2gw-bench-scan-'))
  const root = join(dir, 'folder')
  for (let i = 0; i < files; i++) {
    const folder = join(root, `d${Math.floor(i / FILES_PER_FOLDER)}`)
    if (i % FILES_PER_FOLDER === 0) await mkdir(folder, { recursive: true })
    await writeFile(join(folder, `${i}.bin`), randomBytes(FILE_BYTES))
  }
  const blobs = new FsBlobStore({ dir: join(dir, 'blobs'), maxBytes: 1e12 })
  try {
    const protection = blobs.protect()
    const state = await FolderState.load(memory as SyncStore, FOLDER)
    const scanner = new Scanner({
      root,
      folder: FOLDER,
      state,
      store: memory,
      blobs,
      protection,
      rules: { windows: false },
      quietMs: 0,
      clock: systemClock,
      onFolder: () => {},
    })
    const look = async (hashed: number): Promise<number> => {
      const begun = performance.now()
      const result = await scanner.scan(undefined, {
        signal: new AbortController().signal,
        progress: () => {},
        isRootConfirmed: false,
      })
      if (result.hashed !== hashed || result.files !== files)
        throw new Error(`${result.hashed} of ${result.files} files were read`)
      return Math.round(files / ((performance.now() - begun) / 1000))
    }
    return { first: await look(files), again: await look(0) }
  } finally {
    await blobs.close()
    await rm(dir, { recursive: true, force: true })
  }
}
