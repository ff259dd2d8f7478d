import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'

export type Impl = 'rust' | 'ts'

/** One line of a peer that is no answer: something happened. */
export interface PeerEvent {
  readonly event: string
  readonly [member: string]: unknown
}

/** A command was answered with an error, or not at all. */
export class PeerError extends Error {
  readonly code: string
  constructor(code: string, message: string) {
    super(`${code}: ${message}`)
    this.name = 'PeerError'
    this.code = code
  }
}

export interface SpawnOptions {
  readonly impl: Impl
  readonly name: string
  /** Path of the Rust peer's binary. */
  readonly binary: string
  /** Put before the command, e.g. `ip netns exec <name>`. */
  readonly wrapper?: readonly string[]
}

interface Pending {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout
}

const TS_PEER = resolve(import.meta.dirname, '../ts-peer.ts')
/** Lines of the error output shown when a peer dies. */
const STDERR_MAX = 4_000
/** Events kept; the oldest go, which only very long runs notice. */
const EVENTS_MAX = 200_000
const CALL_MS = 20_000
const EXIT_MS = 8_000

/** A peer of either implementation in a process of its own, driven by JSON lines. */
export class PeerProcess {
  readonly impl: Impl
  readonly name: string
  readonly events: PeerEvent[] = []
  readonly #child: ChildProcessWithoutNullStreams
  readonly #pending = new Map<number, Pending>()
  readonly #watchers = new Set<() => void>()
  readonly #exited: Promise<void>
  #isGone = false
  #stderr = ''
  #nextId = 1

  constructor(options: SpawnOptions) {
    this.impl = options.impl
    this.name = options.name
    const own = options.impl === 'rust' ? [options.binary] : [process.execPath, '--import', 'tsx', TS_PEER]
    const [command, ...args] = [...(options.wrapper ?? []), ...own] as [string, ...string[]]
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, RUST_BACKTRACE: '0' } })
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#take(line))
    this.#child.stderr.on('data', (data: Buffer) => {
      this.#stderr = (this.#stderr + data.toString()).slice(-STDERR_MAX)
    })
    // A write to a dead child: its end is reported by `exit`.
    this.#child.stdin.on('error', () => {})
    this.#exited = new Promise((done) => {
      const gone = (why: string): void => {
        if (this.#isGone) return
        this.#isGone = true
        for (const call of this.#pending.values()) {
          clearTimeout(call.timer)
          call.reject(new PeerError('GONE', `${this.name} ended (${why}) ${this.#stderr.trim()}`))
        }
        this.#pending.clear()
        this.#wake()
        done()
      }
      this.#child.on('error', (error) => gone(error.message))
      this.#child.on('exit', (code, signal) => gone(signal ?? `exit code ${code}`))
    })
  }

  get isGone(): boolean {
    return this.#isGone
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Runs a command and gives its answer. The shapes are those of our own two programs. Rejects `PeerError`. */
  call<T = Record<string, unknown>>(cmd: string, args: object = {}, ms = CALL_MS): Promise<T> {
    if (this.#isGone) return Promise.reject(new PeerError('GONE', `${this.name} has ended`))
    const id = this.#nextId++
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(id)
        reject(new PeerError('NO_ANSWER', `${this.name} did not answer ${cmd} within ${ms} ms`))
      }, ms)
      this.#pending.set(id, { resolve: resolve as (value: unknown) => void, reject, timer })
      this.#child.stdin.write(`${JSON.stringify({ id, cmd, args })}\n`)
    })
  }

  /** Writes a line as it is. What is no command is answered without an id: the answer appears as the event `refused`. */
  sendLine(line: string): void {
    this.#child.stdin.write(`${line}\n`)
  }

  /** Number of events so far; `next` can look from there on. */
  mark(): number {
    return this.events.length
  }

  /** The first event at or after `from` that matches, waiting for it at most `ms`. Rejects `PeerError` `NO_EVENT`. */
  async next(what: string, matches: (event: PeerEvent) => boolean, from = 0, ms = 10_000): Promise<PeerEvent> {
    const deadline = performance.now() + ms
    for (let at = from; ; ) {
      for (; at < this.events.length; at++) {
        const event = this.events[at] as PeerEvent
        if (matches(event)) return event
      }
      if (this.#isGone) throw new PeerError('GONE', `${this.name} ended while waiting for ${what} ${this.#stderr.trim()}`)
      const left = deadline - performance.now()
      if (left <= 0) throw new PeerError('NO_EVENT', `${this.name}: no ${what} within ${ms} ms`)
      await this.#changed(left)
    }
  }

  /** Ends the process without a goodbye. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exited
  }

  /** Ends the input, which ends the peer in order; kills it if that takes too long. Never rejects. */
  async end(): Promise<void> {
    this.#child.stdin.end()
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), EXIT_MS)
    await this.#exited
    clearTimeout(timer)
  }

  #changed(ms: number): Promise<void> {
    return new Promise((done) => {
      const end = (): void => {
        clearTimeout(timer)
        this.#watchers.delete(end)
        done()
      }
      const timer = setTimeout(end, ms)
      this.#watchers.add(end)
    })
  }

  #wake(): void {
    for (const watcher of [...this.#watchers]) watcher()
  }

  #record(event: PeerEvent): void {
    this.events.push(event)
    if (this.events.length > EVENTS_MAX) this.events.splice(0, EVENTS_MAX / 2)
    this.#wake()
  }

  #take(line: string): void {
    let value: Record<string, unknown>
    try {
      value = JSON.parse(line)
    } catch {
      this.#stderr = `${this.#stderr}\nnot JSON: ${line}`.slice(-STDERR_MAX)
      return
    }
    if (typeof value.event === 'string') {
      this.#record(value as unknown as PeerEvent)
      return
    }
    if (value.id === null) {
      this.#record({ event: 'refused', ...(value.error as object) })
      return
    }
    const call = this.#pending.get(value.id as number)
    if (call === undefined) return
    this.#pending.delete(value.id as number)
    clearTimeout(call.timer)
    const error = value.error as { code: string; message: string } | undefined
    if (error === undefined) call.resolve(value.ok)
    else call.reject(new PeerError(error.code, `${this.name}: ${error.message}`))
  }
}
