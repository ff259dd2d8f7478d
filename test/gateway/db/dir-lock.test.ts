import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { acquireDirLock } from '../../../src/gateway/db/dir-lock.ts'

/** No process has this number. */
const GONE = 2 ** 22 + 1

describe('directory lock', () => {
  let dir: string
  let path: string
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'k2-lock-'))
    path = join(dir, 'lock')
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  const foreign = (over: object): string =>
    JSON.stringify({ pid: process.pid, started: null, host: hostname(), token: 'another', released: false, ...over })

  it('is held by one at a time and free again after its release', async () => {
    const lock = await acquireDirLock(path)
    await expect(acquireDirLock(path)).rejects.toMatchObject({
      code: 'DB_LOCKED',
      kind: 'conflict',
      data: { pid: process.pid, exitCode: 5 },
      message: expect.stringContaining(`process ${process.pid} on ${hostname()}`),
    })
    await lock.release()
    await lock.release()
    const again = await acquireDirLock(path)
    await expect(acquireDirLock(path)).rejects.toMatchObject({ code: 'DB_LOCKED' })
    await again.release()
    expect(await readdir(dir)).toEqual(['lock.2'])
  })

  it('lets exactly one of many contenders in, whatever is left of others', async () => {
    for (const left of [undefined, foreign({ pid: GONE }), foreign({ released: true }), '{"pid":']) {
      await rm(dir, { recursive: true })
      await mkdir(dir)
      if (left !== undefined) await writeFile(`${path}.7`, left)
      const results = await Promise.allSettled(Array.from({ length: 20 }, () => acquireDirLock(path)))
      expect(results.filter((r) => r.status === 'fulfilled').length).toBe(1)
      for (const r of results) if (r.status === 'rejected') expect(r.reason).toMatchObject({ code: 'DB_LOCKED' })
      expect(await readdir(dir)).toEqual([left === undefined ? 'lock.1' : 'lock.8'])
    }
  })

  it('never has two holders while many take and release it', async () => {
    let holders = 0
    let most = 0
    let taken = 0
    const contend = async (): Promise<void> => {
      for (let i = 0; i < 15; i++) {
        const lock = await acquireDirLock(path).catch((error) => {
          expect(error).toMatchObject({ code: 'DB_LOCKED' })
        })
        if (!lock) continue
        most = Math.max(most, ++holders)
        taken++
        await new Promise((resolve) => setImmediate(resolve))
        holders--
        await lock.release()
      }
    }
    await Promise.all(Array.from({ length: 8 }, contend))
    expect(taken).toBeGreaterThan(0)
    expect(most).toBe(1)
  })

  it('is taken over from a process that is gone', async () => {
    const child = spawn(process.execPath, ['-e', ''])
    await once(child, 'exit')
    await writeFile(`${path}.1`, foreign({ pid: child.pid }))
    const lock = await acquireDirLock(path)
    expect(JSON.parse(await readFile(`${path}.2`, 'utf8')).pid).toBe(process.pid)
    await lock.release()
  })

  it.runIf(process.platform === 'linux')('is taken over when another process has the number now', async () => {
    await writeFile(`${path}.1`, foreign({ started: '1' }))
    await (await acquireDirLock(path)).release()
  })

  it('respects a living process, also one that belongs to somebody else', async () => {
    await writeFile(`${path}.1`, foreign({ pid: 1, started: null }))
    await expect(acquireDirLock(path)).rejects.toMatchObject({ code: 'DB_LOCKED', data: { pid: 1 } })
    expect(JSON.parse(await readFile(`${path}.1`, 'utf8')).token).toBe('another')
  })

  it('respects a lock of another machine while that touches it', async () => {
    await writeFile(`${path}.1`, foreign({ host: 'elsewhere', pid: 7 }))
    await expect(acquireDirLock(path)).rejects.toMatchObject({ code: 'DB_LOCKED', data: { host: 'elsewhere' } })
    const old = new Date(Date.now() - 60_000)
    await utimes(`${path}.1`, old, old)
    await (await acquireDirLock(path)).release()
  })

  it('replaces a damaged lock file', async () => {
    await writeFile(`${path}.1`, '{"pid":')
    await (await acquireDirLock(path)).release()
  })

  it('does not remove a lock that somebody else took meanwhile', async () => {
    const lock = await acquireDirLock(path)
    await writeFile(`${path}.1`, foreign({}))
    await lock.release()
    expect(JSON.parse(await readFile(`${path}.1`, 'utf8')).token).toBe('another')
  })
})
