import { randomUUID } from 'node:crypto'
import { link, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { basename, dirname } from 'node:path'
import { z } from 'zod'
import { type Clock, systemClock } from '../base/clock.ts'
import { errorCode, K2Error } from '../base/errors.ts'

/** Exit code of the program when a folder is in use. */
const EXIT_LOCKED = 5
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
  released: z.boolean(),
})
type Holder = z.output<typeof holderSchema>

export interface DirLock {
  /** Gives the folder free. Idempotent; never throws. */
  release(): Promise<void>
}

/**
 * Takes the lock files `path.<n>` so that one process uses a folder; locks left behind by killed processes are taken over.
 * Error: `DB_LOCKED` (exit code 5), naming the other process.
 *
 * The file with the highest number is the lock. It is never removed and never taken back: whoever finds it released or its
 * holder gone creates the next number, which the file system allows to one of them. Nothing is decided by removing a
 * file, so two that look at the same stale lock cannot both end up with it.
 */
export async function acquireDirLock(path: string, clock: Clock = systemClock): Promise<DirLock> {
  const own: Holder = {
    pid: process.pid,
    started: await processStart(process.pid),
    host: hostname(),
    token: randomUUID(),
    released: false,
  }
  const draft = `${path}.new-${own.token}`
  await writeFile(draft, JSON.stringify(own), { mode: 0o600, flag: 'wx' })
  try {
    for (;;) {
      const numbers = await lockNumbers(path)
      const last = Math.max(0, ...numbers)
      if (last > 0) await refuseIfHeld(`${path}.${last}`, clock)
      const file = `${path}.${last + 1}`
      if (!(await linkNew(draft, file))) continue
      const after = await lockNumbers(path)
      if (Math.max(...after) > last + 1) {
        // The number was free only because others have long gone past it.
        await rm(file, { force: true })
        continue
      }
      for (const n of after) if (n <= last) await rm(`${path}.${n}`, { force: true })
      return hold(file, own, clock)
    }
  } finally {
    await rm(draft, { force: true })
  }
}

/** Linking is atomic and fails when the name exists; nobody ever sees half a lock. */
async function linkNew(draft: string, file: string): Promise<boolean> {
  try {
    await link(draft, file)
    return true
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false
    throw error
  }
}

async function lockNumbers(path: string): Promise<number[]> {
  const prefix = `${basename(path)}.`
  return (await readdir(dirname(path)))
    .filter((name) => name.startsWith(prefix) && /^[1-9]\d{0,14}$/.test(name.slice(prefix.length)))
    .map((name) => Number(name.slice(prefix.length)))
}

async function refuseIfHeld(file: string, clock: Clock): Promise<void> {
  const holder = await readHolder(file)
  if (holder && !holder.released && (await isAlive(holder, file, clock))) throw lockedError(holder)
}

/** Undefined: gone meanwhile, or damaged by a full disk or by hand; links are atomic, so it was never written halfway. */
async function readHolder(file: string): Promise<Holder | undefined> {
  try {
    return holderSchema.safeParse(JSON.parse(await readFile(file, 'utf8'))).data
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || error instanceof SyntaxError) return undefined
    throw error
  }
}

async function isAlive(holder: Holder, file: string, clock: Clock): Promise<boolean> {
  if (holder.host !== hostname()) {
    const touched = await stat(file).catch(() => undefined)
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

function hold(file: string, own: Holder, clock: Clock): DirLock {
  let cancel = (): void => {}
  let released: Promise<void> | undefined
  const touch = (): void => {
    if (released) return
    cancel = clock.after(TOUCH_MS, () => {
      const now = new Date(clock.now())
      // A failed touch only matters to other machines, which then see an old lock; a full disk must not end the process.
      utimes(file, now, now)
        .catch(() => {})
        .finally(touch)
    })
  }
  touch()
  const free = async (): Promise<void> => {
    cancel()
    const draft = `${file}.released`
    try {
      if ((await readHolder(file))?.token !== own.token) return
      await writeFile(draft, JSON.stringify({ ...own, released: true }), { mode: 0o600 })
      await rename(draft, file)
    } catch {
      // The disk may be full or the folder gone. The lock ends with this process in any case.
      await rm(draft, { force: true }).catch(() => {})
    }
  }
  return {
    release() {
      released ??= free()
      return released
    },
  }
}

function lockedError(holder: Holder): K2Error {
  return new K2Error({
    code: 'DB_LOCKED',
    kind: 'conflict',
    message: `the data directory is in use by process ${holder.pid} on ${holder.host}: stop it first, or use another data directory`,
    data: { exitCode: EXIT_LOCKED, pid: holder.pid, host: holder.host },
  })
}
