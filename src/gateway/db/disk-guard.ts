import { statfs } from 'node:fs/promises'

/**
 * Below this the database takes no more writes, bytes. The engine cannot survive a failed write to its log, so writing must
 * end while there is room for what is under way: one transaction and a checkpoint.
 */
export const STOP_BELOW_BYTES = 24 * 1024 ** 2
/** Writes are taken again above this, bytes; higher than the other so that it does not flicker. */
const RESUME_ABOVE_BYTES = 32 * 1024 ** 2
/** ms between two looks at the disk. */
const LOOK_MS = 1000

/** Next state: whether the database is kept from writing. */
export function shouldStopWrites(stopped: boolean, freeBytes: number): boolean {
  return freeBytes < (stopped ? RESUME_ABOVE_BYTES : STOP_BELOW_BYTES)
}

/** Looks at the free space of a folder and reports each change. `change` is not called again before it has settled. */
export function watchDisk(dir: string, change: (stopped: boolean) => Promise<void>): () => void {
  let stopped = false
  let timer: NodeJS.Timeout
  const look = async (): Promise<void> => {
    const { bavail, bsize } = await statfs(dir)
    const next = shouldStopWrites(stopped, bavail * bsize)
    if (next === stopped) return
    await change(next)
    stopped = next
  }
  const again = (): void => {
    timer = setTimeout(() => {
      // A failed look says nothing about the disk; the next one comes in a second.
      look()
        .catch(() => {})
        .finally(again)
    }, LOOK_MS)
  }
  again()
  return () => clearTimeout(timer)
}
