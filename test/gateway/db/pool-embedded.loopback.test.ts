import { afterAll, beforeAll, describe } from 'vitest'
import { openDatabase } from '../../../src/gateway/db/database.ts'
import { embeddedDir, type TestDir } from '../../support/embedded.ts'
import { poolConformance } from './pool-conformance.ts'

describe('pool on the embedded database', () => {
  const made: TestDir[] = []
  let first: string
  beforeAll(async () => {
    made.push(await embeddedDir())
    first = (made[0] as TestDir).dir
  })
  afterAll(async () => {
    for (const dir of made) await dir.remove()
  })
  let opened = 0
  poolConformance({
    // A directory belongs to one database at a time, so each further one gets its own, with the same table.
    async open(options) {
      if (opened++ === 0) return openDatabase({ driver: 'embedded', dir: first }, options)
      const dir = await embeddedDir()
      made.push(dir)
      const db = await openDatabase<unknown>({ driver: 'embedded', dir: dir.dir }, options)
      await db.pool.query('create table k2.item (id integer primary key, note text)')
      return db
    },
  })
})
