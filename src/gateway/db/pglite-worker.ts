import { parentPort, workerData } from 'node:worker_threads'
import { errorCode, errorMessage } from '../../base/errors.ts'
import { guardTraps, openEngine } from './engine-open.ts'
import { EngineServer } from './engine-server.ts'
import type { EngineReply, EngineRequest } from './wire.ts'
import { BUSY_COUNT, BUSY_FLAG, type WorkerInput } from './worker-input.ts'

const port = parentPort
if (port) {
  const input = workerData as WorkerInput
  const busyState = new Int32Array(input.busy)
  const reply = (message: EngineReply): void => port.postMessage(message)
  const failed = (error: unknown): void => reply({ op: 'failed', message: errorMessage(error), code: errorCode(error) })
  try {
    const db = await openEngine(input)
    guardTraps(db, (error) => {
      failed(error)
      // Ends this thread only. The host starts another one, which recovers from the write-ahead log.
      process.exit(1)
    })
    const server = new EngineServer(db, {
      reply,
      idleTransactionMs: input.idleTransactionMs,
      busy(running) {
        if (running) Atomics.add(busyState, BUSY_COUNT, 1)
        Atomics.store(busyState, BUSY_FLAG, running ? 1 : 0)
      },
    })
    port.on('message', (request: EngineRequest) => server.handle(request))
    reply({ op: 'ready' })
  } catch (error) {
    failed(error)
  }
}
