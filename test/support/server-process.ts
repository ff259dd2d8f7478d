import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'

/** A server started for a test. Ended by its own pid, also when the test process goes away. */
export class ServerProcess {
  readonly child: ChildProcess
  #output = ''

  constructor(command: string, args: readonly string[], options: SpawnOptions = {}) {
    this.child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#output = (this.#output + chunk.toString()).slice(-8000)
      })
    }
    const atExit = (): void => void this.child.kill('SIGKILL')
    process.once('exit', atExit)
    this.child.once('close', () => process.removeListener('exit', atExit))
  }

  get output(): string {
    return this.#output
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null
  }

  /** Tries until it succeeds; throws with the server's own words when it ended or took too long. */
  async until(what: string, attempt: () => Promise<void>): Promise<void> {
    const deadline = Date.now() + 30_000
    for (;;) {
      if (!this.running) throw new Error(`${what} ended at start:\n${this.#output}`)
      try {
        return await attempt()
      } catch (error) {
        if (Date.now() > deadline) throw new Error(`${what} did not start: ${String(error)}\n${this.#output}`)
        await new Promise((resolve) => setTimeout(resolve, 25))
      }
    }
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (!this.running) return
    const closed = once(this.child, 'close')
    this.child.kill(signal)
    await closed
  }
}
