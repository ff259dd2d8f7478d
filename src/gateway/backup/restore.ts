import { once } from 'node:events'
import { chmod, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { errorMessage } from '../../base/errors.ts'
import { loadKeyFile } from '../../core/index.ts'
import { CONFIG_FILE, KEY_FILE } from '../config/paths.ts'
import { acquireDirLock } from '../db/dir-lock.ts'
import { type OpenOptions, readBackup } from './archive.ts'
import { backupError } from './errors.ts'
import type { Manifest } from './manifest.ts'
import { RESTORING } from './marks.ts'
import { PARTS } from './stage.ts'

/** What may be in the data directory before: the configuration, and marks of earlier processes. */
const HARMLESS = [CONFIG_FILE, RESTORING]
const LOCKS = /^gateway\.lock\./

/**
 * Puts a backup into an empty data directory. Everything is unpacked and checked beside it first, then moved in by renames, the
 * key last. Rejects `BACKUP_NOT_EMPTY`, `BACKUP_DAMAGED`, `BACKUP_NEWER`, `BACKUP_PASSPHRASE`.
 */
export async function restoreBackup(dataDir: string, options: OpenOptions): Promise<Manifest> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  await chmod(dataDir, 0o700)
  const lock = await acquireDirLock(join(dataDir, 'gateway.lock'))
  try {
    await refuseUsed(dataDir)
    const partial = join(dataDir, RESTORING)
    await rm(partial, { recursive: true, force: true })
    await mkdir(partial, { mode: 0o700 })
    try {
      const manifest = await readBackup(options, (_, tar) => unpack(tar, partial))
      await checkKey(partial, manifest)
      for (const name of [...PARTS].reverse()) if (name in manifest.parts) await rename(join(partial, name), join(dataDir, name))
      return manifest
    } finally {
      // When the renames have begun and not ended, what is left must stay: the next start says so.
      if (!(await hasBegun(dataDir)) || (await isDone(dataDir))) await rm(partial, { recursive: true, force: true })
    }
  } finally {
    await lock.release()
  }
}

async function refuseUsed(dataDir: string): Promise<void> {
  const others = (await readdir(dataDir)).filter((name) => !HARMLESS.includes(name) && !LOCKS.test(name))
  if (others.length === 0) return
  const shown = others.slice(0, 5).join(', ')
  throw backupError('BACKUP_NOT_EMPTY', `${dataDir} is in use (${shown}): nothing was changed; restore into an empty folder`)
}

const hasBegun = async (dataDir: string): Promise<boolean> =>
  (await readdir(dataDir)).some((name) => (PARTS as readonly string[]).includes(name))
const isDone = async (dataDir: string): Promise<boolean> => (await readdir(dataDir)).includes(KEY_FILE)

async function checkKey(folder: string, manifest: Manifest): Promise<void> {
  const path = join(folder, KEY_FILE)
  await chmod(path, 0o600).catch(() => {})
  const { id } = await loadKeyFile(path)
  if (id !== manifest.node) throw backupError('BACKUP_DAMAGED', 'the backup is damaged: its key is not that of its node')
}

/** Only files and folders of the known parts; everything else ends it. */
async function unpack(tar: AsyncIterable<Uint8Array>, folder: string): Promise<void> {
  const { Unpack } = await import('tar')
  let failure: Error | undefined
  const sink = new Unpack({
    cwd: folder,
    strict: true,
    preserveOwner: false,
    // A fresh log of the database is nothing but zeros.
    maxDecompressionRatio: Number.POSITIVE_INFINITY,
    filter: (path, entry) => {
      const { type } = entry as { type?: string }
      const isOurs = (PARTS as readonly string[]).includes(path.split('/', 1)[0] as string)
      if (isOurs && (type === 'File' || type === 'Directory')) return true
      failure ??= backupError('BACKUP_DAMAGED', `the backup is damaged: ${path.slice(0, 80)} does not belong there`)
      return false
    },
  })
  const closed = new Promise<void>((resolve) => {
    sink.once('close', () => resolve())
    sink.on('error', (error: Error) => {
      failure ??= backupError('BACKUP_DAMAGED', `the backup cannot be unpacked: ${errorMessage(error)}`, error)
      resolve()
    })
  })
  for await (const piece of tar) {
    if (failure !== undefined) break
    if (!sink.write(Buffer.from(piece))) await Promise.race([once(sink, 'drain'), closed])
  }
  if (failure === undefined) {
    sink.end()
    await closed
  }
  if (failure !== undefined) throw failure
}
