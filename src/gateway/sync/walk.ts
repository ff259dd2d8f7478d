import { lstat, opendir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { isIgnoredName, type KeyFault, keyOfPath, type NameRules, OWN_FILES } from '../../core/sync/index.ts'
import { isAbsent } from './paths.ts'
import type { Stamp } from './store.ts'

export interface FoundFile extends Stamp {
  /** Below the folder, with `/`. */
  readonly path: string
}

export interface WalkReport {
  /** Called for each regular file. */
  file(file: FoundFile): void
  /** A path of which nothing can be said, with everything below it: it is left alone. */
  unknown(path: string, why: 'unreadable' | 'link' | 'special'): void
  /** A name that no document can hold. */
  refused(path: string, fault: KeyFault): void
  /** A folder, for whoever watches. */
  folder(path: string): void
}

/** Files between two turns of the event loop. */
const SLICE = 256

/**
 * Looks at everything at `start` (a path below `root`, '' = all) without following links. What cannot be read is reported, never
 * taken for absent. `ownDrafts`: drafts of this program that a crash left are removed.
 */
export async function walk(
  root: string,
  start: string,
  report: WalkReport,
  options: { readonly rules: NameRules; readonly ownDrafts: boolean; readonly signal: AbortSignal },
): Promise<void> {
  const pending = [start]
  let seen = 0
  const look = async (path: string, at: string): Promise<void> => {
    const info = await lstat(at, { bigint: true }).catch((error: unknown) => {
      if (!isAbsent(error)) report.unknown(path, 'unreadable')
    })
    if (info === undefined) return
    if (info.isDirectory()) pending.push(path)
    else if (info.isSymbolicLink()) report.unknown(path, 'link')
    else if (!info.isFile()) report.unknown(path, 'special')
    else {
      const key = keyOfPath(path, options.rules)
      if ('fault' in key) report.refused(path, key.fault)
      else report.file({ path, size: Number(info.size), mtimeNs: info.mtimeNs, inode: info.ino })
    }
  }
  if (start !== '') {
    pending.pop()
    await look(start, join(root, start))
  }
  while (pending.length > 0) {
    options.signal.throwIfAborted()
    const path = pending.pop() as string
    const dir = path === '' ? root : join(root, path)
    try {
      report.folder(path)
      for await (const entry of await opendir(dir)) {
        const below = path === '' ? entry.name : `${path}/${entry.name}`
        if (isIgnoredName(entry.name)) {
          if (options.ownDrafts && entry.name.startsWith(`${OWN_FILES}-`) && entry.isFile())
            await removeDraft(join(dir, entry.name))
          continue
        }
        await look(below, join(dir, entry.name))
        if (++seen % SLICE === 0) {
          options.signal.throwIfAborted()
          await new Promise<void>((resolve) => setImmediate(resolve))
        }
      }
    } catch (error) {
      options.signal.throwIfAborted()
      if (!isAbsent(error) || path === '') report.unknown(path, 'unreadable')
    }
  }
}

async function removeDraft(path: string): Promise<void> {
  // A draft that cannot be removed is tried again at the next start.
  await unlink(path).catch(() => {})
}
