import { once } from 'node:events'
import { cp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CompiledQuery } from 'kysely'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Database, openDatabase } from '../../../src/gateway/db/database.ts'
import { EMBEDDED_FILES } from '../../../src/gateway/db/embedded.ts'
import { toDbError } from '../../../src/gateway/db/errors.ts'
import { MAX_WAITING } from '../../../src/gateway/db/pglite-host.ts'
import type { PgPool } from '../../../src/gateway/db/pool.ts'
import { embeddedDir, type TestDir } from '../../support/embedded.ts'

/** The engine has no programs it could start: this breaks it in the middle of a statement. */
const BREAK = "copy (select 1) to program 'true'"

const MIGRATIONS = [{ name: '0001-test', sql: 'create table k2.item (id integer primary key)' }]

describe('embedded database in use', () => {
  let made: TestDir
  let db: Database<unknown>
  let pool: PgPool
  const ids = async (): Promise<number[]> =>
    (await pool.query<{ id: number }>('select id from k2.item order by id')).rows.map((row) => row.id)

  beforeAll(async () => {
    made = await embeddedDir()
    db = await openDatabase({ driver: 'embedded', dir: made.dir }, { migrations: MIGRATIONS })
    pool = db.pool
  })
  beforeEach(() => pool.query('delete from k2.item'))
  afterAll(async () => {
    await db?.close()
    await made?.remove()
  })

  it('starts its engine again after a crash and keeps what was committed', async () => {
    await pool.query('insert into k2.item values (1)')
    await expect(pool.query(BREAK)).rejects.toMatchObject({ code: 'DB_RESTARTED', retry: 'ambiguous' })
    expect(await ids()).toEqual([1])
    expect(db.health()).toEqual({ status: 'ok' })
  })

  it('tells clients that their transaction is gone, and lets waiting statements go on', async () => {
    const client = await pool.connect()
    await client.query('begin')
    await client.query('insert into k2.item values (1)')
    const lost = once(client, 'error')
    const waiting = Array.from({ length: 200 }, (_, i) => pool.query('insert into k2.item values ($1)', [100 + i]))
    const settled = Promise.allSettled(waiting)
    await expect(client.query(BREAK)).rejects.toMatchObject({ code: 'DB_RESTARTED', retry: 'later' })
    expect((await lost)[0]).toMatchObject({ code: 'DB_RESTARTED' })
    await expect(client.query('insert into k2.item values (2)')).rejects.toMatchObject({ code: 'DB_RESTARTED' })
    client.release(true)
    const results = await settled
    const kept = results.flatMap((r, i) => (r.status === 'fulfilled' ? [100 + i] : []))
    // Those the engine had taken may not have run; all that were still waiting on this side must have.
    expect(kept.length).toBeGreaterThanOrEqual(200 - 64)
    for (const r of results) if (r.status === 'rejected') expect(r.reason).toMatchObject({ code: 'DB_RESTARTED' })
    const stored = await ids()
    expect(stored).not.toContain(1)
    expect(stored).toEqual(expect.arrayContaining(kept))
  })

  it('subscribes again after a crash, and says that something may have been missed', async () => {
    const heard: string[] = []
    const end = await db.listen('k2_test', (payload) => heard.push(payload))
    await pool.query("notify k2_test, 'before'")
    await expect(pool.query(BREAK)).rejects.toThrow()
    await expect.poll(() => heard, { timeout: 20_000 }).toEqual(['before', ''])
    await pool.query("notify k2_test, 'after'")
    await expect.poll(() => heard).toEqual(['before', '', 'after'])
    await end()
  })

  it('survives several crashes in a row', async () => {
    for (let i = 1; i <= 3; i++) {
      await pool.query('insert into k2.item values ($1)', [i])
      await expect(pool.query(BREAK)).rejects.toThrow()
    }
    expect(await ids()).toEqual([1, 2, 3])
  })

  it('refuses more waiting statements than it can hold, and serves those it took', async () => {
    const client = await pool.connect()
    await client.query('begin')
    const taken = Array.from({ length: MAX_WAITING + 64 }, () => pool.query('select 1'))
    await expect(pool.query('select 1')).rejects.toMatchObject({ code: 'DB_OVERLOADED', kind: 'limit', retry: 'later' })
    await client.query('commit')
    client.release()
    await Promise.all(taken)
    expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }])
  })

  it('runs statements of one client in the order they were given', async () => {
    const client = await pool.connect()
    const all = [
      'begin',
      'insert into k2.item values (1)',
      'insert into k2.item values (2)',
      'delete from k2.item where id = 1',
      'commit',
    ]
    await Promise.all(all.map((text) => client.query(text)))
    client.release()
    expect(await ids()).toEqual([2])
  })

  it('does not open a transaction for a client that was given back before its turn', async () => {
    const holder = await pool.connect()
    await holder.query('begin')
    const others = Array.from({ length: 100 }, () => pool.query('select 1'))
    const early = await pool.connect()
    const begun = early.query('begin').catch((error: unknown) => error)
    early.release()
    await holder.query('commit')
    holder.release()
    await Promise.all(others)
    expect(await begun).toMatchObject({ code: 'DB_CLOSED' })
    // Nobody holds the session: this would wait for the end of the forgotten transaction.
    await pool.query('insert into k2.item values (1)')
    expect(await ids()).toEqual([1])
  })

  it('refuses what would break the protocol, and goes on', async () => {
    await expect(pool.query('select 1\0; select 2')).rejects.toMatchObject({ code: '22021' })
    await expect(pool.query('select $1::text', ['a\0b'])).rejects.toMatchObject({ code: '22021' })
    await expect(pool.query('select 1', new Array(70_000).fill(1))).rejects.toMatchObject({ code: '54000' })
    expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }])
  })

  it('refuses a transaction outside a client instead of leaving it open', async () => {
    await expect(pool.query('begin')).rejects.toMatchObject({ code: '25001' })
    await pool.query('insert into k2.item values (1)')
    expect(await ids()).toEqual([1])
  })

  it('keeps notifications that nobody heard for the next listener', async () => {
    const client = await pool.connect()
    await client.query('listen k2_test')
    await pool.query("notify k2_test, 'x'")
    await pool.query("notify k2_test, 'x'")
    await pool.query("notify k2_test, 'y'")
    const heard: string[] = []
    client.on('notification', (n: { payload: string }) => heard.push(n.payload))
    await expect.poll(() => heard).toEqual(['x', 'y'])
    client.release()
  })

  it('rolls back work that fails, runs it again after a conflict, and passes on foreign errors', async () => {
    const own = db
    const insert = (id: number) => pool.query('insert into k2.item values ($1)', [id])
    await insert(1)
    await expect(
      own.transaction(async (tx) => {
        await tx.executeQuery(CompiledQuery.raw('insert into k2.item values (5)'))
        await tx.executeQuery(CompiledQuery.raw('insert into k2.item values (1)'))
      }),
    ).rejects.toMatchObject({ code: 'DB_CONFLICT', data: { constraint: 'item_pkey' } })
    const foreign = new TypeError('mine')
    await expect(own.transaction(() => Promise.reject(foreign))).rejects.toBe(foreign)
    let runs = 0
    const answer = await own.transaction(async (tx) => {
      await tx.executeQuery(CompiledQuery.raw(`insert into k2.item values (${10 + runs})`))
      if (++runs < 3)
        await tx.executeQuery(CompiledQuery.raw("do $$ begin raise exception 'lost' using errcode = '40001'; end $$"))
      return runs
    })
    expect(answer).toBe(3)
    expect(await ids()).toEqual([1, 12])
  })
})

