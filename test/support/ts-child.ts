import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/**
 * A TypeScript file running as a process of its own, read line by line. Ended by its own pid. `loader` is what reads it: tsx, or a
 * module of Node's own hooks.
 */
export class TsChild {
  readonly child: ChildProcess
  readonly lines: string[] = []
  #waiting: { readonly when: (lines: readonly string[]) => boolean; readonly done: () => void }[] = []
  #errors = ''

  constructor(file: string, args: readonly string[] = [], env: Readonly<Record<string, string>> = {}, loader = 'tsx') {
    this.child = spawn(process.execPath, ['--import', loader, file, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    })
    const atExit = (): void => void this.child.kill('SIGKILL')
    process.once('exit', atExit)
    this.child.once('close', () => process.removeListener('exit', atExit))
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.#errors = (this.#errors + chunk.toString()).slice(-8000)
    })
    if (this.child.stdout) {
      createInterface(this.child.stdout).on('line', (line) => {
        this.lines.push(line)
        this.#check()
      })
    }
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null
  }

  get errors(): string {
    return this.#errors
  }

  /** Resolves once the lines printed so far satisfy the condition; rejects when the process ends before. */
  async until(when: (lines: readonly string[]) => boolean): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const ended = (): void => reject(new Error(`the process ended:\n${this.#errors}`))
      this.child.once('close', ended)
      const done = (): void => {
        this.child.removeListener('close', ended)
        resolve()
      }
      this.#waiting.push({ when, done })
      this.#check()
      if (!this.running) ended()
    })
  }

  /** Resolves after everything it printed was read. */
  async end(signal: NodeJS.Signals): Promise<void> {
    if (!this.running) return
    const closed = once(this.child, 'close')
    this.child.kill(signal)
    await closed
  }

  #check(): void {
    this.#waiting = this.#waiting.filter((w) => {
      if (!w.when(this.lines)) return true
      w.done()
      return false
    })
  }
}
