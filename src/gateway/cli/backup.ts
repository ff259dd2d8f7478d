import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { systemClock } from '../../base/clock.ts'
import { errorCode } from '../../base/errors.ts'
import { cryptoRng } from '../../base/random.ts'
import type { Manifest } from '../backup/manifest.ts'
import { STAGING } from '../backup/marks.ts'
import type { DatabaseSnapshot } from '../backup/snapshots.ts'
import { humanSize } from '../blobs/errors.ts'
import { KEY_FILE } from '../config/paths.ts'
import type { Config } from '../config/schema.ts'
import { VERSION } from '../version.ts'
import { ControlClient } from './client.ts'
import { type CliContext, EXIT, type GlobalOptions, loadFor, print, usageError } from './context.ts'
import { readControlFile } from './control-file.ts'
import { readPassphrase } from './passphrase.ts'
import { Progress } from './progress.ts'

/** ms for the gateway's copy of its database. */
const SNAPSHOT_MS = 10 * 60_000

interface FileOptions {
  readonly passphraseFile?: string
  readonly passphrase?: boolean
}

/** Adds `k2gw backup …`. */
export function addBackupCommands(
  program: Command,
  context: CliContext,
  globals: () => GlobalOptions,
  act: (work: () => Promise<number>) => Promise<void>,
): void {
  const backup = program.command('backup').description('everything of a gateway in one file')
  backup
    .command('create <file>')
    .description('write a backup, also while the gateway runs; never over an existing file')
    .option('--passphrase', 'seal it under a passphrase that is asked for')
    .option('--passphrase-file <file>', 'seal it under the passphrase in that file (mode 0600)')
    .action((file: string, own: FileOptions) => act(() => create(context, globals(), file, own)))
  backup
    .command('restore <file>')
    .description('put a backup into the data directory, which must be empty')
    .option('--passphrase-file <file>', 'read the passphrase from there (mode 0600)')
    .action((file: string, own: FileOptions) => act(() => restore(context, globals(), file, own)))
  backup
    .command('check <file>')
    .description('check every byte of a backup and say what is in it')
    .option('--passphrase-file <file>', 'read the passphrase from there (mode 0600)')
    .action((file: string, own: FileOptions) => act(() => check(context, globals(), file, own)))
}

const UNSEALED_WARNING =
  'Note: this backup is not sealed. Whoever reads the file is this node and reads its messages: keep it as the key, or use --passphrase.'
const SERVER_WARNING =
  'Note: the SQL database is on a server and not in this backup: back it up with its own tools (pg_dump --schema=k2 --schema=bullmq).'

async function create(context: CliContext, options: GlobalOptions, file: string, own: FileOptions): Promise<number> {
  const { config } = loadFor(context, options)
  const path = resolve(context.cwd, file)
  await refuseExisting(path)
  const wanted = own.passphrase === true || own.passphraseFile !== undefined
  const passphrase = wanted ? await readPassphrase(context, own.passphraseFile, 'passphrase for the backup') : undefined
  const { manifest, size } = await withSnapshot(config, async (snapshot, folder) => {
    const { stageBackup } = await import('../backup/stage.ts')
    const { packBackup } = await import('../backup/archive.ts')
    const manifest = await stageBackup({
      dataDir: config.dataDir,
      folder,
      snapshot,
      instance: config.instance,
      program: VERSION,
      now: Date.now(),
      onPart: () => context.signal.throwIfAborted(),
    })
    const total = Object.values(manifest.parts).reduce((sum, bytes) => sum + bytes, 0)
    const progress = new Progress(context, options, 'backup')
    const size = await packBackup({
      folder: join(config.dataDir, folder),
      manifest,
      file: path,
      passphrase,
      rng: cryptoRng,
      signal: context.signal,
      onBytes: (done) => progress.update(done, total),
    })
    progress.end()
    return { manifest, size }
  })
  if (!wanted) context.err.write(`${UNSEALED_WARNING}\n`)
  if (manifest.database === 'postgres') context.err.write(`${SERVER_WARNING}\n`)
  if (manifest.references > 0)
    context.err.write(`Note: ${manifest.references} shared files lie outside the data directory and are not in it.\n`)
  print(context, options, { file: path, size, ...manifest }, () => `${path}  ${humanSize(size)}\n${contentsOf(manifest)}`)
  return EXIT.ok
}

async function restore(context: CliContext, options: GlobalOptions, file: string, own: FileOptions): Promise<number> {
  const { config } = loadFor(context, options)
  const { restoreBackup } = await import('../backup/restore.ts')
  const manifest = await reading(context, options, file, own, (open) => restoreBackup(config.dataDir, open))
  context.err.write('Never run two programs on one identity: the gateway this backup came from must not run any more.\n')
  if (manifest.database === 'postgres')
    context.err.write('The SQL database is not in this backup: restore it with pg_restore or psql.\n')
  print(context, options, { dataDir: config.dataDir, ...manifest }, () => `${config.dataDir}\n${contentsOf(manifest)}`)
  return EXIT.ok
}

