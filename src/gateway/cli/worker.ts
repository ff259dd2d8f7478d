import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { systemClock } from '../../base/clock.ts'
import { isK2Error } from '../../base/errors.ts'
import { checkWorkerConfig, startBlobWorker } from '../blobs/worker.ts'
import { createLogger } from '../observe/logger.ts'
import { type CliContext, EXIT, type GlobalOptions, loadFor, usageError } from './context.ts'

const QUEUES = ['blob-fetch']

export interface WorkerCliOptions {
  readonly queues: string
  readonly dataDir?: string
  readonly bind?: string
}

/** `k2gw worker`: takes jobs from the queues until stopped. */
export async function worker(context: CliContext, options: GlobalOptions, own: WorkerCliOptions): Promise<number> {
  const queues = own.queues.split(',').map((queue) => queue.trim())
  const unknown = queues.find((queue) => !QUEUES.includes(queue))
  if (unknown !== undefined) throw usageError(`workers know the queues ${QUEUES.join(', ')}, not "${unknown}"`)
  const { config } = loadFor(context, options)
  checkWorkerConfig(config)
  const dir = own.dataDir === undefined ? join(config.dataDir, 'worker') : resolve(context.cwd, own.dataDir)
  const log = createLogger({ level: config.log.level, pretty: config.log.pretty, instance: `${config.instance}-worker` })
  try {
    const running = await startBlobWorker({ config, dir, bind: own.bind, log, clock: systemClock }, context.signal)
    const started = { event: 'started', worker: running.id, queues, dataDir: dir }
    context.out.write(options.json ? `${JSON.stringify(started)}\n` : `worker ${running.id} takes jobs of ${queues.join(', ')}\n`)
    if (!context.signal.aborted) await once(context.signal, 'abort')
    await running.stop()
    return EXIT.ok
  } catch (error) {
    // A person who stops a start under way has not met an error.
    if (context.signal.aborted && !isK2Error(error)) return EXIT.ok
    throw error
  }
}
