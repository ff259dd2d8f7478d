import type { Worker } from 'node:worker_threads'
import type { Clock } from '../../base/clock.ts'
import { errorCode, errorMessage } from '../../base/errors.ts'
import { startEngineThread } from './boot-thread.ts'
import type { EngineReply, EngineRequest } from './wire.ts'
import { BUSY_BYTES, BUSY_COUNT, BUSY_FLAG, type WorkerInput } from './worker-input.ts'

/** How often a running statement is looked at, ms; a hang is noticed at most this much late. */
const WATCH_MS = 1000

export interface EngineThreadOptions extends Omit<WorkerInput, 'entry' | 'busy'> {
  readonly clock: Clock
  /** ms one statement may run. The engine cannot be interrupted, so the whole thread is ended. */
  readonly statementTimeoutMs: number
  readonly onReply: (reply: EngineReply) => void
  /** The thread is unusable: crashed, ended, or in an endless statement. Called once, never after `stop`. */
  readonly onDown: (why: string, code: string) => void
}

/** One worker thread with the embedded engine in it. */
export class EngineThread {
  readonly #worker: Worker
  readonly #options: EngineThreadOptions
  readonly #busy = new Int32Array(new SharedArrayBuffer(BUSY_BYTES))
  #cancelWatch = (): void => {}
  #over = false

  constructor(options: EngineThreadOptions) {
    this.#options = options
    this.#worker = startEngineThread({
      engine: options.engine,
      pgData: options.pgData,
      synchronousCommit: options.synchronousCommit,
      idleTransactionMs: options.idleTransactionMs,
      busy: this.#busy.buffer as SharedArrayBuffer,
    })
    this.#worker.on('message', (reply: EngineReply) => {
      if (reply.op === 'failed') this.#down(reply.message, reply.code ?? 'UNKNOWN')
      else if (!this.#over) options.onReply(reply)
    })
    this.#worker.on('error', (error) => this.#down(errorMessage(error), errorCode(error)))
    this.#worker.on('exit', (status) => this.#down(`its thread ended with status ${status}`, 'EXIT'))
    this.#watch(-1, 0)
  }

  post(request: EngineRequest): void {
    this.#worker.postMessage(request)
  }

  /** Ends the thread at once, whatever it is doing. Resolves when nothing of it touches the directory any more. */
  async stop(): Promise<void> {
    this.#over = true
    this.#cancelWatch()
    await this.#worker.terminate()
  }

  #down(why: string, code: string): void {
    if (this.#over) return
    this.#over = true
    this.#cancelWatch()
    this.#options.onDown(why, code)
  }

  #watch(statement: number, ranMs: number): void {
    this.#cancelWatch = this.#options.clock.after(WATCH_MS, () => {
      const current = Atomics.load(this.#busy, BUSY_COUNT)
      const same = Atomics.load(this.#busy, BUSY_FLAG) === 1 && current === statement
      const total = same ? ranMs + WATCH_MS : 0
      const { statementTimeoutMs } = this.#options
      if (total >= statementTimeoutMs) this.#down(`a statement ran longer than ${statementTimeoutMs} ms`, '57014')
      else this.#watch(current, total)
    })
  }
}
