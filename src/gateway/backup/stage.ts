import { constants } from 'node:fs'
import { copyFile, lstat, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode } from '../../base/errors.ts'
import { copyBlobStore } from '../../core/blobs/store-copy.ts'
import { createKeyFile } from '../../core/index.ts'
import { copyLmdb } from '../../core/lmdb-copy.ts'
import { KEY_FILE } from '../config/paths.ts'
import { loadNodeKey } from '../node-key.ts'
import { BACKUP_VERSION, type Manifest } from './manifest.ts'
import type { DatabaseSnapshot } from './snapshots.ts'

/** Everything a backup may hold, in the order in which it is written. */
export const PARTS = [KEY_FILE, 'database', 'docs', 'blobs', 'media', 'rules', 'folders'] as const
/** Folders whose files are simply copied: files of messages, rule files, synchronised folders that have no other place. */
const COPIED = ['media', 'rules', 'folders'] as const

export interface StageParts {
  readonly dataDir: string
  /** Below the data directory, with the copy of an embedded database in it. */
  readonly folder: string
  readonly snapshot: DatabaseSnapshot
  readonly instance: string
  readonly program: string
  /** ms since the epoch. */
  readonly now: number
  readonly onPart: (name: string) => void
}

/**
 * Puts everything of a backup into one folder beside the data. Order matters: the database comes before the documents and both
 * before the blobs they name, so that what is named is there.
 */
export async function stageBackup(parts: StageParts): Promise<Manifest> {
  const { dataDir, folder, snapshot, onPart } = parts
  const to = join(dataDir, folder)
  const identity = await loadNodeKey(dataDir)
  // Not a copy: a file that the keyring of this machine opens would be worth nothing elsewhere.
  await createKeyFile(join(to, KEY_FILE), identity)
  onPart('docs')
  await copyLmdb(join(dataDir, 'docs'), join(to, 'docs'))
  onPart('blobs')
  const blobs = await copyBlobStore(join(dataDir, 'blobs'), join(to, 'blobs'))
  for (const name of COPIED) {
    onPart(name)
    await copyTree(join(dataDir, name), join(to, name))
  }
  const sizes: Record<string, number> = {}
  for (const name of PARTS) {
    const bytes = await sizeOf(join(to, name))
    if (bytes !== undefined) sizes[name] = bytes
  }
  return {
    version: BACKUP_VERSION,
    createdAt: parts.now,
    program: parts.program,
    instance: parts.instance,
    node: identity.id,
    database: snapshot.driver,
    schema: [...snapshot.schema],
    parts: sizes,
    references: blobs?.references ?? 0,
  }
}

/** Files and folders; links and everything else are left out. What vanishes meanwhile was not to be kept. */
async function copyTree(from: string, to: string): Promise<void> {
  const entries = await readdir(from, { withFileTypes: true }).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return []
    throw error
  })
  if (entries.length === 0) return
  await mkdir(to, { recursive: true, mode: 0o700 })
  for (const entry of entries) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) await copyTree(source, target)
    else if (entry.isFile()) {
      await copyFile(source, target, constants.COPYFILE_FICLONE).catch((error: unknown) => {
        if (errorCode(error) !== 'ENOENT') throw error
      })
    }
  }
}

/** Bytes of a file, or of all files below a folder; undefined when there is none. */
export async function sizeOf(path: string): Promise<number | undefined> {
  const info = await lstat(path).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  })
  if (info === undefined) return undefined
  if (!info.isDirectory()) return info.size
  let sum = 0
  for (const name of await readdir(path)) sum += (await sizeOf(join(path, name))) ?? 0
  return sum
}
