import { open } from 'node:fs/promises'

type Sync = (path: string) => Promise<void>

interface Running {
  readonly now: Promise<void>
  next: Promise<void> | undefined
}

/**
 * One sync of a folder serves everybody who asks while it has not begun: many files arrive in one folder at a time, and each sync
 * waits for the disk.
 */
export function sharedSync(sync: Sync): Sync {
  const running = new Map<string, Running>()
  const begin = (path: string): Promise<void> => {
    const own: Running = { now: sync(path), next: undefined }
    running.set(path, own)
    const end = (): void => {
      if (own.next === undefined) running.delete(path)
    }
    own.now.then(end, end)
    return own.now
  }
  return (path) => {
    const own = running.get(path)
    if (own === undefined) return begin(path)
    // The one under way may have looked before our change.
    own.next ??= own.now.catch(() => {}).then(() => begin(path))
    return own.next
  }
}

/** Makes names in a folder durable. */
export const syncDir: Sync = sharedSync(async (path) => {
  const dir = await open(path, 'r')
  try {
    await dir.sync()
  } finally {
    await dir.close()
  }
})
