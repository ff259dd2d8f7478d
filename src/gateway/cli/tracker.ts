import { once } from 'node:events'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { systemClock } from '../../base/clock.ts'
import { isK2Error } from '../../base/errors.ts'
import { reachOf } from '../node-config.ts'
import { createLogger } from '../observe/logger.ts'
import { type CliContext, EXIT, type GlobalOptions, loadFor, usageError } from './context.ts'

export interface TrackerCliOptions {
  readonly dataDir?: string
  readonly bind?: string
  readonly http?: string
}

/** Adds `k2gw tracker …`. */
export function addTrackerCommands(
  program: Command,
  context: CliContext,
  globals: () => GlobalOptions,
  act: (work: () => Promise<number>) => Promise<void>,
): void {
  program
    .command('tracker')
    .description('a tracker, where nodes find the other members of a topic')
    .command('run')
    .description('run a tracker for others until stopped; it needs no gateway')
    .option('--data-dir <folder>', 'of this tracker alone (default: tracker in the data directory)')
    .option('--bind <ip:port>', 'local address (default: any port)')
    .option('--http <host:port>', 'serve metrics and health there')
    .action((own: TrackerCliOptions) => act(() => trackerRun(context, globals(), own)))
}

async function trackerRun(context: CliContext, options: GlobalOptions, own: TrackerCliOptions): Promise<number> {
  const { config } = loadFor(context, options)
  const dir = own.dataDir === undefined ? join(config.dataDir, 'tracker') : resolve(context.cwd, own.dataDir)
  const log = createLogger({ level: config.log.level, pretty: config.log.pretty, instance: `${config.instance}-tracker` })
  // Only here: nobody else needs the server.
  const { startTracker } = await import('../tracker/run-tracker.ts')
  try {
    const tracker = await startTracker(
      { dir, reach: reachOf(config), bind: own.bind, http: httpOf(own.http), log, clock: systemClock },
      context.signal,
    )
    const { id, ticket, rows, url } = tracker
    const lines = [`tracker ${id}`, `  ticket   ${ticket}`, ...(url === undefined ? [] : [`  metrics  ${url}/metrics`])]
    const started = { event: 'started', id, ticket, rows, url, dataDir: dir }
    context.out.write(options.json ? `${JSON.stringify(started)}\n` : `${lines.join('\n')}\n`)
    if (!context.signal.aborted) await once(context.signal, 'abort')
    await tracker.stop()
    return EXIT.ok
  } catch (error) {
    // A person who stops a start under way has not met an error.
    if (context.signal.aborted && !isK2Error(error)) return EXIT.ok
    throw error
  }
}

function httpOf(text: string | undefined): { readonly host: string; readonly port: number } | undefined {
  if (text === undefined) return undefined
  const match = /^(?:\[([0-9a-f:]+)\]|([a-z0-9.-]+)):(\d{1,5})$/i.exec(text)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  if (host === undefined || port > 65_535) throw usageError(`--http wants host:port, not "${text}"`)
  return { host, port }
}