async function check(context: CliContext, options: GlobalOptions, file: string, own: FileOptions): Promise<number> {
  const { readBackup } = await import('../backup/archive.ts')
  const manifest = await reading(context, options, file, own, (open) =>
    readBackup(open, async (_, tar) => {
      for await (const _piece of tar);
    }),
  )
  print(context, options, manifest, () => `the backup is whole\n${contentsOf(manifest)}`)
  return EXIT.ok
}

async function reading(
  context: CliContext,
  options: GlobalOptions,
  file: string,
  own: FileOptions,
  work: (open: {
    file: string
    passphrase: () => Promise<string>
    onBytes: (bytes: number) => void
    signal: AbortSignal
  }) => Promise<Manifest>,
): Promise<Manifest> {
  const path = resolve(context.cwd, file)
  const total = (await stat(path).catch(() => undefined))?.size
  if (total === undefined) throw usageError(`there is no file ${path}`)
  const progress = new Progress(context, options, 'backup')
  try {
    return await work({
      file: path,
      passphrase: () => readPassphrase(context, own.passphraseFile, 'passphrase of the backup'),
      onBytes: (done) => progress.update(done, total),
      signal: context.signal,
    })
  } finally {
    progress.end()
  }
}

/** The database as the running gateway copies it, or, where none runs, as it lies on disk. The copy is removed afterwards. */
async function withSnapshot<T>(config: Config, work: (snapshot: DatabaseSnapshot, folder: string) => Promise<T>): Promise<T> {
  const { dataDir } = config
  const { DatabaseSnapshots, snapshotAnswer } = await import('../backup/snapshots.ts')
  const running = await readControlFile(dataDir)
  if (running !== undefined) {
    const answer = await new ControlClient(running).call('POST', '/api/backup/database', undefined, { timeoutMs: SNAPSHOT_MS })
    return cleaned(dataDir, snapshotAnswer.parse(answer), work)
  }
  const { acquireDirLock } = await import('../db/dir-lock.ts')
  await refuseMissing(dataDir)
  const lock = await acquireDirLock(join(dataDir, 'gateway.lock'))
  try {
    // What killed ones left behind: nobody else makes a backup now.
    await rm(join(dataDir, STAGING), { recursive: true, force: true })
    if (config.database.driver === 'postgres') return await cleaned(dataDir, { driver: 'postgres', schema: [] }, work)
    const { openEmbedded } = await import('../db/embedded.ts')
    const { nullLogger } = await import('../../base/logger.ts')
    const limits = { synchronousCommit: true, statementTimeoutMs: 60_000, idleTransactionMs: 30_000 }
    const backing = await openEmbedded({ ...limits, dir: join(dataDir, 'database'), log: nullLogger, clock: systemClock })
    let snapshot: DatabaseSnapshot
    try {
      const db = { driver: 'embedded', pool: backing.pool } as const
      snapshot = await new DatabaseSnapshots({ dataDir, db, clock: systemClock }).take()
    } finally {
      await backing.close()
    }
    return await cleaned(dataDir, snapshot, work)
  } finally {
    await lock.release()
  }
}

async function cleaned<T>(
  dataDir: string,
  snapshot: DatabaseSnapshot,
  work: (snapshot: DatabaseSnapshot, folder: string) => Promise<T>,
): Promise<T> {
  const folder = snapshot.folder ?? join(STAGING, crypto.randomUUID())
  try {
    await mkdir(join(dataDir, folder), { recursive: true, mode: 0o700 })
    return await work(snapshot, folder)
  } finally {
    await rm(join(dataDir, folder), { recursive: true, force: true })
  }
}

async function refuseMissing(dataDir: string): Promise<void> {
  const names = await readdir(dataDir).catch((): string[] => [])
  if (!names.includes(KEY_FILE)) throw usageError(`there is no gateway in ${dataDir}`)
}

async function refuseExisting(path: string): Promise<void> {
  const found = await stat(path).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined
    throw usageError(`${path} cannot be used (${errorCode(error)})`)
  })
  if (found !== undefined) throw usageError(`there is a file already: ${path}; it was left alone`)
}

function contentsOf({ createdAt, node, instance, program, parts }: Manifest): string {
  const lines = Object.entries(parts).map(([name, bytes]) => `  ${name.padEnd(14)} ${humanSize(bytes)}`)
  return [
    `node     ${node}`,
    `instance ${instance}`,
    `made     ${new Date(createdAt).toISOString()} by ${program}`,
    ...lines,
  ].join('\n')
}
