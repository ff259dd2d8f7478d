import { mkdir, open, readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Command } from 'commander'
import { toBase32 } from '../../base/bytes.ts'
import { errorCode } from '../../base/errors.ts'
import { cryptoRng } from '../../base/random.ts'
import {
  createKeyFile,
  createSecretFile,
  decodeHandOver,
  decodeIdentityEnc,
  encodeIdentityEnc,
  type Identity,
  loadKeyFile,
  newIdentity,
  openSealedIdentity,
  protectKeyFile,
  sealIdentity,
  unprotectKeyFile,
} from '../../core/index.ts'
import { qrTerminal } from '../blobs/qr.ts'
import { type Keyring, systemKeyring } from '../config/keyring.ts'
import { KEY_FILE } from '../config/paths.ts'
import { acquireDirLock } from '../db/dir-lock.ts'
import { type CliContext, EXIT, type GlobalOptions, loadFor, print, usageError } from './context.ts'
import { readPassphrase } from './passphrase.ts'

/** An `identity.enc` has 48 bytes, a backup less than 1 KB. */
const MAX_FILE_BYTES = 4096

interface FileOptions {
  readonly passphraseFile?: string
  readonly yes?: boolean
}

const K2_FILE_WARNING =
  'Note: identity.enc is not encrypted in any useful sense. Its key is part of the public source of K2, so whoever reads the file is this node.'
const TWO_NODES_WARNING = 'Never run two programs on one identity: stop the other one first.'

const KEYRING_WARNING =
  'Note: without this keyring the key is lost, and with it this id. Keep a backup elsewhere: k2gw identity backup <file>.'

/** Adds `k2gw identity …`. */
export function addIdentityCommands(
  program: Command,
  context: CliContext,
  globals: () => GlobalOptions,
  act: (work: () => Promise<number>) => Promise<void>,
): void {
  const identity = program.command('identity').description('the key of this node: whoever has it is this node')
  identity
    .command('create')
    .description('make a new key; refused when there is one')
    .action(() => act(() => create(context, globals())))
  identity
    .command('show')
    .description('print the node id')
    .option('--qr', 'as a QR code, too')
    .action((own: { qr?: boolean }) => act(() => show(context, globals(), own.qr === true)))
  identity
    .command('backup <file>')
    .description('write the key into a file under a passphrase')
    .option('--passphrase-file <file>', 'read the passphrase from there (mode 0600)')
    .action((file: string, own: FileOptions) => act(() => backup(context, globals(), file, own)))
  identity
    .command('restore <file>')
    .description('take the key from a backup; refused when there is one')
    .option('--passphrase-file <file>', 'read the passphrase from there (mode 0600)')
    .action((file: string, own: FileOptions) => act(() => restore(context, globals(), file, own)))
  identity
    .command('import <file>')
    .description('take the key from the identity.enc of a K2 application; refused when there is one')
    .action((file: string) => act(() => importK2(context, globals(), file)))
  identity
    .command('export <file>')
    .description('write the key as the identity.enc of K2 applications, which protects nothing')
    .option('--yes', 'yes, unprotected')
    .action((file: string, own: FileOptions) => act(() => exportK2(context, globals(), file, own)))
  identity
    .command('rotate')
    .description('replace the key by a new one and write a signed hand-over; the gateway must be stopped')
    .option('--yes', 'yes, this node gets another id')
    .action((own: FileOptions) => act(() => rotate(context, globals(), own)))
  identity
    .command('protect')
    .description('seal the key file under a key in the keyring of the operating system')
    .action(() => act(() => protect(context, globals())))
  identity
    .command('unprotect')
    .description('the reverse: the key file is opened without the keyring again')
    .action(() => act(() => unprotect(context, globals())))
  identity
    .command('check-hand-over <file>')
    .description('check that both keys have signed a hand-over')
    .action((file: string) => act(() => checkHandOver(context, globals(), file)))
}

async function create(context: CliContext, options: GlobalOptions): Promise<number> {
  const identity = newIdentity(cryptoRng)
  await createKeyFile(keyPath(context, options), identity)
  return printId(context, options, identity, 'created')
}

async function show(context: CliContext, options: GlobalOptions, qr: boolean): Promise<number> {
  const { id, publicKey } = await loadKeyFile(keyPath(context, options), ringOf(context))
  const code = qr ? `\n${await qrTerminal(id)}` : ''
  print(context, options, { id, base32: toBase32(publicKey) }, () => `${id}${code}`)
  return EXIT.ok
}

async function backup(context: CliContext, options: GlobalOptions, file: string, own: FileOptions): Promise<number> {
  const identity = await loadKeyFile(keyPath(context, options), ringOf(context))
  const path = resolve(context.cwd, file)
  await refuseExisting(path)
  const passphrase = await readPassphrase(context, own.passphraseFile, 'passphrase for the backup')
  await createSecretFile(path, await sealIdentity(identity, passphrase, cryptoRng))
  print(context, options, { id: identity.id, file: path }, () => `${identity.id} is in ${path}`)
  return EXIT.ok
}

