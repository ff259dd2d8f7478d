import { execFile } from 'node:child_process'
import { cp, mkdtemp, open, readdir, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Database, openDatabase } from '../../../src/gateway/db/database.ts'
import { STOP_BELOW_BYTES, shouldStopWrites } from '../../../src/gateway/db/disk-guard.ts'
import { toDbError } from '../../../src/gateway/db/errors.ts'
import { embeddedDir } from '../../support/embedded.ts'

const run = promisify(execFile)
const MIGRATIONS = [{ name: '0001-test', sql: 'create table k2.item (id integer primary key, note text)' }]

/** A file system of so many MB, if this user may make one. */
async function smallDisk(size: number): Promise<string | undefined> {
  const dir = await mkdtemp(join(tmpdir(), 'k2-disk-'))
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${size}m`, 'tmpfs', dir])
    return dir
  } catch {
    // Mounting needs rights that few users have.
    await rm(dir, { recursive: true, force: true })
    return undefined
  }
}

const disk = process.platform === 'linux' && process.getuid?.() === 0 ? await smallDisk(100) : undefined
if (disk === undefined) console.warn('skipped: full disk (needs the right to mount a tmpfs)')

describe('disk guard', () => {
  it('stops below one mark and resumes above another', () => {
    expect(shouldStopWrites(false, STOP_BELOW_BYTES)).toBe(false)
    expect(shouldStopWrites(false, STOP_BELOW_BYTES - 1)).toBe(true)
    expect(shouldStopWrites(true, STOP_BELOW_BYTES + 1)).toBe(true)
    expect(shouldStopWrites(true, 2 * STOP_BELOW_BYTES)).toBe(false)
  })
})

describe.skipIf(disk === undefined)('embedded database on a disk that is too small', () => {
  it('says so, and leaves nothing behind', async () => {
    const tiny = (await smallDisk(12)) as string
    try {
      await expect(openDatabase({ driver: 'embedded', dir: join(tiny, 'db') })).rejects.toMatchObject({ code: 'DB_DISK_FULL' })
      expect((await readdir(join(tiny, 'db'))).filter((name) => !name.startsWith('lock.'))).toEqual([])
    } finally {
      await run('umount', [tiny])
      await rm(tiny, { recursive: true, force: true })
    }
  })
})

describe.skipIf(disk === undefined)('embedded database on a full disk', () => {
  const root = disk as string
  const filler = join(root, 'filler')
  let db: Database<unknown>
  let next = 1

  /** Fills the disk until `left` bytes are free. */
  const fill = async (left: number): Promise<void> => {
    const file = await open(filler, 'a')
    const chunk = Buffer.alloc(256 * 1024)
    try {
      for (;;) {
        const { bavail, bsize } = await statfs(root)
        const room = bavail * bsize - left
        if (room <= 0) return
        await file.write(chunk, 0, Math.min(chunk.length, room))
      }
    } finally {
      await file.close()
    }
  }
  const write = (bytes = 100) => db.pool.query('insert into k2.item values ($1, $2)', [next++, 'x'.repeat(bytes)])
  const failure = (work: Promise<unknown>) => work.then(() => 'written', toDbError)
  const count = async () => (await db.pool.query<{ n: number }>('select count(*)::int4 as n from k2.item')).rows[0]?.n

  beforeAll(async () => {
    const made = await embeddedDir()
    await cp(made.dir, join(root, 'db'), { recursive: true })
    await made.remove()
    db = await openDatabase({ driver: 'embedded', dir: join(root, 'db') }, { migrations: MIGRATIONS })
  })
  afterAll(async () => {
    await db?.close()
    await run('umount', [root])
    await rm(root, { recursive: true, force: true })
  })

  it('refuses writes while little is left, still reads, and goes on when there is space', async () => {
    await write()
    await fill(STOP_BELOW_BYTES - 4 * 1024 ** 2)
    await expect.poll(() => failure(write()), { timeout: 30_000 }).toMatchObject({ code: 'DB_DISK_FULL', retry: 'later' })
    expect(db.health()).toMatchObject({ status: 'failed', reason: expect.stringContaining('disk') })
    expect(await count()).toBeGreaterThan(0)
    await rm(filler)
    await expect.poll(() => failure(write()), { timeout: 30_000 }).toBe('written')
    expect(db.health()).toEqual({ status: 'ok' })
  })

  it('fails a statement whose rows do not fit, and keeps everything else', async () => {
    const acknowledged = (await count()) as number
    await fill(1024 ** 2)
    // One statement larger than what is left, so that no look at the disk comes in between.
    const large =
      'insert into k2.item select -g, string_agg(md5(h::text), null) from generate_series(1, 300) g, generate_series(1, 5000) h group by g'
    expect(await failure(db.pool.query(large))).toMatchObject({ code: 'DB_DISK_FULL', data: { sqlState: '53100' } })
    await rm(filler)
    await expect.poll(() => failure(write()), { timeout: 30_000 }).toBe('written')
    expect(await count()).toBe(acknowledged + 1)
  })

  it('survives that its log cannot be written, and goes on when there is space', async () => {
    const acknowledged = (await count()) as number
    await fill(1024 ** 2)
    // Writes to the log alone: the engine gives up here, whatever it is doing.
    const log = "select pg_logical_emit_message(false, 'k2', repeat('x', 1000000)) from generate_series(1, 80)"
    expect(await failure(db.pool.query(log))).toMatchObject({ code: 'DB_DISK_FULL', retry: 'ambiguous' })
    // It cannot even start without space: callers hear why, nobody waits.
    await expect.poll(() => failure(write()), { timeout: 30_000 }).toMatchObject({ code: 'DB_DISK_FULL', retry: 'later' })
    expect(db.health().status).not.toBe('ok')
    await rm(filler)
    await expect.poll(() => failure(write()), { timeout: 40_000 }).toBe('written')
    expect(await count()).toBe(acknowledged + 1)
    expect(db.health()).toEqual({ status: 'ok' })
  })
})
