import { createRequire } from 'node:module'
import { netError } from './net-errors.ts'

// The package names a `main` file that does not exist; its real entry is named here so that Node need not guess (and warn).
export type Iroh = typeof import('@number0/iroh/index.js')

/**
 * Loads the native binding on first use, so that commands without a network work where no build of it exists. By `require`: before it
 * imports a CommonJS module, Node reads through its text for the names it exports, which takes 2 MiB in every thread that does so.
 */
export async function loadIroh(): Promise<Iroh> {
  try {
    return createRequire(import.meta.url)('@number0/iroh/index.js') as Iroh
  } catch (cause) {
    throw netError('BIND_FAILED', `no iroh binding for ${process.platform} ${process.arch}`, { cause })
  }
}

export type IrohLogLevel = 'Trace' | 'Debug' | 'Info' | 'Warn' | 'Error' | 'Off'

const LOG_LEVEL = Symbol.for('k2gw.iroh.log-level')

/**
 * Turns on the log output of the native library. Setting the level twice aborts the process (discovery 17.5), so only the
 * first call in a process has an effect, across copies of this module; answers the level in force.
 */
export function setIrohLogLevel(iroh: Iroh, level: IrohLogLevel): IrohLogLevel {
  const shared = globalThis as { [LOG_LEVEL]?: IrohLogLevel }
  const inForce = shared[LOG_LEVEL]
  if (inForce !== undefined) return inForce
  shared[LOG_LEVEL] = level
  // The enum of the typings does not exist at run time; the binding takes its string values.
  iroh.setLogLevel(level as Parameters<Iroh['setLogLevel']>[0])
  return level
}
