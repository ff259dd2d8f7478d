import { lstat, mkdir, realpath, rm, rmdir, writeFile } from 'node:fs/promises'
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { errorCode } from '../../base/errors.ts'
import { OWN_FILES } from '../../core/sync/index.ts'
import { syncError } from './errors.ts'
import type { Stamp } from './store.ts'

/** Size, time and inode of a regular file; undefined: there is nothing. `other`: something that is no regular file. */
export async function stampAt(path: string): Promise<Stamp | 'other' | undefined> {
  try {
    const info = await lstat(path, { bigint: true })
    return info.isFile() ? { size: Number(info.size), mtimeNs: info.mtimeNs, inode: info.ino } : 'other'
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}

export const isAbsent = (error: unknown): boolean => {
  const code = errorCode(error)
  return code === 'ENOENT' || code === 'ENOTDIR'
}

export const sameStamp = (a: Stamp, b: Stamp): boolean => a.size === b.size && a.mtimeNs === b.mtimeNs && a.inode === b.inode

/** The place of a path of the folder on this machine's disk. */
export const placeOf = (root: string, path: string): string => join(root, ...path.split('/'))

/**
 * Makes the folders above a file of `root`, one by one, and makes sure that none of them is a link to elsewhere
 * (k2-application 5.9). Rejects `SYNC_BAD_PATH`.
 */
export async function makeParents(root: string, path: string): Promise<string> {
  const segments = path.split('/').slice(0, -1)
  let at = root
  for (const segment of segments) {
    at = join(at, segment)
    await mkdir(at).catch((error: unknown) => {
      if (errorCode(error) !== 'EEXIST') throw outOfReach(error)
    })
    const info = await lstat(at)
    if (!info.isDirectory()) throw outOfReach()
  }
  // Something may have been put in between while we looked.
  const real = await realpath(at)
  if (real !== (await realpath(root)) && !isInside(await realpath(root), real)) throw outOfReach()
  return placeOf(root, path)
}

const outOfReach = (cause?: unknown): Error =>
  syncError('SYNC_BAD_PATH', 'denied', 'a file or a link stands where a folder should be', cause)

/** Removes folders that a removal has left empty, up to the root. */
export async function pruneParents(root: string, path: string): Promise<void> {
  for (let at = dirname(placeOf(root, path)); isInside(root, at); at = dirname(at)) {
    try {
      await rmdir(at)
    } catch {
      // Not empty, or not ours to remove: either way it stays.
      return
    }
  }
}

export function isInside(root: string, path: string): boolean {
  const way = relative(root, path)
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)
}

export interface PathPolicy {
  /** Where people in chats may have folders. */
  readonly root: string
  readonly dataDir: string
  /** Folders that exist already. */
  readonly taken: readonly string[]
}

/**
 * Where a folder is to lie. People in chats choose a place below the configured root; operators any absolute path but the gateway's
 * own data. Folders do not lie in one another. Throws `SYNC_BAD_PATH`.
 */
export function folderPlace(text: string, isOperator: boolean, policy: PathPolicy): string {
  const bad = (why: string): Error => syncError('SYNC_BAD_PATH', 'input', why)
  if (text.trim() === '' || text.includes('\0')) throw bad('a path is missing')
  const path = resolve(policy.root, text)
  const isBelowRoot = isInside(policy.root, path)
  if (!isBelowRoot) {
    if (!isOperator) throw bad('choose a place below the folder for synchronised files: a name without a leading /')
    if (!isAbsolute(text)) throw bad('a path must not lead out of the folder for synchronised files')
    if (path === dirname(path)) throw bad('a whole disk cannot be synchronised')
    if (path === policy.dataDir || isInside(policy.dataDir, path) || isInside(path, policy.dataDir))
      throw bad("the gateway's own data cannot be synchronised")
  }
  if (path === policy.root || isInside(path, policy.root)) throw bad('choose a folder below the one for synchronised files')
  for (const other of policy.taken)
    if (other === path || isInside(other, path) || isInside(path, other))
      throw bad('this folder, or one around or in it, is synchronised already')
  return path
}

/** Whether the file system takes names for one that differ in case: tried with a file of our own. */
export async function foldsNames(root: string): Promise<boolean> {
  const probe = join(root, `${OWN_FILES}-Case.draft`)
  try {
    await writeFile(probe, '')
    return (await stampAt(join(root, `${OWN_FILES}-case.draft`))) !== undefined
  } catch {
    // Not writable now: the cautious answer costs nothing but names that differ in case alone.
    return true
  } finally {
    await rm(probe, { force: true }).catch(() => {})
  }
}
