import { createHash } from 'node:crypto'
import { K2Error } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { PgClient, PgPool } from './pool.ts'

/** Schema of all own tables. SQL written by hand names it: `k2.inbox`. */
export const SCHEMA = 'k2'

/**
 * One step of the schema: `migrations/0001-pipeline.ts` exports `{ name: '0001-pipeline', sql: '…' }`. The text may hold
 * several statements; all names are qualified with `k2.`, and everything in it must be allowed inside a transaction
 * (no `VACUUM`, no `CREATE INDEX CONCURRENTLY`) and run on both drivers.
 */
export interface Migration {
  readonly name: string
  readonly sql: string
}

/** Serialises gateways that start at the same time on one server (spells `K2GW`). */
const LOCK_KEY = 0x4b324757

const LEDGER = `
create schema if not exists ${SCHEMA};
create table if not exists ${SCHEMA}.migration (
  position integer primary key,
  name text not null unique,
  checksum text not null,
  applied_at timestamptz not null default now()
);`

/** Fingerprint of a migration: changes with its SQL, not with indentation or line ends. */
export function checksum(migration: Migration): string {
  return createHash('sha256').update(migration.sql.replace(/\s+/g, ' ').trim()).digest('hex')
}

interface Applied {
  readonly position: number
  readonly name: string
  readonly checksum: string
}

/** What is still to run. Refuses a database written by a newer program and one whose history differs from ours. */
export function pendingMigrations(known: readonly Migration[], applied: readonly Applied[]): readonly Migration[] {
  for (const row of applied) {
    const own = known[row.position - 1]
    if (own === undefined) {
      throw new K2Error({
        code: 'DB_SCHEMA_NEWER',
        kind: 'config',
        message: `this database was used by a newer version (it has the schema step ${row.name}): upgrade the gateway, or restore a backup made before the upgrade`,
        data: { step: row.name },
      })
    }
    if (own.name !== row.name || checksum(own) !== row.checksum) {
      throw new K2Error({
        code: 'DB_SCHEMA_CHANGED',
        kind: 'config',
        message: `schema step ${row.position} of this database (${row.name}) is not the one this version knows (${own.name}): it was made by another build`,
        data: { step: row.name },
      })
    }
  }
  return known.slice(applied.length)
}

/** Brings schema `k2` up to date. All pending steps commit together, or none does. */
export async function migrate(pool: PgPool, migrations: readonly Migration[], log: Logger): Promise<readonly string[]> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    const done = await applyAll(client, migrations, log)
    await client.query('commit')
    return done
  } finally {
    // Rolls back what an error left open.
    client.release()
  }
}

async function applyAll(client: PgClient, migrations: readonly Migration[], log: Logger): Promise<readonly string[]> {
  await client.query('select pg_advisory_xact_lock($1)', [LOCK_KEY])
  await client.query(LEDGER)
  const { rows } = await client.query<Applied>(`select position, name, checksum from ${SCHEMA}.migration order by position`)
  const pending = pendingMigrations(migrations, rows)
  let position = rows.length
  for (const migration of pending) {
    position++
    await client.query(migration.sql)
    await client.query(`insert into ${SCHEMA}.migration (position, name, checksum) values ($1, $2, $3)`, [
      position,
      migration.name,
      checksum(migration),
    ])
    log.info({ ev: 'db-migrated', step: migration.name }, 'database schema step applied')
  }
  return pending.map((m) => m.name)
}
