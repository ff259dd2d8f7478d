import { z } from 'zod'
import { errorCode } from '../../base/errors.ts'
import { pendingMigrations } from '../db/migrate.ts'
import { MIGRATIONS } from '../db/migrations/index.ts'
import { backupError } from './errors.ts'

/** Raised when what a backup holds changes in a way older programs cannot restore. */
export const BACKUP_VERSION = 1

const step = z.strictObject({ position: z.int().positive(), name: z.string().max(200), checksum: z.string().max(100) })

const manifestSchema = z.object({
  version: z.int(),
  /** ms since the epoch. */
  createdAt: z.int(),
  /** Version of the program that wrote it. */
  program: z.string().max(100),
  instance: z.string().max(100),
  /** Id of the node. */
  node: z.string().regex(/^[0-9a-f]{64}$/),
  /** `postgres`: the SQL database is not inside. */
  database: z.enum(['embedded', 'postgres']),
  /** Schema steps the database had, in their order. */
  schema: z.array(step).max(10_000),
  /** Bytes of each part. */
  parts: z.record(z.string().max(50), z.number()),
  /** Blobs whose content lies in files of the user and is not inside. */
  references: z.int(),
})

export type Manifest = z.output<typeof manifestSchema>
export type SchemaStep = Manifest['schema'][number]

/** Throws `BACKUP_DAMAGED`, or `BACKUP_NEWER` for what a newer version of the program wrote. */
export function readManifest(text: string): Manifest {
  let fields: unknown
  try {
    fields = JSON.parse(text)
  } catch (error) {
    throw backupError('BACKUP_DAMAGED', 'the backup is damaged: what it says of itself cannot be read', error)
  }
  const version = (fields as { version?: unknown } | null)?.version
  if (typeof version === 'number' && version > BACKUP_VERSION) throw newer(`it has the format ${version}`)
  const parsed = manifestSchema.safeParse(fields)
  if (!parsed.success) throw backupError('BACKUP_DAMAGED', 'the backup is damaged: what it says of itself is incomplete')
  try {
    pendingMigrations(MIGRATIONS, parsed.data.schema)
  } catch (error) {
    if (errorCode(error) === 'DB_SCHEMA_NEWER') throw newer(`its database has the step ${parsed.data.schema.at(-1)?.name}`)
    throw error
  }
  return parsed.data
}

const newer = (why: string): Error =>
  backupError('BACKUP_NEWER', `this backup was made by a newer version (${why}): restore it with that one`)
