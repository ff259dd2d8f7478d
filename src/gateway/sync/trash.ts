import { copyFile, link, mkdir, readdir, rename, rm, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { errorCode } from '../../base/errors.ts'
import { syncError } from './errors.ts'

export interface TrashLimits {
  /** Bytes of all folders together. */
  readonly maxBytes: number
  readonly keepMs: number
}

/**
 * Previous versions and deleted files, outside of the folders: `<dir>/<folder>/<time of the batch>/<path>`. Bounded by size and
 * age, the oldest go first.
 */
export class Trash {
  readonly #dir: string
  readonly #limits: TrashLimits
  #serial = 0

  constructor(dir: string, limits: TrashLimits) {
    this.#dir = dir
    this.#limits = limits
  }

  /** Moves a file here. Rejects `SYNC_TRASH_FAILED`; then the file is where it was. */
  take(file: string, folder: string, path: string, now: number): Promise<void> {
    return this.#into(folder, path, now, (target) => move(file, target))
  }

  /** Keeps the file's content here as well, while another one takes its place. */
  keep(file: string, folder: string, path: string, now: number): Promise<void> {
    return this.#into(folder, path, now, async (target) => {
      await link(file, target).catch(() => copyFile(file, target))
    })
  }

  async #into(folder: string, path: string, now: number, put: (target: string) => Promise<void>): Promise<void> {
    try {
      const when = new Date(now).toISOString().replaceAll(':', '-')
      const target = join(this.#dir, folder, `${when}-${this.#serial++}`, ...path.split('/'))
      await mkdir(dirname(target), { recursive: true, mode: 0o700 })
      await put(target)
    } catch (error) {
      throw syncError('SYNC_TRASH_FAILED', 'storage', 'a file could not be moved to the trash', error)
    }
  }

  /** Removes what is too old, then the oldest beyond the size. Answers how many batches went. */
  async tidy(now: number): Promise<number> {
    const batches: { readonly dir: string; readonly at: number; readonly bytes: number }[] = []
    for (const folder of await names(this.#dir)) {
      for (const batch of await names(join(this.#dir, folder))) {
        const dir = join(this.#dir, folder, batch)
        const at = Date.parse(batch.slice(0, 24).replace(/T(\d\d)-(\d\d)-/, 'T$1:$2:'))
        batches.push({ dir, at: Number.isNaN(at) ? 0 : at, bytes: await bytesIn(dir) })
      }
    }
    batches.sort((a, b) => b.at - a.at)
    let kept = 0
    let removed = 0
    for (const { dir, at, bytes } of batches) {
      kept += bytes
      if (now - at <= this.#limits.keepMs && kept <= this.#limits.maxBytes) continue
      await rm(dir, { recursive: true, force: true })
      removed++
    }
    return removed
  }
}

async function move(from: string, to: string): Promise<void> {
  try {
    await rename(from, to)
  } catch (error) {
    if (errorCode(error) !== 'EXDEV') throw error
    // Another disk.
    await copyFile(from, to)
    await unlink(from)
  }
}

async function names(dir: string): Promise<string[]> {
  try {
    return await readdir(dir)
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return []
    throw error
  }
}

async function bytesIn(dir: string): Promise<number> {
  let bytes = 0
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const info = await stat(join(entry.parentPath, entry.name)).catch(() => undefined)
    bytes += info?.size ?? 0
  }
  return bytes
}