describe('opening an embedded database', () => {
  let made: TestDir
  let db: Database<unknown> | undefined
  const open = async (): Promise<Database<unknown>> => {
    db = await openDatabase({ driver: 'embedded', dir: made.dir }, { migrations: MIGRATIONS })
    return db
  }
  beforeAll(async () => {
    made = await embeddedDir()
  })
  afterEach(() => db?.close())
  afterAll(() => made?.remove())

  it('belongs to one process at a time', async () => {
    await open()
    await expect(openDatabase({ driver: 'embedded', dir: made.dir })).rejects.toMatchObject({
      code: 'DB_LOCKED',
      data: { pid: process.pid, exitCode: 5 },
    })
    await db?.close()
    await open()
  })

  it('closes promptly although somebody holds a transaction open', async () => {
    const { pool } = await open()
    const client = await pool.connect()
    const lost = once(client, 'error')
    await client.query('begin')
    await client.query('insert into k2.item values (77)')
    await db?.close()
    expect((await lost)[0]).toMatchObject({ code: 'DB_CLOSED' })
    await expect(client.query('commit')).rejects.toMatchObject({ code: 'DB_CLOSED' })
    client.release()
    expect((await (await open()).pool.query('select * from k2.item where id = 77')).rows).toEqual([])
  })

  it('refuses a cluster of another engine version', async () => {
    await writeFile(join(made.dir, EMBEDDED_FILES.cluster, 'PG_VERSION'), '17\n')
    await expect(openDatabase({ driver: 'embedded', dir: made.dir })).rejects.toMatchObject({
      code: 'DB_ENGINE_MISMATCH',
      data: { found: '17', expected: 18 },
    })
    await writeFile(join(made.dir, EMBEDDED_FILES.cluster, 'PG_VERSION'), '18\n')
    await open()
  })

  it('refuses a damaged cluster clearly and lets go of the folder', async () => {
    const control = join(made.dir, EMBEDDED_FILES.cluster, 'global/pg_control')
    await cp(control, `${control}.saved`)
    await rm(control)
    const error = toDbError(await openDatabase({ driver: 'embedded', dir: made.dir }).catch((e: unknown) => e))
    expect(error).toMatchObject({ code: 'DB_UNAVAILABLE', kind: 'storage' })
    expect(error.message).toContain('pg_control')
    await cp(`${control}.saved`, control)
    await open()
  })

  it('refuses a database of a newer version of the gateway', async () => {
    await open()
    await db?.close()
    await expect(openDatabase({ driver: 'embedded', dir: made.dir }, { migrations: [] })).rejects.toMatchObject({
      code: 'DB_SCHEMA_NEWER',
    })
  })

  it('applies either all pending steps or none', async () => {
    const broken = [...MIGRATIONS, { name: '0002-test', sql: 'create table k2.more (); create table k2.item ()' }]
    await expect(openDatabase({ driver: 'embedded', dir: made.dir }, { migrations: broken })).rejects.toMatchObject({
      code: 'DB_QUERY_FAILED',
      data: { sqlState: '42P07' },
    })
    const { pool } = await open()
    expect((await pool.query("select to_regclass('k2.more') as more")).rows).toEqual([{ more: null }])
    expect((await pool.query('select name from k2.migration')).rows).toEqual([{ name: '0001-test' }])
  })
})
