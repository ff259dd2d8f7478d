import { inspect } from 'node:util'
import { CompiledQuery } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ManualClock } from '../../../src/base/clock.ts'
import { openDatabase } from '../../../src/gateway/db/database.ts'
import { toDbError } from '../../../src/gateway/db/errors.ts'
import { freePort } from '../../support/free-port.ts'
import { startPostgres, type TestPostgres } from '../../support/postgres.ts'
import { describeWith } from '../../support/servers.ts'

const MIGRATIONS = [
  { name: '0001-test', sql: 'create table k2.item (id integer primary key)' },
  { name: '0002-test', sql: 'create index item_again on k2.item (id); insert into k2.item values (1)' },
]

describeWith('postgres', 'a Postgres server in trouble', () => {
  let server: TestPostgres
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(() => server?.stop())

  const refused = async (url: string) => {
    // A clock at its end: the wait for a server that is still starting is over at once.
    const clock = new ManualClock()
    const monotonic = clock.monotonic()
    let asked = 0
    Object.assign(clock, { monotonic: () => (asked++ === 0 ? monotonic : monotonic + 3_600_000) })
    const error: unknown = await openDatabase({ driver: 'postgres', url }, { clock, migrations: [] }).then(
      () => undefined,
      (e: unknown) => e,
    )
    expect(inspect(error, { depth: 6 })).not.toContain('secret')
    return error
  }

  it('says which server does not answer, without the password', async () => {
    const port = await freePort()
    expect(await refused(`postgres://me:secret@127.0.0.1:${port}/chat`)).toMatchObject({
      code: 'DB_UNREACHABLE',
      kind: 'network',
      message: expect.stringContaining(`127.0.0.1:${port}/chat`),
      data: { target: `127.0.0.1:${port}/chat` },
    })
  })

  it('tells a wrong user from a missing database', async () => {
    const base = `127.0.0.1:${server.port}`
    expect(await refused(`postgres://nobody:secret@${base}/k2_1`)).toMatchObject({ code: 'DB_DENIED', kind: 'config' })
    expect(await refused(`postgres://k2:secret@${base}/nowhere`)).toMatchObject({ code: 'DB_MISSING', kind: 'config' })
    expect(await refused('mysql://me:secret@host/db')).toMatchObject({ code: 'DB_BAD_URL', kind: 'config' })
  })

  it('lets several gateways start at the same time on an empty database', async () => {
    const url = await server.createDatabase()
    const all = await Promise.all(
      Array.from({ length: 4 }, () => openDatabase<unknown>({ driver: 'postgres', url }, { migrations: MIGRATIONS })),
    )
    expect((await all[0]?.pool.query('select name from k2.migration order by position'))?.rows).toEqual([
      { name: '0001-test' },
      { name: '0002-test' },
    ])
    for (const db of all) await db.close()
  })

  it('connects again by itself, and tells subscribers that something may have been missed', { timeout: 60_000 }, async () => {
    const url = await server.createDatabase()
    const db = await openDatabase<unknown>({ driver: 'postgres', url }, { migrations: MIGRATIONS })
    const heard: string[] = []
    const end = await db.listen('k2_test', (payload) => heard.push(payload))
    const held = await db.pool.connect()
    await held.query('begin')
    await server.kill()
    const during = await db.pool.query('select 1').catch((e: unknown) => toDbError(e))
    expect(during).toMatchObject({ code: 'DB_UNREACHABLE', retry: 'later' })
    await expect(held.query('select 1')).rejects.toThrow()
    held.release()
    await server.restart()
    await expect
      .poll(
        () =>
          db.pool.query('select 1 as a').then(
            (r) => r.rows,
            () => 'not yet',
          ),
        { timeout: 20_000 },
      )
      .toEqual([{ a: 1 }])
    await expect.poll(() => heard, { timeout: 20_000 }).toEqual([''])
    await db.pool.query("notify k2_test, 'after'")
    await expect.poll(() => heard).toEqual(['', 'after'])
    await end()
    await db.close()
  })

  it('reports its health, and that it is well again', { timeout: 60_000 }, async () => {
    const db = await openDatabase<unknown>({ driver: 'postgres', url: await server.createDatabase() }, { migrations: [] })
    expect(db.health()).toEqual({ status: 'ok' })
    await server.kill()
    await expect
      .poll(() => db.health(), { timeout: 20_000 })
      .toMatchObject({
        status: 'failed',
        reason: expect.stringContaining(String(server.port)),
      })
    await server.restart()
    await expect.poll(() => db.health(), { timeout: 20_000 }).toEqual({ status: 'ok' })
    await db.close()
  })

  it('runs a transaction again that lost against another', async () => {
    const db = await openDatabase<{ item: { id: number } }>(
      { driver: 'postgres', url: await server.createDatabase() },
      { migrations: MIGRATIONS },
    )
    const runs = { a: 0, b: 0 }
    // Both read all and write what the other one read: one of them must run again.
    const both = (['a', 'b'] as const).map((who) =>
      db.transaction(async (tx) => {
        runs[who]++
        await tx.executeQuery(CompiledQuery.raw('set transaction isolation level serializable'))
        const rows = await tx.selectFrom('item').select('id').execute()
        await new Promise((resolve) => setTimeout(resolve, 50))
        await tx
          .insertInto('item')
          .values({ id: rows.length * 10 + (who === 'a' ? 1 : 2) })
          .execute()
      }),
    )
    await Promise.all(both)
    expect(runs.a + runs.b).toBe(3)
    await db.close()
  })
})
