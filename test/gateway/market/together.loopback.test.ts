import { afterAll, beforeAll, describe } from 'vitest'
import { type Database, openDatabase } from '../../../src/gateway/db/database.ts'
import { embeddedDir, type TestDir } from '../../support/embedded.ts'
import { describeTogether } from './together-suite.ts'

let dir: TestDir
let db: Database<unknown>

beforeAll(async () => {
  dir = await embeddedDir()
  db = await openDatabase({ driver: 'embedded', dir: dir.dir })
}, 60_000)
afterAll(async () => {
  await db.close()
  await dir.remove()
})

describe('two gateways on one database', () => {
  describeTogether(() => [db, db])
})
