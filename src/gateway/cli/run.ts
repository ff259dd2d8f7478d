import { once } from 'node:events'
import { isK2Error } from '../../base/errors.ts'
import { startGateway } from '../compose.ts'
import { checkRoutes } from '../config/routes.ts'
import { createLogger } from '../observe/logger.ts'
import { type CliContext, EXIT, type GlobalOptions, loadFor } from './context.ts'

/** Runs the gateway until the signal fires; then stops it within the configured time. */
export async function run(context: CliContext, options: GlobalOptions): Promise<number> {
  const read = () => loadFor(context, options, checkRoutes)
  const { config, file } = read()
  const log = createLogger({ level: config.log.level, pretty: config.log.pretty, instance: config.instance })
  const begun = performance.now()
  log.info({ ev: 'starting', config: file ?? 'built-in defaults', dataDir: config.dataDir }, 'the gateway is starting')
  try {
    const gateway = await startGateway(
      { config, source: file === undefined ? undefined : { file, read: () => read().config }, log },
      context.signal,
    )
    const offHangup = context.onHangup?.(() => void gateway.reload('signal').catch(() => {}))
    const ms = Math.round(performance.now() - begun)
    log.info({ ev: 'started', ms, node: gateway.node.id }, 'the gateway is running')
    const started = {
      event: 'started',
      url: gateway.url,
      node: gateway.node.id,
      ticket: gateway.node.ticket(),
      topics: config.node.topics,
      ms,
    }
    context.out.write(options.json ? `${JSON.stringify(started)}\n` : banner(started, config.web.enabled))
    if (!context.signal.aborted) await once(context.signal, 'abort')
    offHangup?.()
    log.info({ ev: 'stopping' }, 'the gateway is stopping')
    await gateway.stop()
    log.info({ ev: 'stopped' }, 'the gateway has stopped')
    return EXIT.ok
  } catch (error) {
    // A person who stops a start under way has not met an error.
    if (context.signal.aborted && !isK2Error(error)) return EXIT.ok
    throw error
  }
}

function banner(started: { url: string; node: string; topics: readonly string[]; ms: number }, web: boolean): string {
  return [
    `K2 gateway is running (started in ${(started.ms / 1000).toFixed(1)} s)`,
    `  ${web ? 'web chat' : 'control '}  ${started.url}`,
    `  node id   ${started.node}`,
    `  topics    ${started.topics.join(', ')}`,
    'Press Ctrl+C to stop.',
    '',
  ].join('\n')
}
