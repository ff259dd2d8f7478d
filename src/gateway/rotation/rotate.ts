import { access, open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode } from '../../base/errors.ts'
import type { Rng } from '../../base/random.ts'
import {
  createKeyFile,
  createSecretFile,
  encodeHandOver,
  isProtectedKeyFile,
  loadKeyFile,
  loadOrCreateKeyFile,
  newIdentity,
  protectKeyFile,
  type SecretVault,
  shortId,
} from '../../core/index.ts'
import { systemKeyring } from '../config/keyring.ts'
import { KEY_FILE } from '../config/paths.ts'
import type { Config } from '../config/schema.ts'
import { openDatabase } from '../db/database.ts'
import { databaseConfig } from '../groundwork.ts'
import { NEXT_KEY } from './marks.ts'
import { type Change, type Resealed, resealDatabase, resealDocuments } from './reseal.ts'

/** What is on disk after each of them survives a kill: the next run goes on. */
export type RotationStep = 'keys' | 'database' | 'documents'

export interface Rotation extends Resealed {
  readonly from: string
  readonly to: string
  /** File with the signed message for others. */
  readonly handOver: string
  /** File with the old key. */
  readonly kept: string
}

export interface RotateParts {
  readonly config: Config
  readonly rng: Rng
  /** ms since the epoch. */
  readonly now: number
  /** Opens a sealed key, and seals the new one. */
  readonly keyring?: SecretVault
  /** Called behind each step. */
  readonly onStep?: (step: RotationStep) => void
}

/**
 * Replaces the key; the caller holds the lock of the data directory. The new key lies beside the old one until everything is
 * sealed under it, and takes its place by one rename; each store is sealed anew in one transaction, and what is sealed anew
 * already is left alone. So an interrupted run is repeated with the same new key, and nothing is ever unreadable for both.
 */
export async function rotateKey({
  config,
  rng,
  now,
  keyring = systemKeyring,
  onStep = () => {},
}: RotateParts): Promise<Rotation> {
  const { dataDir } = config
  const key = join(dataDir, KEY_FILE)
  const from = await loadKeyFile(key, keyring)
  const { identity: to } = await loadOrCreateKeyFile(join(dataDir, NEXT_KEY), () => newIdentity(rng), keyring)
  const kept = join(dataDir, `identity-${shortId(from.id)}.json`)
  const handOver = join(dataDir, `hand-over-${shortId(from.id)}.json`)
  await unlessThere(() => createKeyFile(kept, from))
  if (await isProtectedKeyFile(key)) {
    for (const path of [join(dataDir, NEXT_KEY), kept]) await protectKeyFile(path, keyring, rng)
  }
  await unlessThere(() => createSecretFile(handOver, encodeHandOver(from, to, now)))
  onStep('keys')
  const database = await inDatabase(config, { from, to })
  onStep('database')
  const documents = await resealDocuments(join(dataDir, 'docs'), { from, to })
  onStep('documents')
  await replace(join(dataDir, NEXT_KEY), key)
  return { from: from.id, to: to.id, handOver, kept, secrets: database.secrets + documents, rows: database.rows }
}

async function inDatabase(config: Config, change: Change): Promise<Resealed> {
  const settings = databaseConfig(config)
  if (settings.driver === 'embedded' && !(await isThere(join(settings.dir, 'pg')))) return { secrets: 0, rows: 0 }
  const db = await openDatabase(settings)
  try {
    return await resealDatabase(db.pool, change)
  } finally {
    await db.close()
  }
}

async function unlessThere(create: () => Promise<void>): Promise<void> {
  try {
    await create()
  } catch (error) {
    if (errorCode(error) !== 'KEY_FILE_EXISTS') throw error
  }
}

/** Durable when it resolves. */
async function replace(from: string, to: string): Promise<void> {
  await rename(from, to)
  if (process.platform === 'win32') return
  const folder = await open(join(to, '..'), 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )
