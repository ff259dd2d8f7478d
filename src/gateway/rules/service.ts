import { existsSync, type FSWatcher, watch } from 'node:fs'
import { basename, dirname } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../../base/clock.ts'
import { errorMessage, K2Error } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { type Lexicon, language } from '../../rules/index.ts'
import type { PgPool } from '../db/pool.ts'
import type { Counters } from '../pipeline/stats.ts'
import { readRuleFiles } from './files.ts'
import { exampleReader } from './reader.ts'
import { filesDigest, loadVersions, saveVersion } from './versions.ts'

/** Editors write in several steps: what changed is looked at when it has been quiet for this long, ms. */
const DEBOUNCE_MS = 300
const MAX_PROBLEMS_LOGGED = 10
/** Loading holds the gateway up for this long at most before others have their turn, ms; the parsing of one file may take longer. */
const SLICE_MS = 4
/** Digest of files that cannot be read. */
const NO_FILES = 'none'

export interface RuleServiceOptions {
  /** Folder or file. */
  readonly path: string
  readonly lexicon: Lexicon
  readonly pool: PgPool
  readonly counters: Counters
  readonly clock: Clock
  readonly log: Logger
  /** Tells the operator what is wrong with the files, each place of it in a line. */
  readonly tell?: ((lines: readonly string[]) => void) | undefined
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
  /** Digest of the files the newest version was chosen over by hand; null where it came from files. */
  #over: string | null = null

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

  /**
   * Loads the version an administrator went back to, as long as the files are those it was chosen over; else the files, or, when
   * they are broken, the last version that was stored. Then watches the files.
   */
  async start(): Promise<void> {
    const { pool, log } = this.#options
    const stored = await loadVersions(pool)
    const last = stored.at(-1)
    this.#library = { current: null, versions: stored }
    this.#over = last?.chosenOver ?? null
    if (last !== undefined && this.#chosenOverThese()) {
      await this.#again(last, 'chosen')
      log.info({ ev: 'rules-chosen', version: last.version }, 'the version gone back to runs, until the rule files change')
    }
    if (this.#library.current === null) await this.reload('start')
    if (this.#library.current === null && last !== undefined) {
      log.warn({ ev: 'rules-fallback', version: last.version }, 'the rule files are broken: the last stored version runs')
      await this.#again(last, 'fallback')
    }
    this.#watch()
  }

  /** Runs a stored version without making a new one of it; what is wrong with the files stays on show. */
  async #again(version: language.RuleVersion, author: string): Promise<void> {
    const problems = this.#problems
    const { versions } = this.#library
    const result = await this.#sliced(language.reloadingRules(this.#library, version.files, this.#reloadOptions(author)))
    this.#take({ ...result, library: { current: result.library.current, versions } })
    if (problems.length > 0) this.#problems = problems
  }

  /** Compiling and running the examples of many rules takes a while: the gateway goes on in between. */
  async #sliced<T>(work: Generator<void, T>): Promise<T> {
    const { clock } = this.#options
    for (let begun = clock.monotonic(); ; ) {
      const step = work.next()
      if (step.done === true) return step.value
      if (clock.monotonic() - begun < SLICE_MS) continue
      await nextTurn()
      begun = clock.monotonic()
    }
  }

  #chosenOverThese(): boolean {
    return this.#over !== null && this.#over === this.#digest()
  }

  /** Of the files as they are now. */
  #digest(): string {
    try {
      return filesDigest(readRuleFiles([this.path]))
    } catch {
      return NO_FILES
    }
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
      const result = await this.#sliced(language.reloadingRules(this.#library, files, this.#reloadOptions(author)))
      return this.#stored(result, null)
    })
  }

  /** Goes back to a stored version; the files stay as they are and count again with their next change. Throws `RULES_ROLLBACK`. */
  rollback(version: string, author: string): Promise<language.Reload> {
    return this.#serially(async () => {
      const over = this.#digest()
      const result = await this.#sliced(language.rollingBackRules(this.#library, version, this.#reloadOptions(author)))
      const fault = result.problems.find((p) => p.severity === 'error')
      if (fault !== undefined) throw new K2Error({ code: 'RULES_ROLLBACK', kind: 'input', message: fault.message })
      return this.#stored(result, over)
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

  async #stored(result: language.Reload, chosenOver: string | null): Promise<language.Reload> {
    const [newest, before] = [result.library.versions.at(-1), this.#library.versions.at(-1)]
    if (!result.swapped || newest === undefined) return this.#take(result)
    // A start with the files of last time makes no new version.
    const same =
      this.#library.current === null && newest.version === before?.version && chosenOver === null && this.#over === null
    if (same) return this.#take({ ...result, library: { current: result.library.current, versions: this.#library.versions } })
    await saveVersion(this.#options.pool, newest, chosenOver)
    this.#over = chosenOver
    return this.#take(result)
  }

  #take(result: language.Reload): language.Reload {
    const { counters, log } = this.#options
    this.#problems = result.problems
    const errors = result.problems.filter((p) => p.severity === 'error')
    counters.add('rule_reload_total', { result: errors.length > 0 ? 'refused' : result.swapped ? 'swapped' : 'same' })
    const faults = errors.slice(0, MAX_PROBLEMS_LOGGED).map(language.problemLine)
    for (const fault of faults) log.error({ ev: 'rules-refused' }, fault)
    if (faults.length > 0) this.#options.tell?.(faults)
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
      // A file that was only touched does not end what was chosen by hand.
      if (this.#chosenOverThese()) return
      this.reload('files').catch((err: unknown) =>
        this.#options.log.warn({ ev: 'rules-reload', err }, 'rules could not be loaded'),
      )
    })
  }
}
