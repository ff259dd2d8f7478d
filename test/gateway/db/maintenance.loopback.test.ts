import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ManualClock } from '../../../src/base/clock.ts'
import { nullLogger } from '../../../src/base/logger.ts'
import { type Database, openDatabase } from '../../../src/gateway/db/database.ts'
import { Maintenance } from '../../../src/gateway/db/maintenance.ts'
import { embeddedDir, type TestDir } from '../../support/embedded.ts'

const MIB = 1024 ** 2
const MIGRATIONS = [
  {
    name: '0001-test',
    sql: "create table k2.busy (id integer primary key, note text); insert into k2.busy select g, repeat('x', 400) from generate_series(1, 5000) g",
  },
]

describe('maintenance of the embedded database', () => {
  let made: TestDir
  let db: Database<unknown>
  beforeAll(async () => {
    made = await embeddedDir()
    db = await openDatabase({ driver: 'embedded', dir: made.dir }, { migrations: MIGRATIONS })
  })
  afterAll(async () => {
    await db?.close()
    await made?.remove()
  })
  const ask = async (text: string): Promise<number> => (await db.pool.query<{ n: number }>(text)).rows[0]?.n ?? 0

  it('keeps log and tables small however much is written', async () => {
    const maintenance = new Maintenance({ pool: db.pool, clock: new ManualClock(), log: nullLogger })
    await maintenance.look()
    const tableSize = () => ask("select pg_relation_size('k2.busy')::float8 as n")
    const logSize = () => ask('select sum(size)::float8 as n from pg_ls_waldir()')
    const first = await tableSize()
    for (let round = 0; round < 12; round++) {
      await db.pool.query('update k2.busy set note = repeat(md5($1), 12)', [String(round)])
      await db.pool.query('update k2.busy set note = repeat(md5($1), 11)', [String(round)])
      await maintenance.look()
    }
    // 24 rewrites of the table: 24 times its size in rows, and as much in the log.
    expect(maintenance.rounds).toBeGreaterThanOrEqual(3)
    expect(await tableSize()).toBeLessThan(first * 10)
    expect(await logSize()).toBeLessThan(70 * MIB)
    expect(await ask('select count(*)::float8 as n from k2.busy')).toBe(5000)
  })
})
