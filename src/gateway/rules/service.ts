import { existsSync, type FSWatcher, watch } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import { errorMessage, K2Error } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { type Lexicon, language } from '../../rules/index.ts'
import type { PgPool } from '../db/pool.ts'
import type { Counters } from '../pipeline/stats.ts'
import { readRuleFiles } from './files.ts'
import { exampleReader } from './reader.ts'
import { loadVersions, saveVersion } from './versions.ts'

/** Editors write in several steps: what changed is looked at when it has been quiet for this long, ms. */
const DEBOUNCE_MS = 300
const MAX_PROBLEMS_LOGGED = 10

export interface RuleServiceOptions {
  /** Folder or file. */
  readonly path: string
  readonly lexicon: Lexicon
  readonly pool: PgPool
  readonly counters: Counters
  readonly clock: Clock
  readonly log: Logger
}

/**
 * The running rules (rules 11.6): loaded from files, checked with their examples on the side, swapped at once; a broken file never
 * stops the set that runs. Versions are kept, and can be gone back to.
 */
export class RuleService {
  readonly path: string
  readonly #options: RuleServiceOptions
  #library: language.RuleLibrary = language.EMPTY_LIBRARY
  #problems: readonly language.RuleProblem[] = []
  #watcher: FSWatcher | undefined
  #cancel = (): void => {}
  #work: Promise<unknown> = Promise.resolve()
  #stopped = false

  constructor(options: RuleServiceOptions) {
    this.#options = options
    this.path = options.path
  }

  get current(): language.RuleSet | null {
    return this.#library.current
  }

  /** Problems of the last load; errors among them mean that an older set runs. */
  get problems(): readonly language.RuleProblem[] {
    return this.#problems
  }

  /** Oldest first. */
  get versions(): readonly language.RuleVersion[] {
    return this.#library.versions
  }

  /** Loads the files, or, when they are broken, the last version that was stored; then watches the files. */
  async start(): Promise<void> {
    const { pool, log } = this.#options
    this.#library = { current: null, versions: await loadVersions(pool) }
    await this.reload('start')
    const last = this.#library.versions.at(-1)
    if (this.#library.current === null && last !== undefined) {
      log.warn({ ev: 'rules-fallback', version: last.version }, 'the rule files are broken: the last stored version runs')
      this.#take(language.rollbackRules(this.#library, last.version, this.#reloadOptions('fallback')))
    }
    this.#watch()
  }

  stop(): Promise<unknown> {
    this.#stopped = true
    this.#cancel()
    this.#watcher?.close()
    return this.#work
  }

  /** Reads the files again. One reload at a time. */
  reload(author: string): Promise<language.Reload> {
    return this.#serially(async () => {
      let files: language.RuleFile[]
      try {
        files = readRuleFiles([this.path])
      } catch (error) {
        const problem: language.RuleProblem = {
          severity: 'error',
          file: this.path,
          line: 1,
          column: 1,
          path: '',
          message: errorMessage(error),
        }
        return this.#take({ library: this.#library, swapped: false, problems: [problem] })
      }
      return this.#stored(language.reloadRules(this.#library, files, this.#reloadOptions(author)))
    })
  }

  /** Goes back to a stored version; the files stay as they are and count again with their next change. Throws `RULES_ROLLBACK`. */
  rollback(version: string, author: string): Promise<language.Reload> {
    return this.#serially(async () => {
      const result = language.rollbackRules(this.#library, version, this.#reloadOptions(author))
      const fault = result.problems.find((p) => p.severity === 'error')
      if (fault !== undefined) throw new K2Error({ code: 'RULES_ROLLBACK', kind: 'input', message: fault.message })
      return this.#stored(result)
    })
  }

  #serially<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#work.then(work, work)
    this.#work = run.catch(() => {})
    return run
  }

  #reloadOptions(author: string): language.ReloadOptions {
    const { lexicon, clock } = this.#options
    return {
      now: clock.now(),
      author,
      read: exampleReader(lexicon),
      knownTopics: new Set(lexicon.taxonomy.topics.map((t) => t.slug)),
    }
  }

  async #stored(result: language.Reload): Promise<language.Reload> {
    const newest = result.library.versions.at(-1)
    if (result.swapped && newest !== undefined) await saveVersion(this.#options.pool, newest)
    return this.#take(result)
  }

  #take(result: language.Reload): language.Reload {
    const { counters, log } = this.#options
    this.#problems = result.problems
    const errors = result.problems.filter((p) => p.severity === 'error')
    counters.add('rule_reload_total', { result: errors.length > 0 ? 'refused' : result.swapped ? 'swapped' : 'same' })
    for (const problem of errors.slice(0, MAX_PROBLEMS_LOGGED)) log.error({ ev: 'rules-refused' }, language.problemLine(problem))
    if (result.swapped)
      log.info(
        { ev: 'rules-loaded', version: result.library.current?.version, rules: result.library.current?.rules.length },
        'rules loaded',
      )
    this.#library = result.library
    return result
  }

  /** Watches the folder, also of a single file: editors replace files by renaming. */
  #watch(): void {
    const single = /\.ya?ml$/.test(this.path)
    const folder = single ? dirname(this.path) : this.path
    if (this.#stopped || !existsSync(folder)) return
    try {
      this.#watcher = watch(folder, { persistent: false }, (_event, name) => {
        if (name !== null && (single ? name !== basename(this.path) : !/\.ya?ml$/.test(name))) return
        this.#soon()
      })
      this.#watcher.on('error', (err) => {
        this.#options.log.warn({ ev: 'rules-watch', err }, 'changes of rule files are not seen any more: use "rules reload"')
      })
    } catch (error) {
      this.#options.log.warn(
        { ev: 'rules-watch', reason: errorMessage(error) },
        'changes of rule files are not seen: use "rules reload"',
      )
    }
  }

  #soon(): void {
    this.#cancel()
    this.#cancel = this.#options.clock.after(DEBOUNCE_MS, () => {
      this.reload('files').catch((err: unknown) =>
        this.#options.log.warn({ ev: 'rules-reload', err }, 'rules could not be loaded'),
      )
    })
  }
}
