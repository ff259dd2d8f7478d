import { stat } from 'node:fs/promises'
import { Mutex, TaskGroup } from '../../base/async.ts'
import type { Clock } from '../../base/clock.ts'
import { errorMessage, isK2Error, K2Error } from '../../base/errors.ts'
import type { Health, Lifecycle } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/logger.ts'
import type { Config } from '../config/schema.ts'
import type { Counters } from '../pipeline/index.ts'
import { type ConfigChange, diffConfig, isEmptyChange } from './diff.ts'

/** How often the file is looked at, ms. A change counts once it has stayed the same from one look to the next. */
const LOOK_MS = 1_000

/** Where the configuration comes from. */
export interface ConfigSource {
  readonly file: string
  /** Reads and checks the whole. Throws `ConfigError` with every problem and its line. */
  readonly read: () => Config
}

export interface ReloaderOptions {
  /** Undefined: built-in defaults, which never change. */
  readonly source: ConfigSource | undefined
  readonly current: () => Config
  /** Takes the change into use. Throws or rejects before anything of it counts, or not at all. */
  readonly apply: (next: Config, change: ConfigChange) => Promise<void>
  /** Routes of commands that cannot be used at the moment. */
  readonly problems: () => readonly string[]
  readonly counters: Counters
  readonly clock: Clock
  readonly log: Logger
}

/** What a reload did. */
export interface ReloadReport extends ConfigChange {
  readonly file: string
  readonly changed: boolean
}

/**
 * Reads the configuration again when its file changes, on SIGHUP, and when somebody asks (bridging 18). What is wrong with it
 * is told by health and log, and the gateway goes on with what it has.
 */
export class Reloader implements Lifecycle {
  readonly name = 'config'
  readonly #options: ReloaderOptions
  readonly #turn = new Mutex()
  readonly #tasks: TaskGroup
  #cancelLook = (): void => {}
  #seen: string | undefined
  #settling: string | undefined
  #problem: string | undefined
  #restart: readonly string[] = []
  #stopped = false

  constructor(options: ReloaderOptions) {
    this.#options = options
    this.#tasks = new TaskGroup((err) =>
      options.log.error({ ev: 'config-watch-failed', err }, 'the configuration file is not watched'),
    )
  }

  async start(): Promise<void> {
    // The first look reads the file once more: it may have changed while everything started.
    if (this.#options.source !== undefined) this.#schedule()
  }

  /**
   * Reads and applies. Rejects `ConfigError` and what `apply` rejects, and `CONFIG_NO_FILE`; then the running configuration
   * stays.
   */
  reload(by: 'file' | 'signal' | 'command'): Promise<ReloadReport> {
    return this.#turn.run(() => this.#reload(by))
  }

  async #reload(by: string): Promise<ReloadReport> {
    const { source, current, apply, counters, log } = this.#options
    if (source === undefined) {
      const message = 'this gateway runs without a configuration file: start it with --config, or put a k2gw.yaml beside it'
      throw new K2Error({ code: 'CONFIG_NO_FILE', kind: 'input', message })
    }
    try {
      const next = source.read()
      const change = diffConfig(current(), next)
      const changed = !isEmptyChange(change)
      if (changed) await apply(next, change)
      this.#problem = undefined
      this.#restart = [...new Set([...this.#restart, ...change.restart])]
      counters.add('config_reloads_total', { outcome: changed ? 'applied' : 'unchanged' })
      if (changed) log.info({ ev: 'config-applied', by, ...logged(change) }, 'the configuration was changed')
      else log.debug({ ev: 'config-unchanged', by }, 'nothing has changed in the configuration')
      return { ...change, file: source.file, changed }
    } catch (error) {
      this.#problem = errorMessage(error)
      counters.add('config_reloads_total', { outcome: 'refused' })
      log.error(
        { ev: 'config-refused', by, problem: this.#problem },
        'the configuration cannot be used: the last good one goes on',
      )
      if (isK2Error(error)) throw error
      throw new K2Error({ code: 'CONFIG_NOT_APPLIED', kind: 'config', message: this.#problem, cause: error })
    }
  }

  async drain(): Promise<void> {
    this.#stopped = true
    this.#cancelLook()
    await this.#tasks.settled()
    await this.#turn.run(async () => {})
  }

  health(): Health {
    if (this.#problem !== undefined) {
      return { status: 'degraded', reason: `the configuration file cannot be used, the last good one goes on: ${this.#problem}` }
    }
    const [first] = this.#options.problems()
    if (first !== undefined) return { status: 'degraded', reason: first }
    if (this.#restart.length === 0) return { status: 'ok' }
    return { status: 'degraded', reason: `restart the gateway for the changes of ${this.#restart.join(', ')}` }
  }

  #schedule(): void {
    if (this.#stopped) return
    this.#cancelLook = this.#options.clock.after(LOOK_MS, () => this.#tasks.add(this.#look().finally(() => this.#schedule())))
  }

  async #look(): Promise<void> {
    const now = await stamp(this.#options.source?.file ?? '')
    if (now === undefined || now === this.#seen) {
      this.#settling = undefined
      return
    }
    // Somebody may be in the middle of writing it.
    if (now !== this.#settling) {
      this.#settling = now
      return
    }
    this.#seen = now
    // What is wrong is in health and log.
    await this.reload('file').catch(() => {})
  }
}

/** Changes with every write, also when the file is replaced by another one; undefined while there is none. */
async function stamp(file: string): Promise<string | undefined> {
  try {
    const { mtimeNs, size, ino } = await stat(file, { bigint: true })
    return `${mtimeNs}/${size}/${ino}`
  } catch {
    // Editors replace files by way of moments without one.
    return undefined
  }
}

function logged({ routes, accounts, topics, contacts, settings, restart }: ConfigChange): object {
  return {
    routes: { added: routes.added.length, removed: routes.removed.length, changed: routes.changed.length },
    accounts: accounts.map((a) => `${a.network}/${a.account} ${a.kind}`),
    topics: { joined: topics.join.length, left: topics.leave.length },
    contacts: contacts.length,
    settings,
    restart,
  }
}
