import { open, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { syncDir } from './sync-dir.ts'

/**
 * Puts a new LMDB environment in place where there is none. Each new table is a transaction that waits for the disk in the calling
 * thread; so `make` writes it elsewhere without that, and it gets its name when all of it is durable: a crash leaves it whole or not.
 */
export async function createLmdb(path: string, make: (path: string) => Promise<void>): Promise<void> {
  if (await exists(join(path, 'data.mdb'))) return
  const made = `${path}.new`
  await rm(made, { recursive: true, force: true })
  await make(made)
  const file = await open(join(made, 'data.mdb'), 'r+')
  await file.datasync().finally(() => file.close())
  await syncDir(made)
  // Without data there is at most a lock file in it.
  await rm(path, { recursive: true, force: true })
  await rename(made, path)
  await syncDir(dirname(path))
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false
      throw error
    },
  )
