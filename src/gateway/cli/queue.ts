import { K2Error } from '../../base/errors.ts'
import { ControlClient } from './client.ts'
import { type CliContext, EXIT, type GlobalOptions, loadFor } from './context.ts'
import { readControlFile } from './control-file.ts'

/** The client of the gateway that runs on the configured data directory. Rejects `CLI_NOT_RUNNING`. */
export async function runningGateway(context: CliContext, options: GlobalOptions): Promise<ControlClient> {
  const { config } = loadFor(context, options)
  const file = await readControlFile(config.dataDir)
  if (file) return new ControlClient(file)
  throw new K2Error({
    code: 'CLI_NOT_RUNNING',
    kind: 'network',
    message: `no gateway is running on ${config.dataDir}: start it with "k2gw run"`,
  })
}

type Row = Readonly<Record<string, unknown>>

function table(context: CliContext, options: GlobalOptions, rows: readonly Row[], empty: string): void {
  if (options.json) {
    for (const row of rows) context.out.write(`${JSON.stringify(row)}\n`)
    return
  }
  if (rows.length === 0) context.out.write(`${empty}\n`)
  for (const row of rows) {
    const cells = Object.entries(row).map(
      ([key, value]) => `${key}=${typeof value === 'object' ? JSON.stringify(value) : String(value)}`,
    )
    context.out.write(`${cells.join('  ')}\n`)
  }
}

export async function queueLanes(context: CliContext, options: GlobalOptions): Promise<number> {
  const client = await runningGateway(context, options)
  table(context, options, (await client.call('GET', '/api/lanes')) as Row[], 'nothing waits')
  return EXIT.ok
}

export async function queueDead(context: CliContext, options: GlobalOptions, limit: string): Promise<number> {
  const client = await runningGateway(context, options)
  table(
    context,
    options,
    (await client.call('GET', `/api/dead-letters?limit=${encodeURIComponent(limit)}`)) as Row[],
    'no dead messages',
  )
  return EXIT.ok
}

export async function queueReplay(context: CliContext, options: GlobalOptions, id: string): Promise<number> {
  const client = await runningGateway(context, options)
  await client.call('POST', `/api/dead-letters/${encodeURIComponent(id)}/replay`)
  table(context, options, [{ replayed: id }], '')
  return EXIT.ok
}

export async function queueDiscard(context: CliContext, options: GlobalOptions, id: string): Promise<number> {
  const client = await runningGateway(context, options)
  await client.call('DELETE', `/api/dead-letters/${encodeURIComponent(id)}`)
  table(context, options, [{ discarded: id }], '')
  return EXIT.ok
}

export async function queueWhy(context: CliContext, options: GlobalOptions, event: string): Promise<number> {
  const client = await runningGateway(context, options)
  const found = (await client.call('GET', `/api/events/${encodeURIComponent(event)}`)) as Row
  context.out.write(`${JSON.stringify(found, null, options.json ? undefined : 2)}\n`)
  return EXIT.ok
}
