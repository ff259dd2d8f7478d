import type { Readable, Writable } from 'node:stream'
import { isK2Error, K2Error } from '../../base/errors.ts'
import type { Keyring } from '../config/keyring.ts'
import { type ConfigCheck, ConfigError, loadConfig } from '../config/load.ts'
import { findConfig } from '../config/paths.ts'
import type { Config } from '../config/schema.ts'

/** What every command gets: nothing else of the process is touched. */
export interface CliContext {
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string
  /** Results only. */
  readonly out: Writable
  /** Everything that is not a result. */
  readonly err: Writable
  /** Where a person types; undefined when nobody can answer questions. */
  readonly input?: Readable
  /** Fires at the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal
  /** Calls the listener at every SIGHUP; answers how to stop that. */
  readonly onHangup?: (listener: () => void) => () => void
  /** Instead of the keyring of this machine. */
  readonly keyring?: Keyring
}

export interface GlobalOptions {
  readonly config?: string
  readonly json?: boolean
}

export const EXIT = { ok: 0, failed: 1, usage: 2, config: 3, unreachable: 4, locked: 5, bug: 70 } as const

/** Exit code for an error that ended a command. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof ConfigError) return EXIT.config
  if (!isK2Error(error)) return EXIT.bug
  if (error.code === 'DB_LOCKED') return EXIT.locked
  if (error.code === 'CLI_USAGE') return EXIT.usage
  if (error.kind === 'config') return EXIT.config
  return error.kind === 'network' || error.kind === 'timeout' ? EXIT.unreachable : EXIT.failed
}

export function usageError(message: string): K2Error {
  return new K2Error({ code: 'CLI_USAGE', kind: 'input', message })
}

export function loadFor(
  context: CliContext,
  options: GlobalOptions,
  check?: ConfigCheck,
): { config: Config; file: string | undefined } {
  const location = findConfig(options.config, context.env, context.cwd)
  return loadConfig({ location, env: context.env, ...(check && { check }) })
}

/** Prints one result: as JSON on one line with `--json`, otherwise as text. */
export function print(context: CliContext, options: GlobalOptions, value: unknown, text: () => string): void {
  context.out.write(options.json ? `${JSON.stringify(value)}\n` : `${text()}\n`)
}