async function restore(context: CliContext, options: GlobalOptions, file: string, own: FileOptions): Promise<number> {
  const key = keyPath(context, options)
  await refuseExisting(key)
  const text = (await readSmall(resolve(context.cwd, file))).toString('utf8')
  const identity = await openSealedIdentity(text, await readPassphrase(context, own.passphraseFile, 'passphrase of the backup'))
  await createKeyFile(key, identity)
  context.err.write(`${TWO_NODES_WARNING}\n`)
  return printId(context, options, identity, 'restored')
}

async function importK2(context: CliContext, options: GlobalOptions, file: string): Promise<number> {
  const key = keyPath(context, options)
  await refuseExisting(key)
  const identity = decodeIdentityEnc(new Uint8Array(await readSmall(resolve(context.cwd, file))))
  await createKeyFile(key, identity)
  context.err.write(`${K2_FILE_WARNING}\n${TWO_NODES_WARNING}\n`)
  return printId(context, options, identity, 'imported')
}

async function exportK2(context: CliContext, options: GlobalOptions, file: string, own: FileOptions): Promise<number> {
  const identity = await loadKeyFile(keyPath(context, options), ringOf(context))
  context.err.write(`${K2_FILE_WARNING}\n`)
  if (own.yes !== true) throw usageError('add --yes to write it all the same')
  const path = resolve(context.cwd, file)
  await createSecretFile(path, encodeIdentityEnc(identity))
  context.err.write(
    `${TWO_NODES_WARNING} On Windows K2 prefers its entry in the credential store to the file, unless K2_DATA_DIR is set.\n`,
  )
  print(context, options, { id: identity.id, file: path }, () => `${identity.id} is in ${path}`)
  return EXIT.ok
}

/** The old key stays beside the new one under its id: it can still prove things, and nothing is ever lost by a slip. */
async function rotate(context: CliContext, options: GlobalOptions, own: FileOptions): Promise<number> {
  const { config } = loadFor(context, options)
  await loadKeyFile(join(config.dataDir, KEY_FILE), ringOf(context))
  if (own.yes !== true) {
    throw usageError('others know this node by its id, and direct messages go to it: add --yes to change it all the same')
  }
  const lock = await acquireDirLock(join(config.dataDir, 'gateway.lock'))
  try {
    const { rotateKey } = await import('../rotation/rotate.ts')
    const done = await rotateKey({ config, rng: cryptoRng, now: Date.now(), keyring: ringOf(context) })
    print(context, options, done, () =>
      [
        `${done.to} replaces ${done.from}`,
        `pass on   ${done.handOver}`,
        `old key   ${done.kept}`,
        `sealed    ${done.secrets} secrets of the stores are under the new key`,
      ].join('\n'),
    )
    return EXIT.ok
  } finally {
    await lock.release()
  }
}

async function protect(context: CliContext, options: GlobalOptions): Promise<number> {
  const { id } = await protectKeyFile(keyPath(context, options), ringOf(context), cryptoRng)
  context.err.write(`${KEYRING_WARNING}\n`)
  print(context, options, { id, protected: true }, () => `the key of ${id} is sealed; the keyring opens it`)
  return EXIT.ok
}

async function unprotect(context: CliContext, options: GlobalOptions): Promise<number> {
  const { id } = await unprotectKeyFile(keyPath(context, options), ringOf(context))
  print(context, options, { id, protected: false }, () => `the key file of ${id} is protected by its mode alone`)
  return EXIT.ok
}

async function checkHandOver(context: CliContext, options: GlobalOptions, file: string): Promise<number> {
  const handOver = decodeHandOver((await readSmall(resolve(context.cwd, file))).toString('utf8'))
  const when = new Date(handOver.at).toISOString()
  print(context, options, handOver, () => `${handOver.to} replaces ${handOver.from} since ${when}; both have signed it`)
  return EXIT.ok
}

const ringOf = (context: CliContext): Keyring => context.keyring ?? systemKeyring

const keyPath = (context: CliContext, options: GlobalOptions): string => join(loadFor(context, options).config.dataDir, KEY_FILE)

function printId(context: CliContext, options: GlobalOptions, { id }: Identity, done: string): number {
  print(context, options, { id, [done]: true }, () => id)
  return EXIT.ok
}

/** Before a person types anything for nothing; the write itself refuses as well. */
async function refuseExisting(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const file = await open(path, 'r').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined
    throw usageError(`${path} cannot be used (${errorCode(error)})`)
  })
  if (file === undefined) return
  await file.close()
  throw usageError(`there is a file already: ${path}; it was left alone`)
}

async function readSmall(path: string): Promise<Buffer> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw usageError(`${path} cannot be read (${errorCode(error)})`)
  })
  if (bytes.length > MAX_FILE_BYTES) throw usageError(`${path} is something else`)
  return bytes
}
