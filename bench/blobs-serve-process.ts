// Runs `blobs-serve-child.mjs` on a build of the sources.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { makeBuild } from './blobs-fetch-process.ts'

export type ServeOrder =
  | { readonly op: 'address' | 'warm' | 'watch' | 'unwatch' }
  | { readonly op: 'import'; readonly path: string }

const CHILD = fileURLToPath(new URL('./blobs-serve-child.mjs', import.meta.url))

/** A process that keeps and serves blobs and does nothing else. */
export class ServeProcess {
  readonly #child: ChildProcess
  /** Rejects when it ends. */
  readonly #gone: Promise<never>

  private constructor(child: ChildProcess) {
    this.#child = child
    this.#gone = once(child, 'exit').then(() => Promise.reject(new Error('the server ended')))
    this.#gone.catch(() => {}) // its end at the end is no failure
  }

  static async start(): Promise<ServeProcess> {
    // Making a build takes more memory than serving.
    await makeBuild()
    const server = new ServeProcess(fork(CHILD, { execArgv: [] }))
    await server.#answer()
    return server
  }

  async call<T>(order: ServeOrder): Promise<T> {
    const answer = this.#answer<T>()
    this.#child.send(order)
    return await answer
  }

  async #answer<T>(): Promise<T> {
    const [message] = await Promise.race([once(this.#child, 'message'), this.#gone])
    return (message as { answer: T }).answer
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null) return
    const gone = once(this.#child, 'exit')
    this.#child.disconnect()
    await gone
  }
}
