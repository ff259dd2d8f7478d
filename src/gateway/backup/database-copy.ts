import { constants } from 'node:fs'
import { copyFile, mkdir, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import { errorCode } from '../../base/errors.ts'
import { EMBEDDED_FILES } from '../db/embedded.ts'
import type { PgPool, Queryable } from '../db/pool.ts'
import type { SchemaStep } from './manifest.ts'

/** The transaction that keeps everybody out is ended when it says nothing for 30 s. */
const STILL_HERE_MS = 5000

/** Schema steps of a database, oldest first; none when the gateway never used it. */
export async function schemaSteps(pool: Queryable): Promise<readonly SchemaStep[]> {
  const { rows } = await pool.query<{ there: boolean }>("select to_regclass('k2.migration') is not null as there")
  if (rows[0]?.there !== true) return []
  return (await pool.query<SchemaStep>('select position, name, checksum from k2.migration order by position')).rows
}

/**
 * Copies the files of the embedded database while nobody uses it: a transaction has its one session to itself, and after a
 * checkpoint the files say everything. Others wait for as long as the copy takes (a second per some 100 MB). What is copied
 * opens as after a kill. Rejects `DB_*` when the session was lost meanwhile.
 */
export async function copyEmbedded(pool: PgPool, dir: string, to: string, clock: Clock): Promise<readonly SchemaStep[]> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    await client.query('checkpoint')
    const steps = await schemaSteps(client)
    let saidAt = clock.monotonic()
    for (const name of [EMBEDDED_FILES.cluster, EMBEDDED_FILES.version]) {
      for (const file of await filesOf(dir, name)) {
        await mkdir(dirname(join(to, file)), { recursive: true, mode: 0o700 })
        await copyFile(join(dir, file), join(to, file), constants.COPYFILE_FICLONE)
        if (clock.monotonic() - saidAt < STILL_HERE_MS) continue
        await client.query('select 1')
        saidAt = clock.monotonic()
      }
    }
    // Fails if the transaction was taken away: then somebody may have written in between.
    await client.query('rollback')
    for (const folder of await foldersOf(dir, EMBEDDED_FILES.cluster))
      await mkdir(join(to, folder), { recursive: true, mode: 0o700 })
    return steps
  } finally {
    client.release()
  }
}

async function filesOf(dir: string, name: string): Promise<readonly string[]> {
  return (await entriesOf(dir, name)) ?? [name]
}

/** Files below a folder, relative to `dir`; undefined when it is a file itself. */
async function entriesOf(dir: string, name: string): Promise<readonly string[] | undefined> {
  try {
    const entries = await readdir(join(dir, name), { recursive: true, withFileTypes: true })
    return entries.filter((e) => e.isFile()).map((e) => join(e.parentPath, e.name).slice(dir.length + 1))
  } catch (error) {
    if (errorCode(error) === 'ENOTDIR') return undefined
    throw error
  }
}

/** Postgres wants its empty folders, too. */
async function foldersOf(dir: string, name: string): Promise<readonly string[]> {
  const entries = await readdir(join(dir, name), { recursive: true, withFileTypes: true })
  return entries.filter((e) => e.isDirectory()).map((e) => join(e.parentPath, e.name).slice(dir.length + 1))
}
