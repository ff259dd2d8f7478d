import { Hono } from 'hono'
import type { DatabaseSnapshots } from '../../backup/snapshots.ts'

/** `/api/backup`, behind the admin token: the command line makes the rest of a backup itself. */
export function backupRoutes(snapshots: Pick<DatabaseSnapshots, 'take'>): Hono {
  return new Hono().post('/database', async (c) => c.json(await snapshots.take()))
}
