import { readFile, rename, writeFile } from 'node:fs/promises'
import { z } from 'zod'
import { errorCode, K2Error } from '../../base/errors.ts'

/** Major version of Postgres inside the embedded engine: decides whether it can read a data directory. */
const ENGINE_MAJOR = 18

const versionFile = z.object({ engine: z.literal('pglite'), version: z.string(), postgres: z.int() })

/**
 * Refuses a data directory of another Postgres major (`DB_ENGINE_MISMATCH`): the engine would not read it, or damage it.
 * `cluster` is the cluster's own PG_VERSION file, `path` the version file beside it.
 */
export async function checkEngineVersion(path: string, cluster: string): Promise<void> {
  const major = (await text(cluster))?.trim()
  const made = await text(path)
  const parsed = made === undefined ? undefined : versionFile.safeParse(tryJson(made)).data
  if (major === undefined || Number(major) === ENGINE_MAJOR) return
  const by = parsed ? `${parsed.engine} ${parsed.version} (Postgres ${major})` : `Postgres ${major}`
  throw new K2Error({
    code: 'DB_ENGINE_MISMATCH',
    kind: 'config',
    message: `the database was written by ${by}; this version reads Postgres ${ENGINE_MAJOR}: dump it with the old version and load it with this one`,
    data: { found: major, expected: ENGINE_MAJOR },
  })
}

/** `banner`: answer of `select version()`, e.g. "PostgreSQL 18.6 (PGlite 0.5.16) on …". */
export async function writeEngineVersion(path: string, banner: string): Promise<void> {
  const version = /PGlite ([\w.-]+)/.exec(banner)?.[1] ?? banner
  const content = JSON.stringify({ engine: 'pglite', version, postgres: ENGINE_MAJOR })
  if ((await text(path)) === content) return
  await writeFile(`${path}.new`, content, { mode: 0o600 })
  await rename(`${path}.new`, path)
}

async function text(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

function tryJson(content: string): unknown {
  try {
    return JSON.parse(content)
  } catch {
    // A damaged version file says nothing; the cluster's own file decides.
    return undefined
  }
}
