import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Command } from 'commander'
import { errorCode } from '../../base/errors.ts'
import { createSecretFile } from '../../core/index.ts'
import { systemKeyring } from '../config/keyring.ts'
import { defaultDataDir, findConfig } from '../config/paths.ts'
import { SECRET_NAME, SECRETS_FOLDER } from '../config/secrets.ts'
import { type CliContext, EXIT, type GlobalOptions, print, usageError } from './context.ts'
import { readPassphrase } from './passphrase.ts'

/** Adds `k2gw secret …`. */
export function addSecretCommands(
  program: Command,
  context: CliContext,
  globals: () => GlobalOptions,
  act: (work: () => Promise<number>) => Promise<void>,
): void {
  const secret = program.command('secret').description('tokens in the keyring of the operating system, named by ${keyring:name}')
  secret
    .command('set <name>')
    .description('keep a token; it is typed, or read from the input')
    .action((name: string) => act(() => set(context, globals(), name)))
  secret
    .command('rm <name>')
    .description('forget a token')
    .action((name: string) => act(() => remove(context, globals(), name)))
}

async function set(context: CliContext, options: GlobalOptions, name: string): Promise<number> {
  checkName(name)
  const value = await readPassphrase(context, undefined, `value of ${name}`)
  if (value === '') throw usageError('the value is empty')
  let where = 'keyring'
  try {
    systemKeyring.set(name, value)
  } catch (error) {
    if (errorCode(error) !== 'KEYRING_UNAVAILABLE') throw error
    where = fileOf(context, options, name)
    await rm(where, { force: true })
    await createSecretFile(where, `${value}\n`)
    context.err.write('Note: there is no keyring here; the value is in a file that only this user can read.\n')
  }
  print(context, options, { name, where }, () => `\${keyring:${name}} is in ${where === 'keyring' ? 'the keyring' : where}`)
  return EXIT.ok
}

async function remove(context: CliContext, options: GlobalOptions, name: string): Promise<number> {
  checkName(name)
  let removed = false
  try {
    removed = systemKeyring.remove(name)
  } catch (error) {
    if (errorCode(error) !== 'KEYRING_UNAVAILABLE') throw error
  }
  await rm(fileOf(context, options, name), { force: true })
  print(context, options, { name, removed }, () => `${name} is forgotten`)
  return EXIT.ok
}

function checkName(name: string): void {
  if (!SECRET_NAME.test(name)) throw usageError('a name has letters, digits, dots, - and _')
}

/** Where the configuration looks for it when there is no keyring. */
function fileOf(context: CliContext, options: GlobalOptions, name: string): string {
  const config = findConfig(options.config, context.env, context.cwd)?.path
  const folder = config === undefined ? defaultDataDir(context.env) : dirname(config)
  return join(folder, SECRETS_FOLDER, name)
}
