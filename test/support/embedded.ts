import { cp, mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { systemClock } from '../../src/base/clock.ts'
import { nullLogger } from '../../src/base/logger.ts'
import { EMBEDDED_FILES, openEmbedded } from '../../src/gateway/db/embedded.ts'

/** Initialised clusters are kept here between runs: creating one takes seconds, copying it a fraction of one. */
const CACHE = resolve(import.meta.dirname, '../../node_modules/.cache/k2-embedded')
/** Raise when the way clusters are created changes. */
const RECIPE = '0.5.16-1'

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

async function template(): Promise<string> {
  const path = join(CACHE, RECIPE)
  if (await exists(path)) return path
  await mkdir(CACHE, { recursive: true })
  const dir = await mkdtemp(join(CACHE, 'new-'))
  const options = { dir, synchronousCommit: true, statementTimeoutMs: 60_000, idleTransactionMs: 30_000 }
  const database = await openEmbedded({ ...options, log: nullLogger, clock: systemClock })
  await database.close()
  // Another test process may have been faster: then its template is used and this one is thrown away.
  await rename(dir, path).catch(() => rm(dir, { recursive: true, force: true }))
  return path
}

export interface TestDir {
  /** For `openDatabase({ driver: 'embedded', dir })`: an initialised cluster without tables. */
  readonly dir: string
  remove(): Promise<void>
}

/** A fresh embedded database folder. */
export async function embeddedDir(): Promise<TestDir> {
  const parent = await mkdtemp(join(tmpdir(), 'k2-db-'))
  const dir = join(parent, 'db')
  const from = await template()
  await cp(from, dir, { recursive: true, filter: (path) => !path.startsWith(join(from, `${EMBEDDED_FILES.lock}.`)) })
  return { dir, remove: () => rm(parent, { recursive: true, force: true }) }
}
