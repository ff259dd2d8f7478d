import { openDatabase } from '../../../src/gateway/db/database.ts'
import { embeddedDir } from '../../support/embedded.ts'
import { pacingSuite } from './pacing-suite.ts'

pacingSuite('pacing on the embedded database', async () => {
  const { dir, remove } = await embeddedDir()
  const db = await openDatabase({ driver: 'embedded', dir })
  return {
    db,
    async close() {
      await db.close()
      await remove()
    },
  }
})
