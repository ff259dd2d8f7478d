import { randomUUID } from 'node:crypto'
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { Clock } from '../../base/clock.ts'
import type { PgPool } from '../db/pool.ts'
import { copyEmbedded, schemaSteps } from './database-copy.ts'
import { backupError } from './errors.ts'
import type { SchemaStep } from './manifest.ts'
import { STAGING } from './marks.ts'

/** Copies that a killed command left behind are removed after this, ms. */
const STALE_MS = 24 * 3600_000

/** The database at one moment. */
export interface DatabaseSnapshot {
  readonly driver: 'embedded' | 'postgres'
  readonly schema: readonly SchemaStep[]
  /** Folder below the data directory with the copy; undefined: the database is not in files of ours. */
  readonly folder?: string | undefined
}

export const snapshotAnswer = z.object({
  driver: z.enum(['embedded', 'postgres']),
  schema: z.array(z.object({ position: z.number(), name: z.string(), checksum: z.string() })),
  folder: z
    .string()
    .regex(/^backup\.partial\/[0-9a-f-]{36}$/)
    .optional(),
})

export interface SnapshotParts {
  readonly dataDir: string
  readonly db: { readonly driver: 'embedded' | 'postgres'; readonly pool: PgPool }
  readonly clock: Clock
}

/** Copies of the database for backups, one at a time. */
export class DatabaseSnapshots {
  readonly #parts: SnapshotParts
  #running = false

  constructor(parts: SnapshotParts) {
    this.#parts = parts
  }

  /** Whoever asked removes the folder. Rejects `BACKUP_RUNNING` while another copy is made. */
  async take(): Promise<DatabaseSnapshot> {
    const { dataDir, db, clock } = this.#parts
    if (db.driver === 'postgres') return { driver: 'postgres', schema: await schemaSteps(db.pool) }
    if (this.#running) throw backupError('BACKUP_RUNNING', 'another backup is being made')
    this.#running = true
    const folder = `${STAGING}/${randomUUID()}`
    try {
      await removeStale(join(dataDir, STAGING), clock.now())
      const to = join(dataDir, folder, 'database')
      await mkdir(to, { recursive: true, mode: 0o700 })
      return { driver: 'embedded', folder, schema: await copyEmbedded(db.pool, join(dataDir, 'database'), to, clock) }
    } catch (error) {
      await rm(join(dataDir, folder), { recursive: true, force: true })
      throw error
    } finally {
      this.#running = false
    }
  }
}

async function removeStale(staging: string, now: number): Promise<void> {
  for (const name of await readdir(staging).catch(() => [])) {
    const info = await stat(join(staging, name)).catch(() => undefined)
    if (info !== undefined && now - info.mtimeMs > STALE_MS) await rm(join(staging, name), { recursive: true, force: true })
  }
}
