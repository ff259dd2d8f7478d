import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const COMMAND = fileURLToPath(new URL('../../bin/k2gw.mjs', import.meta.url))

export interface Started {
  readonly url: string
  readonly node: string
  readonly ticket: string
}

/** A whole gateway as a process of its own, so that it can be killed. Ended by its own pid. */
export class GatewayProcess {
  readonly dataDir: string
  readonly #configFile: string
  readonly #env: Readonly<Record<string, string>>
  readonly #wrapper: readonly string[]
  #child: ChildProcess | undefined
  #log = ''

  private constructor(dataDir: string, configFile: string, env: Readonly<Record<string, string>>, wrapper: readonly string[]) {
    this.dataDir = dataDir
    this.#configFile = configFile
    this.#env = env
    this.#wrapper = wrapper
  }

  /**
   * `config` is written as JSON, which is YAML; nothing is started yet. `wrapper` is put before the command, e.g. to run it on
   * another host; it must replace itself by what it runs.
   */
  static async prepare(
    folder: string,
    name: string,
    config: object,
    env: Readonly<Record<string, string>> = {},
    wrapper: readonly string[] = [],
  ): Promise<GatewayProcess> {
    const dataDir = join(folder, name)
    const configFile = join(folder, `${name}.yaml`)
    await writeFile(configFile, JSON.stringify({ dataDir, instance: name, http: { port: 0 }, log: { level: 'warn' }, ...config }))
    return new GatewayProcess(dataDir, configFile, env, wrapper)
  }

  /** The last lines on standard error. */
  get log(): string {
    return this.#log
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  async start(): Promise<Started> {
    const words = [...this.#wrapper, process.execPath, COMMAND, '--config', this.#configFile, '--json', 'run']
    const child = spawn(words[0] as string, words.slice(1), {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...this.#env },
    })
    this.#child = child
    const atExit = (): void => void child.kill('SIGKILL')
    process.once('exit', atExit)
    // `close` comes after the last line on standard error, which says why.
    const exited = once(child, 'close')
    exited.finally(() => process.removeListener('exit', atExit)).catch(() => {})
    child.stderr?.on('data', (data: Buffer) => {
      this.#log = (this.#log + data.toString()).slice(-20_000)
    })
    const lines = createInterface({ input: child.stdout as NonNullable<typeof child.stdout> })
    const [line] = (await Promise.race([once(lines, 'line'), exited.then(() => [undefined])])) as [string | undefined]
    if (line === undefined) throw new Error(`the gateway did not start:\n${this.#log}`)
    return JSON.parse(line) as Started
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** Asks it to stop; answers its exit code. */
  async stop(): Promise<number | null> {
    return this.#end('SIGTERM')
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child
    this.#child = undefined
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
    return child.exitCode
  }
}
