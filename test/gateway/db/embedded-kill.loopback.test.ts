import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { below, seededRng } from '../../../src/base/random.ts'
import { openDatabase } from '../../../src/gateway/db/database.ts'
import { embeddedDir } from '../../support/embedded.ts'
import { TsChild } from '../../support/ts-child.ts'

const WRITER = join(import.meta.dirname, 'writer-child.ts')

describe('embedded database and kill -9', () => {
  it('keeps everything it acknowledged through five kills', { timeout: 180_000 }, async () => {
    const made = await embeddedDir()
    const rng = seededRng(20_261)
    const acknowledged: number[] = []
    for (let round = 0; round < 5; round++) {
      const child = new TsChild(WRITER, [made.dir])
      const writes = 20 + below(rng, 150)
      await child.until((lines) => lines.length > writes)
      await child.end('SIGKILL')
      expect(child.lines[0]).toBe('ready')
      acknowledged.push(...child.lines.slice(1).map(Number))
    }
    expect(acknowledged.length).toBeGreaterThan(100)
    const migrations = [{ name: '0001-test', sql: 'create table k2.written (id integer primary key, note text)' }]
    const db = await openDatabase<unknown>({ driver: 'embedded', dir: made.dir }, { migrations })
    const { rows } = await db.pool.query<{ id: number }>('select id from k2.written order by id')
    const stored = new Set(rows.map((row) => row.id))
    expect(acknowledged.filter((id) => !stored.has(id))).toEqual([])
    // Pairs were committed together: the second of a pair is never there alone, nor the first.
    expect([...stored].filter((id) => id % 3 === 2 && !stored.has(id + 1))).toEqual([])
    await db.close()
    await made.remove()
  })

  it('starts from scratch when the first start was killed', { timeout: 180_000 }, async () => {
    const parent = await mkdtemp(join(tmpdir(), 'k2-db-first-'))
    const dir = join(parent, 'db')
    for (const ms of [900, 2200]) {
      const child = new TsChild(WRITER, [dir])
      await new Promise((resolve) => setTimeout(resolve, ms))
      await child.end('SIGKILL')
    }
    const child = new TsChild(WRITER, [dir])
    await child.until((lines) => lines.length > 10)
    await child.end('SIGKILL')
    await rm(parent, { recursive: true, force: true })
  })
})
