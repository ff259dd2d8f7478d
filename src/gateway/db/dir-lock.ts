import { randomUUID } from 'node:crypto'
import { link, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { z } from 'zod'
import { type Clock, systemClock } from '../../base/clock.ts'
import { errorCode, K2Error } from '../../base/errors.ts'

/** Exit code of the program when a folder is in use. */
export const EXIT_LOCKED = 5
/** How often the holder touches its lock, ms. */
const TOUCH_MS = 5000
/** A lock of another machine or container, whose processes cannot be seen, counts as left behind after this, ms. */
const FOREIGN_STALE_MS = 30_000

const holderSchema = z.object({
  pid: z.int().positive(),
  /** Start of the process in the kernel's ticks; tells a holder from a later process with the same number. Null: unknown. */
  started: z.string().nullable(),
  host: z.string(),
  token: z.string(),
})
type Holder = z.output<typeof holderSchema>

export interface DirLock {
  /** Gives the folder free. Idempotent; never throws. */
  release(): Promise<void>
}

/**
 * Takes `path` as a lock file, so that one process uses a folder. A lock left behind by a killed process is taken over.
 * Error: `DB_LOCKED` (exit code 5), naming the other process.
 */
export async function acquireDirLock(path: string, clock: Clock = systemClock): Promise<DirLock> {
  const own: Holder = { pid: process.pid, started: await processStart(process.pid), host: hostname(), token: randomUUID() }
  const draft = `${path}.${own.token}`
  await writeFile(draft, JSON.stringify(own), { mode: 0o600, flag: 'wx' })
  try {
    await place(draft, path, clock)
  } finally {
    await rm(draft, { force: true })
  }
  return hold(path, own, clock)
}

/** Linking is atomic and fails when the lock exists, so nobody ever sees half a lock. */
async function place(draft: string, path: string, clock: Clock): Promise<void> {
  for (let attempt = 0; attempt < 5; attempt++) {
    try {
      return await link(draft, path)
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error
    }
    const holder = await readHolder(path)
    if (holder === undefined) continue
    if (holder !== 'unreadable' && (await isAlive(holder, path, clock))) throw lockedError(holder)
    await removeStale(path, holder)
  }
  throw lockedError(undefined)
}

/** Moves a stale lock away; when another process was faster and the moved one is alive, puts it back. */
async function removeStale(path: string, expected: Holder | 'unreadable'): Promise<void> {
  const aside = `${path}.stale-${randomUUID()}`
  try {
    await rename(path, aside)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return
    throw error
  }
  const moved = await readHolder(aside)
  const same = moved === expected || (typeof moved === 'object' && typeof expected === 'object' && moved.token === expected.token)
  if (!same && moved !== undefined) {
    await link(aside, path).catch((error) => {
      if (errorCode(error) !== 'EEXIST') throw error
    })
  }
  await rm(aside, { force: true })
}

async function readHolder(path: string): Promise<Holder | 'unreadable' | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
  try {
    return holderSchema.parse(JSON.parse(text))
  } catch {
    // Never written by us in one piece (links are atomic): damaged by a full disk or by hand.
    return 'unreadable'
  }
}

async function isAlive(holder: Holder, path: string, clock: Clock): Promise<boolean> {
  if (holder.host !== hostname()) {
    const touched = await stat(path).catch(() => undefined)
    return touched !== undefined && clock.now() - touched.mtimeMs < FOREIGN_STALE_MS
  }
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    // EPERM: it exists and belongs to somebody else.
    if (errorCode(error) === 'ESRCH') return false
  }
  const started = await processStart(holder.pid)
  return started === null || holder.started === null || started === holder.started
}

/** Field 22 of /proc/<pid>/stat; the name in field 2 may hold spaces and brackets. Null where there is no /proc. */
async function processStart(pid: number): Promise<string | null> {
  try {
    const line = await readFile(`/proc/${pid}/stat`, 'latin1')
    return line.slice(line.lastIndexOf(')') + 2).split(' ')[19] ?? null
  } catch {
    // Not Linux, or the process has just ended: the caller decides by the process number alone.
    return null
  }
}

function hold(path: string, own: Holder, clock: Clock): DirLock {
  let cancel = (): void => {}
  let released: Promise<void> | undefined
  const touch = (): void => {
    if (released) return
    cancel = clock.after(TOUCH_MS, () => {
      const now = new Date(clock.now())
      // A failed touch only matters to other machines, which then see an old lock; a full disk must not end the process.
      utimes(path, now, now)
        .catch(() => {})
        .finally(touch)
    })
  }
  touch()
  const free = async (): Promise<void> => {
    cancel()
    const holder = await readHolder(path).catch(() => undefined)
    if (typeof holder === 'object' && holder.token === own.token) await rm(path, { force: true }).catch(() => {})
  }
  return {
    release() {
      released ??= free()
      return released
    },
  }
}

function lockedError(holder: Holder | undefined): K2Error {
  const who = holder === undefined ? 'another process' : `process ${holder.pid} on ${holder.host}`
  return new K2Error({
    code: 'DB_LOCKED',
    kind: 'conflict',
    message: `the data directory is in use by ${who}: stop it first, or use another data directory`,
    data: { exitCode: EXIT_LOCKED, ...(holder && { pid: holder.pid, host: holder.host }) },
  })
}
