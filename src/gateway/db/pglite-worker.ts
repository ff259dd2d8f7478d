import { parentPort, workerData } from 'node:worker_threads'
import { errorCode, errorMessage } from '../../base/errors.ts'
import { watchDisk } from './disk-guard.ts'
import { engineFailure, guardTraps, openEngine } from './engine-open.ts'
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
    const { db, lastWords } = await openEngine(input)
    guardTraps(db, (trap) => {
      failed(engineFailure(lastWords(), trap))
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
    const stopWatching = watchDisk(input.pgData, (full) => server.setReadOnly(full))
    port.on('message', (request: EngineRequest) => {
      if (request.op === 'close') stopWatching()
      server.handle(request)
    })
    reply({ op: 'ready' })
  } catch (error) {
    failed(error)
  }
}
